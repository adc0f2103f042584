//! Who may speak, and in what shape (tickets 10.2).

use axum::body::Body;
use chrono::TimeDelta;
use http::Method;
use serde_json::{Value, json};
use shared::db::sql;
use shared::modules::{Edit, MASK};

use crate::help::{PATH, SECRET, bridge, object, untouched};

fn ping() -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" })
}

#[tokio::test]
async fn nobody_speaks_while_the_module_is_off_or_has_no_secret() {
    let bridge = untouched().await;
    bridge.post(ping()).await.is(503);
    bridge.edit(Edit { settings: object(&json!({ "shared_secret": SECRET })), ..Edit::default() }).await;
    bridge.post(ping()).await.is(503);
    bridge.edit(Edit { enabled: Some(true), ..Edit::default() }).await;
    let reply = bridge.post(ping()).await.is(200);
    assert_eq!(reply.value(), json!({ "jsonrpc": "2.0", "id": 1, "result": {} }));
    assert_eq!((reply.header("set-cookie"), reply.header("mcp-session-id")), ("", ""));
    bridge.finish().await;
}

#[tokio::test]
async fn the_secret_comes_in_the_header_and_nowhere_else() {
    let bridge = bridge(json!({})).await;
    let stranger = bridge.app.stranger();
    let reply = stranger.json(Method::POST, PATH, ping()).await.is(401);
    assert_eq!(reply.header("www-authenticate"), "Bearer");
    let with_body = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping", "token": SECRET, "accessToken": SECRET });
    stranger.json(Method::POST, &format!("{PATH}?token={SECRET}&accessToken={SECRET}"), with_body).await.is(401);
    // The cookie of a person and the key of a program say nothing here, and no CSRF token is asked for.
    bridge
        .tom
        .send(Method::POST, PATH, &[("content-type", "application/json")], Body::from(ping().to_string()))
        .await
        .is(401);
    stranger.with_key("mp_something").json(Method::POST, PATH, ping()).await.is(401);
    for header in [SECRET.to_owned(), format!("Basic {SECRET}"), "Bearer".to_owned(), format!("Bearer x{SECRET}")] {
        let wrong = bridge.app.stranger().at("198.51.100.4").with_header("authorization", &header);
        wrong.json(Method::POST, PATH, ping()).await.is(401);
    }
    let right = bridge.app.stranger().with_header("authorization", &format!("bearer {SECRET}"));
    right.json(Method::POST, PATH, ping()).await.is(200);
    right.json(Method::POST, &format!("{PATH}/"), ping()).await.is(200);
    bridge.finish().await;
}

#[tokio::test]
async fn guessing_ends_after_ten_tries_and_locks_nobody_out() {
    let bridge = bridge(json!({})).await;
    let guesser = bridge.app.stranger().with_header("authorization", "Bearer wrong-wrong-wrong-wrong-wrong");
    for _ in 0..10 {
        guesser.json(Method::POST, PATH, ping()).await.is(401);
    }
    let reply = guesser.json(Method::POST, PATH, ping()).await.is(429);
    assert!(!reply.header("retry-after").is_empty());
    bridge.post(ping()).await.is(200);
    bridge.app.advance(TimeDelta::seconds(61));
    guesser.json(Method::POST, PATH, ping()).await.is(401);
    bridge.finish().await;
}

#[tokio::test]
async fn sixty_messages_a_minute() {
    let bridge = bridge(json!({})).await;
    for _ in 0..58 {
        bridge.post(ping()).await.is(200);
    }
    // Messages of a batch count one by one, and none of them is answered when they are too many.
    bridge.post(json!([ping(), ping(), ping()])).await.is(429);
    bridge.app.advance(TimeDelta::seconds(61));
    bridge.post(json!([ping(), ping(), ping()])).await.is(200);
    for _ in 0..57 {
        bridge.post(ping()).await.is(200);
    }
    let reply = bridge.post(ping()).await.is(429);
    assert!(!reply.header("retry-after").is_empty());
    bridge.finish().await;
}

