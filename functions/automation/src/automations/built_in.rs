//! Actions that the portal does itself, without another system: a reply on the ticket of the event.

use serde_json::{Map, Value, json};
use shared::app::App;
use shared::audit::Stamp;
use shared::error::Result;
use shared::modules::call::Outcome;
use tickets::desk::{self, Doer, NewReply, Scope};

/// The slug of the reply.
pub const REPLY: &str = "ticket_reply";

/// Replies as the automation, under the rules of the desk. The change carries the depth, so that automations
/// that answer each other come to an end.
pub async fn reply(app: &App, depth: i64, known: &Value, payload: &Map<String, Value>) -> Result<Outcome> {
    let Some(ticket) = known["ticket"]["id"].as_i64() else {
        return Ok(Outcome::Failed("no ticket belongs to this event".to_owned()));
    };
    let text = |key: &str| payload.get(key).and_then(Value::as_str).unwrap_or_default();
    let status = Some(text("ticket_status")).filter(|status| !status.is_empty());
    let new = match NewReply::parse(text("text"), text("visibility") == "note", status, true) {
        Ok(new) => new,
        Err(error) => return Ok(Outcome::Failed(error.detail().into_owned())),
    };
    let is_note = new.is_internal;
    let name = known["automation"]["name"].as_str().unwrap_or_default();
    let doer = Doer { id: None, label: format!("Automation: {name}"), is_desk: true, source: "automation" };
    let mut tx = app.db().begin(Stamp::system(app.now())).await?;
    tx.caused_at(depth + 1);
    let sent = desk::reply(tx, Scope::everywhere(), &doer, ticket, new).await?;
    Ok(Outcome::Succeeded(json!({ "ticket_id": ticket, "reply_id": sent.reply_id, "is_internal": is_note })))
}
