//! Rows of `invitation_batches` and `invitation_rows`.

use chrono::{DateTime, Utc};
use serde_json::json;
use shared::context::By;
use shared::db::{At, Tx, sql};
use shared::error::Result;
use shared::jobs::NewJob;

use super::JOB;
use super::model::Line;
use crate::members::access::{Field, Flags};

/// What the people of a batch are given.
#[derive(Debug, Clone)]
pub struct Terms {
    /// The company.
    pub company_id: i64,
    /// The rows are staff members.
    pub is_staff: bool,
    /// The role; `Member` when none is named.
    pub role_id: Option<i64>,
    /// The sections.
    pub flags: Flags,
    /// 0 to 3.
    pub staff_permission: i64,
}

/// A batch.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Batch {
    /// Row of `invitation_batches`.
    pub id: i64,
    /// The company.
    pub company_id: i64,
    /// Who asked.
    pub requested_by_id: Option<i64>,
    /// Who asked lets people with an account in at once.
    pub is_super_admin: bool,
    /// The rows are staff members.
    pub is_staff: bool,
    /// The role.
    pub role_id: Option<i64>,
    /// 0 to 3.
    pub staff_permission: i64,
    flags: String,
    /// The address of the portal.
    pub base: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When every row had its result.
    pub finished_at: Option<DateTime<Utc>>,
}

impl Batch {
    /// The sections.
    pub fn flags(&self) -> Flags {
        let mut flags = Flags::default();
        self.flags.split(',').filter_map(Field::parse).for_each(|field| flags.set(field, true));
        flags
    }
}

/// One address of a batch.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Row {
    /// Row of `invitation_rows`.
    pub id: i64,
    /// The staff member, where it is one.
    pub staff_id: Option<i64>,
    /// As it was typed.
    pub typed: String,
    /// The address.
    pub email: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// See [`super::model::words`].
    pub state: String,
}

/// Keeps the lines and has them worked on; gives the number of the batch.
pub async fn add(by: &By, terms: &Terms, base: &str, lines: &[Line], is_super_admin: bool) -> Result<i64> {
    let mut tx = by.begin().await?;
    // Every membership that is made has a line of its own.
    tx.housekeeping();
    let asker = tx.stamp().user_id;
    let names: Vec<&str> = Field::ALL.into_iter().filter(|f| terms.flags.get(*f)).map(Field::name).collect();
    let id = sql("INSERT INTO invitation_batches (company_id, requested_by_id, is_super_admin, is_staff, role_id, \
         staff_permission, flags, base, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
    .bind(terms.company_id)
    .bind(asker)
    .bind(is_super_admin)
    .bind(terms.is_staff)
    .bind(terms.role_id)
    .bind(terms.staff_permission)
    .bind(names.join(","))
    .bind(base)
    .bind(by.now())
    .insert(&mut tx)
    .await?;
    add_rows(&mut tx, id, lines).await?;
    NewJob::new(JOB, json!({ "batch": id })).dedupe(format!("invite_several:{id}")).queue(&mut tx).await?;
    tx.commit().await?;
    Ok(id)
}

async fn add_rows(tx: &mut Tx, batch: i64, lines: &[Line]) -> Result<()> {
    let mut query =
        sql("INSERT INTO invitation_rows (batch_id, staff_id, typed, email, first_name, last_name, state) VALUES");
    for (index, line) in lines.iter().enumerate() {
        query = query.push(if index == 0 { " (?, ?, ?, ?, ?, ?, ?)" } else { ", (?, ?, ?, ?, ?, ?, ?)" });
        query = query.bind(batch).bind(line.staff_id).bind(line.typed.clone()).bind(line.email.clone());
        query = query.bind(line.first_name.clone()).bind(line.last_name.clone()).bind(line.state);
    }
    query.execute(tx).await?;
    Ok(())
}

/// One batch.
pub async fn find(at: impl Into<At<'_>>, id: i64) -> Result<Option<Batch>> {
    Ok(sql(
        "SELECT id, company_id, requested_by_id, is_super_admin, is_staff, role_id, staff_permission, flags, base, \
         created_at, finished_at FROM invitation_batches WHERE id = ?",
    )
    .bind(id)
    .fetch_optional(at)
    .await?)
}

/// Its rows as they were typed.
pub async fn rows(at: impl Into<At<'_>>, batch: i64) -> Result<Vec<Row>> {
    Ok(sql("SELECT id, staff_id, typed, email, first_name, last_name, state FROM invitation_rows WHERE batch_id = ? \
         ORDER BY id LIMIT 500")
    .bind(batch)
    .fetch_all(at)
    .await?)
}

/// How the people of these addresses stand to the company: address, status and when they were invited.
pub async fn known(
    at: impl Into<At<'_>>,
    company_id: i64,
    emails: &[String],
) -> Result<Vec<(String, String, Option<DateTime<Utc>>)>> {
    Ok(sql("SELECT u.email, m.status, m.invited_at FROM company_memberships m JOIN users u ON u.id = m.user_id \
         WHERE m.company_id = ?")
    .bind(company_id)
    .push_in(" AND u.email IN", emails)
    .push(" LIMIT 200")
    .fetch_all(at)
    .await?)
}

/// Writes the result of a row that waits; false when it has one already.
pub async fn settle(tx: &mut Tx, row: i64, state: &'static str) -> Result<bool> {
    let now = tx.stamp().at;
    let settled = sql("UPDATE invitation_rows SET state = ?, settled_at = ? WHERE id = ? AND state = 'waiting'")
        .bind(state)
        .bind(now)
        .bind(row)
        .execute(tx)
        .await?;
    Ok(settled > 0)
}
