//! Inviting the people of a batch, one transaction each: a run that is cut off goes on where it was, and
//! nobody is written to twice.

use chrono::TimeDelta;
use serde::Deserialize;
use shared::accounts::invitations::Inviter;
use shared::accounts::users::{self, User};
use shared::audit::Stamp;
use shared::caller::Membership;
use shared::db::{Tx, sql};
use shared::error::{Error, Result};
use shared::insist;
use shared::jobs::{JobError, Run};
use shared::rate_limit::{self, INVITE};

use super::store::{self, Batch, Row};
use crate::companies::model::Company;
use crate::companies::store as companies;
use crate::members::host::Host;
use crate::members::manager::{Manager, NOT_HELD, Role, Wanted};
use crate::members::model::Invitation;
use crate::members::record::INVITED_FOR;
use crate::members::store as invitations;
use crate::staff::scope::EDITING_LEVEL;
use crate::staff::{invite as staff_invite, store as staff};

#[derive(Debug, Deserialize)]
struct Payload {
    batch: i64,
}

/// Everything the rows of a batch have in common.
struct Work {
    batch: Batch,
    company: Company,
    host: Host,
    stamp: Stamp,
}

/// Works on a batch.
pub async fn job(run: Run) -> Result<(), JobError> {
    let Payload { batch } = run.payload()?;
    let Some(work) = prepare(&run, batch).await? else { return Ok(()) };
    for row in store::rows(run.db(), batch).await?.iter().filter(|row| row.state == "waiting") {
        settle(&run, &work, row).await?;
    }
    let mut tx = run.begin().await?;
    tx.housekeeping();
    sql("UPDATE invitation_batches SET finished_at = ? WHERE id = ? AND finished_at IS NULL")
        .bind(run.now())
        .bind(batch)
        .execute(&mut tx)
        .await?;
    Ok(tx.commit().await?)
}

/// Who asked may be gone or disabled by now, and the company archived: then nobody is invited. Whether they
/// may still invite is looked at with each row.
async fn prepare(run: &Run, id: i64) -> Result<Option<Work>> {
    let Some(batch) = store::find(run.db(), id).await? else { return Ok(None) };
    let asker = match batch.requested_by_id {
        Some(user) => users::find(run.db(), user).await?.filter(|user| user.is_active),
        None => None,
    };
    let company = companies::find(run.db(), batch.company_id).await?;
    let (Some(asker), None) = (asker, company.archived_at) else {
        drop_rest(run, id).await?;
        return Ok(None);
    };
    let stamp = Stamp {
        user_id: Some(asker.id),
        user_email: Some(asker.email.clone()),
        company_id: Some(company.id),
        ..Stamp::system(run.now())
    };
    let inviter = Inviter { id: asker.id, name: asker.name(), email: asker.email };
    let host = Host { base: Some(batch.base.clone()), inviter: Some(inviter), lets_in: batch.is_super_admin };
    Ok(Some(Work { batch, company, host, stamp }))
}

async fn drop_rest(run: &Run, id: i64) -> Result<()> {
    let mut tx = run.begin().await?;
    tx.housekeeping();
    let now = run.now();
    sql("UPDATE invitation_rows SET state = 'failed', settled_at = ? WHERE batch_id = ? AND state = 'waiting'")
        .bind(now)
        .bind(id)
        .execute(&mut tx)
        .await?;
    sql("UPDATE invitation_batches SET finished_at = ? WHERE id = ?").bind(now).bind(id).execute(&mut tx).await?;
    tx.commit().await
}

/// One row comes to its result.
async fn settle(run: &Run, work: &Work, row: &Row) -> Result<(), JobError> {
    let state = match refused(run, work, row).await? {
        Some(state) => state,
        None => match insist!(try_one(run, work, row)) {
            Ok(()) => return Ok(()),
            // A deadlock is nobody's fault: the row waits for the next try of the job.
            Err(error @ (Error::Busy | Error::Internal(_))) if !run.is_last => return Err(error.into()),
            Err(_) => "failed",
        },
    };
    let mut tx = run.begin().await?;
    tx.housekeeping();
    store::settle(&mut tx, row.id, state).await?;
    Ok(tx.commit().await?)
}

/// Why a row is not tried. Only those that are tried count towards the limit.
async fn refused(run: &Run, work: &Work, row: &Row) -> Result<Option<&'static str>> {
    let Some(email) = &row.email else { return Ok(Some("invalid")) };
    let known = store::known(run.db(), work.company.id, std::slice::from_ref(email)).await?;
    if let Some((_, status, invited_at)) = known.first() {
        let is_fresh = invited_at.is_some_and(|at| run.now() - at <= INVITED_FOR);
        match status.as_str() {
            "active" => return Ok(Some("member")),
            "invited" if is_fresh => return Ok(Some("already")),
            "invited" => {}
            _ => return Ok(Some("suspended")),
        }
    }
    let subject = format!("u{}", work.batch.requested_by_id.unwrap_or_default());
    match rate_limit::hit(run.app(), &INVITE, &subject).await {
        Ok(()) => Ok(None),
        Err(Error::TooMany { .. }) => Ok(Some("limit")),
        Err(error) => Err(error),
    }
}

