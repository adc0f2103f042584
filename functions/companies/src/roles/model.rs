//! A role as callers write and read it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::caller::access::PERMISSION_KEYS;
use shared::error::Invalid;
use shared::web::Patch;
use utoipa::ToSchema;

use crate::members::record::Keys;

/// A role.
#[derive(Debug, Clone, Serialize, sqlx::FromRow, ToSchema)]
#[schema(example = json!({"id": 7, "name": "Bookkeeper", "description": "Invoices and orders.",
    "permissions": ["portal.access", "billing.manage"], "is_system": false, "member_count": 4,
    "created_at": "2026-11-02T08:00:00Z", "updated_at": "2026-11-23T08:55:00Z"}))]
pub struct Role {
    /// Number of the role.
    pub id: i64,
    /// Its name, unique whatever its case.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Keys of permissions.
    #[sqlx(try_from = "String")]
    #[schema(value_type = Vec<String>)]
    pub permissions: Keys,
    /// Ships with the portal: keeps its name and cannot be deleted.
    pub is_system: bool,
    /// Memberships that have it.
    pub member_count: i64,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// A permission key with its meaning.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = RolePermission, example = json!({"key": "billing.manage", "label": "Manage billing",
    "description": "Opens invoices.", "scope": "company"}))]
pub struct Permission {
    /// As roles store it.
    pub key: &'static str,
    /// As shown.
    pub label: &'static str,
    /// One sentence.
    pub description: &'static str,
    /// `company`, or `global` for what counts beyond the company.
    pub scope: &'static str,
}

/// The closed list of keys.
pub fn catalogue() -> Vec<Permission> {
    let each = PERMISSION_KEYS.iter();
    each.map(|key| Permission { key: key.key, label: key.label, description: key.description, scope: key.scope })
        .collect()
}

/// A role that may be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// 2 to 100 characters.
    pub name: String,
    /// At most 2,000 characters.
    pub description: Option<String>,
    /// Known keys, each once, in the order of the catalogue.
    pub permissions: Vec<String>,
}

/// What is typed about a role.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Fields {
    /// The name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Keys, in any order.
    #[serde(skip)]
    pub permissions: Vec<String>,
}

impl Fields {
    /// Those of a role that is stored.
    pub fn of(role: &Role) -> Self {
        Self {
            name: role.name.clone(),
            description: role.description.clone().unwrap_or_default(),
            permissions: role.permissions.0.clone(),
        }
    }

    /// Checks everything at once.
    pub fn parse(&self) -> Result<Checked, Invalid> {
        let mut bad = Invalid::none();
        let (name, description) = (self.name.trim(), self.description.trim());
        if !(2..=100).contains(&name.chars().count()) {
            bad.add("name", "Enter a name of 2 to 100 characters");
        }
        if description.chars().count() > 2000 {
            bad.add("description", "Use at most 2,000 characters");
        }
        let wanted: BTreeSet<&str> = self.permissions.iter().map(|key| key.trim()).collect();
        let is_known = |key: &str| PERMISSION_KEYS.iter().any(|known| known.key == key);
        if let Some(unknown) = wanted.iter().find(|key| !is_known(key)) {
            bad.add("permissions", format!("There is no permission {unknown}"));
        }
        bad.finish()?;
        let known = PERMISSION_KEYS.iter().map(|known| known.key).filter(|key| wanted.contains(key));
        Ok(Checked {
            name: name.to_owned(),
            description: (!description.is_empty()).then(|| description.to_owned()),
            permissions: known.map(str::to_owned).collect(),
        })
    }
}

/// A new role.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(example = json!({"name": "Bookkeeper", "description": "Invoices and orders.",
    "permissions": ["portal.access", "billing.manage"]}))]
pub struct RoleCreate {
    /// 2 to 100 characters.
    #[schema(required)]
    name: Option<String>,
    /// What it is for.
    description: Option<String>,
    /// Known keys; doubles are dropped.
    permissions: Option<Vec<String>>,
}

impl From<RoleCreate> for Fields {
    fn from(body: RoleCreate) -> Self {
        Self {
            name: body.name.unwrap_or_default(),
            description: body.description.unwrap_or_default(),
            permissions: body.permissions.unwrap_or_default(),
        }
    }
}

/// A change of a role: what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(example = json!({"permissions": ["portal.access", "billing.manage", "audit.view"]}))]
pub struct RoleUpdate {
    /// System roles keep theirs.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    name: Patch<String>,
    /// Null or blank clears it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    description: Patch<String>,
    /// All keys of the role; null takes all away.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    permissions: Patch<Vec<String>>,
}

impl RoleUpdate {
    /// The fields after the change.
    pub fn over(self, mut fields: Fields) -> Fields {
        if let Some(name) = self.name.change() {
            fields.name = name.unwrap_or_default();
        }
        if let Some(description) = self.description.change() {
            fields.description = description.unwrap_or_default();
        }
        if let Some(permissions) = self.permissions.change() {
            fields.permissions = permissions.unwrap_or_default();
        }
        fields
    }
}

/// Keys that one list has and the other has not.
pub fn added(before: &[String], after: &[String]) -> Vec<String> {
    after.iter().filter(|key| !before.contains(key)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(name: &str, permissions: &[&str]) -> Fields {
        let permissions = permissions.iter().map(|key| (*key).to_owned()).collect();
        Fields { name: name.to_owned(), permissions, ..Fields::default() }
    }

    #[test]
    fn keys_are_known_once_and_in_order() {
        let role = fields(" Bookkeeper ", &["billing.manage", "portal.access", "billing.manage"]).parse().unwrap();
        assert_eq!(role.name, "Bookkeeper");
        assert_eq!(role.permissions, ["portal.access", "billing.manage"]);
        let bad = fields("x", &["everything"]).parse().unwrap_err();
        assert_eq!(bad.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["name", "permissions"]);
    }

    #[test]
    fn a_change_says_only_what_it_changes() {
        let update: RoleUpdate = serde_json::from_str(r#"{"description": null}"#).unwrap();
        let before = Fields { description: "d".to_owned(), ..fields("Name", &["portal.access"]) };
        assert_eq!(update.over(before.clone()), Fields { description: String::new(), ..before });
        let all = ["a".to_owned(), "b".to_owned()];
        assert_eq!(added(&all[..1], &all), ["b"]);
        assert!(added(&all, &all[..1]).is_empty());
    }
}
