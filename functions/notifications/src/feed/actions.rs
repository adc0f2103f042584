//! What people do with their feed: open, mark, hide. Forms that work without script.

use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use shared::caller::User;
use shared::context::safe_path;
use shared::error::{Error, Result};
use shared::format::plural;
use shared::web::{Form, Path};
use shared::{Flash, Tone};

use super::pages::View;
use super::store::{self, Reader, Undo};

/// Follows the link of a notification, which has then been read.
pub async fn open(by: User, Path(id): Path<i64>) -> Result<Response> {
    let reader = Reader::of(by.me(), by.now());
    let mut tx = by.begin().await?;
    tx.housekeeping();
    let row = store::find(&mut tx, &reader, &[id]).await?.pop();
    let row = row.ok_or_else(|| Error::not_found("Notification not found"))?;
    if row.read_at.is_none() {
        store::mark_read(&mut tx, &reader, &[id]).await?;
    }
    tx.commit().await?;
    Ok(by.go(row.link.as_deref().and_then(safe_path).unwrap_or("/notifications")))
}

/// The form around the list.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub struct Change {
    /// For the ticked rows: `read`, `unread` or `hide`.
    r#do: String,
    /// For one row: the same, a colon and the number.
    one: String,
    /// Everything that matches instead of the ticked rows.
    all: String,
    /// The query of the list that the person looks at.
    back: String,
}

impl Default for Change {
    fn default() -> Self {
        let none = String::new;
        Self { r#do: none(), one: none(), all: none(), back: none() }
    }
}

/// What was done can be taken back for so long.
const UNDO: TimeDelta = TimeDelta::minutes(10);

/// The list with the offer to take back what was done just now.
fn with_undo(back: &str, what: &str, at: DateTime<Utc>) -> String {
    if back == "/" {
        return back.to_owned();
    }
    let joint = match back.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{back}{joint}undo={what}-{}", at.timestamp_micros())
}

/// Reads the offer; none when it is too late.
pub fn undo_of(text: &str, now: DateTime<Utc>) -> Option<(Undo, DateTime<Utc>)> {
    let (what, at) = text.split_once('-')?;
    let at = DateTime::from_timestamp_micros(at.parse().ok()?)?;
    let what = match what {
        "hide" => Undo::Hide,
        "read" => Undo::Read,
        _ => return None,
    };
    (at <= now && now - at <= UNDO).then_some((what, at))
}

/// The form of the offer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct UndoForm {
    /// As [`undo_of`] reads it.
    undo: String,
    /// The query of the list that the person looks at.
    back: String,
}

/// Takes back what was hidden or marked as read in one go.
pub async fn undo(by: User, form: Form<UndoForm>) -> Result<Response> {
    let back = format!("/notifications{}", if form.back.starts_with('?') { &form.back } else { "" });
    let Some((what, at)) = undo_of(&form.undo, by.now()) else {
        return by.see(&back, Flash::new(Tone::Error, "It is too late to undo this")).await;
    };
    let mut tx = by.begin().await?;
    tx.housekeeping();
    let count = store::undo(&mut tx, &Reader::of(by.me(), by.now()), what, at).await?;
    tx.commit().await?;
    let count = i64::try_from(count).unwrap_or_default();
    let done = if what == Undo::Hide { "shown again" } else { "unread again" };
    by.see(&back, Flash::done(format!("{} {done}", plural(count, "notification")))).await
}

/// Changes one row, the ticked ones, or all that match.
pub async fn change(by: User, form: Form<Change>) -> Result<Response> {
    let back = match form.back.as_str() {
        // The dashboard shows announcements too.
        "/" => "/".to_owned(),
        query => format!("/notifications{}", if query.starts_with('?') { query } else { "" }),
    };
    let reader = Reader::of(by.me(), by.now());
    let mut tx = by.begin().await?;
    tx.housekeeping();
    if form.one.is_empty() && (form.r#do == "read-all" || (form.all == "true" && form.r#do == "read")) {
        let filter = View::of_query(&form.back, "UTC").filter;
        let count = store::mark_matching(&mut tx, &reader, &filter).await?;
        tx.commit().await?;
        let text = format!("{} marked as read", plural(count, "notification"));
        return by.see(&with_undo(&back, "read", by.now()), Flash::done(text)).await;
    }
    let (verb, ids) = match form.one.split_once(':') {
        Some((verb, id)) => (verb, vec![id.to_owned()]),
        None => (form.r#do.as_str(), form.all("ids")),
    };
    let ids: Vec<i64> = ids.iter().filter_map(|id| id.parse().ok()).take(200).collect();
    let mine: Vec<i64> = store::find(&mut tx, &reader, &ids).await?.into_iter().map(|row| row.id).collect();
    if mine.is_empty() {
        // The message waits for the only writer, so this transaction must be over.
        drop(tx);
        return by.see(&back, Flash::new(Tone::Error, "Tick the notifications first")).await;
    }
    let done = match verb {
        "read" => store::mark_read(&mut tx, &reader, &mine).await.map(|()| "marked as read")?,
        "unread" => store::mark_unread(&mut tx, &reader, &mine).await.map(|()| "marked as unread")?,
        "hide" => store::hide(&mut tx, &reader, &mine).await.map(|()| "hidden")?,
        _ => return Err(Error::bad_request("Choose what to do")),
    };
    tx.commit().await?;
    let count = i64::try_from(mine.len()).unwrap_or_default();
    let back = if verb == "hide" { with_undo(&back, verb, by.now()) } else { back };
    by.see(&back, Flash::done(format!("{} {done}", plural(count, "notification")))).await
}
