//! How many due jobs a second the workers claim and finish, with few and with many finished rows.
//!
//!     cargo bench -p shared --features testing --bench jobs
//!     TEST_DATABASE_URL=mysql://root@127.0.0.1:3306 cargo bench -p shared --features testing --bench jobs
//!
//! `WORKERS` (4), `JOBS` (20000) and `FINISHED` (0,1000000: a measurement for each) are taken from the
//! environment. Each worker has a thread of the runtime's two and up to eight jobs at once.

use std::time::{Duration, Instant};

use serde_json::json;
use shared::audit::Stamp;
use shared::db::{Tx, sql};
use shared::jobs::{Jobs, NewJob, Run, Worker};
use shared::routes::Routes;
use shared::testing::TestApp;
use tokio::sync::watch;

fn number(name: &str, otherwise: i64) -> i64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

async fn begin(app: &TestApp) -> Tx {
    let mut tx = app.db().begin(Stamp::system(app.app().now())).await.unwrap();
    tx.housekeeping();
    tx
}

/// Finished rows, doubled until there are enough.
async fn finished(app: &TestApp, wanted: i64) {
    let mut have = app.number(sql("SELECT COUNT(*) FROM jobs WHERE status = 'succeeded'")).await;
    while have < wanted {
        let mut tx = begin(app).await;
        let now = app.app().now();
        if have == 0 {
            sql("INSERT INTO jobs (kind, payload, status, schedule, run_at, created_at, finished_at) \
                 VALUES ('noop', '{}', 'succeeded', 'default', ?, ?, ?)")
            .bind(now)
            .bind(now)
            .bind(now)
            .execute(&mut tx)
            .await
            .unwrap();
        } else {
            sql("INSERT INTO jobs (kind, payload, status, schedule, run_at, created_at, finished_at) \
                 SELECT kind, payload, status, schedule, run_at, created_at, finished_at FROM jobs \
                 WHERE status = 'succeeded' LIMIT ?")
            .bind((wanted - have).min(50_000))
            .execute(&mut tx)
            .await
            .unwrap();
        }
        tx.commit().await.unwrap();
        have = app.number(sql("SELECT COUNT(*) FROM jobs WHERE status = 'succeeded'")).await;
    }
}

async fn measure(app: &TestApp, jobs: &Jobs, workers: i64, count: i64) -> Duration {
    for part in 0..(count + 999) / 1000 {
        let mut tx = begin(app).await;
        for n in 0..(count - part * 1000).min(1000) {
            NewJob::new("noop", json!({ "n": n })).queue(&mut tx).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
    let begun = Instant::now();
    let tasks = (0..workers).map(|_| {
        let worker = Worker::new(app.app().clone(), jobs.clone(), "bench");
        tokio::spawn(async move {
            let (_keep, stop) = watch::channel(false);
            worker.tick(Duration::from_mins(30), &stop).await.unwrap().succeeded
        })
    });
    let done: Vec<u64> = futures_util::future::join_all(tasks).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(i64::try_from(done.iter().sum::<u64>()).unwrap(), count, "each job once: {done:?}");
    begun.elapsed()
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let jobs = Jobs::none().on("noop", async |_: Run| Ok(()));
        let app = TestApp::new(Routes::area("bench", &["/"]), jobs.clone()).await;
        let (workers, count) = (number("WORKERS", 4), number("JOBS", 20_000));
        let sizes = std::env::var("FINISHED").unwrap_or_else(|_| "0,1000000".to_owned());
        let engine = if app.db().is_sqlite() { "SQLite" } else { "MySQL" };
        for size in sizes.split(',').filter_map(|text| text.trim().parse().ok()) {
            finished(&app, size).await;
            let took = measure(&app, &jobs, workers, count).await;
            let rate = f64::from(i32::try_from(count).unwrap_or(i32::MAX)) / took.as_secs_f64();
            println!(
                "{engine}: {workers} workers, {count} due jobs, {size} finished rows: {took:.1?}, {rate:.0} a second"
            );
        }
        app.finish().await;
    });
}
