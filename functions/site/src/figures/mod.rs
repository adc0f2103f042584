//! Read only: the one file that looks into the tables of other areas, for the dashboard, the overview
//! and search. Each function is one statement; every row is one that the caller may see.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use shared::caller::Person;
use shared::context::By;
use shared::db::{Sql, sql};
use shared::error::Result;
use shared::search::{self, Index};

/// Figures of the ticket desk; each stops at 10,001.
#[derive(Debug, Clone, Default, Serialize, sqlx::FromRow)]
#[expect(missing_docs, reason = "the names of interface 3.2")]
pub struct Desk {
    pub unassigned: i64,
    pub mine: i64,
    pub waiting: i64,
    pub urgent: i64,
}

/// The desk as a technician finds it.
pub async fn desk(by: &By, person_id: i64) -> Result<Desk> {
    Ok(sql("SELECT (SELECT COUNT(*) FROM (SELECT 1 AS one FROM tickets WHERE assigned_user_id IS NULL \
         AND status IN ('open', 'in_progress', 'pending') LIMIT 10001) a) AS unassigned, \
         (SELECT COUNT(*) FROM (SELECT 1 AS one FROM tickets WHERE assigned_user_id = ? \
         AND status IN ('open', 'in_progress', 'pending') LIMIT 10001) b) AS mine, \
         (SELECT COUNT(*) FROM (SELECT 1 AS one FROM tickets WHERE status = 'open' LIMIT 10001) c) AS waiting, \
         (SELECT COUNT(*) FROM (SELECT 1 AS one FROM tickets WHERE priority = 'urgent' \
         AND status IN ('open', 'in_progress', 'pending') LIMIT 10001) d) AS urgent")
    .bind(person_id)
    .fetch_one(by.db())
    .await?)
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

/// What waits for a person outside the ticket desk.
#[derive(Debug, Clone, Default, Serialize, sqlx::FromRow)]
pub struct Personal {
    /// Own tickets that are not done, up to 10,001.
    pub open_tickets: i64,
    /// Companies that have invited the person.
    pub invitations: i64,
}

/// The same for any person.
pub async fn personal(by: &By, person_id: i64) -> Result<Personal> {
    Ok(sql("SELECT (SELECT COUNT(*) FROM (SELECT 1 AS one FROM tickets WHERE requester_id = ? \
         AND status IN ('open', 'in_progress', 'pending') LIMIT 10001) a) AS open_tickets, \
         (SELECT COUNT(*) FROM company_memberships m JOIN companies c ON c.id = m.company_id \
         WHERE m.user_id = ? AND m.status = 'invited' AND c.archived_at IS NULL) AS invitations")
    .bind(person_id)
    .bind(person_id)
    .fetch_one(by.db())
    .await?)
}

/// The portal as a super administrator watches it.
#[derive(Debug, Clone, Default, Serialize, sqlx::FromRow)]
#[expect(missing_docs, reason = "organisation 14, interface 3.2")]
pub struct Portal {
    pub companies: i64,
    pub users: i64,
    pub open_tickets: i64,
    pub failed_mails: i64,
    pub failed_jobs: i64,
    pub last_tick: Option<DateTime<Utc>>,
    pub sent_mails: i64,
    pub has_authenticator: bool,
    pub provider: Option<i64>,
    pub technicians: i64,
    pub customers: i64,
    pub has_name: bool,
    pub setup_dismissed_at: Option<DateTime<Utc>>,
}

/// Figures of the whole portal and the facts of the setup list, in one statement.
pub async fn portal(by: &By, person_id: i64) -> Result<Portal> {
    let now = by.now();
    Ok(sql("SELECT (SELECT COUNT(*) FROM (SELECT 1 AS one FROM companies WHERE archived_at IS NULL LIMIT 10001) a) \
         AS companies, (SELECT COUNT(*) FROM (SELECT 1 AS one FROM users LIMIT 10001) b) AS users, \
         (SELECT COUNT(*) FROM (SELECT 1 AS one FROM tickets WHERE status IN ('open', 'in_progress', 'pending') \
         LIMIT 10001) c) AS open_tickets, \
         (SELECT COUNT(*) FROM (SELECT 1 AS one FROM email_outbox WHERE status = 'failed' AND created_at > ? \
         LIMIT 10001) d) AS failed_mails, \
         (SELECT COUNT(*) FROM (SELECT 1 AS one FROM jobs WHERE status = 'failed' AND finished_at > ? LIMIT 10001) e) \
         AS failed_jobs, (SELECT MAX(last_tick_at) FROM worker_heartbeats) AS last_tick, \
         (SELECT COUNT(*) FROM (SELECT 1 AS one FROM email_outbox WHERE status = 'sent' LIMIT 1) f) AS sent_mails, \
         EXISTS (SELECT 1 FROM user_totp_authenticators x WHERE x.user_id = ?) AS has_authenticator, \
         (SELECT MIN(id) FROM companies WHERE is_provider = TRUE AND archived_at IS NULL) AS provider, \
         (SELECT COUNT(*) FROM (SELECT 1 AS one FROM company_memberships m JOIN companies p ON p.id = m.company_id \
         JOIN roles r ON r.id = m.role_id WHERE p.is_provider = TRUE AND m.status <> 'suspended' \
         AND r.permissions LIKE '%\"helpdesk.technician\"%' LIMIT 1) g) AS technicians, \
         (SELECT COUNT(*) FROM (SELECT 1 AS one FROM company_memberships m JOIN companies p ON p.id = m.company_id \
         WHERE p.is_provider = FALSE LIMIT 1) h) AS customers, \
         s.company_name IS NOT NULL AS has_name, s.setup_dismissed_at FROM site_settings s WHERE s.id = 1")
    .bind(now - TimeDelta::days(7))
    .bind(now - TimeDelta::days(1))
    .bind(person_id)
    .fetch_one(by.db())
    .await?)
}

const TICKETS: Index = Index {
    sqlite: " AND t.id IN (SELECT rowid FROM tickets_search WHERE tickets_search MATCH ?)",
    mysql: " AND MATCH (t.search_text) AGAINST (? IN BOOLEAN MODE)",
    like: " AND CONCAT(' ', t.search_text) LIKE ? ESCAPE '!'",
};

/// Technicians find every ticket, others only their own.
fn visible(person: &Person) -> Sql {
    let own = (!person.is_technician).then(|| person.id());
    sql(" WHERE 1 = 1").push_if(" AND t.requester_id = ?", own)
}

/// Tickets with these words in what everybody on them may read, or with this number.
pub async fn find_tickets(by: &By, person: &Person, query: &str, limit: i64) -> Result<Vec<TicketLine>> {
    let number = query.trim().trim_start_matches('#').parse::<i64>().ok();
    let found = match number {
        Some(id) => sql(LINES).append(visible(person)).push(" AND t.id = ?").bind(id),
        None if search::words(query).is_empty() => return Ok(Vec::new()),
        None => sql(LINES).append(visible(person)).append(search::condition(&TICKETS, query)),
    };
    Ok(found.push(" ORDER BY t.updated_at DESC, t.id DESC LIMIT ?").bind(limit).fetch_all(by.db()).await?)
}

/// A company that was found.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub struct CompanyLine {
    /// Number of the company.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Closed to its members.
    pub is_archived: bool,
}

