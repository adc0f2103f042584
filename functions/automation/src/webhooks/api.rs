//! `/scheduler/webhooks` for programs (automation 4.4).

use http::StatusCode;
use serde::Deserialize;
use shared::caller::{Keyed, SuperAdmin};
use shared::error::{Error, Result};
use shared::web::{Json, Limits, Listed, Path, Query};
use utoipa::IntoParams;

use super::model::{AttemptOut, BulkBody, BulkOut, Filter, WebhookOut};
use super::{actions, store};

type Caller = Keyed<SuperAdmin>;

/// Lists webhooks, the newest change first.
#[utoipa::path(get, path = "/scheduler/webhooks", params(Filter, Limits),
    responses((status = 200, description = "The webhooks, with `X-Total-Count` and `Link`", body = Vec<WebhookOut>)))]
pub async fn list_webhooks(
    by: Caller,
    filter: Query<Filter>,
    limits: Query<Limits>,
) -> Result<Listed<Vec<WebhookOut>>> {
    by.portal_wide()?;
    let (filter, limits) = (filter.value.checked()?, limits.checked()?);
    let (rows, counted) = store::list(by.db(), &filter, limits.limit().min(200), limits.offset()).await?;
    Ok(Listed::new(&by, rows.iter().map(|row| row.out(true)).collect(), counted, limits))
}

/// Gives one webhook; secrets are masked.
#[utoipa::path(get, path = "/scheduler/webhooks/{id}", params(("id" = i64, Path, description = "Number", example = 41)),
    responses((status = 200, description = "The webhook", body = WebhookOut),
    (status = 404, description = "Webhook not found")))]
pub async fn get_webhook(by: Caller, Path(id): Path<i64>) -> Result<Json<WebhookOut>> {
    by.portal_wide()?;
    Ok(Json(store::find(by.db(), id).await?.out(false)))
}

/// How many tries.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Most {
    /// 1 to 200; 20 when absent.
    #[param(example = 20)]
    pub limit: Option<i64>,
}

/// Lists the tries of a webhook, the newest first.
#[utoipa::path(get, path = "/scheduler/webhooks/{id}/attempts", params(Most, ("id" = i64, Path, description = "Number", example = 41)),
    responses((status = 200, description = "The tries", body = Vec<AttemptOut>),
    (status = 404, description = "Webhook not found")))]
pub async fn list_attempts(by: Caller, Path(id): Path<i64>, most: Query<Most>) -> Result<Json<Vec<AttemptOut>>> {
    by.portal_wide()?;
    let limit = most.limit.unwrap_or(20);
    if !(1..=200).contains(&limit) {
        return Err(Error::field("limit", "Enter a number from 1 to 200"));
    }
    store::find(by.db(), id).await?;
    Ok(Json(store::attempts(by.db(), id, limit).await?))
}

/// Tries a webhook once more, now
///
/// An exhausted one gets exactly one more try.
#[utoipa::path(post, path = "/scheduler/webhooks/{id}/retry", params(("id" = i64, Path, description = "Number", example = 41)),
    responses((status = 200, description = "The webhook, queued", body = WebhookOut),
    (status = 404, description = "Webhook not found"),
    (status = 409, description = "Delivered already, on its way, or erased")))]
pub async fn retry_webhook(by: Caller, Path(id): Path<i64>) -> Result<Json<WebhookOut>> {
    by.portal_wide()?;
    Ok(Json(actions::retry(&by, id).await?.out(false)))
}

/// Takes a webhook out of the queue.
#[utoipa::path(post, path = "/scheduler/webhooks/{id}/cancel", params(("id" = i64, Path, description = "Number", example = 41)),
    responses((status = 200, description = "The webhook, cancelled", body = WebhookOut),
    (status = 404, description = "Webhook not found"),
    (status = 409, description = "It is not queued")))]
pub async fn cancel_webhook(by: Caller, Path(id): Path<i64>) -> Result<Json<WebhookOut>> {
    by.portal_wide()?;
    Ok(Json(actions::cancel(&by, id).await?.out(false)))
}

/// Deletes a webhook with its tries.
#[utoipa::path(delete, path = "/scheduler/webhooks/{id}", params(("id" = i64, Path, description = "Number", example = 41)),
    responses((status = 204, description = "Deleted"),
    (status = 404, description = "Webhook not found"),
    (status = 409, description = "It is on its way")))]
pub async fn delete_webhook(by: Caller, Path(id): Path<i64>) -> Result<StatusCode> {
    by.portal_wide()?;
    actions::delete(&by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Retries or deletes many webhooks; what cannot be taken is skipped.
#[utoipa::path(post, path = "/scheduler/webhooks/bulk", request_body = BulkBody,
    responses((status = 200, description = "How many", body = BulkOut)))]
pub async fn bulk_webhooks(by: Caller, body: Json<BulkBody>) -> Result<Json<BulkOut>> {
    by.portal_wide()?;
    let (is_retry, which) = body.0.parse()?;
    Ok(Json(actions::bulk(&by, is_retry, &which).await?))
}
