//! From an `X-API-Key` header to a machine (identity 16.2).

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use http::Method;

use crate::app::App;
use crate::audit::Stamp;
use crate::auth_log::{Event, KeyFailure};
use crate::db::{Tx, sql, sql_by_engine};
use crate::error::{Error, Result};
use crate::tokens;

/// A machine with an API key.
#[derive(Debug, Clone)]
pub struct Key {
    /// Row of `api_keys`.
    pub id: i64,
    /// First characters, for people to tell keys apart.
    pub preview: String,
    /// `<area>:read`, `<area>:write`, `*:read`, `*:*`.
    pub scopes: Vec<String>,
    /// The only company it may reach, if it is limited to one.
    pub company_id: Option<i64>,
}

impl Key {
    /// Refuses a call outside the scopes. `area` is none on routes that take no keys.
    pub fn require(&self, area: Option<&str>, method: &Method) -> Result<()> {
        let Some(area) = area else { return Err(Error::forbidden("API keys cannot be used here")) };
        let is_read = matches!(*method, Method::GET | Method::HEAD);
        let admits = |scope: &String| {
            let (of, verb) = scope.split_once(':').unwrap_or((scope.as_str(), ""));
            (of == area || of == "*") && (verb == "*" || verb == "write" || (verb == "read" && is_read))
        };
        if self.scopes.iter().any(admits) {
            return Ok(());
        }
        let verb = if is_read { "read" } else { "write" };
        Err(Error::forbidden(format!("API key lacks the scope {area}:{verb}")))
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    key_prefix: String,
    expiry_date: Option<NaiveDate>,
    scopes: String,
    company_id: Option<i64>,
    allowed_ips: Option<String>,
    last_used_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    /// The only company it may reach is archived.
    is_archived: bool,
}

/// At most this many addresses are counted per key; further ones are counted as `other`.
const MAX_ADDRESSES: i64 = 500;

/// The key behind a token; an unusable one is 401, counted and written to the authentication log.
pub(crate) async fn authenticate(app: &App, token: &str, ip: &str) -> Result<Arc<Key>> {
    let now = app.now();
    let limit = crate::rate_limit::API_KEY_FAIL;
    crate::rate_limit::check(app, &limit, ip).await?;
    let hash = tokens::hmac_sha256_hex(app.config().api_key_pepper.as_bytes(), token.as_bytes());
    let row: Option<Row> = sql("SELECT k.id, k.key_prefix, k.expiry_date, k.scopes, k.company_id, k.allowed_ips, \
         k.last_used_at, k.revoked_at, c.archived_at IS NOT NULL AS is_archived FROM api_keys k \
         LEFT JOIN companies c ON c.id = k.company_id WHERE k.key_hash = ?")
    .bind(hash)
    .fetch_optional(app.db())
    .await?;
    let row = match row.ok_or(KeyFailure::InvalidKey).and_then(|row| usable(row, now, ip)) {
        Ok(row) => row,
        Err(reason) => {
            app.auth_log().record(now, Event::ApiKeyFailed { ip, reason });
            crate::rate_limit::hit(app, &limit, ip).await?;
            return Err(Error::refused(http::StatusCode::UNAUTHORIZED, "Invalid API key").code("invalid_api_key"));
        }
    };
    count_use(app, &row, ip, now).await?;
    Ok(Arc::new(Key {
        id: row.id,
        preview: format!("{}••••", row.key_prefix),
        scopes: serde_json::from_str(&row.scopes).unwrap_or_default(),
        company_id: row.company_id,
    }))
}

fn usable(row: Row, now: DateTime<Utc>, ip: &str) -> Result<Row, KeyFailure> {
    if row.is_archived || row.revoked_at.is_some_and(|at| at <= now) {
        return Err(KeyFailure::Revoked);
    }
    if row.expiry_date.is_some_and(|day| day < now.date_naive()) {
        return Err(KeyFailure::Expired);
    }
    if !is_allowed(row.allowed_ips.as_deref(), ip) {
        return Err(KeyFailure::IpNotAllowed);
    }
    Ok(row)
}

fn is_allowed(allowed: Option<&str>, ip: &str) -> bool {
    let Some(text) = allowed else { return true };
    // A list that cannot be read admits nobody.
    let Ok(list) = serde_json::from_str::<Vec<String>>(text) else { return false };
    let Ok(ip) = ip.parse::<std::net::IpAddr>() else { return list.is_empty() };
    list.is_empty()
        || list.iter().any(|entry| match entry.parse::<ipnet::IpNet>() {
            Ok(range) => range.contains(&ip),
            Err(_) => entry.parse() == Ok(ip),
        })
}

async fn count_use(app: &App, row: &Row, ip: &str, now: DateTime<Utc>) -> Result<()> {
    let mut tx = app.db().begin(Stamp::system(now)).await?;
    tx.housekeeping();
    // First the key, then what points at it: the other way round two first uses wait for each other.
    if row.last_used_at.is_none_or(|at| now - at >= TimeDelta::minutes(1)) {
        sql("UPDATE api_keys SET last_used_at = ? WHERE id = ?").bind(now).bind(row.id).execute(&mut tx).await?;
    }
    let is_known = sql("UPDATE api_key_usage SET usage_count = usage_count + 1, last_used_at = ? \
         WHERE api_key_id = ? AND ip_address = ?")
    .bind(now)
    .bind(row.id)
    .bind(ip)
    .execute(&mut tx)
    .await?;
    if is_known == 0 {
        count_first_use(&mut tx, row.id, ip, now).await?;
    }
    tx.commit().await
}

/// An address that was not seen before; a parallel first use of it adds to the same row.
async fn count_first_use(tx: &mut Tx, key_id: i64, ip: &str, now: DateTime<Utc>) -> Result<()> {
    let known: i64 = sql("SELECT COUNT(*) FROM api_key_usage WHERE api_key_id = ? AND ip_address <> 'other'")
        .bind(key_id)
        .fetch_value(&mut *tx)
        .await?;
    add_use(tx, key_id, if known >= MAX_ADDRESSES { "other" } else { ip }, now).await
}

async fn add_use(tx: &mut Tx, key_id: i64, ip: &str, now: DateTime<Utc>) -> Result<()> {
    sql_by_engine(
        "INSERT INTO api_key_usage (api_key_id, ip_address, usage_count, last_used_at) VALUES (?, ?, 1, ?) \
         ON CONFLICT (api_key_id, ip_address) DO UPDATE SET usage_count = usage_count + 1, last_used_at = ?",
        "INSERT INTO api_key_usage (api_key_id, ip_address, usage_count, last_used_at) VALUES (?, ?, 1, ?) \
         ON DUPLICATE KEY UPDATE usage_count = usage_count + 1, last_used_at = ?",
    )
    .bind(key_id)
    .bind(ip)
    .bind(now)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(scopes: &[&str]) -> Key {
        Key {
            id: 1,
            preview: String::new(),
            scopes: scopes.iter().map(|s| (*s).to_owned()).collect(),
            company_id: None,
        }
    }

    #[test]
    fn write_includes_read_and_read_does_not_write() {
        assert!(key(&["tickets:write"]).require(Some("tickets"), &Method::GET).is_ok());
        assert!(key(&["tickets:read"]).require(Some("tickets"), &Method::POST).is_err());
        assert!(key(&["*:read"]).require(Some("tickets"), &Method::GET).is_ok());
        assert!(key(&["*:read"]).require(Some("tickets"), &Method::DELETE).is_err());
        assert!(key(&["*:*"]).require(Some("users"), &Method::DELETE).is_ok());
        assert!(key(&["users:write"]).require(Some("tickets"), &Method::GET).is_err());
        assert!(key(&["*:*"]).require(None, &Method::GET).is_err());
    }

    #[test]
    fn addresses_come_alone_or_as_ranges() {
        assert!(is_allowed(None, "203.0.113.9"));
        assert!(is_allowed(Some(r#"["203.0.113.0/24"]"#), "203.0.113.9"));
        assert!(is_allowed(Some(r#"["203.0.113.9"]"#), "203.0.113.9"));
        assert!(!is_allowed(Some(r#"["203.0.113.9"]"#), "203.0.113.10"));
        assert!(!is_allowed(Some(r#"["203.0.113.9"]"#), "unknown"));
        assert!(is_allowed(Some("[]"), "203.0.113.9"));
        assert!(!is_allowed(Some("not a list"), "203.0.113.9"));
    }
}
