//! Read only: the one place that looks into the tables of other areas, for the dashboard, the overview
//! and search. Each function is one statement; every row is one that the caller may see.

pub mod asks;
pub mod days;
pub mod found;
pub mod portal;

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::accounts::staff;
use shared::caller::Person;
use shared::context::By;
use shared::db::{Sql, sql};
use shared::error::Result;
use utoipa::ToSchema;

/// Figures of the ticket desk; each stops at 10,001.
#[derive(Debug, Clone, Default, Serialize, sqlx::FromRow, ToSchema)]
#[schema(example = json!({"unassigned": 7, "mine": 12, "waiting": 5, "urgent": 2}))]
pub struct Desk {
    /// Open and nobody's.
    pub unassigned: i64,
    /// Open and the caller's.
    pub mine: i64,
    /// The customer waits for an answer.
    pub waiting: i64,
    /// Open and urgent.
    pub urgent: i64,
}

/// What waits for a person outside the ticket desk.
#[derive(Debug, Clone, Default, Serialize, sqlx::FromRow)]
pub struct Personal {
    /// Own tickets that are not done, up to 10,001.
    pub open_tickets: i64,
}

/// The active company in figures, each for those only who may open the list that proves it (organisation 14).
#[derive(Debug, Clone, Default, Serialize, sqlx::FromRow, ToSchema)]
#[schema(as = CompanyFigures, example = json!({"members": 14, "invited": 2, "open_tickets": 5, "urgent_tickets": 1,
    "staff": 23, "active_staff": 21}))]
pub struct Snapshot {
    /// Active members; for who manages them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<i64>,
    /// Invitations that wait for an answer; for who manages members.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invited: Option<i64>,
    /// Open tickets of the company; for the desk.
    #[sqlx(rename = "company_tickets")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_tickets: Option<i64>,
    /// Those of them that are urgent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub urgent_tickets: Option<i64>,
    /// People of the staff directory that the viewer may list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub staff: Option<i64>,
    /// Those of them that are enabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_staff: Option<i64>,
}

impl Snapshot {
    /// Nothing in it is for the viewer.
    pub fn is_empty(&self) -> bool {
        self.members.is_none() && self.open_tickets.is_none() && self.staff.is_none()
    }
}

/// What the dashboard counts for one person.
#[derive(Debug, Clone, Default, sqlx::FromRow)]
pub struct Home {
    /// Their own.
    #[sqlx(flatten)]
    pub personal: Personal,
    /// The desk; zeros for who does not work there.
    #[sqlx(flatten)]
    pub desk: Desk,
    /// The active company.
    #[sqlx(flatten)]
    pub snapshot: Snapshot,
}

const OPEN: &str = " AND status IN ('open', 'in_progress', 'pending') LIMIT 10001) t)";

/// Everything the dashboard counts for a person, in one statement.
pub async fn home(by: &By, person: &Person) -> Result<Home> {
    let id = person.id();
    let query = sql("SELECT (SELECT COUNT(*) FROM (SELECT 1 AS one FROM tickets WHERE requester_id = ?")
        .bind(id)
        .push(OPEN)
        .push(" AS open_tickets");
    let query = desk(query, person.is_technician.then_some(id));
    Ok(staff(snapshot(query, person), person).fetch_one(by.db()).await?)
}

fn desk(query: Sql, technician: Option<i64>) -> Sql {
    let Some(id) = technician else { return query.push(", 0 AS unassigned, 0 AS mine, 0 AS waiting, 0 AS urgent") };
    query
        .push(", (SELECT COUNT(*) FROM (SELECT 1 AS one FROM tickets WHERE assigned_user_id IS NULL")
        .push(OPEN)
        .push(" AS unassigned, (SELECT COUNT(*) FROM (SELECT 1 AS one FROM tickets WHERE assigned_user_id = ?")
        .bind(id)
        .push(OPEN)
        .push(
            " AS mine, (SELECT COUNT(*) FROM (SELECT 1 AS one FROM tickets WHERE status = 'open' LIMIT 10001) t) \
             AS waiting, (SELECT COUNT(*) FROM (SELECT 1 AS one FROM tickets WHERE priority_order = 3",
        )
        .push(OPEN)
        .push(" AS urgent")
}

