//! ChatGPT MCP: the test looks at the settings; ChatGPT calls us, not we it.

use serde_json::json;

use super::Found;
use crate::accounts::users;
use crate::app::App;
use crate::error::Result;
use crate::modules::Module;
use crate::modules::settings::ChatGptMcp;

pub(super) async fn test(app: &App, module: &Module) -> Result<Result<Found, String>> {
    let settings: ChatGptMcp = module.settings()?;
    if settings.allowed_actions.is_empty() {
        return Ok(Err("No tool is ticked".to_owned()));
    }
    let answers = settings.allowed_actions.iter().any(|action| action == "createTicketReply");
    let author = match settings.system_user_id {
        Some(id) => users::find(app.db(), id).await?,
        None => None,
    };
    if answers && author.is_none() {
        return Ok(Err("Choose the person in whose name ChatGPT replies".to_owned()));
    }
    let state = if module.enabled { "ChatGPT may call." } else { "Switch the module on to let ChatGPT call." };
    Ok(Ok(Found::new(
        format!("The secret is set and {} tools are ticked. {state}", settings.allowed_actions.len()),
        json!({ "tools": settings.allowed_actions }),
    )))
}
