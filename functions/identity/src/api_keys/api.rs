//! The JSON routes of keys: for super administrators in person, never for keys.

use http::StatusCode;
use shared::caller::{Fresh, SuperAdmin};
use shared::context::By;
use shared::error::Result;
use shared::web::{Json, Limits, Listed, Path, Query};

use super::change::{self, Made, Shown, not_found};
use super::model::{CreatedKey, KeyQuery, KeyRecord, NewKeyBody, RotateBody};
use super::store;

/// Addresses of each key in a list.
const IN_LISTS: i64 = 20;

/// Addresses of one key: all that are kept.
const IN_RECORD: i64 = 1_000;

/// The list of keys
///
/// Newest first; expired and revoked keys only with `include_expired`.
#[utoipa::path(get, path = "/api-keys", params(KeyQuery, Limits),
    responses((status = 200, description = "One page of keys", body = Vec<KeyRecord>)))]
pub async fn list_keys(
    by: SuperAdmin,
    query: Query<KeyQuery>,
    limits: Query<Limits>,
) -> Result<Listed<Vec<KeyRecord>>> {
    let limits = limits.value.checked()?;
    let now = by.now();
    let (rows, counted) = store::list(by.db(), &query.filter(false), limits.limit(), limits.offset(), now).await?;
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let mut usage = store::usage(by.db(), &ids, IN_LISTS).await?;
    let records = rows.into_iter().map(|row| {
        let usage = usage.remove(&row.id).unwrap_or_default();
        row.record(usage, now)
    });
    Ok(Listed::new(&by, records.collect(), counted, limits))
}

async fn record(by: &By, id: i64) -> Result<KeyRecord> {
    let row = store::find(by.db(), id).await?.ok_or_else(not_found)?;
    let mut usage = store::usage(by.db(), &[id], IN_RECORD).await?;
    Ok(row.record(usage.remove(&id).unwrap_or_default(), by.now()))
}

async fn created(by: &By, made: &Made) -> Result<CreatedKey> {
    Ok(CreatedKey { record: record(by, made.id).await?, api_key: made.token.as_str().to_owned() })
}

/// Make a key
///
/// The token is in this answer and nowhere else. Wants a confirmed password.
#[utoipa::path(post, path = "/api-keys", request_body = NewKeyBody,
    responses((status = 201, description = "The key with its token", body = CreatedKey)))]
pub async fn create_key(by: Fresh<SuperAdmin>, body: Json<NewKeyBody>) -> Result<(StatusCode, Json<CreatedKey>)> {
    let new = body.parse(by.now().date_naive())?;
    let made = change::create(&by, &new, Shown::InAnswer).await?;
    Ok((StatusCode::CREATED, Json(created(&by, &made).await?)))
}

/// One key
///
/// With every address it was used from.
#[utoipa::path(get, path = "/api-keys/{id}", params(("id" = i64, Path, description = "The key", example = 3)),
    responses((status = 200, description = "The key", body = KeyRecord),
        (status = 404, description = "API key not found")))]
pub async fn show_key(by: SuperAdmin, Path(id): Path<i64>) -> Result<Json<KeyRecord>> {
    Ok(Json(record(&by, id).await?))
}

/// Revoke a key
///
/// It stops working at once; its counters go with it. Wants a confirmed password.
#[utoipa::path(delete, path = "/api-keys/{id}", params(("id" = i64, Path, description = "The key", example = 3)),
    responses((status = 204, description = "Revoked"), (status = 404, description = "API key not found")))]
pub async fn delete_key(by: Fresh<SuperAdmin>, Path(id): Path<i64>) -> Result<StatusCode> {
    change::delete(&by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Replace a key
///
/// The new key has the scopes, company and addresses of the old one. With `retire_previous` the old one stops
/// working at once, or after `grace_hours`. Wants a confirmed password.
#[utoipa::path(post, path = "/api-keys/{id}/rotate", request_body = RotateBody,
    params(("id" = i64, Path, description = "The key", example = 3)),
    responses((status = 200, description = "The new key with its token", body = CreatedKey),
        (status = 404, description = "API key not found"), (status = 409, description = "The key was revoked")))]
pub async fn rotate_key(
    by: Fresh<SuperAdmin>,
    Path(id): Path<i64>,
    body: Json<RotateBody>,
) -> Result<Json<CreatedKey>> {
    let rotation = body.parse(by.now().date_naive())?;
    let made = change::rotate(&by, id, &rotation, Shown::InAnswer).await?;
    Ok(Json(created(&by, &made).await?))
}
