//! What is typed about a person who should join, and what of it may be granted (organisation 7.4).

use serde::{Deserialize, Serialize};
use shared::accounts::users::{parse_email, parse_optional_name};
use shared::error::Invalid;
use shared::web::{Form, FormState};

use super::access::{Field, Flags, STAFF_LEVELS, is_true, staff_level};
use super::manager::{Manager, NOT_HELD, Role};

/// One choice of a select.
#[derive(Debug, Clone, Serialize)]
pub struct Choice {
    /// What is sent.
    pub value: i64,
    /// What is shown.
    pub label: String,
}

/// The roles as a select shows them.
pub fn role_choices(roles: &[Role]) -> Vec<Choice> {
    roles.iter().map(|role| Choice { value: role.id, label: role.name.clone() }).collect()
}

/// The staff levels that somebody may give.
pub fn level_choices(manager: &Manager) -> Vec<Choice> {
    let levels = STAFF_LEVELS.iter().filter(|(level, _)| manager.may_level(*level));
    levels.map(|(value, label)| Choice { value: *value, label: (*label).to_owned() }).collect()
}

/// A section as a check box.
#[derive(Debug, Clone, Serialize)]
pub struct Tick {
    /// What is sent.
    pub name: &'static str,
    /// What is shown.
    pub label: &'static str,
    /// One sentence.
    pub hint: &'static str,
    /// Switched on.
    pub on: bool,
    /// The viewer may not switch it on.
    pub locked: bool,
}

/// All sections as check boxes.
pub fn ticks(manager: &Manager, flags: &Flags) -> Vec<Tick> {
    let tick = |field: Field| Tick {
        name: field.name(),
        label: field.label(),
        hint: field.hint(),
        on: flags.get(field),
        locked: !flags.get(field) && !manager.may_flag(field),
    };
    Field::ALL.into_iter().map(tick).collect()
}

/// What is typed about a person to add; the original's camel-case names are taken too.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    /// The company.
    #[serde(alias = "companyId")]
    pub company_id: String,
    /// Where the invitation goes.
    pub email: String,
    /// Where the person gets a password at once.
    pub password: String,
    /// May be empty.
    #[serde(alias = "firstName")]
    pub first_name: String,
    /// May be empty.
    #[serde(alias = "lastName")]
    pub last_name: String,
    /// Id of a role; `Member` when empty.
    #[serde(alias = "roleId", alias = "role_id")]
    pub role: String,
    /// 0 to 3; 0 when empty.
    #[serde(alias = "staffPermission")]
    pub staff_permission: String,
}

/// The sections that a form ticks.
pub fn ticked<T>(form: &Form<T>) -> Flags {
    let mut flags = Flags::default();
    for field in Field::ALL {
        let names = [field.name(), if field == Field::Admin { "isAdmin" } else { "" }];
        flags.set(field, names.iter().any(|name| form.all(name).iter().any(|value| is_true(value))));
    }
    flags
}

/// An invitation that may be sent.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// Where it goes.
    pub email: String,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// The role in the company.
    pub role: Role,
    /// The sections.
    pub flags: Flags,
    /// 0 to 3.
    pub staff_permission: i64,
    /// Digest of a first password, where one was set.
    pub password_hash: Option<String>,
}

impl Fields {
    /// Checks what was typed against what the caller may grant; `roles` are those.
    pub fn parse(&self, manager: &Manager, roles: &[Role], flags: Flags) -> Result<Invitation, Invalid> {
        let mut bad = Invalid::none();
        let email = bad.check("email", self.parse_email());
        let first_name = bad.check("first_name", parse_optional_name(&self.first_name));
        let last_name = bad.check("last_name", parse_optional_name(&self.last_name));
        let grant = self.grant(manager, roles, flags, &mut bad);
        bad.finish()?;
        let (Some(email), Some((role, staff_permission))) = (email, grant) else {
            return Err(Invalid::field("email", "Enter an email address"));
        };
        Ok(Invitation {
            email,
            first_name: first_name.flatten(),
            last_name: last_name.flatten(),
            role,
            flags,
            staff_permission,
            password_hash: None,
        })
    }

    /// Role and staff level, if the caller may grant them and the sections.
    pub fn grant(&self, manager: &Manager, roles: &[Role], flags: Flags, bad: &mut Invalid) -> Option<(Role, i64)> {
        let role = bad.check("role", self.role(roles));
        let level = bad.check("staff_permission", self.level(manager));
        for field in Field::ALL.into_iter().filter(|field| flags.get(*field) && !manager.may_flag(*field)) {
            bad.add(field.name(), NOT_HELD);
        }
        role.zip(level)
    }

    fn parse_email(&self) -> Result<String, &'static str> {
        if self.email.trim().is_empty() { Err("Enter an email address") } else { parse_email(&self.email) }
    }

    fn role(&self, roles: &[Role]) -> Result<Role, &'static str> {
        let wanted = self.role.trim();
        let found = roles
            .iter()
            .find(|role| if wanted.is_empty() { role.name == "Member" } else { wanted == role.id.to_string() });
        found.cloned().ok_or("You cannot grant this role. Choose another.")
    }

    fn level(&self, manager: &Manager) -> Result<i64, &'static str> {
        if self.staff_permission.trim().is_empty() {
            return Ok(0);
        }
        let level = staff_level(&self.staff_permission).ok_or("Choose a staff level from the list")?;
        if manager.may_level(level) { Ok(level) } else { Err(NOT_HELD) }
    }
}

/// The form before anything is typed.
pub fn blank(roles: &[Role]) -> FormState {
    let member = roles.iter().find(|role| role.name == "Member").map(|role| role.id.to_string());
    FormState::of([("role", member.unwrap_or_default())])
}

#[cfg(test)]
mod tests {
    use super::super::manager::tests::{manager, role};
    use super::*;

    #[test]
    fn an_invitation_names_every_fault() {
        let roles = [role(1, "Member", r#"["portal.access"]"#)];
        let fields = Fields {
            email: "ana".to_owned(),
            role: "9".to_owned(),
            staff_permission: "2".to_owned(),
            ..Fields::default()
        };
        let mut flags = Flags::default();
        [Field::Shop, Field::Cart, Field::Admin].into_iter().for_each(|field| flags.set(field, true));
        let bad = fields.parse(&manager(&[], false), &roles, flags).unwrap_err();
        let names: Vec<&str> = bad.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["email", "role", "staff_permission", "can_access_cart", "is_admin"]);
        let fields = Fields { email: " Ana@Example.com ".to_owned(), ..Fields::default() };
        let invitation = fields.parse(&manager(&[], false), &roles, Flags::default()).unwrap();
        assert_eq!((invitation.email.as_str(), invitation.role.id), ("ana@example.com", 1));
    }
}
