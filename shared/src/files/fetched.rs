//! Files that a job fetched from another system. Nobody here has looked at them: their type is told by their
//! bytes, and the scanner is asked as for what people send.

use bytes::Bytes;

use super::receive::{Arrived, HEAD, NewRow, Sender, arrived, insert_pending, store_shown};
use super::{Home, sniff, unreachable_bucket};
use crate::blobs::Content;
use crate::error::Result;
use crate::jobs::Run;
use crate::tokens;

/// A file as the other system gave it.
#[derive(Debug)]
pub struct Fetched<'a> {
    /// What it is called there.
    pub name: &'a str,
    /// What the other system takes it for; information only.
    pub declared_type: Option<&'a str>,
    /// Who is shown as the sender: the name of the other system.
    pub source: &'a str,
    /// The whole of it.
    pub content: Bytes,
}

/// Takes a file into the bucket. It is pending until [`attach`](super::attach).
pub async fn take_in(run: &Run, home: Home, file: Fetched<'_>) -> Result<i64> {
    let size = i64::try_from(file.content.len()).unwrap_or(i64::MAX);
    let new = NewRow::of(run.now(), home, file.name, file.declared_type, size);
    let sender = Sender { id: None, label: file.source.to_owned(), ip: None };
    let id = insert_pending(run.begin().await?, sender, &new).await?;
    let kind = sniff::sniff(&file.content[..file.content.len().min(HEAD)], file.name);
    let sha256 = tokens::sha256_hex(&file.content);
    let picture = kind.is_shown_image.then(|| file.content.to_vec());
    let content = Content::from(file.content);
    run.app().blobs().put(&new.key, content, kind.content_type).await.map_err(unreachable_bucket)?;
    let shown = store_shown(run.app(), &new.key, picture).await?;
    let what = Arrived { content_type: kind.content_type, sha256, shown };
    arrived(run.app(), run.begin().await?, id, &what).await?;
    Ok(id)
}
