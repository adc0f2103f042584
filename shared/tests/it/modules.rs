//! Modules: what is effective, what is sealed, what an edit may do.

use serde_json::{Map, Value, json};
use shared::error::{Error, Result};
use shared::jobs::Jobs;
use shared::modules::{self, Edit, Module, Slug, settings};
use shared::outbound::Allow;
use shared::routes::Routes;
use shared::testing::{TestApp, config};

async fn portal(variables: &[(&'static str, &str)]) -> TestApp {
    let mut config = config();
    config.module_defaults = variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    TestApp::with(config, Routes::area("none", &[]), Jobs::kernel()).await
}

fn settings_of(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

async fn save(app: &TestApp, slug: Slug, edit: Edit) -> Result<Module> {
    let mut tx = app.db().begin(shared::audit::Stamp::system(app.app().now())).await?;
    let module = modules::save(app.app(), &mut tx, slug, edit).await?;
    tx.commit().await?;
    Ok(module)
}

async fn set(app: &TestApp, slug: Slug, value: Value) -> Module {
    save(app, slug, Edit { settings: settings_of(value), ..Edit::default() }).await.unwrap()
}

async fn find(app: &TestApp, slug: Slug) -> Module {
    modules::find(app.app(), app.db(), slug).await.unwrap()
}

fn refused(result: Result<Module>) -> Vec<(String, String)> {
    match result {
        Err(Error::Invalid(invalid)) => invalid.iter().map(|(f, m)| (f.to_owned(), m.to_owned())).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_chosen_comes_before_the_environment_and_the_default() {
    let app = portal(&[("OLLAMA_MODEL", "qwen3"), ("OLLAMA_BASE_URL", "http://gpu.lan:11434/")]).await;
    let ollama: settings::Ollama = find(&app, Slug::Ollama).await.settings().unwrap();
    assert_eq!((ollama.model.as_str(), ollama.base_url.as_str()), ("qwen3", "http://gpu.lan:11434"));
    assert_eq!((ollama.timeout_seconds, ollama.include_emails), (120, false));
    let module = set(&app, Slug::Ollama, json!({ "model": "llama3.2", "timeout_seconds": "30" })).await;
    let ollama: settings::Ollama = module.settings().unwrap();
    assert_eq!((ollama.model.as_str(), ollama.timeout_seconds), ("llama3.2", 30));
    assert_eq!(ollama.base_url, "http://gpu.lan:11434");
    assert_eq!(module.allow(), Allow::hosts(["gpu.lan:11434"]));
    assert_eq!(find(&app, Slug::Ntfy).await.allow(), Allow::PublicOnly);
    assert_eq!(modules::all(app.app(), app.db()).await.unwrap().len(), modules::CATALOGUE.len());
    app.finish().await;
}

#[tokio::test]
async fn secrets_are_sealed_masked_and_kept_until_somebody_changes_them() {
    let app = portal(&[("TACTICALRMM_API_KEY", "from-the-environment")]).await;
    let before = find(&app, Slug::TacticalRmm).await;
    assert_eq!(before.secret(app.app(), "api_key").unwrap().as_deref(), Some("from-the-environment"));
    let module = set(&app, Slug::TacticalRmm, json!({ "api_key": "tac-key-1" })).await;
    assert_eq!(module.secret(app.app(), "api_key").unwrap().as_deref(), Some("tac-key-1"));
    let stored: Vec<(String, String)> =
        app.rows(shared::db::sql("SELECT settings, secrets FROM integration_modules WHERE slug = 'tacticalrmm'")).await;
    assert!(!format!("{stored:?}").contains("tac-key-1") && stored[0].1.starts_with("v1:"), "{stored:?}");
    let masked = module.masked(app.app()).unwrap();
    assert_eq!(masked["api_key"], "********");
    for same in [json!("********"), json!(""), Value::Null, json!("  ")] {
        let module = set(&app, Slug::TacticalRmm, json!({ "api_key": same })).await;
        assert_eq!(module.secret(app.app(), "api_key").unwrap().as_deref(), Some("tac-key-1"), "{same}");
    }
    let cleared = save(&app, Slug::TacticalRmm, Edit { clear: vec!["api_key".to_owned()], ..Edit::default() }).await;
    let cleared = cleared.unwrap();
    assert_eq!(cleared.secret(app.app(), "api_key").unwrap(), None, "a cleared secret stays cleared");
    assert_eq!(cleared.masked(app.app()).unwrap()["api_key"], "");
    let trail = app.rows::<(String,)>(shared::db::sql("SELECT COALESCE(metadata, '') FROM audit_logs LIMIT 50")).await;
    assert!(!format!("{trail:?}").contains("tac-key"), "{trail:?}");
    assert!(trail[0].0.contains("api_key"), "{trail:?}");
    app.finish().await;
}

#[tokio::test]
async fn a_secret_of_another_module_does_not_open() {
    let app = portal(&[]).await;
    set(&app, Slug::TacticalRmm, json!({ "api_key": "tac-key-1" })).await;
    app.execute(shared::db::sql(
        "UPDATE integration_modules SET secrets = (SELECT s FROM (SELECT secrets AS s FROM integration_modules \
         WHERE slug = 'tacticalrmm') AS other) WHERE slug = 'syncro'",
    ))
    .await;
    let stolen = modules::find(app.app(), app.db(), Slug::Syncro).await;
    let opened = stolen.and_then(|module| module.secret(app.app(), "api_key"));
    assert!(matches!(opened, Err(Error::Internal(_))), "{opened:?}");
    app.finish().await;
}

#[tokio::test]
async fn wrong_settings_are_named() {
    let app = portal(&[]).await;
    let edit = |value| Edit { settings: settings_of(value), ..Edit::default() };
    for (slug, value, field) in [
        (Slug::Ollama, json!({ "base_url": "ftp://x" }), "base_url"),
        (Slug::Ollama, json!({ "base_url": "http://user:pass@gpu.lan" }), "base_url"),
        (Slug::Ollama, json!({ "timeout_seconds": 4 }), "timeout_seconds"),
        (Slug::Ollama, json!({ "timeout_seconds": true }), "timeout_seconds"),
        (Slug::Ollama, json!({ "include_emails": "perhaps" }), "include_emails"),
        (Slug::Ollama, json!({ "model": ["a"] }), "model"),
        (Slug::Ollama, json!({ "colour": "red" }), "colour"),
        (Slug::TacticalRmm, json!({ "base_url": "http://api.example.com" }), "base_url"),
        (Slug::Ntfy, json!({ "topic": "a b" }), "topic"),
        (Slug::Smtp, json!({ "default_recipients": ["ann"] }), "default_recipients"),
        (Slug::Smtp, json!({ "from_address": "Desk <nobody>" }), "from_address"),
        (Slug::Smtp, json!({ "subject_prefix": "a\nb" }), "subject_prefix"),
        (Slug::ChatGptMcp, json!({ "shared_secret": "short" }), "shared_secret"),
        (Slug::ChatGptMcp, json!({ "shared_secret_hash": "a".repeat(64) }), "shared_secret_hash"),
        (Slug::ChatGptMcp, json!({ "allowed_actions": ["deleteTicket"] }), "allowed_actions"),
        (Slug::ChatGptMcp, json!({ "max_results": 201 }), "max_results"),
        (Slug::ChatGptMcp, json!({ "system_user_id": 999 }), "system_user_id"),
        (Slug::ChatGptMcp, json!({ "allowed_origins": ["chatgpt.com"] }), "allowed_origins"),
    ] {
        let fields = refused(save(&app, slug, edit(value)).await);
        assert_eq!(fields[0].0, field, "{fields:?}");
    }
    let on = Edit { enabled: Some(true), ..Edit::default() };
    let missing = refused(save(&app, Slug::TacticalRmm, on).await);
    assert_eq!(missing[0].0, "base_url");
    assert_eq!(missing[1], ("api_key".to_owned(), "Enter the API key before switching the module on".to_owned()));
    app.finish().await;
}

#[tokio::test]
async fn two_people_do_not_overwrite_each_other() {
    let app = portal(&[]).await;
    let seen = find(&app, Slug::Ntfy).await.version;
    let edit =
        |topic: &str| Edit { settings: settings_of(json!({ "topic": topic })), version: Some(seen), ..Edit::default() };
    save(&app, Slug::Ntfy, edit("first")).await.unwrap();
    let second = save(&app, Slug::Ntfy, edit("second")).await.unwrap_err();
    assert_eq!(second.status().as_u16(), 409);
    assert_eq!(find(&app, Slug::Ntfy).await.value("topic"), "first");
    app.finish().await;
}

#[tokio::test]
async fn an_empty_list_stays_empty_and_false_stays_false() {
    let app = portal(&[("TACTICALRMM_VERIFY_SSL", "true")]).await;
    let module = set(&app, Slug::ChatGptMcp, json!({ "allowed_actions": [], "max_results": 7 })).await;
    let mcp: settings::ChatGptMcp = module.settings().unwrap();
    assert!(mcp.allowed_actions.is_empty());
    assert_eq!((mcp.max_results, mcp.allowed_statuses.len()), (7, 5));
    let module = set(&app, Slug::TacticalRmm, json!({ "verify_ssl": "false" })).await;
    assert!(!module.settings::<settings::TacticalRmm>().unwrap().verify_ssl);
    app.finish().await;
}

#[tokio::test]
async fn the_shared_secret_is_a_digest_with_a_day_of_overlap() {
    let app = portal(&[]).await;
    let (old, new) = ("the-first-shared-secret-0001", "the-second-shared-secret-002");
    let digest = |text: &str| shared::tokens::sha256_hex(text.as_bytes());
    let module = set(&app, Slug::ChatGptMcp, json!({ "shared_secret": old })).await;
    assert_eq!(module.accepted_secret_hashes(app.app()).unwrap(), [digest(old)]);
    assert_eq!(module.masked(app.app()).unwrap()["shared_secret_hash"], "********");
    set(&app, Slug::ChatGptMcp, json!({ "shared_secret_hash": "********" })).await;
    let module = set(&app, Slug::ChatGptMcp, json!({ "shared_secret": new, "keep_previous_secret": true })).await;
    assert_eq!(module.accepted_secret_hashes(app.app()).unwrap(), [digest(new), digest(old)]);
    app.advance(chrono::TimeDelta::hours(25));
    let module = find(&app, Slug::ChatGptMcp).await;
    assert_eq!(module.accepted_secret_hashes(app.app()).unwrap(), [digest(new)]);
    let by_hash = json!({ "shared_secret_hash": digest(old), "shared_secret_is_hash": true });
    let module = set(&app, Slug::ChatGptMcp, by_hash).await;
    assert_eq!(module.accepted_secret_hashes(app.app()).unwrap(), [digest(old)]);
    app.finish().await;
}

#[tokio::test]
async fn syncro_and_sms_are_on_once_the_environment_has_them() {
    let app = portal(&[("SYNCRO_WEBHOOK_URL", "https://acme.syncromsp.com"), ("SYNCRO_API_KEY", "k")]).await;
    let syncro = find(&app, Slug::Syncro).await;
    assert!(syncro.enabled && syncro.is_ready(app.app()).unwrap());
    assert!(!find(&app, Slug::Sms).await.enabled);
    let off = save(&app, Slug::Syncro, Edit { enabled: Some(false), ..Edit::default() }).await.unwrap();
    assert!(!off.enabled, "what somebody decided stays");
    assert!(!find(&app, Slug::Ntfy).await.is_ready(app.app()).unwrap());
    app.finish().await;
}
