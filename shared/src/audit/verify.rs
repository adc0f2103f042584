//! Walks the whole chain and names the first thing that is wrong with it.

use super::Broken;
use super::chain::{MAIN, Place, Record, records};
use super::seal::{self, Signed};
use crate::app::App;
use crate::db::{Db, sql};
use crate::error::Result;

/// Lines read at a time.
const CHUNK: i64 = 500;

/// A position and its digest, written down outside the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// The position.
    pub seq: i64,
    /// The digest, 64 hexadecimal characters.
    pub hash: String,
}

/// A trail in which nothing is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Lines that were checked.
    pub records: u64,
    /// Lines that no worker has sealed yet.
    pub unsealed: i64,
    /// Lines up to this position were removed by retention; 0: none.
    pub purged_to: i64,
    /// The end of the chain, to be written down elsewhere.
    pub head: Anchor,
}

/// Where the walk stands.
struct Walk {
    place: Place,
    last_id: i64,
    records: u64,
    anchor: Option<Anchor>,
}

impl Walk {
    /// Goes on to the last line there is now.
    async fn on(&mut self, db: &Db) -> Result<Result<(), Broken>> {
        loop {
            let chunk: Vec<Record> = records()
                .push(
                    " WHERE chain = ? AND chain_seq >= ? AND (chain_seq > ? OR id > ?) ORDER BY chain_seq, id LIMIT ?",
                )
                .bind(MAIN)
                .bind(self.place.seq)
                .bind(self.place.seq)
                .bind(self.last_id)
                .bind(CHUNK)
                .fetch_all(db)
                .await?;
            if chunk.is_empty() {
                return Ok(Ok(()));
            }
            for record in &chunk {
                if let Err(broken) = self.place.step(record).and_then(|()| self.compare()) {
                    return Ok(Err(broken));
                }
                self.last_id = record.id;
                self.records += 1;
            }
        }
    }

    fn compare(&self) -> Result<(), Broken> {
        match &self.anchor {
            Some(anchor) if anchor.seq == self.place.seq && anchor.hash != self.place.hash => {
                Err(Broken::Rewritten { seq: anchor.seq })
            }
            _ => Ok(()),
        }
    }
}

/// Checks every line from the last checkpoint to the signed end. Lines may be sealed meanwhile.
pub async fn verify(app: &App, anchor: Option<Anchor>) -> Result<Result<Verified, Broken>> {
    let db = app.db();
    let checkpoint = seal::checkpoint(db).await?;
    if let Some(bad) = checkpoint.as_ref().filter(|checkpoint| !checkpoint.is_genuine(app, "checkpoint")) {
        return Ok(Err(Broken::Checkpoint { seq: bad.place().seq }));
    }
    let begin = checkpoint.as_ref().map_or_else(Place::start, Signed::place);
    let purged_to = begin.seq;
    // A line at the checkpoint's own position would be one that retention has removed.
    let mut walk = Walk { place: begin, last_id: 0, records: 0, anchor };
    if let Err(broken) = walk.compare() {
        return Ok(Err(broken));
    }
    if let Some((id, seq)) = stray(db, walk.place.seq).await? {
        return Ok(Err(Broken::Misplaced { id, seq: seq.unwrap_or(0) }));
    }
    loop {
        if let Err(broken) = walk.on(db).await? {
            return Ok(Err(broken));
        }
        let head = seal::head(db).await?;
        if !head.is_genuine(app, "head") {
            return Ok(Err(Broken::Head));
        }
        let end = head.place();
        if let Some(result) = ended(&walk, &end, db).await? {
            return Ok(match result {
                Err(broken) => Err(broken),
                Ok(()) => Ok(Verified {
                    records: walk.records,
                    unsealed: unsealed(db).await?,
                    purged_to,
                    head: Anchor { seq: end.seq, hash: end.hash },
                }),
            });
        }
    }
}

/// A line that claims a seal outside the chain that is walked.
async fn stray(db: &Db, begin: i64) -> Result<Option<(i64, Option<i64>)>> {
    Ok(sql("SELECT id, chain_seq FROM audit_logs WHERE (chain = ? AND (chain_seq IS NULL OR chain_seq < ?)) \
         OR chain <> ? OR (chain IS NULL AND (chain_seq IS NOT NULL OR row_hash IS NOT NULL)) ORDER BY id LIMIT 1")
    .bind(MAIN)
    .bind(begin)
    .bind(MAIN)
    .fetch_optional(db)
    .await?)
}

/// Whether the walk has reached the signed end; nothing while lines were sealed behind its back.
async fn ended(walk: &Walk, end: &Place, db: &Db) -> Result<Option<Result<(), Broken>>> {
    if walk.place == *end {
        let lost = walk.anchor.as_ref().filter(|anchor| anchor.seq > end.seq);
        return Ok(Some(lost.map_or(Ok(()), |anchor| Err(Broken::Cut { seq: end.seq, head: anchor.seq }))));
    }
    if walk.place.seq >= end.seq {
        return Ok(Some(Err(Broken::Behind { id: walk.last_id })));
    }
    let more: i64 = sql("SELECT COUNT(*) FROM audit_logs WHERE chain = ? AND chain_seq = ?")
        .bind(MAIN)
        .bind(walk.place.seq + 1)
        .fetch_value(db)
        .await?;
    Ok((more == 0).then_some(Err(Broken::Cut { seq: walk.place.seq, head: end.seq })))
}

async fn unsealed(db: &Db) -> Result<i64> {
    let count = sql("SELECT COUNT(*) FROM (SELECT 1 AS one FROM audit_logs WHERE chain IS NULL LIMIT 10001) c");
    Ok(count.fetch_value(db).await?)
}
