//! What nobody should send, to every route: nothing may answer 5xx, leave the site or forge a header.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::Method;
use serde_json::{Value, json};
use shared::caller::Access;
use shared::db::sql;
use shared::routes::RouteFacts;
use shared::testing::{Actor, Reply, TestApp};

use crate::support::{files, filled, portal};

/// Everything that was wrong, so that one run shows all of it.
#[derive(Default)]
struct Findings(BTreeSet<String>);

impl Findings {
    fn look(&mut self, what: &str, route: &RouteFacts, reply: &Reply) {
        let name = format!("{} {} with {what}", route.method.as_str(), route.path);
        if reply.status >= 500 && !is_closed(route, reply) {
            self.0.insert(format!("{name}: {}", reply.status));
        }
        let place = reply.header("location");
        let leaves = place.starts_with("//") || place.starts_with("/\\") || place.contains("evil.example");
        if leaves && !place.starts_with('/') || place.starts_with("//") || place.starts_with("/\\") {
            self.0.insert(format!("{name}: leads to {place}"));
        }
        if reply.headers.contains_key("x-forged") {
            self.0.insert(format!("{name}: a header was forged"));
        }
        let is_error = (400..500).contains(&reply.status);
        let is_problem = reply.header("content-type").starts_with("application/problem+json");
        if is_error && !route.is_page && !is_problem && !reply.header("content-type").starts_with("text/html") {
            self.0.insert(format!("{name}: {} as {}", reply.status, reply.header("content-type")));
        }
    }

    #[track_caller]
    fn none(self) {
        assert!(self.0.is_empty(), "{}", self.0.into_iter().collect::<Vec<_>>().join("\n"));
    }
}

/// A machine's door whose module is off says so, before it reads anything.
fn is_closed(route: &RouteFacts, reply: &Reply) -> bool {
    reply.status == 503 && matches!(route.access, Access::Secret(_))
}

struct Walk {
    app: TestApp,
    user: i64,
    /// Every field name that any form or body of the product has.
    fields: Vec<String>,
}

impl Walk {
    async fn new() -> Self {
        let mut app = portal().await;
        app.leave_work();
        let user = app.super_admin("ann").await.id;
        Self { app, user, fields: fields() }
    }

    fn routes(&self) -> Vec<RouteFacts> {
        self.app.app().table().all().into_iter().filter(|route| !route.streams).cloned().collect()
    }

    /// Some routes end the session or count tries, so each request starts afresh.
    async fn admin(&self) -> Actor {
        self.app.execute(sql("DELETE FROM rate_limits")).await;
        self.app.sign_in(self.user).await
    }

    async fn end(self, findings: Findings) {
        findings.none();
        self.app.finish().await;
    }
}

