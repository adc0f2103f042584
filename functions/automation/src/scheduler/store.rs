//! Rows of `scheduled_tasks` as people and programs read and change them.

use chrono::{DateTime, Utc};
use shared::audit::Change;
use shared::commands;
use shared::context::By;
use shared::db::{At, Db, Sql, Tx, sql};
use shared::error::{Error, Result};
use shared::search;

use super::model::{Draft, Task};
use crate::columns;

const COLUMNS: &str = "SELECT t.id, t.name, t.command, t.cron, t.timezone, t.company_id, c.name AS company_name, \
    t.description, t.active, t.max_retries, t.retry_backoff_seconds, t.timeout_seconds, t.next_run_at, t.last_run_at, \
    t.last_status, t.last_error, t.active_run_id, t.version FROM scheduled_tasks t \
    LEFT JOIN companies c ON c.id = t.company_id";

/// Which tasks a list shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Words of name, command or description.
    pub q: String,
    /// `on`, `off` or empty.
    pub active: String,
    /// How the last run ended, or empty.
    pub last: String,
    /// `name`, `-name`, `next`, `-next`, `last` or `-last`.
    pub sort: String,
}

fn conditions(filter: &Filter) -> Sql {
    let active = match filter.active.as_str() {
        "on" => " AND t.active = TRUE",
        "off" => " AND t.active = FALSE",
        _ => "",
    };
    sql(" WHERE 1 = 1")
        .push(active)
        .push_if(" AND t.last_status = ?", Some(filter.last.clone()).filter(|status| !status.is_empty()))
        .append(search::like_condition(" AND CONCAT(' ', t.search_text) LIKE ? ESCAPE '!'", &filter.q))
}

fn order(sort: &str) -> &'static str {
    match sort {
        "-name" => " ORDER BY LOWER(t.name) DESC, t.id DESC",
        "next" => " ORDER BY t.next_run_at IS NULL, t.next_run_at, t.id",
        "-next" => " ORDER BY t.next_run_at IS NULL, t.next_run_at DESC, t.id DESC",
        "last" => " ORDER BY t.last_run_at IS NULL, t.last_run_at, t.id",
        "-last" => " ORDER BY t.last_run_at IS NULL, t.last_run_at DESC, t.id DESC",
        _ => " ORDER BY LOWER(t.name), t.id",
    }
}

/// Tasks of a list, and how many there are up to 10,001.
pub async fn list(db: &Db, filter: &Filter, limit: i64, offset: i64) -> Result<(Vec<Task>, i64)> {
    let rows = sql(COLUMNS)
        .append(conditions(filter))
        .push(order(&filter.sort))
        .push(" LIMIT ? OFFSET ?")
        .bind(limit)
        .bind(offset)
        .fetch_all(db)
        .await?;
    let counted = sql("SELECT COUNT(*) FROM (SELECT 1 AS one FROM scheduled_tasks t")
        .append(conditions(filter))
        .push(" LIMIT 10001) n");
    Ok((rows, counted.fetch_value(db).await?))
}

/// One task.
pub async fn find(at: impl Into<At<'_>>, id: i64) -> Result<Task> {
    let found = sql(COLUMNS).push(" WHERE t.id = ?").bind(id).fetch_optional(at).await?;
    found.ok_or_else(unknown)
}

/// 404.
pub fn unknown() -> Error {
    Error::not_found("Task not found")
}

/// 409 while a run of the task is queued or running.
pub fn busy() -> Error {
    Error::conflict("This task is running. Wait until the run has ended.").code("running")
}

/// The unknown company is refused with 400, as the interface says.
async fn check_company(tx: &mut Tx, draft: &Draft) -> Result<()> {
    let Some(id) = draft.company_id else { return Ok(()) };
    let found: Option<(i64,)> = sql("SELECT id FROM companies WHERE id = ?").bind(id).fetch_optional(tx).await?;
    found.map(|_| ()).ok_or_else(|| Error::bad_request("There is no such company").code("unknown_company"))
}

fn searched(draft: &Draft) -> String {
    let description: String = draft.description.clone().unwrap_or_default().chars().take(1000).collect();
    let command = commands::label(&draft.command);
    search::fold(&format!("{} {command} {} {description}", draft.name, draft.command)).chars().take(2000).collect()
}

/// The columns that a draft fills, in the order of [`values`].
const FIELDS: [&str; 12] = [
    "company_id",
    "name",
    "command",
    "cron",
    "timezone",
    "description",
    "active",
    "max_retries",
    "retry_backoff_seconds",
    "timeout_seconds",
    "next_run_at",
    "search_text",
];

/// What [`FIELDS`] hold of a draft.
fn values(query: Sql, draft: &Draft, next: Option<DateTime<Utc>>) -> Sql {
    query
        .bind(draft.company_id)
        .bind(&draft.name)
        .bind(&draft.command)
        .bind(&draft.cron)
        .bind(&draft.timezone)
        .bind(draft.description.clone())
        .bind(draft.active)
        .bind(draft.max_retries)
        .bind(draft.retry_backoff_seconds)
        .bind(draft.timeout_seconds)
        .bind(next)
        .bind(searched(draft))
}

