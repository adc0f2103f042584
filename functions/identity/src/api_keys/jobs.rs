//! Telling super administrators of keys that come to their last day.

use chrono::TimeDelta;
use shared::error::Result;
use shared::jobs::{JobError, Run};
use shared::notify::{self, Notice};

use super::store::{self, Expiring};

/// Days before the last one on which people are told.
const TOLD: [i64; 2] = [3, 14];

/// Tells once 14 days before and once 3 days before. A day on which no worker ran is made up for.
pub(super) async fn expiry(run: Run) -> Result<(), JobError> {
    let today = run.now().date_naive();
    let keys = store::expiring(run.db(), today, today + TimeDelta::days(14), run.now()).await?;
    for key in keys {
        let left = (key.expiry_date - today).num_days();
        let Some(step) = TOLD.into_iter().find(|step| left <= *step) else { continue };
        // Whoever makes a key for a few days knows about them.
        if key.created_at.date_naive() <= key.expiry_date - TimeDelta::days(step) {
            tell(&run, &key, left, step).await?;
        }
    }
    Ok(())
}

async fn tell(run: &Run, key: &Expiring, left: i64, step: i64) -> Result<()> {
    let preview = format!("{}••••", key.key_prefix);
    let name = key.description.as_ref().map_or(preview.clone(), |text| format!("{text} ({preview})"));
    let when = match left {
        0 => "today".to_owned(),
        1 => "tomorrow".to_owned(),
        days => format!("in {days} days"),
    };
    let cause = format!("{}:{}:{step}", key.id, key.expiry_date);
    let notice = Notice {
        kind: notify::KEY_EXPIRING,
        message: format!(
            "The API key {name} works for the last time {when}, on {}.",
            key.expiry_date.format("%-d %b %Y")
        ),
        link: Some(format!("/admin/api-keys/{}", key.id)),
        dedupe: Some(&cause),
    };
    let mut tx = run.begin().await?;
    tx.housekeeping();
    notify::tell_super_admins(run.app(), &mut tx, &notice).await?;
    tx.commit().await
}
