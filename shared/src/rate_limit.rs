//! Counters against guessing and flooding (identity 9).
//!
//! The coarse guard and the `general` bucket live in memory; every other bucket is a row, raised by one
//! atomic statement before the thing it protects is tried, so that parallel guesses cannot slip through.

use std::collections::HashMap;
use std::sync::Mutex;

use chrono::{DateTime, TimeDelta, Utc};

use crate::app::App;
use crate::audit::Stamp;
use crate::config::GeneralLimits;
use crate::db::{Tx, sql, sql_by_engine};
use crate::error::{Error, Result};
use crate::tokens;

/// A bucket: how many units in how many seconds.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// Name of the bucket.
    pub bucket: &'static str,
    /// Units per window.
    pub max: i64,
    /// Seconds.
    pub window: i64,
    /// What the person is told.
    pub detail: &'static str,
}

const fn limit(bucket: &'static str, max: i64, window: i64, detail: &'static str) -> Limit {
    Limit { bucket, max, window, detail }
}

const LOGINS: &str = "Too many login attempts";
const REQUESTS: &str = "Too many requests";

/// Failed sign-ins of one address from one client.
pub const LOGIN: Limit = limit("login", 5, 300, LOGINS);
/// Failed sign-ins of one address from anywhere.
pub const LOGIN_ACCOUNT: Limit = limit("login_account", 50, 3600, LOGINS);
/// Failed sign-ins from one client.
pub const LOGIN_IP: Limit = limit("login_ip", 100, 900, LOGINS);
/// Wrong authenticator codes of one person.
pub const TOTP_ACCOUNT: Limit = limit("totp_account", 10, 900, LOGINS);
/// Registrations from one client.
pub const REGISTER: Limit = limit("register", 5, 3600, REQUESTS);
/// Reset requests for one address.
pub const FORGOT_EMAIL: Limit = limit("forgot_email", 3, 3600, REQUESTS);
/// Reset requests from one client.
pub const FORGOT_IP: Limit = limit("forgot_ip", 10, 3600, REQUESTS);
/// Wrong reset tokens from one client.
pub const RESET: Limit = limit("reset", 10, 900, REQUESTS);
/// Wrong current passwords of one person.
pub const PASSWORD_CHANGE: Limit = limit("password_change", 5, 900, REQUESTS);
/// Confirmation mails to one person.
pub const VERIFY_EMAIL: Limit = limit("verify_email", 3, 3600, REQUESTS);
/// Unusable keys from one client.
pub const API_KEY_FAIL: Limit = limit("api_key_fail", 20, 900, REQUESTS);
/// Invitations by one person.
pub const INVITE: Limit = limit("invite", 50, 3600, REQUESTS);
/// Tickets raised by one requester.
pub const TICKET_CREATE: Limit = limit("ticket_create", 20, 3600, REQUESTS);
/// Replies by one requester.
pub const TICKET_REPLY: Limit = limit("ticket_reply", 60, 3600, REQUESTS);
/// Files sent by one person.
pub const UPLOAD: Limit = limit("upload", 120, 3600, REQUESTS);
/// Verification codes to one staff member.
pub const STAFF_CODE: Limit = limit("staff_code", 3, 600, REQUESTS);
/// Verification codes by one administrator.
pub const STAFF_CODES: Limit = limit("staff_codes", 20, 600, REQUESTS);

#[derive(sqlx::FromRow)]
struct Row {
    hits: i64,
    window_start: DateTime<Utc>,
}

/// Takes one unit; 429 when the bucket is empty.
pub async fn hit(app: &App, limit: &Limit, subject: &str) -> Result<()> {
    let now = app.now();
    let mut tx = app.db().begin(Stamp::system(now)).await?;
    tx.housekeeping();
    let row = raise(&mut tx, limit, &tokens::sha256_hex(subject.as_bytes()), now).await?;
    tx.commit().await?;
    verdict(&row, limit, now)
}

async fn raise(tx: &mut Tx, limit: &Limit, key: &str, now: DateTime<Utc>) -> Result<Row> {
    let old = now - TimeDelta::seconds(limit.window);
    sql_by_engine(
        "INSERT INTO rate_limits (bucket, key_hash, window_start, hits) VALUES (?, ?, ?, 1) \
         ON CONFLICT (bucket, key_hash) DO UPDATE SET \
         hits = CASE WHEN window_start <= ? THEN 1 ELSE hits + 1 END, \
         window_start = CASE WHEN window_start <= ? THEN ? ELSE window_start END",
        "INSERT INTO rate_limits (bucket, key_hash, window_start, hits) VALUES (?, ?, ?, 1) \
         ON DUPLICATE KEY UPDATE \
         hits = CASE WHEN window_start <= ? THEN 1 ELSE hits + 1 END, \
         window_start = CASE WHEN window_start <= ? THEN ? ELSE window_start END",
    )
    .bind(limit.bucket)
    .bind(key)
    .bind(now)
    .bind(old)
    .bind(old)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(sql("SELECT hits, window_start FROM rate_limits WHERE bucket = ? AND key_hash = ?")
        .bind(limit.bucket)
        .bind(key)
        .fetch_one(tx)
        .await?)
}

