//! The conversation as the page shows it: replies, notes, changes, files and pictures.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::model::describe;
use crate::store::{Attachment, Entry, Ticket};

/// An entry of the timeline: `reply`, `note`, `change`, or `gap` for those left out.
#[derive(Debug, Serialize)]
pub(super) struct Item {
    kind: String,
    id: i64,
    author: String,
    author_id: Option<i64>,
    role: Option<&'static str>,
    text: String,
    pub(super) at: DateTime<Utc>,
    files: Vec<FileItem>,
    pictures: Vec<Picture>,
}

/// A file to download.
#[derive(Debug, Serialize)]
pub(super) struct FileItem {
    name: String,
    href: String,
    size: i64,
}

/// A picture that is shown.
#[derive(Debug, Serialize)]
pub(super) struct Picture {
    name: String,
    src: String,
    href: String,
    width: i64,
    height: i64,
}

impl Item {
    /// One entry; changes without words are left out.
    pub(super) fn of(entry: Entry, ticket: &Ticket, files: &[Attachment], is_desk: bool) -> Option<Self> {
        let author = entry.author();
        let is_change = entry.kind == "change";
        let text = if is_change { describe(&entry.topic, &entry.text)? } else { entry.text };
        let reply = (!is_change).then_some(entry.id);
        let role = match entry.kind.as_str() {
            "note" => Some("Only technicians see this"),
            "reply" if is_desk && entry.author_id.is_some() && entry.author_id == ticket.requester_id => {
                Some("requester")
            }
            _ => None,
        };
        Some(Self {
            kind: entry.kind,
            id: entry.id,
            author,
            author_id: entry.author_id,
            role,
            text,
            at: entry.created_at,
            files: reply.map_or_else(Vec::new, |id| file_items(files, Some(id))),
            pictures: reply.map_or_else(Vec::new, |id| pictures(files, Some(id))),
        })
    }

    /// A change of a field.
    pub(super) fn is_change(&self) -> bool {
        self.kind == "change"
    }

    /// Who wrote or changed.
    pub(super) fn author(&self) -> &str {
        &self.author
    }

    /// Stands for entries that are folded away.
    pub(super) fn gap(hidden: usize, at: DateTime<Utc>) -> Self {
        Self {
            kind: "gap".to_owned(),
            id: 0,
            author: String::new(),
            author_id: None,
            role: None,
            text: hidden.to_string(),
            at,
            files: Vec::new(),
            pictures: Vec::new(),
        }
    }
}

fn of_entry(files: &[Attachment], reply: Option<i64>) -> impl Iterator<Item = &Attachment> {
    files.iter().filter(move |file| file.reply_id == reply)
}

/// The files of an entry, or of the ticket itself.
pub(super) fn file_items(files: &[Attachment], reply: Option<i64>) -> Vec<FileItem> {
    let item = |file: &Attachment| FileItem {
        name: if file.is_ready { file.name.clone() } else { format!("{} (being checked for viruses)", file.name) },
        href: format!("{}?download=1", file.url()),
        size: file.size,
    };
    of_entry(files, reply).map(item).collect()
}

/// The longest edge of a preview.
const PREVIEW: i64 = 320;

/// The pictures among them.
pub(super) fn pictures(files: &[Attachment], reply: Option<i64>) -> Vec<Picture> {
    let shown = of_entry(files, reply).filter(|file| file.is_picture());
    shown
        .map(|file| {
            let (width, height) = (file.width.unwrap_or(1).max(1), file.height.unwrap_or(1).max(1));
            let longest = width.max(height).max(PREVIEW);
            let fit = |edge: i64| (edge * PREVIEW / longest).max(1);
            let (src, href) = (file.url(), file.url());
            Picture { name: file.name.clone(), src, href, width: fit(width), height: fit(height) }
        })
        .collect()
}
