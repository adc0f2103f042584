//! What a super administrator may do with webhooks: retry, cancel, delete, one or many.

use serde_json::json;
use shared::audit::Change;
use shared::context::By;
use shared::db::{Sql, Tx, sql};
use shared::error::{Error, Result};
use shared::notify::{self, Notice};
use shared::webhooks;

use super::model::{BulkOut, MOST, Row, Which};
use super::store;

/// One more try, now; an exhausted event gets exactly one.
const RETRY: &str = "UPDATE webhook_events SET status = 'pending', started_by = 'manual', next_attempt_at = ?, \
    max_attempts = CASE WHEN attempt_count >= max_attempts THEN attempt_count + 1 ELSE max_attempts END, \
    updated_at = ? WHERE status IN ('pending', 'failed', 'cancelled') AND payload IS NOT NULL";

fn change(action: &'static str, row: &Row) -> Change {
    Change::new(action, "webhook", row.id).label(&row.name).meta("webhook_event_id", row.id)
}

/// Tries one again.
pub async fn retry(by: &By, id: i64) -> Result<Row> {
    let row = store::find(by.db(), id).await?;
    refuse_retry(&row)?;
    let mut tx = by.begin().await?;
    let now = tx.stamp().at;
    let rows = sql(RETRY).bind(now).bind(now).push(" AND id = ?").bind(id).execute(&mut tx).await?;
    if rows == 0 {
        return Err(Error::conflict("The webhook is on its way. Look again in a moment."));
    }
    webhooks::queue_delivery(&mut tx, id, now).await?;
    tx.audit(change("webhook.retried", &row));
    tell(by, &mut tx, format!("The webhook {} was sent again.", row.name), format!("/admin/webhooks/{id}")).await?;
    tx.commit().await?;
    store::find(by.db(), id).await
}

fn refuse_retry(row: &Row) -> Result<()> {
    match (row.status.as_str(), row.payload.is_some()) {
        ("succeeded", _) => Err(Error::conflict("The webhook was delivered already")),
        ("in_progress", _) => Err(Error::conflict("The webhook is on its way. Look again in a moment.")),
        (_, false) => Err(Error::conflict("What the webhook said has been erased, so it cannot be sent again")),
        _ => Ok(()),
    }
}

async fn tell(by: &By, tx: &mut Tx, message: String, link: String) -> Result<()> {
    let notice = Notice { kind: notify::WEBHOOK_RETRIED, message, link: Some(link), dedupe: None };
    notify::tell_super_admins(by.app(), tx, &notice).await
}

/// Takes one out of the queue.
pub async fn cancel(by: &By, id: i64) -> Result<Row> {
    let row = store::find(by.db(), id).await?;
    let mut tx = by.begin().await?;
    let now = tx.stamp().at;
    let rows = sql("UPDATE webhook_events SET status = 'cancelled', next_attempt_at = NULL, updated_at = ?, \
         payload = CASE WHEN is_sensitive = TRUE THEN NULL ELSE payload END WHERE id = ? AND status = 'pending'")
    .bind(now)
    .bind(id)
    .execute(&mut tx)
    .await?;
    if rows == 0 {
        return Err(Error::conflict("Only a queued webhook can be cancelled"));
    }
    notify::texts_withdrawn(&mut tx, &[id]).await?;
    tx.audit(change("webhook.cancelled", &row));
    tx.commit().await?;
    store::find(by.db(), id).await
}

/// Deletes one with its tries.
pub async fn delete(by: &By, id: i64) -> Result<()> {
    let row = store::find(by.db(), id).await?;
    let mut tx = by.begin().await?;
    let rows =
        sql("DELETE FROM webhook_events WHERE id = ? AND status <> 'in_progress'").bind(id).execute(&mut tx).await?;
    if rows == 0 {
        return Err(Error::conflict("The webhook is on its way. Delete it when it has arrived or failed."));
    }
    notify::texts_withdrawn(&mut tx, &[id]).await?;
    tx.audit(change("webhook.deleted", &row).before(json!({ "status": row.status })));
    tx.commit().await
}

/// The events of a state and span between the first and last number that the action takes.
async fn bounds(by: &By, which: &Which) -> Result<Option<(Sql, u64)>> {
    let Which::All { status, from, to } = which else { return Ok(None) };
    let matching = sql(" AND status = ?")
        .bind(status.clone())
        .push_if(" AND updated_at >= ?", *from)
        .push_if(" AND updated_at < ?", *to);
    let ids: Vec<(i64,)> = sql("SELECT id FROM webhook_events WHERE 1 = 1")
        .append(matching.clone())
        .push(" ORDER BY id LIMIT ?")
        .bind(i64::try_from(MOST).unwrap_or(1000))
        .fetch_all(by.db())
        .await?;
    let last = ids.last().map_or(0, |(id,)| *id);
    Ok(Some((matching.push(" AND id <= ?").bind(last), ids.len() as u64)))
}

async fn apply(by: &By, tx: &mut Tx, which: &Which, base: impl Fn() -> Sql) -> Result<BulkOut> {
    let (mut done, wanted) = (
        0,
        match bounds(by, which).await? {
            Some((matching, count)) => {
                let done = base().append(matching).execute(tx).await?;
                return Ok(BulkOut { done, skipped: count.saturating_sub(done) });
            }
            None => which,
        },
    );
    let Which::Ids(ids) = wanted else { return Ok(BulkOut { done: 0, skipped: 0 }) };
    for some in ids.chunks(shared::db::MAX_IN) {
        done += base().push_in(" AND id IN", some).execute(tx).await?;
    }
    Ok(BulkOut { done, skipped: (ids.len() as u64).saturating_sub(done) })
}

/// Many at once; what cannot be taken is skipped.
pub async fn bulk(by: &By, is_retry: bool, which: &Which) -> Result<BulkOut> {
    let mut tx = by.begin().await?;
    let now = tx.stamp().at;
    let out = if is_retry {
        apply(by, &mut tx, which, || sql(RETRY).bind(now).bind(now)).await?
    } else {
        if let Which::Ids(ids) = which {
            for some in ids.chunks(shared::db::MAX_IN) {
                notify::texts_withdrawn(&mut tx, some).await?;
            }
        }
        apply(by, &mut tx, which, || sql("DELETE FROM webhook_events WHERE status <> 'in_progress'")).await?
    };
    if out.done == 0 {
        return Ok(out);
    }
    let action = if is_retry { "webhook.retried" } else { "webhook.deleted" };
    tx.audit(Change::of_many(action, "webhook").meta("done", out.done).meta("skipped", out.skipped));
    if is_retry {
        webhooks::queue_sweep(&mut tx).await?;
        let noun = if out.done == 1 { "webhook was" } else { "webhooks were" };
        tell(by, &mut tx, format!("{} {noun} sent again.", out.done), "/admin/webhooks".to_owned()).await?;
    }
    tx.commit().await?;
    Ok(out)
}
