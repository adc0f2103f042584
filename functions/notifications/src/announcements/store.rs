//! What was announced, and what became of it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::audit::Change;
use shared::context::By;
use shared::db::{Db, Sql, Tx, sql};
use shared::error::{Error, Result};
use shared::notify::{self, Announcement, MARK, To};
use shared::rate_limit::{self, Limit};
use utoipa::ToSchema;

/// Announcements of one person or key.
const ANNOUNCE: Limit = Limit {
    bucket: "notification_create",
    max: 60,
    window: 3600,
    detail: "Sixty announcements an hour are the most. Try again later",
};

/// An announcement with what became of it.
#[derive(Debug, Clone, Serialize, sqlx::FromRow, ToSchema)]
#[schema(example = json!({"id": 12, "audience": "all", "user_id": null, "company_id": null, "recipient": null,
    "event_type": "general", "message": "The portal is read-only on Sunday", "link": null,
    "created_at": "2026-11-23T09:12:00Z", "expires_at": "2027-02-21T09:12:00Z", "recalled_at": null,
    "created_by": "olivia@example.com", "read_count": 41, "sent_count": 12, "failed_count": 0, "waiting_count": 1}))]
pub struct Sent {
    /// Number.
    pub id: i64,
    /// `user`, `company` or `all`.
    pub audience: String,
    /// The person it is for.
    pub user_id: Option<i64>,
    /// The company it is for.
    pub company_id: Option<i64>,
    /// Address of the person or name of the company.
    pub recipient: Option<String>,
    /// The type of event.
    pub event_type: String,
    /// What it says.
    pub message: String,
    /// A path of the portal.
    pub link: Option<String>,
    /// When it was sent.
    pub created_at: DateTime<Utc>,
    /// When it leaves the feeds.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was taken back.
    pub recalled_at: Option<DateTime<Utc>>,
    /// Address of who sent it; none for keys.
    pub created_by: Option<String>,
    /// People who have read it.
    pub read_count: i64,
    /// Mails and messages that arrived at their server.
    pub sent_count: i64,
    /// Mails and messages that failed.
    pub failed_count: i64,
    /// Mails and messages on their way.
    pub waiting_count: i64,
}

fn select() -> Sql {
    sql("SELECT n.id, n.audience, n.user_id, n.company_id, n.event_type, n.message, n.link, n.created_at, n.expires_at, \
         n.recalled_at, COALESCE(u.email, c.name) AS recipient, a.email AS created_by, \
         (SELECT COUNT(*) FROM notification_states s WHERE s.notification_id = n.id AND s.read_at IS NOT NULL) \
           AS read_count, \
         (SELECT COUNT(*) FROM notification_deliveries d WHERE d.notification_id = n.id AND d.status = 'sent') \
           AS sent_count, \
         (SELECT COUNT(*) FROM notification_deliveries d WHERE d.notification_id = n.id AND d.status = 'failed') \
           AS failed_count, \
         (SELECT COUNT(*) FROM notification_deliveries d WHERE d.notification_id = n.id AND d.status = 'queued') \
           AS waiting_count \
         FROM notifications n LEFT JOIN users u ON u.id = n.user_id LEFT JOIN companies c ON c.id = n.company_id \
         LEFT JOIN users a ON a.id = n.created_by_id WHERE n.dedupe_key LIKE ?")
    .bind(format!("{MARK}%"))
}

/// Announcements, the newest first.
pub async fn list(db: &Db, limit: i64, offset: i64) -> Result<Vec<Sent>> {
    Ok(select().push(" ORDER BY n.id DESC LIMIT ? OFFSET ?").bind(limit).bind(offset).fetch_all(db).await?)
}

/// One announcement.
pub async fn find(db: &Db, id: i64) -> Result<Sent> {
    let found: Option<Sent> = select().push(" AND n.id = ?").bind(id).fetch_optional(db).await?;
    found.ok_or_else(|| Error::not_found("Announcement not found"))
}

/// How many there are, counted to 10,001.
pub async fn count(db: &Db) -> Result<i64> {
    let query = sql("SELECT COUNT(*) FROM (SELECT 1 AS one FROM notifications WHERE dedupe_key LIKE ? LIMIT 10001) c");
    Ok(query.bind(format!("{MARK}%")).fetch_value::<i64>(db).await?)
}

/// How many people it is for; a person or company that is not there is refused.
pub async fn recipients(db: &Db, to: To) -> Result<i64> {
    let (query, what) = match to {
        To::Everyone => (sql("SELECT COUNT(*), 1 FROM users WHERE is_active = TRUE"), ""),
        To::Person(id) => {
            (sql("SELECT COUNT(*), COUNT(*) FROM users WHERE id = ?").bind(id), "There is no such person")
        }
        To::Company(id) => (
            sql("SELECT (SELECT COUNT(*) FROM company_memberships m JOIN users u ON u.id = m.user_id \
                 WHERE m.company_id = ? AND m.status = 'active' AND u.is_active = TRUE), \
                 (SELECT COUNT(*) FROM companies WHERE id = ? AND archived_at IS NULL)")
            .bind(id)
            .bind(id),
            "There is no such company",
        ),
    };
    let (people, known): (i64, i64) = query.fetch_one(db).await?;
    if known == 0 { Err(Error::bad_request(what)) } else { Ok(people) }
}

/// Sends an announcement.
pub async fn publish(by: &By, new: &Announcement, actor: &str) -> Result<i64> {
    rate_limit::hit(by.app(), &ANNOUNCE, actor).await?;
    let mut tx = by.begin().await?;
    let id = notify::publish(by.app(), &mut tx, new).await?;
    let (scope, target) = match new.to {
        To::Person(id) => ("user", Some(id)),
        To::Company(id) => ("company", Some(id)),
        To::Everyone => ("all", None),
    };
    let change = Change::new("notification.created", "notification", id).meta("audience", scope);
    let change = match (new.to, target) {
        (To::Company(company), _) => change.company(Some(company)),
        (_, Some(user)) => change.meta("user_id", user),
        _ => change,
    };
    tx.audit(change.label(new.message.chars().take(120).collect::<String>()));
    tx.commit().await?;
    Ok(id)
}

/// Takes an announcement back: it leaves all feeds, and what has not been sent is not.
pub async fn recall(tx: &mut Tx, id: i64) -> Result<bool> {
    let now = tx.stamp().at;
    let changed = sql("UPDATE notifications SET recalled_at = ?, expires_at = ? WHERE id = ? AND recalled_at IS NULL \
         AND dedupe_key LIKE ?")
    .bind(now)
    .bind(now)
    .bind(id)
    .bind(format!("{MARK}%"))
    .execute(&mut *tx)
    .await?;
    tx.audit(Change::new("notification.recalled", "notification", id));
    Ok(changed == 1)
}
