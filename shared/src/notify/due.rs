//! Once a minute: what waited for a digest, for the end of quiet hours or for its five minutes goes out,
//! everything of one person on one channel as one message. Once a day: what is old goes.

use chrono::TimeDelta;
use minijinja::context;

use super::deliver::{self, Letter};
use super::wishes::{self, Wishes};
use super::{label, sms};
use crate::app::App;
use crate::db::{Tx, sql};
use crate::error::Result;
use crate::jobs::{JobError, Run};
use crate::mail::Draft;

/// People and channels seen to in one turn; the next turn comes in a minute.
const TURN: i64 = 500;

/// Notifications in one message.
const GATHERED: i64 = 100;

#[derive(sqlx::FromRow)]
struct Waiting {
    delivery_id: i64,
    event_type: String,
    message: String,
    link: Option<String>,
}

/// Sends what is due.
pub(crate) async fn due_job(run: Run) -> Result<(), JobError> {
    let due: Vec<(i64, String)> = sql("SELECT d.user_id, d.channel FROM notification_deliveries d \
         WHERE d.status = 'queued' AND d.due_at <= ? GROUP BY d.user_id, d.channel ORDER BY MIN(d.due_at) LIMIT ?")
    .bind(run.now())
    .bind(TURN)
    .fetch_all(run.db())
    .await?;
    for (user, channel) in due {
        let mut tx = run.begin().await?;
        tx.housekeeping();
        gather(run.app(), &mut tx, user, &channel).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn gather(app: &App, tx: &mut Tx, user: i64, channel: &str) -> Result<()> {
    let now = tx.stamp().at;
    let waiting: Vec<Waiting> = sql("SELECT d.id AS delivery_id, n.event_type, n.message, n.link \
         FROM notification_deliveries d JOIN notifications n ON n.id = d.notification_id \
         WHERE d.user_id = ? AND d.channel = ? AND d.status = 'queued' AND d.due_at <= ? AND n.recalled_at IS NULL \
         ORDER BY n.created_at, n.id LIMIT ?")
    .bind(user)
    .bind(channel)
    .bind(now)
    .bind(GATHERED)
    .fetch_all(&mut *tx)
    .await?;
    recalled(tx, user, channel).await?;
    let Some(first) = waiting.first() else { return Ok(()) };
    let person = wishes::select(&first.event_type, "", now).push(" WHERE u.id = ?").bind(user);
    let Some(person) = person.fetch_optional::<Wishes>(&mut *tx).await? else { return Ok(()) };
    let ids: Vec<i64> = waiting.iter().map(|row| row.delivery_id).collect();
    if !person.is_active || (channel == "email" && person.has_bounced) {
        return close(tx, &ids, "The account is disabled or its address does not exist").await;
    }
    let mut outbox = None;
    if channel == "email" {
        let letter = letter(first);
        let draft = match waiting.as_slice() {
            [_] => deliver::general(app, tx, &letter).await?,
            more => digest(app, tx, more).await?,
        };
        outbox = deliver::post(app, tx, &person, &letter, draft).await?;
    }
    sql("UPDATE notification_deliveries SET due_at = NULL, outbox_id = ?")
        .bind(outbox)
        .push_in(" WHERE id IN", &ids)
        .execute(tx)
        .await?;
    if channel != "email" {
        sms::queue(tx, &ids).await?;
    }
    Ok(())
}

fn letter(row: &Waiting) -> Letter<'_> {
    Letter {
        label: label(&row.event_type),
        event_type: &row.event_type,
        message: &row.message,
        link: row.link.as_deref(),
    }
}

async fn digest(app: &App, tx: &mut Tx, rows: &[Waiting]) -> Result<Draft> {
    let items: Vec<_> = rows
        .iter()
        .map(|row| {
            let link = deliver::absolute(app, row.link.as_deref());
            context! { label => label(&row.event_type), message => row.message.clone(), link }
        })
        .collect();
    let fields = context! { items, count => rows.len(), link => deliver::absolute(app, Some("/notifications")) };
    Draft::template(app, tx, "digest", fields).await
}

/// What was taken back while it waited is not sent.
async fn recalled(tx: &mut Tx, user: i64, channel: &str) -> Result<()> {
    let now = tx.stamp().at;
    sql(
        "UPDATE notification_deliveries SET status = 'skipped', reason = 'Taken back', due_at = NULL, finished_at = ? \
         WHERE user_id = ? AND channel = ? AND status = 'queued' AND due_at <= ? AND notification_id IN \
         (SELECT n.id FROM notifications n WHERE n.recalled_at IS NOT NULL)",
    )
    .bind(now)
    .bind(user)
    .bind(channel)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

async fn close(tx: &mut Tx, ids: &[i64], reason: &'static str) -> Result<()> {
    let now = tx.stamp().at;
    sql("UPDATE notification_deliveries SET status = 'skipped', due_at = NULL, finished_at = ?, reason = ?")
        .bind(now)
        .bind(reason)
        .push_in(" WHERE id IN", ids)
        .execute(tx)
        .await?;
    Ok(())
}

/// Personal notifications are kept for a year, broadcasts 90 days after their end, deliveries half a year.
pub(crate) async fn purge_job(run: Run) -> Result<(), JobError> {
    let now = run.now();
    let mut tx = run.begin().await?;
    tx.housekeeping();
    sql("DELETE FROM notification_deliveries WHERE created_at < ?")
        .bind(now - TimeDelta::days(180))
        .execute(&mut tx)
        .await?;
    sql("DELETE FROM notifications WHERE audience = 'user' AND created_at < ?")
        .bind(now - TimeDelta::days(365))
        .execute(&mut tx)
        .await?;
    sql("DELETE FROM notifications WHERE audience <> 'user' AND expires_at < ?")
        .bind(now - TimeDelta::days(90))
        .execute(&mut tx)
        .await?;
    Ok(tx.commit().await?)
}
