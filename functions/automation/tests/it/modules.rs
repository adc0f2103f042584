//! Modules through their pages and routes.

use http::Method;
use serde_json::json;
use shared::modules::Slug;
use shared::testing::web::{Answer, Server};
use shared::testing::{Actor, Reply, TestApp};

use crate::{key, portal, switch_on};

const API: &str = "/api/integration-modules";

/// A program's test waits for the job, which runs beside it.
async fn tested(app: &TestApp, actor: &Actor, slug: Slug) -> Reply {
    let path = format!("{API}/{slug}/test");
    let run = async {
        for _ in 0..40 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            if app.run_jobs().await.succeeded > 0 {
                break;
            }
        }
    };
    let (reply, ()) = tokio::join!(actor.api(Method::POST, &path), run);
    reply
}

#[tokio::test]
async fn only_super_administrators_get_there() {
    let app = portal().await;
    let provider = app.provider("Northstar").await;
    let (stranger, tom) = (app.stranger(), app.technician("tom", &provider).await);
    for path in ["/admin/modules", "/admin/modules/ntfy"] {
        assert!(stranger.get(path).await.is(303).header("location").starts_with("/login?next="));
        let _ = tom.get(path).await.goes_to("/");
    }
    for (method, path) in [
        (Method::GET, API.to_owned()),
        (Method::GET, format!("{API}/ntfy")),
        (Method::PUT, format!("{API}/ntfy")),
        (Method::POST, format!("{API}/ntfy/test")),
    ] {
        let _ = stranger.json(method.clone(), &path, json!({})).await.is(401);
        let _ = tom.json(method, &path, json!({})).await.is(403);
    }
    for path in ["/admin/modules/ntfy", "/admin/modules/ntfy/test", "/admin/modules/chatgpt-mcp/secret"] {
        let _ = tom.post(path, &[("enabled", "true")]).await.goes_to("/");
    }
    let ann = app.super_admin("ann").await;
    assert!(app.audit().await.is_empty(), "nobody else changed anything");
    let _ = ann.get("/admin/modules/billing").await.is(404);
    let _ = ann.api(Method::GET, &format!("{API}/billing")).await.is(404);
    let _ = ann.post("/admin/modules/ntfy/secret", &[]).await.is(404);
    app.finish().await;
}

#[tokio::test]
async fn secrets_are_masked_and_the_answer_put_back_changes_nothing() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    switch_on(&app, Slug::TacticalRmm, json!({ "base_url": "https://rmm.example.com", "api_key": "tac-key-1" })).await;
    let path = format!("{API}/tacticalrmm");
    let shown = ann.api(Method::GET, &path).await.is(200).hides("tac-key-1");
    let value = shown.value();
    assert_eq!(value["settings"]["api_key"], "********");
    assert_eq!(value["secret_fields"], json!(["api_key"]));
    let back = json!({ "enabled": value["enabled"], "settings": value["settings"], "version": value["version"] });
    let again = ann.json(Method::PUT, &path, back).await.is(200).hides("tac-key-1");
    assert_eq!(again.value()["settings"]["api_key"], "********");
    let module = shared::modules::find(app.app(), app.db(), Slug::TacticalRmm).await.unwrap();
    assert_eq!(module.secret(app.app(), "api_key").unwrap().as_deref(), Some("tac-key-1"));
    let _ = ann.get("/admin/modules/tacticalrmm").await.is(200).hides("tac-key-1");
    let list = ann.api(Method::GET, API).await.is(200).hides("tac-key-1").value();
    let names: Vec<&str> = list.as_array().unwrap().iter().filter_map(|module| module["name"].as_str()).collect();
    assert_eq!(names, ["ChatGPT MCP", "ntfy", "Ollama", "SMS gateway", "SMTP Relay", "Syncro", "Tactical RMM"]);
    app.finish().await;
}

