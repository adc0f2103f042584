//! Faults of the other side, kills, cancelled runs, and the limit on calls.

use chrono::TimeDelta;
use http::Method;
use serde_json::json;
use shared::db::sql;
use shared::testing::web::Answer;

use super::{Bench, bench, comment, figures, ticket};

#[tokio::test]
async fn faults_are_waited_out_and_one_bad_ticket_does_not_end_a_run() {
    let bench = bench().await;
    bench.account().tickets = (1..=4).map(ticket).collect();
    let page = "/tickets?page=1&per_page=25";
    let slow_down = Answer::Full(429, vec![("retry-after", "7".to_owned())], String::new());
    bench.fault(page, vec![slow_down.clone(), Answer::status(500), Answer::Cut, Answer::Json(502, json!({}))]);
    let broken = Answer::Full(200, vec![("content-type", "application/json".to_owned())], "{\"comm".to_owned());
    bench.fault("/tickets/2/comments?page=1", vec![broken, Answer::Cut, slow_down]);
    bench.fault("/tickets/3/comments?page=1", vec![Answer::status(500); 4]);
    let run = bench.all().await;
    assert_eq!((run["status"].as_str(), figures(&run)), (Some("succeeded"), [4, 3, 0, 0, 1]), "{run}");
    assert_eq!(
        (&run["errors"][0]["external_reference"], &run["errors"][0]["message"]),
        (&json!("3"), &json!("Syncro answered 500"))
    );
    bench.ann.get(&format!("/admin/tickets/import/{}", run["run_id"])).await.is(200).shows("Syncro answered 500");
    // The next run brings what was missing.
    assert_eq!(figures(&bench.all().await), [4, 1, 0, 3, 0]);
    // A page that stays broken ends the run, with its reason.
    bench.fault(page, vec![Answer::status(503); 4]);
    let run = bench.all().await;
    assert_eq!(run["status"], "failed");
    assert!(run["last_error"].as_str().unwrap().contains("Syncro answered 503"), "{run}");
    bench.fault(page, vec![Answer::status(403)]);
    let run = bench.all().await;
    assert_eq!(run["status"], "failed");
    assert!(run["last_error"].as_str().unwrap().contains("refused the key"), "{run}");
    bench.finish().await;
}

#[tokio::test]
async fn a_kill_at_any_point_neither_loses_nor_doubles() {
    let calls = {
        let bench = disturbed().await;
        let run = bench.all().await;
        assert_eq!(figures(&run), [27, 27, 0, 0, 0]);
        let calls = bench.server.received().len();
        bench.finish().await;
        calls
    };
    for kill_at in [1, 2, 3, 14, 26, 27, 28, 29, calls - 1, calls] {
        let bench = disturbed().await;
        let id = bench.start(&[("mode", "all"), ("include_comments", "true")]).await;
        // The process is gone as soon as so many questions were asked.
        tokio::select! {
            _ = bench.app.run_jobs() => {}
            () = async { while bench.server.received().len() < kill_at { tokio::task::yield_now().await; } } => {}
        }
        let run = bench.finish_run(id).await;
        assert_eq!(
            (run["status"].as_str(), run["created"].as_i64(), run["failed"].as_i64()),
            (Some("succeeded"), Some(27), Some(0)),
            "{kill_at}"
        );
        assert_eq!(run["comments_created"], 27);
        assert_eq!(bench.state().await.len(), 54, "{kill_at}");
        bench.finish().await;
    }
}

async fn disturbed() -> Bench {
    let bench = bench().await;
    bench.account().tickets = (1..=27).map(ticket).collect();
    for id in 1..=27 {
        bench.account().comments.insert(id.to_string(), vec![comment(id * 10, "Said", false, Some(6))]);
    }
    bench
}

