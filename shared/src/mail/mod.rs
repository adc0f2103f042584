//! Outgoing mail: rows of `email_outbox`, written with their cause and sent by a job.
//!
//! Each row has its Message-ID from the start. `sending` is committed when the server waits for the text,
//! so a worker that was killed then knows: the same message is sent again at most once (decisions 11.9).

pub mod bounces;
mod compose;
mod folder;
mod pace;
mod smtp;
pub mod transport;

use chrono::{DateTime, Utc};
use minijinja::{Value, context};
use serde::Deserialize;

use crate::app::App;
use crate::db::{At, Tx, is_unique_violation, sql};
use crate::error::Result;
use crate::insist;
use crate::jobs::{JobError, NewJob, Run, Schedule};
use crate::tokens;
use transport::{Backend, Message, SendError};

/// A mail on its way into the outbox.
#[derive(Debug, Clone)]
pub struct Draft {
    kind: &'static str,
    to: Vec<String>,
    reply_to: Option<String>,
    headers: Vec<(String, String)>,
    subject: String,
    text: String,
    html: Option<String>,
    is_sensitive: bool,
    message_id: Option<String>,
    sender: String,
    host: String,
    not_before: Option<DateTime<Utc>>,
}

impl Draft {
    /// A mail from a template of `templates/emails/`, or from the row that overrides it.
    pub async fn template(app: &App, at: impl Into<At<'_>>, name: &'static str, fields: Value) -> Result<Self> {
        let at = at.into();
        let Overrides { brand, accent, own } = overrides(at, name).await?;
        let brand = brand.unwrap_or_else(|| app.config().app_name.clone());
        let base = app.config().base_url().unwrap_or_default();
        let fields = context! { brand => brand.clone(), portal_url => base, ..fields };
        let render = |file: &str| app.templates().render(&format!("emails/{name}/{file}"), fields.clone());
        let own = own.and_then(|(subject, body)| match rendered(app, &subject, &body, fields.clone()) {
            Ok(rendered) => Some(rendered),
            // Words that somebody wrote must not keep a mail from being sent.
            Err(error) => {
                tracing::warn!(template = name, ?error, "the changed template cannot be used; the default is sent");
                None
            }
        });
        let (subject, text, html) = match own {
            Some(own) => own,
            None => (render("subject.txt")?, render("body.txt")?, render("body.html")?),
        };
        Ok(Self {
            kind: name,
            to: Vec::new(),
            reply_to: app.config().smtp.reply_to.clone(),
            headers: Vec::new(),
            subject: one_line(&subject),
            text,
            html: Some(coloured(&html, accent.as_deref())),
            is_sensitive: false,
            message_id: None,
            sender: sender(app, &brand),
            host: host(app),
            not_before: None,
        })
    }

    /// A mail whose words are not ours: what an automation sends.
    pub fn own_words(app: &App, kind: &'static str, subject: &str, text: String, html: Option<String>) -> Self {
        Self {
            kind,
            to: Vec::new(),
            reply_to: app.config().smtp.reply_to.clone(),
            headers: Vec::new(),
            subject: one_line(subject),
            text,
            html,
            is_sensitive: false,
            message_id: None,
            sender: sender(app, &app.config().app_name),
            host: host(app),
            not_before: None,
        }
    }

    /// Another sender than the portal's, as `name@host` or `Name <name@host>`.
    pub fn from(&mut self, mailbox: &str) -> &mut Self {
        self.sender = one_line(mailbox);
        self
    }

    /// The sender.
    pub fn sender(&self) -> &str {
        &self.sender
    }

    /// A Message-ID that nothing else has.
    pub fn fresh_id(&self) -> String {
        format!("<{}@{}>", tokens::random_hex(16), self.host)
    }

    /// Adds a recipient; twice the same counts once.
    pub fn to(&mut self, address: &str) -> &mut Self {
        let address = address.trim().to_owned();
        if !address.is_empty() && !self.to.contains(&address) {
            self.to.push(address);
        }
        self
    }

