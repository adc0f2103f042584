//! The monitor of webhooks: pages, routes, and who may use them.

use http::Method;
use serde_json::{Value, json};
use shared::db::sql;
use shared::modules::Slug;
use shared::testing::web::{Answer, Server};
use shared::testing::{Actor, TestApp};
use shared::webhooks::{NewWebhook, Reference};

use crate::webhooks::{event, queue};
use crate::{key, portal};

const API: &str = "/scheduler/webhooks";

/// A failed delivery with secrets in it.
async fn failed(app: &TestApp, server: &Server) -> i64 {
    let body = json!({ "code": "493817", "mobilePhone": "+447700900123", "note": "hello" });
    let id = queue(
        app,
        NewWebhook::new("license-change", format!("{}/in?sig=s3cr3t", server.url()), body)
            .header("x-api-key", "k-123456")
            .secret_header("authorization", Reference { prefix: "", module: Slug::Syncro, key: "api_key" })
            .tries(1, 300),
    )
    .await;
    app.run_jobs().await;
    assert_eq!(event(app, id).await.status, "failed");
    id
}

async fn list(actor: &Actor, query: &str) -> Vec<Value> {
    actor.api(Method::GET, &format!("{API}{query}")).await.is(200).value().as_array().cloned().unwrap()
}

#[tokio::test]
async fn only_super_administrators_get_there() {
    let app = portal().await;
    let provider = app.provider("Northstar").await;
    let (stranger, tom) = (app.stranger(), app.technician("tom", &provider).await);
    for path in ["/admin/webhooks", "/admin/webhooks/1", "/admin/webhooks/endpoints", "/admin/webhooks/endpoints/new"] {
        assert!(stranger.get(path).await.is(303).header("location").starts_with("/login?next="));
        let _ = tom.get(path).await.goes_to("/");
    }
    for (method, path) in [
        (Method::GET, API.to_owned()),
        (Method::GET, format!("{API}/1")),
        (Method::GET, format!("{API}/1/attempts")),
        (Method::POST, format!("{API}/1/retry")),
        (Method::POST, format!("{API}/1/cancel")),
        (Method::DELETE, format!("{API}/1")),
        (Method::POST, format!("{API}/bulk")),
    ] {
        let _ = stranger.json(method.clone(), &path, json!({})).await.is(401);
        let _ = tom.json(method, &path, json!({})).await.is(403);
    }
    let ann = app.super_admin("ann").await;
    for (method, path) in
        [(Method::GET, "1"), (Method::GET, "1/attempts"), (Method::DELETE, "1"), (Method::POST, "1/retry")]
    {
        let _ = ann.api(method, &format!("{API}/{path}")).await.is(404);
    }
    let _ = ann.get("/admin/webhooks/1").await.is(404);
    let company = app.company("Acme").await;
    let _ = key(&app, "webhooks:read", None).await.api(Method::GET, API).await.is(200);
    let _ = key(&app, "webhooks:read", Some(company.id)).await.api(Method::GET, API).await.is(403);
    let _ = key(&app, "modules:write", None).await.api(Method::GET, API).await.is(403);
    app.finish().await;
}

#[tokio::test]
async fn secrets_show_nowhere() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let server = Server::with(vec![Answer::status(500)]).await;
    let id = failed(&app, &server).await;
    let shown = ann.api(Method::GET, &format!("{API}/{id}")).await.is(200);
    let value = shown.value();
    assert_eq!(
        (&value["headers"]["x-api-key"], &value["headers"]["authorization"]),
        (&json!("********"), &json!("********"))
    );
    assert_eq!((&value["payload"]["code"], &value["payload"]["note"]), (&json!("********"), &json!("hello")));
    assert_eq!(value["payload"]["mobilePhone"], "+447700900123");
    assert_eq!(value["targetUrl"], format!("{}/in?********", server.url()));
    let listed = list(&ann, "").await.remove(0);
    assert_eq!(listed["payload"]["mobilePhone"], "•••123");
    for path in [format!("{API}/{id}"), API.to_owned()] {
        let _ = ann.api(Method::GET, &path).await.hides("493817").hides("k-123456").hides("s3cr3t");
    }
    for path in [format!("/admin/webhooks/{id}"), "/admin/webhooks".to_owned()] {
        let _ = ann.get(&path).await.is(200).hides("493817").hides("k-123456").hides("s3cr3t");
    }
    app.finish().await;
}

