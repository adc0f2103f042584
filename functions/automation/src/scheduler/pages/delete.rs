//! Deleting a task: the page that states the effect, and its form.

use axum::response::Response;
use serde::Serialize;
use shared::Flash;
use shared::caller::SuperAdmin;
use shared::error::Result;
use shared::page::Page;
use shared::web::Path;

use crate::scheduler::store;

/// Asks before a task is deleted.
#[derive(Debug, Serialize)]
pub struct TaskDelete {
    id: i64,
    name: String,
}

impl Page for TaskDelete {
    const TEMPLATE: &'static str = "scheduler/delete.html";

    fn samples() -> Vec<Self> {
        vec![Self { id: 3, name: "Clean up history".to_owned() }]
    }
}

/// States the effect.
pub async fn ask(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let task = store::find(by.db(), id).await?;
    by.page(&TaskDelete { id, name: task.name }).await
}

/// Deletes.
pub async fn delete(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let task = store::delete(&by, id).await.map_err(|error| error.or_see("/admin/automation"))?;
    by.see("/admin/automation#tasks", Flash::done(format!("{} deleted", task.name))).await
}
