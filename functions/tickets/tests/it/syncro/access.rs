//! Who may import, from where, and what is refused before anything is fetched.

use http::Method;
use serde_json::json;
use shared::db::sql;

use super::bench;
use crate::help::key;

#[tokio::test]
async fn what_cannot_be_imported_is_refused_before_anything_is_fetched() {
    let bench = bench().await;
    bench.post(json!({ "mode": "range", "startId": 5, "endId": 4 })).await.refuses("end_id");
    bench.post(json!({ "mode": "range", "startId": 1, "endId": 5001 })).await.is(400);
    bench.post(json!({ "mode": "single" })).await.refuses("ticket_id");
    bench.post(json!({ "mode": "single", "ticketId": 1, "ticket_id": 2 })).await.refuses("ticket_id");
    bench.post(json!({ "mode": "some" })).await.refuses("mode");
    bench
        .ann
        .post("/admin/tickets/import", &[("mode", "single"), ("ticket_id", "x")])
        .await
        .refuses("ticket_id")
        .shows("value=\"x\"");
    assert!(bench.server.received().is_empty());
    assert_eq!(bench.app.number(sql("SELECT COUNT(*) FROM ticket_import_runs")).await, 0);
    bench.finish().await;
    let app = crate::help::portal().await;
    let ann = app.super_admin("Ann").await;
    ann.json(Method::POST, "/api/tickets/import/syncro", json!({ "mode": "all" }))
        .await
        .is(503)
        .says("Syncro is not configured");
    ann.get("/admin/tickets/import").await.is(200).shows("Syncro is not set up");
    app.finish().await;
}

#[tokio::test]
async fn only_super_administrators_and_portal_wide_keys_import() {
    let bench = bench().await;
    let body = json!({ "mode": "range", "startId": 1, "endId": 100 });
    bench.app.stranger().json(Method::POST, "/api/tickets/import/syncro", body.clone()).await.is(401);
    for who in [&bench.tom, &bench.ana] {
        who.json(Method::POST, "/api/tickets/import/syncro", body.clone()).await.is(403);
        who.api(Method::GET, "/api/tickets/import/syncro/runs").await.is(403);
        who.api(Method::GET, "/api/tickets/import/syncro/runs/1").await.is(403);
        who.api(Method::POST, "/api/tickets/import/syncro/runs/1/cancel").await.is(403);
        for path in ["/admin/tickets/import", "/admin/tickets/import/all", "/admin/tickets/import/1"] {
            who.get(path).await.goes_to("/");
        }
        who.post("/admin/tickets/import", &[("mode", "all")]).await.goes_to("/");
        who.post("/admin/syncro/import-tickets", &[("mode", "all")]).await.goes_to("/");
    }
    let limited = key(&bench.app, "tickets:write", Some(bench.northwind.id)).await;
    limited.json(Method::POST, "/api/tickets/import/syncro", body.clone()).await.is(403);
    bench.ann.api(Method::GET, "/api/tickets/import/syncro/runs/99").await.is(404);
    bench.ann.get("/admin/tickets/import/99").await.is(404);
    bench.ann.get("/admin/tickets/import/all").await.is(200);
    let wide = key(&bench.app, "tickets:write", None).await;
    let id =
        wide.json(Method::POST, "/api/tickets/import/syncro", body).await.is(202).value()["run_id"].as_i64().unwrap();
    bench.finish_run(id).await;
    // The address of the portal before this one.
    let form = [("mode", "range"), ("startId", "1"), ("endId", "99")];
    bench.ann.post("/admin/syncro/import-tickets", &form).await.goes_to("/admin/tickets/import");
    bench.finish_run(id + 1).await;
    bench.finish().await;
}

#[tokio::test]
async fn the_former_address_speaks_json_to_programs_and_pages_to_people() {
    let bench = bench().await;
    let path = "/admin/syncro/import-tickets";
    let wrong = json!({ "mode": "range", "startId": 5, "endId": 4 });
    let reply = bench.ann.json(Method::POST, path, wrong).await.is(422);
    assert_eq!(reply.header("content-type"), "application/problem+json");
    assert!(reply.value()["errors"].is_object(), "{}", reply.text());
    bench.ann.json(Method::POST, path, json!({ "mode": "some" })).await.refuses("mode");
    let id = bench.start(&[("mode", "all")]).await;
    let busy = bench.ann.json(Method::POST, path, json!({ "mode": "all" })).await.is(409);
    assert_eq!((busy.header("content-type"), busy.value()["status"].clone()), ("application/problem+json", json!(409)));
    bench.ann.post(path, &[("mode", "all")]).await.goes_to("/admin/tickets/import");
    bench.ann.get("/admin/tickets/import").await.is(200).shows("already running");
    bench.finish_run(id).await;
    let stranger = bench.app.stranger().json(Method::POST, path, json!({ "mode": "all" })).await.is(401);
    assert_eq!(stranger.header("content-type"), "application/problem+json");
    bench.finish().await;
}

#[tokio::test]
async fn super_admins_find_the_import_beside_the_list_and_nobody_else_does() {
    let bench = bench().await;
    bench.ann.get("/tickets").await.is(200).shows("&#x2f;admin&#x2f;tickets&#x2f;import");
    bench.ann.get("/admin/tickets/import").await.is(200).shows("aria-current=\"page\"");
    let provider = bench.app.provider("Second").await;
    let tom = bench.app.technician("Terry", &provider).await;
    tom.get("/tickets").await.is(200).hides("tickets&#x2f;import");
    bench.finish().await;
}
