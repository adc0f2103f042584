//! Who sees and may do what in the directory (organisation 4.2). Records out of reach do not exist.

use shared::caller::access::Rights;
use shared::caller::{Keyed, Member, Person, Section, User};
use shared::context::By;
use shared::db::{Sql, sql};
use shared::error::{Error, Result};

use super::field::Field;
use super::model::Staff;

/// Any staff level.
#[derive(Debug, Clone, Copy)]
pub struct Directory;

impl Section for Directory {
    const LABEL: &'static str = "the staff directory";

    fn opens(rights: &Rights) -> bool {
        rights.staff_level > 0
    }
}

/// The staff level from which people are added, edited and invited.
pub const EDITING_LEVEL: i64 = 3;

/// Whose records a caller reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Reach {
    /// Every company.
    Everything,
    /// One company.
    Company(i64),
    /// One department of a company; level 2 also reaches people without one.
    Department { company_id: i64, key: Option<String>, or_none: bool },
}

/// What the caller may see and do.
#[derive(Debug, Clone)]
pub struct Viewer {
    reach: Reach,
    level: i64,
    /// Everything is open.
    pub is_super_admin: bool,
    /// Only people see codes, never keys.
    pub is_person: bool,
}

impl Viewer {
    /// The viewer of a page: the active company.
    pub async fn of(by: &Member<Directory>) -> Result<Self> {
        let rights = &by.me().rights;
        Self::in_company(by, by.me(), by.company().id, rights.staff_level).await
    }

    /// A super administrator, wherever the record lies.
    pub fn super_admin() -> Self {
        Self { reach: Reach::Everything, level: 3, is_super_admin: true, is_person: true }
    }

    /// The same for callers of whom some are keys, which may be limited to one company.
    pub fn machine(only: Option<i64>, is_person: bool) -> Self {
        Self { reach: only.map_or(Reach::Everything, Reach::Company), is_person, ..Self::super_admin() }
    }

    /// The same for one record: super administrators open those of every company, as links lead there.
    pub async fn of_one(by: &Member<Directory>) -> Result<Self> {
        let viewer = Self::of(by).await?;
        let reach = if viewer.is_super_admin { Reach::Everything } else { viewer.reach };
        Ok(Self { reach, ..viewer })
    }

    /// A person in a company where they have a staff level.
    async fn in_company(by: &By, person: &Person, company_id: i64, level: i64) -> Result<Self> {
        let is_super_admin = person.user.is_super_admin;
        let reach = if is_super_admin || level >= 3 {
            Reach::Company(company_id)
        } else {
            let key = own_department(by, person, company_id).await?;
            Reach::Department { company_id, key, or_none: level == 2 }
        };
        Ok(Self { reach, level: if is_super_admin { 3 } else { level }, is_super_admin, is_person: true })
    }

    /// A caller of the API: super administrators and keys reach every company they may, others the
    /// company that is asked for, or the active one.
    pub async fn of_api(by: &Keyed<User>, company_id: Option<i64>) -> Result<Self> {
        let Some(person) = by.person() else {
            return Ok(Self::machine(by.key_company(), false));
        };
        if person.user.is_super_admin {
            return Ok(Self::super_admin());
        }
        let active = person.company.as_ref().map(|company| company.id);
        let id = company_id
            .or(active)
            .ok_or_else(|| Error::bad_request("No company associated with the current user").code("no_company"))?;
        let membership = person.memberships.iter().find(|m| m.company.id == id);
        let level = membership.ok_or_else(|| Error::not_found("Company not found"))?.rights.staff_level;
        if level == 0 {
            return Err(Error::forbidden("Access denied").with("section", Directory::LABEL));
        }
        Self::in_company(by, person, id, level).await
    }

    /// The companies of the caller in which a record may lie, for looking one up by its number.
    pub async fn of_record(by: &Keyed<User>, company_id: i64) -> Result<Option<Self>> {
        let Some(person) = by.person().filter(|person| !person.user.is_super_admin) else {
            return Self::of_api(by, None).await.map(Some);
        };
        let membership = person.memberships.iter().find(|m| m.company.id == company_id);
        match membership.map_or(0, |m| m.rights.staff_level) {
            0 => Ok(None),
            level => Self::in_company(by, person, company_id, level).await.map(Some),
        }
    }

