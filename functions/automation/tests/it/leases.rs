//! The one way in which runs of tasks and of automations are claimed, kept and ended.

use automation::lease::{By, Lease, Runs};
use chrono::TimeDelta;
use http::Method;
use serde_json::json;
use shared::audit::Stamp;
use shared::db::{Tx, sql};
use shared::testing::TestApp;

use crate::portal;

async fn begin(app: &TestApp) -> Tx {
    let mut tx = app.db().begin(Stamp::system(app.app().now())).await.unwrap();
    tx.housekeeping();
    tx
}

async fn claim(app: &TestApp, runs: Runs, id: i64) -> Option<Lease> {
    let mut tx = begin(app).await;
    let lease = Lease::claim(&mut tx, runs, id).await.unwrap();
    tx.commit().await.unwrap();
    lease
}

/// A queued run of each sort.
async fn queued(app: &TestApp) -> [(Runs, i64); 2] {
    let ann = app.super_admin("ann").await;
    let task = json!({"name": "Clean up", "command": "cleanup_history", "cron": "0 3 * * *"});
    let task = ann.json(Method::POST, "/scheduler/tasks", task).await.is(201).value();
    let path = format!("/scheduler/tasks/{}/run", task["id"]);
    let run = ann.json(Method::POST, &path, json!({})).await.is(202).value();
    let row = crate::automations::automation(&ann, json!({})).await;
    let insert = sql("INSERT INTO automation_runs (automation_id, started_by, status, depth, created_at) \
                      VALUES (?, 'manual', 'queued', 0, ?)");
    app.execute(insert.bind(row).bind(app.app().now())).await;
    let id = app.number(sql("SELECT MAX(id) FROM automation_runs")).await;
    [(Runs::Tasks, run["runId"].as_i64().unwrap()), (Runs::Automations, id)]
}

#[tokio::test]
async fn one_worker_has_a_run_until_it_ends_or_its_lease_does() {
    let mut app = portal().await;
    for (runs, id) in queued(&app).await {
        let first = claim(&app, runs, id).await.unwrap();
        assert!(claim(&app, runs, id).await.is_none(), "{runs:?}: claimed twice");
        // Renewed, it holds beyond the first two minutes.
        app.advance(TimeDelta::seconds(100));
        let mut tx = begin(&app).await;
        assert!(first.renew(&mut tx).await.unwrap());
        tx.commit().await.unwrap();
        app.advance(TimeDelta::seconds(100));
        let mut tx = begin(&app).await;
        assert!(!By::Finder(runs, id).end(&mut tx, "lost", None, sql("")).await.unwrap(), "{runs:?}: not run out");
        // Back in the queue, the next one has it, and the first may write no more.
        assert!(first.give_back(&mut tx, sql("")).await.unwrap());
        tx.commit().await.unwrap();
        let second = claim(&app, runs, id).await.unwrap();
        let mut tx = begin(&app).await;
        assert!(!first.renew(&mut tx).await.unwrap() && !first.give_back(&mut tx, sql("")).await.unwrap());
        assert!(!By::Holder(&first).end(&mut tx, "succeeded", None, sql("")).await.unwrap(), "{runs:?}: not its own");
        drop(tx);
        // Run out, whoever finds it ends it, and the holder comes too late.
        app.advance(TimeDelta::seconds(121));
        let mut tx = begin(&app).await;
        assert!(By::Finder(runs, id).end(&mut tx, "lost", None, sql("")).await.unwrap(), "{runs:?}");
        assert!(!By::Holder(&second).end(&mut tx, "succeeded", None, sql("")).await.unwrap(), "{runs:?}");
        tx.commit().await.unwrap();
        assert!(claim(&app, runs, id).await.is_none(), "{runs:?}: what has ended is not claimed");
    }
    app.leave_work();
    app.finish().await;
}
