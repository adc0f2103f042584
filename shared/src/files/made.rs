//! Files that the portal writes itself, piece by piece: on the disk first, then in the bucket, pending until
//! the change that they belong to is committed. So a file of any length needs no memory, and one that nothing
//! came of is removed like an upload that nobody used.

use std::io::SeekFrom;

use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _};
use tokio_util::io::ReaderStream;

use super::receive::PENDING;
use super::{Home, not_found};
use crate::blobs::Content;
use crate::db::{Tx, sql};
use crate::error::Result;
use crate::jobs::Run;
use crate::tokens::{self, Hasher};
use crate::web;

/// A file that is being written.
pub struct Making {
    id: i64,
    key: String,
    content_type: &'static str,
    content: tokio::fs::File,
    hasher: Hasher,
    size: i64,
}

/// A file that is in the bucket and belongs to nothing yet.
#[derive(Debug, Clone)]
pub struct Made {
    /// Row of `files`.
    pub id: i64,
    /// Bytes.
    pub size: i64,
    sha256: String,
}

impl Making {
    /// Begins a file of a person. The content is the portal's own, so its type is known and no scanner is asked.
    pub async fn begin(run: &Run, home: Home, name: &str, content_type: &'static str, user_id: i64) -> Result<Self> {
        let now = run.now();
        let key = format!("{}/{}/{}", home.area, now.format("%Y%m"), tokens::random_hex(16));
        let mut tx = run.begin().await?;
        tx.housekeeping();
        let id = sql("INSERT INTO files (storage_key, category, owner_area, state, original_name, display_name, \
             content_type, size_bytes, scan_status, uploaded_by, uploaded_by_label, uploaded_at, expires_at) \
             VALUES (?, ?, ?, 'pending', ?, ?, ?, 0, 'not_scanned', ?, 'The portal', ?, ?)")
        .bind(&key)
        .bind(home.category)
        .bind(home.area)
        .bind(name)
        .bind(name)
        .bind(content_type)
        .bind(user_id)
        .bind(now)
        .bind(now + PENDING)
        .insert(&mut tx)
        .await?;
        tx.commit().await?;
        Ok(Self { id, key, content_type, content: web::spool().await?, hasher: Hasher::new(), size: 0 })
    }

    /// Adds a piece.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.hasher.update(bytes);
        self.size += i64::try_from(bytes.len()).unwrap_or(0);
        Ok(self.content.write_all(bytes).await?)
    }

    /// Brings the whole into the bucket.
    pub async fn store(mut self, run: &Run) -> Result<Made> {
        self.content.flush().await?;
        self.content.seek(SeekFrom::Start(0)).await?;
        let length = u64::try_from(self.size).unwrap_or(0);
        let stream = Content::stream(length, ReaderStream::new(self.content));
        run.app().blobs().put(&self.key, stream, self.content_type).await.map_err(super::unreachable_bucket)?;
        Ok(Made { id: self.id, size: self.size, sha256: self.hasher.finish() })
    }
}

/// Makes the file part of something, in the transaction of that change.
pub async fn attach_made(tx: &mut Tx, made: &Made, owner_id: i64) -> Result<()> {
    let attached =
        sql("UPDATE files SET owner_id = ?, state = 'ready', expires_at = NULL, size_bytes = ?, sha256 = ? \
         WHERE id = ? AND state = 'pending' AND deleted_at IS NULL")
        .bind(owner_id)
        .bind(made.size)
        .bind(&made.sha256)
        .bind(made.id)
        .execute(tx)
        .await?;
    if attached == 1 { Ok(()) } else { Err(not_found()) }
}
