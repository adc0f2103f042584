//! One change to many tickets (tickets 4.7).

use serde::{Deserialize, Serialize};
use shared::caller::{Keyed, Technician};
use shared::error::{Error, Result};
use shared::web::Json;
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
#[schema(example = json!({"results": [{"id": 10432, "ok": true, "detail": null}]}))]
pub struct ChangedTickets {
    /// In the order asked.
    results: Vec<ChangedTicket>,
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
    let fates = actions::bulk(&by, &ids, &change).await?;
    let result =
        |fate: crate::model::Fate| ChangedTicket { id: fate.id, ok: fate.problem.is_none(), detail: fate.problem };
    Ok(Json(ChangedTickets { results: fates.into_iter().map(result).collect() }))
}
