//! The job that sends one mail.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::bounces;
use super::transport::{Backend, Message, SendError};
use crate::db::sql;
use crate::error::Result;
use crate::insist;
use crate::jobs::{JobError, Run};
use crate::outbound_slots::{self, Bucket};

#[derive(Deserialize)]
struct Payload {
    id: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    message_id: String,
    to_addresses: String,
    sender: Option<String>,
    reply_to: Option<String>,
    headers: String,
    subject: String,
    text_body: Option<String>,
    html_body: Option<String>,
    status: String,
    resends: i64,
    is_sensitive: bool,
}

/// Sends one mail of the outbox. Its steps insist: a lock that two of them meet over is no try of the mail.
pub(crate) async fn send_job(run: Run) -> Result<(), JobError> {
    let Payload { id } = run.payload()?;
    let row: Option<Row> = sql("SELECT message_id, to_addresses, sender, reply_to, headers, subject, text_body, \
         html_body, status, resends, is_sensitive FROM email_outbox WHERE id = ?")
    .bind(id)
    .fetch_optional(run.db())
    .await?;
    let Some(row) = row else { return Ok(()) };
    match row.status.as_str() {
        "queued" => {}
        // Killed in the middle of the conversation: nobody knows whether the server took it.
        "sending" if row.resends == 0 => {}
        "sending" => return close(&run, id, "sent", None, row.is_sensitive).await,
        _ => return Ok(()),
    }
    let to: Vec<String> = serde_json::from_str(&row.to_addresses).unwrap_or_default();
    if to.is_empty() || matches!(run.app().mail(), Backend::Off) {
        tracing::warn!(email.id = id, "mail skipped: no server or no recipient");
        return close(&run, id, "skipped", Some("No mail server or no recipient"), row.is_sensitive).await;
    }
    if let Some(at) = insist!(wait(&run))? {
        return Err(JobError::NotBefore(at));
    }
    let (is_resend, is_sensitive) = (row.status == "sending", row.is_sensitive);
    let only = if let [only] = to.as_slice() { Some(only.clone()) } else { None };
    match send(&run, id, is_resend, &message(row, to)).await? {
        Ok(()) => {
            close(&run, id, "sent", None, is_sensitive).await?;
            Ok(insist!(bounced(&run, only.clone(), None))?)
        }
        Err(SendError::Permanent(text)) => {
            close(&run, id, "failed", Some(&text), is_sensitive).await?;
            let only = only.filter(|_| bounces::is_bounce(&text));
            insist!(bounced(&run, only.clone(), Some(&text)))?;
            Err(JobError::Fail(text))
        }
        Err(SendError::Temporary(text)) => {
            if run.is_last {
                close(&run, id, "failed", Some(&text), is_sensitive).await?;
            } else {
                insist!(back_to_queue(&run, id, &text))?;
            }
            Err(JobError::Retry(text))
        }
    }
}

/// The mail is in doubt only while its text is under way, so only that is written down.
async fn send(run: &Run, id: i64, is_resend: bool, message: &Message) -> Result<Result<(), SendError>, JobError> {
    match run.app().mail().announce(message).await {
        Ok(Some(announced)) => {
            insist!(mark_sending(run, id, is_resend))?;
            Ok(announced.deliver().await)
        }
        Ok(None) => Ok(Ok(())),
        Err(error) => Ok(Err(error)),
    }
}

/// When the server may be given the next mail, if that is not now: `SMTP_MAX_PER_MINUTE` holds for all
/// processes together.
async fn wait(run: &Run) -> Result<Option<DateTime<Utc>>> {
    if !matches!(run.app().mail(), Backend::Smtp(_)) {
        return Ok(None);
    }
    let bucket = Bucket { name: "smtp", per_minute: run.app().config().smtp.max_per_minute.max(1) };
    let taken = outbound_slots::take(run.app(), &bucket).await?;
    Ok(taken.err().map(|wait| run.now() + wait))
}

/// What a server said about an address: a reason when it is wrong, none when mail arrives.
async fn bounced(run: &Run, address: Option<String>, reason: Option<&str>) -> Result<()> {
    let Some(address) = address else { return Ok(()) };
    let known: Option<(i64,)> =
        sql("SELECT id FROM email_bounces WHERE address = ?").bind(&address).fetch_optional(run.db()).await?;
    if known.is_some() == reason.is_some() {
        return Ok(());
    }
    let mut tx = run.begin().await?;
    tx.housekeeping();
    match reason {
        Some(reason) => bounces::note(&mut tx, &address, reason).await?,
        None => {
            bounces::forget(&mut tx, &address).await?;
        }
    }
    tx.commit().await
}

fn message(row: Row, to: Vec<String>) -> Message {
    let mut headers: Vec<(String, String)> = serde_json::from_str(&row.headers).unwrap_or_default();
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("auto-submitted")) {
        // Keeps answering machines from answering (RFC 3834).
        headers.push(("Auto-Submitted".to_owned(), "auto-generated".to_owned()));
    }
    Message {
        message_id: row.message_id,
        from: row.sender.unwrap_or_default(),
        to,
        reply_to: row.reply_to,
        subject: row.subject,
        text: row.text_body.unwrap_or_default(),
        html: row.html_body,
        headers,
    }
}

async fn mark_sending(run: &Run, id: i64, is_resend: bool) -> Result<()> {
    let mut tx = run.begin().await?;
    tx.housekeeping();
    sql("UPDATE email_outbox SET status = 'sending', resends = resends + ? WHERE id = ?")
        .bind(i64::from(is_resend))
        .bind(id)
        .execute(&mut tx)
        .await?;
    tx.commit().await
}

async fn back_to_queue(run: &Run, id: i64, error: &str) -> Result<()> {
    let mut tx = run.begin().await?;
    tx.housekeeping();
    sql("UPDATE email_outbox SET status = 'queued', attempts = attempts + 1, last_error = ? WHERE id = ?")
        .bind(error.chars().take(2000).collect::<String>())
        .bind(id)
        .execute(&mut tx)
        .await?;
    tx.commit().await
}

/// Insists, because a mail that was sent and not closed is sent again.
async fn close(
    run: &Run,
    id: i64,
    status: &'static str,
    error: Option<&str>,
    is_sensitive: bool,
) -> Result<(), JobError> {
    Ok(insist!(write_end(run, id, status, error, is_sensitive))?)
}

async fn write_end(run: &Run, id: i64, status: &'static str, error: Option<&str>, is_sensitive: bool) -> Result<()> {
    let mut tx = run.begin().await?;
    tx.housekeeping();
    let now: DateTime<Utc> = run.now();
    let query = sql("UPDATE email_outbox SET status = ?, attempts = attempts + ?, last_error = ?, sent_at = ?")
        .bind(status)
        .bind(i64::from(status != "skipped"))
        .bind(error.map(|text| text.chars().take(2000).collect::<String>()))
        .bind((status == "sent").then_some(now));
    let query = if is_sensitive { query.push(", text_body = NULL, html_body = NULL") } else { query };
    query.push(" WHERE id = ?").bind(id).execute(&mut tx).await?;
    sql("UPDATE notification_deliveries SET status = ?, reason = ?, finished_at = ? WHERE outbox_id = ?")
        .bind(status)
        .bind(error.map(|text| text.chars().take(500).collect::<String>()))
        .bind(now)
        .bind(id)
        .execute(&mut tx)
        .await?;
    tx.commit().await
}
