//! The record of every object in the bucket, and the two ways in: through the portal, or straight to
//! the bucket with a signed address (decisions 6 and 11.13).
//!
//! A row exists before its object does and is `pending` until the change it belongs to is committed;
//! what is left over is removed by a job. So nothing is lost and nothing stays behind.

mod fetched;
mod made;
mod names;
mod scan;
mod sniff;

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, TimeDelta, Utc};
use http::header;
use serde::{Deserialize, Serialize};
use tokio_util::io::ReaderStream;

use crate::app::App;
use crate::blobs::{BlobError, Content, Disposition, Presigned};
use crate::caller::Actor;
use crate::context::By;
use crate::db::{At, Tx, sql};
use crate::error::{Error, Result};
use crate::jobs::{JobError, NewJob, Run};
use crate::routes::FILE_LIMIT;
use crate::web::UploadedFile;
use crate::{rate_limit, tokens};

pub use fetched::{Fetched, take_in};
pub use made::{Made, Making, attach_made};
pub use names::safe_file_name;

/// A pending row lives this long.
const PENDING: TimeDelta = TimeDelta::hours(1);

/// A signed address to put a file lives this long.
const PUT_FOR: Duration = Duration::from_mins(15);

/// A signed address to get a file lives this long.
const GET_FOR: Duration = Duration::from_mins(1);

/// The longest edge of a picture as it is shown.
const SHOWN_EDGE: u32 = 1600;

/// How many bytes tell the type.
const HEAD: usize = 4096;

/// What a file is called until it was looked at.
const UNKNOWN: &str = "application/octet-stream";

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

/// Takes a file that came through the portal into the bucket. It is pending until [`attach`].
pub async fn receive(by: &By, home: Home, file: UploadedFile) -> Result<i64> {
    limit(by).await?;
    let new = NewRow::of(by.now(), home, &file.name, file.declared_type.as_deref(), file.size);
    let id = insert_pending(by.begin().await?, Sender::of(by), &new).await?;
    let kind = sniff::sniff(&file.head, &file.name);
    let size = u64::try_from(file.size).unwrap_or(0);
    let mut content = file.content;
    let picture = if kind.is_shown_image { read_picture(&mut content, file.size).await? } else { None };
    let stream = Content::stream(size, ReaderStream::new(content));
    by.app().blobs().put(&new.key, stream, kind.content_type).await.map_err(unreachable_bucket)?;
    let shown = store_shown(by.app(), &new.key, picture).await?;
    let what = Arrived { content_type: kind.content_type, sha256: file.sha256, shown };
    arrived(by.app(), by.begin().await?, id, &what).await?;
    Ok(id)
}

async fn limit(by: &By) -> Result<()> {
    let who = by.person().map_or_else(|| by.ip().to_owned(), |p| p.id().to_string());
    rate_limit::hit(by.app(), &rate_limit::UPLOAD, &who).await
}

/// Reads a picture whole and goes back to its start.
async fn read_picture(file: &mut tokio::fs::File, size: i64) -> Result<Option<Vec<u8>>> {
    use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0).min(FILE_LIMIT));
    file.read_to_end(&mut bytes).await?;
    file.seek(std::io::SeekFrom::Start(0)).await?;
    Ok(Some(bytes))
}

/// Stores the picture that pages show: decoded and written anew, so that nothing hidden in it runs.
/// A picture that cannot be decoded is kept as a file.
async fn store_shown(app: &App, key: &str, picture: Option<Vec<u8>>) -> Result<Option<(i64, i64)>> {
    let Some(bytes) = picture else { return Ok(None) };
    let encoded = tokio::task::spawn_blocking(move || sniff::reencode_image(&bytes, SHOWN_EDGE)).await;
    let Ok(Ok(image)) = encoded else { return Ok(None) };
    let size = (i64::from(image.width), i64::from(image.height));
    let content = Content::from(image.bytes);
    app.blobs().put(&format!("{key}-shown"), content, image.content_type).await.map_err(unreachable_bucket)?;
    Ok(Some(size))
}

struct NewRow {
    key: String,
    home: Home,
    original_name: String,
    display_name: String,
    declared_type: Option<String>,
    size: i64,
}

