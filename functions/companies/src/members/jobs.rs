//! Telling people about their memberships, and bringing old invitations to mind (organisation 19, 20).

use chrono::{DateTime, TimeDelta, Utc};
use minijinja::context;
use serde::Deserialize;
use serde_json::json;
use shared::accounts::invitations;
use shared::accounts::users::{self, User};
use shared::audit::Change;
use shared::db::{Db, Tx, sql};
use shared::error::Result;
use shared::events::names;
use shared::jobs::{JobError, Jobs, NewJob, Run};
use shared::mail::Draft;
use shared::notify::{self, Kind, Notice, Recipient};

use super::batch;
use super::record::{self, INVITED_FOR, Record, Which};

/// Adds the work.
pub fn add(jobs: Jobs) -> Jobs {
    jobs.on("memberships.granted", granted)
        .on("memberships.revoked", revoked)
        .on("memberships.changed", changed)
        .on("memberships.remind", remind)
        .on("memberships.suggested", suggested)
        .on_event(names::JOIN_SUGGESTED, "memberships.suggested")
        .on_event(names::MEMBERSHIP_GRANTED, "memberships.granted")
        .on_event(names::MEMBERSHIP_REVOKED, "memberships.revoked")
        .on_event(names::MEMBERSHIP_CHANGED, "memberships.changed")
        .every("memberships.remind_due", TimeDelta::days(1), remind_due)
        .on(batch::JOB, batch::work::job)
        .every("memberships.purge_batches", TimeDelta::days(1), batch::work::purge)
}

#[derive(Debug, Deserialize)]
struct Payload {
    company_id: i64,
    user_id: i64,
    actor_id: Option<i64>,
    event: Option<i64>,
}

async fn company_name(db: &Db, id: i64) -> Result<Option<String>> {
    let row: Option<(String,)> = sql("SELECT name FROM companies WHERE id = ?").bind(id).fetch_optional(db).await?;
    Ok(row.map(|(name,)| name))
}

/// Access was given: to the person, unless they took it themselves, and to the company's administrators.
async fn granted(run: Run) -> Result<(), JobError> {
    let payload: Payload = run.payload()?;
    let Some(company) = company_name(run.db(), payload.company_id).await? else { return Ok(()) };
    let text = format!("You can now work for {company}.");
    tell_person(&run, &payload, notify::MEMBERSHIP_GRANTED, text, Some("/business-information")).await?;
    let told = About { kind: notify::MEMBERSHIP_CHANGED, what: "is a member of", path: "" };
    tell_administrators(&run, &payload, &told, &company).await
}

/// Access was taken away.
async fn revoked(run: Run) -> Result<(), JobError> {
    let payload: Payload = run.payload()?;
    let Some(company) = company_name(run.db(), payload.company_id).await? else { return Ok(()) };
    let text = format!("You no longer work for {company}.");
    tell_person(&run, &payload, notify::MEMBERSHIP_REVOKED, text, None).await?;
    let told = About { kind: notify::MEMBERSHIP_CHANGED, what: "has left", path: "" };
    tell_administrators(&run, &payload, &told, &company).await
}

/// Permissions were changed: to the company's administrators.
async fn changed(run: Run) -> Result<(), JobError> {
    let payload: Payload = run.payload()?;
    let Some(company) = company_name(run.db(), payload.company_id).await? else { return Ok(()) };
    let told = About { kind: notify::MEMBERSHIP_CHANGED, what: "has other permissions in", path: "" };
    tell_administrators(&run, &payload, &told, &company).await
}

/// Somebody proved an address of the company, which takes nobody in by itself.
async fn suggested(run: Run) -> Result<(), JobError> {
    let payload: Payload = run.payload()?;
    let Some(company) = company_name(run.db(), payload.company_id).await? else { return Ok(()) };
    let told = About { kind: notify::JOIN_SUGGESTED, what: "has an address of, and could join,", path: "/domains" };
    tell_administrators(&run, &payload, &told, &company).await
}

/// What the administrators of a company are told of a person.
struct About {
    kind: Kind,
    what: &'static str,
    /// The page of the company, after its number.
    path: &'static str,
}

async fn tell_person(run: &Run, payload: &Payload, kind: Kind, message: String, link: Option<&str>) -> Result<()> {
    if payload.actor_id == Some(payload.user_id) {
        return Ok(());
    }
    let Some(user) = users::find(run.db(), payload.user_id).await?.filter(|user| user.is_active) else {
        return Ok(());
    };
    let mut tx = run.begin().await?;
    tx.housekeeping();
    let dedupe = format!("event:{}", payload.event.unwrap_or_default());
    let notice = Notice { kind, message, link: link.map(str::to_owned), dedupe: Some(&dedupe) };
    notify::tell(run.app(), &mut tx, &Recipient { user_id: user.id, email: user.email }, &notice).await?;
    tx.commit().await
}

