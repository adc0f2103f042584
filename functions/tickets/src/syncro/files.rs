//! Files of tickets of Syncro: noted in the transaction of their ticket, fetched by a job each, so that a large
//! file holds up no import and none is fetched twice. Syncro does not say whether a customer may see a file,
//! so they hang on a note that only the desk reads.

use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::db::{At, Tx, is_unique_violation, sql};
use shared::error::Result;
use shared::files::{Fetched, take_in};
use shared::jobs::{JobError, NewJob, Run};
use shared::routes::FILE_LIMIT;
use shared::syncro::{Fault, Sent, Syncro};

use super::mapping::{self, Attachment};
use super::runs::{self, ImportRun};
use super::write::doer;
use crate::actions::HOME;
use crate::model::NewReply;
use crate::store;

/// Kind of the job that asks for the files of a ticket; lists of tickets do not name them.
pub const LOOK: &str = "ticket.syncro_attachments";

/// Kind of the job that fetches a file.
pub const FETCH: &str = "ticket.syncro_file";

/// After the pages of an import, which share the calls of a minute.
const PRIORITY: i64 = 220;

/// Notes the files that a ticket names, and asks for them where the ticket does not say.
pub async fn plan(tx: &mut Tx, run: &ImportRun, ticket_id: i64, ticket: &Value, has_changed: bool) -> Result<()> {
    match mapping::attachments_of(ticket) {
        _ if !run.include_attachments => Ok(()),
        Some(named) => remember(tx, Some(run.id), ticket_id, &named).await,
        None if !has_changed => Ok(()),
        None => {
            let reference = mapping::reference(ticket);
            let payload = json!({ "run_id": run.id, "ticket_id": ticket_id, "reference": reference });
            let key = format!("syncro-attachments:{ticket_id}");
            NewJob::new(LOOK, payload).dedupe(key).priority(PRIORITY).queue(tx).await?;
            Ok(())
        }
    }
}

async fn remember(tx: &mut Tx, run_id: Option<i64>, ticket_id: i64, named: &[Attachment]) -> Result<()> {
    for batch in named.chunks(shared::db::MAX_IN) {
        let references: Vec<&str> = batch.iter().map(|file| file.reference.as_str()).collect();
        let query = sql("SELECT external_reference FROM ticket_import_files WHERE");
        let query = query.push_in(" external_reference IN", &references).push(" LIMIT 200");
        let known: Vec<(String,)> = query.fetch_all(&mut *tx).await?;
        for file in batch.iter().filter(|file| !known.iter().any(|(known,)| *known == file.reference)) {
            note(&mut *tx, run_id, ticket_id, file).await?;
        }
    }
    Ok(())
}

