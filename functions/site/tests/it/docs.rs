//! The API reference.

use axum::body::Body;
use http::Method;
use shared::jobs::Jobs;
use shared::testing::{self, TestApp};

use crate::portal;

#[tokio::test]
async fn signed_in_people_read_the_reference() {
    let app = portal().await;
    let stranger = app.stranger();
    let _ = stranger.get("/docs").await.goes_to("/login?next=%2Fdocs");
    let _ = stranger.get("/docs/swagger-ui.css").await.is(303);
    let _ = stranger.api(Method::GET, "/internal/openapi.json").await.is(401);
    let gus = app.requester("gus").await;
    let page = gus.get("/docs").await.is(200).shows("/docs/swagger-ui-bundle.js").shows("/internal/openapi.json");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("script-src 'nonce-") && !policy.contains("trusted-types"), "{policy}");
    assert!(!policy.contains("unsafe-eval"));
    let document = gus.api(Method::GET, "/internal/openapi.json").await.is(200);
    assert_eq!(document.header("content-type"), "application/json");
    assert!(document.value()["openapi"].as_str().unwrap().starts_with("3.1"));
    app.finish().await;
}

#[tokio::test]
async fn the_viewer_comes_from_the_binary() {
    let app = portal().await;
    let gus = app.requester("gus").await;
    let get = async |name: &str, encoding| {
        gus.send(Method::GET, &format!("/docs/{name}"), &[("accept-encoding", encoding)], Body::empty()).await
    };
    for (name, kind) in [
        ("swagger-ui.css", "text/css"),
        ("swagger-ui-bundle.js", "text/javascript"),
        ("start.js", "text/javascript; charset=utf-8"),
    ] {
        let reply = get(name, "gzip").await.is(200);
        assert_eq!(reply.header("content-type"), kind);
        assert!(reply.header("cache-control").starts_with("private"));
    }
    let _ = get("swagger-ui.css", "").await.is(406);
    for name in ["index.html", "swagger-initializer.js", "x", "..%2fCargo.toml"] {
        let _ = get(name, "gzip").await.is(404);
    }
    app.finish().await;
}

#[tokio::test]
async fn another_path_may_lead_to_the_reference() {
    let mut config = testing::config();
    config.docs_path = "/api-docs".to_owned();
    let app = TestApp::with(config, site::routes(), Jobs::kernel()).await;
    let reply = app.stranger().get("/api-docs").await.is(308);
    assert_eq!(reply.header("location"), "/docs");
    let _ = app.stranger().get("/api-docs/x").await.is(404);
    app.finish().await;
}

#[test]
fn every_operation_is_documented_with_examples() {
    let document = serde_json::to_value(site::routes().openapi()).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let mut names: Vec<String> = parameters.iter().map(|p| p["name"].to_string()).collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all, "{method} {path}: {names:?}");
            assert!(operation["summary"].is_string(), "{method} {path} has no summary");
        }
    }
    let parameters = document["paths"]["/audit-logs"]["get"]["parameters"].to_string();
    assert!(parameters.contains("\"cursor\"") && parameters.contains("\"entity_type\""), "{parameters}");
    for name in ["Health", "Ready", "AuditLog"] {
        assert!(!document["components"]["schemas"][name]["example"].is_null(), "{name} has no example");
    }
}
