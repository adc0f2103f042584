//! Text messages, which go to the gateway through the webhook queue (notifications-forms 8), and pushes
//! through ntfy.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{deliver, label};
use crate::app::App;
use crate::db::{Tx, sql};
use crate::error::{Error, Result};
use crate::jobs::{JobError, NewJob, Run, Schedule};
use crate::modules::{self, Module, Slug, settings};
use crate::outbound::Request;
use crate::webhooks::{NewWebhook, Reference};

/// What text messages are called in the webhook queue.
pub const TEXT_WEBHOOK: &str = "sms.dispatch";

/// Characters of a text message.
pub const TEXT_LENGTH: usize = 160;

/// The gateway has this long to answer.
const GATEWAY: Duration = Duration::from_secs(10);

/// A number as the gateway wants it: `+` and 7 to 15 digits. A national number needs the country code.
pub fn number(text: &str, country: &str) -> Option<String> {
    let bare: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.' | '/' | '\u{a0}')).collect();
    let country = country.trim_start_matches('+');
    let whole = match (bare.strip_prefix("00"), bare.strip_prefix('0')) {
        (Some(rest), _) => format!("+{rest}"),
        (None, Some(rest)) if !country.is_empty() => format!("+{country}{rest}"),
        _ => bare,
    };
    let digits = whole.strip_prefix('+')?;
    let is_good = (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    (is_good && !digits.starts_with('0')).then_some(whole)
}

/// Sends these deliveries of one person on one channel as one message.
pub(super) async fn queue(tx: &mut Tx, deliveries: &[i64]) -> Result<()> {
    let Some(first) = deliveries.first() else { return Ok(()) };
    NewJob::new("notify.text", json!({ "ids": deliveries }))
        .dedupe(format!("notify.text:{first}"))
        .schedule(Schedule::Gateway)
        .priority(20)
        .queue(tx)
        .await?;
    Ok(())
}

#[derive(Deserialize)]
struct Payload {
    ids: Vec<i64>,
}

#[derive(sqlx::FromRow)]
struct Row {
    channel: String,
    event_type: String,
    message: String,
    link: Option<String>,
    mobile_phone: Option<String>,
    is_active: bool,
    recalled_at: Option<DateTime<Utc>>,
    ntfy_topic: Option<String>,
}

/// Sends one text message or push.
pub(crate) async fn text_job(run: Run) -> Result<(), JobError> {
    let Payload { ids } = run.payload()?;
    let rows: Vec<Row> = sql("SELECT d.channel, n.event_type, n.message, n.link, u.mobile_phone, u.is_active, \
         n.recalled_at, s.ntfy_topic FROM notification_deliveries d JOIN notifications n ON n.id = d.notification_id \
         JOIN users u ON u.id = d.user_id LEFT JOIN notification_settings s ON s.user_id = u.id \
         WHERE d.status = 'queued' AND d.webhook_event_id IS NULL")
    .push_in(" AND d.id IN", &ids)
    .push(" ORDER BY n.created_at, n.id LIMIT 200")
    .fetch_all(run.db())
    .await?;
    let Some(first) = rows.first() else { return Ok(()) };
    let sent = if !first.is_active || rows.iter().all(|row| row.recalled_at.is_some()) {
        Err(Failure::Skip("Taken back, or the account is disabled"))
    } else if first.channel == "sms" {
        match by_sms(&run, first, &text(run.app(), &rows)).await {
            Ok(webhook) => return Ok(hand_over(&run, &ids, webhook).await?),
            Err(failure) => Err(failure),
        }
    } else {
        by_ntfy(&run, first, &rows).await
    };
    match sent {
        Ok(()) => Ok(close(&run, &ids, "sent", None).await?),
        Err(Failure::Skip(reason)) => {
            tracing::warn!(reason, "a message is skipped");
            Ok(close(&run, &ids, "skipped", Some(reason)).await?)
        }
        Err(Failure::Later(text)) if !run.is_last => Err(JobError::Retry(text)),
        Err(Failure::Later(text) | Failure::Final(text)) => {
            close(&run, &ids, "failed", Some(&text)).await?;
            Err(JobError::Fail(text))
        }
    }
}

/// The text: the message, or how many there are and the first; with a link as long as it fits.
fn text(app: &App, rows: &[Row]) -> String {
    let brand = &app.config().app_name;
    let Some(first) = rows.first() else { return String::new() };
    let words = match rows.len() {
        1 => first.message.clone(),
        many => format!("{brand}: {many} notifications. {}: {}", label(&first.event_type), first.message),
    };
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let path = if rows.len() == 1 { first.link.as_deref() } else { Some("/notifications") };
    let link = deliver::absolute(app, path).map(|link| format!(" {link}")).unwrap_or_default();
    if words.chars().count() + link.chars().count() <= TEXT_LENGTH {
        return words + &link;
    }
    cut(&words, TEXT_LENGTH)
}

fn cut(text: &str, length: usize) -> String {
    if text.chars().count() <= length {
        return text.to_owned();
    }
    text.chars().take(length - 1).chain(['\u{2026}']).collect()
}

/// Why a message was not sent.
enum Failure {
    /// It is not to be sent.
    Skip(&'static str),
    /// Another try may help.
    Later(String),
    /// Another try cannot help.
    Final(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match JobError::from(error) {
            JobError::Retry(text) | JobError::Fail(text) => Self::Later(text),
            JobError::NotBefore(at) => Self::Later(at.to_string()),
        }
    }
}

/// The message as the gateway wants it; the login is added when it is delivered.
async fn by_sms(run: &Run, row: &Row, text: &str) -> std::result::Result<NewWebhook, Failure> {
    let module = modules::find(run.app(), run.db(), Slug::Sms).await?;
    let settings: settings::Sms = module.settings()?;
    if !module.is_ready(run.app())? {
        return Err(Failure::Skip("No SMS gateway is set up"));
    }
    let Some(to) = number(row.mobile_phone.as_deref().unwrap_or_default(), &settings.default_country_code) else {
        return Err(Failure::Skip("The mobile number is not valid"));
    };
    let body = json!({
        "textMessage": { "text": text },
        "phoneNumbers": [to],
        "simNumber": 1,
        "ttl": 3600,
        "priority": 100,
    });
    let login = Reference { prefix: "Basic ", module: Slug::Sms, key: "auth" };
    Ok(NewWebhook::new(TEXT_WEBHOOK, &settings.endpoint, body).secret_header("authorization", login).tries(3, 300))
}

/// Queues the webhook and notes it with the deliveries, together, so that a repeat finds nothing to do.
async fn hand_over(run: &Run, ids: &[i64], webhook: NewWebhook) -> Result<()> {
    let Some(first) = ids.first() else { return Ok(()) };
    let mut tx = run.begin().await?;
    tx.housekeeping();
    let webhook = webhook.source("notification_delivery", *first).queue(run.app(), &mut tx).await?;
    sql("UPDATE notification_deliveries SET webhook_event_id = ?")
        .bind(webhook)
        .push_in(" WHERE status = 'queued' AND id IN", ids)
        .execute(&mut tx)
        .await?;
    tx.commit().await
}

/// What the gateway said at last: `succeeded` or `failed`, also after a retry by hand.
pub(crate) async fn text_settled(tx: &mut Tx, webhook: i64, status: &str, error: Option<&str>) -> Result<()> {
    let now = tx.stamp().at;
    sql("UPDATE notification_deliveries SET status = ?, reason = ?, finished_at = ? \
         WHERE webhook_event_id = ?")
    .bind(if status == "succeeded" { "sent" } else { "failed" })
    .bind(error.map(|text| cut(text, 500)))
    .bind(now)
    .bind(webhook)
    .execute(tx)
    .await?;
    Ok(())
}

/// Notes with their deliveries that text messages were taken out of the webhook queue.
pub async fn texts_withdrawn(tx: &mut Tx, webhooks: &[i64]) -> Result<()> {
    let now = tx.stamp().at;
    sql("UPDATE notification_deliveries SET status = 'skipped', reason = 'Taken out of the queue', finished_at = ?")
        .bind(now)
        .push_in(" WHERE status = 'queued' AND webhook_event_id IN", webhooks)
        .execute(tx)
        .await?;
    Ok(())
}

async fn by_ntfy(run: &Run, row: &Row, rows: &[Row]) -> std::result::Result<(), Failure> {
    let module = modules::find(run.app(), run.db(), Slug::Ntfy).await?;
    if !module.enabled {
        return Err(Failure::Skip("ntfy is switched off"));
    }
    let Some(topic) = &row.ntfy_topic else { return Err(Failure::Skip("No ntfy topic")) };
    let settings: settings::Ntfy = module.settings()?;
    let message: Vec<&str> = rows.iter().map(|row| row.message.as_str()).collect();
    let path = if rows.len() == 1 { row.link.as_deref() } else { Some("/notifications") };
    let mut body = json!({
        "topic": topic,
        "title": format!("{}: {}", run.app().config().app_name, label(&row.event_type)),
        "message": cut(&message.join("\n"), 2000),
        "priority": 3,
    });
    if let (Some(link), Some(body)) = (deliver::absolute(run.app(), path), body.as_object_mut()) {
        body.insert("click".to_owned(), link.into());
    }
    let token = module.secret(run.app(), "auth_token")?.filter(|token| !token.is_empty());
    let address = format!("{}/", settings.base_url.trim_end_matches('/'));
    post(run, &module, &address, token.map(|token| format!("Bearer {token}")), &body).await
}

async fn post(
    run: &Run,
    module: &Module,
    address: &str,
    secret: Option<String>,
    body: &Value,
) -> std::result::Result<(), Failure> {
    let mut request = Request::new(Method::POST, address);
    request.timeout = GATEWAY;
    request.max_bytes = 64 * 1024;
    request.cut = true;
    request.allow = module.allow();
    request.body = Bytes::from(body.to_string());
    request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(secret) = secret {
        let bad = || Failure::Final("The secret holds characters that no header may have".to_owned());
        let mut secret = HeaderValue::from_str(&secret).map_err(|_| bad())?;
        secret.set_sensitive(true);
        request.headers.insert(AUTHORIZATION, secret);
    }
    let status = match run.app().outbound().send(request).await {
        Ok(answer) if answer.status.is_success() => return Ok(()),
        Ok(answer) => answer.status,
        Err(error) if error.is_temporary() => return Err(Failure::Later(format!("The gateway: {error}"))),
        Err(error) => return Err(Failure::Final(format!("The gateway: {error}"))),
    };
    let text = format!("The gateway answered {status}");
    let is_final = status.is_client_error() && !matches!(status.as_u16(), 408 | 425 | 429);
    Err(if is_final { Failure::Final(text) } else { Failure::Later(text) })
}

async fn close(run: &Run, ids: &[i64], status: &'static str, reason: Option<&str>) -> Result<()> {
    let mut tx = run.begin().await?;
    tx.housekeeping();
    sql("UPDATE notification_deliveries SET status = ?, reason = ?, finished_at = ?, due_at = NULL")
        .bind(status)
        .bind(reason.map(|text| cut(text, 500)))
        .bind(run.now())
        .push_in(" WHERE status = 'queued' AND id IN", ids)
        .execute(&mut tx)
        .await?;
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_international_or_nothing() {
        for (text, country, wanted) in [
            ("+61 400 000 000", "", Some("+61400000000")),
            ("0400 000 000", "", None),
            ("0400 000 000", "61", Some("+61400000000")),
            ("(0400) 000-000", "+61", Some("+61400000000")),
            ("0044 7700 900123", "61", Some("+447700900123")),
            ("400000000", "61", None),
            ("+123456", "", None),
            ("+1234567", "", Some("+1234567")),
            ("+1234567890123456", "", None),
            ("+61 4x0", "", None),
            ("", "61", None),
        ] {
            assert_eq!(number(text, country).as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn texts_are_cut_with_a_mark() {
        assert_eq!(cut("short", 160), "short");
        let long = cut(&"x".repeat(200), 160);
        assert_eq!((long.chars().count(), long.ends_with('\u{2026}')), (160, true));
    }
}