#[tokio::test]
async fn a_mask_is_no_secret_and_the_former_secret_lasts_a_day_when_kept() {
    let bridge = bridge(json!({})).await;
    bridge.set(json!({ "shared_secret_hash": MASK, "shared_secret": "" })).await;
    bridge.post(ping()).await.is(200);
    let masked = bridge.app.stranger().with_header("authorization", &format!("Bearer {MASK}"));
    masked.json(Method::POST, PATH, ping()).await.is(401);
    bridge.set(json!({ "shared_secret": "another-secret-of-some-length", "keep_previous_secret": true })).await;
    let other = bridge.app.stranger().with_header("authorization", "Bearer another-secret-of-some-length");
    other.json(Method::POST, PATH, ping()).await.is(200);
    bridge.post(ping()).await.is(200);
    bridge.app.advance(TimeDelta::hours(25));
    bridge.post(ping()).await.is(401);
    other.json(Method::POST, PATH, ping()).await.is(200);
    bridge.set(json!({ "shared_secret": "a-third-secret-of-some-length" })).await;
    other.json(Method::POST, PATH, ping()).await.is(401);
    bridge.finish().await;
}

#[tokio::test]
async fn pages_of_strangers_are_refused_and_admitted_origins_are_not() {
    let bridge = bridge(json!({})).await;
    for (origin, status) in [
        ("https://evil.example", 403),
        ("null", 403),
        ("https://chatgpt.com.evil.example", 403),
        ("https://chatgpt.com", 200),
        ("http://portal.test", 200),
    ] {
        let client = bridge.client.clone().with_header("origin", origin);
        let reply = client.json(Method::POST, PATH, ping()).await;
        assert_eq!(reply.status, status, "{origin}");
    }
    bridge.set(json!({ "allowed_origins": ["https://desk.example"] })).await;
    bridge.client.clone().with_header("origin", "https://chatgpt.com").json(Method::POST, PATH, ping()).await.is(403);
    bridge.client.clone().with_header("origin", "https://desk.example").json(Method::POST, PATH, ping()).await.is(200);
    bridge.finish().await;
}

#[tokio::test]
async fn there_is_one_method_one_type_and_a_limit() {
    let bridge = bridge(json!({})).await;
    for method in [Method::GET, Method::DELETE, Method::PUT] {
        let reply = bridge.client.api(method, PATH).await.is(405);
        assert_eq!(reply.header("allow"), "POST");
    }
    let send = async |kind: &str, accept: &str, body: String| {
        bridge.client.send(Method::POST, PATH, &[("content-type", kind), ("accept", accept)], Body::from(body)).await
    };
    let json = "application/json";
    send("text/plain", json, ping().to_string()).await.is(415);
    send("application/x-www-form-urlencoded", json, ping().to_string()).await.is(415);
    send(json, "text/event-stream", ping().to_string()).await.is(406);
    let reply = send(json, "application/json, text/event-stream", ping().to_string()).await.is(200);
    assert_eq!(reply.header("content-type"), "application/json");
    let long = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping", "params": { "x": "a".repeat(256 * 1024) } });
    send(json, json, long.to_string()).await.is(413);
    bridge.finish().await;
}

#[tokio::test]
async fn what_is_no_message_is_said_so() {
    let bridge = bridge(json!({})).await;
    let raw = async |body: &str| {
        let headers = [("content-type", "application/json")];
        bridge.client.send(Method::POST, PATH, &headers, Body::from(body.to_owned())).await
    };
    for (body, code) in [
        ("{", -32700),
        ("", -32700),
        ("\"x\"", -32600),
        ("{}", -32600),
        ("{\"id\":1,\"method\":7}", -32600),
        ("{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}", -32600),
        ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":[]}", -32600),
    ] {
        let reply = raw(body).await.is(400).value();
        assert_eq!(reply["error"]["code"], code, "{body}");
        assert_eq!(reply["jsonrpc"], "2.0");
    }
    raw("{\"method\":\"ping\",\"id\":1}").await.is(200);
    bridge.finish().await;
}