fn verdict(row: &Row, limit: &Limit, now: DateTime<Utc>) -> Result<()> {
    if row.hits <= limit.max {
        return Ok(());
    }
    let ends = row.window_start + TimeDelta::seconds(limit.window);
    let wait = (ends - now).num_seconds().clamp(1, limit.window);
    Err(Error::TooMany { detail: limit.detail, retry_after: wait })
}

/// Refuses when the bucket is already empty, without taking a unit.
pub async fn check(app: &App, limit: &Limit, subject: &str) -> Result<()> {
    let now = app.now();
    let row: Option<Row> = sql("SELECT hits, window_start FROM rate_limits WHERE bucket = ? AND key_hash = ?")
        .bind(limit.bucket)
        .bind(tokens::sha256_hex(subject.as_bytes()))
        .fetch_optional(app.db())
        .await?;
    match row {
        Some(row) if row.window_start > now - TimeDelta::seconds(limit.window) && row.hits >= limit.max => {
            verdict(&Row { hits: limit.max + 1, ..row }, limit, now)
        }
        _ => Ok(()),
    }
}

/// Puts one unit back.
pub async fn give_back(app: &App, limit: &Limit, subject: &str) -> Result<()> {
    let mut tx = app.db().begin(Stamp::system(app.now())).await?;
    tx.housekeeping();
    sql("UPDATE rate_limits SET hits = hits - 1 WHERE bucket = ? AND key_hash = ? AND hits > 0")
        .bind(limit.bucket)
        .bind(tokens::sha256_hex(subject.as_bytes()))
        .execute(&mut tx)
        .await?;
    tx.commit().await
}

/// Empties a bucket's count inside a transaction.
pub async fn clear(tx: &mut Tx, limit: &Limit, subject: &str) -> Result<()> {
    sql("DELETE FROM rate_limits WHERE bucket = ? AND key_hash = ?")
        .bind(limit.bucket)
        .bind(tokens::sha256_hex(subject.as_bytes()))
        .execute(tx)
        .await?;
    Ok(())
}

/// Deletes windows older than a day; returns how many.
pub async fn purge(tx: &mut Tx, now: DateTime<Utc>) -> Result<u64> {
    Ok(sql("DELETE FROM rate_limits WHERE window_start < ?").bind(now - TimeDelta::hours(24)).execute(tx).await?)
}

/// Length of the in-memory windows.
const WINDOW: TimeDelta = TimeDelta::seconds(900);

/// Idle entries are thrown out when the map grows beyond this.
const MAX_ENTRIES: usize = 50_000;

/// The in-memory counters of one process.
#[derive(Debug)]
pub(crate) struct General {
    limits: GeneralLimits,
    seen: Mutex<HashMap<String, (DateTime<Utc>, u32)>>,
}

impl General {
    pub(crate) fn new(limits: GeneralLimits) -> Self {
        Self { limits, seen: Mutex::default() }
    }

    /// Before anything is looked at.
    pub(crate) fn coarse(&self, ip: &str, now: DateTime<Utc>) -> Result<()> {
        self.take(format!("c{ip}"), self.limits.coarse, now)
    }

    /// Once it is known who asks.
    pub(crate) fn anonymous(&self, ip: &str, now: DateTime<Utc>) -> Result<()> {
        self.take(format!("a{ip}"), self.limits.anonymous, now)
    }

    /// Once it is known who asks.
    pub(crate) fn signed_in(&self, who: &str, now: DateTime<Utc>) -> Result<()> {
        self.take(format!("s{who}"), self.limits.signed_in, now)
    }

    fn take(&self, key: String, max: u32, now: DateTime<Utc>) -> Result<()> {
        if max == 0 {
            return Ok(());
        }
        let Ok(mut seen) = self.seen.lock() else { return Ok(()) };
        if seen.len() > MAX_ENTRIES {
            seen.retain(|_, (start, _)| *start + WINDOW > now);
            // A flood of addresses within one window: forget rather than grow.
            if seen.len() > MAX_ENTRIES {
                seen.clear();
            }
        }
        let entry = seen.entry(key).or_insert((now, 0));
        if entry.0 + WINDOW <= now {
            *entry = (now, 0);
        }
        entry.1 = entry.1.saturating_add(1);
        if entry.1 <= max {
            return Ok(());
        }
        let retry_after = (entry.0 + WINDOW - now).num_seconds().max(1);
        Err(Error::TooMany { detail: "Rate limit exceeded", retry_after })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_general_bucket_opens_again_after_its_window() {
        let general = General::new(GeneralLimits { coarse: 2, anonymous: 0, signed_in: 0 });
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        assert!(general.coarse("a", now).is_ok() && general.coarse("a", now).is_ok());
        assert!(matches!(general.coarse("a", now), Err(Error::TooMany { retry_after: 900, .. })));
        assert!(general.coarse("b", now).is_ok());
        assert!(general.coarse("a", now + WINDOW).is_ok());
    }
}