    /// Goes behind `WHERE …` of `staff s`.
    pub fn condition(&self) -> Sql {
        match &self.reach {
            Reach::Everything => sql(""),
            Reach::Company(id) => sql(" AND s.company_id = ?").bind(*id),
            Reach::Department { company_id, key, or_none } => {
                let within = sql(" AND s.company_id = ?").bind(*company_id);
                match (key, or_none) {
                    (Some(key), true) => {
                        within.push(" AND (s.department_key = ? OR s.department_key IS NULL)").bind(key)
                    }
                    (Some(key), false) => within.push(" AND s.department_key = ?").bind(key),
                    (None, true) => within.push(" AND s.department_key IS NULL"),
                    (None, false) => within.push(" AND 1 = 0"),
                }
            }
        }
    }

    /// The only company that is reached, if it is one.
    pub fn company_id(&self) -> Option<i64> {
        match &self.reach {
            Reach::Everything => None,
            Reach::Company(id) | Reach::Department { company_id: id, .. } => Some(*id),
        }
    }

    /// All people of the company are in reach.
    pub fn sees_all(&self) -> bool {
        self.level >= 3
    }

    /// Nobody can be in reach: no department is known.
    pub fn lacks_department(&self) -> bool {
        matches!(&self.reach, Reach::Department { key: None, .. })
    }

    /// May add people, edit them and invite them.
    pub fn may_edit(&self) -> bool {
        self.level >= EDITING_LEVEL
    }

    /// May disable people and plan their end.
    pub fn may_disable(&self) -> bool {
        self.level >= 2
    }

    /// May write the field at all.
    pub fn may_write(&self, field: Field) -> bool {
        match field {
            Field::AccountAction => self.is_super_admin,
            Field::Enabled | Field::DateOffboarded => self.may_disable(),
            _ => self.may_edit(),
        }
    }

    /// May write the field of this person now: what is decided stays for everybody but super administrators,
    /// and so does the address by which the account that ends is found.
    pub fn may_change(&self, staff: &Staff, field: Field) -> bool {
        let is_fixed = staff.is_leaving() && matches!(field, Field::DateOffboarded | Field::Email);
        self.may_write(field) && (self.is_super_admin || !is_fixed)
    }

    /// Removes the code from what the caller is shown, unless they may see it.
    pub fn show(&self, by: &By, mut staff: Staff) -> Staff {
        if self.is_super_admin && self.is_person {
            super::verify::reveal(by, &mut staff);
        }
        staff
    }

    /// A viewer of a level for samples; 4 is a super administrator.
    pub(super) fn sample(level: i64) -> Self {
        Self { reach: Reach::Company(1), level, is_super_admin: level > 3, is_person: true }
    }
}

/// The department of the viewer's own record: the one that is linked to the account, else the one with the
/// verified address. A blank department counts as none.
async fn own_department(by: &By, person: &Person, company_id: i64) -> Result<Option<String>> {
    let email = person.user.email_verified_at.is_some().then(|| person.user.email.to_lowercase());
    let row: Option<(Option<String>,)> = sql("SELECT s.department_key FROM staff s WHERE s.company_id = ? \
         AND (s.user_id = ? OR s.email = ?) ORDER BY CASE WHEN s.user_id = ? THEN 0 ELSE 1 END, s.id LIMIT 1")
    .bind(company_id)
    .bind(person.id())
    .bind(email)
    .bind(person.id())
    .fetch_optional(by.db())
    .await?;
    Ok(row.and_then(|(key,)| key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_level_writes_what_the_table_says() {
        let may = |level| Field::ALL.into_iter().filter(|f| Viewer::sample(level).may_write(*f)).count();
        assert_eq!((may(1), may(2), may(3), may(4)), (0, 2, 16, 17));
        assert!(Viewer::sample(2).may_write(Field::Enabled) && !Viewer::sample(2).may_write(Field::Email));
        assert!(!Viewer::sample(3).may_write(Field::AccountAction));
    }
}