async fn note(tx: &mut Tx, run_id: Option<i64>, ticket_id: i64, file: &Attachment) -> Result<()> {
    let now = tx.stamp().at;
    let inserted =
        sql("INSERT INTO ticket_import_files (run_id, ticket_id, external_reference, name, address, state, \
         created_at) VALUES (?, ?, ?, ?, ?, 'waiting', ?)")
        .bind(run_id)
        .bind(ticket_id)
        .bind(&file.reference)
        .bind(&file.name)
        .bind(&file.address)
        .bind(now)
        .insert(&mut *tx)
        .await;
    let id = match inserted {
        Ok(id) => id,
        // The same file twice in one answer is one file.
        Err(error) if is_unique_violation(&error, "ticket_import_files_reference", "ticket_import_files.external") => {
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    let job = NewJob::new(FETCH, json!({ "file_id": id })).dedupe(format!("syncro-file:{id}"));
    job.priority(PRIORITY).queue(tx).await?;
    Ok(())
}

#[derive(Deserialize)]
struct Looked {
    run_id: i64,
    ticket_id: i64,
    reference: String,
}

/// Asks for one ticket alone, which names its files.
pub async fn look(run: Run) -> Result<(), JobError> {
    let payload: Looked = run.payload()?;
    let Some(syncro) = Syncro::of_module(run.app()).await? else { return Ok(()) };
    let reference = &payload.reference;
    let answer = match syncro.get(run.app(), &format!("/tickets/{reference}"), &[]).await {
        Ok(answer) => answer.unwrap_or_default(),
        Err(fault) => {
            let text = bear(&run, fault)?;
            let mut tx = run.begin().await?;
            tx.housekeeping();
            let text = format!("The files of ticket {reference} are not known. {text}");
            runs::note(&mut tx, payload.run_id, None, &text).await?;
            return Ok(tx.commit().await?);
        }
    };
    let named = mapping::attachments_of(answer.get("ticket").unwrap_or(&answer)).unwrap_or_default();
    let mut tx = run.begin().await?;
    tx.housekeeping();
    remember(&mut tx, Some(payload.run_id), payload.ticket_id, &named).await?;
    Ok(tx.commit().await?)
}

/// What a fault means for a job: another try later, or the reason why there is none.
fn bear(run: &Run, fault: Fault) -> Result<String, JobError> {
    let later = |wait: TimeDelta| JobError::NotBefore(run.now() + wait);
    match fault {
        Fault::Full(wait) | Fault::Limited(wait) => Err(later(wait)),
        Fault::Internal(error) => Err(error.into()),
        Fault::Temporary(text) if !run.is_last => Err(JobError::Retry(text)),
        other => Ok(other.text()),
    }
}

#[derive(Deserialize)]
struct Fetch {
    file_id: i64,
}

#[derive(sqlx::FromRow)]
struct Waiting {
    id: i64,
    run_id: Option<i64>,
    ticket_id: i64,
    name: String,
    address: String,
}

/// Fetches a file and hangs it on its ticket.
pub async fn fetch(run: Run) -> Result<(), JobError> {
    let Fetch { file_id } = run.payload()?;
    let query = sql("SELECT id, run_id, ticket_id, name, address FROM ticket_import_files \
         WHERE id = ? AND state = 'waiting'");
    let Some(file): Option<Waiting> = query.bind(file_id).fetch_optional(run.db()).await? else { return Ok(()) };
    let Some(syncro) = Syncro::of_module(run.app()).await? else {
        return Ok(give_up(&run, &file, "The Syncro module is off.").await?);
    };
    match syncro.file(run.app(), &file.address, FILE_LIMIT).await {
        Ok(Some(sent)) if sent.content.is_empty() => Ok(give_up(&run, &file, "It is empty.").await?),
        Ok(Some(sent)) => Ok(hang(&run, &file, sent).await?),
        Ok(None) => Ok(give_up(&run, &file, "Syncro no longer has it.").await?),
        Err(fault) => {
            let text = bear(&run, fault)?;
            Ok(give_up(&run, &file, &text).await?)
        }
    }
}

/// Keeps the reason among the problems of the run.
async fn give_up(run: &Run, file: &Waiting, why: &str) -> Result<()> {
    let mut tx = run.begin().await?;
    tx.housekeeping();
    if settle(&mut tx, file.id, "failed").await?
        && let Some(run_id) = file.run_id
    {
        let text = format!("The file “{}” of ticket #{} was not fetched. {why}", file.name, file.ticket_id);
        runs::note(&mut tx, run_id, None, &text).await?;
    }
    tx.commit().await
}

async fn settle(tx: &mut Tx, id: i64, state: &str) -> Result<bool> {
    let now = tx.stamp().at;
    // The address may open the file to whoever knows it.
    let query = sql("UPDATE ticket_import_files SET state = ?, address = '', settled_at = ? \
         WHERE id = ? AND state = 'waiting'");
    Ok(query.bind(state).bind(now).bind(id).execute(tx).await? == 1)
}

async fn hang(run: &Run, file: &Waiting, sent: Sent) -> Result<()> {
    let fetched = Fetched {
        name: &file.name,
        declared_type: sent.content_type.as_deref(),
        source: "Syncro",
        content: sent.content,
    };
    let file_id = take_in(run, HOME, fetched).await?;
    let mut tx = run.begin().await?;
    tx.housekeeping();
    // A ticket that became part of another has its conversation there.
    let merge = store::merge_of(&mut tx, file.ticket_id).await?;
    let ticket_id = merge.map_or(file.ticket_id, |merge| merge.target_id);
    store::lock(&mut tx, ticket_id).await?;
    if !settle(&mut tx, file.id, "done").await? {
        return Ok(());
    }
    let (ticket_id, reply_id) = note_of_files(&mut tx, file, ticket_id).await?;
    store::attach_one(&mut tx, ticket_id, Some(reply_id), file_id).await?;
    tx.commit().await
}

/// The note that the files of a ticket hang on, and where it is by now.
async fn note_of_files(tx: &mut Tx, file: &Waiting, ticket_id: i64) -> Result<(i64, i64)> {
    let key = format!("files:{}", file.ticket_id);
    let query =
        sql("SELECT ticket_id, id FROM ticket_replies WHERE external_source = 'syncro' AND external_reference = ?");
    if let Some(found) = query.bind(&key).fetch_optional(&mut *tx).await? {
        return Ok(found);
    }
    let new = NewReply { body: "Files from Syncro".to_owned(), is_internal: true, status: None };
    let id = store::insert_reply(&mut *tx, &doer(), ticket_id, &new).await?;
    sql("UPDATE ticket_replies SET external_source = 'syncro', external_reference = ? WHERE id = ?")
        .bind(key)
        .bind(id)
        .execute(tx)
        .await?;
    Ok((ticket_id, id))
}

/// Files of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// They hang on their tickets.
    pub done: i64,
    /// They are still to be fetched.
    pub waiting: i64,
}

/// How the files of a run stand.
pub async fn tally(at: impl Into<At<'_>>, run_id: i64) -> Result<Tally> {
    let rows: Vec<(String, i64)> =
        sql("SELECT state, COUNT(*) FROM ticket_import_files WHERE run_id = ? GROUP BY state LIMIT 10")
            .bind(run_id)
            .fetch_all(at)
            .await?;
    let of = |state: &str| rows.iter().find(|(name, _)| name == state).map_or(0, |(_, count)| *count);
    Ok(Tally { done: of("done"), waiting: of("waiting") })
}
