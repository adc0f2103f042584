//! Rows of `automations` as people and programs read and change them.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::json;
use shared::app::App;
use shared::audit::Change;
use shared::context::By;
use shared::db::{At, Db, Sql, Tx, sql};
use shared::error::{Error, Result};
use shared::search;

use super::model::{Automation, Draft, Filter};
use crate::columns;

const COLUMNS: &str = "SELECT a.id, a.name, a.description, a.kind, a.cadence, a.cron_expression, a.timezone, \
    a.trigger_event, a.trigger_filters, a.action_payload, a.status, a.anchor_at, a.next_run_at, a.last_run_at, \
    a.last_status, a.last_error, a.consecutive_failures, a.stopped_at, a.run_as_id, a.version, a.created_at, \
    a.updated_at FROM automations a";

fn conditions(filter: &Filter) -> Sql {
    let status = match filter.status.as_deref() {
        Some("active") => " AND a.status = 'active'",
        Some("inactive") => " AND a.status = 'inactive'",
        Some("failed") => " AND a.last_status IN ('failed', 'lost')",
        _ => "",
    };
    let kind = match filter.kind.as_deref() {
        Some("scheduled") => " AND a.kind = 'scheduled'",
        Some("event") => " AND a.kind = 'event'",
        _ => "",
    };
    let words = filter.search.as_deref().unwrap_or_default();
    sql(" WHERE 1 = 1")
        .push(status)
        .push(kind)
        .append(search::like_condition(" AND CONCAT(' ', a.search_text) LIKE ? ESCAPE '!'", words))
}

/// Automations of a list, newest change first, and how many there are up to 10,001.
pub async fn list(db: &Db, filter: &Filter, limit: i64, offset: i64) -> Result<(Vec<Automation>, i64)> {
    let rows = sql(COLUMNS)
        .append(conditions(filter))
        .push(" ORDER BY a.updated_at DESC, a.id DESC LIMIT ? OFFSET ?")
        .bind(limit)
        .bind(offset)
        .fetch_all(db)
        .await?;
    let counted = sql("SELECT COUNT(*) FROM (SELECT 1 AS one FROM automations a")
        .append(conditions(filter))
        .push(" LIMIT 10001) n");
    Ok((rows, counted.fetch_value(db).await?))
}

/// How many there are of each sort.
#[derive(Debug, Clone, Copy, Default, sqlx::FromRow)]
#[expect(missing_docs, reason = "as the cards name them")]
pub struct Counts {
    pub active: i64,
    pub inactive: i64,
    pub scheduled: i64,
    pub event: i64,
}

/// Counts all automations.
pub async fn counts(db: &Db) -> Result<Counts> {
    let found =
        sql("SELECT CAST(COALESCE(SUM(CASE WHEN status = 'active' THEN 1 ELSE 0 END), 0) AS SIGNED) AS active, \
         CAST(COALESCE(SUM(CASE WHEN status = 'active' THEN 0 ELSE 1 END), 0) AS SIGNED) AS inactive, \
         CAST(COALESCE(SUM(CASE WHEN kind = 'scheduled' THEN 1 ELSE 0 END), 0) AS SIGNED) AS scheduled, \
         CAST(COALESCE(SUM(CASE WHEN kind = 'event' THEN 1 ELSE 0 END), 0) AS SIGNED) AS event FROM automations");
    Ok(found.fetch_optional(db).await?.unwrap_or_default())
}

/// One automation.
pub async fn find(at: impl Into<At<'_>>, id: i64) -> Result<Automation> {
    let found = sql(COLUMNS).push(" WHERE a.id = ?").bind(id).fetch_optional(at).await?;
    found.ok_or_else(|| Error::not_found("Automation not found"))
}

/// Automations that are on and wait for an event.
pub async fn waiting_for(db: &Db, event: &str) -> Result<Vec<Automation>> {
    let rows = sql(COLUMNS)
        .push(" WHERE a.status = 'active' AND a.kind = 'event' AND a.trigger_event = ? ORDER BY a.id LIMIT 500")
        .bind(event);
    Ok(rows.fetch_all(db).await?)
}

/// Which of these events any automation waits for.
pub async fn wanted(app: App, names: Vec<String>) -> Result<BTreeSet<String>> {
    let found: Vec<(String,)> =
        sql("SELECT DISTINCT trigger_event FROM automations WHERE status = 'active' AND kind = 'event'")
            .push_in(" AND trigger_event IN", &names)
            .push(" LIMIT 200")
            .fetch_all(app.db())
            .await?;
    Ok(found.into_iter().map(|(name,)| name).collect())
}

/// Automations whose time has come, oldest first.
pub async fn due(db: &Db, now: DateTime<Utc>, limit: i64) -> Result<Vec<Automation>> {
    let rows = sql(COLUMNS)
        .push(" WHERE a.status = 'active' AND a.next_run_at <= ? ORDER BY a.next_run_at, a.id LIMIT ?")
        .bind(now)
        .bind(limit);
    Ok(rows.fetch_all(db).await?)
}

fn change(action: &'static str, id: i64, name: &str) -> Change {
    Change::new(action, "automation", id).label(name)
}

fn searched(draft: &Draft) -> String {
    let description: String = draft.description.clone().unwrap_or_default().chars().take(1000).collect();
    let event = draft.trigger_event.clone().unwrap_or_default();
    search::fold(&format!("{} {event} {description}", draft.name)).chars().take(2000).collect()
}

/// The columns that a draft fills, in the order of [`values`].
const FIELDS: [&str; 14] = [
    "name",
    "description",
    "kind",
    "cadence",
    "cron_expression",
    "timezone",
    "trigger_event",
    "trigger_filters",
    "action_module",
    "action_payload",
    "status",
    "anchor_at",
    "next_run_at",
    "search_text",
];

