//! Syncro: the test reads one ticket of the account.

use http::Method;
use serde_json::json;

use super::{Found, exchange_json, request};
use crate::app::App;
use crate::error::Result;
use crate::modules::Module;
use crate::modules::settings::Syncro;

pub(super) async fn test(app: &App, module: &Module) -> Result<Result<Found, String>> {
    let settings: Syncro = module.settings()?;
    let key = module.secret(app, "api_key")?;
    let url = format!("{}/tickets?page=1&per_page=1", settings.api());
    let answer = exchange_json(app, request(module, Method::GET, url, key.as_deref())).await;
    Ok(answer.map_err(|error| if error.contains("401") || error.contains("403") { refused() } else { error }).map(
        |answer| {
            let total = answer["meta"]["total_entries"].as_i64();
            Found::new("The key is accepted.", json!({ "tickets": total }))
        },
    ))
}

fn refused() -> String {
    "The key was refused. Enter another API key.".to_owned()
}
