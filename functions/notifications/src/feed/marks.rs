//! Changing one's own state by program (notifications-forms 4.3).

use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::caller::User;
use shared::db::Tx;
use shared::error::{Error, Result};
use shared::web::{Json, Path, Query};
use utoipa::ToSchema;

use super::api::Notification;
use super::filter::{Asked, Filter};
use super::store::{self, Reader};

/// Ids that one call may name.
const AT_ONCE: usize = 200;

fn missing() -> Error {
    Error::not_found("Notification not found")
}

async fn one(tx: &mut Tx, reader: &Reader, id: i64) -> Result<Json<Notification>> {
    let row = store::find(&mut *tx, reader, &[id]).await?.pop();
    row.map(|row| Json(row.into())).ok_or_else(missing)
}

/// Marks a notification as read; a repeat keeps the first time.
#[utoipa::path(post, path = "/api/notifications/{id}/read", params(("id" = i64, Path, description = "Number of the notification")), responses(
    (status = 200, description = "The notification", body = Notification),
    (status = 404, description = "Notification not found")))]
pub async fn mark_read(by: User, Path(id): Path<i64>) -> Result<Json<Notification>> {
    let reader = Reader::of(by.me(), by.now());
    let mut tx = by.begin().await?;
    tx.housekeeping();
    one(&mut tx, &reader, id).await?;
    store::mark_read(&mut tx, &reader, &[id]).await?;
    let answer = one(&mut tx, &reader, id).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Marks a notification as unread.
#[utoipa::path(post, path = "/api/notifications/{id}/unread", params(("id" = i64, Path, description = "Number of the notification")), responses(
    (status = 200, description = "The notification", body = Notification),
    (status = 404, description = "Notification not found")))]
pub async fn mark_unread(by: User, Path(id): Path<i64>) -> Result<Json<Notification>> {
    let reader = Reader::of(by.me(), by.now());
    let mut tx = by.begin().await?;
    tx.housekeeping();
    one(&mut tx, &reader, id).await?;
    store::mark_unread(&mut tx, &reader, &[id]).await?;
    let answer = one(&mut tx, &reader, id).await?;
    tx.commit().await?;
    Ok(answer)
}

/// Which notifications were seen.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"notification_ids": [810, 812]}))]
pub struct Acknowledged {
    /// 1 to 200 numbers; repeated ones count once.
    notification_ids: Vec<i64>,
}

/// Marks several notifications as read; all of them or, when one is not the caller's, none.
#[utoipa::path(post, path = "/api/notifications/acknowledge", request_body = Acknowledged, responses(
    (status = 200, description = "The notifications in the order of the request", body = Vec<Notification>),
    (status = 404, description = "Notification not found")))]
pub async fn acknowledge(by: User, body: Json<Acknowledged>) -> Result<Json<Vec<Notification>>> {
    let mut ids: Vec<i64> = Vec::new();
    for id in &body.notification_ids {
        if !ids.contains(id) {
            ids.push(*id);
        }
    }
    if ids.is_empty() || body.notification_ids.len() > AT_ONCE {
        return Err(Error::field("notification_ids", "Name 1 to 200 notifications"));
    }
    let reader = Reader::of(by.me(), by.now());
    let mut tx = by.begin().await?;
    tx.housekeeping();
    if store::find(&mut tx, &reader, &ids).await?.len() != ids.len() {
        return Err(missing());
    }
    store::mark_read(&mut tx, &reader, &ids).await?;
    let mut rows = store::find(&mut tx, &reader, &ids).await?;
    tx.commit().await?;
    rows.sort_by_key(|row| ids.iter().position(|id| *id == row.id));
    Ok(Json(rows.into_iter().map(Notification::from).collect()))
}

/// How many were changed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"updated": 12}))]
pub struct Updated {
    updated: i64,
}

/// Marks everything that matches the filters as read.
#[utoipa::path(post, path = "/api/notifications/read-all", params(Asked), responses(
    (status = 200, description = "How many became read", body = Updated)))]
pub async fn mark_all_read(by: User, asked: Query<Asked>) -> Result<Json<Updated>> {
    let filter = Filter::read(&asked.value, asked.all("event_type"), "UTC")?;
    let mut tx = by.begin().await?;
    tx.housekeeping();
    let updated = store::mark_matching(&mut tx, &Reader::of(by.me(), by.now()), &filter).await?;
    tx.commit().await?;
    Ok(Json(Updated { updated }))
}

/// Takes a notification out of the caller's feed; others keep it.
#[utoipa::path(delete, path = "/api/notifications/{id}", params(("id" = i64, Path, description = "Number of the notification")), responses(
    (status = 204, description = "It is hidden"),
    (status = 404, description = "Notification not found")))]
pub async fn hide_notification(by: User, Path(id): Path<i64>) -> Result<StatusCode> {
    let reader = Reader::of(by.me(), by.now());
    let mut tx = by.begin().await?;
    tx.housekeeping();
    one(&mut tx, &reader, id).await?;
    store::hide(&mut tx, &reader, &[id]).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