#[tokio::test]
async fn wrong_changes_are_refused_with_their_field() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let put = async |body| ann.json(Method::PUT, &format!("{API}/ntfy"), body).await;
    let _ = put(json!({ "settings": { "topic": "a b" } })).await.refuses("topic");
    let _ = put(json!({ "settings": { "colour": "red" } })).await.refuses("colour");
    let _ = put(json!({ "enabled": true })).await.refuses("topic");
    let _ = put(json!({ "enabled": "maybe" })).await.is(422);
    let _ = put(json!({ "settings": { "topic": "desk" }, "version": 0 })).await.is(200);
    let stale = put(json!({ "settings": { "topic": "other" }, "version": 0 })).await.is(409).value();
    assert_eq!((stale["code"].as_str(), stale["version"].as_i64()), (Some("version_conflict"), Some(1)));
    app.finish().await;
}

#[tokio::test]
async fn of_two_changes_at_once_one_is_told_of_the_other() {
    let app = portal().await;
    let (ann, bea) = (app.super_admin("ann").await, app.super_admin("bea").await);
    let path = format!("{API}/ntfy");
    let put = |actor: Actor, topic: &'static str| {
        let path = path.clone();
        async move {
            let body = json!({ "settings": { "topic": topic }, "version": 0 });
            actor.json(Method::PUT, &path, body).await
        }
    };
    let (one, other) = tokio::join!(put(ann.clone(), "first"), put(bea, "second"));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    let kept = if one.status == 200 { "first" } else { "second" };
    let module = ann.api(Method::GET, &path).await.is(200).value();
    assert_eq!((&module["settings"]["topic"], &module["version"]), (&json!(kept), &json!(1)));
    app.finish().await;
}

#[tokio::test]
async fn what_a_partner_says_is_on_the_page_and_in_no_address() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let server = Server::with(vec![Answer::Json(401, json!({ "detail": "<script>no such key</script>" }))]).await;
    switch_on(&app, Slug::Ntfy, json!({ "base_url": server.url(), "topic": "desk" })).await;
    let asked = ann.post("/admin/modules/ntfy/test", &[]).await.is(303);
    assert_eq!(asked.header("location"), "/admin/modules/ntfy#module-test");
    app.run_jobs().await;
    let page = ann.get("/admin/modules/ntfy").await.is(200).shows("The server answered 401").shows("no such key");
    let _ = page.hides("<script>no such key");
    // A second one straight away: the message of the first does not travel along.
    let again = ann.post("/admin/modules/ntfy/test", &[]).await.is(303);
    assert_eq!(again.header("location"), "/admin/modules/ntfy#module-test");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn the_page_saves_without_script() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let page = ann.get("/admin/modules/tacticalrmm").await.is(200).text();
    assert!(page.contains(r#"name="settings.verify_ssl" value="false""#), "an unticked box must be sent");
    let fields = [
        ("version", "0"),
        ("enabled", "false"),
        ("enabled", "true"),
        ("settings.base_url", "https://rmm.example.com/"),
        ("settings.api_key", "tac-key-1"),
        ("settings.verify_ssl", "false"),
    ];
    let _ = ann.post("/admin/modules/tacticalrmm", &fields).await.goes_to("/admin/modules/tacticalrmm");
    let module = shared::modules::find(app.app(), app.db(), Slug::TacticalRmm).await.unwrap();
    assert!(module.enabled);
    assert_eq!(module.value("verify_ssl"), false);
    assert_eq!(module.value("base_url"), "https://rmm.example.com");
    let page = ann.get("/admin/modules/tacticalrmm").await.is(200).shows("Tactical RMM switched on").hides("tac-key-1");
    let _ = page.shows("The certificate is not checked");
    let bad = [("version", "1"), ("settings.base_url", "ftp://x"), ("settings.api_key", "tac-key-2")];
    let again = ann.post("/admin/modules/tacticalrmm", &bad).await.refuses("settings.base_url");
    let _ = again.shows("ftp:&#x2f;&#x2f;x").hides("tac-key-2");
    let stale = [("version", "0"), ("settings.base_url", "https://other.example.com")];
    let _ = ann.post("/admin/modules/tacticalrmm", &stale).await.goes_to("/admin/modules/tacticalrmm");
    let _ = ann.get("/admin/modules/tacticalrmm").await.shows("Somebody else changed this module");
    let _ = ann.post("/admin/modules/tacticalrmm", &[("clear", "api_key")]).await.refuses_whole();
    let off = [("enabled", "false"), ("from", "list")];
    let _ = ann.post("/admin/modules/tacticalrmm", &off).await.goes_to("/admin/modules");
    let _ = ann.get("/admin/modules").await.is(200).shows("Tactical RMM switched off");
    assert_eq!(app.audit().await, ["integration_module.updated", "integration_module.updated"]);
    app.finish().await;
}

trait RefusesWhole {
    fn refuses_whole(self) -> Self;
}

impl RefusesWhole for Reply {
    /// 422 with a summary.
    fn refuses_whole(self) -> Self {
        self.is(422).shows("There is a problem")
    }
}

#[tokio::test]
async fn unticking_every_tool_is_kept() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let fields =
        [("settings.allowed_actions", ""), ("settings.allowed_statuses", ""), ("settings.allowed_statuses", "open")];
    let _ = ann.post("/admin/modules/chatgpt-mcp", &fields).await.is(303);
    let value = ann.api(Method::GET, &format!("{API}/chatgpt-mcp")).await.value();
    assert_eq!(value["settings"]["allowed_actions"], json!([]));
    assert_eq!(value["settings"]["allowed_statuses"], json!(["open"]));
    app.finish().await;
}