#[tokio::test]
async fn one_run_at_a_time_and_a_run_can_be_cancelled() {
    let bench = bench().await;
    bench.account().tickets = (1..=3).map(ticket).collect();
    let (first, second) = tokio::join!(bench.post(json!({ "mode": "all" })), bench.post(json!({ "mode": "all" })));
    let mut codes = [first.status, second.status];
    codes.sort_unstable();
    assert_eq!(codes, [202, 409]);
    let (done, refused) = if first.status == 202 { (first, second) } else { (second, first) };
    let id = done.value()["run_id"].clone();
    assert_eq!((&refused.value()["run_id"], &done.value()["status"]), (&id, &json!("queued")));
    bench.ann.get("/admin/tickets/import").await.is(200).shows("Waits for the worker").shows("hx-trigger");
    let cancel = format!("/api/tickets/import/syncro/runs/{id}/cancel");
    assert_eq!(bench.ann.api(Method::POST, &cancel).await.is(200).value()["status"], "cancelled");
    bench.ann.api(Method::POST, &cancel).await.is(409);
    bench.app.run_jobs().await;
    assert_eq!(bench.app.number(sql("SELECT COUNT(*) FROM tickets")).await, 0);
    assert!(bench.server.received().is_empty());
    bench.ann.get("/admin/tickets/import").await.is(200).shows("Cancelled").hides("hx-trigger=\"every");
    let list = bench.ann.api(Method::GET, "/api/tickets/import/syncro/runs").await.is(200);
    assert_eq!((list.header("x-total-count"), list.value().as_array().unwrap().len()), ("1", 1));
    // A form cancels as well, and one that comes too late is told so.
    let id = bench.start(&[("mode", "all")]).await;
    bench.ann.post(&format!("/admin/tickets/import/{id}/cancel"), &[]).await.goes_to("/admin/tickets/import");
    bench.ann.post(&format!("/admin/tickets/import/{id}/cancel"), &[]).await.goes_to("/admin/tickets/import");
    bench.finish().await;
}

#[tokio::test]
async fn a_run_without_worker_goes_on_after_five_minutes() {
    let bench = bench().await;
    bench.account().tickets = vec![ticket(1)];
    let id = bench.start(&[("mode", "all")]).await;
    // Its job is gone for good.
    bench.app.execute(sql("DELETE FROM jobs WHERE kind = 'ticket.syncro_import'")).await;
    bench.app.run_jobs().await;
    assert_eq!(bench.run(id).await["status"], "queued");
    bench.app.advance(TimeDelta::minutes(6));
    bench.app.run_jobs().await;
    assert_eq!(figures(&bench.finish_run(id).await), [1, 1, 0, 0, 0]);
    bench.finish().await;
}

#[tokio::test]
async fn a_hundred_and_eighty_calls_a_minute_over_all_processes() {
    use shared::outbound_slots::{take, used};
    use shared::syncro::LIMIT;
    let bench = bench().await;
    let app = bench.app.app();
    let began = app.now();
    // Two processes share nothing but the database.
    let (one, other) = tokio::join!(taken(app), taken(app));
    assert_eq!(one + other, 180);
    let wait = take(app, &LIMIT).await.unwrap().unwrap_err();
    assert!(wait >= TimeDelta::seconds(60), "{wait}");
    bench.app.advance(TimeDelta::seconds(59));
    assert!(take(app, &LIMIT).await.unwrap().is_err());
    bench.app.advance(began + wait - app.now());
    take(app, &LIMIT).await.unwrap().unwrap();
    assert_eq!(used(app.db(), &LIMIT, app.now()).await.unwrap(), 1);
    // A run that meets the limit waits by its job and then goes on.
    taken(app).await;
    bench.account().tickets = vec![ticket(1)];
    let id = bench.start(&[("mode", "single"), ("ticket_id", "1"), ("lookup", "id")]).await;
    bench.app.run_jobs().await;
    assert!(bench.server.received().is_empty());
    assert_eq!(figures(&bench.finish_run(id).await), [1, 1, 0, 0, 0]);
    bench.finish().await;
}

async fn taken(app: &shared::app::App) -> i64 {
    let mut count = 0;
    for _ in 0..200 {
        match shared::outbound_slots::take(app, &shared::syncro::LIMIT).await {
            Ok(Ok(())) => count += 1,
            Ok(Err(_)) => break,
            Err(shared::error::Error::Busy) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    count
}
