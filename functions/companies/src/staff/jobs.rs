//! What happens by itself: people leave at their time, the desk hears of starters and leavers
//! (organisation 10.4, 19, 20).

use chrono::TimeDelta;
use serde::Deserialize;
use shared::accounts::desk::desk_people;
use shared::accounts::memberships::Status;
use shared::db::{Tx, sql};
use shared::error::Result;
use shared::events::names;
use shared::jobs::{JobError, Jobs, Run};
use shared::notify::{self, Kind, Notice, Recipient};

use super::change::{announce, trail};
use super::model::{OFFBOARD_APPROVED, OFFBOARD_SCHEDULED, OFFBOARDED, Staff};
use super::{import, store, verify};
use crate::members::change::{self, Cause, Wish};
use crate::members::manager::Manager;
use crate::members::record::{self, Which};

/// Adds the work.
pub fn add(jobs: Jobs) -> Jobs {
    let jobs = jobs
        .on("staff.tell_starter", tell_starter)
        .on("staff.tell_leaver", tell_leaver)
        .on_event(names::STAFF_ONBOARD_REQUESTED, "staff.tell_starter")
        .on_event(names::STAFF_OFFBOARD_REQUESTED, "staff.tell_leaver")
        .every("staff.offboard", TimeDelta::minutes(5), offboard)
        .every("staff.codes", TimeDelta::minutes(1), verify::forget);
    import::add_jobs(jobs)
}

/// People who leave in one look; the rest follows five minutes later.
const LEAVERS: i64 = 200;

/// Ends the access of those whose time has come. Running twice changes nothing the second time.
pub async fn offboard(run: Run) -> Result<(), JobError> {
    let due: Vec<(i64,)> = sql("SELECT id FROM staff WHERE account_action IN (?, ?) AND date_offboarded <= ? \
         ORDER BY date_offboarded, id LIMIT ?")
    .bind(OFFBOARD_APPROVED)
    .bind(OFFBOARD_SCHEDULED)
    .bind(run.now())
    .bind(LEAVERS)
    .fetch_all(run.db())
    .await?;
    for (id,) in due {
        let mut tx = run.begin().await?;
        if leave(&run, &mut tx, id).await? {
            tx.commit().await?;
        }
    }
    Ok(())
}

/// One person leaves; false when somebody else was faster.
async fn leave(run: &Run, tx: &mut Tx, id: i64) -> Result<bool> {
    let now = run.now();
    let ours = sql("UPDATE staff SET enabled = FALSE, account_action = ?, updated_at = ? \
         WHERE id = ? AND account_action IN (?, ?) AND date_offboarded <= ?")
    .bind(OFFBOARDED)
    .bind(now)
    .bind(id)
    .bind(OFFBOARD_APPROVED)
    .bind(OFFBOARD_SCHEDULED)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    if ours == 0 {
        return Ok(false);
    }
    let Some(staff) = store::get(&mut *tx, id, now).await? else { return Ok(false) };
    let suspended = suspend(tx, &staff).await?;
    announce(tx, names::STAFF_OFFBOARDED, &staff).await?;
    tx.audit(trail("staff.offboarded", &staff).meta("membership_suspended", suspended));
    Ok(true)
}

/// Takes the membership of the linked account away; true when there was one in force or waiting.
async fn suspend(tx: &mut Tx, staff: &Staff) -> Result<bool> {
    let linked = match staff.user_id {
        Some(id) => Some(id),
        None => store::account(tx, staff.company_id, staff.values.email.as_deref()).await?,
    };
    let Some(user_id) = linked else { return Ok(false) };
    let which = Which::Person(user_id);
    if record::find(&mut *tx, staff.company_id, which).await?.is_none() {
        return Ok(false);
    }
    let system = Manager::system();
    let cause = Cause { manager: &system, company_id: staff.company_id, action: "membership.suspended" };
    let wish = Wish { status: Some(Status::Suspended), ..Wish::default() };
    Ok(change::change_in(tx, cause, which, &wish).await?.1)
}

#[derive(Debug, Deserialize)]
struct Payload {
    staff_id: i64,
    actor_id: Option<i64>,
    event: Option<i64>,
}

async fn tell_starter(run: Run) -> Result<(), JobError> {
    tell(&run, notify::STAFF_ONBOARD, "starts at").await
}

async fn tell_leaver(run: Run) -> Result<(), JobError> {
    tell(&run, notify::STAFF_OFFBOARD, "is to leave").await
}

/// People who are told at once.
const MOST: i64 = 200;

async fn tell(run: &Run, kind: Kind, what: &str) -> Result<(), JobError> {
    let payload: Payload = run.payload()?;
    let Some(staff) = store::get(run.db(), payload.staff_id, run.now()).await? else { return Ok(()) };
    let query = sql("SELECT u.id, u.email, u.is_super_admin FROM").append(desk_people());
    let query = query.push_if(" AND u.id <> ?", payload.actor_id).push(" ORDER BY u.id LIMIT ?").bind(MOST);
    let people: Vec<(i64, String, bool)> = query.fetch_all(run.db()).await?;
    let dedupe = format!("event:{}", payload.event.unwrap_or_default());
    let mut tx = run.begin().await?;
    tx.housekeeping();
    for (user_id, email, is_super_admin) in people {
        let notice = Notice {
            kind,
            message: format!("{} {what} {}.", staff.name(), staff.company_name),
            // The directory of a customer is not open to the desk.
            link: is_super_admin.then(|| format!("/staff/{}", staff.id)),
            dedupe: Some(&dedupe),
        };
        notify::tell(run.app(), &mut tx, &Recipient { user_id, email }, &notice).await?;
    }
    tx.commit().await?;
    Ok(())
}
