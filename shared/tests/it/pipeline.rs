//! What happens around every handler, as browsers and programs see it.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chrono::TimeDelta;
use futures_util::stream;
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::api;
use shared::caller::{Anyone, Fresh, Keyed, SuperAdmin, Unsettled, User};
use shared::client_ip::TrustedProxies;
use shared::config::{Config, GeneralLimits};
use shared::db::sql;
use shared::error::{Error, Result};
use shared::flash::Flash;
use shared::jobs::Jobs;
use shared::routes::Routes;
use shared::testing::{Actor, Reply, TestApp, config};
use shared::web::{EndCookies, Form, Json, Multipart};

use crate::{Note, insert_key};

#[derive(Deserialize)]
struct Saved {
    #[serde(default)]
    name: String,
}

async fn open(by: Anyone) -> Result<Response> {
    by.page(&Note::new(format!("Open to {}", by.ip()))).await
}

async fn mine(by: User) -> Result<Response> {
    by.page(&Note::new(format!("Hello {}", by.me().user.email))).await
}

async fn save(by: User, form: Form<Saved>) -> Result<Response> {
    by.see("/open", Flash::done(format!("Saved {}", form.name))).await
}

async fn sign_in(by: Anyone, _form: Form<Saved>) -> Result<Response> {
    Ok(by.go("/"))
}

async fn sign_out(by: User) -> Result<Response> {
    let mut response = by.see("/open", Flash::done("Signed out")).await?;
    response.extensions_mut().insert(EndCookies);
    Ok(response)
}

async fn leave(by: Anyone) -> Result<Response> {
    by.see("/open", Flash::done("Signed out")).await
}

async fn take(_by: User, form: Multipart) -> Result<String> {
    let fields: Saved = form.fields()?;
    let files: Vec<String> = form.files.iter().map(|f| format!("{} {} {}", f.name, f.size, f.sha256)).collect();
    Ok(format!("{}: {}", fields.name, files.join(", ")))
}

async fn refuse(_by: Anyone) -> Result<Response> {
    Err(Error::conflict("Somebody was faster").code("too_late"))
}

async fn panics(_by: Anyone) -> Result<Response> {
    panic!("a handler fell over")
}

async fn administration(by: SuperAdmin) -> Result<Response> {
    by.page(&Note::new("Welcome")).await
}

async fn waiting_room(by: Unsettled) -> Result<Response> {
    by.page(&Note::new("Change your password")).await
}

async fn secrets(by: Fresh<User>) -> Result<Response> {
    by.page(&Note::new("Behind two doors")).await
}

/// Who asks.
#[utoipa::path(get, path = "/api/who", responses((status = 200)))]
async fn who(by: Keyed<User>) -> Json<Value> {
    Json(json!({ "person": by.person().map(|p| p.user.email.clone()), "key": by.key().map(|k| k.id), "ip": by.ip() }))
}

/// Changes something.
#[utoipa::path(post, path = "/api/things", responses((status = 201)))]
async fn create(_by: Keyed<User>, body: Json<Value>) -> impl IntoResponse {
    (StatusCode::CREATED, body)
}

/// Refuses.
#[utoipa::path(get, path = "/api/refuse", responses((status = 409)))]
async fn api_refuse(_by: Anyone) -> Result<Json<Value>> {
    Err(Error::conflict("Somebody was faster").code("too_late").with("winner", "Ann"))
}

/// Panics.
#[utoipa::path(get, path = "/api/panics", responses((status = 200)))]
async fn api_panics(_by: Anyone) -> Result<Json<Value>> {
    panic!("a handler fell over")
}

fn routes() -> Routes {
    Routes::area("test", &["/"])
        .page("/open", open)
        .page("/mine", mine)
        .form("/save", save)
        .form("/auth/login", sign_in)
        .form("/logout", sign_out)
        .form("/leave", leave)
        .upload_form("/take", take)
        .page("/refuse", refuse)
        .page("/panics", panics)
        .page("/administration", administration)
        .page("/waiting-room", waiting_room)
        .page("/secrets", secrets)
        .scope("things")
        .api(api!(who))
        .api(api!(create))
        .api(api!(api_refuse))
        .api(api!(api_panics))
}

async fn portal() -> TestApp {
    TestApp::new(routes(), Jobs::none()).await
}

