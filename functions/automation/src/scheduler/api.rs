//! `/scheduler` for programs (automation 2.5).

use axum::response::IntoResponse;
use http::StatusCode;
use shared::caller::{Keyed, SuperAdmin};
use shared::error::{Error, Result};
use shared::web::{Json, Limits, Path, Query};

use super::model::{Accepted, Activation, ListFilter, Preview, PreviewQuery, Task, TaskCreate, TaskRun, TaskUpdate};
use super::{runs, store};

type Caller = Keyed<SuperAdmin>;

/// Lists the tasks by name; those that are off only when asked for.
#[utoipa::path(get, path = "/scheduler/tasks", params(ListFilter),
    responses((status = 200, description = "The tasks, at most 500", body = Vec<Task>)))]
pub async fn list_tasks(by: Caller, query: Query<ListFilter>) -> Result<Json<Vec<Task>>> {
    by.portal_wide()?;
    let active = if query.include_inactive { "" } else { "on" };
    let filter = store::Filter { active: active.to_owned(), ..store::Filter::default() };
    Ok(Json(store::list(by.db(), &filter, 500, 0).await?.0))
}

/// Adds a task.
#[utoipa::path(post, path = "/scheduler/tasks", request_body = TaskCreate, responses(
    (status = 201, description = "The new task", body = Task),
    (status = 400, description = "There is no such company")))]
pub async fn create_task(by: Caller, body: Json<TaskCreate>) -> Result<(StatusCode, Json<Task>)> {
    by.portal_wide()?;
    let draft = body.0.draft(by.app().config());
    Ok((StatusCode::CREATED, Json(store::create(&by, draft).await?)))
}

/// Gives one task.
#[utoipa::path(get, path = "/scheduler/tasks/{id}", params(("id" = i64, Path, description = "Number of the task")),
    responses((status = 200, description = "The task", body = Task), (status = 404, description = "Task not found")))]
pub async fn get_task(by: Caller, Path(id): Path<i64>) -> Result<Json<Task>> {
    by.portal_wide()?;
    Ok(Json(store::find(by.db(), id).await?))
}

/// Changes the fields that are sent.
#[utoipa::path(put, path = "/scheduler/tasks/{id}", params(("id" = i64, Path, description = "Number of the task")),
    request_body = TaskUpdate, responses(
    (status = 200, description = "The task after the change", body = Task),
    (status = 400, description = "There is no such company"),
    (status = 404, description = "Task not found")))]
pub async fn update_task(by: Caller, Path(id): Path<i64>, body: Json<TaskUpdate>) -> Result<Json<Task>> {
    by.portal_wide()?;
    Ok(Json(store::update(&by, id, None, |stored| body.0.over(stored)).await?))
}

/// Deletes a task with its history.
#[utoipa::path(delete, path = "/scheduler/tasks/{id}", params(("id" = i64, Path, description = "Number of the task")),
    responses((status = 204, description = "Deleted"), (status = 404, description = "Task not found"),
    (status = 409, description = "The task is running")))]
pub async fn delete_task(by: Caller, Path(id): Path<i64>) -> Result<impl IntoResponse> {
    by.portal_wide()?;
    store::delete(&by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Switches a task on or off and plans its next run.
#[utoipa::path(post, path = "/scheduler/tasks/{id}/activate",
    params(("id" = i64, Path, description = "Number of the task")), request_body = Activation,
    responses((status = 200, description = "The task", body = Task), (status = 404, description = "Task not found")))]
pub async fn activate_task(by: Caller, Path(id): Path<i64>, body: Json<Activation>) -> Result<Json<Task>> {
    by.portal_wide()?;
    Ok(Json(store::activate(&by, id, body.active).await?))
}

/// Queues a run; it begins as soon as a worker is free.
#[utoipa::path(post, path = "/scheduler/tasks/{id}/run", params(("id" = i64, Path, description = "Number of the task")),
    responses((status = 202, description = "Queued", body = Accepted), (status = 404, description = "Task not found"),
    (status = 409, description = "The task is running")))]
pub async fn run_task(by: Caller, Path(id): Path<i64>) -> Result<(StatusCode, Json<Accepted>)> {
    by.portal_wide()?;
    let run_id = store::start(&by, id).await?;
    Ok((StatusCode::ACCEPTED, Json(Accepted { accepted: true, run_id })))
}

/// Lists the runs of a task, newest first.
#[utoipa::path(get, path = "/scheduler/tasks/{id}/runs",
    params(("id" = i64, Path, description = "Number of the task"), Limits),
    responses((status = 200, description = "The runs", body = Vec<TaskRun>),
    (status = 404, description = "Task not found")))]
pub async fn list_task_runs(by: Caller, Path(id): Path<i64>, limits: Query<Limits>) -> Result<Json<Vec<TaskRun>>> {
    by.portal_wide()?;
    let given = limits.pairs().iter().any(|(name, _)| name == "limit");
    let limits = limits.value.checked()?;
    let limit = if given { limits.limit() } else { 20 };
    if limit > 200 {
        return Err(Error::field("limit", "Enter a number from 1 to 200"));
    }
    store::find(by.db(), id).await?;
    Ok(Json(runs::of_task(by.db(), id, limit, limits.offset()).await?))
}

/// Says what an expression means and when it next happens.
#[utoipa::path(get, path = "/scheduler/cron/preview", params(PreviewQuery),
    responses((status = 200, description = "The next five occurrences", body = Preview)))]
pub async fn preview_cron(by: Caller, query: Query<PreviewQuery>) -> Result<Json<Preview>> {
    by.portal_wide()?;
    Ok(Json(Preview::of(&query.value, by.app().config(), by.now())?))
}
