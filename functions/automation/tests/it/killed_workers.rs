//! Workers that are cut off in the middle of anything, again and again: no occurrence of a task is missed or
//! done twice, no webhook is lost. A cut drops the worker's transactions and leaves its claims behind, as the
//! end of its process does. `OCCURRENCES`, `DELIVERIES` and `WORKERS` make it a larger run.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use serde_json::json;
use shared::app::{App, Parts};
use shared::clock::Clock;
use shared::db::sql;
use shared::jobs::{Jobs, Worker};
use shared::mail::transport::Backend;
use shared::testing::TestApp;
use shared::testing::web::{Answer, Server};
use shared::webhooks::NewWebhook;
use tokio::sync::watch;

use crate::scheduler_api::task;
use crate::script::scripted;
use crate::{jobs, portal, settings};

#[expect(clippy::disallowed_methods, reason = "a longer run is asked for by whoever starts it")]
fn number(name: &str, otherwise: i64) -> i64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn random_below(most: i64) -> i64 {
    i64::from_str_radix(&shared::tokens::random_hex(4), 16).unwrap() % most
}

/// A worker with a clock of its own, and its successors.
struct Process {
    db: shared::db::Db,
    clock: Clock,
    work: Jobs,
    worker: Arc<Worker>,
    kills: u64,
}

impl Process {
    fn new(app: &App, work: Jobs, skew: TimeDelta) -> Self {
        let clock = Clock::frozen(app.now() + skew);
        let worker = Self::worker(app.db(), &clock, &work);
        Self { db: app.db().clone(), clock, work, worker, kills: 0 }
    }

    fn worker(db: &shared::db::Db, clock: &Clock, work: &Jobs) -> Arc<Worker> {
        let parts = Parts { db: db.clone(), clock: clock.clone(), mail: Backend::Off };
        let own = App::new(settings(), automation::routes().table(), parts);
        Arc::new(Worker::new(own, work.clone(), "test"))
    }

    /// One tick; one in five is cut off within its first milliseconds.
    #[expect(clippy::disallowed_methods, reason = "the worker is cut off from outside")]
    async fn tick(&mut self) {
        let worker = Arc::clone(&self.worker);
        let mut tick = tokio::spawn(async move {
            let (_keep, stop) = watch::channel(false);
            worker.tick(Duration::from_mins(1), &stop).await
        });
        let patience = if random_below(5) == 0 { random_below(40) } else { 120_000 };
        let patience = Duration::from_millis(u64::try_from(patience).unwrap());
        if tokio::time::timeout(patience, &mut tick).await.is_err() {
            tick.abort();
            drop(tick.await);
            self.worker = Self::worker(&self.db, &self.clock, &self.work);
            self.kills += 1;
        }
    }
}

/// Every process ticks once, then time goes on.
async fn round(app: &TestApp, processes: &mut [Process], step: TimeDelta) {
    futures_util::future::join_all(processes.iter_mut().map(Process::tick)).await;
    app.advance(step);
    processes.iter().for_each(|process| process.clock.advance(step));
}

fn processes(app: &TestApp, work: &Jobs) -> Vec<Process> {
    let count = number("WORKERS", 8);
    let skew = |n: i64| TimeDelta::milliseconds(if count == 1 { 0 } else { -5000 + 10_000 * n / (count - 1) });
    (0..count).map(|n| Process::new(app.app(), work.clone(), skew(n))).collect()
}

fn kills(processes: &[Process]) -> u64 {
    processes.iter().map(|process| process.kills).sum()
}

/// Every half hour, so that a claim that was left behind has run out and been tried again before the next occurrence.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_occurrence_is_missed_or_done_twice() {
    let wanted = number("OCCURRENCES", 60);
    let (tasks, begun) = ((wanted / 20).max(3), Instant::now());
    let (mut app, script) = scripted().await;
    app.leave_work();
    let ann = app.super_admin("ann").await;
    for _ in 0..tasks {
        task(&ann, json!({"cron": "*/30 * * * *", "maxRetries": 5, "retryBackoffSeconds": 30})).await;
    }
    let work = jobs().merge(script.jobs());
    let mut processes = processes(&app, &work);
    let periods = wanted / tasks;
    for _ in 0..periods * 10 {
        round(&app, &mut processes, TimeDelta::minutes(3)).await;
    }
    // What was cut off at the end is taken up again.
    app.execute(sql("UPDATE scheduled_tasks SET active = FALSE")).await;
    for _ in 0..8 {
        round(&app, &mut processes, TimeDelta::seconds(150)).await;
    }
    let count = |query| app.number(query);
    let occurrences =
        count(sql("SELECT COUNT(*) FROM (SELECT DISTINCT task_id, scheduled_for FROM scheduled_task_runs) o")).await;
    let done = count(sql("SELECT COUNT(*) FROM (SELECT DISTINCT task_id, scheduled_for FROM scheduled_task_runs \
         WHERE status = 'succeeded') o"))
    .await;
    let twice = count(sql("SELECT COUNT(*) FROM (SELECT task_id, scheduled_for FROM scheduled_task_runs \
         WHERE status = 'succeeded' GROUP BY task_id, scheduled_for HAVING COUNT(*) > 1) o"))
    .await;
    println!(
        "{} workers, {} kills, {occurrences} occurrences, {done} done, {twice} twice, {} calls, {:.1?}",
        processes.len(),
        kills(&processes),
        script.calls(),
        begun.elapsed()
    );
    assert!(occurrences >= tasks * (periods - 1), "{occurrences} of {} were planned", tasks * periods);
    let gaps = count(
        sql("SELECT COUNT(*) FROM scheduled_tasks t WHERE t.command = 'test_command' AND \
         (SELECT COUNT(DISTINCT r.scheduled_for) FROM scheduled_task_runs r WHERE r.task_id = t.id) < ?")
        .bind(periods - 1),
    )
    .await;
    assert_eq!((gaps, twice, occurrences - done), (0, 0, 0), "missed, doubled, not done");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_webhook_is_lost() {
    let wanted = usize::try_from(number("DELIVERIES", 120)).unwrap();
    let begun = Instant::now();
    let mut app = portal().await;
    app.leave_work();
    let server = Server::start(|_| Answer::status(204)).await;
    for part in 0..wanted.div_ceil(500) {
        let mut tx = app.db().begin(shared::audit::Stamp::system(app.app().now())).await.unwrap();
        tx.housekeeping();
        for n in part * 500..wanted.min((part + 1) * 500) {
            let new = NewWebhook::new("bulk", server.url(), json!({ "n": n })).once(format!("bulk-{n}")).tries(5, 30);
            new.queue(app.app(), &mut tx).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
    let mut processes = processes(&app, &jobs());
    let open = || sql("SELECT COUNT(*) FROM webhook_events WHERE status IN ('pending', 'in_progress')");
    let mut rounds = 0;
    while app.number(open()).await > 0 && rounds < 200 {
        round(&app, &mut processes, TimeDelta::seconds(65)).await;
        rounds += 1;
    }
    let received = server.received();
    let keys: BTreeSet<String> = received.iter().map(|sent| sent.header("idempotency-key").to_owned()).collect();
    let done = app.number(sql("SELECT COUNT(*) FROM webhook_events WHERE status = 'succeeded'")).await;
    println!(
        "{wanted} deliveries, {} kills, {} received, {} distinct, {done} succeeded, {:.1?}",
        kills(&processes),
        received.len(),
        keys.len(),
        begun.elapsed()
    );
    assert_eq!((keys.len(), usize::try_from(done).unwrap()), (wanted, wanted), "0 lost");
    app.finish().await;
}
