//! Who may manage which members, and what an invitation may grant (organisation 4.6, 7.4).

use serde::{Deserialize, Serialize};
use shared::accounts::users::{parse_email, parse_optional_name};
use shared::caller::access::PERMISSION_KEYS;
use shared::caller::{Person, access};
use shared::error::Invalid;
use shared::web::FormState;

use crate::companies::model::Flag;

/// What the caller may do with the members of one company.
#[derive(Debug, Clone)]
pub struct Manager {
    /// Grants anything.
    pub is_super_admin: bool,
    rights: access::Rights,
}

impl Manager {
    /// The manager of a company, or nobody: super administrators everywhere, others where an active
    /// membership makes them company admin or carries `membership.manage`.
    pub fn of(person: &Person, company_id: i64) -> Option<Self> {
        if person.user.is_super_admin {
            return Some(Self { is_super_admin: true, rights: access::Rights::all() });
        }
        let membership = person.memberships.iter().find(|m| m.company.id == company_id)?;
        let rights = membership.rights.clone();
        rights.manages("membership.manage").then_some(Self { is_super_admin: false, rights })
    }

    /// True when the caller may make somebody company admin.
    pub fn may_grant_admin(&self) -> bool {
        self.is_super_admin || self.rights.is_admin
    }

    /// Nobody grants a permission they do not hold; global ones are granted at the provider by super
    /// administrators only.
    pub fn may_grant(&self, role: &Role, at_provider: bool) -> bool {
        let is_global = |key: &String| PERMISSION_KEYS.iter().any(|known| known.key == key && known.scope == "global");
        if role.keys().iter().any(is_global) {
            return self.is_super_admin && at_provider;
        }
        self.is_super_admin || role.keys().iter().all(|key| self.rights.keys.contains(key))
    }
}

/// A role as invitations need it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Role {
    /// Row of `roles`.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// JSON array of keys.
    pub permissions: String,
}

impl Role {
    /// The keys; unreadable text grants nothing and may be granted by nobody but super administrators.
    pub fn keys(&self) -> Vec<String> {
        serde_json::from_str(&self.permissions).unwrap_or_else(|_| vec!["unreadable".to_owned()])
    }
}

/// One choice of a select.
#[derive(Debug, Clone, Serialize)]
pub struct Choice {
    /// What is sent.
    pub value: i64,
    /// What is shown.
    pub label: String,
}

/// What is typed about a person to invite; the original's camel-case names are taken too.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    /// The company.
    #[serde(alias = "companyId")]
    pub company_id: String,
    /// Where the invitation goes.
    pub email: String,
    /// May be empty.
    #[serde(alias = "firstName")]
    pub first_name: String,
    /// May be empty.
    #[serde(alias = "lastName")]
    pub last_name: String,
    /// Id of a role; `Member` when empty.
    #[serde(alias = "roleId", alias = "role_id")]
    pub role: String,
    /// Company admin.
    #[serde(alias = "isAdmin")]
    pub is_admin: Flag,
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
    /// Company admin.
    pub is_admin: bool,
}

impl Fields {
    /// Checks what was typed against what the caller may grant.
    pub fn parse(&self, manager: &Manager, roles: &[Role]) -> Result<Invitation, Invalid> {
        let mut bad = Invalid::none();
        let email = bad.check("email", self.parse_email());
        let first_name = bad.check("first_name", parse_optional_name(&self.first_name));
        let last_name = bad.check("last_name", parse_optional_name(&self.last_name));
        let role = bad.check("role", self.role(roles));
        if self.is_admin.0 && !manager.may_grant_admin() {
            bad.add("is_admin", "You cannot grant permissions you do not hold");
        }
        bad.finish()?;
        let (Some(email), Some(role)) = (email, role) else {
            return Err(Invalid::field("email", "Enter an email address"));
        };
        Ok(Invitation {
            email,
            first_name: first_name.flatten(),
            last_name: last_name.flatten(),
            role,
            is_admin: self.is_admin.0,
        })
    }

    fn parse_email(&self) -> Result<String, &'static str> {
        if self.email.trim().is_empty() { Err("Enter an email address") } else { parse_email(&self.email) }
    }

    /// `roles` are those that the caller may grant.
    fn role(&self, roles: &[Role]) -> Result<Role, &'static str> {
        let wanted = self.role.trim();
        let found = roles
            .iter()
            .find(|role| if wanted.is_empty() { role.name == "Member" } else { wanted == role.id.to_string() });
        found.cloned().ok_or("You cannot grant this role. Choose another.")
    }
}

/// The form before anything is typed.
pub fn blank(roles: &[Role]) -> FormState {
    let member = roles.iter().find(|role| role.name == "Member").map(|role| role.id.to_string());
    FormState::of([("role", member.unwrap_or_default())])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(id: i64, name: &str, keys: &str) -> Role {
        Role { id, name: name.to_owned(), permissions: keys.to_owned() }
    }

    fn manager(keys: &[&str], is_admin: bool) -> Manager {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        let rights = access::Rights { is_member: true, is_admin, keys, ..access::Rights::default() };
        Manager { is_super_admin: false, rights }
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
        let everything = Manager { is_super_admin: true, rights: access::Rights::all() };
        assert!(everything.may_grant(&technician, true) && !everything.may_grant(&technician, false));
        assert!(!manager(&["portal.access", "helpdesk.technician"], true).may_grant(&technician, true));
    }

    #[test]
    fn an_invitation_names_every_fault() {
        let roles = [role(1, "Member", r#"["portal.access"]"#)];
        let fields =
            Fields { email: "ana".to_owned(), role: "9".to_owned(), is_admin: Flag(true), ..Fields::default() };
        let bad = fields.parse(&manager(&[], false), &roles).unwrap_err();
        assert_eq!(bad.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["email", "role", "is_admin"]);
        let fields = Fields { email: " Ana@Example.com ".to_owned(), ..Fields::default() };
        let invitation = fields.parse(&manager(&[], false), &roles).unwrap();
        assert_eq!((invitation.email.as_str(), invitation.role.id), ("ana@example.com", 1));
    }
}
