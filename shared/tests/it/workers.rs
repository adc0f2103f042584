//! Several jobs side by side in one worker: none keeps the others waiting, none is lost or done twice when
//! the worker goes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;
use shared::db::sql;
use shared::jobs::{Counts, JobError, Jobs, NewJob, Pace, Run, Worker};
use shared::routes::Routes;
use shared::testing::TestApp;
use shared::{events, jobs};
use tokio::sync::{Semaphore, watch};

use crate::begin;

async fn portal(jobs: &Jobs) -> TestApp {
    TestApp::new(Routes::area("test", &["/"]), jobs.clone()).await
}

async fn queue(app: &TestApp, jobs: impl IntoIterator<Item = NewJob>) {
    let mut tx = begin(app).await;
    for job in jobs {
        job.queue(&mut tx).await.unwrap();
    }
    tx.commit().await.unwrap();
}

fn job(kind: &'static str) -> NewJob {
    NewJob::new(kind, json!({}))
}

const QUICK: Pace =
    Pace { pulse: Duration::from_millis(50), renew: Duration::from_millis(50), patience: Duration::from_millis(100) };

fn worker(app: &TestApp, jobs: &Jobs) -> Worker {
    Worker::new(app.app().clone(), jobs.clone(), "test").at_once(8).pace(QUICK)
}

async fn tick(worker: &Worker) -> Counts {
    let (_keep, stop) = watch::channel(false);
    worker.tick(Duration::from_mins(1), &stop).await.unwrap()
}

/// Waits for a door that another job opens; gives up so that a failing test ends.
async fn wait(door: Arc<Semaphore>) -> Result<(), JobError> {
    let open = tokio::time::timeout(Duration::from_secs(20), door.acquire()).await;
    open.map(|_| ()).map_err(|_| JobError::Fail("nobody opened".to_owned()))
}

/// `slow` waits until `mail` has been done.
fn slow_and_mail() -> Jobs {
    let door = Arc::new(Semaphore::new(0));
    let key = Arc::clone(&door);
    Jobs::none().on("slow", move |_: Run| wait(Arc::clone(&door))).on("mail", move |_: Run| {
        key.add_permits(100);
        async { Ok(()) }
    })
}

#[tokio::test]
async fn a_long_job_keeps_no_other_waiting() {
    let jobs = slow_and_mail();
    let app = portal(&jobs).await;
    queue(&app, [job("slow").priority(1), job("mail").priority(200)]).await;
    assert_eq!(tick(&worker(&app, &jobs)).await.succeeded, 2);
    app.finish().await;
}

#[tokio::test]
async fn many_long_jobs_of_a_kind_leave_places_for_others() {
    let jobs = slow_and_mail();
    let app = portal(&jobs).await;
    queue(&app, (0..30).map(|_| job("slow").priority(1)).chain([job("mail").priority(200)])).await;
    assert_eq!(tick(&worker(&app, &jobs)).await.succeeded, 31);
    app.finish().await;
}

#[tokio::test]
async fn work_that_comes_while_a_long_job_runs_is_taken_at_once() {
    let jobs = slow_and_mail();
    let app = portal(&jobs).await;
    queue(&app, [job("slow")]).await;
    let slow_pulse = Pace { pulse: Duration::from_mins(1), ..QUICK };
    let worker = worker(&app, &jobs).pace(slow_pulse);
    let (counts, ()) = tokio::join!(tick(&worker), async {
        while app.number(sql("SELECT COUNT(*) FROM jobs WHERE status = 'running'")).await == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        queue(&app, [job("mail")]).await;
    });
    assert_eq!(counts.succeeded, 2);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_kind_that_keeps_its_order_runs_alone() {
    let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&most);
    let jobs = Jobs::none().at_most("ordered", 1).on("ordered", move |_: Run| {
        let (inside, seen) = (Arc::clone(&inside), Arc::clone(&seen));
        async move {
            seen.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(2)).await;
            inside.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        }
    });
    let app = portal(&jobs).await;
    queue(&app, (0..20).map(|_| job("ordered"))).await;
    assert_eq!(tick(&worker(&app, &jobs)).await.succeeded, 20);
    assert_eq!(most.load(Ordering::SeqCst), 1);
    app.finish().await;
}

