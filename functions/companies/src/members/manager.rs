//! Who may manage which members, and what they may grant (organisation 4.6).

use chrono::{DateTime, Utc};
use shared::accounts::users;
use shared::caller::access::{PERMISSION_KEYS, Rights};
use shared::caller::{Keyed, Membership, Person, User};
use shared::db::Tx;
use shared::error::{Error, Result};

use super::access::{Field, Flags};
use super::record::{Keys, Record};

/// The text of every refusal to grant.
pub const NOT_HELD: &str = "You cannot grant permissions you do not hold";

/// The name of the role that stands above company admins. System roles keep their names.
const OWNER: &str = "Owner";

/// A role as the rules need it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Role {
    /// Row of `roles`.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// What it opens.
    #[sqlx(try_from = "String")]
    pub permissions: Keys,
}

impl Role {
    /// True when one of its keys counts beyond the company.
    pub fn is_global(&self) -> bool {
        is_global(&self.permissions.0)
    }
}

/// True when one of the keys counts beyond the company.
pub fn is_global(keys: &[String]) -> bool {
    keys.iter().any(|key| PERMISSION_KEYS.iter().any(|known| known.key == key && known.scope == "global"))
}

/// What a membership would be after a change.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'w> {
    /// `invited`, `active` or `suspended`.
    pub status: &'w str,
    /// The role.
    pub role: &'w Role,
    /// The sections.
    pub flags: Flags,
    /// 0 to 3.
    pub staff_permission: i64,
    /// When the membership was first in force, if ever.
    pub joined_at: Option<DateTime<Utc>>,
}

/// What the caller may do with the members of one company.
#[derive(Debug, Clone)]
pub struct Manager {
    /// Grants anything.
    pub is_super_admin: bool,
    is_key: bool,
    is_owner: bool,
    user_id: Option<i64>,
    rights: Rights,
}

impl Manager {
    /// The manager of a company, or nobody: super administrators everywhere, others where an active
    /// membership makes them company admin or carries `membership.manage`.
    pub fn of(person: &Person, company_id: i64) -> Option<Self> {
        let membership = person.memberships.iter().find(|m| m.company.id == company_id);
        if person.user.is_super_admin {
            return Some(Self { user_id: Some(person.id()), is_super_admin: true, ..Self::everything() });
        }
        Self::by_membership(person.id(), membership?)
    }

    fn by_membership(user_id: i64, membership: &Membership) -> Option<Self> {
        membership.rights.manages("membership.manage").then(|| Self {
            is_super_admin: false,
            is_key: false,
            is_owner: membership.role_name == OWNER,
            user_id: Some(user_id),
            rights: membership.rights.clone(),
        })
    }

    /// The same for work that somebody asked for earlier: what they may do now, which may be nothing.
    pub async fn later(tx: &mut Tx, user: &users::User, company_id: i64) -> Result<Option<Self>> {
        if !user.is_active {
            return Ok(None);
        }
        if user.is_super_admin {
            return Ok(Some(Self { user_id: Some(user.id), is_super_admin: true, ..Self::everything() }));
        }
        let membership = Membership::now(tx, user.id, company_id).await?;
        Ok(membership.and_then(|membership| Self::by_membership(user.id, &membership)))
    }

    /// The same where API keys are admitted: a key manages the companies it reaches.
    pub fn of_caller(by: &Keyed<User>, company_id: i64) -> Option<Self> {
        match by.person() {
            Some(person) => Self::of(person, company_id),
            None if by.key_company().is_some_and(|only| only != company_id) => None,
            None => Some(Self { is_key: true, ..Self::everything() }),
        }
    }

    fn everything() -> Self {
        Self { is_super_admin: false, is_key: false, is_owner: true, user_id: None, rights: Rights::all() }
    }

    /// The portal itself, where something was decided earlier and its time has come.
    pub fn system() -> Self {
        Self { is_super_admin: true, ..Self::everything() }
    }

    /// True when the caller may make somebody company admin.
    pub fn may_grant_admin(&self) -> bool {
        self.may_flag(Field::Admin)
    }

    /// True when the caller may switch a section on.
    pub fn may_flag(&self, field: Field) -> bool {
        self.is_super_admin || field.of(&self.rights)
    }

    /// True when the caller may give a staff level.
    pub fn may_level(&self, level: i64) -> bool {
        self.is_super_admin || level <= self.rights.staff_level
    }

    /// Nobody grants a permission they do not hold; global ones are granted at the provider by super
    /// administrators only, and the highest role by those who have it.
    pub fn may_grant(&self, role: &Role, at_provider: bool) -> bool {
        if role.is_global() {
            return self.is_super_admin && at_provider;
        }
        if self.is_super_admin || self.is_key {
            return true;
        }
        let holds = |key: &String| self.rights.keys.contains(key);
        role.permissions.0.iter().all(holds) && (role.name != OWNER || self.is_owner)
    }

    /// Nobody changes their own membership, and only owners change those of owners and company admins.
    pub fn may_touch(&self, member: &Record) -> Result<()> {
        match self.why_not(member) {
            None => Ok(()),
            Some(why) => Err(Error::forbidden(why)),
        }
    }

