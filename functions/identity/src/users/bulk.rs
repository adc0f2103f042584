//! The same thing for many users at once, in a fixed number of statements per 200.

use axum::response::Response;
use serde::Deserialize;
use shared::accounts::invitations;
use shared::audit::Change;
use shared::caller::SuperAdmin;
use shared::context::By;
use shared::db::{MAX_IN, Tx, sql};
use shared::error::{Error, Result};
use shared::format::plural;
use shared::jobs::NewJob;
use shared::web::{Form, Query};
use shared::{Flash, Tone};

use super::change::{count_invitation, last_administrator, lock_administrators};
use super::model::UserQuery;
use super::{jobs, list, store};

/// A selection by filter may be this large.
const MOST: usize = 1_000;

/// What is done; the rows are in `ids`, or all of the list's.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct BulkForm {
    action: String,
    all: String,
}

/// How many were changed, and why others were not.
#[derive(Debug, Default)]
struct Outcome {
    changed: i64,
    myself: i64,
    already: i64,
    unfit: i64,
}

#[derive(Debug, Clone, sqlx::FromRow)]
struct Target {
    id: i64,
    email: String,
    company_id: Option<i64>,
    is_active: bool,
    has_password: bool,
}

/// Enables, disables or invites again.
pub(super) async fn run(by: SuperAdmin, query: Query<UserQuery>, form: Form<BulkForm>) -> Result<Response> {
    let back = list::address(&query).without(&[]);
    let ids = match selected(&by, &query, &form).await {
        Ok(ids) => ids,
        Err(error) => return Err(error.or_see(back)),
    };
    let (outcome, verb) = match form.action.as_str() {
        "enable" => (set_active(&by, &ids, true).await, "enabled"),
        "disable" => (set_active(&by, &ids, false).await, "disabled"),
        "resend" => (invite(&by, &ids).await, "invited again"),
        _ => return Err(Error::bad_request("Choose what to do with the selected users.").or_see(back)),
    };
    let outcome = outcome.map_err(|error| error.or_see(back.clone()))?;
    by.see(back, flash(&outcome, verb)).await
}

async fn selected(by: &By, query: &Query<UserQuery>, form: &Form<BulkForm>) -> Result<Vec<i64>> {
    let mut ids: Vec<i64> = if form.all == "true" {
        let limit = i64::try_from(MOST + 1).unwrap_or(i64::MAX);
        store::ids(by.db(), &query.filter(None), limit).await?
    } else {
        form.all("ids").iter().filter_map(|id| id.parse().ok()).collect()
    };
    ids.sort_unstable();
    ids.dedup();
    match ids.len() {
        0 => Err(Error::bad_request("Select at least one user.")),
        n if n > MOST => Err(Error::bad_request("Narrow the list to at most 1,000 users.")),
        _ => Ok(ids),
    }
}

fn flash(outcome: &Outcome, verb: &str) -> Flash {
    let mut text = format!("{} {verb}.", plural(outcome.changed, "user"));
    let reasons =
        [(outcome.myself, "your own account"), (outcome.already, "already so"), (outcome.unfit, "not possible")];
    let reasons: Vec<String> =
        reasons.iter().filter(|(count, _)| *count > 0).map(|(count, why)| format!("{why} ({count})")).collect();
    if reasons.is_empty() {
        return Flash::done(text);
    }
    let left = outcome.myself + outcome.already + outcome.unfit;
    text = format!("{text} {left} left alone: {}.", reasons.join(", "));
    Flash::new(if outcome.changed == 0 { Tone::Warning } else { Tone::Success }, text)
}

async fn targets(tx: &mut Tx, ids: &[i64]) -> Result<Vec<Target>> {
    Ok(sql("SELECT id, email, company_id, is_active, password_hash IS NOT NULL AS has_password FROM users")
        .push_in(" WHERE id IN", ids)
        .push(" ORDER BY id LIMIT 200")
        .fetch_all(tx)
        .await?)
}

async fn set_active(by: &By, ids: &[i64], active: bool) -> Result<Outcome> {
    let me = by.person().map(|person| person.id());
    let mut outcome = Outcome::default();
    let mut tx = by.begin().await?;
    lock_administrators(&mut tx).await?;
    for chunk in ids.chunks(MAX_IN) {
        let mut changing = Vec::new();
        for target in targets(&mut tx, chunk).await? {
            if target.is_active == active {
                outcome.already += 1;
            } else if Some(target.id) == me {
                outcome.myself += 1;
            } else {
                changing.push(target);
            }
        }
        outcome.changed += i64::try_from(changing.len()).unwrap_or(0);
        write_active(&mut tx, &changing, active).await?;
    }
    let in_charge: i64 =
        sql("SELECT COUNT(*) FROM users WHERE is_super_admin = TRUE AND is_active = TRUE").fetch_value(&mut tx).await?;
    if in_charge == 0 {
        return Err(last_administrator());
    }
    if outcome.changed == 0 {
        tx.housekeeping();
    }
    tx.commit().await?;
    Ok(outcome)
}

async fn write_active(tx: &mut Tx, changing: &[Target], active: bool) -> Result<()> {
    let ids: Vec<i64> = changing.iter().map(|target| target.id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let at = tx.stamp().at;
    let update = sql("UPDATE users SET is_active = ?, updated_at = ?").bind(active).bind(at);
    update.push_in(" WHERE id IN", &ids).execute(tx).await?;
    if !active {
        let end = sql("UPDATE user_sessions SET revoked_at = ?, revoked_reason = 'user_disabled', \
             pending_totp_secret = NULL WHERE revoked_at IS NULL");
        end.bind(at).push_in(" AND user_id IN", &ids).execute(tx).await?;
        let void = sql("UPDATE password_tokens SET used_at = ? WHERE used_at IS NULL").bind(at);
        void.push_in(" AND user_id IN", &ids).execute(tx).await?;
    }
    let action = if active { "user.enabled" } else { "user.disabled" };
    for target in changing {
        let change = Change::new(action, "user", target.id).label(target.email.clone()).company(target.company_id);
        let (old, new) = (serde_json::json!({"is_active": !active}), serde_json::json!({"is_active": active}));
        tx.audit(change.before(old).after(new).meta("bulk", true));
    }
    Ok(())
}

/// The mails are made by a job: each has its own link.
async fn invite(by: &By, ids: &[i64]) -> Result<Outcome> {
    let base = by.base_url().ok_or_else(invitations::missing_base)?;
    count_invitation(by).await?;
    let mut outcome = Outcome::default();
    let mut tx = by.begin().await?;
    tx.housekeeping();
    for chunk in ids.chunks(MAX_IN) {
        let (fit, unfit): (Vec<_>, Vec<_>) =
            targets(&mut tx, chunk).await?.into_iter().partition(|target| target.is_active && !target.has_password);
        outcome.changed += i64::try_from(fit.len()).unwrap_or(0);
        outcome.unfit += i64::try_from(unfit.len()).unwrap_or(0);
        let ids: Vec<i64> = fit.iter().map(|target| target.id).collect();
        if !ids.is_empty() {
            let inviter = by.person().map(|person| person.id());
            let payload = serde_json::json!({ "ids": ids, "inviter": inviter, "base": base });
            NewJob::new(jobs::INVITE, payload).queue(&mut tx).await?;
        }
    }
    tx.commit().await?;
    Ok(outcome)
}
