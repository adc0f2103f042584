//! Rows of `company_memberships`: one per company and person.

use chrono::{DateTime, TimeDelta, Utc};

use crate::db::{At, Tx, is_unique_violation, sql};
use crate::error::{Error, Result};

/// An invitation that nobody answered for so long is over (organisation 20).
pub const INVITED_FOR: TimeDelta = TimeDelta::days(30);

/// Whether a membership grants anything; only `active` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Waits for the person.
    Invited,
    /// In force.
    Active,
    /// Taken away, kept for the record.
    Suspended,
}

impl Status {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }
}

/// What it takes to add a membership.
#[derive(Debug, Clone)]
pub struct NewMembership {
    /// The company.
    pub company_id: i64,
    /// The person.
    pub user_id: i64,
    /// Name of the role, case-insensitive.
    pub role: &'static str,
    /// In force or waiting.
    pub status: Status,
    /// Company admin with all sections.
    pub is_owner: bool,
}

/// Id of a role by name, if there is one.
pub async fn role_id(at: impl Into<At<'_>>, name: &str) -> Result<Option<i64>> {
    let row: Option<(i64,)> =
        sql("SELECT id FROM roles WHERE name_key = ?").bind(name.to_lowercase()).fetch_optional(at).await?;
    Ok(row.map(|(id,)| id))
}

/// Adds a membership; 409 when the pair exists.
pub async fn insert(tx: &mut Tx, new: &NewMembership, now: DateTime<Utc>) -> Result<i64> {
    let role_id = role_id(&mut *tx, new.role).await?.ok_or_else(|| Error::not_found("Role not found"))?;
    let inviter = tx.stamp().user_id;
    let inserted = sql("INSERT INTO company_memberships (company_id, user_id, role_id, status, staff_permission, \
         can_access_shop, can_access_cart, can_access_orders, can_access_forms, can_manage_assets, \
         can_manage_licenses, can_manage_invoices, can_manage_office_groups, can_order_licenses, is_admin, \
         invited_by, invited_at, joined_at, created_at, updated_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
    .bind(new.company_id)
    .bind(new.user_id)
    .bind(role_id)
    .bind(new.status.as_str())
    .bind(if new.is_owner { 3_i64 } else { 0 })
    .bind(new.is_owner)
    .bind(new.is_owner)
    .bind(new.is_owner)
    .bind(new.is_owner)
    .bind(new.is_owner)
    .bind(new.is_owner)
    .bind(new.is_owner)
    .bind(new.is_owner)
    .bind(new.is_owner)
    .bind(new.is_owner)
    .bind(inviter)
    .bind((new.status == Status::Invited).then_some(now))
    .bind((new.status == Status::Active).then_some(now))
    .bind(now)
    .bind(now)
    .insert(tx)
    .await;
    inserted.map_err(|error| {
        if is_unique_violation(&error, "company_memberships_pair", "company_memberships.company_id") {
            Error::conflict("Membership already exists").code("membership_exists")
        } else {
            error.into()
        }
    })
}

/// Puts the invitations of a person in force, as using an invitation link does; returns how many. Those
/// that are over stay as they are.
pub async fn accept_all(tx: &mut Tx, user_id: i64, now: DateTime<Utc>) -> Result<u64> {
    Ok(sql("UPDATE company_memberships SET status = 'active', joined_at = COALESCE(joined_at, ?), updated_at = ? \
         WHERE user_id = ? AND status = 'invited' AND invited_at > ?")
    .bind(now)
    .bind(now)
    .bind(user_id)
    .bind(now - INVITED_FOR)
    .execute(tx)
    .await?)
}

/// Notes that a person was seen in their companies.
pub async fn seen(tx: &mut Tx, user_id: i64, now: DateTime<Utc>) -> Result<()> {
    sql("UPDATE company_memberships SET last_seen_at = ? WHERE user_id = ? AND status = 'active'")
        .bind(now)
        .bind(user_id)
        .execute(tx)
        .await?;
    Ok(())
}