    /// Where answers go.
    pub fn reply_to(&mut self, address: &str) -> &mut Self {
        self.reply_to = Some(one_line(address));
        self
    }

    /// Adds a header such as `In-Reply-To`.
    pub fn header(&mut self, name: &str, value: &str) -> &mut Self {
        self.headers.push((name.to_owned(), one_line(value)));
        self
    }

    /// Fixes the left part of the Message-ID, so that the same cause never makes two mails.
    pub fn caused_by(&mut self, cause: &str) -> &mut Self {
        self.message_id = Some(format!("<{cause}@{}>", self.host));
        self
    }

    /// Files the mail under a conversation, so that mail programs show its mails together.
    pub fn thread(&mut self, name: &str) -> &mut Self {
        let first = format!("<{name}@{}>", self.host);
        self.header("In-Reply-To", &first).header("References", &first)
    }

    /// Is sent no sooner than this.
    pub fn later(&mut self, at: DateTime<Utc>) -> &mut Self {
        self.not_before = Some(at);
        self
    }

    /// The body holds a secret: erased after sending, never shown.
    pub fn sensitive(&mut self) -> &mut Self {
        self.is_sensitive = true;
        self
    }

    /// Puts the mail into the outbox with the job that sends it. None when its cause already did.
    pub async fn queue(&self, tx: &mut Tx) -> Result<Option<i64>> {
        let now = tx.stamp().at;
        let message_id = self.message_id.clone().unwrap_or_else(|| self.fresh_id());
        let known: Option<(i64,)> =
            sql("SELECT id FROM email_outbox WHERE message_id = ?").bind(&message_id).fetch_optional(&mut *tx).await?;
        if known.is_some() {
            return Ok(None);
        }
        let inserted = sql("INSERT INTO email_outbox (message_id, kind, to_addresses, sender, reply_to, headers, subject, \
             text_body, html_body, status, is_sensitive, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?, ?)")
        .bind(message_id)
        .bind(self.kind)
        .bind(serde_json::to_string(&self.to)?)
        .bind(&self.sender)
        .bind(self.reply_to.clone())
        .bind(serde_json::to_string(&self.headers)?)
        .bind(self.subject.chars().take(500).collect::<String>())
        .bind(&self.text)
        .bind(self.html.clone())
        .bind(self.is_sensitive)
        .bind(now)
        .insert(&mut *tx)
        .await;
        let id = match inserted {
            Ok(id) => id,
            // The same cause came between our look and our write.
            Err(error) if is_unique_violation(&error, "email_outbox_message", "email_outbox.message_id") => {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        queue_sending(tx, id, self.not_before).await?;
        Ok(Some(id))
    }
}

async fn queue_sending(tx: &mut Tx, id: i64, not_before: Option<DateTime<Utc>>) -> Result<()> {
    let at = not_before.unwrap_or(tx.stamp().at);
    NewJob::new("email.send", serde_json::json!({ "id": id }))
        .dedupe(format!("email:{id}"))
        .schedule(Schedule::Mail)
        .priority(10)
        .run_at(at)
        .queue(tx)
        .await?;
    Ok(())
}

/// Mails whose job is gone, because its worker was lost on the last try, have failed.
pub(crate) async fn close_lost(tx: &mut Tx) -> Result<()> {
    sql("UPDATE email_outbox SET status = 'failed', last_error = 'the worker was lost', \
         text_body = CASE WHEN is_sensitive = TRUE THEN NULL ELSE text_body END, \
         html_body = CASE WHEN is_sensitive = TRUE THEN NULL ELSE html_body END \
         WHERE status IN ('queued', 'sending') \
         AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.dedupe_key = CONCAT('email:', email_outbox.id))")
    .execute(tx)
    .await?;
    Ok(())
}

/// Sends a failed or skipped mail once more; false when its body is gone or it is on its way.
pub async fn resend(tx: &mut Tx, id: i64) -> Result<bool> {
    let changed = sql("UPDATE email_outbox SET status = 'queued', last_error = NULL, resends = 0 \
         WHERE id = ? AND status IN ('failed', 'skipped') AND text_body IS NOT NULL")
    .bind(id)
    .execute(&mut *tx)
    .await?;
    if changed == 1 {
        queue_sending(tx, id, None).await?;
        sql("UPDATE notification_deliveries SET status = 'queued', reason = NULL, finished_at = NULL \
             WHERE outbox_id = ?")
        .bind(id)
        .execute(tx)
        .await?;
    }
    Ok(changed == 1)
}

/// A template that somebody wrote, rendered: subject, text and HTML.
pub fn rendered(app: &App, subject: &str, body: &str, fields: Value) -> Result<(String, String, String)> {
    let subject = app.templates().render_text(subject, fields.clone())?;
    let body = app.templates().render_text(body, fields.clone())?;
    let paragraphs = Value::from_safe_string(crate::page::lines(&body));
    let html = app.templates().render("emails/plain.html", context! { body => paragraphs, ..fields })?;
    Ok((one_line(&subject), body, html))
}

/// Sends every failed mail once more whose words are still kept.
pub(crate) async fn resend_failed_job(run: Run) -> Result<(), JobError> {
    let failed: Vec<(i64,)> =
        sql("SELECT id FROM email_outbox WHERE status = 'failed' AND text_body IS NOT NULL ORDER BY id LIMIT 500")
            .fetch_all(run.db())
            .await?;
    for (id,) in failed {
        let mut tx = run.begin().await?;
        tx.housekeeping();
        resend(&mut tx, id).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// The accent of the mail templates, for which the brand's own is put.
const MAIL_ACCENT: &str = "#1f4fd8";

/// Buttons with white text and links on white: the brand's colour for links can be read as both.
fn coloured(html: &str, accent: Option<&str>) -> String {
    match crate::branding::theme(accent) {
        Some(theme) => html.replace(MAIL_ACCENT, &theme.light.text.to_string()),
        None => html.to_owned(),
    }
}

/// What the settings and an administrator's own text change about a mail.
struct Overrides {
    brand: Option<String>,
    accent: Option<String>,
    own: Option<(String, String)>,
}

async fn overrides(at: At<'_>, name: &str) -> Result<Overrides> {
    #[derive(sqlx::FromRow)]
    struct Row {
        company_name: Option<String>,
        accent: Option<String>,
        subject: Option<String>,
        body: Option<String>,
    }
    let row: Row = sql("SELECT s.company_name, s.accent, t.subject, t.body FROM site_settings s \
         LEFT JOIN email_templates t ON t.name = ? WHERE s.id = 1")
    .bind(name)
    .fetch_one(at)
    .await?;
    Ok(Overrides { brand: row.company_name, accent: row.accent, own: row.subject.zip(row.body) })
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

fn host(app: &App) -> String {
    app.config().portal_url.as_ref().and_then(|url| url.host_str()).unwrap_or("myportal.localhost").to_owned()
}

fn sender(app: &App, brand: &str) -> String {
    let from = &app.config().smtp.from;
    let address = if from.contains('@') { from.clone() } else { format!("no-reply@{}", host(app)) };
    let brand: String = brand.chars().filter(|c| !c.is_control() && !"\"<>\\".contains(*c)).collect();
    format!("\"{brand}\" <{address}>")
}

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

/// When the server may be given the next mail, if that is not now.
async fn wait(run: &Run) -> Result<Option<DateTime<Utc>>> {
    if !matches!(run.app().mail(), Backend::Smtp(_)) {
        return Ok(None);
    }
    let mut tx = run.begin().await?;
    tx.housekeeping();
    let next = pace::take(&mut tx, run.app().config().smtp.max_per_minute).await?;
    tx.commit().await?;
    Ok(next)
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
