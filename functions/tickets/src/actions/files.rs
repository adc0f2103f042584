//! Files on tickets: all kinds are taken, what is not a picture is only ever downloaded.

use serde_json::json;
use shared::audit::Change as Line;
use shared::context::By;
use shared::error::{Error, Result};
use shared::files::{self, File, Home};
use shared::routes::FILES_PER_REQUEST;
use shared::web::UploadedFile;

use crate::scope::{Doer, Scope};
use crate::store::{self, Attachment, NewActivity};

/// Where the files of tickets live.
pub const HOME: Home = Home { area: "tickets", category: "ticket_attachment" };

/// Takes the files of a form into the bucket; they are pending until their ticket or reply is stored.
async fn received(by: &By, files: Vec<UploadedFile>) -> Result<Vec<i64>> {
    let mut ids = Vec::with_capacity(files.len());
    for file in files {
        ids.push(files::receive(by, HOME, file).await?);
    }
    Ok(ids)
}

/// Files that came with a form, and those that its page has sent ahead to the bucket.
pub async fn gathered(by: &By, files: Vec<UploadedFile>, upload_ids: &[i64]) -> Result<Vec<i64>> {
    if files.len() + upload_ids.len() > FILES_PER_REQUEST {
        return Err(Error::field("files", "Send at most 10 files at once"));
    }
    let mut ids = sent_ahead(by, upload_ids).await?;
    ids.extend(received(by, files).await?);
    Ok(ids)
}

/// The caller's own uploads that have arrived; one that has not is told, so that no file is lost unseen.
async fn sent_ahead(by: &By, upload_ids: &[i64]) -> Result<Vec<i64>> {
    let found: Vec<i64> = files::arrived_uploads(by, HOME, upload_ids).await?.iter().map(|file| file.id).collect();
    if upload_ids.iter().all(|id| found.contains(id)) {
        return Ok(found);
    }
    Err(Error::field("files", "A file has not arrived, or was sent more than an hour ago. Attach it again."))
}

/// The ids that a form names, each once; a form that names more than it may is refused later.
pub fn upload_ids(values: &[String]) -> Vec<i64> {
    distinct(&values.iter().filter_map(|value| value.trim().parse().ok()).collect::<Vec<i64>>())
}

/// Each id once.
pub fn distinct(ids: &[i64]) -> Vec<i64> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    ids.truncate(FILES_PER_REQUEST + 1);
    ids
}

/// Makes an upload part of a ticket or of one of its replies; returns the attachment's id.
pub async fn add_upload(by: &By, ticket_id: i64, file: &File, reply_id: Option<i64>) -> Result<i64> {
    let doer = Doer::of(by);
    let mut tx = by.begin().await?;
    store::lock(&mut tx, ticket_id).await?;
    let ticket = store::find(Scope::of(by), &mut tx, ticket_id).await?;
    if let Some(reply_id) = reply_id {
        let reply = store::find_reply(Scope::of(by), &mut tx, ticket_id, reply_id).await?;
        // Nobody but the desk adds to what somebody else wrote.
        let reply = reply.filter(|reply| doer.is_desk || reply.author_id == doer.id);
        reply.ok_or_else(|| Error::not_found("Reply not found"))?;
    } else if !doer.is_desk && ticket.requester_id != doer.id && ticket.created_by_id != doer.id {
        return Err(Error::forbidden(
            "Send a reply with the file. Only the person who asked adds files to the ticket.",
        ));
    }
    let most = i64::try_from(FILES_PER_REQUEST).unwrap_or(i64::MAX);
    if store::count_of_entry(&mut tx, ticket_id, reply_id).await? >= most {
        return Err(
            Error::conflict("There are already 10 files here. Add a reply with further files.").code("too_many_files")
        );
    }
    let id = store::attach_one(&mut tx, ticket_id, reply_id, file.id).await?;
    let line = Line::new("tickets.attach", "ticket", ticket_id).label(&ticket.subject).company(ticket.company_id);
    tx.audit(line.after(json!({ "file": file.display_name, "size": file.size_bytes, "reply_id": reply_id })));
    tx.commit().await?;
    Ok(id)
}

/// Takes a file off a ticket: the desk any, others what they sent themselves.
pub async fn remove_file(by: &By, ticket_id: i64, id: i64) -> Result<()> {
    let (scope, doer) = (Scope::of(by), Doer::of(by));
    let mut tx = by.begin().await?;
    let found: Option<Attachment> = store::attachment(scope, &mut tx, ticket_id, id).await?;
    let file = found.ok_or_else(|| Error::not_found("File not found"))?;
    if !doer.is_desk && file.uploaded_by != doer.id {
        return Err(Error::forbidden("Only the desk removes files of others"));
    }
    store::forget(&mut tx, &file).await?;
    let changes = json!({ "file": [file.name, null] }).as_object().cloned().unwrap_or_default();
    store::record(&mut tx, &doer, ticket_id, NewActivity { kind: "file_removed", changes }).await?;
    let line = Line::new("tickets.detach", "ticket", ticket_id);
    tx.audit(line.before(json!({ "file": file.name, "size": file.size, "reply_id": file.reply_id })));
    tx.commit().await
}
