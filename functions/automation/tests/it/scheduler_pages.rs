//! The pages of tasks, without script: what they show, who sees them, what they cost.

use automation::scheduler::pages;
use chrono::TimeDelta;
use serde_json::json;
use shared::db::sql;
use shared::testing::render_samples;

use crate::portal;
use crate::scheduler_api::task;
use crate::script::scripted;

#[test]
fn every_template_renders() {
    render_samples::<pages::list::TaskList>();
    render_samples::<pages::edit::TaskForm>();
    render_samples::<pages::delete::TaskDelete>();
    render_samples::<pages::runs::TaskRuns>();
    render_samples::<pages::runs::AllRuns>();
}

const TYPED: [(&str, &str); 9] = [
    ("name", "Nightly"),
    ("command", "test_command"),
    ("cron", "0 2 * * *"),
    ("timezone", "Europe/London"),
    ("companyId", ""),
    ("maxRetries", "1"),
    ("retryBackoffSeconds", "60"),
    ("timeoutSeconds", "900"),
    ("active", "true"),
];

fn typed<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = TYPED.iter().filter(|(name, _)| changes.iter().all(|(other, _)| other != name));
    kept.copied().chain(changes.iter().copied()).collect()
}

#[tokio::test]
async fn a_task_is_made_changed_run_and_deleted_on_pages() {
    let (app, script) = scripted().await;
    let ann = app.super_admin("ann").await;
    let _ = ann.get("/admin/automation").await.is(200).shows("Clean up history").shows("Every day at 03:30");
    let _ = ann.get("/admin/scheduler").await.goes_to("/admin/automation");
    let _ = ann.get("/admin/automation/tasks/new").await.is(200).shows("Every day at 02:00");
    let wrong = typed(&[("name", ""), ("cron", "0 0 30 2 *"), ("maxRetries", "many")]);
    let page = ann.post("/admin/automation/tasks", &wrong).await.is(422);
    let _ = page
        .shows("Enter a name")
        .shows("This never happens")
        .shows("Enter a number from 0 to 10")
        .shows("value=\"many\"");
    let list = "/admin/automation#tasks";
    let _ = ann.post("/admin/automation/tasks", &typed(&[("_once", "once-1")])).await.goes_to(list);
    let _ = ann.post("/admin/automation/tasks", &typed(&[("_once", "once-1")])).await.goes_to(list);
    let id = app.number(sql("SELECT id FROM scheduled_tasks WHERE name = 'Nightly'")).await;
    let base = format!("/admin/automation/tasks/{id}");
    let _ = ann.get("/admin/automation").await.shows("Nightly created").shows("Every day at 02:00");
    let _ = ann.get(&base).await.is(200).shows("value=\"Nightly\"").shows("24 Nov 2026, 02:00");
    let page = ann.post(&format!("{base}/preview"), &typed(&[("cron", "*/15 * * * *")])).await.is(200);
    let _ = page.shows("Every 15 minutes").shows("value=\"*&#x2f;15 * * * *\"").shows("23 Nov 2026, 09:15");
    let _ = ann.post(&base, &typed(&[("name", "Nightly run"), ("active", ""), ("version", "1")])).await.goes_to(list);
    let stale = ann.post(&base, &typed(&[("name", "Other"), ("version", "1")])).await.is(422);
    let _ = stale.shows("Somebody else has changed this task").shows("value=\"Other\"");
    let _ = ann.get("/admin/automation?active=off").await.shows("Nightly run").hides("Clean up history");
    let _ = ann.post(&format!("{base}/activate"), &[("active", "true")]).await.goes_to(list);
    let _ = ann.get("/admin/automation").await.shows("Nightly run is on");
    let _ = ann.post(&format!("{base}/run"), &[]).await.goes_to(&format!("{base}/runs"));
    let live = ann.get(&format!("{base}/runs")).await.is(200).shows("Run queued").shows("every 3s");
    let _ = live.shows("By ann Example");
    let _ = ann.post(&format!("{base}/run"), &[]).await.goes_to(&format!("{base}/runs"));
    let _ = ann.get(&format!("{base}/runs")).await.shows("This task is running");
    let _ = ann.post(&format!("{base}/delete"), &[]).await.goes_to("/admin/automation");
    script.fails(1);
    app.run_jobs().await;
    let region = ann.region(&format!("{base}/runs"), "task-runs").await.is(200).shows("no answer from the server");
    let _ = region.hides("<html");
    app.advance(TimeDelta::minutes(2));
    app.run_jobs().await;
    let _ = ann.get(&format!("{base}/runs")).await.shows("Try 2").hides("every 3s");
    let _ = ann.get(&format!("{base}/runs?status=failed")).await.shows("no answer").hides("Try 2");
    let _ = ann.get("/admin/automation/runs?status=failed").await.is(200).shows("Nightly run");
    let _ = ann.get(&format!("{base}/delete")).await.is(200).shows("Delete Nightly run?");
    let _ = ann.post(&format!("{base}/delete"), &[]).await.goes_to(list);
    let _ = ann.get(&base).await.is(404);
    app.finish().await;
}

#[tokio::test]
async fn only_super_administrators_see_the_pages() {
    let app = portal().await;
    let provider = app.provider("Northstar").await;
    let tom = app.technician("tom", &provider).await;
    let id = app.number(sql("SELECT id FROM scheduled_tasks")).await;
    let base = format!("/admin/automation/tasks/{id}");
    for path in ["/admin/automation", "/admin/automation/runs", "/admin/automation/tasks/new", &base] {
        let login = format!("/login?next={}", path.replace('/', "%2F"));
        let _ = app.stranger().get(path).await.goes_to(&login);
        let _ = tom.get(path).await.goes_to("/");
    }
    for path in [format!("{base}/runs"), format!("{base}/delete")] {
        let _ = tom.get(&path).await.goes_to("/");
    }
    for verb in ["", "/activate", "/run", "/delete", "/preview"] {
        let _ = tom.post(&format!("{base}{verb}"), &[("active", "false")]).await.goes_to("/");
    }
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM scheduled_tasks WHERE active = TRUE")).await, 1);
    app.finish().await;
}

#[tokio::test]
async fn silence_of_the_workers_is_told() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let _ = ann.get("/admin/automation").await.shows("No worker is running");
    app.run_jobs().await;
    let _ = ann.get("/admin/automation").await.hides("No worker is running");
    app.advance(TimeDelta::minutes(4));
    let _ = ann.get("/admin/automation").await.shows("No worker is running");
    app.finish().await;
}

#[tokio::test]
async fn pages_cost_the_same_whatever_their_length() {
    let (app, _) = scripted().await;
    let ann = app.super_admin("ann").await;
    for _ in 0..30 {
        task(&ann, json!({})).await;
    }
    app.advance(TimeDelta::hours(1));
    app.run_jobs().await;
    let id = app.number(sql("SELECT MAX(id) FROM scheduled_tasks")).await;
    let base = format!("/admin/automation/tasks/{id}");
    let runs = format!("{base}/runs");
    for path in
        ["/admin/automation", "/admin/automation/runs", "/admin/automation/tasks/new", &base, &runs, "/scheduler/tasks"]
    {
        let before = app.db().statements();
        let _ = ann.get(path).await.is(200);
        let spent = app.db().statements() - before;
        assert!(spent <= 8, "{path} took {spent} statements");
    }
    app.finish().await;
}
