//! Rows of the three lists, and what narrows and sorts them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::words::{self, RoleKeys};

/// A line of the trail with who looked at it.
#[derive(Debug, Clone, Default, sqlx::FromRow)]
#[expect(missing_docs, reason = "columns of audit_logs, organisation 9.1")]
pub struct ChangeRow {
    pub id: i64,
    pub created_at: DateTime<Utc>,
    pub user_id: Option<i64>,
    pub user_email: Option<String>,
    pub api_key: Option<String>,
    pub company_id: Option<i64>,
    pub company: Option<String>,
    pub action: String,
    pub entity_id: Option<i64>,
    pub entity_label: Option<String>,
    pub previous_value: Option<String>,
    pub new_value: Option<String>,
    pub metadata: Option<String>,
    pub ip_address: Option<String>,
    pub note: Option<String>,
    pub reviewed_by: Option<String>,
    pub reviewed_at: Option<DateTime<Utc>>,
}

/// A change of access, of a membership or of a role.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"id": 812, "created_at": "2026-11-23T09:12:00Z", "actor": "ana@example.com", "company_id": 4,
    "company": "Northwind Dental", "subject": "ben@example.com", "subject_id": 31, "action": "membership.role_changed",
    "words": ["Role Member → Owner"], "added": [], "removed": [], "members": null, "is_increase": true,
    "ip_address": "203.0.113.10", "reviewed_by": null, "reviewed_at": null, "note": null}))]
pub struct AccessChange {
    /// Number of the line in the audit trail.
    pub id: i64,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Who did it.
    pub actor: String,
    /// The company, where one person's access changed.
    pub company_id: Option<i64>,
    /// Its name.
    pub company: Option<String>,
    /// The person or the role.
    pub subject: Option<String>,
    /// Number of the membership or of the role.
    pub subject_id: Option<i64>,
    /// `area.verb`.
    pub action: String,
    /// What happened, one short text a fact.
    pub words: Vec<String>,
    /// Keys that the role has since.
    pub added: Vec<String>,
    /// Keys that the role had before.
    pub removed: Vec<String>,
    /// Members that the role reached at the time, if that was noted.
    pub members: Option<i64>,
    /// Somebody may do more than before.
    pub is_increase: bool,
    /// Where it came from.
    pub ip_address: Option<String>,
    /// Who looked at it.
    pub reviewed_by: Option<String>,
    /// When.
    pub reviewed_at: Option<DateTime<Utc>>,
    /// What they wrote.
    pub note: Option<String>,
}

/// The two kinds of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Of memberships.
    Membership,
    /// Of roles.
    Role,
}

impl Kind {
    /// The entity in the trail.
    pub fn entity(self) -> &'static str {
        match self {
            Self::Membership => "company_membership",
            Self::Role => "role",
        }
    }

    /// From the entity.
    pub fn of(entity: &str) -> Option<Self> {
        [Self::Membership, Self::Role].into_iter().find(|kind| kind.entity() == entity)
    }
}

impl AccessChange {
    /// A line in words.
    pub fn of(row: ChangeRow, kind: Kind, roles: &RoleKeys) -> Self {
        let (words, is_increase, edit) = match kind {
            Kind::Membership => {
                let told = words::membership(&row, roles);
                (told.words, told.is_increase, words::Edit::default())
            }
            Kind::Role => {
                let edit = words::edit(&row);
                (edit.words.clone(), !edit.added.is_empty(), edit)
            }
        };
        let key = row.api_key.map(|key| format!("API key {key}"));
        Self {
            actor: row.user_email.or(key).unwrap_or_else(|| "System".to_owned()),
            id: row.id,
            created_at: row.created_at,
            company_id: row.company_id,
            company: row.company,
            subject: row.entity_label,
            subject_id: row.entity_id,
            action: row.action,
            words,
            added: edit.added,
            removed: edit.removed,
            members: edit.members,
            is_increase,
            ip_address: row.ip_address,
            reviewed_by: row.reviewed_by,
            reviewed_at: row.reviewed_at,
            note: row.note,
        }
    }
}

