//! Health checks and the files of the front end.

use axum::body::Body;
use chrono::TimeDelta;
use http::Method;
use shared::db::sql;

use crate::portal;

#[tokio::test]
async fn the_process_says_that_it_answers() {
    let app = portal().await;
    let reply = app.stranger().api(Method::GET, "/health").await.is(200);
    assert_eq!(reply.value()["status"], "ok");
    assert!(reply.value()["timestamp"].as_str().unwrap().ends_with('Z'));
    assert_eq!(reply.header("cache-control"), "no-store");
    app.finish().await;
}

#[tokio::test]
async fn readiness_is_database_bucket_and_migrations() {
    let app = portal().await;
    let ready = app.stranger().api(Method::GET, "/health/ready").await.is(200).value();
    assert_eq!((&ready["status"], &ready["worker_seconds"]), (&"ready".into(), &serde_json::Value::Null));
    app.run_jobs().await;
    app.advance(TimeDelta::seconds(90));
    let ready = app.stranger().api(Method::GET, "/health/ready").await.is(200).value();
    assert_eq!(ready["worker_seconds"], 90);
    app.execute(sql("UPDATE _sqlx_migrations SET success = FALSE")).await;
    let not = app.stranger().api(Method::GET, "/health/ready").await.is(503).value();
    assert_eq!(
        (&not["status"], &not["database"], &not["migrations"]),
        (&"not_ready".into(), &true.into(), &false.into())
    );
    app.finish().await;
}

#[tokio::test]
async fn files_of_the_front_end_are_served_for_ever() {
    let app = portal().await;
    let path = format!("/static/dist/{}", shared::page::assets().unwrap()["app.css"].path);
    let get =
        async |encoding| app.stranger().send(Method::GET, &path, &[("accept-encoding", encoding)], Body::empty()).await;
    let plain = get("").await.is(200);
    assert_eq!(plain.header("content-type"), "text/css; charset=utf-8");
    assert_eq!(plain.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(plain.header("vary"), "Accept-Encoding");
    assert_eq!(plain.header("x-content-type-options"), "nosniff");
    assert_eq!(plain.header("content-encoding"), "");
    assert!(plain.text().contains("@layer"));
    for (accepted, encoding) in
        [("gzip, deflate, br", "br"), ("gzip", "gzip"), ("br;q=0, gzip", "gzip"), ("identity", "")]
    {
        let reply = get(accepted).await.is(200);
        assert_eq!(reply.header("content-encoding"), encoding, "{accepted}");
    }
    assert!(get("br").await.bytes.len() < plain.bytes.len() / 2);
    for path in ["/static/dist/app.css", "/static/dist/..%2fmanifest.json", "/static/uploads/1/a.png", "/static"] {
        let _ = app.stranger().get(path).await.is(404);
    }
    app.finish().await;
}

#[tokio::test]
async fn shared_files_carry_no_cookies() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    app.advance(TimeDelta::minutes(5));
    let path = format!("/static/dist/{}", shared::page::assets().unwrap()["app.js"].path);
    let reply = ann.get(&path).await.is(200);
    assert!(reply.cookies().is_empty());
    app.finish().await;
}
