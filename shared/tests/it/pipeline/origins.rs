//! Requests from other sites, tokens of forms, and keys beside cookies.

use axum::body::Body;
use http::Method;
use serde_json::{Value, json};
use shared::db::sql;

use super::{JSON, form, portal, portal_with, set_cookies};
use crate::insert_key;

#[tokio::test]
async fn a_form_needs_the_token_of_its_session() {
    let app = portal().await;
    let (ann, ben) = (app.requester("ann").await, app.requester("ben").await);
    let (good, other) = (ann.csrf(), ben.csrf());
    for (headers, body, status) in [
        (&[][..], "name=x".to_owned(), 403),
        (&[], format!("_csrf={other}&name=x"), 403),
        (&[], "_csrf=&name=x".to_owned(), 403),
        (&[], format!("name=x&_csrf={good}"), 303),
        (&[("x-csrf-token", good.as_str())], "name=x".to_owned(), 303),
        (&[("x-csrftoken", good.as_str())], "name=x".to_owned(), 303),
        (&[("csrf-token", good.as_str())], "name=x".to_owned(), 303),
        // The header wins.
        (&[("x-csrf-token", other.as_str())], format!("_csrf={good}"), 403),
        (&[("x-csrf-token", good.as_str())], format!("_csrf={other}"), 303),
    ] {
        let reply = form(&ann, "/save", headers, &body).await;
        assert_eq!(reply.status, status, "{headers:?} {body}");
    }
    let missing = ann.send(Method::POST, "/api/things", &[JSON], Body::from("{}")).await.is(403);
    assert_eq!(missing.value()["code"], "csrf_missing");
    let headers = [JSON, ("x-csrf-token", other.as_str())];
    let mismatch = ann.send(Method::POST, "/api/things", &headers, Body::from("{}")).await.is(403);
    assert_eq!(mismatch.value()["code"], "csrf_mismatch");
    assert_eq!(form(&ann, "/auth/login", &[], "").await.status, 303, "signing in needs no token");
    app.finish().await;
}

#[tokio::test]
async fn other_sites_are_refused_even_without_a_session() {
    let app = portal().await;
    let (ann, nobody) = (app.requester("ann").await, app.stranger());
    let csrf = ann.csrf();
    for (header, status) in [
        (("origin", "https://evil.example"), 403),
        (("origin", "null"), 403),
        (("origin", "http://portal.test.evil.example"), 403),
        (("origin", "http://portal.test"), 303),
        (("sec-fetch-site", "cross-site"), 403),
        (("sec-fetch-site", "same-site"), 403),
        (("sec-fetch-site", "same-origin"), 303),
        (("sec-fetch-site", "none"), 303),
    ] {
        let reply = form(&ann, "/save", &[header, ("x-csrf-token", &csrf)], "").await;
        assert_eq!(reply.status, status, "{header:?}");
        assert_eq!(form(&nobody, "/auth/login", &[header], "").await.status, status, "{header:?}");
    }
    for (site, status) in [("same-origin", 303), ("none", 403), ("same-site", 403), ("cross-site", 403)] {
        let hidden = [("origin", "null"), ("sec-fetch-site", site), ("x-csrf-token", &csrf)];
        assert_eq!(form(&ann, "/save", &hidden, "").await.status, status, "null from {site}");
        assert_eq!(form(&nobody, "/auth/login", &hidden[..2], "").await.status, status, "null from {site}");
    }
    let no_token = [("origin", "null"), ("sec-fetch-site", "same-origin")];
    assert_eq!(form(&ann, "/save", &no_token, "").await.status, 403, "the token is wanted all the same");
    let headers = [JSON, ("origin", "https://evil.example"), ("x-csrf-token", &csrf)];
    let refused = ann.send(Method::POST, "/api/things", &headers, Body::from("{}")).await.is(403);
    assert_eq!(refused.value()["code"], "csrf_origin");
    let _ = refused.says("Cross-site request refused");
    let reply = ann.send(Method::GET, "/mine", &[("origin", "https://evil.example")], Body::empty()).await;
    assert_eq!(reply.status, 200, "reading is no matter of origin");
    app.finish().await;
}

