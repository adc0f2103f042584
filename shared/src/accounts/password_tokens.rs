//! One-time links: reset a password, accept an invitation, confirm an address.

use chrono::TimeDelta;

use crate::db::{At, Tx, sql};
use crate::error::Result;
use crate::tokens::{self, Token};

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A forgotten password: one hour.
    Reset,
    /// A first password: seven days.
    Invite,
    /// A confirmed address: one day.
    VerifyEmail,
}

impl Purpose {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Invite => "invite",
            Self::VerifyEmail => "verify_email",
        }
    }

    /// How long a token lives.
    pub fn lifetime(self) -> TimeDelta {
        match self {
            Self::Reset => TimeDelta::hours(1),
            Self::Invite => TimeDelta::days(7),
            Self::VerifyEmail => TimeDelta::hours(24),
        }
    }
}

/// Makes a token and voids the person's earlier ones of the same purpose.
pub async fn issue(tx: &mut Tx, user_id: i64, purpose: Purpose) -> Result<String> {
    let (now, ip) = (tx.stamp().at, tx.stamp().ip_address.clone());
    sql("UPDATE password_tokens SET used_at = ? WHERE user_id = ? AND purpose = ? AND used_at IS NULL")
        .bind(now)
        .bind(user_id)
        .bind(purpose.as_str())
        .execute(tx)
        .await?;
    let token = Token::new();
    sql("INSERT INTO password_tokens (token_hash, user_id, purpose, expires_at, created_at, requested_ip) \
         VALUES (?, ?, ?, ?, ?, ?)")
    .bind(token.digest())
    .bind(user_id)
    .bind(purpose.as_str())
    .bind(now + purpose.lifetime())
    .bind(now)
    .bind(ip)
    .insert(tx)
    .await?;
    Ok(token.as_str().to_owned())
}

/// Ends every open link of a person: the password was set, or the address they were sent to is another.
pub async fn void_all(tx: &mut Tx, user_id: i64) -> Result<u64> {
    let now = tx.stamp().at;
    Ok(sql("UPDATE password_tokens SET used_at = ? WHERE user_id = ? AND used_at IS NULL")
        .bind(now)
        .bind(user_id)
        .execute(tx)
        .await?)
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    user_id: i64,
    purpose: String,
}

/// A token that is good: whose, and what for.
#[derive(Debug, Clone, Copy)]
pub struct Redeemed {
    /// The person.
    pub user_id: i64,
    /// What for.
    pub purpose: Purpose,
}

async fn find(at: impl Into<At<'_>>, token: &str, now: chrono::DateTime<chrono::Utc>) -> Result<Option<Row>> {
    Ok(sql("SELECT id, user_id, purpose FROM password_tokens WHERE token_hash = ? AND used_at IS NULL \
         AND expires_at > ?")
    .bind(tokens::sha256_hex(token.trim().as_bytes()))
    .bind(now)
    .fetch_optional(at)
    .await?)
}

fn redeemed(row: &Row, wanted: &[Purpose]) -> Option<Redeemed> {
    let purpose = wanted.iter().copied().find(|p| p.as_str() == row.purpose)?;
    Some(Redeemed { user_id: row.user_id, purpose })
}

/// Looks at a token without using it.
pub async fn peek(
    at: impl Into<At<'_>>,
    token: &str,
    wanted: &[Purpose],
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Option<Redeemed>> {
    Ok(find(at, token, now).await?.and_then(|row| redeemed(&row, wanted)))
}

/// Uses a token: one of two parallel tries wins, by the count of the update.
pub async fn redeem(tx: &mut Tx, token: &str, wanted: &[Purpose]) -> Result<Option<Redeemed>> {
    let now = tx.stamp().at;
    let Some(row) = find(&mut *tx, token, now).await? else { return Ok(None) };
    let Some(redeemed) = redeemed(&row, wanted) else { return Ok(None) };
    let used = sql("UPDATE password_tokens SET used_at = ? WHERE id = ? AND used_at IS NULL AND expires_at > ?")
        .bind(now)
        .bind(row.id)
        .bind(now)
        .execute(tx)
        .await?;
    Ok((used == 1).then_some(redeemed))
}