    /// Why a member is out of reach, as a sentence; nothing when they are not.
    pub fn why_not(&self, member: &Record) -> Option<&'static str> {
        if self.is_super_admin || self.is_key {
            return None;
        }
        if self.user_id == Some(member.user_id) {
            return Some("You cannot change your own membership");
        }
        let stands_above = member.role_name == OWNER || member.flags.is_admin;
        (stands_above && !self.is_owner).then_some("Only an owner of the company can change this member")
    }

    /// Refuses what would add a permission that the caller does not hold. What a suspended member had
    /// does not count: taking somebody up again grants everything anew.
    pub fn check(&self, before: Option<&Record>, wanted: &Wanted<'_>, at_provider: bool) -> Result<()> {
        if self.is_super_admin || wanted.status == "suspended" {
            return Ok(());
        }
        let before = before.filter(|record| record.status != "suspended");
        self.check_joining(before, wanted)?;
        let has_role = before.is_some_and(|record| record.role_id == wanted.role.id);
        let had = before.map_or_else(Flags::default, |record| record.flags);
        let level = before.map_or(0, |record| record.staff_permission);
        let is_new = |field: &Field| wanted.flags.get(*field) && !had.get(*field);
        let may_all = (has_role || self.may_grant(wanted.role, at_provider))
            && Field::ALL.iter().filter(|field| is_new(field)).all(|field| self.may_flag(*field))
            && (wanted.staff_permission <= level || self.may_level(wanted.staff_permission));
        if may_all { Ok(()) } else { Err(Error::forbidden(NOT_HELD)) }
    }

    /// Joining is the person's own decision; who was a member before has made it.
    fn check_joining(&self, before: Option<&Record>, wanted: &Wanted<'_>) -> Result<()> {
        let joins = wanted.status == "active" && !before.is_some_and(Record::is_active);
        if joins && !self.is_key && wanted.joined_at.is_none() {
            return Err(Error::forbidden("Only the invited person can accept the invitation"));
        }
        Ok(())
    }

    /// People of every company may be added.
    pub fn sees_everybody(&self) -> bool {
        self.is_super_admin || self.is_key
    }

    /// A company keeps an administrator, unless a super administrator decides otherwise.
    pub fn may_leave_without_admin(&self) -> bool {
        self.is_super_admin
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::members) fn role(id: i64, name: &str, keys: &str) -> Role {
        Role { id, name: name.to_owned(), permissions: Keys::from(keys.to_owned()) }
    }

    pub(in crate::members) fn manager(keys: &[&str], is_admin: bool) -> Manager {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        let rights = Rights { is_member: true, is_admin, keys, can_access_shop: true, ..Rights::default() };
        Manager { is_super_admin: false, is_key: false, is_owner: false, user_id: Some(1), rights }
    }

    fn wanted<'w>(role: &'w Role, flags: &[Field], level: i64) -> Wanted<'w> {
        let mut all = Flags::default();
        flags.iter().for_each(|field| all.set(*field, true));
        let joined_at = DateTime::from_timestamp(1, 0);
        Wanted { status: "active", role, flags: all, staff_permission: level, joined_at }
    }

    #[test]
    fn nobody_grants_what_they_do_not_hold() {
        let administrator = manager(&["portal.access", "membership.manage"], false);
        let member = role(1, "Member", r#"["portal.access"]"#);
        let owner = role(2, "Owner", r#"["portal.access","billing.manage"]"#);
        let technician = role(3, "Helpdesk technician", r#"["portal.access","helpdesk.technician"]"#);
        assert!(administrator.may_grant(&member, false));
        assert!(!administrator.may_grant(&owner, false));
        assert!(!administrator.may_grant(&role(4, "Broken", "{"), false));
        assert!(!administrator.may_grant(&role(5, "Owner", r#"["portal.access"]"#), false), "only owners make owners");
        let everything = Manager { is_super_admin: true, ..Manager::everything() };
        assert!(everything.may_grant(&technician, true) && !everything.may_grant(&technician, false));
        assert!(!manager(&["portal.access", "helpdesk.technician"], true).may_grant(&technician, true));
        let key = Manager { is_key: true, ..Manager::everything() };
        assert!(key.may_grant(&owner, false) && !key.may_grant(&technician, true));
    }

    #[test]
    fn only_what_is_added_counts() {
        let administrator = manager(&["portal.access", "membership.manage"], false);
        let member = role(1, "Member", r#"["portal.access"]"#);
        assert!(administrator.check(None, &wanted(&member, &[Field::Shop], 0), false).is_ok());
        for (flags, level) in [(&[Field::Cart][..], 0), (&[Field::Admin][..], 0), (&[][..], 1)] {
            assert!(administrator.check(None, &wanted(&member, flags, level), false).is_err(), "{flags:?} {level}");
        }
        let mut invited = wanted(&member, &[], 0);
        invited.joined_at = None;
        assert!(administrator.check(None, &invited, false).is_err(), "nobody joins for another");
        invited.status = "invited";
        assert!(administrator.check(None, &invited, false).is_ok());
    }
}
