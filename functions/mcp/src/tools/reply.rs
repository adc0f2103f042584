//! `createTicketReply`

use serde_json::Value;
use tickets::desk::{Doer, NewReply, Scope};

use super::{Arguments, Desk, Fault, object, reply_out, ticket_out};

/// Characters of a reply.
const LONGEST: usize = 20_000;

/// Adds a reply or note in the name of the module's person.
pub async fn run(desk: Desk<'_>, arguments: &Arguments) -> Result<(Value, Option<i64>), Fault> {
    let id = arguments.needed_id("ticket_id")?;
    let Some(body) = arguments.text("body", LONGEST)? else {
        return Err(Fault::Arguments("Send the text of the reply as body".to_owned()));
    };
    let is_internal = arguments.flag("is_internal")?;
    let doer = author(desk, arguments).await?;
    desk.ticket(id).await?;
    let new = NewReply::parse(&body, is_internal, None, true)?;
    let sent = tickets::desk::reply(desk.by.begin().await?, Scope::everywhere(), &doer, id, new).await?;
    let ticket = tickets::desk::find(Scope::everywhere(), desk.by.db(), id).await?;
    let reply = tickets::desk::find_reply(Scope::everywhere(), desk.by.db(), id, sent.reply_id).await?;
    let reply = reply.as_ref().map(reply_out).unwrap_or_default();
    Ok((object([("ticket", ticket_out(&ticket)), ("reply", reply)]), Some(id)))
}

/// In whose name the reply is written.
async fn author(desk: Desk<'_>, arguments: &Arguments) -> Result<Doer, Fault> {
    let wrong = |text: &str| Err(Fault::Arguments(text.to_owned()));
    let db = desk.by.db();
    let asked = arguments.id("author_id")?.filter(|id| desk.settings.system_user_id != Some(*id));
    let id = match (asked, desk.settings.system_user_id) {
        (Some(_), _) if !desk.settings.may_choose_author => {
            return wrong("Leave out author_id: replies are written in the name set in the portal");
        }
        (Some(id), _) if !tickets::desk::works_at_desk(db, id).await? => {
            return wrong("Send the id of an active technician as author_id, or leave it out");
        }
        (Some(id), _) | (None, Some(id)) => id,
        (None, None) => {
            return wrong("No author is set: an administrator chooses the author of replies in the ChatGPT MCP module");
        }
    };
    match tickets::desk::person(db, id).await? {
        Some(label) => Ok(Doer { id: Some(id), label, is_desk: true, source: "mcp" }),
        None => wrong("The author of replies has left: an administrator chooses another in the ChatGPT MCP module"),
    }
}