async fn portal_with(change: impl FnOnce(&mut Config)) -> TestApp {
    let mut config = config();
    change(&mut config);
    TestApp::with(config, routes(), Jobs::none()).await
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const JSON: (&str, &str) = ("content-type", "application/json");

async fn form(actor: &Actor, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    let headers = [&[FORM, ("accept", "text/html")], headers].concat();
    actor.send(Method::POST, path, &headers, Body::from(body.to_owned())).await
}

/// A body of unknown length, in pieces.
fn chunked(pieces: Vec<Vec<u8>>) -> Body {
    Body::from_stream(stream::iter(pieces.into_iter().map(|piece| Ok::<_, std::io::Error>(Bytes::from(piece)))))
}

/// Name and attributes of each cookie that was set.
fn set_cookies(reply: &Reply) -> Vec<String> {
    reply.headers.get_all("set-cookie").iter().map(|v| v.to_str().unwrap().to_owned()).collect()
}

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
async fn the_signed_out_are_sent_to_sign_in_and_back() {
    let app = portal().await;
    let nobody = app.stranger();
    let _ = nobody
        .get("/mine?a=1&b=x y".replace(' ', "%20").as_str())
        .await
        .goes_to("/login?next=%2Fmine%3Fa%3D1%26b%3Dx%2520y");
    let _ = nobody.post("/save", &[]).await.goes_to("/login");
    let from = [("referer", "http://portal.test/mine?tab=2")];
    let _ = form(&nobody, "/save", &from, "name=x").await.goes_to("/login?next=%2Fmine%3Ftab%3D2");
    let foreign = [("referer", "https://evil.example//evil.example")];
    let _ = form(&nobody, "/save", &foreign, "name=x").await.goes_to("/login");
    let reply = nobody.api(Method::GET, "/api/who").await.is(401).says("Not authenticated");
    assert_eq!(reply.header("content-type"), "application/problem+json");
    app.finish().await;
}

#[tokio::test]
async fn a_closed_page_leads_home_with_a_message_shown_once() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let _ = ann.get("/administration").await.goes_to("/");
    // A region drawn in between does not swallow the message.
    let _ = ann.region("/open", "side").await.is(200).hides("do not have access");
    let _ = ann.get("/open").await.is(200).shows("You do not have access to administration.");
    let _ = ann.get("/open").await.is(200).hides("do not have access");
    app.finish().await;
}

#[tokio::test]
async fn a_form_leads_on_with_a_message_shown_once() {
    let app = portal().await;
    let (ann, ben) = (app.requester("ann").await, app.requester("ben").await);
    let _ = ann.post("/save", &[("name", "<b>")]).await.goes_to("/open");
    let _ = ben.get("/open").await.hides("Saved");
    let _ = ann.get("/open").await.shows("Saved &lt;b&gt;");
    let _ = ann.get("/open").await.hides("Saved");
    let _ = ann.post("/save", &[("name", "late")]).await.goes_to("/open");
    app.advance(TimeDelta::minutes(11));
    let _ = ann.get("/open").await.hides("Saved");
    app.finish().await;
}

#[tokio::test]
async fn partial_forms_are_redirected_by_header() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let csrf = ann.csrf();
    let reply = form(&ann, "/save", &[("hx-request", "true"), ("x-csrf-token", &csrf)], "name=x").await.is(204);
    assert_eq!(reply.header("hx-redirect"), "/open");
    app.finish().await;
}

#[tokio::test]
async fn messages_reach_people_without_a_session_by_cookie() {
    let app = portal().await;
    let nobody = app.stranger();
    let reply = nobody.post("/leave", &[]).await.goes_to("/open");
    assert!(set_cookies(&reply)[0].starts_with("myportal_notice=signed_out; Path=/; Max-Age=60; HttpOnly"));
    let _ = nobody.region("/open", "side").await.is(200);
    let _ = nobody.get("/open").await.shows("Signed out");
    assert_eq!(nobody.cookie("myportal_notice"), None);
    let _ = nobody.get("/open").await.hides("Signed out");
    nobody.set_cookie("myportal_notice", "<script>");
    let _ = nobody.get("/open").await.is(200).hides("<script>");
    app.finish().await;
}

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
async fn bodies_have_a_limit_announced_or_not() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let csrf = ann.csrf();
    let token = ("x-csrf-token", csrf.as_str());
    let too_long = [JSON, token, ("content-length", "1048577")];
    let _ = ann.send(Method::POST, "/api/things", &too_long, Body::empty()).await.is(413);
    let pieces = || chunked(vec![vec![b'x'; 600_000], vec![b'x'; 600_000]]);
    let _ = ann.send(Method::POST, "/api/things", &[JSON, token], pieces()).await.is(413);
    let reply = ann.send(Method::POST, "/save", &[FORM, token], pieces()).await.is(413);
    assert!(reply.header("content-type").starts_with("text/html"));
    let multipart = ("content-type", "multipart/form-data; boundary=b");
    let head = b"--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n".to_vec();
    let body = chunked(vec![head, vec![b'x'; 600_000], vec![b'x'; 600_000]]);
    let _ = ann.send(Method::POST, "/save", &[multipart, token], body).await.is(413);
    let fits = json!({ "text": "x".repeat(1_000_000) });
    let _ = ann.json(Method::POST, "/api/things", fits).await.is(201);
    app.finish().await;
}