async fn try_one(run: &Run, work: &Work, row: &Row) -> Result<()> {
    let stamp = Stamp { at: run.now(), ..work.stamp.clone() };
    let mut tx = run.db().begin(stamp).await?;
    // The row is taken first: whoever comes second waits here, and finds that nothing is left to do.
    if !store::settle(&mut tx, row.id, "invited").await? {
        return Ok(());
    }
    let asker = asker(&mut tx, work).await?;
    let state = if work.batch.is_staff {
        one_of_staff(run, &mut tx, work, &asker, row).await
    } else {
        one(run, &mut tx, work, &asker, row).await
    };
    let state = state?;
    if state != "invited" {
        sql("UPDATE invitation_rows SET state = ? WHERE id = ?").bind(state).bind(row.id).execute(&mut tx).await?;
    }
    tx.commit().await
}

/// Who asked, as they are now: what they may do is read with each row, as it may end between two.
async fn asker(tx: &mut Tx, work: &Work) -> Result<User> {
    let user = users::find(tx, work.batch.requested_by_id.unwrap_or_default()).await?;
    user.filter(|user| user.is_active).ok_or_else(not_theirs)
}

fn not_theirs() -> Error {
    Error::forbidden(NOT_HELD)
}

async fn role(tx: &mut Tx, id: Option<i64>) -> Result<Role> {
    let query =
        sql("SELECT id, name, permissions FROM roles WHERE id = ? OR (? IS NULL AND name_key = 'member') LIMIT 1");
    let role = query.bind(id).bind(id).fetch_optional(tx).await?;
    role.ok_or_else(|| Error::not_found("Role not found"))
}

async fn one(run: &Run, tx: &mut Tx, work: &Work, asker: &User, row: &Row) -> Result<&'static str> {
    let (batch, company) = (&work.batch, &work.company);
    let manager = Manager::later(&mut *tx, asker, company.id).await?.ok_or_else(not_theirs)?;
    let invitation = Invitation {
        email: row.email.clone().unwrap_or_default(),
        first_name: row.first_name.clone(),
        last_name: row.last_name.clone(),
        role: role(&mut *tx, batch.role_id).await?,
        flags: batch.flags(),
        staff_permission: batch.staff_permission,
        password_hash: None,
    };
    let wanted = Wanted {
        status: "invited",
        role: &invitation.role,
        flags: invitation.flags,
        staff_permission: invitation.staff_permission,
        joined_at: None,
    };
    manager.check(None, &wanted, company.is_provider)?;
    if !manager.may_grant(&invitation.role, company.is_provider) {
        return Err(not_theirs());
    }
    let host = Host { lets_in: batch.is_super_admin && manager.is_super_admin, ..work.host.clone() };
    let sent = invitations::invite_in(tx, run.app(), &host, &manager, company, &invitation).await?;
    Ok(match (sent.is_unsent, sent.is_active) {
        (true, _) => "unsent",
        (false, true) => "added",
        (false, false) => "invited",
    })
}

async fn one_of_staff(run: &Run, tx: &mut Tx, work: &Work, asker: &User, row: &Row) -> Result<&'static str> {
    if !asker.is_super_admin {
        let membership = Membership::now(&mut *tx, asker.id, work.company.id).await?;
        membership.filter(|membership| membership.rights.staff_level >= EDITING_LEVEL).ok_or_else(not_theirs)?;
    }
    let id = row.staff_id.ok_or_else(staff::unknown)?;
    let member = staff::get(&mut *tx, id, run.now()).await?.filter(|staff| staff.company_id == work.company.id);
    staff_invite::invite_in(tx, run.app(), &work.host, &member.ok_or_else(staff::unknown)?).await?;
    Ok(if matches!(run.app().mail(), shared::mail::transport::Backend::Off) { "unsent" } else { "invited" })
}

/// Results are kept for 30 days.
pub async fn purge(run: Run) -> Result<(), JobError> {
    let mut tx = run.begin().await?;
    tx.housekeeping();
    sql("DELETE FROM invitation_batches WHERE created_at < ?")
        .bind(run.now() - TimeDelta::days(30))
        .execute(&mut tx)
        .await?;
    Ok(tx.commit().await?)
}