impl NewRow {
    fn of(now: DateTime<Utc>, home: Home, name: &str, declared_type: Option<&str>, size: i64) -> Self {
        let month = now.format("%Y%m");
        Self {
            key: format!("{}/{month}/{}", home.area, tokens::random_hex(16)),
            home,
            original_name: safe_file_name(name),
            display_name: names::display_name(name),
            declared_type: declared_type.map(|t| t.chars().filter(|c| !c.is_control()).take(255).collect()),
            size,
        }
    }
}

/// Whom a file came from.
struct Sender {
    id: Option<i64>,
    label: String,
    ip: Option<String>,
}

impl Sender {
    fn of(by: &By) -> Self {
        Self { id: by.person().map(|p| p.id()), label: label(by), ip: Some(by.ip().to_owned()) }
    }
}

async fn insert_pending(mut tx: Tx, sender: Sender, new: &NewRow) -> Result<i64> {
    tx.housekeeping();
    let now = tx.stamp().at;
    let id = sql("INSERT INTO files (storage_key, category, owner_area, state, original_name, display_name, \
         content_type, declared_content_type, size_bytes, scan_status, uploaded_by, uploaded_by_label, \
         uploaded_from_ip, uploaded_at, expires_at) \
         VALUES (?, ?, ?, 'pending', ?, ?, 'application/octet-stream', ?, ?, 'not_scanned', ?, ?, ?, ?, ?)")
    .bind(&new.key)
    .bind(new.home.category)
    .bind(new.home.area)
    .bind(&new.original_name)
    .bind(&new.display_name)
    .bind(new.declared_type.clone())
    .bind(new.size)
    .bind(sender.id)
    .bind(sender.label)
    .bind(sender.ip)
    .bind(now)
    .bind(now + PENDING)
    .insert(&mut tx)
    .await?;
    tx.commit().await?;
    Ok(id)
}

/// Who uploads, as it stays readable when the account is gone. It also tells one key from another.
fn label(by: &By) -> String {
    let label = match by.actor() {
        Actor::Person(person) => format!("{} <{}>", person.user.name(), person.user.email),
        Actor::Key(key) => format!("API key {} ({})", key.preview, key.id),
        Actor::Nobody => "Unknown".to_owned(),
    };
    label.chars().take(255).collect()
}

struct Arrived {
    content_type: &'static str,
    sha256: String,
    shown: Option<(i64, i64)>,
}

async fn arrived(app: &App, mut tx: Tx, id: i64, what: &Arrived) -> Result<()> {
    let scan = if app.config().clamd_address.is_some() { "pending" } else { "not_scanned" };
    tx.housekeeping();
    sql("UPDATE files SET content_type = ?, sha256 = ?, width = ?, height = ?, scan_status = ? WHERE id = ?")
        .bind(what.content_type)
        .bind(&what.sha256)
        .bind(what.shown.map(|(width, _)| width))
        .bind(what.shown.map(|(_, height)| height))
        .bind(scan)
        .bind(id)
        .execute(&mut tx)
        .await?;
    tx.commit().await
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

/// Looks at what arrived in the bucket. The file is pending until [`attach`]; a repeated call is fine.
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
fn sent_key(key: &str) -> String {
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

fn not_found() -> Error {
    Error::not_found("File not found")
}

/// Sends a browser to a signed address that ends in a minute; the caller has checked the right to it.
pub async fn download(by: &By, file: &File) -> Result<Response> {
    let file = readable(file)?;
    let get = by.app().blobs().presigned_get(&file.storage_key, &file.display_name, GET_FOR, Disposition::Attachment);
    let url = get.await.map_err(unreachable_bucket)?.url;
    let mut response = Redirect::to(&url).into_response();
    *response.status_mut() = http::StatusCode::FOUND;
    Ok(response)
}

/// Streams the shown form of a picture through the portal; anything else is sent as a download.
pub async fn show(by: &By, file: &File) -> Result<Response> {
    let file = readable(file)?;
    if !file.is_picture() {
        return download(by, file).await;
    }
    let object = by.app().blobs().get(&file.shown_key()).await.map_err(unreachable_bucket)?;
    let kind = object.content_type.clone().unwrap_or_else(|| "image/jpeg".to_owned());
    let length = object.length;
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_LENGTH, length.to_string()),
        (header::CACHE_CONTROL, "private, max-age=300".to_owned()),
        // Whoever signs in next at the same browser must not be shown it from there.
        (header::VARY, "Cookie".to_owned()),
        (header::CONTENT_DISPOSITION, "inline".to_owned()),
    ];
    Ok((headers, Body::from_stream(object.into_stream())).into_response())
}

