//! `/admin/mcp`: how to connect, a secret made by the server, the last calls. What the assistant may do is
//! set on the module's own page.

use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use shared::caller::{Fresh, SuperAdmin};
use shared::context::By;
use shared::error::Result;
use shared::flash::{self, Flash};
use shared::modules::{self, Edit, Slug};
use shared::page::Page;
use shared::routes::Routes;
use shared::tokens::Token;
use shared::web::Form;

use crate::calls::{self, Row};
use crate::settings::{self, Settings};

/// Adds the pages.
pub fn add(routes: Routes) -> Routes {
    routes.page("/admin/mcp", show).page("/admin/mcp/secret", ask).form("/admin/mcp/secret", make)
}

/// Kind of the note that carries a new secret to the next page.
const NOTE: &str = "mcp_secret";

/// A new secret waits this long for its page.
const SHOWN_WITHIN: TimeDelta = TimeDelta::minutes(10);

/// Calls on the page.
const CALLS: i64 = 50;

/// One tool and whether it may be called.
#[derive(Debug, Serialize)]
struct Allowed {
    name: &'static str,
    title: &'static str,
    is_on: bool,
}

/// How to connect, and what was asked for.
#[derive(Debug, Serialize)]
struct McpShow {
    is_on: bool,
    has_secret: bool,
    endpoint: String,
    sample: String,
    /// A new secret; shown this once.
    secret: Option<String>,
    tools: Vec<Allowed>,
    has_author: bool,
    calls: Vec<Row>,
}

impl Page for McpShow {
    const TEMPLATE: &'static str = "mcp/show.html";

    fn samples() -> Vec<Self> {
        let row = |id, outcome: &str, message: Option<&str>| Row {
            id,
            method: "tools/call".to_owned(),
            tool: Some("getTicket".to_owned()),
            ticket_id: Some(42),
            outcome: outcome.to_owned(),
            message: message.map(str::to_owned),
            client_name: Some("ChatGPT".to_owned()),
            client_version: None,
            ip: Some("203.0.113.7".to_owned()),
            duration_ms: 12,
            created_at: chrono::DateTime::from_timestamp(1_794_990_000, 0).unwrap_or_default(),
        };
        let endpoint = "https://portal.example.com/api/mcp/chatgpt".to_owned();
        let tools = |is_on| crate::tools::Tool::ALL.map(|tool| allowed(tool, is_on)).into();
        let calls = vec![
            row(4, "ok", None),
            row(3, "tool_error", Some("Ticket not found")),
            row(2, "denied", Some("The shared secret is wrong")),
            row(1, "protocol_error", Some("Unknown tool")),
        ];
        let sample = sample(&endpoint);
        vec![
            Self {
                is_on: true,
                has_secret: true,
                secret: Some("made-by-the-server".to_owned()),
                tools: tools(true),
                has_author: true,
                calls,
                endpoint: endpoint.clone(),
                sample: sample.clone(),
            },
            Self {
                is_on: false,
                has_secret: false,
                secret: None,
                tools: tools(false),
                has_author: false,
                calls: Vec::new(),
                endpoint,
                sample,
            },
        ]
    }
}

fn allowed(tool: crate::tools::Tool, is_on: bool) -> Allowed {
    let title = match tool {
        crate::tools::Tool::List => "List tickets",
        crate::tools::Tool::Get => "Read a ticket",
        crate::tools::Tool::Reply => "Reply to a ticket",
        crate::tools::Tool::Update => "Change a ticket",
    };
    Allowed { name: tool.name(), title, is_on }
}

/// What other clients of the protocol want to be told, as most of them write it.
fn sample(endpoint: &str) -> String {
    let config = json!({ "mcpServers": { "tickets": { "type": "http", "url": endpoint,
        "headers": { "Authorization": "Bearer YOUR-SECRET" } } } });
    serde_json::to_string_pretty(&config).unwrap_or_default()
}

fn endpoint(by: &By) -> String {
    format!("{}/api/mcp/chatgpt", by.base_url().unwrap_or_default())
}

async fn show(by: SuperAdmin) -> Result<Response> {
    let module = settings::module(&by).await?;
    let set = Settings::of(&module)?;
    let listed: Vec<_> = set.listed().collect();
    let endpoint = endpoint(&by);
    let page = McpShow {
        is_on: module.enabled,
        has_secret: !module.accepted_secret_hashes(by.app())?.is_empty(),
        sample: sample(&endpoint),
        endpoint,
        secret: flash::take_notes(&by, by.me().session.id, NOTE).await?.pop(),
        tools: crate::tools::Tool::ALL.map(|tool| allowed(tool, listed.contains(&tool))).into(),
        has_author: set.system_user_id.is_some(),
        calls: calls::newest(by.db(), CALLS).await?,
    };
    by.page(&page).await
}

/// What making a secret means.
#[derive(Debug, Serialize)]
struct SecretAsk {
    has_secret: bool,
    is_on: bool,
    form: shared::web::FormState,
}

impl Page for SecretAsk {
    const TEMPLATE: &'static str = "mcp/secret.html";

    fn samples() -> Vec<Self> {
        let form = || shared::web::FormState::of([("keep_previous", "true")]);
        vec![
            Self { has_secret: true, is_on: true, form: form() },
            Self { has_secret: false, is_on: false, form: form() },
        ]
    }
}

async fn ask(by: Fresh<SuperAdmin>) -> Result<Response> {
    let module = settings::module(&by).await?;
    let has_secret = !module.accepted_secret_hashes(by.app())?.is_empty();
    let form = shared::web::FormState::of([("keep_previous", "true")]);
    by.page(&SecretAsk { has_secret, is_on: module.enabled, form }).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SecretForm {
    keep_previous: String,
}

/// 256 random bits, as the secret is handed out.
fn new_secret() -> String {
    let hex = Token::new();
    let bytes = hex.as_str().as_bytes().chunks(2).filter_map(|pair| std::str::from_utf8(pair).ok());
    let bytes: Vec<u8> = bytes.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect();
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Makes a secret; only its digest is kept, and the next page shows it once.
async fn make(by: Fresh<SuperAdmin>, form: Form<SecretForm>) -> Result<Response> {
    let secret = new_secret();
    let mut settings: Map<String, Value> = Map::new();
    settings.insert("shared_secret".to_owned(), secret.clone().into());
    settings.insert("keep_previous_secret".to_owned(), (form.keep_previous == "true").into());
    let mut tx = by.begin().await?;
    modules::save(by.app(), &mut tx, Slug::ChatGptMcp, Edit { settings, ..Edit::default() }).await?;
    flash::note(&by, &mut tx, by.me().session.id, NOTE, &secret, SHOWN_WITHIN).await?;
    tx.commit().await?;
    by.see("/admin/mcp", Flash::done("New secret made")).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::testing::render_samples;

    #[test]
    fn every_page_renders_with_every_sample() {
        render_samples::<McpShow>();
        render_samples::<SecretAsk>();
    }

    #[test]
    fn a_secret_has_256_bits() {
        let (one, two) = (new_secret(), new_secret());
        assert_eq!(one.len(), 43);
        assert_ne!(one, two);
    }
}
