//! One change to many tickets (tickets 4.7).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::caller::{Keyed, Technician};
use shared::error::{Error, Result};
use shared::web::{Json, Path};
use utoipa::ToSchema;

use crate::actions;
use crate::model::Bulk;
use crate::scope::Doer;

/// Tickets in one request.
const MOST: usize = 200;

/// Which tickets, and what is done to them.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(example = json!({"ids": [10432, 10411], "action": "status", "value": "resolved"}))]
pub struct ChangeTickets {
    /// 1 to 200; doubles count once.
    ids: Vec<i64>,
    /// `status`, `priority`, `assign`, `category`, `tag`, `untag` or `delete`.
    action: String,
    /// The status, the priority, the ID of the assignee (null for nobody), the category, or a tag.
    #[schema(value_type = Option<String>)]
    value: serde_json::Value,
}

/// What became of each ticket.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"results": [{"id": 10432, "ok": true, "detail": null}], "undo_id": 12,
    "undo_until": "2026-11-23T09:13:00Z"}))]
pub struct ChangedTickets {
    /// In the order asked.
    results: Vec<ChangedTicket>,
    /// Takes the change back; none for keys, and where nothing was changed or there is no way back.
    undo_id: Option<i64>,
    /// Until then.
    undo_until: Option<DateTime<Utc>>,
}

/// What was taken back.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"restored": 46, "left": 1}))]
pub struct UndoneTickets {
    /// Tickets that are as they were before.
    restored: usize,
    /// Tickets that had been changed again.
    left: usize,
}

/// What became of one ticket.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangedTicket {
    id: i64,
    /// It was changed.
    ok: bool,
    /// Why it was not: `already so`, `not found`, `20 tags already`.
    detail: Option<&'static str>,
}

/// Change many tickets
///
/// All in one transaction; tickets that already are so are left alone. Only super administrators delete.
#[utoipa::path(post, path = "/api/tickets/bulk", request_body = ChangeTickets,
    responses((status = 200, description = "What became of each", body = ChangedTickets),
        (status = 400, description = "The assignee does not work at the desk")))]
pub async fn change_tickets(by: Keyed<Technician>, Json(body): Json<ChangeTickets>) -> Result<Json<ChangedTickets>> {
    by.portal_wide()?;
    let mut ids = Vec::new();
    for id in body.ids {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    if ids.is_empty() || ids.len() > MOST {
        return Err(Error::field("ids", "Name 1 to 200 tickets"));
    }
    let value = match &body.value {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let change = Bulk::parse(&body.action, value.as_deref(), Doer::of(&by).id);
    let change = change.map_err(|(field, text)| Error::field(field, text))?;
    let done = actions::bulk(&by, &ids, &change).await?;
    let undo = actions::keep(&by, &change, &done.kept).await?;
    let result =
        |fate: crate::model::Fate| ChangedTicket { id: fate.id, ok: fate.problem.is_none(), detail: fate.problem };
    Ok(Json(ChangedTickets {
        results: done.fates.into_iter().map(result).collect(),
        undo_id: undo.map(|undo| undo.id),
        undo_until: undo.map(|undo| undo.expires_at),
    }))
}

/// Take a change to many tickets back
///
/// Within a minute, by the person who made it. Tickets that were changed again are left alone. Needs a person.
#[utoipa::path(post, path = "/api/tickets/bulk/{undo_id}/undo",
    params(("undo_id" = i64, Path, description = "From the change")),
    responses((status = 200, description = "What was taken back", body = UndoneTickets),
        (status = 409, description = "Too late, or not yours")))]
pub async fn undo_tickets(by: Keyed<Technician>, Path(undo_id): Path<i64>) -> Result<Json<UndoneTickets>> {
    let (restored, left) = actions::undo(&by, undo_id).await?;
    Ok(Json(UndoneTickets { restored, left }))
}