/// Companies with these words; for super administrators.
pub async fn find_companies(by: &By, query: &str, limit: i64) -> Result<Vec<CompanyLine>> {
    if search::words(query).is_empty() {
        return Ok(Vec::new());
    }
    let like = " AND CONCAT(' ', c.search_text) LIKE ? ESCAPE '!'";
    Ok(sql("SELECT c.id, c.name, c.archived_at IS NOT NULL AS is_archived FROM companies c WHERE 1 = 1")
        .append(search::like_condition(like, query))
        .push(" ORDER BY CASE WHEN c.archived_at IS NULL THEN 0 ELSE 1 END, LOWER(c.name), c.id LIMIT ?")
        .bind(limit)
        .fetch_all(by.db())
        .await?)
}

/// A person who was found.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub struct PersonLine {
    /// Number of the person.
    pub id: i64,
    /// Their address.
    pub email: String,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
}

/// People with these words; for super administrators.
pub async fn find_people(by: &By, query: &str, limit: i64) -> Result<Vec<PersonLine>> {
    if search::words(query).is_empty() {
        return Ok(Vec::new());
    }
    let like = " AND CONCAT(' ', u.search_text) LIKE ? ESCAPE '!'";
    Ok(sql("SELECT u.id, u.email, u.first_name, u.last_name FROM users u WHERE 1 = 1")
        .append(search::like_condition(like, query))
        .push(" ORDER BY u.email LIMIT ?")
        .bind(limit)
        .fetch_all(by.db())
        .await?)
}