#[tokio::test]
async fn a_worker_told_to_stop_puts_back_what_takes_too_long() {
    let jobs = slow_and_mail();
    let app = portal(&jobs).await;
    queue(&app, [job("slow").schedule(jobs::Schedule::Once), job("slow")]).await;
    let (tell, stop) = watch::channel(false);
    let worker = worker(&app, &jobs);
    let (counts, ()) = tokio::join!(worker.tick(Duration::from_mins(1), &stop), async {
        while app.number(sql("SELECT COUNT(*) FROM jobs WHERE status = 'running'")).await < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tell.send_replace(true);
    });
    assert_eq!(counts.unwrap(), Counts::default());
    let back = sql("SELECT COUNT(*) FROM jobs WHERE status = 'queued' AND attempts = 0 AND locked_by IS NULL");
    assert_eq!(app.number(back).await, 2, "another worker may begin them at once, as if nothing had been");
    queue(&app, [job("mail").priority(1)]).await;
    assert_eq!(tick(&worker).await.succeeded, 3);
    app.finish().await;
}

#[tokio::test]
async fn claims_of_long_jobs_are_renewed_and_the_worker_shows_that_it_lives() {
    let jobs = slow_and_mail();
    let app = portal(&jobs).await;
    queue(&app, [job("slow")]).await;
    let worker = worker(&app, &jobs);
    let (counts, ()) = tokio::join!(tick(&worker), async {
        for _ in 0..4 {
            app.advance(TimeDelta::seconds(100));
            let now = app.app().now();
            let kept = || sql("SELECT COUNT(*) FROM jobs WHERE locked_until > ?").bind(now + TimeDelta::seconds(100));
            let alive = || sql("SELECT COUNT(*) FROM worker_heartbeats WHERE last_tick_at = ?").bind(now);
            while app.number(kept()).await == 0 || app.number(alive()).await == 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        queue(&app, [job("mail")]).await;
    });
    assert_eq!((counts.succeeded, counts.requeued), (2, 0));
    app.finish().await;
}

#[tokio::test]
async fn a_job_that_another_worker_has_taken_over_is_cut_off() {
    let jobs = slow_and_mail();
    let app = portal(&jobs).await;
    queue(&app, [job("slow")]).await;
    let worker = worker(&app, &jobs);
    let (counts, ()) = tokio::join!(tick(&worker), async {
        while app.number(sql("SELECT COUNT(*) FROM jobs WHERE status = 'running'")).await == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let until = app.app().now() + TimeDelta::minutes(2);
        app.execute(sql("UPDATE jobs SET locked_by = 'another', locked_until = ?").bind(until)).await;
    });
    assert_eq!((counts.succeeded, counts.failed), (0, 1));
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM jobs WHERE locked_by = 'another'")).await, 1);
    app.execute(sql("DELETE FROM jobs")).await;
    app.finish().await;
}

#[tokio::test]
async fn an_event_that_nobody_waits_for_costs_no_job() {
    let asked: Arc<Mutex<Vec<Vec<String>>>> = Arc::default();
    let note = Arc::clone(&asked);
    let jobs = Jobs::none().on("heard", async |_: Run| Ok(())).on_wanted_events("heard", move |_, names| {
        note.lock().unwrap().push(names);
        async { Ok(["custom.wanted".to_owned()].into()) }
    });
    let app = portal(&jobs).await;
    let mut tx = begin(&app).await;
    for n in 0..90 {
        let name = if n == 7 { "custom.wanted" } else { "custom.other" };
        events::emit_named(&mut tx, name, json!({ "n": n })).await.unwrap();
    }
    tx.commit().await.unwrap();
    let before = app.db().statements();
    let counts = tick(&worker(&app, &jobs)).await;
    assert_eq!((counts.dispatched, counts.succeeded), (90, 1));
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM jobs")).await, 1);
    assert!(app.db().statements() - before < 40, "{} statements", app.db().statements() - before);
    assert_eq!(*asked.lock().unwrap(), [["custom.other", "custom.wanted"]], "asked once for all of them");
    app.finish().await;
}
