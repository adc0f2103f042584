//! Automations that come ready-made or from a file, and what leaves as a file.

use serde_json::{Value, json};
use shared::db::sql;

use crate::automations::{automation, emit, ntfy, ticket};
use crate::portal;

const GALLERY: &str = "/admin/automations/gallery";
const IMPORT: &str = "/admin/automations/import";

#[tokio::test]
async fn ready_made_automations_are_whole_and_come_switched_off() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let server = ntfy(&app).await;
    let page = ann.get(GALLERY).await.is(200).shows("Push for urgent tickets").shows("only if priority is urgent");
    for ready in automation::automations::gallery::READY {
        assert!(page.text().contains(ready.name), "{}", ready.name);
        let made = ann.post(&format!("{GALLERY}/{}", ready.slug), &[]).await.is(303);
        let _ = ann.get(made.header("location")).await.is(200).shows(ready.name).hides("There is a problem");
    }
    let _ = ann.post(&format!("{GALLERY}/nothing"), &[]).await.is(404);
    let off =
        app.number(sql("SELECT COUNT(*) FROM automations WHERE status = 'inactive' AND next_run_at IS NULL")).await;
    assert_eq!(off, 6);
    // Switched on, the first does what it says.
    let id = app.number(sql("SELECT id FROM automations WHERE name = 'Push for urgent tickets'")).await;
    let _ = ann.post(&format!("/admin/automations/{id}/status"), &[("status", "active")]).await.is(303);
    for priority in ["low", "urgent"] {
        let number = ticket(&app, &format!("Mail is {priority}"), priority).await;
        emit(&app, "tickets.created", json!({"ticket_id": number}), 0).await;
    }
    app.run_jobs().await;
    let titles: Vec<Value> = server.received().iter().map(|request| request.json()["title"].clone()).collect();
    assert_eq!(titles, ["Urgent: Mail is urgent"]);
    app.finish().await;
}

#[tokio::test]
async fn an_automation_travels_to_another_portal_and_is_the_same_there() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let payload = json!({"title": "Störung: {{ticket.subject}}", "tags": ["warning"]});
    let id = automation(
        &ann,
        json!({"name": "Über urgent", "description": "For the desk", "timezone": "Europe/Berlin",
        "trigger_filters": {"match": {"priority": {"in": ["urgent", "high"]}}},
        "action_payload": {"actions": [{"module": "ntfy", "payload": payload, "continue_on_error": true}]}}),
    )
    .await;
    let sent = ann.get(&format!("/admin/automations/{id}/export.json")).await.is(200);
    assert_eq!(sent.header("content-disposition"), format!("attachment; filename=\"automation-{id}.json\""));
    let sent = sent.text();
    let other = portal().await;
    let bea = other.super_admin("bea").await;
    let made = bea.post(IMPORT, &[("file", &sent)]).await.is(303).header("location").to_owned();
    let _ = bea.get(&made).await.is(200).shows("It is off").shows("Über urgent");
    const SAME: &str = "SELECT name, description, timezone, trigger_event, trigger_filters, action_payload \
        FROM automations LIMIT 9";
    type Kept = (String, Option<String>, String, Option<String>, Option<String>, String);
    let (here, there): (Vec<Kept>, Vec<Kept>) = (app.rows(sql(SAME)).await, other.rows(sql(SAME)).await);
    assert_eq!(here, there);
    let off = "SELECT COUNT(*) FROM automations WHERE status = 'inactive' AND next_run_at IS NULL";
    assert_eq!((app.number(sql(off)).await, other.number(sql(off)).await), (0, 1));
    for (file, said) in [
        ("", "Paste what was exported"),
        ("{\n\"name\":", "This is not JSON: look at line 2"),
        ("[1, 2]", "This is not an exported automation"),
        ("{\"name\": \"x\"}", "Choose what starts it"),
        ("{\"name\": \"x\", \"kind\": \"event\", \"trigger_event\": \"custom.x\"}", "Add at least one action"),
    ] {
        let _ = bea.post(IMPORT, &[("file", file)]).await.is(422).shows(said);
    }
    assert_eq!(other.number(sql("SELECT COUNT(*) FROM automations")).await, 1);
    let trail = app.audit().await;
    assert_eq!(trail, ["automation.created", "automation.exported"]);
    app.finish().await;
    other.finish().await;
}

#[tokio::test]
async fn a_history_leaves_as_a_table_that_no_spreadsheet_runs() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let id = automation(&ann, json!({"trigger_event": "custom.ping"})).await;
    let now = app.app().now();
    for (status, error) in [("succeeded", None), ("failed", Some("=HYPERLINK(\"x\"), no answer"))] {
        app.execute(
            sql("INSERT INTO automation_runs (automation_id, started_by, event_name, event_payload, status, \
                 started_at, finished_at, duration_ms, error_message, triggered_by_id, created_at) \
                 VALUES (?, 'manual', 'custom.ping', '{\"ticket\":{\"id\":7}}', ?, ?, ?, 40, ?, ?, ?)")
            .bind(id)
            .bind(status)
            .bind(now)
            .bind(now)
            .bind(error.map(str::to_owned))
            .bind(ann.id)
            .bind(now),
        )
        .await;
    }
    let base = format!("/admin/automations/{id}/runs");
    let _ = ann.get(&base).await.is(200).shows("Export as CSV");
    let all = ann.get(&format!("{base}/export.csv")).await.is(200);
    assert_eq!(all.header("content-type"), "text/csv; charset=utf-8");
    let text = all.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    let failed = "failed,manual,ann Example,custom.ping,7,,2026-11-23T09:12:00Z,2026-11-23T09:12:00Z,40,\
        \"'=HYPERLINK(\"\"x\"\"), no answer\"";
    assert!(lines[1].ends_with(failed), "{}", lines[1]);
    let some = ann.get(&format!("{base}/export.csv?status=succeeded")).await.is(200).text();
    assert_eq!(some.lines().count(), 2, "{some}");
    let provider = app.provider("Northstar").await;
    let tom = app.technician("tom", &provider).await;
    for path in [&format!("{base}/export.csv"), &format!("/admin/automations/{id}/export.json"), GALLERY] {
        let _ = tom.get(path).await.goes_to("/");
    }
    let _ = tom.post(IMPORT, &[("file", "{}")]).await.goes_to("/");
    let _ = ann.get("/admin/automations/999/runs/export.csv").await.is(404);
    assert_eq!(app.audit().await.iter().filter(|action| *action == "automation.runs_exported").count(), 2);
    app.finish().await;
}
