//! Work that a request begins and its server owns.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use shared::db::sql;
use shared::jobs::{Counts, Done, JobError, Jobs, NewJob, Pace, Run, Worker};
use shared::routes::Routes;
use shared::testing::TestApp;
use tokio::sync::Semaphore;

use crate::begin;

const SHORT: Duration = Duration::from_millis(100);
const RUNNING: Done = Done { counts: None, still_running: true };

/// `slow` waits at a door; `begun` counts its beginnings.
struct Slow {
    jobs: Jobs,
    door: Arc<Semaphore>,
    begun: Arc<Semaphore>,
}

fn slow() -> Slow {
    let (door, begun) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (inner, count) = (Arc::clone(&door), Arc::clone(&begun));
    let jobs = Jobs::none().on("slow", move |_: Run| {
        let (door, begun) = (Arc::clone(&inner), Arc::clone(&count));
        async move {
            begun.add_permits(1);
            let open = tokio::time::timeout(Duration::from_secs(20), door.acquire()).await;
            open.map(|_| ()).map_err(|_| JobError::Fail("nobody opened".to_owned()))
        }
    });
    Slow { jobs, door, begun }
}

/// A portal with one slow job that is due.
async fn portal(jobs: &Jobs) -> TestApp {
    let app = TestApp::new(Routes::area("test", &["/"]), jobs.clone()).await;
    let mut tx = begin(&app).await;
    NewJob::new("slow", json!({})).queue(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    app
}

async fn call(app: &TestApp, jobs: &Jobs) -> Done {
    let pace = Pace { patience: SHORT, ..Pace::default() };
    let worker = Worker::new(app.app().clone(), jobs.clone(), "tick").pace(pace);
    app.app().shifts().work(worker, SHORT, SHORT).await.unwrap()
}

#[tokio::test]
async fn a_job_that_outlives_the_call_ends_once_and_leaves_no_claim() {
    let slow = slow();
    let app = portal(&slow.jobs).await;
    assert_eq!(call(&app, &slow.jobs).await, RUNNING);
    assert_eq!(serde_json::to_value(RUNNING).unwrap(), json!({"stillRunning": true}));
    // The claim holds while the job goes on: the next call leaves it alone.
    let next = call(&app, &slow.jobs).await;
    assert!(!next.still_running);
    assert!(next.counts.is_some_and(|counts| (counts.requeued, counts.succeeded) == (0, 0)), "{next:?}");
    slow.door.add_permits(1);
    app.app().shifts().ended().await;
    let once = sql("SELECT COUNT(*) FROM jobs WHERE status = 'succeeded' AND attempts = 1 AND losses = 0 \
        AND locked_by IS NULL");
    assert_eq!((app.number(once).await, slow.begun.available_permits()), (1, 1));
    app.finish().await;
}

#[tokio::test]
async fn a_call_that_is_dropped_drops_no_work() {
    let slow = slow();
    let app = portal(&slow.jobs).await;
    let dropped = tokio::time::timeout(Duration::from_millis(50), async {
        let worker = Worker::new(app.app().clone(), slow.jobs.clone(), "tick");
        app.app().shifts().work(worker, SHORT, Duration::from_mins(1)).await
    });
    assert!(dropped.await.is_err());
    slow.door.add_permits(1);
    app.app().shifts().ended().await;
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM jobs WHERE status = 'succeeded' AND attempts = 1")).await, 1);
    app.finish().await;
}

#[tokio::test]
async fn a_server_that_stops_puts_the_work_back() {
    let slow = slow();
    let app = portal(&slow.jobs).await;
    assert_eq!(call(&app, &slow.jobs).await, RUNNING);
    let shifts = app.app().shifts();
    shifts.stop();
    tokio::time::timeout(Duration::from_secs(10), shifts.ended()).await.unwrap();
    let back = sql("SELECT COUNT(*) FROM jobs WHERE status = 'queued' AND attempts = 0 AND locked_by IS NULL");
    assert_eq!(app.number(back).await, 1, "another worker may begin it at once, as if nothing had been");
    // A call that comes after the end takes nothing.
    let late = Done { counts: Some(Counts::default()), still_running: false };
    assert_eq!((call(&app, &slow.jobs).await, slow.begun.available_permits()), (late, 1));
    slow.door.add_permits(1);
    app.run_jobs().await;
    app.finish().await;
}