#[tokio::test]
async fn the_shared_secret_is_made_here_and_shown_once() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let _ = ann.post("/admin/modules/chatgpt-mcp/secret", &[]).await.goes_to("/admin/modules/chatgpt-mcp");
    let page = ann.get("/admin/modules/chatgpt-mcp").await.is(200).shows("The new shared secret").text();
    let module = shared::modules::find(app.app(), app.db(), Slug::ChatGptMcp).await.unwrap();
    let hash = module.accepted_secret_hashes(app.app()).unwrap().remove(0);
    let secret = page.split(['"', '<', '>']).find(|text| shared::tokens::sha256_hex(text.as_bytes()) == hash);
    assert_eq!(secret.expect("the page shows the secret").len(), 43);
    let _ = ann.get("/admin/modules/chatgpt-mcp").await.hides("The new shared secret");
    let _ = ann.get("/admin/modules/chatgpt-mcp").await.shows("portal.test&#x2f;api&#x2f;mcp&#x2f;chatgpt");
    app.finish().await;
}

#[tokio::test]
async fn a_test_says_what_is_installed() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let server = Server::start(|request| match request.target.as_str() {
        "/api/version" => Answer::Json(200, json!({ "version": "0.12.6" })),
        _ => Answer::Json(200, json!({ "models": [{ "name": "llama3:latest" }, { "name": "qwen3:8b" }] })),
    })
    .await;
    switch_on(&app, Slug::Ollama, json!({ "base_url": server.url(), "model": "mistral" })).await;
    let missing = tested(&app, &ann, Slug::Ollama).await.is(503).value();
    assert_eq!(missing["detail"], "The model mistral is not installed. Installed: llama3:latest, qwen3:8b.");
    switch_on(&app, Slug::Ollama, json!({ "model": "llama3" })).await;
    let good = tested(&app, &ann, Slug::Ollama).await.is(200).value();
    assert_eq!((good["status"].as_str(), good["details"]["version"].as_str()), (Some("ok"), Some("0.12.6")));
    let module = ann.api(Method::GET, &format!("{API}/ollama")).await.value();
    assert_eq!((module["last_test_status"].as_str(), module["last_test_at"].is_string()), (Some("ok"), true));
    app.finish().await;
}

#[tokio::test]
async fn a_refused_key_is_said_to_be_one() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let server = Server::with(vec![
        Answer::Json(401, json!({ "detail": "Invalid API key" })),
        Answer::Json(200, json!([{ "id": 1 }])),
    ])
    .await;
    switch_on(&app, Slug::TacticalRmm, json!({ "base_url": server.url(), "api_key": "k" })).await;
    let refused = tested(&app, &ann, Slug::TacticalRmm).await.is(503).value();
    assert_eq!(refused["detail"], "The key was refused. Enter another API key.");
    let good = tested(&app, &ann, Slug::TacticalRmm).await.is(200).value();
    assert_eq!(good["message"], "The key is accepted; 1 client found.");
    assert_eq!(server.received()[1].target, "/clients/");
    app.finish().await;
}

