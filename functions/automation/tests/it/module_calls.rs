//! What modules say to their partners, and what they make of the answers.

use std::time::Duration;

use serde_json::{Value, json};
use shared::modules::Slug;
use shared::modules::call::{self, Outcome, ollama};
use shared::testing::TestApp;
use shared::testing::web::{Answer, Received, Server};

use crate::{map, portal, portal_with, settings, switch_on};

async fn run(app: &TestApp, slug: Slug, payload: Value) -> Outcome {
    call::run(app.app(), slug, &map(payload)).await.unwrap()
}

fn failed(outcome: Outcome) -> String {
    match outcome {
        Outcome::Failed(error) => error,
        other => panic!("{other:?}"),
    }
}

fn succeeded(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Succeeded(found) => found.clone(),
        other => panic!("{other:?}"),
    }
}

/// The documented answers of Ollama.
fn ollama_server(request: &Received) -> Answer {
    match (request.method.as_str(), request.target.as_str()) {
        ("POST", "/api/generate") if request.json()["model"] == "missing" => {
            Answer::Json(404, json!({ "error": "model 'missing' not found" }))
        }
        ("POST", "/api/generate") => Answer::Json(
            200,
            json!({ "model": request.json()["model"], "created_at": "2026-11-23T09:00:00Z", "response": "Hello",
                "done": true }),
        ),
        ("POST", "/api/embed") => {
            let count = request.json()["input"].as_array().map_or(0, Vec::len);
            Answer::Json(200, json!({ "model": "nomic", "embeddings": vec![[0.5, 0.25]; count] }))
        }
        ("GET", "/api/version") => Answer::Json(200, json!({ "version": "0.12.6" })),
        ("GET", "/api/tags") => Answer::Json(200, json!({ "models": [{ "name": "llama3:latest" }] })),
        _ => Answer::status(404),
    }
}

#[tokio::test]
async fn ollama_answers_a_prompt() {
    let app = portal().await;
    let server = Server::start(ollama_server).await;
    let url = server.url();
    switch_on(&app, Slug::Ollama, json!({ "base_url": url, "auth_token": "tk", "embedding_model": "nomic" })).await;
    let step = run(&app, Slug::Ollama, json!({ "text": "Say hello", "system": "Be brief", "format": "json" })).await;
    assert_eq!(step.word(), "succeeded");
    let result = step.result();
    assert_eq!(result["status"], "succeeded");
    assert_eq!((result["text"].as_str(), result["model"].as_str()), (Some("Hello"), Some("llama3")));
    assert_eq!(result["endpoint"], format!("{url}/api/generate"));
    let sent = &server.received()[0];
    assert_eq!(sent.header("authorization"), "Bearer tk");
    let body = sent.json();
    assert_eq!((body["stream"].clone(), body["prompt"].as_str()), (json!(false), Some("Say hello")));
    assert_eq!((body["system"].as_str(), body["format"].as_str()), (Some("Be brief"), Some("json")));
    assert_eq!(failed(run(&app, Slug::Ollama, json!({ "prompt": " " })).await), "prompt is empty");
    let missing = failed(run(&app, Slug::Ollama, json!({ "prompt": "x", "model": "missing" })).await);
    assert_eq!(missing, "The server answered 404: model 'missing' not found");
    let vectors = ollama::embed(app.app(), &["a".to_owned(), "b".to_owned()]).await.unwrap().unwrap().unwrap();
    assert_eq!(vectors, [[0.5, 0.25], [0.5, 0.25]]);
    app.finish().await;
}

