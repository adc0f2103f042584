//! Rows of `ticket_links`: seen from both ends, by people who may see both.

use shared::db::{At, Tx, sql};
use shared::error::Result;

use crate::model::Relation;
use crate::scope::Scope;

/// A ticket that belongs to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// Row of `ticket_links`; 0 where only the ticket matters.
    pub link_id: i64,
    /// How, as seen from the ticket that was asked for.
    pub relation: Relation,
    /// The other ticket.
    pub id: i64,
    /// Its subject.
    pub subject: String,
    /// Its status.
    pub status: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    link_id: i64,
    kind: String,
    is_turned: i64,
    id: i64,
    subject: String,
    status: String,
}

impl From<Row> for Related {
    fn from(row: Row) -> Self {
        let relation = Relation::parse(&row.kind).unwrap_or(Relation::Relates);
        let relation = if row.is_turned == 1 { relation.turned() } else { relation };
        Self { link_id: row.link_id, relation, id: row.id, subject: row.subject, status: row.status }
    }
}

/// Tickets that belong to a ticket, as far as the caller may see them; at most 100.
pub async fn related(scope: Scope, at: impl Into<At<'_>>, ticket_id: i64) -> Result<Vec<Related>> {
    let rows: Vec<Row> = sql("SELECT * FROM (SELECT l.id AS link_id, l.kind AS kind, 0 AS is_turned, t.id AS id, \
         t.subject AS subject, t.status AS status FROM ticket_links l JOIN tickets t ON t.id = l.other_id \
         WHERE l.ticket_id = ?")
    .bind(ticket_id)
    .append(scope.condition())
    .push(
        " ORDER BY l.id LIMIT 100) a UNION ALL SELECT * FROM (SELECT l.id AS link_id, l.kind AS kind, 1 AS is_turned, t.id AS id, \
         t.subject AS subject, t.status AS status \
         FROM ticket_links l JOIN tickets t ON t.id = l.ticket_id WHERE l.other_id = ?",
    )
    .bind(ticket_id)
    .append(scope.condition())
    .push(" ORDER BY l.id LIMIT 100) b")
    .fetch_all(at)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// True when the two are linked in this way already, from either end.
pub async fn are_linked(tx: &mut Tx, (from, to, kind): (i64, i64, &str)) -> Result<bool> {
    let query = sql("SELECT COUNT(*) FROM ticket_links WHERE kind = ? AND ((ticket_id = ? AND other_id = ?) \
         OR (ticket_id = ? AND other_id = ?))");
    let count: i64 = query.bind(kind).bind(from).bind(to).bind(to).bind(from).fetch_value(tx).await?;
    Ok(count > 0)
}

/// How many links a ticket has.
pub async fn count_links(tx: &mut Tx, ticket_id: i64) -> Result<i64> {
    let query = sql("SELECT COUNT(*) FROM ticket_links WHERE ticket_id = ? OR other_id = ?");
    Ok(query.bind(ticket_id).bind(ticket_id).fetch_value(tx).await?)
}

/// Links two tickets.
pub async fn link(tx: &mut Tx, (from, to, kind): (i64, i64, &'static str)) -> Result<i64> {
    let (now, by) = (tx.stamp().at, tx.stamp().user_id);
    let insert =
        sql("INSERT INTO ticket_links (ticket_id, other_id, kind, created_by_id, created_at) VALUES (?, ?, ?, ?, ?)");
    Ok(insert.bind(from).bind(to).bind(kind).bind(by).bind(now).insert(tx).await?)
}

/// Takes a link away; false when there is none.
pub async fn unlink(tx: &mut Tx, (from, to, kind): (i64, i64, &'static str)) -> Result<bool> {
    let query = sql("DELETE FROM ticket_links WHERE ticket_id = ? AND other_id = ? AND kind = ?");
    Ok(query.bind(from).bind(to).bind(kind).execute(tx).await? == 1)
}
