//! Seals the trail in batches and removes what is too old. The row of the chain is the lock: whoever
//! writes it first seals, the others wait and go on behind.

use chrono::{DateTime, TimeDelta, Utc};

use super::chain::{MAIN, Place, Record, records};
use super::{Broken, Change, names};
use crate::app::App;
use crate::audit::Stamp;
use crate::db::{At, Tx, sql};
use crate::error::{Error, Result};
use crate::jobs::{JobError, Run};

/// Lines sealed in one transaction.
const BATCH: i64 = 200;

/// Lines removed in one transaction.
const PURGE: i64 = 1000;

/// Batches of one run; the next run goes on.
const BATCHES: usize = 200;

/// The text under the signature of an end or of a checkpoint.
fn statement(kind: &str, place: &Place) -> String {
    format!("audit {kind}\n{MAIN}\n{}\n{}", place.seq, place.hash)
}

/// The end of the chain or a checkpoint, as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Signed {
    seq: i64,
    row_hash: String,
    signature: String,
}

impl Signed {
    pub(super) fn place(&self) -> Place {
        Place { seq: self.seq, hash: self.row_hash.clone() }
    }

    /// True when we signed it; the start of a new chain needs no signature.
    pub(super) fn is_genuine(&self, app: &App, kind: &str) -> bool {
        let place = self.place();
        place == Place::start() || app.keyring().is_signed(&statement(kind, &place), &self.signature)
    }
}

/// The end of the chain.
pub(super) async fn head(at: impl Into<At<'_>>) -> Result<Signed> {
    let head = sql("SELECT seq, row_hash, signature FROM audit_chains WHERE chain = ?").bind(MAIN);
    Ok(head.fetch_one(at).await?)
}

/// What retention left behind last.
pub(super) async fn checkpoint(at: impl Into<At<'_>>) -> Result<Option<Signed>> {
    Ok(sql("SELECT seq, row_hash, signature FROM audit_checkpoints WHERE chain = ? ORDER BY seq DESC LIMIT 1")
        .bind(MAIN)
        .fetch_optional(at)
        .await?)
}

/// Takes the lock of the chain.
async fn lock(tx: &mut Tx) -> Result<()> {
    let now = tx.stamp().at;
    let locked = sql("UPDATE audit_chains SET sealed_at = ? WHERE chain = ?").bind(now).bind(MAIN).execute(tx).await?;
    if locked == 1 { Ok(()) } else { Err(Error::Internal(anyhow::anyhow!("the audit chain has no head"))) }
}

/// Seals the lines that are not sealed yet, at most one batch; gives how many there were.
/// An end that we did not sign is left alone: going on behind it would make it genuine.
pub async fn seal_batch(app: &App) -> Result<u64> {
    let mut tx = app.db().begin(Stamp::system(app.now())).await?;
    tx.housekeeping();
    lock(&mut tx).await?;
    let head = head(&mut tx).await?;
    if !head.is_genuine(app, "head") {
        return Err(Error::Internal(anyhow::anyhow!("audit trail: {}", Broken::Head)));
    }
    let waiting: Vec<Record> = records()
        .push(" WHERE chain IS NULL AND chain_seq IS NULL ORDER BY id LIMIT ?")
        .bind(BATCH)
        .fetch_all(&mut tx)
        .await?;
    let mut place = head.place();
    for record in &waiting {
        place = seal(&mut tx, record, place).await?;
    }
    if !waiting.is_empty() {
        sign_head(app, &mut tx, &place).await?;
        names::note(&mut tx, &waiting).await?;
    }
    tx.commit().await?;
    Ok(u64::try_from(waiting.len()).unwrap_or(0))
}

async fn seal(tx: &mut Tx, record: &Record, before: Place) -> Result<Place> {
    let seq = before.seq + 1;
    let hash = record.digest(MAIN, seq, &before.hash);
    sql("UPDATE audit_logs SET chain = ?, chain_seq = ?, prev_hash = ?, row_hash = ? WHERE id = ? AND chain IS NULL")
        .bind(MAIN)
        .bind(seq)
        .bind(before.hash)
        .bind(&hash)
        .bind(record.id)
        .execute(tx)
        .await?;
    Ok(Place { seq, hash })
}

async fn sign_head(app: &App, tx: &mut Tx, place: &Place) -> Result<()> {
    sql("UPDATE audit_chains SET seq = ?, row_hash = ?, signature = ? WHERE chain = ?")
        .bind(place.seq)
        .bind(&place.hash)
        .bind(app.keyring().sign(&statement("head", place)))
        .bind(MAIN)
        .execute(tx)
        .await?;
    Ok(())
}

