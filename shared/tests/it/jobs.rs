//! Background work: claims, tries, leases, events and periodic work, with any number of workers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::json;
use shared::db::sql;
use shared::events;
use shared::jobs::{Counts, JobError, Jobs, NewJob, Run, Schedule, Worker, last_tick};
use shared::routes::Routes;
use shared::testing::{TestApp, monday};
use tokio::sync::watch;

use crate::begin;

type Seen = Arc<Mutex<HashMap<i64, u32>>>;

async fn portal(jobs: Jobs) -> TestApp {
    TestApp::new(Routes::area("test", &["/"]), jobs).await
}

/// Counts the tries by job; lets other tasks in between.
fn counting(seen: &Seen) -> Jobs {
    let seen = Arc::clone(seen);
    Jobs::none().on("count", move |run: Run| {
        let seen = Arc::clone(&seen);
        async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            *seen.lock().unwrap().entry(run.id).or_default() += 1;
            Ok(())
        }
    })
}

async fn queue(app: &TestApp, job: NewJob) -> Option<i64> {
    let mut tx = begin(app).await;
    let id = job.queue(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    id
}

#[derive(Debug, PartialEq, sqlx::FromRow)]
struct Row {
    status: String,
    attempts: i64,
    run_at: DateTime<Utc>,
    last_error: Option<String>,
    dedupe_key: Option<String>,
    locked_by: Option<String>,
}

async fn job(app: &TestApp, id: i64) -> Row {
    let rows = app.rows(
        sql("SELECT status, attempts, run_at, last_error, dedupe_key, locked_by FROM jobs WHERE id = ?").bind(id),
    );
    rows.await.pop().unwrap()
}

/// Workers that share one database, each in a task of its own.
async fn workers(app: &TestApp, jobs: &Jobs, count: usize) -> Vec<Counts> {
    let tasks = (0..count).map(|_| {
        let worker = Worker::new(app.app().clone(), jobs.clone(), "test");
        tokio::spawn(async move {
            let (_keep, stop) = watch::channel(false);
            worker.tick(Duration::from_mins(1), &stop).await.unwrap()
        })
    });
    futures_util::future::join_all(tasks).await.into_iter().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_workers_run_each_job_exactly_once() {
    let seen = Seen::default();
    let jobs = counting(&seen);
    let app = portal(jobs.clone()).await;
    let mut tx = begin(&app).await;
    for n in 0..200 {
        NewJob::new("count", json!({ "n": n })).queue(&mut tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    let counts = workers(&app, &jobs, 4).await;
    assert_eq!(counts.iter().map(|c| c.succeeded).sum::<u64>(), 200, "{counts:?}");
    let seen = seen.lock().unwrap().clone();
    assert_eq!((seen.len(), seen.values().max()), (200, Some(&1)));
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM jobs WHERE status = 'succeeded' AND attempts = 1")).await, 200);
    app.finish().await;
}

fn failing() -> Jobs {
    Jobs::none()
        .on("retry", async |_: Run| Err(JobError::Retry("not yet".to_owned())))
        .on("fail", async |_: Run| Err(JobError::Fail("never".to_owned())))
        .on("panic", async |_: Run| panic!("a job fell over"))
}

#[tokio::test]
async fn failed_tries_wait_longer_each_time_and_end() {
    let mut app = portal(failing()).await;
    let id = queue(&app, NewJob::new("retry", json!({})).dedupe("k")).await.unwrap();
    let mut tried_at = monday();
    for (attempt, wait) in [(1, 30), (2, 60)] {
        assert_eq!(app.run_jobs().await.failed, 1);
        let row = job(&app, id).await;
        assert_eq!((row.status.as_str(), row.attempts), ("queued", attempt));
        assert_eq!((row.last_error.as_deref(), row.locked_by), (Some("not yet"), None));
        let waits = (row.run_at - tried_at).num_milliseconds();
        assert!((wait * 900..=wait * 1100).contains(&waits), "{waits}");
        app.advance(row.run_at - tried_at - TimeDelta::microseconds(1));
        assert_eq!(app.run_jobs().await, Counts::default(), "not before its time");
        app.advance(TimeDelta::microseconds(1));
        tried_at = row.run_at;
    }
    assert_eq!(app.run_jobs().await.failed, 1);
    let row = job(&app, id).await;
    assert_eq!((row.status.as_str(), row.attempts, row.dedupe_key), ("failed", 3, None));
    app.advance(TimeDelta::days(1));
    assert_eq!(app.run_jobs().await.failed, 0);
    app.leave_work();
    app.finish().await;
}

#[tokio::test]
async fn what_cannot_succeed_is_not_tried_again() {
    let mut app = portal(failing()).await;
    let fail = queue(&app, NewJob::new("fail", json!({}))).await.unwrap();
    let once = queue(&app, NewJob::new("retry", json!({})).schedule(Schedule::Once)).await.unwrap();
    assert_eq!(app.run_jobs().await.failed, 2);
    for id in [fail, once] {
        let row = job(&app, id).await;
        assert_eq!((row.status.as_str(), row.attempts), ("failed", 1));
    }
    app.leave_work();
    app.finish().await;
}

#[tokio::test]
async fn a_panic_costs_the_try_and_not_the_worker() {
    let mut app = portal(failing().every("falls", TimeDelta::hours(1), async |_: Run| panic!("it fell over"))).await;
    let panics = queue(&app, NewJob::new("panic", json!({}))).await.unwrap();
    let after = queue(&app, NewJob::new("fail", json!({})).priority(200)).await.unwrap();
    assert_eq!(app.run_jobs().await.failed, 2);
    assert_eq!((job(&app, panics).await.status.as_str(), job(&app, after).await.status.as_str()), ("queued", "failed"));
    app.leave_work();
    app.finish().await;
}

#[tokio::test]
async fn a_kind_that_nobody_handles_is_kept_and_said() {
    let mut app = portal(Jobs::none()).await;
    let id = queue(&app, NewJob::new("unknown", json!({}))).await.unwrap();
    assert_eq!(app.run_jobs().await.failed, 1);
    assert_eq!(job(&app, id).await.last_error.as_deref(), Some("nobody handles unknown"));
    app.leave_work();
    app.finish().await;
}

#[tokio::test]
async fn a_lost_claim_is_taken_by_another_worker() {
    let seen = Seen::default();
    let mut app = portal(counting(&seen)).await;
    let id = queue(&app, NewJob::new("count", json!({}))).await.unwrap();
    let claim = |attempts: i64, losses: i64| {
        sql("UPDATE jobs SET status = 'running', locked_by = 'gone', locked_until = ?, attempts = ?, losses = ?")
            .bind(app.app().now() + TimeDelta::seconds(120))
            .bind(attempts)
            .bind(losses)
    };
    app.execute(claim(3, 0)).await;
    app.advance(TimeDelta::seconds(120));
    assert_eq!(app.run_jobs().await, Counts::default(), "the claim still holds");
    app.advance(TimeDelta::seconds(1));
    let counts = app.run_jobs().await;
    assert_eq!((counts.requeued, counts.succeeded), (1, 1));
    assert_eq!(job(&app, id).await.attempts, 3, "the try that was lost does not count");
    let once = NewJob::new("count", json!({})).dedupe("once").schedule(Schedule::Once);
    for (new, attempts, losses) in [(NewJob::new("count", json!({})).dedupe("k"), 1, 24), (once, 1, 0)] {
        let id = queue(&app, new).await.unwrap();
        app.execute(claim(attempts, losses).push(" WHERE id = ?").bind(id)).await;
        app.advance(TimeDelta::seconds(121));
        assert_eq!(app.run_jobs().await.succeeded, 0);
        let row = job(&app, id).await;
        assert_eq!((row.status.as_str(), row.dedupe_key), ("failed", None));
        assert_eq!(row.last_error.as_deref(), Some("the worker was lost"));
    }
    app.leave_work();
    app.finish().await;
}

#[tokio::test]
async fn a_worker_that_lost_its_claim_does_not_write_the_outcome() {
    let thief = Jobs::none().on("slow", async |run: Run| {
        let mut tx = run.begin().await?;
        tx.housekeeping();
        sql("UPDATE jobs SET locked_by = 'another'").execute(&mut tx).await?;
        Ok(tx.commit().await?)
    });
    let mut app = portal(thief).await;
    let id = queue(&app, NewJob::new("slow", json!({}))).await.unwrap();
    assert_eq!(app.run_jobs().await.succeeded, 0);
    let row = job(&app, id).await;
    assert_eq!((row.status.as_str(), row.locked_by.as_deref()), ("running", Some("another")));
    app.leave_work();
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_key_is_queued_once_until_it_is_done() {
    let seen = Seen::default();
    let app = Arc::new(portal(counting(&seen)).await);
    let job = || NewJob::new("count", json!({})).dedupe("one");
    let tasks = (0..6).map(|_| {
        let app = Arc::clone(&app);
        tokio::spawn(async move { queue(&app, job()).await })
    });
    let queued = futures_util::future::join_all(tasks).await;
    assert_eq!(queued.into_iter().filter(|id| id.as_ref().unwrap().is_some()).count(), 1);
    assert_eq!(app.run_jobs().await.succeeded, 1);
    assert!(queue(&app, job()).await.is_some(), "done, so it may be queued again");
    assert_eq!(app.run_jobs().await.succeeded, 1);
    Arc::into_inner(app).unwrap().finish().await;
}

#[tokio::test]
async fn jobs_run_when_due_and_the_urgent_first() {
    let order: Arc<Mutex<Vec<i64>>> = Arc::default();
    let seen = Arc::clone(&order);
    let app = portal(Jobs::none().on("note", move |run: Run| {
        let seen = Arc::clone(&seen);
        async move {
            seen.lock().unwrap().push(run.id);
            Ok(())
        }
    }))
    .await;
    let new = || NewJob::new("note", json!({}));
    let later = queue(&app, new().run_at(monday() + TimeDelta::minutes(5))).await.unwrap();
    let plain = queue(&app, new()).await.unwrap();
    app.advance(TimeDelta::seconds(1));
    let urgent = queue(&app, new().priority(10)).await.unwrap();
    assert_eq!(app.run_jobs().await.succeeded, 2);
    app.advance(TimeDelta::minutes(5));
    assert_eq!(app.run_jobs().await.succeeded, 1);
    assert_eq!(*order.lock().unwrap(), [urgent, plain, later]);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn periodic_work_runs_once_per_period_whatever_the_workers() {
    let ran = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&ran);
    let jobs = Jobs::none().every("sweep", TimeDelta::hours(1), move |_: Run| {
        counter.fetch_add(1, Ordering::SeqCst);
        async { Ok(()) }
    });
    let app = portal(jobs.clone()).await;
    for (minutes, expected) in [(0, 1), (59, 1), (1, 2), (60, 3), (600, 4)] {
        app.advance(TimeDelta::minutes(minutes));
        workers(&app, &jobs, 5).await;
        assert_eq!(ran.load(Ordering::SeqCst), expected, "after {minutes} minutes");
    }
    app.finish().await;
}

#[derive(Deserialize)]
struct Heard {
    event: i64,
    ticket: i64,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_event_reaches_each_listener_once() {
    let heard: Arc<Mutex<Vec<(&str, i64)>>> = Arc::default();
    let listen = |name: &'static str| {
        let heard = Arc::clone(&heard);
        move |run: Run| {
            let heard = Arc::clone(&heard);
            async move {
                let payload: Heard = run.payload()?;
                assert!(payload.event > 0);
                heard.lock().unwrap().push((name, payload.ticket));
                Ok(())
            }
        }
    };
    let jobs = Jobs::none()
        .on("mail", listen("mail"))
        .on("hook", listen("hook"))
        .on_event(events::names::TICKET_CREATED, "mail")
        .on_event(events::names::TICKET_CREATED, "hook")
        .on_event(events::names::TICKET_REPLIED, "mail");
    let app = portal(jobs.clone()).await;
    let mut tx = begin(&app).await;
    events::emit(&mut tx, events::names::TICKET_CREATED, json!({"ticket": 1})).await.unwrap();
    events::emit(&mut tx, events::names::TICKET_REPLIED, json!({"ticket": 2})).await.unwrap();
    events::emit(&mut tx, events::names::USER_REGISTERED, json!({"user": 3})).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = begin(&app).await;
    events::emit(&mut tx, events::names::TICKET_CREATED, json!({"ticket": 4})).await.unwrap();
    drop(tx);
    let counts = workers(&app, &jobs, 4).await;
    assert_eq!(counts.iter().map(|c| c.dispatched).sum::<u64>(), 3, "{counts:?}");
    workers(&app, &jobs, 1).await;
    let mut heard = heard.lock().unwrap().clone();
    heard.sort_unstable();
    assert_eq!(heard, [("hook", 1), ("mail", 1), ("mail", 2)]);
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM event_outbox WHERE dispatched_at IS NULL")).await, 0);
    app.finish().await;
}

#[tokio::test]
async fn a_worker_told_to_stop_finishes_its_job_and_takes_no_other() {
    let (tell, stop) = watch::channel(false);
    let tell = Arc::new(tell);
    let jobs = Jobs::none().on("stop", move |_: Run| {
        tell.send_replace(true);
        async { Ok(()) }
    });
    let app = portal(jobs.clone()).await;
    for _ in 0..3 {
        queue(&app, NewJob::new("stop", json!({}))).await;
    }
    let worker = Worker::new(app.app().clone(), jobs.clone(), "test").at_once(1);
    assert_eq!(worker.tick(Duration::from_mins(1), &stop).await.unwrap().succeeded, 1);
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM jobs WHERE status = 'queued'")).await, 2);
    let (_keep, go_on) = watch::channel(false);
    assert_eq!(worker.tick(Duration::ZERO, &go_on).await.unwrap().succeeded, 0, "no time, no work");
    assert_eq!(worker.tick(Duration::from_mins(1), &go_on).await.unwrap().succeeded, 2);
    app.finish().await;
}

#[tokio::test]
async fn workers_show_that_they_are_alive() {
    let app = portal(Jobs::none()).await;
    assert_eq!(last_tick(app.db()).await.unwrap(), None);
    let worker = Worker::new(app.app().clone(), Jobs::none(), "local");
    let (_keep, stop) = watch::channel(false);
    for _ in 0..2 {
        app.advance(TimeDelta::seconds(5));
        worker.tick(Duration::from_secs(1), &stop).await.unwrap();
        assert_eq!(last_tick(app.db()).await.unwrap(), Some(app.app().now()));
    }
    let rows: Vec<(String, DateTime<Utc>)> =
        app.rows(sql("SELECT kind, started_at FROM worker_heartbeats LIMIT 10")).await;
    assert_eq!(rows, [("local".to_owned(), monday())]);
    app.finish().await;
}

#[tokio::test]
async fn queued_work_wakes_the_loop_after_the_commit_only() {
    let seen = Seen::default();
    let app = portal(counting(&seen)).await;
    let woken = || tokio::time::timeout(Duration::from_millis(50), app.db().work_queued());
    let mut tx = begin(&app).await;
    NewJob::new("count", json!({})).queue(&mut tx).await.unwrap();
    assert!(woken().await.is_err(), "nothing is committed yet");
    tx.commit().await.unwrap();
    assert!(woken().await.is_ok());
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn what_has_expired_is_removed() {
    let app = portal(Jobs::kernel()).await;
    let old = monday() - TimeDelta::days(31);
    for statement in [
        "INSERT INTO jobs (kind, payload, status, schedule, run_at, created_at, finished_at) \
         VALUES ('x', '{}', 'succeeded', 'once', ?, ?, ?)",
        "INSERT INTO event_outbox (name, payload, created_at, dispatched_at) VALUES (CASE WHEN ? IS NULL THEN '' ELSE 'x' END, '{}', ?, ?)",
    ] {
        app.execute(sql(statement).bind(old).bind(old).bind(old)).await;
    }
    assert!(app.run_jobs().await.periodic >= 2);
    for table in ["SELECT COUNT(*) FROM jobs", "SELECT COUNT(*) FROM event_outbox"] {
        assert_eq!(app.number(sql(table)).await, 0, "{table}");
    }
    app.finish().await;
}
