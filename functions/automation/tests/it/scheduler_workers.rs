//! Exactly one run for each due occurrence, with any number of workers whose clocks differ by seconds.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;
use shared::app::{App, Parts};
use shared::clock::Clock;
use shared::db::sql;
use shared::jobs::Worker;
use shared::mail::transport::Backend;
use shared::testing::monday;
use tokio::sync::watch;

use crate::jobs;
use crate::scheduler_api::task;
use crate::script::{Script, scripted};

/// A worker process of its own: its clock goes wrong by `skew`.
struct Process {
    clock: Clock,
    worker: Worker,
}

impl Process {
    fn new(app: &App, script: &Script, skew: TimeDelta) -> Self {
        let clock = Clock::frozen(monday() + skew);
        let parts = Parts { db: app.db().clone(), clock: clock.clone(), mail: Backend::Off };
        let own = App::new(shared::testing::config(), automation::routes().table(), parts);
        Self { clock, worker: Worker::new(own, jobs().merge(script.jobs()), "test") }
    }

    async fn tick(&self) {
        let (_keep, stop) = watch::channel(false);
        self.worker.tick(Duration::from_mins(1), &stop).await.unwrap();
    }
}

/// Lets `count` workers work through `minutes`, a tick every `step` seconds, with tasks that are due every
/// minute; every occurrence must have been run once.
async fn work_through(count: usize, tasks: usize, minutes: i64, step: i64) {
    let (mut app, script) = scripted().await;
    let ann = app.super_admin("ann").await;
    for _ in 0..tasks {
        task(&ann, json!({"cron": "* * * * *"})).await;
    }
    let spread = i64::try_from(count.max(2) - 1).unwrap();
    let skew = |n: usize| {
        TimeDelta::milliseconds(if count == 1 { 0 } else { -5000 + 10_000 * i64::try_from(n).unwrap() / spread })
    };
    let processes: Vec<Process> = (0..count).map(|n| Process::new(app.app(), &script, skew(n))).collect();
    let begun = std::time::Instant::now();
    for _ in 0..(minutes * 60 / step) {
        for process in &processes {
            process.clock.advance(TimeDelta::seconds(step));
        }
        app.advance(TimeDelta::seconds(step));
        futures_util::future::join_all(processes.iter().map(Process::tick)).await;
    }
    let all = app.number(sql("SELECT COUNT(*) FROM scheduled_task_runs")).await;
    let once = app
        .number(sql("SELECT COUNT(*) FROM (SELECT task_id, scheduled_for FROM scheduled_task_runs \
             WHERE status = 'succeeded' GROUP BY task_id, scheduled_for) r"))
        .await;
    let expected = i64::try_from(tasks).unwrap() * minutes;
    println!(
        "{count} workers, {tasks} tasks, {minutes} min: {all} runs, {once} occurrences, {} calls, {:?}",
        script.calls(),
        begun.elapsed()
    );
    // The fastest clock may already have seen the next minute.
    assert!(
        (expected..=expected + i64::try_from(tasks).unwrap()).contains(&all),
        "{all} runs for {expected} occurrences"
    );
    assert_eq!((once, script.calls()), (all, usize::try_from(all).unwrap()), "every occurrence runs once");
    app.leave_work();
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_two_and_eight_workers_run_each_occurrence_once() {
    for count in [1, 2, 8] {
        work_through(count, 3, 3, 10).await;
    }
}
