//! Rows of `notification_preferences` and `notification_settings`.

use chrono::{DateTime, Utc};
use shared::db::{Db, Tx, sql, sql_by_engine};
use shared::error::Result;

use super::model::{Channels, Choice};
use super::times::Times;

#[derive(sqlx::FromRow)]
struct Row {
    digest: Option<String>,
    digest_hour: Option<i64>,
    digest_weekday: Option<i64>,
    quiet_from: Option<i64>,
    quiet_until: Option<i64>,
    paused_until: Option<DateTime<Utc>>,
    ntfy_topic: Option<String>,
    zone: String,
    has_bounced: bool,
    event_type: Option<String>,
    channel_in_app: Option<bool>,
    channel_email: Option<bool>,
    channel_sms: Option<bool>,
    channel_ntfy: Option<bool>,
    email_digest: Option<bool>,
}

/// Everything that a person has chosen.
#[derive(Debug, Clone)]
pub struct Stored {
    /// By type.
    pub choices: Vec<Choice>,
    /// When and where.
    pub times: Times,
    /// The person's zone.
    pub zone: String,
    /// The mail server has refused the address for good.
    pub has_bounced: bool,
}

/// What a person has chosen, in one statement.
pub async fn stored(db: &Db, user_id: i64) -> Result<Stored> {
    let rows: Vec<Row> = sql("SELECT s.digest, s.digest_hour, s.digest_weekday, s.quiet_from, s.quiet_until, \
         s.paused_until, s.ntfy_topic, \
         COALESCE((SELECT z.value FROM user_preferences z WHERE z.user_id = u.id AND z.name = 'zone'), \
           (SELECT g.default_timezone FROM site_settings g WHERE g.id = 1), 'UTC') AS zone, \
         EXISTS (SELECT 1 FROM email_bounces b WHERE b.address = u.email) AS has_bounced, p.event_type, \
         p.channel_in_app, p.channel_email, p.channel_sms, p.channel_ntfy, p.email_digest \
         FROM users u LEFT JOIN notification_settings s ON s.user_id = u.id \
         LEFT JOIN notification_preferences p ON p.user_id = u.id WHERE u.id = ? ORDER BY p.event_type LIMIT 500")
    .bind(user_id)
    .fetch_all(db)
    .await?;
    let mut stored = Stored {
        choices: Vec::new(),
        times: Times::default(),
        zone: rows.first().map_or_else(|| "UTC".to_owned(), |row| row.zone.clone()),
        has_bounced: rows.first().is_some_and(|row| row.has_bounced),
    };
    for row in rows {
        if stored.choices.is_empty() {
            stored.times = Times {
                is_weekly: row.digest.as_deref() == Some("weekly"),
                digest_hour: row.digest_hour.unwrap_or(8),
                digest_weekday: row.digest_weekday.unwrap_or(1),
                quiet: row.quiet_from.zip(row.quiet_until),
                paused_until: row.paused_until,
                ntfy_topic: row.ntfy_topic.clone(),
            };
        }
        if let Some(event_type) = row.event_type {
            let channels = Channels {
                in_app: row.channel_in_app.unwrap_or(true),
                email: row.channel_email.unwrap_or(false),
                sms: row.channel_sms.unwrap_or(false),
                ntfy: row.channel_ntfy.unwrap_or(false),
                digest: row.email_digest.unwrap_or(false),
            };
            stored.choices.push(Choice { event_type, channels });
        }
    }
    Ok(stored)
}

/// Stores the full set: what is not in it returns to the default.
pub async fn replace(tx: &mut Tx, user_id: i64, choices: &[Choice]) -> Result<()> {
    let now = tx.stamp().at;
    sql("DELETE FROM notification_preferences WHERE user_id = ?").bind(user_id).execute(&mut *tx).await?;
    if choices.is_empty() {
        return Ok(());
    }
    let mut query = sql("INSERT INTO notification_preferences (user_id, event_type, channel_in_app, channel_email, \
         channel_sms, channel_ntfy, email_digest, created_at, updated_at) VALUES");
    for (n, choice) in choices.iter().enumerate() {
        let c = choice.channels;
        query = query
            .push(if n == 0 { " (?, ?, ?, ?, ?, ?, ?, ?, ?)" } else { ", (?, ?, ?, ?, ?, ?, ?, ?, ?)" })
            .bind(user_id)
            .bind(&choice.event_type)
            .bind(c.in_app)
            .bind(c.email)
            .bind(c.sms)
            .bind(c.ntfy)
            .bind(c.digest)
            .bind(now)
            .bind(now);
    }
    query.execute(tx).await?;
    Ok(())
}

/// Switches mails of one type off and leaves everything else as it is.
pub async fn end_mails(tx: &mut Tx, user_id: i64, event_type: &str) -> Result<()> {
    let (now, usual) = (tx.stamp().at, Channels::usual(event_type));
    sql_by_engine(
        "INSERT INTO notification_preferences (user_id, event_type, channel_in_app, channel_email, channel_sms, \
         created_at, updated_at) SELECT u.id, ?, ?, FALSE, FALSE, ?, ? FROM users u WHERE u.id = ? \
         ON CONFLICT (user_id, event_type) DO UPDATE SET channel_email = FALSE, updated_at = excluded.updated_at",
        "INSERT INTO notification_preferences (user_id, event_type, channel_in_app, channel_email, channel_sms, \
         created_at, updated_at) SELECT u.id, ?, ?, FALSE, FALSE, ?, ? FROM users u WHERE u.id = ? \
         ON DUPLICATE KEY UPDATE channel_email = FALSE, updated_at = VALUES(updated_at)",
    )
    .bind(event_type)
    .bind(usual.in_app)
    .bind(now)
    .bind(now)
    .bind(user_id)
    .execute(tx)
    .await?;
    Ok(())
}

/// Stores when and where a person wants to be reached.
pub async fn save_times(tx: &mut Tx, user_id: i64, times: &Times) -> Result<()> {
    let now = tx.stamp().at;
    sql_by_engine(
        "INSERT INTO notification_settings (user_id, digest, digest_hour, digest_weekday, quiet_from, quiet_until, \
         paused_until, ntfy_topic, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
         ON CONFLICT (user_id) DO UPDATE SET digest = excluded.digest, digest_hour = excluded.digest_hour, \
         digest_weekday = excluded.digest_weekday, quiet_from = excluded.quiet_from, \
         quiet_until = excluded.quiet_until, paused_until = excluded.paused_until, \
         ntfy_topic = excluded.ntfy_topic, updated_at = excluded.updated_at",
        "INSERT INTO notification_settings (user_id, digest, digest_hour, digest_weekday, quiet_from, quiet_until, \
         paused_until, ntfy_topic, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
         ON DUPLICATE KEY UPDATE digest = VALUES(digest), digest_hour = VALUES(digest_hour), \
         digest_weekday = VALUES(digest_weekday), quiet_from = VALUES(quiet_from), \
         quiet_until = VALUES(quiet_until), paused_until = VALUES(paused_until), \
         ntfy_topic = VALUES(ntfy_topic), updated_at = VALUES(updated_at)",
    )
    .bind(user_id)
    .bind(if times.is_weekly { "weekly" } else { "daily" })
    .bind(times.digest_hour)
    .bind(times.digest_weekday)
    .bind(times.quiet.map(|(from, _)| from))
    .bind(times.quiet.map(|(_, until)| until))
    .bind(times.paused_until)
    .bind(times.ntfy_topic.clone())
    .bind(now)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}