#[tokio::test]
async fn a_key_or_bearer_means_that_the_cookie_is_ignored() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let id = insert_key(&app, "key-for-things", r#"["things:write"]"#).await;
    let both = ann.copy().with_header("x-api-key", "key-for-things");
    let reply = both.api(Method::GET, "/api/who").await.is(200);
    assert_eq!((&reply.value()["key"], &reply.value()["person"]), (&json!(id), &Value::Null));
    let reply = both.send(Method::POST, "/api/things", &[JSON], Body::from("{}")).await.is(201);
    assert_eq!(set_cookies(&reply), Vec::<String>::new());
    let reply = ann.copy().with_header("x-api-key", "wrong").api(Method::GET, "/api/who").await.is(401);
    assert_eq!(reply.value()["code"], "invalid_api_key");
    let bearer = ann.copy().with_header("authorization", "Bearer x");
    let reply = bearer.api(Method::GET, "/api/who").await.is(401);
    assert_eq!(set_cookies(&reply), Vec::<String>::new(), "an ignored cookie is not a stale one");
    let reply = both.get("/mine").await.goes_to("/login?next=%2Fmine");
    assert_eq!(set_cookies(&reply), Vec::<String>::new(), "pages never read a key");
    let usage = sql("SELECT usage_count FROM api_key_usage WHERE api_key_id = ?").bind(id);
    assert_eq!(app.number(usage).await, 2);
    app.finish().await;
}

#[tokio::test]
async fn keys_work_within_their_scope_only() {
    let app = portal().await;
    insert_key(&app, "reads", r#"["things:read"]"#).await;
    insert_key(&app, "others", r#"["tickets:write"]"#).await;
    let (reads, others) = (app.stranger().with_key("reads"), app.stranger().with_key("others"));
    let _ = reads.api(Method::GET, "/api/who").await.is(200);
    let _ =
        reads.json(Method::POST, "/api/things", json!({})).await.is(403).says("API key lacks the scope things:write");
    let _ = others.api(Method::GET, "/api/who").await.is(403).says("API key lacks the scope things:read");
    app.finish().await;
}

#[tokio::test]
async fn keys_that_fail_too_often_are_429() {
    let app = portal().await;
    let thief = app.stranger().with_key("wrong");
    for _ in 0..20 {
        let _ = thief.api(Method::GET, "/api/who").await.is(401);
    }
    let reply = thief.api(Method::GET, "/api/who").await.is(429).says("Too many requests");
    assert_eq!(reply.header("retry-after"), "900");
    let _ = thief.at("198.51.100.1").api(Method::GET, "/api/who").await.is(401);
    app.finish().await;
}

#[tokio::test]
async fn only_listed_origins_may_call_across() {
    let app = portal_with(|config| config.allowed_origins = vec!["https://app.example".to_owned()]).await;
    let nobody = app.stranger();
    for (origin, allowed) in [("https://app.example", true), ("https://evil.example", false), ("null", false)] {
        let headers = [("origin", origin), ("accept", "application/json"), ("access-control-request-method", "POST")];
        let preflight = nobody.send(Method::OPTIONS, "/api/things", &headers, Body::empty()).await;
        assert_eq!(preflight.status, if allowed { 204 } else { 405 }, "{origin}");
        let answer = nobody.send(Method::GET, "/api/refuse", &headers, Body::empty()).await.is(409);
        for reply in [&preflight, &answer] {
            let expected = if allowed { origin } else { "" };
            assert_eq!(reply.header("access-control-allow-origin"), expected, "{origin}");
            let credentials = if allowed { "true" } else { "" };
            assert_eq!(reply.header("access-control-allow-credentials"), credentials, "{origin}");
        }
        if allowed {
            assert!(preflight.header("access-control-allow-methods").contains("PATCH"));
            assert!(preflight.header("access-control-allow-headers").contains("x-api-key"));
            assert!(answer.header("access-control-expose-headers").contains("x-total-count"));
            assert!(answer.header("vary").contains("Origin"));
        }
    }
    app.finish().await;
    let app = portal().await;
    let reply =
        app.stranger().send(Method::GET, "/api/refuse", &[("origin", "https://app.example")], Body::empty()).await;
    assert_eq!(reply.header("access-control-allow-origin"), "", "nobody is listed by default");
    app.finish().await;
}
