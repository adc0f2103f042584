//! Events as the API gateway sends them, through the router that the functions use.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use shared::testing::TestApp;

use crate::support::portal;

/// An event of payload format 2.0.
pub fn event(method: &str, path: &str, headers: &Value, cookies: &[String], body: Option<&[u8]>) -> Value {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "cookies": cookies,
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api",
            "domainName": "portal.example.com",
            "domainPrefix": "portal",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "198.51.100.9", "userAgent": "test"},
            "requestId": "request-1",
            "routeKey": "$default",
            "stage": "$default",
            "time": "23/Nov/2026:09:12:00 +0000",
            "timeEpoch": 1_795_425_120_000_i64
        },
        "body": body.map(|bytes| STANDARD.encode(bytes)),
        "isBase64Encoded": body.is_some()
    })
}

async fn answer(app: &TestApp, event: &Value) -> (u16, http::HeaderMap, Vec<u8>) {
    let request = lambda_http::request::from_str(&event.to_string()).unwrap();
    let answer = shared::serve::answer(app.router(), request).await.unwrap();
    let (parts, body) = answer.into_parts();
    let mut bytes = Vec::new();
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        bytes.extend_from_slice(&chunk.unwrap());
    }
    (parts.status.as_u16(), parts.headers, bytes)
}

#[tokio::test]
async fn cookies_come_in_and_go_out() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let name = app.app().config().session_cookie_name.clone();
    let cookies = vec![format!("{name}={}", ann.cookie(&name).unwrap()), format!("{name}_csrf={}", ann.csrf())];
    let host = json!({"host": "portal.example.com", "accept": "application/json"});
    let (status, _, body) = answer(&app, &event("GET", "/users/?limit=1", &host, &cookies, None)).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    let (status, headers, _) =
        answer(&app, &event("GET", "/users", &host, &["myportal_session=stale".to_owned()], None)).await;
    assert_eq!(status, 401);
    // The stale cookie is ended, and nothing leaves the gateway without TLS.
    let ended: Vec<&str> = headers.get_all("set-cookie").iter().map(|v| v.to_str().unwrap()).collect();
    assert!(ended.iter().any(|c| c.starts_with(&name) && c.contains("Secure")), "{ended:?}");
    app.finish().await;
}

#[tokio::test]
async fn bodies_may_be_binary_and_the_address_is_the_gateways() {
    let mut app = portal().await;
    app.leave_work();
    let headers = json!({
        "host": "portal.example.com",
        "content-type": "application/json",
        "accept": "application/json",
        // Whoever writes this header, the gateway's own word counts.
        "x-forwarded-for": "10.0.0.1"
    });
    let body = br#"{"email": "nobody@example.com", "password": "wrong horse battery"}"#;
    let (status, headers, text) = answer(&app, &event("POST", "/auth/login", &headers, &[], Some(body))).await;
    assert_eq!(status, 401, "{}", String::from_utf8_lossy(&text));
    assert_eq!(headers["content-type"], "application/problem+json");
    let picture = [0x89, b'P', b'N', b'G', 0, 0xff, 0xfe];
    let headers = json!({"host": "portal.example.com", "content-type": "application/json"});
    let (status, ..) = answer(&app, &event("POST", "/auth/login", &headers, &[], Some(&picture))).await;
    assert!(matches!(status, 400 | 422), "{status}");
    app.finish().await;
}