#[tokio::test]
async fn the_list_is_filtered_counted_and_cut() {
    let mut app = portal().await;
    let ann = app.super_admin("ann").await;
    let server = Server::with(vec![Answer::status(410)]).await;
    let bad = failed_by_gone(&app, &server, "shop-order").await;
    let waiting = queue(&app, NewWebhook::new("license-change", "https://hooks.example.com/lic", json!({}))).await;
    assert_eq!(list(&ann, "").await.len(), 2);
    let one =
        async |query: &str| list(&ann, query).await.iter().map(|row| row["id"].as_i64().unwrap()).collect::<Vec<_>>();
    assert_eq!(one("?status=failed").await, [bad]);
    assert_eq!(one("?name=license-change").await, [waiting]);
    assert_eq!(one("?search=HOOKS.example").await, [waiting]);
    assert_eq!(one("?search=410").await, [bad]);
    assert!(one("?search=nothing").await.is_empty());
    let reply = ann.api(Method::GET, &format!("{API}?limit=1")).await.is(200);
    assert_eq!((reply.header("x-total-count"), reply.value().as_array().unwrap().len()), ("2", 1));
    let _ = ann.api(Method::GET, &format!("{API}?status=lost")).await.refuses("status");
    let _ = ann.get("/admin/webhooks?status=failed").await.is(200).shows("shop-order").hides("license-change");
    let _ = ann.region("/admin/webhooks?q=hooks", "webhooks-list").await.is(200).shows("license-change").hides("<html");
    let _ = ann.get("/admin/webhooks?q=zzz").await.is(200).shows("No delivery matches");
    app.leave_work();
    app.finish().await;
}

async fn failed_by_gone(app: &TestApp, server: &Server, name: &str) -> i64 {
    let id = queue(app, NewWebhook::new(name, server.url(), json!({}))).await;
    app.run_jobs().await;
    id
}

#[tokio::test]
async fn an_exhausted_webhook_gets_one_more_try() {
    let app = portal().await;
    let (ann, bea) = (app.super_admin("ann").await, app.super_admin("bea").await);
    let server = Server::with(vec![Answer::status(500), Answer::status(500), Answer::status(200)]).await;
    let id = queue(&app, NewWebhook::new("shop-order", server.url(), json!({})).tries(1, 300)).await;
    app.run_jobs().await;
    let path = format!("{API}/{id}");
    let retried = ann.api(Method::POST, &format!("{path}/retry")).await.is(200).value();
    assert_eq!((&retried["status"], &retried["maxAttempts"]), (&json!("pending"), &json!(2)));
    app.run_jobs().await;
    assert_eq!((event(&app, id).await.status.as_str(), server.received().len()), ("failed", 2), "exactly one");
    let _ = bea.post(&format!("/admin/webhooks/{id}/retry"), &[]).await.goes_to(&format!("/admin/webhooks/{id}"));
    app.run_jobs().await;
    assert_eq!((event(&app, id).await.status.as_str(), server.received().len()), ("succeeded", 3));
    // What was delivered is not sent a second time, neither by the API nor by the page nor with others.
    let refused = ann.api(Method::POST, &format!("{path}/retry")).await.is(409);
    let _ = refused.says("The webhook was delivered already");
    let page = format!("/admin/webhooks/{id}");
    let _ = ann.post(&format!("{page}/retry"), &[]).await.goes_to(&page);
    let _ = ann.get(&page).await.shows("The webhook was delivered already");
    let many = ann.json(Method::POST, &format!("{API}/bulk"), json!({ "action": "retry", "ids": [id] })).await.is(200);
    assert_eq!(many.value(), json!({ "done": 0, "skipped": 1 }));
    app.run_jobs().await;
    assert_eq!((event(&app, id).await.status.as_str(), server.received().len()), ("succeeded", 3));
    let attempts = ann.api(Method::GET, &format!("{path}/attempts?limit=2")).await.is(200).value();
    assert_eq!((&attempts[0]["trigger"], &attempts[0]["status"]), (&json!("manual"), &json!("succeeded")));
    assert_eq!((attempts[1]["responseStatus"].as_i64(), attempts.as_array().unwrap().len()), (Some(500), 2));
    let _ = ann.api(Method::GET, &format!("{path}/attempts?limit=0")).await.refuses("limit");
    let told: Vec<(i64,)> = app
        .rows(sql("SELECT user_id FROM notifications WHERE event_type = 'webhook.retried' ORDER BY id LIMIT 10"))
        .await;
    assert_eq!(told, [(bea.id,), (ann.id,)], "the others, not the actor");
    assert_eq!(app.audit().await, ["webhook.retried", "webhook.retried"]);
    app.finish().await;
}

