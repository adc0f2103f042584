//! A mail on its way into the outbox: its words, its sender, its headers.

use chrono::{DateTime, Utc};
use minijinja::{Value, context};

use super::queue_sending;
use crate::app::App;
use crate::db::{At, Tx, is_unique_violation, sql};
use crate::error::Result;
use crate::tokens;

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

    /// Adds a recipient; twice the same counts once, however it is written.
    pub fn to(&mut self, address: &str) -> &mut Self {
        let address = address.trim().to_owned();
        if !address.is_empty() && !self.to.iter().any(|known| known.eq_ignore_ascii_case(&address)) {
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

/// A template that somebody wrote, rendered: subject, text and HTML.
pub fn rendered(app: &App, subject: &str, body: &str, fields: Value) -> Result<(String, String, String)> {
    let subject = app.templates().render_text(subject, fields.clone())?;
    let body = app.templates().render_text(body, fields.clone())?;
    let paragraphs = Value::from_safe_string(crate::page::lines(&body));
    let html = app.templates().render("emails/plain.html", context! { body => paragraphs, ..fields })?;
    Ok((one_line(&subject), body, html))
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
