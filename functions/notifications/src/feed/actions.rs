//! What people do with their feed: open, mark, hide. Forms that work without script.

use axum::response::Response;
use serde::Deserialize;
use shared::caller::User;
use shared::context::safe_path;
use shared::error::{Error, Result};
use shared::format::plural;
use shared::web::{Form, Path};
use shared::{Flash, Tone};

use super::pages::View;
use super::store::{self, Reader};

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
        return by.see(&back, Flash::done(format!("{} marked as read", plural(count, "notification")))).await;
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
    by.see(&back, Flash::done(format!("{} {done}", plural(count, "notification")))).await
}
