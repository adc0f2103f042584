//! Headers of every answer, and cookies.

use chrono::TimeDelta;
use http::Method;
use shared::client_ip::TrustedProxies;
use shared::testing::Reply;

use super::{portal, portal_with, set_cookies};

#[tokio::test]
async fn signing_out_ends_both_cookies() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let reply = ann.post("/logout", &[]).await.goes_to("/open");
    let ended: Vec<String> = set_cookies(&reply).into_iter().filter(|c| c.contains("Max-Age=0")).collect();
    assert!(ended[0].starts_with("myportal_session=; Path=/; SameSite=Lax; HttpOnly"), "{ended:?}");
    assert!(ended[1].starts_with("myportal_session_csrf=; Path=/; SameSite=Lax"), "{ended:?}");
    assert_eq!(ann.cookie("myportal_session"), None);
    app.finish().await;
}

#[tokio::test]
async fn every_answer_carries_the_safety_headers() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    for reply in [ann.get("/mine").await, ann.get("/nowhere").await, ann.api(Method::GET, "/api/who").await] {
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("x-frame-options", "DENY"),
            ("cache-control", "no-store"),
            ("strict-transport-security", ""),
        ] {
            assert_eq!(reply.header(name), value, "{name}");
        }
        assert!(reply.header("permissions-policy").contains("camera=()"));
        assert_eq!(reply.header("x-request-id").len(), 16);
    }
    let program = app.stranger().api(Method::GET, "/api/refuse").await;
    assert_eq!(program.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
    let visitor = app.stranger().get("/open").await;
    assert_eq!(visitor.header("cache-control"), "no-cache");
    assert!(visitor.header("vary").contains("Cookie"));
    app.finish().await;
}

#[tokio::test]
async fn the_content_policy_names_the_nonce_of_its_page() {
    let app = portal().await;
    let (first, second) = (app.stranger().get("/open").await, app.stranger().get("/nowhere").await);
    let nonce = |reply: &Reply| {
        let text = reply.text();
        let (_, rest) = text.split_once("nonce=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    for reply in [&first, &second] {
        let policy = reply.header("content-security-policy");
        assert!(policy.contains(&format!("script-src 'nonce-{}';", nonce(reply))), "{policy}");
        for part in ["default-src 'none'", "style-src 'self'", "form-action 'self'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"));
    }
    assert_ne!(nonce(&first), nonce(&second));
    app.finish().await;
}

#[tokio::test]
async fn uploads_may_reach_the_bucket_and_nothing_else() {
    let app = portal().await;
    let endpoint = app.app().config().bucket.endpoint.clone();
    let policy = app.stranger().get("/open").await.header("content-security-policy").to_owned();
    assert!(policy.contains(&format!("connect-src 'self' {endpoint};")), "{policy}");
    app.finish().await;
}

#[tokio::test]
async fn cookies_are_secure_wherever_https_is_known() {
    for (portal, header, secure) in [
        (Some("http://portal.test"), "", false),
        (None, "", false),
        (Some("https://portal.test"), "", true),
        (None, "https", true),
        (Some("http://portal.test"), "https", true),
    ] {
        let app = portal_with(|config| {
            config.portal_url = portal.map(|url| url.parse().unwrap());
            config.trusted_proxies = TrustedProxies::parse("10.0.0.0/8").unwrap();
        })
        .await;
        let ann = app.requester("ann").await;
        app.advance(TimeDelta::seconds(61));
        let ann = ann.at("10.0.0.1").with_header("x-forwarded-proto", if header.is_empty() { "http" } else { header });
        let cookies = set_cookies(&ann.get("/mine").await.is(200));
        assert!(cookies[0].starts_with("myportal_session="), "{cookies:?}");
        assert!(cookies[0].contains("; HttpOnly; Max-Age=43200"), "{cookies:?}");
        assert!(cookies[1].starts_with("myportal_session_csrf=") && !cookies[1].contains("HttpOnly"), "{cookies:?}");
        assert!(cookies.iter().all(|c| c.contains("; Secure") == secure), "{portal:?} {header:?} {cookies:?}");
        app.finish().await;
    }
}

#[tokio::test]
async fn a_forged_scheme_is_not_believed() {
    let app = portal().await;
    let ann = app.requester("ann").await.with_header("x-forwarded-proto", "https");
    app.advance(TimeDelta::seconds(61));
    let cookies = set_cookies(&ann.get("/mine").await.is(200));
    assert!(!cookies.is_empty() && cookies.iter().all(|c| !c.contains("Secure")), "{cookies:?}");
    app.finish().await;
}

#[tokio::test]
async fn forwarding_headers_count_from_trusted_proxies_only() {
    let app = portal_with(|c| c.trusted_proxies = TrustedProxies::parse("10.0.0.0/8").unwrap()).await;
    let forged = app.stranger().with_header("x-forwarded-for", "1.1.1.1, 198.51.100.7");
    let _ = forged.get("/open").await.shows("Open to 203.0.113.7");
    let _ = forged.at("10.1.1.1").get("/open").await.shows("Open to 198.51.100.7");
    app.finish().await;
}
