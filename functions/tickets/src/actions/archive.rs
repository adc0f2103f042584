//! All files of a ticket as one archive, made while it is sent: no more than a piece of one file is held.

use std::collections::{HashSet, VecDeque};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use http::header;
use shared::app::App;
use shared::context::By;
use shared::error::{Error, Result};
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, ZipWriter};

use crate::scope::Scope;
use crate::store::{self, Attachment};

/// Streams the files that the caller may see; what the virus scanner holds back is left out.
pub async fn archive(by: &By, ticket_id: i64) -> Result<Response> {
    let scope = Scope::of(by);
    store::find(scope, by.db(), ticket_id).await?;
    let files = store::attachments(scope, by.db(), ticket_id).await?;
    let entries = entries(files);
    if entries.is_empty() {
        return Err(Error::not_found("There are no files to download"));
    }
    let name = format!("attachment; filename=\"ticket-{ticket_id}-files.zip\"");
    let headers = [
        (header::CONTENT_TYPE, "application/zip".to_owned()),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    let packing = Packing::new(by.app().clone(), entries);
    let pieces = stream::try_unfold(packing, |mut packing| async move {
        Ok::<_, io::Error>(packing.next().await?.map(|piece| (piece, packing)))
    });
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// A file under the name it has in the archive.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    name: String,
    key: String,
}

/// Names that come twice get a number, as folders of people's machines do it.
fn entries(files: Vec<Attachment>) -> VecDeque<Entry> {
    let mut taken = HashSet::new();
    let ready = files.into_iter().filter(|file| file.is_ready);
    ready.map(|file| Entry { name: free_name(&mut taken, &file.name), key: file.storage_key }).collect()
}

fn free_name(taken: &mut HashSet<String>, name: &str) -> String {
    let (stem, extension) = match name.rfind('.') {
        Some(dot) if dot > 0 => name.split_at(dot),
        _ => (name, ""),
    };
    let mut free = name.to_owned();
    let mut number = 2;
    // Some systems take upper and lower case for the same.
    while !taken.insert(free.to_lowercase()) {
        free = format!("{stem} ({number}){extension}");
        number += 1;
    }
    free
}

/// What the archive's writer has made and nobody has taken yet.
#[derive(Debug, Clone, Default)]
struct Made(Arc<Mutex<Vec<u8>>>);

impl Made {
    fn take(&self) -> Option<Bytes> {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (!made.is_empty()).then(|| std::mem::take(&mut *made).into())
    }
}

impl Write for Made {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Packing {
    app: App,
    waiting: VecDeque<Entry>,
    open: Option<BoxStream<'static, io::Result<Bytes>>>,
    writer: Option<ZipWriter<StreamWriter<Made>>>,
    made: Made,
}

impl Packing {
    fn new(app: App, waiting: VecDeque<Entry>) -> Self {
        let made = Made::default();
        Self { app, waiting, open: None, writer: Some(ZipWriter::new_stream(made.clone())), made }
    }

    /// The next piece of the archive; none at its end. When the bucket fails the download breaks off, and
    /// the archive without its end is seen to be damaged.
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            if let Some(piece) = self.made.take() {
                return Ok(Some(piece));
            }
            let Some(writer) = &mut self.writer else { return Ok(None) };
            if let Some(open) = &mut self.open {
                match open.next().await {
                    Some(piece) => writer.write_all(&piece?)?,
                    None => self.open = None,
                }
            } else if let Some(entry) = self.waiting.pop_front() {
                let object = self.app.blobs().get(&entry.key).await.map_err(io::Error::other)?;
                // Pictures and documents are packed already; packing again would cost time and gain nothing.
                let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
                writer.start_file(entry.name, options).map_err(io::Error::other)?;
                self.open = Some(object.into_stream());
            } else if let Some(writer) = self.writer.take() {
                writer.finish().map_err(io::Error::other)?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_come_twice_get_a_number() {
        let mut taken = HashSet::new();
        let names = ["a.txt", "A.TXT", "a.txt", "a (2).txt", "read me", "read me", ".env", ".env"];
        let free: Vec<String> = names.iter().map(|name| free_name(&mut taken, name)).collect();
        assert_eq!(
            free,
            ["a.txt", "A (2).TXT", "a (3).txt", "a (2) (2).txt", "read me", "read me (2)", ".env", ".env (2)"]
        );
    }
}