/// Seals everything that waits. The end goes into the log as well, where nobody with the database alone
/// can change it.
pub(crate) async fn seal_job(run: Run) -> Result<(), JobError> {
    let mut sealed = 0;
    for _ in 0..BATCHES {
        let batch = match seal_batch(run.app()).await {
            Err(Error::Busy) => continue,
            batch => batch?,
        };
        sealed += batch;
        if batch < u64::try_from(BATCH).unwrap_or(0) {
            break;
        }
    }
    if sealed > 0 {
        let head = head(run.db()).await?.place();
        tracing::info!(audit.sealed = sealed, audit.position = head.seq, audit.digest = %head.hash, "audit trail sealed");
    }
    Ok(())
}

/// Removes what is older than `AUDIT_RETENTION_DAYS`, oldest first, and never what is not sealed.
pub(crate) async fn retention_job(run: Run) -> Result<(), JobError> {
    let days = run.app().config().audit_retention_days;
    if days <= 0 {
        return Ok(());
    }
    let cutoff = run.now() - TimeDelta::try_days(days).unwrap_or(TimeDelta::MAX);
    for _ in 0..BATCHES {
        if purge_batch(run.app(), cutoff).await? < u64::try_from(PURGE).unwrap_or(0) {
            break;
        }
    }
    Ok(())
}

/// Removes one batch and signs where the chain begins now. A chain that is broken there is kept as it
/// is: what was tampered with must not go with what is merely old.
async fn purge_batch(app: &App, cutoff: DateTime<Utc>) -> Result<u64> {
    let mut tx = app.db().begin(Stamp::system(app.now())).await?;
    lock(&mut tx).await?;
    let begin = checkpoint(&mut tx).await?;
    let mut place = begin.as_ref().map_or_else(Place::start, Signed::place);
    let oldest: Vec<Record> = records()
        .push(" WHERE chain = ? AND chain_seq > ? ORDER BY chain_seq, id LIMIT ?")
        .bind(MAIN)
        .bind(place.seq)
        .bind(PURGE)
        .fetch_all(&mut tx)
        .await?;
    let mut removed = 0_u64;
    for record in oldest.iter().take_while(|record| record.created_at < cutoff) {
        place.step(record).map_err(|broken| Error::Internal(anyhow::anyhow!("audit trail: {broken}")))?;
        removed += 1;
    }
    if removed == 0 {
        tx.housekeeping();
    } else {
        leave_checkpoint(app, &mut tx, &place, removed).await?;
        let change = Change::of_many("audit.purged", "audit_log");
        tx.audit(change.meta("rows", removed).meta("before", cutoff.to_rfc3339()).meta("position", place.seq));
    }
    tx.commit().await?;
    Ok(removed)
}

async fn leave_checkpoint(app: &App, tx: &mut Tx, place: &Place, removed: u64) -> Result<()> {
    let now = tx.stamp().at;
    sql("INSERT INTO audit_checkpoints (chain, seq, row_hash, removed, signature, created_at) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(MAIN)
        .bind(place.seq)
        .bind(&place.hash)
        .bind(i64::try_from(removed).unwrap_or(i64::MAX))
        .bind(app.keyring().sign(&statement("checkpoint", place)))
        .bind(now)
        .execute(&mut *tx)
        .await?;
    sql("DELETE FROM audit_logs WHERE chain = ? AND chain_seq <= ?").bind(MAIN).bind(place.seq).execute(tx).await?;
    Ok(())
}

/// Signs end and checkpoint anew under the current key, as `secrets rotate` asks for; what does not carry
/// our signature stays as it is. Gives how many were signed.
pub async fn sign_again(app: &App) -> Result<u64> {
    let mut tx = app.db().begin(Stamp::system(app.now())).await?;
    tx.housekeeping();
    lock(&mut tx).await?;
    let mut signed = 0;
    let head = head(&mut tx).await?;
    if head.seq > 0 && head.is_genuine(app, "head") {
        sign_head(app, &mut tx, &head.place()).await?;
        signed += 1;
    }
    if let Some(last) = checkpoint(&mut tx).await?.filter(|last| last.is_genuine(app, "checkpoint")) {
        signed += sql("UPDATE audit_checkpoints SET signature = ? WHERE chain = ? AND seq = ?")
            .bind(app.keyring().sign(&statement("checkpoint", &last.place())))
            .bind(MAIN)
            .bind(last.seq)
            .execute(&mut tx)
            .await?;
    }
    tx.commit().await?;
    Ok(signed)
}
