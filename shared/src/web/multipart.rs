//! Forms with files: fields in memory, files spooled to disk while their hash and type are taken.

use std::io::SeekFrom;

use axum::extract::FromRequest;
use axum::extract::multipart::MultipartError;
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _};

use super::form::FormState;
use super::pipeline::too_large;
use super::query::from_pairs;
use crate::app::App;
use crate::error::{Error, Invalid, Result};
use crate::routes::{BODY_LIMIT, FILE_LIMIT, FILES_PER_REQUEST};

/// One part of a form.
#[derive(Debug)]
pub enum Part {
    /// A field.
    Text(String, String),
    /// A file.
    File(UploadedFile),
}

/// A file that has arrived whole.
#[derive(Debug)]
pub struct UploadedFile {
    /// The form field.
    pub field: String,
    /// The name the browser gave, not to be trusted.
    pub name: String,
    /// The type the browser gave, not to be trusted.
    pub declared_type: Option<String>,
    /// Bytes.
    pub size: i64,
    /// Hex SHA-256.
    pub sha256: String,
    /// The first bytes, for telling the type.
    pub head: Vec<u8>,
    /// The content, at its start.
    pub content: tokio::fs::File,
}

/// A form that may carry files.
#[derive(Debug)]
pub struct Multipart {
    pairs: Vec<(String, String)>,
    /// Files with content, in order.
    pub files: Vec<UploadedFile>,
}

impl Multipart {
    /// The fields as a type, as `Form` gives them.
    pub fn fields<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
        from_pairs(&self.pairs)
    }

    /// Every value of a name.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.pairs.iter().filter(|(n, _)| n == name).map(|(_, value)| value.clone()).collect()
    }

    /// The form again with what is wrong; files are never shown again.
    pub fn refused(&self, invalid: &Invalid) -> FormState {
        FormState::of(self.pairs.iter().map(|(n, v)| (n.as_str(), v.as_str()))).refused(invalid)
    }
}

const HEAD: usize = 4096;

/// What any part costs of the limit, however little it holds.
const PART_COST: usize = 128;

impl FromRequest<App> for Multipart {
    type Rejection = Error;

    async fn from_request(request: axum::extract::Request, app: &App) -> Result<Self> {
        let kind = crate::context::header_text(request.headers(), "content-type").unwrap_or_default();
        if kind.starts_with("application/x-www-form-urlencoded") {
            let form = super::Form::<serde::de::IgnoredAny>::from_request(request, app).await?;
            return Ok(Self { pairs: form.into_pairs(), files: Vec::new() });
        }
        let mut request = request;
        // The pipeline has limited the body already.
        axum::extract::DefaultBodyLimit::apply(axum::extract::DefaultBodyLimit::disable(), &mut request);
        let mut parts = axum::extract::Multipart::from_request(request, app)
            .await
            .map_err(|_| Error::refused(http::StatusCode::UNSUPPORTED_MEDIA_TYPE, "Send the body as a form"))?;
        let mut form = Self { pairs: Vec::new(), files: Vec::new() };
        // Files lie on the disk; everything else is held in memory and has the limit of plain forms.
        let mut room = BODY_LIMIT;
        while let Some(field) = parts.next_field().await.map_err(|e| unreadable(&e))? {
            room = room.checked_sub(PART_COST).ok_or_else(too_large)?;
            if let Some(part) = read_part(field, &mut room).await? {
                form.take(part)?;
            }
        }
        Ok(form)
    }
}

impl Multipart {
    fn take(&mut self, part: Part) -> Result<()> {
        match part {
            Part::Text(name, _) if name == "_csrf" || name == "_once" => {}
            Part::Text(name, text) => self.pairs.push((name, text)),
            Part::File(file) if self.files.len() < FILES_PER_REQUEST => self.files.push(file),
            Part::File(file) => return Err(Error::field(&file.field, "Send at most 10 files at once")),
        }
        Ok(())
    }
}

fn unreadable(error: &MultipartError) -> Error {
    if error.status() == http::StatusCode::PAYLOAD_TOO_LARGE {
        too_large()
    } else {
        Error::bad_request("The form cannot be read. Send it again.").code("bad_multipart")
    }
}

async fn read_text(field: &mut axum::extract::multipart::Field<'_>, room: &mut usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(|e| unreadable(&e))? {
        *room = room.checked_sub(chunk.len()).ok_or_else(too_large)?;
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

async fn read_part(mut field: axum::extract::multipart::Field<'_>, room: &mut usize) -> Result<Option<Part>> {
    let name = field.name().unwrap_or_default().to_owned();
    let Some(file_name) = field.file_name().map(str::to_owned) else {
        let bytes = read_text(&mut field, room).await?;
        let text = String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
        let text = text.ok_or_else(|| Error::field(&name, "Remove the character that cannot be shown"))?;
        return Ok(Some(Part::Text(name, text.replace("\r\n", "\n"))));
    };
    let declared_type = field.content_type().map(str::to_owned);
    let (mut hasher, mut head, mut size) = (crate::tokens::Hasher::new(), Vec::new(), 0_usize);
    let mut content = spool().await?;
    while let Some(chunk) = field.chunk().await.map_err(|e| unreadable(&e))? {
        size += chunk.len();
        if size > FILE_LIMIT {
            let shown = crate::format::file_size(i64::try_from(size).unwrap_or(i64::MAX));
            let text = format!("{file_name} is larger than {shown}. The limit is 15 MB.");
            return Err(Error::refused(http::StatusCode::PAYLOAD_TOO_LARGE, text));
        }
        hasher.update(&chunk);
        head.extend_from_slice(&chunk[..chunk.len().min(HEAD.saturating_sub(head.len()))]);
        content.write_all(&chunk).await?;
    }
    if size == 0 && file_name.is_empty() {
        return Ok(None);
    }
    content.flush().await?;
    content.seek(SeekFrom::Start(0)).await?;
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    let sha256 = hasher.finish();
    Ok(Some(Part::File(UploadedFile { field: name, name: file_name, declared_type, size, sha256, head, content })))
}

/// A file without a name: gone when closed, whatever happens.
pub(crate) async fn spool() -> Result<tokio::fs::File> {
    let path = std::env::temp_dir().join(format!("myportal-{}", crate::tokens::random_hex(16)));
    let mut options = tokio::fs::OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(0o600);
    let file = options.open(&path).await?;
    tokio::fs::remove_file(&path).await?;
    Ok(file)
}
