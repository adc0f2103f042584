//! The same POST twice does its work once.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use futures_util::future::join;
use http::{Method, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::api;
use shared::audit::Change;
use shared::caller::{Keyed, User};
use shared::context::By;
use shared::db::sql;
use shared::error::{Error, Result};
use shared::flash::Flash;
use shared::jobs::Jobs;
use shared::routes::Routes;
use shared::testing::{Actor, Reply, TestApp};
use shared::web::{Form, Json};

use crate::insert_key;

/// Does the work: one line of the trail, slowly or not at all when it is told so.
async fn work(by: &By, how: &str) -> Result<i64> {
    match how {
        "slow" => tokio::time::sleep(std::time::Duration::from_millis(400)).await,
        "refused" => return Err(Error::conflict("Not now")),
        "broken" => return Err(Error::Internal(std::io::Error::other("broken").into())),
        "panics" => panic!("a handler fell over"),
        _ => {}
    }
    let lines: i64 = sql("SELECT COUNT(*) FROM audit_logs").fetch_value(by.db()).await?;
    let mut tx = by.begin().await?;
    tx.audit(Change::new("thing.created", "thing", lines + 1));
    tx.commit().await?;
    if how == "cut off" {
        std::future::pending::<()>().await;
    }
    Ok(lines + 1)
}

/// Reads how the next try goes, which the same body must not say.
async fn mood(by: &By) -> Result<String> {
    let row: (Option<String>,) = sql("SELECT login_message FROM site_settings WHERE id = 1").fetch_one(by.db()).await?;
    Ok(row.0.unwrap_or_default())
}

/// Creates a thing.
#[utoipa::path(post, path = "/api/things", responses((status = 201)))]
async fn create(by: Keyed<User>, body: Json<Value>) -> Result<Response> {
    let id = work(&by, &mood(&by).await?).await?;
    let location = [(header::LOCATION, format!("/api/things/{id}"))];
    Ok((StatusCode::CREATED, location, Json(json!({ "id": id, "name": body["name"] }))).into_response())
}

/// Creates another thing.
#[utoipa::path(post, path = "/api/others", responses((status = 200)))]
async fn create_other(by: Keyed<User>, _body: Json<Value>) -> Result<Json<Value>> {
    Ok(Json(json!({ "id": work(&by, "").await? })))
}

/// Gives a secret.
#[utoipa::path(post, path = "/api-keys", responses((status = 201)))]
async fn create_key(by: Keyed<User>) -> Result<(StatusCode, Json<Value>)> {
    Ok((StatusCode::CREATED, Json(json!({ "id": work(&by, "").await?, "api_key": "shown-once" }))))
}

/// Gives another secret.
#[utoipa::path(post, path = "/auth/totp/setup", responses((status = 200)))]
async fn enrol(by: User) -> Result<Json<Value>> {
    Ok(Json(json!({ "id": work(&by, "").await?, "secret": "shown-once" })))
}

#[derive(Deserialize)]
struct Typed {
    #[serde(default)]
    name: String,
}

async fn save(by: User, form: Form<Typed>) -> Result<Response> {
    let id = work(&by, &mood(&by).await?).await?;
    by.see(format!("/things/{id}"), Flash::done(form.name.clone())).await
}

async fn portal() -> TestApp {
    let routes = Routes::area("test", &["/"])
        .form("/save", save)
        .scope("things")
        .api(api!(create))
        .api(api!(create_other))
        .api(api!(create_key))
        .no_scope()
        .api(api!(enrol));
    TestApp::new(routes, Jobs::none()).await
}

async fn things(app: &TestApp) -> i64 {
    app.number(sql("SELECT COUNT(*) FROM audit_logs WHERE action = 'thing.created'")).await
}

async fn set_mood(app: &TestApp, mood: &str) {
    app.execute(sql("UPDATE site_settings SET login_message = ? WHERE id = 1").bind(mood)).await;
}

async fn post(actor: &Actor, path: &str, key: &str, body: Value) -> Reply {
    actor.copy().with_header("idempotency-key", key).json(Method::POST, path, body).await
}

#[tokio::test]
async fn a_repeat_gets_the_first_answer() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let first = post(&ann, "/api/things", "k1", json!({"name": "é"})).await.is(201);
    let again = post(&ann, "/api/things", "k1", json!({"name": "é"})).await.is(201);
    assert_eq!(first.bytes, again.bytes);
    for name in ["content-type", "location"] {
        assert_eq!(first.header(name), again.header(name), "{name}");
    }
    assert_eq!(first.header("location"), "/api/things/1");
    assert_eq!((first.header("idempotent-replay"), again.header("idempotent-replay")), ("", "true"));
    let stored: Vec<(String,)> = app.rows(sql("SELECT response_body FROM idempotency_keys LIMIT 10")).await;
    assert!(stored.len() == 1 && !stored[0].0.contains("name"), "the kept answer is sealed");
    assert_eq!(things(&app).await, 1);
    let _ = post(&ann, "/api/things", "k2", json!({"name": "é"})).await.is(201);
    let _ = ann.json(Method::POST, "/api/things", json!({})).await.is(201);
    assert_eq!(things(&app).await, 3);
    app.finish().await;
}

