//! The record of every object in the bucket, and the two ways in: through the portal, or straight to
//! the bucket with a signed address (decisions 6 and 11.13).
//!
//! A row exists before its object does and is `pending` until the change it belongs to is committed;
//! what is left over is removed by a job. So nothing is lost and nothing stays behind.

mod download;
mod fetched;
mod jobs;
mod made;
mod names;
mod receive;
mod scan;
mod sniff;
mod uploads;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::blobs::BlobError;
use crate::db::{At, Tx, sql};
use crate::error::{Error, Result};
use crate::jobs::NewJob;

pub use download::{download, show};
pub use fetched::{Fetched, take_in};
pub(crate) use jobs::{delete_job, purge_job, scan_job};
pub use made::{Made, Making, attach_made};
pub use names::safe_file_name;
pub use receive::receive;
pub use uploads::{Announced, Upload, arrived_uploads, begin_upload, cancel_upload, complete_upload};

/// Who a file belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Home {
    /// The area, also the first part of the key.
    pub area: &'static str,
    /// `ticket_attachment`, `product_image` and so on.
    pub category: &'static str,
}

/// A file as its area lists it.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
#[expect(missing_docs, reason = "columns of files, ports 3")]
pub struct File {
    pub id: i64,
    #[serde(skip)]
    pub storage_key: String,
    pub state: String,
    pub original_name: String,
    pub display_name: String,
    pub content_type: String,
    pub size_bytes: i64,
    pub sha256: Option<String>,
    pub width: Option<i64>,
    pub height: Option<i64>,
    pub scan_status: String,
    pub uploaded_by: Option<i64>,
    pub uploaded_by_label: String,
    pub uploaded_at: DateTime<Utc>,
}

impl File {
    /// True when the portal shows it as a picture.
    pub fn is_picture(&self) -> bool {
        self.width.is_some()
    }

    fn shown_key(&self) -> String {
        format!("{}-shown", self.storage_key)
    }
}

const COLUMNS: &str = "SELECT id, storage_key, state, original_name, display_name, content_type, size_bytes, sha256, \
    width, height, scan_status, uploaded_by, uploaded_by_label, uploaded_at FROM files";

/// A file by id, whatever its state.
pub async fn find(at: impl Into<At<'_>>, id: i64) -> Result<Option<File>> {
    Ok(sql(COLUMNS).push(" WHERE id = ? AND deleted_at IS NULL").bind(id).fetch_optional(at).await?)
}

/// Makes a file that has arrived part of something, in the transaction of that change. One that has not
/// arrived, was taken back or has expired is not found. With a virus scanner it stays hidden from others
/// until the scanner has spoken.
pub async fn attach(tx: &mut Tx, id: i64, owner_id: i64) -> Result<()> {
    let attached = sql("UPDATE files SET owner_id = ?, state = 'ready', expires_at = NULL \
         WHERE id = ? AND state = 'pending' AND sha256 IS NOT NULL AND deleted_at IS NULL")
    .bind(owner_id)
    .bind(id)
    .execute(&mut *tx)
    .await?;
    if attached == 0 {
        return Err(not_found());
    }
    let waits: Option<(i64,)> =
        sql("SELECT id FROM files WHERE id = ? AND scan_status = 'pending'").bind(id).fetch_optional(&mut *tx).await?;
    if waits.is_some() {
        queue_scan(tx, id).await?;
    }
    Ok(())
}

async fn queue_scan(tx: &mut Tx, id: i64) -> Result<()> {
    NewJob::new("file.scan", serde_json::json!({ "id": id })).dedupe(format!("scan:{id}")).queue(tx).await?;
    Ok(())
}

/// Hides a file at once; its objects are removed by a job.
pub async fn remove(tx: &mut Tx, id: i64) -> Result<()> {
    let now = tx.stamp().at;
    sql("UPDATE files SET deleted_at = ? WHERE id = ? AND deleted_at IS NULL")
        .bind(now)
        .bind(id)
        .execute(&mut *tx)
        .await?;
    NewJob::new("file.delete", serde_json::json!({ "id": id })).dedupe(format!("file.delete:{id}")).queue(tx).await?;
    Ok(())
}

fn not_found() -> Error {
    Error::not_found("File not found")
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn unreachable_bucket(error: BlobError) -> Error {
    tracing::error!(%error, "the bucket did not do what was asked");
    Error::refused(
        http::StatusCode::SERVICE_UNAVAILABLE,
        "Files cannot be reached at the moment. Nothing was saved. Try again.",
    )
    .code("files_unavailable")
}
