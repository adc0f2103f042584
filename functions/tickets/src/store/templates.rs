//! Rows of `ticket_templates`: a person's own texts and those of the whole desk.

use shared::db::{At, Tx, sql};
use shared::error::Result;

use crate::model::NewTemplate;

/// A text that is written again and again.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Template {
    /// Row of `ticket_templates`.
    pub id: i64,
    /// None when it is the desk's.
    pub owner_id: Option<i64>,
    /// What it is chosen by.
    pub name: String,
    /// With words such as `{requester_name}`.
    pub body: String,
}

const MINE: &str = "SELECT m.id, m.owner_id, m.name, m.body FROM ticket_templates m \
    WHERE (m.owner_id IS NULL OR m.owner_id = ?)";

/// Those that somebody may use, by name.
pub async fn templates(at: impl Into<At<'_>>, me: i64) -> Result<Vec<Template>> {
    Ok(sql(MINE).bind(me).push(" ORDER BY m.name, m.id LIMIT 200").fetch_all(at).await?)
}

/// One that somebody may use.
pub async fn template(at: impl Into<At<'_>>, me: i64, id: i64) -> Result<Option<Template>> {
    Ok(sql(MINE).bind(me).push(" AND m.id = ?").bind(id).fetch_optional(at).await?)
}

/// Adds one.
pub async fn insert_template(tx: &mut Tx, me: i64, new: &NewTemplate) -> Result<i64> {
    let now = tx.stamp().at;
    let insert =
        sql("INSERT INTO ticket_templates (owner_id, name, body, created_at, updated_at) VALUES (?, ?, ?, ?, ?)");
    let owner = (!new.is_shared).then_some(me);
    Ok(insert.bind(owner).bind(&new.name).bind(&new.body).bind(now).bind(now).insert(tx).await?)
}

/// Writes one anew.
pub async fn save_template(tx: &mut Tx, me: i64, id: i64, new: &NewTemplate) -> Result<()> {
    let now = tx.stamp().at;
    let update = sql("UPDATE ticket_templates SET owner_id = ?, name = ?, body = ?, updated_at = ? WHERE id = ?");
    let owner = (!new.is_shared).then_some(me);
    update.bind(owner).bind(&new.name).bind(&new.body).bind(now).bind(id).execute(tx).await?;
    Ok(())
}

/// Removes one.
pub async fn delete_template(tx: &mut Tx, id: i64) -> Result<()> {
    sql("DELETE FROM ticket_templates WHERE id = ?").bind(id).execute(tx).await?;
    Ok(())
}
