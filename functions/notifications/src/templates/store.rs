//! Rows of `email_templates`: words that win over those shipped with the product.

use chrono::{DateTime, Utc};
use shared::db::{Db, Tx, sql, sql_by_engine};
use shared::error::Result;

/// Changed words.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "columns of email_templates")]
pub struct Changed {
    pub name: String,
    pub subject: String,
    pub body: String,
    pub updated_at: DateTime<Utc>,
    pub editor: Option<String>,
}

const SELECT: &str = "SELECT t.name, t.subject, t.body, t.updated_at, u.email AS editor FROM email_templates t \
    LEFT JOIN users u ON u.id = t.updated_by";

/// All changed ones.
pub async fn all(db: &Db) -> Result<Vec<Changed>> {
    Ok(sql(SELECT).push(" ORDER BY t.name LIMIT 200").fetch_all(db).await?)
}

/// One, when it was changed.
pub async fn find(db: &Db, name: &str) -> Result<Option<Changed>> {
    Ok(sql(SELECT).push(" WHERE t.name = ?").bind(name).fetch_optional(db).await?)
}

/// Keeps changed words.
pub async fn save(tx: &mut Tx, name: &str, subject: &str, body: &str) -> Result<()> {
    let (now, editor) = (tx.stamp().at, tx.stamp().user_id);
    sql_by_engine(
        "INSERT INTO email_templates (name, subject, body, updated_by, created_at, updated_at) \
         VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET subject = excluded.subject, \
         body = excluded.body, updated_by = excluded.updated_by, updated_at = excluded.updated_at",
        "INSERT INTO email_templates (name, subject, body, updated_by, created_at, updated_at) \
         VALUES (?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE subject = VALUES(subject), \
         body = VALUES(body), updated_by = VALUES(updated_by), updated_at = VALUES(updated_at)",
    )
    .bind(name)
    .bind(subject)
    .bind(body)
    .bind(editor)
    .bind(now)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// Returns to the words of the product.
pub async fn reset(tx: &mut Tx, name: &str) -> Result<()> {
    sql("DELETE FROM email_templates WHERE name = ?").bind(name).execute(tx).await?;
    Ok(())
}