#[tokio::test]
async fn text_fields_of_an_upload_have_the_limit_of_forms() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let long = "x".repeat(1_100_000);
    let _ = ann.upload("/take", &[("name", &long)], &[]).await.is(413);
    let half = "x".repeat(600_000);
    let _ = ann.upload("/take", &[("name", &half), ("more", &half)], &[]).await.is(413);
    let _ = ann.upload("/take", &[("name", &half)], &[]).await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn other_content_types_are_415() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let csrf = ann.csrf();
    let headers = [("content-type", "text/plain"), ("x-csrf-token", csrf.as_str())];
    for path in ["/api/things", "/save", "/take"] {
        let _ = ann.send(Method::POST, path, &headers, Body::from("{}")).await.is(415);
    }
    app.finish().await;
}

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
async fn a_file_passes_the_token_check_whole() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    // Longer than what the pipeline reads ahead, with text that looks like the form's own.
    let mut content = b"--another\r\nname=\"_csrf\"\r\n\r\nno\r\n".repeat(10_000);
    content.push(0xff);
    let hash = shared::tokens::sha256_hex(&content);
    let reply = ann.upload("/take", &[("name", "é")], &[("f", "a.bin", "text/plain", &content)]).await.is(200);
    assert_eq!(reply.text(), format!("é: a.bin {} {hash}", content.len()));
    let plain = ann.post("/take", &[("name", "no file"), ("new_password", "x")]).await.is(200);
    assert_eq!(plain.text(), "no file: ");
    let stranger = app.stranger();
    let _ = stranger.upload("/take", &[], &[("f", "a.bin", "text/plain", b"x")]).await.goes_to("/login");
    ann.set_cookie("myportal_session_csrf", "0");
    let _ = ann.upload("/take", &[], &[("f", "a.bin", "text/plain", b"x")]).await.is(403);
    app.finish().await;
}

#[tokio::test]
async fn a_body_in_tiny_pieces_is_read_in_time() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let csrf = ann.csrf();
    let mut body = b"--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\n".to_vec();
    body.extend(vec![b'x'; 80_000]);
    body.extend_from_slice(b"\r\n--b--\r\n");
    let headers = [("content-type", "multipart/form-data; boundary=b"), ("x-csrf-token", csrf.as_str())];
    let started = std::time::Instant::now();
    let body = chunked(body.into_iter().map(|byte| vec![byte]).collect());
    let _ = ann.send(Method::POST, "/take", &headers, body).await.is(200);
    assert!(started.elapsed().as_secs() < 10, "took {:?}", started.elapsed());
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
async fn sessions_slide_once_a_minute_and_end() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    assert_eq!(set_cookies(&ann.get("/mine").await.is(200)), Vec::<String>::new());
    app.advance(TimeDelta::minutes(700));
    assert_eq!(set_cookies(&ann.get("/mine").await.is(200)).len(), 2);
    app.advance(TimeDelta::minutes(700));
    let _ = ann.get("/mine").await.is(200);
    app.advance(TimeDelta::minutes(721));
    let reply = ann.get("/mine").await.goes_to("/login?next=%2Fmine");
    assert!(set_cookies(&reply).iter().all(|c| c.contains("Max-Age=0")), "the ended session's cookies go");
    app.finish().await;
}

