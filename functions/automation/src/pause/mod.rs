//! The one switch for maintenance: while it is off, no task and no automation begins by itself. What has
//! begun ends, and people may still run things by hand.

pub mod api;
pub mod pages;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use shared::audit::Change;
use shared::context::By;
use shared::db::{At, sql};
use shared::error::Result;
use shared::jobs::{JobError, Run};
use shared::routes::Routes;

/// What the history says of an event that came meanwhile.
pub const SKIPPED: &str = "everything was paused";

/// A run that was queued before looks again after this long.
const LOOK_AGAIN: TimeDelta = TimeDelta::seconds(30);

/// Since when everything waits, and who wanted that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Pause {
    /// Since when.
    pub paused_at: DateTime<Utc>,
    /// Who; none when that person is gone.
    pub paused_by: Option<String>,
}

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes
        .scope("automations")
        .api(shared::api!(api::get_pause))
        .api(shared::api!(api::set_pause))
        .no_scope()
        .page("/admin/automation/pause", pages::ask)
        .form("/admin/automation/pause", pages::set)
}

/// The pause, while there is one.
pub async fn current(at: impl Into<At<'_>>) -> Result<Option<Pause>> {
    Ok(sql("SELECT p.paused_at, \
         COALESCE(NULLIF(TRIM(CONCAT(COALESCE(u.first_name, ''), ' ', COALESCE(u.last_name, ''))), ''), u.email) \
         AS paused_by FROM automation_pause p LEFT JOIN users u ON u.id = p.paused_by_id \
         WHERE p.id = 1 AND p.paused_at IS NOT NULL")
    .fetch_optional(at)
    .await?)
}

/// Puts a run off that would begin by itself now.
pub async fn hold(run: &Run, started_by: &str) -> Result<(), JobError> {
    if started_by != "manual" && current(run.db()).await?.is_some() {
        return Err(JobError::NotBefore(run.now() + LOOK_AGAIN));
    }
    Ok(())
}

/// Holds everything; nothing happens when it is held already.
pub async fn begin(by: &By) -> Result<()> {
    let mut tx = by.begin().await?;
    let now = tx.stamp().at;
    let changed = sql("UPDATE automation_pause SET paused_at = ?, paused_by_id = ? WHERE id = 1 AND paused_at IS NULL")
        .bind(now)
        .bind(by.person().map(|person| person.id()))
        .execute(&mut tx)
        .await?;
    if changed == 0 {
        return Ok(());
    }
    tx.audit(Change::new("automation.all_paused", "automation_pause", 1));
    tx.commit().await
}

/// Lets everything go on; nothing happens when nothing is held.
pub async fn end(by: &By) -> Result<()> {
    let Some(pause) = current(by.db()).await? else { return Ok(()) };
    let mut tx = by.begin().await?;
    let changed = sql("UPDATE automation_pause SET paused_at = NULL, paused_by_id = NULL \
         WHERE id = 1 AND paused_at IS NOT NULL")
    .execute(&mut tx)
    .await?;
    if changed == 0 {
        return Ok(());
    }
    tx.audit(
        Change::new("automation.all_resumed", "automation_pause", 1)
            .meta("paused_at", serde_json::json!(pause.paused_at)),
    );
    tx.commit().await
}
