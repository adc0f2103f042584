//! Deleting an automation: the page that states the effect, and its form.

use axum::response::Response;
use serde::Serialize;
use shared::Flash;
use shared::caller::SuperAdmin;
use shared::error::Result;
use shared::page::Page;
use shared::web::Path;

use crate::automations::store;

/// Asks before an automation is deleted.
#[derive(Debug, Serialize)]
pub struct AutomationDelete {
    id: i64,
    name: String,
}

impl Page for AutomationDelete {
    const TEMPLATE: &'static str = "automations/delete.html";

    fn samples() -> Vec<Self> {
        vec![Self { id: 5, name: "Tell the desk of urgent tickets".to_owned() }]
    }
}

/// States the effect.
pub async fn ask(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let row = store::find(by.db(), id).await?;
    by.page(&AutomationDelete { id, name: row.name }).await
}

/// Deletes.
pub async fn delete(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let row = store::delete(&by, id).await?;
    by.see("/admin/automations", Flash::done(format!("{} deleted", row.name))).await
}