#[tokio::test]
async fn a_stale_cookie_is_cleared() {
    let app = portal().await;
    let nobody = app.stranger();
    for stale in ["0".repeat(64), "nonsense".to_owned()] {
        nobody.set_cookie("myportal_session", &stale);
        let reply = nobody.get("/open").await.is(200);
        assert_eq!(set_cookies(&reply).len(), 2, "{stale}");
        assert_eq!(nobody.cookie("myportal_session"), None);
    }
    app.finish().await;
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

#[tokio::test]
async fn forwarding_headers_count_from_trusted_proxies_only() {
    let app = portal_with(|c| c.trusted_proxies = TrustedProxies::parse("10.0.0.0/8").unwrap()).await;
    let forged = app.stranger().with_header("x-forwarded-for", "1.1.1.1, 198.51.100.7");
    let _ = forged.get("/open").await.shows("Open to 203.0.113.7");
    let _ = forged.at("10.1.1.1").get("/open").await.shows("Open to 198.51.100.7");
    app.finish().await;
}

#[tokio::test]
async fn the_general_limit_answers_429_with_the_time_to_wait() {
    let app = portal_with(|c| c.limits = GeneralLimits { coarse: 12, anonymous: 3, signed_in: 5 }).await;
    let ann = app.requester("ann").await.at("198.51.100.1");
    let nobody = app.stranger();
    for _ in 0..3 {
        let _ = nobody.get("/open").await.is(200);
    }
    let reply = nobody.get("/open").await.is(429).shows("Rate limit exceeded. Try again in");
    assert_eq!(reply.header("retry-after"), "900");
    let reply = nobody.api(Method::GET, "/api/refuse").await.is(429).says("Rate limit exceeded");
    assert_eq!(reply.value()["retry_after"], 900);
    for _ in 0..5 {
        let _ = ann.get("/mine").await.is(200);
    }
    let reply = ann.get("/mine").await.is(429);
    assert_eq!(set_cookies(&reply), Vec::<String>::new(), "who asks too often stays signed in");
    for _ in 0..6 {
        let _ = ann.get("/mine").await.is(429);
    }
    let reply = ann.get("/mine").await.is(429);
    assert_eq!(set_cookies(&reply), Vec::<String>::new(), "not even the guard in front signs out");
    app.advance(TimeDelta::seconds(899));
    assert_eq!(nobody.get("/open").await.is(429).header("retry-after"), "1");
    app.advance(TimeDelta::seconds(1));
    let _ = nobody.get("/open").await.is(200);
    let _ = ann.get("/mine").await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn counted_limits_hold_against_parallel_tries() {
    let app = portal().await;
    let tries = (0..30).map(|_| shared::rate_limit::hit(app.app(), &shared::rate_limit::LOGIN, "ann"));
    let passed = futures_util::future::join_all(tries).await.into_iter().flatten().count();
    assert_eq!(passed, 5);
    let refused = shared::rate_limit::hit(app.app(), &shared::rate_limit::LOGIN, "ann").await;
    assert!(matches!(refused, Err(Error::TooMany { retry_after: 300, .. })), "{refused:?}");
    app.advance(TimeDelta::seconds(300));
    assert!(shared::rate_limit::hit(app.app(), &shared::rate_limit::LOGIN, "ann").await.is_ok());
    app.finish().await;
}

#[tokio::test]
async fn who_must_change_the_password_gets_no_further() {
    let app = portal().await;
    let id = app.user("ann", |new| new.force_password_change = true).await;
    let ann = app.sign_in(id).await;
    let _ = ann.get("/mine").await.goes_to("/change-password");
    let _ = ann.get("/waiting-room").await.is(200);
    let reply = ann.api(Method::GET, "/api/who").await.is(403).says("Password change required");
    assert_eq!(reply.value()["code"], "password_change_required");
    app.finish().await;
}

#[tokio::test]
async fn who_must_confirm_the_address_gets_no_further() {
    let app = portal_with(|config| config.require_email_verification = true).await;
    let unconfirmed = app
        .user("ann", |new| {
            new.is_self_registered = true;
            new.email_verified_at = None;
        })
        .await;
    let ann = app.sign_in(unconfirmed).await;
    let _ = ann.get("/mine").await.goes_to("/verify-email");
    let _ = ann.get("/waiting-room").await.is(200);
    let _ = app.requester("ben").await.get("/mine").await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn a_fresh_password_opens_for_fifteen_minutes() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    app.advance(TimeDelta::minutes(15));
    let _ = ann.get("/secrets").await.is(200);
    app.advance(TimeDelta::seconds(1));
    let _ = ann.get("/secrets?a=1").await.goes_to("/confirm-password?next=%2Fsecrets%3Fa%3D1");
    let reply = ann.region("/secrets", "side").await.is(403);
    assert_eq!(reply.header("x-problem-code"), "reauthentication_required");
    app.finish().await;
}

#[tokio::test]
async fn inactive_people_and_revoked_sessions_are_nobody() {
    let app = portal().await;
    let (ann, ben) = (app.requester("ann").await, app.requester("ben").await);
    app.execute(sql("UPDATE users SET is_active = FALSE WHERE id = ?").bind(ann.id)).await;
    let revoked = sql("UPDATE user_sessions SET revoked_at = ? WHERE user_id = ?").bind(app.app().now()).bind(ben.id);
    app.execute(revoked).await;
    for actor in [ann, ben] {
        let _ = actor.get("/mine").await.goes_to("/login?next=%2Fmine");
        assert_eq!(actor.cookie("myportal_session"), None);
    }
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