fn readable(file: &File) -> Result<&File> {
    match (file.state.as_str(), file.scan_status.as_str()) {
        ("ready", "not_scanned" | "clean") => Ok(file),
        ("ready", "pending" | "error") => {
            Err(Error::conflict("The file is being checked for viruses. Try again in a minute.").code("scan_pending"))
        }
        ("quarantined", _) | (_, "infected") => {
            Err(Error::refused(http::StatusCode::GONE, "The file held a virus and was removed").code("infected"))
        }
        _ => Err(not_found()),
    }
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

#[derive(Deserialize)]
struct Payload {
    id: i64,
}

/// Removes the objects of a removed file. The row stays for the record, without a name to reach it by.
pub(crate) async fn delete_job(run: Run) -> Result<(), JobError> {
    let Payload { id } = run.payload()?;
    let row: Option<(String,)> = sql("SELECT storage_key FROM files WHERE id = ? AND deleted_at IS NOT NULL")
        .bind(id)
        .fetch_optional(run.db())
        .await?;
    let Some((key,)) = row else { return Ok(()) };
    for key in [key.clone(), format!("{key}-shown"), sent_key(&key)] {
        run.app().blobs().delete(&key).await.map_err(|error| JobError::Retry(error.to_string()))?;
    }
    Ok(())
}

/// Asks the scanner about one file.
pub(crate) async fn scan_job(run: Run) -> Result<(), JobError> {
    let Payload { id } = run.payload()?;
    let Some(file) = find(run.db(), id).await? else { return Ok(()) };
    let (status, state) = match run.app().config().clamd_address.as_deref() {
        // The scanner was switched off while the file waited.
        None => ("not_scanned", "ready"),
        Some(address) => match verdict(&run, address, &file).await? {
            scan::Verdict::Clean => ("clean", "ready"),
            scan::Verdict::Infected => ("infected", "quarantined"),
        },
    };
    let mut tx = run.begin().await?;
    tx.housekeeping();
    sql("UPDATE files SET scan_status = ?, state = ? WHERE id = ?")
        .bind(status)
        .bind(state)
        .bind(id)
        .execute(&mut tx)
        .await?;
    Ok(tx.commit().await?)
}

async fn verdict(run: &Run, address: &str, file: &File) -> Result<scan::Verdict, JobError> {
    let object = run.app().blobs().get(&file.storage_key).await.map_err(|e| JobError::Retry(e.to_string()))?;
    scan::ask(address, object.into_stream()).await.map_err(|e| JobError::Retry(e.to_string()))
}

/// Removes uploads that nothing came of, and asks again about files that the scanner gave no answer to.
pub(crate) async fn purge_job(run: Run) -> Result<(), JobError> {
    scan_again(&run).await?;
    let old: Vec<(i64,)> = sql(
        "SELECT id FROM files WHERE state = 'pending' AND expires_at < ? AND deleted_at IS NULL ORDER BY id LIMIT 200",
    )
    .bind(run.now())
    .fetch_all(run.db())
    .await?;
    if old.is_empty() {
        return Ok(());
    }
    let mut tx = run.begin().await?;
    tx.housekeeping();
    for (id,) in old {
        remove(&mut tx, id).await?;
    }
    Ok(tx.commit().await?)
}

async fn scan_again(run: &Run) -> Result<(), JobError> {
    let waiting: Vec<(i64,)> = sql("SELECT id FROM files WHERE state = 'ready' AND scan_status = 'pending' \
         AND deleted_at IS NULL ORDER BY id LIMIT 200")
    .fetch_all(run.db())
    .await?;
    if waiting.is_empty() {
        return Ok(());
    }
    let mut tx = run.begin().await?;
    tx.housekeeping();
    for (id,) in waiting {
        queue_scan(&mut tx, id).await?;
    }
    Ok(tx.commit().await?)
}
