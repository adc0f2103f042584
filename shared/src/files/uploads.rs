//! Files that go straight to the bucket with a signed address.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::receive::{Arrived, HEAD, NewRow, Sender, arrived, insert_pending, label, limit, store_shown};
use super::{COLUMNS, File, Home, find, not_found, remove, sniff, unreachable_bucket};
use crate::app::App;
use crate::blobs::Presigned;
use crate::context::By;
use crate::db::sql;
use crate::error::{Error, Result};
use crate::routes::FILE_LIMIT;
use crate::tokens;

/// A signed address to put a file lives this long.
const PUT_FOR: Duration = Duration::from_mins(15);

/// What a file is called until it was looked at.
const UNKNOWN: &str = "application/octet-stream";

/// What a browser or program needs to put a file straight into the bucket.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Upload {
    /// Names the upload when it is completed.
    pub upload_id: i64,
    /// `PUT`.
    pub method: String,
    /// The signed address.
    pub url: String,
    /// Headers to send with it.
    pub headers: std::collections::BTreeMap<String, String>,
    /// When the address ends.
    pub expires_at: DateTime<Utc>,
    /// Bytes at most.
    pub max_size: i64,
}

/// What is announced before an upload.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[schema(example = json!({"file_name": "tray.png", "file_size": 48213, "content_type": "image/png"}))]
pub struct Announced {
    /// The name on the sender's side.
    pub file_name: String,
    /// Bytes; the bucket refuses any other length.
    pub file_size: i64,
    /// What the sender takes it for; information only.
    pub content_type: Option<String>,
}

/// Signs an address for a file that goes straight to the bucket.
pub async fn begin_upload(by: &By, home: Home, announced: &Announced) -> Result<Upload> {
    let max = i64::try_from(FILE_LIMIT).unwrap_or(i64::MAX);
    if announced.file_size < 1 {
        return Err(Error::field("file_size", "The file is empty"));
    }
    if announced.file_size > max {
        return Err(Error::refused(
            http::StatusCode::PAYLOAD_TOO_LARGE,
            format!("The file is {}. The limit is 15 MB.", crate::format::file_size(announced.file_size)),
        ));
    }
    limit(by).await?;
    let (name, size) = (&announced.file_name, announced.file_size);
    let new = NewRow::of(by.now(), home, name, announced.content_type.as_deref(), size);
    let id = insert_pending(by.begin().await?, Sender::of(by), &new).await?;
    let length = u64::try_from(new.size).unwrap_or(0);
    let sent_key = sent_key(&new.key);
    let put = by.app().blobs().presigned_put(&sent_key, length, UNKNOWN, PUT_FOR).await;
    let Presigned { url, headers, .. } = put.map_err(unreachable_bucket)?;
    Ok(Upload {
        upload_id: id,
        method: "PUT".to_owned(),
        url,
        headers: headers.into_iter().collect(),
        expires_at: by.now() + TimeDelta::from_std(PUT_FOR).unwrap_or_default(),
        max_size: max,
    })
}

/// Looks at what arrived in the bucket. The file is pending until [`attach`](super::attach); a repeated call is fine.
/// Only the person or key that began the upload may complete it; for anyone else it does not exist.
pub async fn complete_upload(by: &By, home: Home, id: i64) -> Result<File> {
    let file = own_upload(by, home, id).await?;
    if file.sha256.is_some() {
        return Ok(file);
    }
    let sent_key = sent_key(&file.storage_key);
    let has_arrived = by.app().blobs().head(&sent_key).await.map_err(unreachable_bucket)?.is_some();
    if !has_arrived {
        // A twin of this call may have been faster.
        let twin = find(by.db(), id).await?.filter(|file| file.sha256.is_some());
        return twin.ok_or_else(|| Error::conflict("The file has not arrived yet").code("not_uploaded"));
    }
    let bytes = take_over(by.app(), &sent_key, &file).await?;
    let kind = sniff::sniff(&bytes[..bytes.len().min(HEAD)], &file.display_name);
    let sha256 = tokens::sha256_hex(&bytes);
    let shown = store_shown(by.app(), &file.storage_key, kind.is_shown_image.then(|| bytes.to_vec())).await?;
    let what = Arrived { content_type: kind.content_type, sha256, shown };
    arrived(by.app(), by.begin().await?, id, &what).await?;
    if let Err(error) = by.app().blobs().delete(&sent_key).await {
        tracing::warn!(file.id, %error, "what was sent stays until the file is removed");
    }
    find(by.db(), id).await?.ok_or_else(not_found)
}

/// Uploads of the caller that have arrived and belong to nothing yet, by id. What is somebody else's, what
/// has not arrived and what has expired is left out.
pub async fn arrived_uploads(by: &By, home: Home, ids: &[i64]) -> Result<Vec<File>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let query = sql(COLUMNS)
        .push(" WHERE state = 'pending' AND sha256 IS NOT NULL AND deleted_at IS NULL AND owner_area = ?")
        .bind(home.area)
        .push(" AND expires_at > ?")
        .bind(by.now())
        .push_in(" AND id IN", ids);
    let query = match by.person() {
        Some(person) => query.push(" AND uploaded_by = ?").bind(person.id()),
        None => query.push(" AND uploaded_by IS NULL AND uploaded_by_label = ?").bind(label(by)),
    };
    Ok(query.push(" ORDER BY id LIMIT 200").fetch_all(by.db()).await?)
}

/// The signed address stays good for minutes after the file was looked at, so it leads to another key
/// than the file's own: what is sent there later changes nothing.
pub(super) fn sent_key(key: &str) -> String {
    format!("{key}-sent")
}

/// Copies what was sent to the file's own key, and reads it there.
async fn take_over(app: &App, sent_key: &str, file: &File) -> Result<bytes::Bytes> {
    let blobs = app.blobs();
    blobs.copy(sent_key, &file.storage_key, UNKNOWN).await.map_err(unreachable_bucket)?;
    let object = blobs.get(&file.storage_key).await.map_err(unreachable_bucket)?;
    if i64::try_from(object.length).ok() != Some(file.size_bytes) {
        return Err(Error::conflict("The file that arrived has another size").code("wrong_size"));
    }
    object.bytes(FILE_LIMIT).await.map_err(unreachable_bucket)
}

/// Takes an upload back.
pub async fn cancel_upload(by: &By, home: Home, id: i64) -> Result<()> {
    own_upload(by, home, id).await?;
    let mut tx = by.begin().await?;
    tx.housekeeping();
    remove(&mut tx, id).await?;
    tx.commit().await
}

async fn own_upload(by: &By, home: Home, id: i64) -> Result<File> {
    let file = find(by.db(), id).await?.filter(|file| file.state == "pending").ok_or_else(not_found)?;
    let row: Option<(i64,)> = sql("SELECT id FROM files WHERE id = ? AND owner_area = ? AND expires_at > ?")
        .bind(id)
        .bind(home.area)
        .bind(by.now())
        .fetch_optional(by.db())
        .await?;
    let is_own = match by.person() {
        Some(person) => file.uploaded_by == Some(person.id()),
        None => file.uploaded_by.is_none() && file.uploaded_by_label == label(by),
    };
    if row.is_some() && is_own { Ok(file) } else { Err(not_found()) }
}