#[tokio::test]
async fn the_same_key_with_another_request_is_422() {
    let app = portal().await;
    let (ann, ben) = (app.requester("ann").await, app.requester("ben").await);
    let _ = post(&ann, "/api/things", "k", json!({"name": "a"})).await.is(201);
    let other = post(&ann, "/api/things", "k", json!({"name": "b"})).await.is(422);
    assert_eq!(other.value()["code"], "idempotency_mismatch");
    let _ = post(&ann, "/api/others", "k", json!({"name": "a"})).await.is(422);
    assert_eq!(things(&app).await, 1);
    let _ = post(&ben, "/api/things", "k", json!({"name": "b"})).await.is(201);
    let _ = post(&ann, "/api/things", &"k".repeat(256), json!({})).await.refuses("Idempotency-Key");
    let _ = post(&ann, "/api/things", &"k".repeat(255), json!({})).await.is(201);
    app.finish().await;
}

#[tokio::test]
async fn a_twin_in_flight_is_409() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    set_mood(&app, "slow").await;
    let (one, two) = join(post(&ann, "/api/things", "k", json!({})), post(&ann, "/api/things", "k", json!({}))).await;
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    let refused = if one.status == 409 { one } else { two };
    assert_eq!(refused.value()["code"], "in_flight");
    assert_eq!(things(&app).await, 1);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_twins_do_the_work_once() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let tries = (0..8).map(|_| {
        let ann = ann.copy();
        tokio::spawn(async move { post(&ann, "/api/things", "k", json!({})).await.status })
    });
    let statuses: Vec<u16> = futures_util::future::join_all(tries).await.into_iter().map(Result::unwrap).collect();
    assert!(statuses.contains(&201) && statuses.iter().all(|s| matches!(s, 201 | 409)), "{statuses:?}");
    assert_eq!(things(&app).await, 1);
    app.finish().await;
}

#[tokio::test]
async fn a_form_sent_twice_makes_one_row_and_both_lead_there() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let fields = [("name", "a"), ("_once", "0123456789abcdef")];
    let _ = ann.post("/save", &fields).await.goes_to("/things/1");
    let _ = ann.post("/save", &fields).await.goes_to("/things/1");
    assert_eq!(things(&app).await, 1);
    set_mood(&app, "slow").await;
    let fields = [("name", "a"), ("_once", "fedcba9876543210")];
    // A browser shows the answer to the second click, so that one has to be good, too.
    let (one, two) = join(ann.post("/save", &fields), ann.post("/save", &fields)).await;
    let _ = (one.goes_to("/things/2"), two.goes_to("/things/2"));
    assert_eq!(things(&app).await, 2);
    let changed = [("name", "b"), ("_once", "fedcba9876543210")];
    let _ = ann.post("/save", &changed).await.is(422).shows("This form was sent already");
    app.finish().await;
}

