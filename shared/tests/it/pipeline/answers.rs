//! What is answered when something is refused or fails, to people, to programs and to partial requests.

use axum::body::Body;
use http::Method;
use serde_json::{Value, json};

use super::{portal, set_cookies};

#[tokio::test]
async fn programs_get_problem_documents() {
    let app = portal().await;
    let reply = app.stranger().api(Method::GET, "/api/refuse").await.is(409).says("Somebody was faster");
    assert_eq!(reply.header("content-type"), "application/problem+json");
    let problem = reply.value();
    assert_eq!(problem["type"], "about:blank");
    assert_eq!((&problem["title"], &problem["status"]), (&json!("Conflict"), &json!(409)));
    assert_eq!((&problem["code"], &problem["winner"]), (&json!("too_late"), &json!("Ann")));
    assert_eq!(problem["request_id"], reply.header("x-request-id"));
    let reply = app.stranger().api(Method::GET, "/api/nothing").await.is(404);
    assert_eq!(reply.header("content-type"), "application/problem+json");
    let reply = app.stranger().api(Method::GET, "/api/panics").await.is(500);
    assert!(!reply.text().contains("fell over"), "the cause is logged, never shown");
    app.finish().await;
}

#[tokio::test]
async fn people_get_pages() {
    let app = portal().await;
    let reply = app.stranger().get("/nowhere").await.is(404).shows("This page does not exist").shows("<html");
    assert!(reply.header("content-type").starts_with("text/html"));
    let _ = app.stranger().get("/refuse").await.is(409).shows("Somebody was faster.").shows("</html>");
    app.finish().await;
}

#[tokio::test]
async fn partial_requests_get_a_message_beside_the_page() {
    let app = portal().await;
    for (path, status) in [("/refuse", 409), ("/mine", 401), ("/nowhere", 404)] {
        let reply = app.stranger().region(path, "side").await.is(status).shows("<hx-partial").hides("<html");
        assert!(reply.header("content-type").starts_with("text/html"), "{path}");
        assert_eq!(reply.header("cache-control"), "no-store", "{path}");
    }
    let refused = app.stranger().region("/refuse", "side").await;
    assert_eq!(refused.header("x-problem-code"), "too_late");
    let _ = app.stranger().region("/open", "div#side").await.is(200).shows("<hx-partial").hides("<html");
    let _ = app.stranger().region("/open", "elsewhere").await.is(200).shows("<html");
    app.finish().await;
}

#[tokio::test]
async fn a_wrong_method_is_405_and_names_the_right_ones() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let reply = ann.api(Method::DELETE, "/api/things").await.is(405);
    assert_eq!(reply.header("content-type"), "application/problem+json");
    assert_eq!(reply.header("allow"), "POST");
    let _ = ann.post("/open", &[]).await.is(405).shows("</html>");
    app.finish().await;
}

#[tokio::test]
async fn a_panic_is_500_and_the_portal_lives_on() {
    let app = portal().await;
    let reply = app.stranger().get("/panics").await.is(500).shows("Something went wrong on our side");
    let _ = reply.hides("fell over");
    let _ = app.stranger().get("/open").await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn without_a_database_the_answer_is_still_ours() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    app.db().close().await;
    let reply = ann.get("/open").await.is(500);
    assert!(reply.text().contains(reply.header("x-request-id")), "{}", reply.text());
    assert_eq!(set_cookies(&reply), Vec::<String>::new(), "a fault of ours signs nobody out");
    let _ = ann.api(Method::GET, "/api/who").await.is(500);
    app.finish_broken().await;
}

#[tokio::test]
async fn a_trailing_slash_is_answered_directly() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let _ = ann.api(Method::GET, "/api/who/").await.is(200);
    let _ = ann.api(Method::GET, "/api/who/?a=1").await.is(200);
    let _ = ann.json(Method::POST, "/api/things/", json!({})).await.is(201);
    let _ = ann.api(Method::GET, "/api/who//").await.is(404);
    app.finish().await;
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let whole = ann.api(Method::GET, "/api/who").await.is(200);
    for (path, status) in [("/api/who", 200), ("/mine", 200), ("/nowhere", 404), ("/api/nothing", 404)] {
        let reply = ann.send(Method::HEAD, path, &[("accept", "text/html")], Body::empty()).await.is(status);
        assert!(reply.bytes.is_empty(), "{path} has a body");
    }
    let head = ann.api(Method::HEAD, "/api/who").await;
    assert_eq!(head.header("content-length"), whole.bytes.len().to_string());
    assert_eq!(head.header("content-type"), "application/json");
    let _ = app.stranger().send(Method::HEAD, "/mine", &[], Body::empty()).await.goes_to("/login?next=%2Fmine");
    app.finish().await;
}

/// An event as API Gateway sends it.
fn event(method: &str, path: &str, headers: &Value, cookies: &[String], body: &[u8]) -> lambda_http::Request {
    use base64::Engine as _;
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "cookies": cookies,
        "headers": headers,
        "requestContext": {
            "accountId": "1", "apiId": "x", "domainName": "portal.test", "domainPrefix": "portal",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "198.51.100.9", "userAgent": "t"},
            "requestId": "x", "routeKey": "$default", "stage": "$default", "time": "", "timeEpoch": 0
        },
        "body": base64::engine::general_purpose::STANDARD.encode(body), "isBase64Encoded": true
    });
    lambda_http::request::from_str(&event.to_string()).unwrap()
}

#[tokio::test]
async fn a_function_answers_as_the_server_does() {
    use http_body_util::BodyExt as _;
    let app = portal().await;
    let ann = app.requester("ann").await;
    let cookies: Vec<String> = ["myportal_session", "myportal_session_csrf"]
        .iter()
        .map(|name| format!("{name}={}", ann.cookie(name).unwrap()))
        .collect();
    let headers = json!({"host": "portal.test", "accept": "application/json", "x-forwarded-for": "1.1.1.1"});
    let answer = shared::serve::answer(app.router(), event("GET", "/api/who/", &headers, &cookies, b"")).await.unwrap();
    assert_eq!(answer.status(), 200);
    let body: Value = serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap();
    assert_eq!(body, json!({"person": "ann@example.com", "key": null, "ip": "198.51.100.9"}));
    let csrf = ann.csrf();
    let headers =
        json!({"host": "portal.test", "content-type": "multipart/form-data; boundary=b", "x-csrf-token": csrf});
    let body = b"--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n\xff\x00\xfe\r\n--b--\r\n";
    let answer = shared::serve::answer(app.router(), event("POST", "/take", &headers, &cookies, body)).await.unwrap();
    let text = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(text, format!(": f 3 {}", shared::tokens::sha256_hex(b"\xff\x00\xfe")));
    app.finish().await;
}