/// Adds a task; its first run is planned from now.
pub async fn create(by: &By, draft: Draft) -> Result<Task> {
    let (draft, cron, zone) = draft.check(by.app().config(), by.now())?;
    let next = draft.active.then(|| cron.next_after(by.now(), zone)).flatten();
    let mut tx = by.begin().await?;
    check_company(&mut tx, &draft).await?;
    let query =
        columns::insert(sql("INSERT INTO scheduled_tasks ("), &FIELDS, ", created_by_id, created_at, updated_at");
    let id = values(query.push(", ?, ?, ?)"), &draft, next)
        .bind(by.person().map(|person| person.id()))
        .bind(by.now())
        .bind(by.now())
        .insert(&mut tx)
        .await?;
    let task = find(&mut tx, id).await?;
    tx.audit(change("scheduler.task_created", &task).after(task.draft()));
    tx.commit().await?;
    Ok(task)
}

fn change(action: &'static str, task: &Task) -> Change {
    Change::new(action, "scheduled_task", task.id).label(&task.name).company(task.company_id)
}

/// Changes a task. The next run is planned anew only when the timetable has changed, so that saving
/// a name at noon does not drop the run of noon.
pub async fn update(by: &By, id: i64, version: Option<i64>, put: impl FnOnce(Draft) -> Draft) -> Result<Task> {
    let mut tx = by.begin().await?;
    hold(&mut tx, id).await?;
    let old = find(&mut tx, id).await?;
    if version.is_some_and(|version| version != old.version) {
        return Err(Error::conflict("Somebody else has changed this task. Load it again.").code("stale"));
    }
    let before = old.draft();
    let (draft, cron, zone) = put(before.clone()).check(by.app().config(), by.now())?;
    check_company(&mut tx, &draft).await?;
    let same = (&draft.cron, &draft.timezone, draft.active) == (&before.cron, &before.timezone, before.active);
    let next = if same { old.next_run_at } else { draft.active.then(|| cron.next_after(by.now(), zone)).flatten() };
    write(&mut tx, id, &draft, next, by.now()).await?;
    if !draft.active {
        cancel_retries(&mut tx, id).await?;
    }
    tx.audit(change("scheduler.task_updated", &old).changed(before, &draft));
    let task = find(&mut tx, id).await?;
    tx.commit().await?;
    Ok(task)
}

/// Locks the row, so that what is read next stays true until the commit.
async fn hold(tx: &mut Tx, id: i64) -> Result<()> {
    sql("UPDATE scheduled_tasks SET version = version WHERE id = ?").bind(id).execute(tx).await?;
    Ok(())
}

async fn write(tx: &mut Tx, id: i64, draft: &Draft, next: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<()> {
    let query = columns::assign(sql("UPDATE scheduled_tasks SET "), &FIELDS);
    values(query.push(", version = version + 1, updated_at = ? WHERE id = ?"), draft, next)
        .bind(now)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

/// A task that is off is not tried again.
async fn cancel_retries(tx: &mut Tx, id: i64) -> Result<()> {
    let now = tx.stamp().at;
    sql("UPDATE scheduled_task_runs SET status = 'cancelled', finished_at = ?, details = 'The task was switched off' \
         WHERE task_id = ? AND status = 'queued' AND started_by = 'retry'")
    .bind(now)
    .bind(id)
    .execute(tx)
    .await?;
    Ok(())
}

/// Switches a task on or off.
pub async fn activate(by: &By, id: i64, active: bool) -> Result<Task> {
    let mut tx = by.begin().await?;
    hold(&mut tx, id).await?;
    let old = find(&mut tx, id).await?;
    if old.active == active {
        return Ok(old);
    }
    let next = match old.timetable() {
        Some((cron, zone)) if active => cron.next_after(by.now(), zone),
        _ => None,
    };
    let draft = Draft { active, ..old.draft() };
    write(&mut tx, id, &draft, next, by.now()).await?;
    if !active {
        cancel_retries(&mut tx, id).await?;
    }
    let action = if active { "scheduler.task_activated" } else { "scheduler.task_deactivated" };
    tx.audit(change(action, &old));
    let task = find(&mut tx, id).await?;
    tx.commit().await?;
    Ok(task)
}

/// Deletes a task with its history.
pub async fn delete(by: &By, id: i64) -> Result<Task> {
    let mut tx = by.begin().await?;
    hold(&mut tx, id).await?;
    let task = find(&mut tx, id).await?;
    if task.active_run_id.is_some() {
        return Err(busy());
    }
    sql("DELETE FROM scheduled_tasks WHERE id = ?").bind(id).execute(&mut tx).await?;
    tx.audit(change("scheduler.task_deleted", &task).before(task.draft()));
    tx.commit().await?;
    Ok(task)
}

/// Queues a run by hand; refused while another is queued or running.
pub async fn start(by: &By, id: i64) -> Result<i64> {
    let mut tx = by.begin().await?;
    hold(&mut tx, id).await?;
    let task = find(&mut tx, id).await?;
    if task.active_run_id.is_some() {
        return Err(busy());
    }
    let new = super::runs::NewRun {
        task_id: id,
        started_by: "manual",
        scheduled_for: None,
        attempt: 1,
        due_at: by.now(),
        details: None,
        triggered_by: by.person().map(|person| person.id()),
    };
    // Without an occurrence there is nothing that it could repeat.
    let run = super::runs::queue(&mut tx, &new).await?.ok_or_else(busy)?;
    super::runs::take(&mut tx, id, run).await?;
    tx.audit(change("scheduler.task_run", &task).meta("run_id", run));
    tx.commit().await?;
    Ok(run)
}

/// Companies to choose from, for the form.
pub async fn companies(db: &Db) -> Result<Vec<(i64, String)>> {
    Ok(sql("SELECT id, name FROM companies WHERE archived_at IS NULL ORDER BY LOWER(name), id LIMIT 500")
        .fetch_all(db)
        .await?)
}