#[tokio::test]
async fn the_page_queues_a_test_and_shows_what_came_of_it() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let server = Server::start(|request| match request.target.as_str() {
        "/v1/health" => Answer::Json(200, json!({ "healthy": true })),
        _ => Answer::Json(200, json!({ "id": "m1" })),
    })
    .await;
    switch_on(&app, Slug::Ntfy, json!({ "base_url": server.url(), "topic": "desk" })).await;
    let _ = ann.post("/admin/modules/ntfy/test", &[]).await.goes_to("/admin/modules/ntfy#module-test");
    let _ = ann.get("/admin/modules/ntfy").await.shows("The test is running").shows("every 2s");
    assert!(server.received().is_empty(), "nothing is called inside the request");
    app.run_jobs().await;
    let region = ann.region("/admin/modules/ntfy", "module-test").await.is(200).hides("every 2s");
    let _ = region.shows("It works").hides("<html");
    assert_eq!(server.received().len(), 2);
    let _ = ann.get("/admin/modules").await.shows("Test passed");
    assert_eq!(app.audit().await.last().map(String::as_str), Some("integration_module.tested"));
    app.finish().await;
}

#[tokio::test]
async fn a_module_that_is_off_is_not_tested_and_tests_are_counted() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let _ = ann.api(Method::POST, &format!("{API}/ntfy/test")).await.is(409).says("Enable the module first");
    let _ = ann.post("/admin/modules/ntfy/test", &[]).await.goes_to("/admin/modules/ntfy");
    let _ = ann.get("/admin/modules/ntfy").await.shows("Enable the module first");
    for _ in 0..4 {
        let _ = ann.api(Method::POST, &format!("{API}/ntfy/test")).await.is(409);
    }
    let seventh = ann.api(Method::POST, &format!("{API}/ntfy/test")).await.is(429);
    assert!(!seventh.header("retry-after").is_empty());
    let _ = ann.api(Method::POST, &format!("{API}/syncro/test")).await.is(409);
    app.finish().await;
}

#[tokio::test]
async fn settings_alone_are_checked_where_a_call_would_cost_money() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let missing = tested(&app, &ann, Slug::Sms).await.is(503).value();
    assert_eq!(missing["detail"], "Address of the gateway is not set");
    switch_on(&app, Slug::Sms, json!({ "endpoint": "https://sms.example.com/message", "auth": "dTpw" })).await;
    let _ = tested(&app, &ann, Slug::Sms).await.is(200);
    let mcp = tested(&app, &ann, Slug::ChatGptMcp).await.is(503).value();
    assert_eq!(mcp["detail"], "Shared secret is not set");
    app.finish().await;
}

#[tokio::test]
async fn keys_need_the_scope_and_the_whole_portal() {
    let app = portal().await;
    let company = app.company("Acme").await;
    let reader = key(&app, "modules:read", None).await;
    let _ = reader.api(Method::GET, API).await.is(200);
    let _ = reader.json(Method::PUT, &format!("{API}/ntfy"), json!({})).await.is(403);
    let writer = key(&app, "modules:write", None).await;
    let _ = writer.json(Method::PUT, &format!("{API}/ntfy"), json!({ "settings": { "topic": "t" } })).await.is(200);
    let _ = key(&app, "webhooks:write", None).await.api(Method::GET, API).await.is(403);
    let _ = key(&app, "modules:write", Some(company.id)).await.api(Method::GET, API).await.is(403);
    app.finish().await;
}

#[tokio::test]
async fn a_page_needs_few_statements() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    for path in ["/admin/modules", "/admin/modules/chatgpt-mcp", "/admin/modules/ollama"] {
        let before = app.db().statements();
        let _ = ann.get(path).await.is(200);
        let count = app.db().statements() - before;
        assert!(count <= 8, "{path} takes {count} statements");
    }
    app.finish().await;
}