/// What [`FIELDS`] hold of a draft.
fn values(query: Sql, draft: &Draft, anchor: Option<DateTime<Utc>>, next: Option<DateTime<Utc>>) -> Sql {
    query
        .bind(&draft.name)
        .bind(draft.description.clone())
        .bind(&draft.kind)
        .bind(draft.cadence.clone())
        .bind(draft.cron_expression.clone())
        .bind(&draft.timezone)
        .bind(draft.trigger_event.clone())
        .bind((!draft.trigger_filters.is_null()).then(|| draft.trigger_filters.to_string()))
        .bind(draft.actions.first().map(|action| action.module.clone()))
        .bind(json!({ "actions": draft.actions }).to_string())
        .bind(&draft.status)
        .bind(anchor)
        .bind(next)
        .bind(searched(draft))
}

/// Adds an automation.
pub async fn create(by: &By, draft: Draft) -> Result<Automation> {
    let draft = draft.check(by.now())?;
    let anchor = (draft.status == "active").then(|| by.now());
    let next = anchor.and_then(|at| draft.timetable(at)?.next_after(at));
    let mut tx = by.begin().await?;
    let query = columns::insert(sql("INSERT INTO automations ("), &FIELDS, ", run_as_id, created_at, updated_at");
    let id = values(query.push(", ?, ?, ?)"), &draft, anchor, next)
        .bind(by.person().map(|person| person.id()))
        .bind(by.now())
        .bind(by.now())
        .insert(&mut tx)
        .await?;
    tx.audit(change("automation.created", id, &draft.name).after(&draft));
    let row = find(&mut tx, id).await?;
    tx.commit().await?;
    Ok(row)
}

/// Locks the row, so that what is read next stays true until the commit.
pub async fn hold(tx: &mut Tx, id: i64) -> Result<()> {
    sql("UPDATE automations SET version = version WHERE id = ?").bind(id).execute(tx).await?;
    Ok(())
}

/// Changes an automation. A timetable begins anew only when it has changed or is switched on.
pub async fn update(
    by: &By,
    id: i64,
    version: Option<i64>,
    put: impl FnOnce(Draft) -> Result<Draft>,
) -> Result<Automation> {
    let mut tx = by.begin().await?;
    hold(&mut tx, id).await?;
    let old = find(&mut tx, id).await?;
    if version.is_some_and(|version| version != old.version) {
        return Err(Error::conflict("Somebody else has changed this automation. Load it again.").code("stale"));
    }
    let before = old.draft();
    let draft = put(before.clone())?.check(by.now())?;
    let is_on = draft.status == "active";
    let times = |d: &Draft| {
        (d.status.clone(), d.kind.clone(), d.cadence.clone(), d.cron_expression.clone(), d.timezone.clone())
    };
    let (anchor, next) = if times(&draft) == times(&before) {
        (old.anchor_at, old.next_run_at)
    } else {
        let anchor = is_on.then(|| by.now());
        (anchor, anchor.and_then(|at| draft.timetable(at)?.next_after(at)))
    };
    let is_restarted = is_on && old.status != "active";
    write(&mut tx, id, &draft, anchor, next).await?;
    if is_restarted {
        forget_failures(&mut tx, id).await?;
    }
    tx.audit(change(verb(&before, &draft), id, &draft.name).changed(&before, &draft));
    let row = find(&mut tx, id).await?;
    tx.commit().await?;
    Ok(row)
}

fn verb(before: &Draft, after: &Draft) -> &'static str {
    let only_status = Draft { status: before.status.clone(), ..after.clone() } == *before;
    match after.status.as_str() {
        _ if before.status == after.status || !only_status => "automation.updated",
        "active" => "automation.activated",
        _ => "automation.deactivated",
    }
}

async fn write(
    tx: &mut Tx,
    id: i64,
    draft: &Draft,
    anchor: Option<DateTime<Utc>>,
    next: Option<DateTime<Utc>>,
) -> Result<()> {
    let now = tx.stamp().at;
    let query = columns::assign(sql("UPDATE automations SET "), &FIELDS);
    values(query.push(", version = version + 1, updated_at = ? WHERE id = ?"), draft, anchor, next)
        .bind(now)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

async fn forget_failures(tx: &mut Tx, id: i64) -> Result<()> {
    sql("UPDATE automations SET consecutive_failures = 0, stopped_at = NULL WHERE id = ?").bind(id).execute(tx).await?;
    Ok(())
}

/// Switches an automation on or off.
pub async fn set_status(by: &By, id: i64, status: &str) -> Result<Automation> {
    let status = status.to_owned();
    update(by, id, None, |stored| Ok(Draft { status, ..stored })).await
}

/// Deletes an automation with its history.
pub async fn delete(by: &By, id: i64) -> Result<Automation> {
    let mut tx = by.begin().await?;
    let row = find(&mut tx, id).await?;
    sql("DELETE FROM automations WHERE id = ?").bind(id).execute(&mut tx).await?;
    tx.audit(change("automation.deleted", id, &row.name).before(row.draft()));
    tx.commit().await?;
    Ok(row)
}

/// Tickets to try an automation on.
pub async fn recent_tickets(db: &Db) -> Result<Vec<(i64, String)>> {
    Ok(sql("SELECT id, subject FROM tickets ORDER BY updated_at DESC, id DESC LIMIT 25").fetch_all(db).await?)
}

/// Modules whose steps are left out.
pub async fn modules_off(db: &Db) -> Result<Vec<String>> {
    let rows: Vec<(String,)> =
        sql("SELECT slug FROM integration_modules WHERE enabled = FALSE LIMIT 50").fetch_all(db).await?;
    Ok(rows.into_iter().map(|(slug,)| slug).collect())
}
