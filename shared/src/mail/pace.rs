//! `SMTP_MAX_PER_MINUTE`: how many mails all processes together hand over in a minute.

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};

use crate::db::{Tx, sql, sql_by_engine};
use crate::error::Result;

/// Takes a place in the current minute; when it is full, the beginning of the next.
pub(super) async fn take(tx: &mut Tx, max: i64) -> Result<Option<DateTime<Utc>>> {
    let now = tx.stamp().at;
    let minute = now.duration_trunc(TimeDelta::minutes(1)).unwrap_or(now);
    sql_by_engine(
        "INSERT INTO outbound_slots (bucket, slot_start, calls) VALUES ('smtp', ?, 1) \
         ON CONFLICT (bucket, slot_start) DO UPDATE SET calls = calls + 1",
        "INSERT INTO outbound_slots (bucket, slot_start, calls) VALUES ('smtp', ?, 1) \
         ON DUPLICATE KEY UPDATE calls = calls + 1",
    )
    .bind(minute)
    .execute(&mut *tx)
    .await?;
    let calls = sql("SELECT calls FROM outbound_slots WHERE bucket = 'smtp' AND slot_start = ?")
        .bind(minute)
        .fetch_value::<i64>(&mut *tx)
        .await?;
    if calls == 1 {
        let old = minute - TimeDelta::hours(1);
        sql("DELETE FROM outbound_slots WHERE bucket = 'smtp' AND slot_start < ?").bind(old).execute(tx).await?;
    }
    Ok((calls > max.max(1)).then(|| minute + TimeDelta::minutes(1)))
}