#[tokio::test]
async fn a_partial_form_sent_twice_leads_on_twice() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let csrf = ann.csrf();
    let headers = [
        ("hx-request", "true"),
        ("x-csrf-token", csrf.as_str()),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    for _ in 0..2 {
        let reply = ann.send(Method::POST, "/save", &headers, Body::from("name=a&_once=x")).await.is(204);
        assert_eq!(reply.header("hx-redirect"), "/things/1");
        assert_eq!(reply.header("location"), "");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_failed_try_may_be_repeated() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    for (mood, status) in [("broken", 500), ("panics", 500), ("refused", 409)] {
        set_mood(&app, mood).await;
        let _ = post(&ann, "/api/things", mood, json!({})).await.is(status);
        set_mood(&app, "").await;
        let _ = post(&ann, "/api/things", mood, json!({})).await.is(201);
    }
    let _ = ann.send(Method::POST, "/api/things", &[("idempotency-key", "x")], Body::empty()).await.is(403);
    assert_eq!(things(&app).await, 3);
    app.finish().await;
}

#[tokio::test]
async fn answers_with_secrets_are_neither_kept_nor_repeated() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    for path in ["/api-keys", "/auth/totp/setup"] {
        let _ = ann.copy().with_header("idempotency-key", path).api(Method::POST, path).await.shows("shown-once");
        let again = ann.copy().with_header("idempotency-key", path).api(Method::POST, path).await.is(409);
        assert_eq!(again.value()["code"], "already_done", "{path}");
    }
    let kept = sql("SELECT COUNT(*) FROM idempotency_keys WHERE response_body IS NOT NULL");
    assert_eq!(app.number(kept).await, 0);
    assert_eq!(things(&app).await, 2);
    app.finish().await;
}

#[tokio::test]
async fn keys_are_forgotten_after_a_day() {
    let app = portal().await;
    insert_key(&app, "machine", r#"["things:write"]"#).await;
    let machine = app.stranger().with_key("machine");
    let _ = post(&machine, "/api/things", "k", json!({"name": "a"})).await.is(201);
    app.advance(TimeDelta::seconds(86_399));
    let _ = post(&machine, "/api/things", "k", json!({"name": "a"})).await.is(201);
    assert_eq!(things(&app).await, 1);
    app.advance(TimeDelta::seconds(1));
    let _ = post(&machine, "/api/things", "k", json!({"name": "another"})).await.is(201);
    assert_eq!(things(&app).await, 2);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_first_try_is_done_again_after_a_minute() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let _ = post(&ann, "/api/things", "k", json!({})).await.is(201);
    app.execute(sql("UPDATE idempotency_keys SET state = 'running'")).await;
    let _ = post(&ann, "/api/things", "k", json!({})).await.is(409);
    app.advance(TimeDelta::seconds(61));
    let tries = (0..6).map(|_| {
        let ann = ann.copy();
        tokio::spawn(async move { post(&ann, "/api/things", "k", json!({})).await.status })
    });
    let statuses: Vec<u16> = futures_util::future::join_all(tries).await.into_iter().map(Result::unwrap).collect();
    assert!(statuses.contains(&201) && statuses.iter().all(|s| matches!(s, 201 | 409)), "{statuses:?}");
    assert_eq!(things(&app).await, 2);
    app.finish().await;
}

#[tokio::test]
async fn work_that_was_done_and_never_answered_is_not_done_again() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    app.execute(sql("UPDATE site_settings SET login_message = 'cut off' WHERE id = 1")).await;
    let first = post(&ann, "/api/things", "k", json!({}));
    assert!(tokio::time::timeout(std::time::Duration::from_millis(500), first).await.is_err());
    assert_eq!(things(&app).await, 1);
    app.execute(sql("UPDATE site_settings SET login_message = NULL WHERE id = 1")).await;
    let _ = post(&ann, "/api/things", "k", json!({})).await.is(409).shows("in_flight");
    app.advance(TimeDelta::seconds(61));
    let _ = post(&ann, "/api/things", "k", json!({})).await.is(409).shows("already_done");
    assert_eq!(things(&app).await, 1);
    app.finish().await;
}

#[tokio::test]
async fn nobody_and_other_methods_are_not_remembered() {
    let app = portal().await;
    let _ = app.stranger().with_header("idempotency-key", "k").post("/save", &[]).await.goes_to("/login");
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM idempotency_keys")).await, 0);
    app.finish().await;
}