/// Administrators hear of a member once an hour at most, however many boxes are ticked.
async fn tell_administrators(run: &Run, payload: &Payload, about: &About, company: &str) -> Result<(), JobError> {
    let Some(user) = users::find(run.db(), payload.user_id).await? else { return Ok(()) };
    let people: Vec<Recipient> = sql("SELECT u.id AS user_id, u.email FROM company_memberships m \
         JOIN users u ON u.id = m.user_id WHERE m.company_id = ? AND m.status = 'active' AND m.is_admin = TRUE \
         AND u.is_active = TRUE AND u.id <> ? AND u.id <> ? ORDER BY u.id LIMIT 50")
    .bind(payload.company_id)
    .bind(payload.user_id)
    .bind(payload.actor_id.unwrap_or_default())
    .fetch_all(run.db())
    .await?;
    if people.is_empty() {
        return Ok(());
    }
    let hour = run.now().format("%Y%m%d%H");
    let what = about.what;
    let dedupe = format!("{}:{}:{what}:{hour}", payload.company_id, payload.user_id);
    let notice = Notice {
        kind: about.kind,
        message: format!("{} {what} {company}.", user.name()),
        link: Some(format!("/admin/companies/{}{}", payload.company_id, about.path)),
        dedupe: Some(&dedupe),
    };
    let mut tx = run.begin().await?;
    tx.housekeeping();
    for person in &people {
        notify::tell(run.app(), &mut tx, person, &notice).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// An invitation is brought to mind once after so long.
const REMIND_AFTER: TimeDelta = TimeDelta::days(3);

/// At most so many in one day's run; the rest follows the day after.
const REMINDERS: i64 = 500;

/// One job per invitation that waits for three days.
async fn remind_due(run: Run) -> Result<(), JobError> {
    let now = run.now();
    let rows: Vec<(i64, i64)> = sql("SELECT m.id, m.company_id FROM company_memberships m \
         JOIN companies c ON c.id = m.company_id WHERE m.status = 'invited' AND m.invited_at <= ? \
         AND m.invited_at > ? AND m.reminded_at IS NULL AND c.archived_at IS NULL ORDER BY m.id LIMIT ?")
    .bind(now - REMIND_AFTER)
    .bind(now - INVITED_FOR)
    .bind(REMINDERS)
    .fetch_all(run.db())
    .await?;
    for (id, company_id) in rows {
        let mut tx = run.begin().await?;
        tx.housekeeping();
        let payload = json!({ "membership_id": id, "company_id": company_id });
        NewJob::new("memberships.remind", payload).dedupe(format!("remind:{id}")).queue(&mut tx).await?;
        tx.commit().await?;
    }
    Ok(())
}

#[derive(Debug, Deserialize)]
struct Reminder {
    membership_id: i64,
    company_id: i64,
}

/// One reminder: marked and queued in one transaction, so that a repeat sends nothing.
async fn remind(run: Run) -> Result<(), JobError> {
    let payload: Reminder = run.payload()?;
    let Some(base) = run.app().config().base_url().map(str::to_owned) else {
        return Err(JobError::Fail("PORTAL_URL is not set".to_owned()));
    };
    let mut tx = run.begin().await?;
    let member = record::find(&mut tx, payload.company_id, Which::Row(payload.membership_id)).await?;
    let Some(member) = member.filter(|member| member.status == "invited") else { return Ok(()) };
    if !mark(&mut tx, member.id, run.now()).await? {
        return Ok(());
    }
    let user = users::find(&mut tx, member.user_id).await?.filter(|user| user.is_active);
    let Some(user) = user else { return Ok(()) };
    write(&run, &mut tx, &base, &member, &user).await?;
    tx.audit(
        Change::new("membership.reminded", "company_membership", member.id)
            .label(&member.user_email)
            .company(Some(member.company_id)),
    );
    tx.commit().await?;
    Ok(())
}

async fn mark(tx: &mut Tx, id: i64, now: DateTime<Utc>) -> Result<bool> {
    let marked = sql("UPDATE company_memberships SET reminded_at = ? WHERE id = ? AND status = 'invited' \
         AND reminded_at IS NULL");
    Ok(marked.bind(now).bind(id).execute(tx).await? == 1)
}

/// The link of the first mail may have ended, so the reminder carries a new one.
async fn write(run: &Run, tx: &mut Tx, base: &str, member: &Record, user: &User) -> Result<()> {
    if !user.has_password {
        invitations::send_from(tx, run.app(), base, None, user, Some(&member.company_name)).await?;
        return Ok(());
    }
    let fields = context! {
        first_name => user.first_name.clone(),
        company => member.company_name.clone(),
        inviter => None::<String>,
        is_active => false,
        link => format!("{base}/companies/invitations"),
    };
    let mut mail = Draft::template(run.app(), &mut *tx, "company_invitation", fields).await?;
    mail.to(&user.email);
    mail.queue(tx).await?;
    Ok(())
}