/// A membership as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "columns of company_memberships, organisation 3.2")]
pub struct MembershipRow {
    pub id: i64,
    pub company_id: i64,
    pub company: String,
    pub user_id: i64,
    pub email: String,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub status: String,
    pub role: String,
    pub staff_permission: i64,
    pub can_access_shop: bool,
    pub can_access_cart: bool,
    pub can_access_orders: bool,
    pub can_access_forms: bool,
    pub can_manage_assets: bool,
    pub can_manage_licenses: bool,
    pub can_manage_invoices: bool,
    pub can_manage_office_groups: bool,
    pub can_order_licenses: bool,
    pub is_admin: bool,
    pub is_super_admin: bool,
    pub has_mfa: bool,
    pub last_seen_at: Option<DateTime<Utc>>,
}

/// What a person has today in a company.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"id": 31, "company_id": 4, "company": "Northwind Dental", "user_id": 9,
    "email": "ben@example.com", "name": "Ben Cole", "status": "active", "role": "Member", "sections": ["Shop", "Cart"],
    "staff_permission": 1, "is_super_admin": false, "has_mfa": true, "last_seen_at": "2026-11-23T08:55:00Z"}))]
pub struct Access {
    /// Number of the membership.
    pub id: i64,
    /// The company.
    pub company_id: i64,
    /// Its name.
    pub company: String,
    /// The person.
    pub user_id: i64,
    /// Their address.
    pub email: String,
    /// Their name, or the address.
    pub name: String,
    /// `invited`, `active` or `suspended`.
    pub status: String,
    /// Name of the role.
    pub role: String,
    /// What is switched on, by name.
    #[schema(value_type = Vec<String>)]
    pub sections: Vec<&'static str>,
    /// 0 to 3.
    pub staff_permission: i64,
    /// May do everything.
    pub is_super_admin: bool,
    /// Has an authenticator app.
    pub has_mfa: bool,
    /// Last seen in the company.
    pub last_seen_at: Option<DateTime<Utc>>,
}

/// First and last name, or the address when there is none.
fn full_name(row: &MembershipRow) -> String {
    let part = |name: &Option<String>| name.as_deref().unwrap_or_default().trim().to_owned();
    let name = format!("{} {}", part(&row.first_name), part(&row.last_name)).trim().to_owned();
    if name.is_empty() { row.email.clone() } else { name }
}

impl From<MembershipRow> for Access {
    fn from(row: MembershipRow) -> Self {
        let is_on = |name: &str| match name {
            "can_access_shop" => row.can_access_shop,
            "can_access_cart" => row.can_access_cart,
            "can_access_orders" => row.can_access_orders,
            "can_access_forms" => row.can_access_forms,
            "can_manage_assets" => row.can_manage_assets,
            "can_manage_licenses" => row.can_manage_licenses,
            "can_manage_invoices" => row.can_manage_invoices,
            "can_manage_office_groups" => row.can_manage_office_groups,
            "can_order_licenses" => row.can_order_licenses,
            "is_admin" => row.is_admin,
            _ => false,
        };
        Self {
            sections: words::sections(is_on),
            name: full_name(&row),
            id: row.id,
            company_id: row.company_id,
            company: row.company,
            user_id: row.user_id,
            email: row.email,
            status: row.status,
            role: row.role,
            staff_permission: row.staff_permission,
            is_super_admin: row.is_super_admin,
            has_mfa: row.has_mfa,
            last_seen_at: row.last_seen_at,
        }
    }
}

/// What narrows and sorts the lists; each takes what means something there.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct Wanted {
    /// The company.
    #[param(minimum = 1)]
    pub company_id: Option<i64>,
    /// A part of the person's address, or of the role's name.
    pub member: Option<String>,
    /// A part of the address of who did it.
    pub actor: Option<String>,
    /// The exact action.
    #[param(example = "membership.role_changed")]
    pub action: Option<String>,
    /// Name of a role.
    pub role: Option<String>,
    /// `invited`, `active` or `suspended`; current access only.
    pub status: Option<String>,
    /// From this day on, UTC.
    #[param(example = "2026-11-01")]
    pub from: Option<String>,
    /// Up to the end of this day, UTC.
    #[param(example = "2026-11-30")]
    pub to: Option<String>,
    /// `1`: only what gave more access than before, among the newest 2,000 changes.
    pub increases: Option<String>,
    /// `no`: only what nobody has reviewed.
    pub reviewed: Option<String>,
    /// A column, with `-` in front from the end.
    #[param(example = "-created_at")]
    pub sort: Option<String>,
}

impl Wanted {
    /// Whether only increases are wanted.
    pub fn increases(&self) -> bool {
        self.increases.as_deref() == Some("1")
    }
}
