//! The scheduler's command `sync_staff`: one company after the other (automation 2.2).

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::audit::Change;
use shared::commands::{Companies, Progress, Step};
use shared::db::sql;
use shared::jobs::JobError;
use shared::syncro::{Patience, Syncro};

use super::runs::{self, Start};
use super::work::{self, Stop};

/// Work of one step; the scheduler looks at its own limits in between.
const STEP: Duration = Duration::from_secs(15);

/// The longest rest inside a step, while Syncro wants to be left alone.
const REST: Duration = Duration::from_secs(5);

/// Where a run of the command stands.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    import_id: i64,
    slice: i64,
    patience: Patience,
    not_before: Option<DateTime<Utc>>,
}

/// The companies with a number at Syncro; none while Syncro is not set up.
pub async fn companies(step: Step) -> Result<Companies, JobError> {
    if Syncro::of_module(step.app()).await?.is_none() {
        return Ok(Companies::new());
    }
    let query = sql("SELECT id, name FROM companies WHERE syncro_company_id IS NOT NULL AND archived_at IS NULL \
         ORDER BY sort_name, id LIMIT 500");
    Ok(query.fetch_all(step.db()).await?)
}

/// One step for one company.
pub async fn step(step: Step) -> Result<Progress, JobError> {
    let cursor = match &step.cursor {
        Some(text) => serde_json::from_str(text).map_err(|error| JobError::Fail(error.to_string()))?,
        None => begin(&step).await?,
    };
    if let Some(left) = cursor.not_before.and_then(|at| (at - step.now()).to_std().ok()).filter(|left| !left.is_zero())
    {
        tokio::time::sleep(left.min(REST)).await;
        if left > REST {
            return more(&cursor);
        }
    }
    let (id, slice) = (cursor.import_id, cursor.slice);
    let (stop, patience) = work::slice(step.app(), id, slice, cursor.patience, STEP).await?;
    match stop {
        Stop::Done => {
            let row = work::finish(step.app(), id, None).await?;
            Ok(Progress::Done(row.map_or_else(|| "over".to_owned(), |row| row.line())))
        }
        Stop::Failed(error) => {
            work::finish(step.app(), id, Some(&error)).await?;
            Err(JobError::Fail(error))
        }
        Stop::Later(wait) => {
            let mut tx = step.begin().await?;
            tx.housekeeping();
            runs::hand_on(&mut tx, id, slice, patience, wait, false).await?;
            tx.commit().await?;
            let not_before = Some(step.now() + wait);
            more(&Cursor { import_id: id, slice: slice + 1, patience, not_before })
        }
        Stop::Lost => Ok(Progress::Done("goes on in the background".to_owned())),
        Stop::Internal(error) => Err(error.into()),
    }
}

fn more(cursor: &Cursor) -> Result<Progress, JobError> {
    let text = serde_json::to_string(cursor).map_err(|error| JobError::Fail(error.to_string()))?;
    Ok(Progress::More(text))
}

async fn begin(step: &Step) -> Result<Cursor, JobError> {
    let Some(company) = step.company else { return Err(JobError::Fail("Choose a company".to_owned())) };
    let mut tx = step.begin().await?;
    let Some(import_id) = runs::insert(&mut tx, company, "syncro", None, Start::Caller).await? else {
        return Err(JobError::Fail("An import of this company is already running".to_owned()));
    };
    tx.audit(
        Change::new("staff.import_started", "staff_import", import_id)
            .company(Some(company))
            .after(json!({ "source": "syncro" })),
    );
    tx.commit().await?;
    Ok(Cursor { import_id, slice: 0, patience: Patience::default(), not_before: None })
}
