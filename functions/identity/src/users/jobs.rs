//! Background work of users: many invitations.

use serde::Deserialize;
use shared::accounts::invitations::{self, Inviter};
use shared::accounts::users;
use shared::audit::Change;
use shared::error::Result;
use shared::jobs::{JobError, Run};

use super::store;

/// Sends invitations to a list of users.
pub const INVITE: &str = "users.invite";

#[derive(Deserialize)]
struct Payload {
    ids: Vec<i64>,
    inviter: Option<i64>,
    base: String,
}

/// Makes a link for each person who still has no password. A person at a time is committed, and a second
/// try passes over those who were invited since the first began.
pub async fn invite(run: Run) -> Result<(), JobError> {
    let payload: Payload = run.payload()?;
    let inviter = match payload.inviter {
        Some(id) => users::find(run.db(), id).await?.map(|user| Inviter { id, name: user.name(), email: user.email }),
        None => None,
    };
    let companies = store::companies_of(run.db(), &payload.ids).await?;
    for id in payload.ids {
        let company = companies.get(&id).and_then(|list| list.first()).map(|company| company.name.as_str());
        invite_one(&run, id, company, &payload.base, inviter.as_ref()).await?;
    }
    Ok(())
}

async fn invite_one(run: &Run, id: i64, company: Option<&str>, base: &str, inviter: Option<&Inviter>) -> Result<()> {
    let mut tx = run.begin().await?;
    let Some(user) = users::find(&mut tx, id).await? else { return Ok(()) };
    if !user.is_active || user.has_password || was_invited_by(run, id).await? {
        return Ok(());
    }
    invitations::send_from(&mut tx, run.app(), base, inviter, &user, company).await?;
    let mut change = Change::new("user.invited", "user", id).label(user.email).company(user.company_id);
    change = change.meta("bulk", true).meta("job_id", run.id);
    if let Some(inviter) = inviter {
        change = change.by(inviter.id, &inviter.email);
    }
    tx.audit(change);
    tx.commit().await
}

/// True when an earlier try of this job already wrote to the person.
async fn was_invited_by(run: &Run, user_id: i64) -> Result<bool> {
    if run.attempt == 1 {
        return Ok(false);
    }
    let found: Option<(i64,)> = shared::db::sql(
        "SELECT id FROM audit_logs WHERE entity_type = 'user' \
         AND entity_id = ? AND action = 'user.invited' AND metadata LIKE ? ORDER BY id DESC LIMIT 1",
    )
    .bind(user_id)
    .bind(format!("%\"job_id\":{}}}", run.id))
    .fetch_optional(run.db())
    .await?;
    Ok(found.is_some())
}
