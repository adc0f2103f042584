//! Files that come through the portal, and the row that every file begins with.

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::io::ReaderStream;

use super::{Home, names, safe_file_name, sniff, unreachable_bucket};
use crate::app::App;
use crate::blobs::Content;
use crate::caller::Actor;
use crate::context::By;
use crate::db::{Tx, sql};
use crate::error::Result;
use crate::routes::FILE_LIMIT;
use crate::web::UploadedFile;
use crate::{rate_limit, tokens};

/// A pending row lives this long.
pub(super) const PENDING: TimeDelta = TimeDelta::hours(1);

/// How many bytes tell the type.
pub(super) const HEAD: usize = 4096;

/// The longest edge of a picture as it is shown.
const SHOWN_EDGE: u32 = 1600;

/// Takes a file that came through the portal into the bucket. It is pending until [`attach`](super::attach).
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

pub(super) async fn limit(by: &By) -> Result<()> {
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
pub(super) async fn store_shown(app: &App, key: &str, picture: Option<Vec<u8>>) -> Result<Option<(i64, i64)>> {
    let Some(bytes) = picture else { return Ok(None) };
    let encoded = tokio::task::spawn_blocking(move || sniff::reencode_image(&bytes, SHOWN_EDGE)).await;
    let Ok(Ok(image)) = encoded else { return Ok(None) };
    let size = (i64::from(image.width), i64::from(image.height));
    let content = Content::from(image.bytes);
    app.blobs().put(&format!("{key}-shown"), content, image.content_type).await.map_err(unreachable_bucket)?;
    Ok(Some(size))
}

pub(super) struct NewRow {
    pub key: String,
    pub home: Home,
    pub original_name: String,
    pub display_name: String,
    pub declared_type: Option<String>,
    pub size: i64,
}

impl NewRow {
    pub fn of(now: DateTime<Utc>, home: Home, name: &str, declared_type: Option<&str>, size: i64) -> Self {
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
pub(super) struct Sender {
    pub id: Option<i64>,
    pub label: String,
    pub ip: Option<String>,
}

impl Sender {
    pub fn of(by: &By) -> Self {
        Self { id: by.person().map(|p| p.id()), label: label(by), ip: Some(by.ip().to_owned()) }
    }
}

pub(super) async fn insert_pending(mut tx: Tx, sender: Sender, new: &NewRow) -> Result<i64> {
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
pub(super) fn label(by: &By) -> String {
    let label = match by.actor() {
        Actor::Person(person) => format!("{} <{}>", person.user.name(), person.user.email),
        Actor::Key(key) => format!("API key {} ({})", key.preview, key.id),
        Actor::Nobody => "Unknown".to_owned(),
    };
    label.chars().take(255).collect()
}

pub(super) struct Arrived {
    pub content_type: &'static str,
    pub sha256: String,
    pub shown: Option<(i64, i64)>,
}

pub(super) async fn arrived(app: &App, mut tx: Tx, id: i64, what: &Arrived) -> Result<()> {
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
