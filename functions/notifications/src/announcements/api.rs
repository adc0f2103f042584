//! Announcements by program.

use http::StatusCode;
use serde::Deserialize;
use shared::caller::{Keyed, SuperAdmin};
use shared::db::sql;
use shared::error::{Error, Result};
use shared::web::{Json, Limits, Listed, Path, Query};
use utoipa::IntoParams;

use super::model::NewNotification;
use super::store::{self, Sent};
use crate::feed::api::Notification;
use crate::feed::store::Row;

/// Tells one person, a company or everybody.
#[utoipa::path(post, path = "/api/notifications", request_body = NewNotification, responses(
    (status = 201, description = "The notification", body = Notification),
    (status = 400, description = "There is no such person or company")))]
pub async fn create_notification(
    by: Keyed<SuperAdmin>,
    body: Json<NewNotification>,
) -> Result<(StatusCode, Json<Notification>)> {
    by.portal_wide()?;
    let new = body.parse(by.now())?;
    store::recipients(by.db(), new.to).await?;
    let actor = match (by.person(), by.key()) {
        (Some(person), _) => format!("user:{}", person.id()),
        (None, Some(key)) => format!("key:{}", key.id),
        (None, None) => String::new(),
    };
    let id = store::publish(&by, &new, &actor).await?;
    let row: Row = sql("SELECT id, audience, user_id, company_id, event_type, message, metadata, link, created_at, \
         recalled_at AS read_at FROM notifications WHERE id = ?")
    .bind(id)
    .fetch_one(by.db())
    .await?;
    Ok((StatusCode::CREATED, Json(row.into())))
}

/// How much of the list.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct SentSlice {
    /// Rows to give, 1 to 200.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: i64,
    /// Rows to skip.
    #[param(minimum = 0, maximum = 10000, default = 0)]
    offset: i64,
}

impl Default for SentSlice {
    fn default() -> Self {
        Self { limit: 50, offset: 0 }
    }
}

/// Lists what was announced, with how many have read it and what became of mails and messages.
#[utoipa::path(get, path = "/api/notifications/sent", params(SentSlice), responses(
    (status = 200, description = "Announcements, the newest first", body = Vec<Sent>)))]
pub async fn list_sent_notifications(by: Keyed<SuperAdmin>, slice: Query<SentSlice>) -> Result<Listed<Vec<Sent>>> {
    by.portal_wide()?;
    if !(1..=200).contains(&slice.limit) {
        return Err(Error::field("limit", "Enter a number from 1 to 200"));
    }
    let limits = Limits::of(slice.limit, slice.offset).checked()?;
    let counted = store::count(by.db()).await?;
    let rows = store::list(by.db(), limits.limit(), limits.offset()).await?;
    Ok(Listed::new(&by, rows, counted, limits))
}

/// Takes an announcement back.
#[utoipa::path(post, path = "/api/notifications/{id}/recall", params(("id" = i64, Path, description = "Number of the notification")), responses(
    (status = 200, description = "The announcement; a repeat changes nothing", body = Sent),
    (status = 404, description = "Announcement not found")))]
pub async fn recall_notification(by: SuperAdmin, Path(id): Path<i64>) -> Result<Json<Sent>> {
    store::find(by.db(), id).await?;
    let mut tx = by.begin().await?;
    store::recall(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(store::find(by.db(), id).await?))
}
