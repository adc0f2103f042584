//! `/internal/tick`: an outside timer that has the secret makes the portal work; nobody else does.

use http::Method;
use serde_json::json;
use shared::testing::{Actor, TestApp, config};

use crate::support::portal;

const PATH: &str = "/internal/tick";

fn bearer(app: &TestApp, authorization: &str) -> Actor {
    app.stranger().with_header("authorization", authorization)
}

#[tokio::test]
async fn a_tick_does_what_is_due_and_says_so() {
    let app = portal().await;
    let ana = app.requester("ana").await;
    let forgot = json!({"email": "ana@example.com"});
    let _ = app.stranger().json(Method::POST, "/auth/password/forgot", forgot).await.is(200);
    let timer = bearer(&app, "Bearer tick-tock");
    let done = timer.json(Method::POST, PATH, json!({})).await.is(200).value();
    assert_eq!(done["stillRunning"], false, "{done}");
    assert!(done["succeeded"].as_i64().is_some_and(|count| count > 0), "{done}");
    assert_eq!(done["failed"], 0, "{done}");
    assert_eq!(app.mails_to("ana@example.com").len(), 1);
    // An outside timer sends no body and no type.
    let idle = timer.send(Method::POST, PATH, &[], "".into()).await.is(200).value();
    assert_eq!((&idle["succeeded"], &idle["stillRunning"]), (&json!(0), &json!(false)), "{idle}");
    let _ = ana.get("/").await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn work_that_outlasts_the_call_goes_on_and_the_answer_says_so() {
    let mut config = config();
    config.tick_token = Some("tick-tock".to_owned());
    config.upgrade_command = "sleep 24; echo upgraded".to_owned();
    let routes = local_dev::all::local_routes(&config);
    let app = TestApp::with(config, routes, local_dev::all::jobs()).await;
    let ann = app.super_admin("ann").await;
    let task = json!({"name": "Upgrade", "command": "system_update", "cron": "@yearly"});
    let id = ann.json(Method::POST, "/scheduler/tasks", task).await.is(201).value()["id"].clone();
    let _ = ann.json(Method::POST, &format!("/scheduler/tasks/{id}/run"), json!({})).await.is(202);
    let begun = std::time::Instant::now();
    let said = bearer(&app, "Bearer tick-tock").json(Method::POST, PATH, json!({})).await.is(200).value();
    let waited = begun.elapsed().as_secs();
    assert!((15..24).contains(&waited), "the call took {waited} s");
    assert_eq!(said, json!({"stillRunning": true}));
    app.app().shifts().ended().await;
    let runs = ann.api(Method::GET, &format!("/scheduler/tasks/{id}/runs")).await.is(200).value();
    assert_eq!((&runs[0]["status"], &runs[0]["details"]), (&json!("succeeded"), &json!("upgraded")), "{runs}");
    assert_eq!(runs.as_array().map(Vec::len), Some(1), "it ran once");
    app.finish().await;
}

#[tokio::test]
async fn a_tick_is_for_the_bearer_of_its_secret_alone() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let _ =
        app.stranger().json(Method::POST, "/auth/password/forgot", json!({"email": "ann@example.com"})).await.is(200);
    for wrong in ["Bearer tick-toc", "Bearer ", "Basic tick-tock", "tick-tock"] {
        let _ = bearer(&app, wrong).json(Method::POST, PATH, json!({})).await.is(401);
    }
    for actor in [&app.stranger(), &ann] {
        let _ = actor.json(Method::POST, PATH, json!({})).await.is(401);
    }
    let _ = bearer(&app, "Bearer tick-tock").get(PATH).await.is(405);
    assert!(app.mails().is_empty(), "nobody has made it work");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn without_a_secret_there_is_no_tick() {
    let mut config = config();
    config.tick_token = None;
    let routes = local_dev::all::local_routes(&config);
    let app = TestApp::with(config, routes, local_dev::all::jobs()).await;
    for authorization in ["Bearer tick-tock", "Bearer "] {
        let _ = bearer(&app, authorization).json(Method::POST, PATH, json!({})).await.is(404);
    }
    app.finish().await;
}
