//! One message for the next page: kept with the session, shown once, never in the address.

use chrono::TimeDelta;
use http::HeaderValue;
use serde::{Deserialize, Serialize};

use crate::audit::Stamp;
use crate::caller::Actor;
use crate::context::By;
use crate::db::{Tx, sql};
use crate::error::{Error, Result};
use crate::web::pipeline::value;

/// How a message looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    /// It worked.
    Success,
    /// It did not work.
    Error,
    /// It worked, with something to look at.
    Warning,
    /// Neither.
    Info,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// How it looks.
    pub tone: Tone,
    /// What it says.
    pub text: String,
    /// Stays until closed.
    pub sticky: bool,
}

impl Flash {
    /// A message.
    pub fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self { tone, text: text.into(), sticky: tone == Tone::Error }
    }

    /// It worked: past tense and short.
    pub fn done(text: impl Into<String>) -> Self {
        Self::new(Tone::Success, text)
    }
}

/// Messages for people without a session travel as one of these codes in a cookie.
const NOTICES: [(&str, Tone, &str); 5] = [
    ("signed_out", Tone::Success, "Signed out"),
    ("password_reset", Tone::Success, "Password changed. Sign in with the new one."),
    ("email_verified", Tone::Success, "Email address confirmed."),
    ("session_ended", Tone::Info, "You were signed out. Sign in again."),
    ("cannot", Tone::Error, "That did not work. Try again."),
];

/// Messages wait this long for their page.
const KEPT: TimeDelta = TimeDelta::minutes(10);

const SEAL: &str = "session_notes.body";

/// Keeps a message; gives the cookie that carries it when nobody is signed in.
pub(crate) async fn keep(by: &By, flash: Flash) -> Result<Option<HeaderValue>> {
    let Actor::Person(person) = by.actor() else {
        let code = NOTICES.iter().find(|(_, _, text)| *text == flash.text).map_or("cannot", |(code, _, _)| *code);
        return Ok(Some(notice_cookie(code)));
    };
    let mut tx = by.db().begin(Stamp::system(by.now())).await?;
    tx.housekeeping();
    note(by, &mut tx, person.session.id, "flash", &serde_json::to_string(&flash)?, KEPT).await?;
    tx.commit().await?;
    Ok(None)
}

/// The cookie for a message to somebody who is not signed in.
pub fn notice_cookie(code: &str) -> HeaderValue {
    value(&format!("myportal_notice={code}; Path=/; Max-Age=60; HttpOnly; SameSite=Lax"))
}

/// Keeps a sealed text with a session: messages, and secrets that are shown once.
pub async fn note(
    by: &By,
    tx: &mut Tx,
    session_id: i64,
    kind: &'static str,
    text: &str,
    kept: TimeDelta,
) -> Result<()> {
    let sealed = by.app().keyring().seal_text(&format!("{SEAL}:{session_id}"), text);
    sql("INSERT INTO session_notes (session_id, kind, body, expires_at) VALUES (?, ?, ?, ?)")
        .bind(session_id)
        .bind(kind)
        .bind(sealed.map_err(|error| Error::Internal(error.into()))?)
        .bind(by.now() + kept)
        .insert(tx)
        .await?;
    Ok(())
}

/// Takes the sealed texts of a kind: they are gone afterwards.
pub async fn take_notes(by: &By, session_id: i64, kind: &'static str) -> Result<Vec<String>> {
    let mut tx = by.db().begin(Stamp::system(by.now())).await?;
    tx.housekeeping();
    let rows: Vec<(i64, String)> = sql(
        "SELECT id, body FROM session_notes WHERE session_id = ? AND kind = ? AND expires_at > ? ORDER BY id LIMIT 20",
    )
    .bind(session_id)
    .bind(kind)
    .bind(by.now())
    .fetch_all(&mut tx)
    .await?;
    sql("DELETE FROM session_notes WHERE session_id = ? AND kind = ?")
        .bind(session_id)
        .bind(kind)
        .execute(&mut tx)
        .await?;
    tx.commit().await?;
    let context = format!("{SEAL}:{session_id}");
    Ok(rows.iter().filter_map(|(_, body)| by.app().keyring().open_text(&context, body).ok()).collect())
}

/// The messages for this page.
pub(crate) async fn take(by: &By) -> Result<Vec<Flash>> {
    let mut messages: Vec<Flash> = NOTICES
        .iter()
        .filter(|(code, _, _)| by.request().notice.as_deref() == Some(*code))
        .map(|(_, tone, text)| Flash::new(*tone, *text))
        .collect();
    if let Some(person) = by.person().filter(|p| p.has_flash) {
        let notes = take_notes(by, person.session.id, "flash").await?;
        messages.extend(notes.iter().filter_map(|text| serde_json::from_str(text).ok()));
    }
    Ok(messages)
}