#[tokio::test]
async fn what_is_on_its_way_is_left_alone() {
    let mut app = portal().await;
    let ann = app.super_admin("ann").await;
    let id = queue(&app, NewWebhook::new("shop-order", "https://hooks.example.com/", json!({}))).await;
    let (path, page) = (format!("{API}/{id}"), format!("/admin/webhooks/{id}"));
    app.execute(sql("UPDATE webhook_events SET status = 'in_progress' WHERE id = ?").bind(id)).await;
    let _ = ann.api(Method::DELETE, &path).await.is(409);
    let _ = ann.api(Method::POST, &format!("{path}/retry")).await.is(409);
    let _ = ann.api(Method::POST, &format!("{path}/cancel")).await.is(409);
    let _ = ann.post(&format!("{page}/delete"), &[]).await.goes_to(&page);
    let _ = ann.get(&page).await.shows("The webhook is on its way");
    app.execute(sql("UPDATE webhook_events SET status = 'pending' WHERE id = ?").bind(id)).await;
    let cancelled = ann.api(Method::POST, &format!("{path}/cancel")).await.is(200).value();
    assert_eq!((&cancelled["status"], &cancelled["nextAttemptAt"]), (&json!("cancelled"), &Value::Null));
    let _ = ann.api(Method::POST, &format!("{path}/cancel")).await.is(409);
    let _ = ann.get(&format!("{page}/delete")).await.is(200).shows("Delete this delivery?");
    let _ = ann.post(&format!("{page}/delete"), &[]).await.goes_to("/admin/webhooks");
    let _ = ann.api(Method::GET, &path).await.is(404);
    assert_eq!(app.audit().await, ["webhook.cancelled", "webhook.deleted"]);
    app.leave_work();
    app.finish().await;
}

#[tokio::test]
async fn many_are_tried_again_at_once() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let mut answers = vec![Answer::status(410); 5];
    answers.push(Answer::status(200));
    let server = Server::with(answers).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(failed_by_gone(&app, &server, "shop-order").await);
        app.advance(chrono::TimeDelta::days(1));
    }
    let ann = app.sign_in(ann.id).await;
    let bulk = async |body| ann.json(Method::POST, &format!("{API}/bulk"), body).await;
    let second = app.app().now() - chrono::TimeDelta::days(4) - chrono::TimeDelta::hours(1);
    let third = second + chrono::TimeDelta::days(1);
    let some =
        bulk(json!({ "action": "retry", "status": "failed", "from": second, "to": third })).await.is(200).value();
    assert_eq!(some, json!({ "done": 1, "skipped": 0 }));
    app.run_jobs().await;
    assert_eq!(event(&app, ids[1]).await.status, "succeeded");
    let named = bulk(json!({ "action": "retry", "ids": [ids[0], ids[1], 9999] })).await.is(200).value();
    assert_eq!(named, json!({ "done": 1, "skipped": 2 }));
    let _ = ann.post("/admin/webhooks/retry", &[("from", ""), ("to", "")]).await.goes_to("/admin/webhooks");
    let _ = ann.get("/admin/webhooks").await.shows("3 webhooks queued for one more try");
    app.run_jobs().await;
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM webhook_events WHERE status = 'succeeded'")).await, 5);
    let _ = ann.post("/admin/webhooks/retry", &[("from", "soon")]).await.refuses("from");
    let _ = bulk(json!({ "action": "explode", "ids": [1] })).await.refuses("action");
    let _ = bulk(json!({ "action": "delete", "status": "in_progress" })).await.refuses("status");
    let gone = bulk(json!({ "action": "delete", "status": "succeeded" })).await.is(200).value();
    assert_eq!(gone["done"], 5);
    app.finish().await;
}

#[tokio::test]
async fn pages_need_few_statements_whatever_the_number_of_rows() {
    let mut app = portal().await;
    let ann = app.super_admin("ann").await;
    for number in 0..70 {
        queue(&app, NewWebhook::new("shop-order", format!("https://hooks.example.com/{number}"), json!({}))).await;
    }
    for path in ["/admin/webhooks", "/admin/webhooks/1", "/admin/webhooks/endpoints"] {
        let before = app.db().statements();
        let _ = ann.get(path).await.is(200);
        let count = app.db().statements() - before;
        assert!(count <= 8, "{path} takes {count} statements");
    }
    for path in [API.to_owned(), format!("{API}/1"), format!("{API}/1/attempts")] {
        let before = app.db().statements();
        let _ = ann.api(Method::GET, &path).await.is(200);
        let count = app.db().statements() - before;
        assert!(count <= 8, "{path} takes {count} statements");
    }
    let _ = ann.get("/admin/webhooks").await.shows("every 10s").shows("Tries that failed, by day, highest 0");
    app.leave_work();
    app.finish().await;
}
