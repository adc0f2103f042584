//! Background work over files: objects removed, the virus scanner asked, uploads that nothing came of.

use serde::Deserialize;

use super::uploads::sent_key;
use super::{File, find, queue_scan, remove, scan};
use crate::db::sql;
use crate::jobs::{JobError, Run};

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