/// The company's part: nothing is counted that the viewer could not list.
fn snapshot(query: Sql, person: &Person) -> Sql {
    let company = person.company.as_ref().map(|company| company.id);
    let query = match company.filter(|_| person.rights.manages("membership.manage")) {
        Some(id) => query
            .push(
                ", (SELECT COUNT(*) FROM (SELECT 1 AS one FROM company_memberships WHERE company_id = ? \
                 AND status = 'active' LIMIT 10001) m) AS members",
            )
            .bind(id)
            .push(
                ", (SELECT COUNT(*) FROM (SELECT 1 AS one FROM company_memberships WHERE company_id = ? \
                 AND status = 'invited' LIMIT 10001) i) AS invited",
            )
            .bind(id),
        None => query.push(", CAST(NULL AS SIGNED) AS members, CAST(NULL AS SIGNED) AS invited"),
    };
    match company.filter(|_| person.is_technician) {
        Some(id) => query
            .push(", (SELECT COUNT(*) FROM (SELECT 1 AS one FROM tickets WHERE company_id = ?")
            .bind(id)
            .push(OPEN)
            .push(
                " AS company_tickets, (SELECT COUNT(*) FROM (SELECT 1 AS one FROM tickets WHERE company_id = ? \
                   AND priority_order = 3",
            )
            .bind(id)
            .push(OPEN)
            .push(" AS urgent_tickets"),
        None => query.push(", CAST(NULL AS SIGNED) AS company_tickets, CAST(NULL AS SIGNED) AS urgent_tickets"),
    }
}

/// The staff directory, as far as the viewer sees into it.
fn staff(query: Sql, person: &Person) -> Sql {
    let within = person.company.as_ref().and_then(|company| staff::within_reach(person, company.id));
    let Some(within) = within else {
        return query.push(", CAST(NULL AS SIGNED) AS staff, CAST(NULL AS SIGNED) AS active_staff");
    };
    query
        .push(", (SELECT COUNT(*) FROM (SELECT 1 AS one FROM staff s WHERE 1 = 1")
        .append(within.clone())
        .push(" LIMIT 10001) p) AS staff, (SELECT COUNT(*) FROM (SELECT 1 AS one FROM staff s WHERE s.enabled = TRUE")
        .append(within)
        .push(" LIMIT 10001) q) AS active_staff")
}

/// A ticket in a short list.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub struct TicketLine {
    /// Number of the ticket.
    pub id: i64,
    /// What it is about.
    pub subject: String,
    /// Where it stands.
    pub status: String,
    /// How urgent it is.
    pub priority: String,
    /// Whose it is.
    pub company: Option<String>,
    /// Last change.
    pub updated_at: DateTime<Utc>,
    /// Who wrote last: `requester` or `technician`.
    pub last_reply_side: Option<String>,
}

const LINES: &str = "SELECT t.id, t.subject, t.status, t.priority, c.name AS company, t.updated_at, t.last_reply_side \
    FROM tickets t LEFT JOIN companies c ON c.id = t.company_id";

/// Tickets that wait for the technician or for anyone, the longest first.
pub async fn needs_you(by: &By, person_id: i64) -> Result<Vec<TicketLine>> {
    Ok(sql(LINES)
        .push(
            " WHERE t.status = 'open' AND (t.assigned_user_id = ? OR t.assigned_user_id IS NULL) \
             ORDER BY t.updated_at, t.id LIMIT 10",
        )
        .bind(person_id)
        .fetch_all(by.db())
        .await?)
}

/// What a person has asked for and is not done with, the newest first.
pub async fn own_tickets(by: &By, person_id: i64) -> Result<Vec<TicketLine>> {
    Ok(sql(LINES)
        .push(
            " WHERE t.requester_id = ? AND t.status IN ('open', 'in_progress', 'pending') \
             ORDER BY t.updated_at DESC, t.id DESC LIMIT 5",
        )
        .bind(person_id)
        .fetch_all(by.db())
        .await?)
}
