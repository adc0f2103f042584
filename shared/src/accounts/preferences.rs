//! Rows of `user_preferences`: what a person last chose, by name.

use crate::db::{At, Tx, sql, sql_by_engine};
use crate::error::Result;

/// What a person chose, if they did.
pub async fn get(at: impl Into<At<'_>>, user_id: i64, name: &str) -> Result<Option<String>> {
    let query = sql("SELECT value FROM user_preferences WHERE user_id = ? AND name = ?").bind(user_id).bind(name);
    let row: Option<(String,)> = query.fetch_optional(at).await?;
    Ok(row.map(|(value,)| value))
}

/// Keeps what a person chose; the caller's transaction is housekeeping or has a line of its own.
pub async fn set(tx: &mut Tx, user_id: i64, name: &str, value: &str) -> Result<()> {
    let now = tx.stamp().at;
    sql_by_engine(
        "INSERT INTO user_preferences (user_id, name, value, updated_at) VALUES (?, ?, ?, ?) \
         ON CONFLICT (user_id, name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
        "INSERT INTO user_preferences (user_id, name, value, updated_at) VALUES (?, ?, ?, ?) \
         ON DUPLICATE KEY UPDATE value = VALUES(value), updated_at = VALUES(updated_at)",
    )
    .bind(user_id)
    .bind(name)
    .bind(value)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}