#[tokio::test]
async fn ollama_is_reached_on_this_machine_though_nothing_else_is() {
    let app = portal_with(shared::testing::config()).await;
    let server = Server::start(ollama_server).await;
    switch_on(&app, Slug::Ollama, json!({ "base_url": server.url() })).await;
    assert_eq!(run(&app, Slug::Ollama, json!({ "prompt": "x" })).await.word(), "succeeded");
    switch_on(&app, Slug::Ntfy, json!({ "base_url": server.url(), "topic": "desk" })).await;
    let error = failed(run(&app, Slug::Ntfy, json!({})).await);
    assert!(error.contains("not public"), "{error}");
    assert_eq!(server.received().len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn faults_of_partners_are_one_line() {
    let app = portal().await;
    for (answer, said) in [
        (Answer::Json(500, json!({ "error": "out of\nmemory" })), "The server answered 500: out of memory"),
        (Answer::Full(429, Vec::new(), "slow down".to_owned()), "The server answered 429: slow down"),
        (Answer::Full(502, Vec::new(), "<html>Bad</html>".to_owned()), "The server answered 502"),
        (Answer::Full(200, Vec::new(), "no json".to_owned()), "The answer is not JSON"),
        (Answer::Json(200, json!({ "done": true })), "The answer has no text"),
        (Answer::Cut, "The answer could not be read"),
        (Answer::Raw("HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{"), "The answer could not be read"),
        (Answer::Full(302, vec![("location", "http://169.254.169.254/".to_owned())], String::new()), "answered 302"),
        (Answer::Silence(Duration::from_secs(20)), "There was no complete answer within 5 seconds"),
    ] {
        let server = Server::with(vec![answer.clone()]).await;
        switch_on(&app, Slug::Ollama, json!({ "base_url": server.url(), "timeout_seconds": 5 })).await;
        let error = failed(run(&app, Slug::Ollama, json!({ "prompt": "x" })).await);
        assert!(error.contains(said) && !error.contains('\n'), "{answer:?}: {error}");
        assert_eq!(server.received().len(), 1, "{answer:?}");
    }
    app.finish().await;
}

#[tokio::test]
async fn ntfy_takes_any_script_in_the_title() {
    let app = portal().await;
    let server =
        Server::start(|request| Answer::Json(200, json!({ "id": "x1", "topic": request.json()["topic"] }))).await;
    switch_on(&app, Slug::Ntfy, json!({ "base_url": server.url(), "topic": "desk", "auth_token": "tk_1" })).await;
    let payload = json!({ "title": "Störung 🚨", "message": "Mail is down", "priority": "urgent", "tags": "warning" });
    let result = succeeded(&run(&app, Slug::Ntfy, payload).await);
    assert_eq!((result["topic"].as_str(), result["priority"].as_i64()), (Some("desk"), Some(5)));
    assert_eq!(result["id"], "x1");
    let sent = &server.received()[0];
    assert_eq!((sent.method.as_str(), sent.target.as_str()), ("POST", "/"));
    assert_eq!(sent.header("authorization"), "Bearer tk_1");
    let body = sent.json();
    assert_eq!((body["title"].as_str(), body["tags"].clone()), (Some("Störung 🚨"), json!(["warning"])));
    app.finish().await;
}

#[tokio::test]
async fn tactical_rmm_gets_its_key_and_the_path_as_typed() {
    let app = portal().await;
    let server = Server::with(vec![Answer::Json(200, json!([{ "agent_id": "a1" }]))]).await;
    switch_on(&app, Slug::TacticalRmm, json!({ "base_url": server.url(), "api_key": "tac-1" })).await;
    let result = succeeded(&run(&app, Slug::TacticalRmm, json!({ "path": "/agents/", "method": "get" })).await);
    assert_eq!((result["status_code"].as_i64(), result["method"].as_str()), (Some(200), Some("GET")));
    assert_eq!(result["response"][0]["agent_id"], "a1");
    let body = json!({ "path": "agents/a1/runscript/", "body": { "script": 7 }, "headers": { "X-Note": "n" } });
    succeeded(&run(&app, Slug::TacticalRmm, body).await);
    let sent = server.received();
    assert_eq!((sent[0].method.as_str(), sent[0].target.as_str()), ("GET", "/agents/"));
    assert_eq!((sent[0].header("x-api-key"), sent[0].header("authorization")), ("tac-1", ""));
    assert_eq!((sent[1].method.as_str(), sent[1].target.as_str()), ("POST", "/agents/a1/runscript/"));
    assert_eq!((sent[1].json(), sent[1].header("x-note")), (json!({ "script": 7 }), "n"));
    for payload in [
        json!({}),
        json!({ "path": "https://evil.example/" }),
        json!({ "path": "/a", "method": "CONNECT" }),
        json!({ "path": "/a", "headers": { "Host": "evil.example" } }),
        json!({ "path": "/a", "headers": { "hOST": "evil.example" } }),
        json!({ "path": "/a", "headers": { "Content-Length": "5" } }),
        json!({ "path": "/a", "headers": { "Transfer-Encoding": "chunked" } }),
        json!({ "path": "/a", "auth_header": "Host" }),
        json!({ "path": "/a", "headers": { "Cookie": "a=b" } }),
    ] {
        failed(run(&app, Slug::TacticalRmm, payload).await);
    }
    assert_eq!(server.received().len(), 2, "a refused call is not sent");
    app.finish().await;
}

#[tokio::test]
async fn only_reading_is_repeated() {
    let app = portal().await;
    let server = Server::with(vec![Answer::status(500), Answer::Json(200, json!([])), Answer::status(500)]).await;
    switch_on(&app, Slug::TacticalRmm, json!({ "base_url": server.url(), "api_key": "k" })).await;
    succeeded(&run(&app, Slug::TacticalRmm, json!({ "path": "/agents/", "method": "GET" })).await);
    assert_eq!(server.received().len(), 2);
    failed(run(&app, Slug::TacticalRmm, json!({ "path": "/scripts/", "method": "POST" })).await);
    assert_eq!(server.received().len(), 3);
    app.finish().await;
}

#[tokio::test]
async fn mails_of_automations_go_through_the_outbox() {
    let app = portal().await;
    let desk = json!({ "default_recipients": "desk@example.com", "subject_prefix": "[Desk]",
        "from_address": "Alerts <alerts@example.com>" });
    switch_on(&app, Slug::Smtp, desk).await;
    let payload = json!({ "subject": "Printer", "html": "<p>It is <b>out</b></p>", "recipients": "a@example.com, b@example.com, A@Example.com" });
    let result = succeeded(&run(&app, Slug::Smtp, payload).await);
    assert_eq!(result["subject"], "[Desk] Printer");
    assert_eq!(result["recipients"], json!(["a@example.com", "b@example.com"]));
    succeeded(&run(&app, Slug::Smtp, json!({ "text": "Plain" })).await);
    app.run_jobs().await;
    let mail = app.mails_to("a@example.com").remove(0);
    assert_eq!((mail.from.as_str(), mail.text.as_str()), ("Alerts <alerts@example.com>", "It is out"));
    assert_eq!(mail.to, ["a@example.com", "b@example.com"], "twice the same is one recipient");
    assert_eq!(app.mails_to("desk@example.com")[0].subject, "[Desk] Automation notification");
    let error = failed(run(&app, Slug::Smtp, json!({ "subject": "a\r\nBcc: x@example.com" })).await);
    assert!(error.contains("line break"), "{error}");
    failed(run(&app, Slug::Smtp, json!({ "recipients": ["x@example.com\nBcc: y@example.com"] })).await);
    app.finish().await;
}

#[tokio::test]
async fn what_is_off_or_has_nothing_to_send_is_skipped() {
    let app = portal().await;
    for slug in [Slug::Ollama, Slug::Ntfy, Slug::TacticalRmm, Slug::Smtp] {
        assert_eq!(run(&app, slug, json!({ "prompt": "x", "path": "/" })).await.word(), "skipped", "{slug}");
    }
    assert!(ollama::generate(app.app(), &ollama::Prompt::default()).await.unwrap().is_none());
    switch_on(&app, Slug::Smtp, json!({})).await;
    let nobody = run(&app, Slug::Smtp, json!({ "text": "x" })).await;
    assert_eq!(nobody, Outcome::Skipped("There are no recipients".to_owned()));
    app.finish().await;
}

#[tokio::test]
async fn the_mail_server_itself_answers_the_test() {
    use shared::testing::sink::SmtpSink;
    let sink = SmtpSink::start(&[]).await.unwrap();
    let mut config = settings();
    config.smtp = shared::config::Smtp {
        host: "127.0.0.1".to_owned(),
        port: sink.port(),
        secure: false,
        from: "portal@example.com".to_owned(),
        ..shared::config::Smtp::default()
    };
    let refusing = SmtpSink::start(&[("RCPT", "550 no such mailbox")]).await.unwrap();
    for (port, expected) in [(sink.port(), true), (refusing.port(), false)] {
        config.smtp.port = port;
        // The harness keeps mails in memory; what is tested here is the conversation.
        let app = portal_with(config.clone()).await;
        switch_on(&app, Slug::Smtp, json!({})).await;
        let real = shared::app::App::new(
            config.clone(),
            shared::routes::Table::default(),
            shared::app::Parts {
                db: app.db().clone(),
                clock: app.app().clock().clone(),
                mail: shared::mail::transport::Backend::smtp(shared::mail::transport::SmtpSettings {
                    host: "127.0.0.1".to_owned(),
                    port,
                    user: None,
                    password: None,
                    tls: shared::mail::transport::Tls::Never,
                }),
            },
        );
        let found = call::test(&real, Slug::Smtp, "ann@example.com").await.unwrap();
        assert_eq!(found.is_ok(), expected, "{found:?}");
        app.finish().await;
    }
    assert_eq!(sink.mails()[0].to, ["<ann@example.com>".trim_matches(['<', '>'])]);
}