/// Names from the API document and from the templates.
fn fields() -> Vec<String> {
    let document = serde_json::to_value(local_dev::all::routes().openapi()).unwrap();
    let mut names = BTreeSet::new();
    for schema in document["components"]["schemas"].as_object().into_iter().flatten() {
        names.extend(schema.1["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone()));
    }
    for path in files("templates", ".html") {
        let text = std::fs::read_to_string(path).unwrap();
        for part in text.split("name=\"").skip(1) {
            names.extend(part.split('"').next().filter(|name| !name.contains(['{', ' '])).map(str::to_owned));
        }
    }
    // A second token in front of the right one would only test the token.
    names.into_iter().filter(|name| name != "_csrf").collect()
}

/// Values that fit no field well.
fn values() -> Vec<(&'static str, String)> {
    vec![
        ("NUL", "a\0b".to_owned()),
        ("line breaks", "x\r\nX-Forged: 1\r\n\r\nBcc: evil@evil.example".to_owned()),
        ("a long text", "ä".repeat(60_000)),
        ("wide characters", "\u{1f469}\u{200d}\u{1f4bb}\u{202e}\u{feff}".repeat(20)),
        ("markup", "<script>alert(1)</script>{{ 7 * 7 }}{% raw %}".to_owned()),
        ("SQL", "' OR 1=1; DROP TABLE users; --".to_owned()),
        ("paths", "../../../../etc/passwd\u{0}.png".to_owned()),
        ("a huge number", "9".repeat(60)),
        ("a negative number", "-9223372036854775808".to_owned()),
        ("another site", "//evil.example/\\evil.example".to_owned()),
        ("wildcards", "%_!*\"~@+-<>()".repeat(40)),
    ]
}

async fn form(actor: &Actor, route: &RouteFacts, pairs: &[(String, String)]) -> Reply {
    let mut body = url_encoded("_csrf", &actor.csrf());
    for (name, value) in pairs {
        body.push('&');
        body.push_str(&url_encoded(name, value));
    }
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("accept", "text/html")];
    actor.send(route.method.clone(), &filled(&route.path), &headers, Body::from(body)).await
}

fn url_encoded(name: &str, value: &str) -> String {
    let safe = |text: &str| shared::context::encode_component(text);
    format!("{}={}", safe(name), safe(value))
}

async fn raw(actor: &Actor, route: &RouteFacts, kind: &str, body: Body) -> Reply {
    let csrf = actor.csrf();
    let headers = [("content-type", kind), ("x-csrf-token", csrf.as_str()), ("accept", "application/json")];
    actor.send(route.method.clone(), &filled(&route.path), &headers, body).await
}

#[tokio::test]
async fn odd_values_in_every_field() {
    let walk = Walk::new().await;
    let mut findings = Findings::default();
    for route in walk.routes().iter().filter(|route| route.method != Method::GET) {
        for (what, value) in values() {
            let actor = walk.admin().await;
            // All fields together stay below the limit of a body, so that handlers see them.
            let value: String = value.chars().take(900_000 / walk.fields.len() / 6).collect();
            let reply = if route.is_page {
                let pairs: Vec<_> = walk.fields.iter().map(|name| (name.clone(), value.clone())).collect();
                form(&actor, route, &pairs).await
            } else {
                let body: BTreeMap<_, _> = walk.fields.iter().map(|name| (name, value.clone())).collect();
                actor.json(route.method.clone(), &filled(&route.path), json!(body)).await
            };
            findings.look(what, route, &reply);
        }
    }
    walk.end(findings).await;
}

#[tokio::test]
async fn one_long_value_at_a_time() {
    let walk = Walk::new().await;
    let mut findings = Findings::default();
    let document = serde_json::to_value(local_dev::all::routes().openapi()).unwrap();
    for route in walk.routes().iter().filter(|route| !route.is_page && route.method != Method::GET) {
        for field in body_fields(&document, route) {
            for value in [json!("ä".repeat(300_000)), json!("a\0b"), json!(1e300), json!([[[]]]), json!({"a": null})] {
                let actor = walk.admin().await;
                let what = format!("{field} = {}", value.to_string().chars().take(12).collect::<String>());
                let reply = actor.json(route.method.clone(), &filled(&route.path), json!({&field: value})).await;
                findings.look(&what, route, &reply);
            }
        }
    }
    walk.end(findings).await;
}

fn body_fields(document: &Value, route: &RouteFacts) -> Vec<String> {
    let operation = &document["paths"][&route.path][route.method.as_str().to_lowercase()];
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let named = schema["$ref"].as_str().and_then(|name| document.pointer(name.trim_start_matches('#')));
    let properties = named.unwrap_or(schema)["properties"].as_object();
    properties.into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

#[tokio::test]
async fn broken_bodies() {
    let walk = Walk::new().await;
    let mut findings = Findings::default();
    let deep = "[".repeat(100_000);
    let bodies: Vec<(&str, &str, Bytes)> = vec![
        ("half a JSON", "application/json", Bytes::from_static(b"{\"a\": ")),
        ("null", "application/json", Bytes::from_static(b"null")),
        ("a list", "application/json", Bytes::from_static(b"[1, 2]")),
        ("a number", "application/json", Bytes::from_static(b"1e999")),
        ("deep JSON", "application/json", Bytes::from(deep)),
        ("bad UTF-8 as JSON", "application/json", Bytes::from_static(b"{\"email\": \"\xff\xfe\"}")),
        ("repeated keys", "application/json", Bytes::from_static(b"{\"email\":\"a\",\"email\":\"b\"}")),
        ("no body", "application/json", Bytes::new()),
        ("bad UTF-8 as form", "application/x-www-form-urlencoded", Bytes::from_static(b"email=%ff%fe&\xff=%")),
        (
            "repeated fields",
            "application/x-www-form-urlencoded",
            Bytes::from_static(b"email=a&email=b&email=c&next=/&next=//evil.example"),
        ),
        ("XML", "application/xml", Bytes::from_static(b"<a/>")),
        ("an unknown type", "application/\x7fx", Bytes::from_static(b"a")),
        ("multipart without boundary", "multipart/form-data", Bytes::from_static(b"a")),
        (
            "multipart cut off",
            "multipart/form-data; boundary=x",
            Bytes::from_static(b"--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\nabc"),
        ),
        (
            "multipart without names",
            "multipart/form-data; boundary=x",
            Bytes::from_static(b"--x\r\n\r\nabc\r\n--x--\r\n"),
        ),
    ];
    for route in walk.routes().iter().filter(|route| route.method != Method::GET) {
        for (what, kind, body) in &bodies {
            let actor = walk.admin().await;
            if http::HeaderValue::from_str(kind).is_err() {
                continue;
            }
            let reply = raw(&actor, route, kind, Body::from(body.clone())).await;
            findings.look(what, route, &reply);
        }
    }
    walk.end(findings).await;
}

#[tokio::test]
async fn ten_megabytes_are_refused() {
    const SIZE: usize = 10 * 1024 * 1024;
    let walk = Walk::new().await;
    let mut findings = Findings::default();
    let block = Bytes::from(vec![b'a'; 64 * 1024]);
    for route in walk.routes().iter().filter(|route| route.method != Method::GET) {
        for kind in ["application/json", "application/x-www-form-urlencoded", "text/plain"] {
            let actor = walk.admin().await;
            // Without a length, so that the limit holds while reading and not by the header alone.
            let blocks = std::iter::repeat_n(block.clone(), SIZE / block.len()).map(Ok::<_, std::io::Error>);
            let reply = raw(&actor, route, kind, Body::from_stream(stream::iter(blocks))).await;
            findings.look("10 MB", route, &reply);
            let is_form = kind.contains("urlencoded");
            // Without its secret a machine's door refuses before it reads anything.
            let reads = is_form && !matches!(route.access, Access::Secret(_));
            if reads && route.body_limit < SIZE && reply.status != 413 {
                findings.0.insert(format!("{} {} read 10 MB: {}", route.method, route.path, reply.status));
            }
            let length = SIZE.to_string();
            let csrf = actor.csrf();
            let headers =
                [("content-type", kind), ("content-length", length.as_str()), ("x-csrf-token", csrf.as_str())];
            let announced = actor.send(route.method.clone(), &filled(&route.path), &headers, Body::empty()).await;
            findings.look("10 MB announced", route, &announced);
            if route.body_limit < SIZE && announced.status != 413 {
                findings.0.insert(format!("{} {} took 10 MB: {}", route.method, route.path, announced.status));
            }
        }
    }
    walk.end(findings).await;
}

#[tokio::test]
async fn odd_addresses_and_queries() {
    let walk = Walk::new().await;
    let mut findings = Findings::default();
    let document = serde_json::to_value(local_dev::all::routes().openapi()).unwrap();
    let mut names: BTreeSet<String> = walk.fields.iter().cloned().collect();
    for item in document["paths"].as_object().into_iter().flatten().flat_map(|(_, item)| item.as_object()).flatten() {
        let parameters = item.1["parameters"].as_array().into_iter().flatten();
        names.extend(parameters.filter_map(|parameter| parameter["name"].as_str().map(str::to_owned)));
    }
    let odd = [
        "%00",
        "%ff%fe",
        "-1",
        "99999999999999999999",
        "abc",
        "%0d%0aX-Forged:1",
        "//evil.example",
        "0",
        "1.5",
        "",
        "%27--",
    ];
    let segments = [
        "0",
        "-1",
        "9223372036854775807",
        "9223372036854775808",
        "abc",
        "%00",
        "%ff",
        "..%2f..%2fetc",
        "1%0d%0aX-Forged:1",
        "%E2%80%AE",
    ];
    for route in walk.routes().iter().filter(|route| route.method == Method::GET) {
        let actor = walk.admin().await;
        for value in odd {
            let query: Vec<String> =
                names.iter().take(60).map(|name| format!("{name}={value}&{name}={value}")).collect();
            let path = format!("{}?{}", filled(&route.path), query.join("&"));
            findings.look(&format!("every parameter {value}"), route, &actor.get(&path).await);
        }
        for name in ["page", "size", "limit", "offset", "sort", "cursor", "q", "status", "next", "from", "to", "token"]
        {
            for value in odd {
                let path = format!("{}?{name}={value}", filled(&route.path));
                findings.look(&format!("{name}={value}"), route, &actor.api(Method::GET, &path).await);
            }
        }
        walk.app.execute(sql("DELETE FROM rate_limits")).await;
    }
    for route in walk.routes().iter().filter(|route| route.path.contains('{')) {
        for segment in segments {
            let path = filled(&route.path).replace("999999", segment);
            let actor = walk.admin().await;
            let reply = if route.method == Method::GET {
                actor.get(&path).await
            } else if route.is_page {
                actor.post(&path, &[]).await
            } else {
                actor.json(route.method.clone(), &path, json!({})).await
            };
            findings.look(&format!("the id {segment}"), route, &reply);
        }
    }
    walk.end(findings).await;
}

#[tokio::test]
async fn odd_headers() {
    let walk = Walk::new().await;
    let mut findings = Findings::default();
    let long = "x".repeat(9000);
    let headers: Vec<(&str, &str)> = vec![
        ("x-forwarded-for", "127.0.0.1, 10.0.0.1, ::1, \"; DROP TABLE"),
        ("x-forwarded-host", "evil.example"),
        ("forwarded", "for=127.0.0.1;host=evil.example;proto=https"),
        ("host", "evil.example"),
        ("host", "evil.example:99999\\@x"),
        ("cookie", "myportal_session=%ff; myportal_session=; =; ;;; a"),
        ("cookie", &long),
        ("authorization", "Basic !!!"),
        ("x-api-key", &long),
        ("idempotency-key", &long),
        ("idempotency-key", "\u{7f}"),
        ("accept", "*/*;q=99, text/html;;;, application/\u{7f}"),
        ("accept-language", "%%%"),
        ("if-none-match", "\"\"\", W/\"x"),
        ("if-modified-since", "yesterday"),
        ("range", "bytes=-9999999999999999999999"),
        ("referer", "https://evil.example/\\x"),
        ("hx-request", "true"),
        ("hx-target", "\"><script>"),
        ("content-type", "application/json; charset=\"utf-7"),
        ("user-agent", &long),
    ];
    for route in walk.routes() {
        for (name, value) in &headers {
            let Ok(value) = http::HeaderValue::from_str(value) else { continue };
            let actor = walk.admin().await.with_header(name, value.to_str().unwrap_or("x"));
            let reply = match (&route.method, route.is_page) {
                (&Method::GET, _) => actor.get(&filled(&route.path)).await,
                (_, true) => actor.post(&filled(&route.path), &[]).await,
                (method, false) => actor.json(method.clone(), &filled(&route.path), json!({})).await,
            };
            findings.look(
                &format!("{name}: {}", value.to_str().unwrap_or_default().chars().take(30).collect::<String>()),
                &route,
                &reply,
            );
        }
    }
    walk.end(findings).await;
}

#[tokio::test]
async fn nobody_is_led_away_after_signing_in() {
    let app = portal().await;
    app.user("ben", |_| ()).await;
    for next in [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/%09/evil.example",
        "/\t/evil.example",
        "/\r\nLocation: https://evil.example",
        "javascript:alert(1)",
        "https:evil.example",
        "/login?next=//evil.example",
        "////evil.example",
        "@evil.example",
        "",
    ] {
        let browser = app.stranger();
        let path = format!("/login?next={}", shared::context::encode_component(next));
        let page = browser.get(&path).await;
        assert!(page.status < 400, "{next:?}: {}", page.status);
        let fields = [("email", "ben@example.com"), ("password", shared::testing::PASSWORD), ("next", next)];
        let reply = browser.post("/auth/login", &fields).await;
        let place = reply.header("location").to_owned();
        assert_eq!(reply.status, 303, "{next:?}");
        let is_ours = place.starts_with('/') && !place.starts_with("//") && !place.starts_with("/\\");
        assert!(is_ours && !place.contains(['\t', '\r', '\n']), "{next:?} leads to {place:?}");
        app.execute(sql("DELETE FROM rate_limits")).await;
    }
    app.finish().await;
}

#[tokio::test]
async fn forwarding_headers_of_strangers_count_for_nothing() {
    let mut app = portal().await;
    app.leave_work();
    let forged = app.stranger().at("203.0.113.50").with_header("x-forwarded-for", "198.51.100.1");
    let body = json!({"email": "nobody@example.com", "password": "wrong horse battery"});
    let _ = forged.json(Method::POST, "/auth/login", body).await.is(401);
    let seen: Vec<(Option<String>,)> =
        app.rows(sql("SELECT ip_address FROM audit_logs WHERE ip_address IS NOT NULL ORDER BY id LIMIT 50")).await;
    assert!(seen.iter().all(|(ip,)| ip.as_deref() != Some("198.51.100.1")), "{seen:?}");
    // Whoever claims to be this machine does not see its mail.
    let claims = app.stranger().at("203.0.113.50").with_header("x-forwarded-for", "127.0.0.1");
    assert_eq!(claims.get("/dev/mailbox").await.status, 404);
    app.finish().await;
}
