//! Rows of `user_sessions` and the cookies that lead to them.

use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderValue;

use crate::context::By;
use crate::db::{Tx, sql};
use crate::error::Result;
use crate::tokens::{self, Token};

/// A session that was just opened; the token exists only here and in the cookie.
#[derive(Debug)]
pub struct NewSession {
    /// Row of `user_sessions`.
    pub id: i64,
    /// The cookie's value.
    pub token: String,
    /// Sliding end.
    pub expires_at: DateTime<Utc>,
}

impl NewSession {
    /// The two cookies that carry it.
    pub fn cookies(&self, by: &By) -> [HeaderValue; 2] {
        let max_age = (self.expires_at - by.now()).num_seconds();
        crate::web::session_cookies(by.app(), by.request(), &self.token, max_age)
    }

    /// The token that the forms of the session carry.
    pub fn csrf(&self, by: &By) -> String {
        by.app().csrf_token(&self.token)
    }
}

/// Opens a session for a person. A session that the request still carried is ended as `replaced`.
pub async fn open(tx: &mut Tx, by: &By, user_id: i64, company_id: Option<i64>) -> Result<NewSession> {
    if let Some(person) = by.person() {
        revoke_one(tx, person.id(), person.session.id, "replaced").await?;
    }
    let now = by.now();
    let config = by.app().config();
    let absolute = now + TimeDelta::hours(config.session_max_lifetime_hours);
    let expires_at = (now + TimeDelta::minutes(config.session_ttl_minutes)).min(absolute);
    let token = Token::new();
    let id = sql("INSERT INTO user_sessions (user_id, active_company_id, session_token_hash, created_at, expires_at, \
         absolute_expires_at, last_seen_at, reauthenticated_at, ip_address, user_agent) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
    .bind(user_id)
    .bind(company_id)
    .bind(tokens::sha256_hex(token.as_str().as_bytes()))
    .bind(now)
    .bind(expires_at)
    .bind(absolute)
    .bind(now)
    .bind(now)
    .bind(by.ip())
    .bind(by.request().user_agent())
    .insert(tx)
    .await?;
    Ok(NewSession { id, token: token.as_str().to_owned(), expires_at })
}

/// Gives the current session a new token, keeping everything else.
pub async fn renew(tx: &mut Tx, by: &By, session_id: i64) -> Result<NewSession> {
    let now = by.now();
    let token = Token::new();
    let config = by.app().config();
    let absolute = by.person().map_or(now, |p| p.session.absolute_expires_at);
    let expires_at = (now + TimeDelta::minutes(config.session_ttl_minutes)).min(absolute);
    sql("UPDATE user_sessions SET session_token_hash = ?, expires_at = ?, last_seen_at = ?, reauthenticated_at = ? \
         WHERE id = ?")
    .bind(tokens::sha256_hex(token.as_str().as_bytes()))
    .bind(expires_at)
    .bind(now)
    .bind(now)
    .bind(session_id)
    .execute(tx)
    .await?;
    Ok(NewSession { id: session_id, token: token.as_str().to_owned(), expires_at })
}

/// Ends one session of a person; true when it was live.
pub async fn revoke_one(tx: &mut Tx, user_id: i64, session_id: i64, reason: &'static str) -> Result<bool> {
    let at = tx.stamp().at;
    let ended = sql("UPDATE user_sessions SET revoked_at = ?, revoked_reason = ?, pending_totp_secret = NULL \
         WHERE id = ? AND user_id = ? AND revoked_at IS NULL")
    .bind(at)
    .bind(reason)
    .bind(session_id)
    .bind(user_id)
    .execute(tx)
    .await?;
    Ok(ended > 0)
}

/// Ends all sessions of a person, except one if given; returns how many were live.
pub async fn revoke_all(tx: &mut Tx, user_id: i64, except: Option<i64>, reason: &'static str) -> Result<u64> {
    let at = tx.stamp().at;
    Ok(sql("UPDATE user_sessions SET revoked_at = ?, revoked_reason = ?, pending_totp_secret = NULL \
         WHERE user_id = ? AND revoked_at IS NULL AND expires_at > ? AND id <> ?")
    .bind(at)
    .bind(reason)
    .bind(user_id)
    .bind(at)
    .bind(except.unwrap_or(0))
    .execute(tx)
    .await?)
}

/// The company in which a new session begins (identity 11.2).
pub async fn first_company(tx: &mut Tx, user_id: i64, home: Option<i64>, is_super_admin: bool) -> Result<Option<i64>> {
    if is_super_admin && let Some(home) = home {
        let open: Option<(i64,)> = sql("SELECT id FROM companies WHERE id = ? AND archived_at IS NULL")
            .bind(home)
            .fetch_optional(&mut *tx)
            .await?;
        if open.is_some() {
            return Ok(Some(home));
        }
    }
    let first: Option<(i64,)> = sql("SELECT c.id FROM company_memberships m JOIN companies c ON c.id = m.company_id \
         WHERE m.user_id = ? AND m.status = 'active' AND c.archived_at IS NULL \
         ORDER BY CASE WHEN c.id = ? THEN 0 ELSE 1 END, c.name, c.id LIMIT 1")
    .bind(user_id)
    .bind(home.unwrap_or(0))
    .fetch_optional(tx)
    .await?;
    Ok(first.map(|(id,)| id))
}
