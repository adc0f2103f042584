//! How many calls another system gets from us in a minute, counted in the database over all processes
//! (automation 1). A caller that may not call now is told how long to wait, and comes back by a job.

use chrono::{DateTime, TimeDelta, Utc};

use crate::app::App;
use crate::audit::Stamp;
use crate::db::{Db, Tx, is_unique_violation, sql, sql_by_engine};
use crate::error::Result;

/// A limit that another system sets.
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    /// Its name.
    pub name: &'static str,
    /// Calls in any sixty seconds.
    pub per_minute: i64,
}

/// Calls are counted in pieces of this many seconds.
const SLOT: i64 = 10;

/// A slot touches the last minute for so long after its beginning.
const REACH: TimeDelta = TimeDelta::seconds(60 + SLOT);

/// The row that serialises the counting; older than any slot.
fn lock_row() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH
}

fn slot_of(now: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp(now.timestamp() - now.timestamp().rem_euclid(SLOT), 0).unwrap_or(now)
}

/// Takes a call now, or says how long to wait.
pub async fn take(app: &App, bucket: &Bucket) -> Result<Result<(), TimeDelta>> {
    let now = app.now();
    prepare(app, bucket, now).await?;
    let mut tx = app.db().begin(Stamp::system(now)).await?;
    tx.housekeeping();
    lock(&mut tx, bucket).await?;
    let slots: Vec<(DateTime<Utc>, i64)> = sql("SELECT slot_start, calls FROM outbound_slots WHERE bucket = ? \
         AND slot_start > ? ORDER BY slot_start LIMIT 100")
    .bind(bucket.name)
    .bind(now - REACH)
    .fetch_all(&mut tx)
    .await?;
    let used: i64 = slots.iter().map(|(_, calls)| calls).sum();
    if used >= bucket.per_minute {
        let oldest = slots.iter().find(|(_, calls)| *calls > 0).map_or(now, |(start, _)| *start);
        return Ok(Err((oldest + REACH - now).max(TimeDelta::seconds(1))));
    }
    raise(&mut tx, bucket, slot_of(now)).await?;
    tx.commit().await?;
    Ok(Ok(()))
}

/// Calls that count at this moment.
pub async fn used(db: &Db, bucket: &Bucket, now: DateTime<Utc>) -> Result<i64> {
    let query = sql("SELECT CAST(COALESCE(SUM(calls), 0) AS SIGNED) FROM outbound_slots WHERE bucket = ? \
         AND slot_start > ?");
    Ok(query.bind(bucket.name).bind(now - REACH).fetch_value(db).await?)
}

/// The first call of all makes the row that later ones lock.
async fn prepare(app: &App, bucket: &Bucket, now: DateTime<Utc>) -> Result<()> {
    let known = sql("SELECT calls FROM outbound_slots WHERE bucket = ? AND slot_start = ?");
    let known: Option<(i64,)> = known.bind(bucket.name).bind(lock_row()).fetch_optional(app.db()).await?;
    if known.is_some() {
        return Ok(());
    }
    let mut tx = app.db().begin(Stamp::system(now)).await?;
    tx.housekeeping();
    let insert = sql("INSERT INTO outbound_slots (bucket, slot_start, calls) VALUES (?, ?, 0)");
    match insert.bind(bucket.name).bind(lock_row()).execute(&mut tx).await {
        Ok(_) => tx.commit().await,
        // Somebody else was quicker.
        Err(error) if is_unique_violation(&error, "PRIMARY", "outbound_slots.bucket") => Ok(()),
        Err(error) => Err(error.into()),
    }
}

async fn lock(tx: &mut Tx, bucket: &Bucket) -> Result<()> {
    let lock = sql("UPDATE outbound_slots SET calls = calls WHERE bucket = ? AND slot_start = ?");
    lock.bind(bucket.name).bind(lock_row()).execute(tx).await?;
    Ok(())
}

async fn raise(tx: &mut Tx, bucket: &Bucket, slot: DateTime<Utc>) -> Result<()> {
    sql_by_engine(
        "INSERT INTO outbound_slots (bucket, slot_start, calls) VALUES (?, ?, 1) \
         ON CONFLICT (bucket, slot_start) DO UPDATE SET calls = calls + 1",
        "INSERT INTO outbound_slots (bucket, slot_start, calls) VALUES (?, ?, 1) \
         ON DUPLICATE KEY UPDATE calls = calls + 1",
    )
    .bind(bucket.name)
    .bind(slot)
    .execute(tx)
    .await?;
    Ok(())
}

/// Deletes slots that no longer count; returns how many.
pub async fn purge(tx: &mut Tx, now: DateTime<Utc>) -> Result<u64> {
    Ok(sql("DELETE FROM outbound_slots WHERE slot_start < ? AND slot_start > ?")
        .bind(now - TimeDelta::hours(1))
        .bind(lock_row())
        .execute(tx)
        .await?)
}
