//! What is brought before a person on the dashboard: companies that ask them to join, and announcements.

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::accounts::memberships::INVITED_FOR;
use shared::caller::Person;
use shared::context::By;
use shared::db::{MAX_IN, Sql, sql};
use shared::error::Result;
use utoipa::ToSchema;

/// A company that a person may join.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({"id": 9, "company_id": 4, "company": "Northwind Dental", "is_invitation": true}))]
pub struct Offer {
    /// The invitation; 0 where an email address of the company is what lets the person in.
    pub id: i64,
    /// The company.
    pub company_id: i64,
    /// Its name.
    pub company: String,
    /// Somebody invited the person.
    pub is_invitation: bool,
}

/// Something the portal tells everybody, or a whole company.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = PortalAlert, example = json!({"id": 81, "message": "Planned work on Friday from 22:00 to 23:00.",
    "link": "/help", "created_at": "2026-11-23T09:12:00Z"}))]
pub struct Alert {
    /// Number of the notification.
    pub id: i64,
    /// What it says.
    pub message: String,
    /// A path of the portal to read on.
    pub link: Option<String>,
    /// When it was announced.
    pub created_at: DateTime<Utc>,
}

/// Both.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Asks {
    /// Invitations first.
    pub offers: Vec<Offer>,
    /// The newest first.
    pub alerts: Vec<Alert>,
}

#[derive(sqlx::FromRow)]
struct Row {
    kind: String,
    id: i64,
    company_id: i64,
    message: String,
    link: Option<String>,
    created_at: DateTime<Utc>,
}

/// Reads both in one statement, a few of each kind.
pub async fn asks(by: &By, person: &Person) -> Result<Asks> {
    let query = sql("SELECT * FROM (").append(invitations(by, person)).push(") i UNION ALL SELECT * FROM (");
    let query = query.append(domains(person)).push(") d UNION ALL SELECT * FROM (").append(announcements(by, person));
    let rows: Vec<Row> = query.push(") n").fetch_all(by.db()).await?;
    let mut asks = Asks::default();
    for row in rows {
        match row.kind.as_str() {
            "alert" => {
                let Row { id, message, link, created_at, .. } = row;
                asks.alerts.push(Alert { id, message, link, created_at });
            }
            kind => asks.offers.push(Offer {
                is_invitation: kind == "invitation",
                id: row.id,
                company_id: row.company_id,
                company: row.message,
            }),
        }
    }
    Ok(asks)
}

fn invitations(by: &By, person: &Person) -> Sql {
    sql("SELECT 'invitation' AS kind, m.id, m.company_id, c.name AS message, CAST(NULL AS CHAR) AS link, \
         m.invited_at AS created_at FROM company_memberships m JOIN companies c ON c.id = m.company_id \
         WHERE m.user_id = ? AND m.status = 'invited' AND m.invited_at > ? AND c.archived_at IS NULL \
         ORDER BY m.id LIMIT 5")
    .bind(person.id())
    .bind(by.now() - INVITED_FOR)
}

/// Companies that take in everybody with an address at a domain of theirs, for people who had proven
/// such an address before the company began to.
fn domains(person: &Person) -> Sql {
    let user = &person.user;
    let domain = user.email.rsplit_once('@').map(|(_, domain)| domain.to_lowercase());
    sql("SELECT 'domain' AS kind, 0 AS id, d.company_id, c.name AS message, CAST(NULL AS CHAR) AS link, d.created_at \
         FROM company_email_domains d JOIN companies c ON c.id = d.company_id WHERE d.domain = ? \
         AND d.auto_join = TRUE AND c.archived_at IS NULL AND NOT EXISTS (SELECT 1 FROM company_memberships m \
         WHERE m.company_id = d.company_id AND m.user_id = ?) LIMIT 5")
    .bind(domain.filter(|_| user.email_verified_at.is_some()))
    .bind(user.id)
}

/// Announcements to everybody or to the person's companies that they have not read or put away.
fn announcements(by: &By, person: &Person) -> Sql {
    let companies: Vec<i64> = person.memberships.iter().map(|m| m.company.id).take(MAX_IN).collect();
    sql("SELECT 'alert' AS kind, n.id, 0 AS company_id, n.message, n.link, n.created_at FROM notifications n \
         LEFT JOIN notification_states s ON s.notification_id = n.id AND s.user_id = ? \
         WHERE n.audience IN ('all', 'company') AND n.in_app = TRUE AND n.expires_at > ? AND n.created_at >= ? \
         AND s.dismissed_at IS NULL AND s.read_at IS NULL AND n.dedupe_key LIKE 'announcement:%' \
         AND (n.audience = 'all'")
    .bind(person.id())
    .bind(by.now())
    .bind(person.user.created_at)
    .push_in(" OR n.company_id IN", &companies)
    .push(
        ") AND (n.ignores_preferences = TRUE OR NOT EXISTS (SELECT 1 FROM notification_preferences p \
         WHERE p.user_id = ? AND p.event_type = n.event_type AND p.channel_in_app = FALSE)) \
         ORDER BY n.created_at DESC, n.id DESC LIMIT 3",
    )
    .bind(person.id())
}