#[tokio::test]
async fn batches_belong_to_one_revision() {
    let bridge = bridge(json!({})).await;
    let note = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let bad = json!({ "jsonrpc": "2.0", "id": 4, "method": "no/such" });
    let shake =
        json!({ "jsonrpc": "2.0", "id": 5, "method": "initialize", "params": { "protocolVersion": "2025-03-26" } });
    let reply = bridge.post(json!([ping(), note, bad, 7, shake])).await.is(200).value();
    let codes: Vec<Value> = reply.as_array().unwrap().iter().map(|one| one["error"]["code"].clone()).collect();
    assert_eq!(codes, [Value::Null, json!(-32601), json!(-32600), json!(-32600)]);
    bridge.post(json!([note, note])).await.is(202);
    let versioned = |version: &str| bridge.client.clone().with_header("mcp-protocol-version", version);
    versioned("2025-03-26").json(Method::POST, PATH, json!([ping()])).await.is(200);
    for (version, body) in [
        ("2025-06-18", json!([ping()])),
        ("2026-07-28", json!([ping()])),
        ("2025-03-26", json!(vec![ping(); 21])),
        ("2025-03-26", json!([])),
    ] {
        let reply = versioned(version).json(Method::POST, PATH, body).await.is(400).value();
        assert_eq!(reply["error"]["code"], -32600, "{version}");
    }
    bridge.finish().await;
}

#[tokio::test]
async fn calls_are_noted_and_forgotten_after_ninety_days() {
    let bridge = bridge(json!({ "allowed_actions": ["listTickets", "getTicket", "updateTicket"] })).await;
    let id = bridge.ticket(&bridge.ana, "Printer").await;
    bridge.data("getTicket", json!({ "ticket_id": id })).await;
    bridge.complaint("getTicket", json!({ "ticket_id": 999 })).await;
    bridge.portal("createTicketReply", json!({ "ticket_id": id, "body": "x" })).await.is(403);
    bridge.app.stranger().json(Method::POST, PATH, ping()).await.is(401);
    bridge
        .post(json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": { "protocolVersion": "2025-06-18",
        "clientInfo": { "name": "tester", "version": "9" } } }))
        .await
        .is(200);
    bridge.post(json!({ "id": 1, "method": "no/such" })).await.is(200);
    type Row = (String, Option<String>, Option<i64>, String, Option<String>);
    let rows: Vec<Row> = bridge
        .app
        .rows(sql("SELECT method, tool, ticket_id, outcome, client_name FROM mcp_calls ORDER BY id LIMIT 20"))
        .await;
    let told: Vec<(&str, Option<&str>, Option<i64>, &str)> =
        rows.iter().map(|r| (r.0.as_str(), r.1.as_deref(), r.2, r.3.as_str())).collect();
    assert_eq!(
        told,
        [
            ("tools/call", Some("getTicket"), Some(id), "ok"),
            ("tools/call", Some("getTicket"), None, "tool_error"),
            ("callTool", Some("createTicketReply"), None, "denied"),
            ("", None, None, "denied"),
            ("initialize", None, None, "ok"),
            ("no/such", None, None, "protocol_error"),
        ]
    );
    assert_eq!(rows[4].4.as_deref(), Some("tester"));
    bridge.app.run_jobs().await;
    assert_eq!(bridge.app.number(sql("SELECT COUNT(*) FROM mcp_calls")).await, 6);
    bridge.app.advance(TimeDelta::days(91));
    bridge.app.run_jobs().await;
    assert_eq!(bridge.app.number(sql("SELECT COUNT(*) FROM mcp_calls")).await, 0);
    bridge.finish().await;
}
