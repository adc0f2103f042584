//! Automations: what starts them, what they do, what they refuse.

use chrono::TimeDelta;
use http::Method;
use serde_json::{Value, json};
use shared::audit::Stamp;
use shared::db::sql;
use shared::events;
use shared::modules::Slug;
use shared::testing::web::{Answer, Server};
use shared::testing::{Actor, TestApp};

use crate::{key, portal, switch_on};

pub(crate) async fn ntfy(app: &TestApp) -> Server {
    let server = Server::start(|_| Answer::Json(200, json!({ "id": "x" }))).await;
    switch_on(app, Slug::Ntfy, json!({ "base_url": server.url(), "topic": "desk" })).await;
    server
}

pub(crate) async fn automation(ann: &Actor, more: Value) -> i64 {
    let mut body = json!({"name": "Urgent", "kind": "event", "status": "active", "trigger_event": "tickets.created",
        "action_payload": {"actions": [{"module": "ntfy", "payload": {"message": "New: {{ticket.subject}}"}}]}});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = ann.json(Method::POST, "/api/automations", body).await.is(201).value();
    made["id"].as_i64().unwrap()
}

pub(crate) async fn ticket(app: &TestApp, subject: &str, priority: &str) -> i64 {
    let now = app.app().now();
    app.execute(
        sql("INSERT INTO tickets (subject, priority, search_text, created_at, updated_at) VALUES (?, ?, '', ?, ?)")
            .bind(subject)
            .bind(priority)
            .bind(now)
            .bind(now),
    )
    .await;
    app.number(sql("SELECT MAX(id) FROM tickets")).await
}

pub(crate) async fn emit(app: &TestApp, name: &str, payload: Value, depth: i64) {
    let mut tx = app.db().begin(Stamp::system(app.app().now())).await.unwrap();
    tx.housekeeping();
    tx.caused_at(depth);
    events::emit_named(&mut tx, name, payload).await.unwrap();
    tx.commit().await.unwrap();
}

async fn runs(ann: &Actor, id: i64) -> Vec<Value> {
    ann.api(Method::GET, &format!("/api/automations/{id}/runs")).await.is(200).value().as_array().unwrap().clone()
}

fn statuses(runs: &[Value]) -> Vec<&str> {
    runs.iter().map(|run| run["status"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn only_super_administrators_and_their_keys_come_in() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let id = automation(&ann, json!({})).await;
    let provider = app.provider("Northstar").await;
    let tom = app.technician("tom", &provider).await;
    for (method, path) in [
        (Method::GET, "/api/automations".to_owned()),
        (Method::POST, "/api/automations".to_owned()),
        (Method::GET, "/api/automations/triggers".to_owned()),
        (Method::POST, "/api/automations/events".to_owned()),
        (Method::GET, format!("/api/automations/{id}")),
        (Method::PUT, format!("/api/automations/{id}")),
        (Method::DELETE, format!("/api/automations/{id}")),
        (Method::GET, format!("/api/automations/{id}/runs")),
        (Method::POST, format!("/api/automations/{id}/execute")),
        (Method::POST, format!("/api/automations/{id}/dry-run")),
    ] {
        let body = json!({"name": "custom.ping"});
        let _ = app.stranger().json(method.clone(), &path, body.clone()).await.is(401);
        let _ = tom.json(method, &path, body).await.is(403);
    }
    let program = key(&app, "automations:write", None).await;
    let _ = program.api(Method::GET, "/api/automations").await.is(200);
    let _ = key(&app, "scheduler:write", None).await.api(Method::GET, "/api/automations").await.is(403);
    app.finish().await;
}

#[tokio::test]
async fn automations_are_added_changed_listed_and_deleted() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let id = automation(&ann, json!({"trigger_filters": {"match": {"priority": "urgent"}}})).await;
    let path = format!("/api/automations/{id}");
    let made = ann.api(Method::GET, &path).await.is(200).value();
    assert_eq!(made["trigger_filters"], json!({"match": {"priority": {"eq": "urgent"}}}));
    assert_eq!(
        (&made["action_module"], &made["status"], &made["run_as_id"]),
        (&json!("ntfy"), &json!("active"), &json!(ann.id))
    );
    app.advance(TimeDelta::minutes(1));
    let old = json!({"kind": "scheduled", "cadence": "daily", "action_module": "smtp", "action_payload": {"text": "hello"},
        "trigger_filters": null});
    let saved = ann.json(Method::PUT, &path, old).await.is(200).value();
    assert_eq!(
        saved["action_payload"]["actions"][0],
        json!({"module": "smtp", "payload": {"text": "hello"}, "continue_on_error": false})
    );
    assert_eq!(
        (&saved["trigger_event"], &saved["trigger_filters"], &saved["next_run_at"]),
        (&json!(null), &json!(null), &json!("2026-11-24T09:13:00Z"))
    );
    let other = automation(&ann, json!({"name": "Other", "status": "inactive"})).await;
    for (query, ids) in [
        ("", vec![id, other]),
        ("?status=inactive", vec![other]),
        ("?kind=scheduled", vec![id]),
        ("?search=oth", vec![other]),
    ] {
        let listed = ann.api(Method::GET, &format!("/api/automations{query}")).await.is(200);
        assert_eq!(listed.header("x-total-count"), ids.len().to_string());
        let mut found: Vec<i64> =
            listed.value().as_array().unwrap().iter().map(|a| a["id"].as_i64().unwrap()).collect();
        found.sort_unstable();
        assert_eq!(found, ids, "{query}");
    }
    let off = ann.json(Method::PUT, &path, json!({"status": "inactive"})).await.is(200).value();
    assert_eq!(off["next_run_at"], json!(null));
    let _ = ann.api(Method::DELETE, &path).await.is(204);
    let _ = ann.api(Method::GET, &path).await.is(404);
    let trail = app.audit().await;
    assert_eq!(
        trail,
        [
            "automation.created",
            "automation.updated",
            "automation.created",
            "automation.deactivated",
            "automation.deleted"
        ]
    );
    let triggers = ann.api(Method::GET, "/api/automations/triggers").await.is(200).value();
    assert_eq!(
        (&triggers[0]["value"], &triggers[0]["fields"][0]),
        (&json!("tickets.created"), &json!("ticket.priority"))
    );
    app.finish().await;
}

#[tokio::test]
async fn what_cannot_work_is_refused() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let actions = |list: Value| json!({"action_payload": {"actions": list}});
    for (more, field) in [
        (json!({"name": ""}), "name"),
        (json!({"kind": "other"}), "kind"),
        (json!({"status": "on"}), "status"),
        (json!({"kind": "scheduled"}), "cadence"),
        (json!({"kind": "scheduled", "cadence": "yearly"}), "cadence"),
        (json!({"kind": "scheduled", "cron_expression": "61 * * * *"}), "cronExpression"),
        (json!({"trigger_event": ""}), "triggerEvent"),
        (json!({"trigger_event": "Tickets"}), "triggerEvent"),
        (json!({"trigger_filters": {"match": {"a": {"like": 1}}}}), "triggerFilters"),
        (json!({"timezone": "x"}), "timezone"),
        (actions(json!([])), "actionPayload"),
        (actions(json!(vec![json!({"module": "ntfy"}); 11])), "actionPayload"),
        (actions(json!([{"module": "ntfy"}, {"module": "chatgpt-mcp"}])), "actions.1.module"),
        (actions(json!([{"module": "tacticalrmm"}])), "actions.0.f.path"),
        (actions(json!(["x"])), "actionPayload"),
    ] {
        let mut body = json!({"name": "A", "kind": "event", "trigger_event": "tickets.created",
            "action_payload": {"actions": [{"module": "ntfy"}]}});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let _ = ann.json(Method::POST, "/api/automations", body).await.is(422).refuses(field);
    }
    app.finish().await;
}

#[tokio::test]
async fn an_event_runs_what_wants_it_once() {
    let app = portal().await;
    let server = ntfy(&app).await;
    let ann = app.super_admin("ann").await;
    let id = automation(&ann, json!({"trigger_filters": {"match": {"priority": {"in": ["urgent"]}}}})).await;
    let other = automation(&ann, json!({"trigger_event": "tickets.closed"})).await;
    let urgent = ticket(&app, "<b>x</b>", "urgent").await;
    let normal = ticket(&app, "y", "normal").await;
    emit(&app, "tickets.created", json!({"ticket_id": urgent, "actor_id": ann.id}), 0).await;
    emit(&app, "tickets.created", json!({"ticket_id": normal}), 0).await;
    // A run is no edit, so the list keeps its order.
    app.advance(TimeDelta::minutes(5));
    app.run_jobs().await;
    // The same events are dispatched a second time.
    app.execute(sql("UPDATE event_outbox SET dispatched_at = NULL")).await;
    app.run_jobs().await;
    let done = runs(&ann, id).await;
    assert_eq!((statuses(&done), runs(&ann, other).await.len()), (vec!["succeeded"], 0));
    assert_eq!((&done[0]["trigger"], &done[0]["event_name"]), (&json!("event"), &json!("tickets.created")));
    let received = server.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].json()["message"], "New: <b>x</b>");
    let stored = ann.api(Method::GET, &format!("/api/automations/{id}")).await.value();
    assert_eq!((&stored["last_status"], &stored["updated_at"]), (&json!("succeeded"), &stored["created_at"]));
    assert_ne!(stored["last_run_at"], stored["updated_at"], "the run came later");
    app.finish().await;
}

#[tokio::test]
async fn markup_is_escaped_in_mails() {
    let app = portal().await;
    switch_on(&app, Slug::Smtp, json!({ "default_recipients": "desk@example.com" })).await;
    let ann = app.super_admin("ann").await;
    let payload = json!({"subject": "{{ticket.subject}}", "html": "<p>New: {{ticket.subject}}</p>"});
    automation(&ann, json!({"action_payload": {"actions": [{"module": "smtp", "payload": payload}]}})).await;
    let id = ticket(&app, "<b>x</b>", "normal").await;
    emit(&app, "tickets.created", json!({"ticket_id": id}), 0).await;
    app.run_jobs().await;
    let mail = app.mails_to("desk@example.com").remove(0);
    assert!(mail.html.as_deref().unwrap_or_default().contains("<p>New: &lt;b&gt;x&lt;/b&gt;</p>"), "{mail:?}");
    app.finish().await;
}

#[tokio::test]
async fn a_failure_ends_the_run_unless_told_otherwise() {
    let app = portal().await;
    let server = Server::start(|request| match request.json()["message"].as_str() {
        Some("bad") => Answer::status(500),
        _ => Answer::Json(200, json!({ "id": "x" })),
    })
    .await;
    switch_on(&app, Slug::Ntfy, json!({ "base_url": server.url(), "topic": "desk" })).await;
    let ann = app.super_admin("ann").await;
    let actions = |go_on: bool| {
        json!({"trigger_event": "custom.ping", "action_payload": {"actions": [
        {"module": "ntfy", "payload": {"message": "bad"}, "continue_on_error": go_on},
        {"module": "ntfy", "payload": {"message": "good"}}]}})
    };
    let stops = automation(&ann, actions(false)).await;
    let goes_on = automation(&ann, actions(true)).await;
    let _ = ann.json(Method::POST, "/api/automations/events", json!({"name": "custom.ping"})).await.is(202);
    app.run_jobs().await;
    let count = |run: &Value| run["result_payload"].as_array().unwrap().len();
    let (first, second) = (runs(&ann, stops).await, runs(&ann, goes_on).await);
    assert_eq!((statuses(&first), count(&first[0])), (vec!["failed"], 1));
    assert_eq!((statuses(&second), count(&second[0])), (vec!["failed"], 2));
    assert_eq!(second[0]["result_payload"][1]["status"], "succeeded");
    assert!(second[0]["error_message"].as_str().unwrap().starts_with("Action 1: "), "{second:?}");
    app.finish().await;
}

#[tokio::test]
async fn a_module_that_is_off_is_skipped() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let id = automation(&ann, json!({"trigger_event": "custom.ping"})).await;
    let _ = ann.json(Method::POST, "/api/automations/events", json!({"name": "custom.ping"})).await.is(202);
    app.run_jobs().await;
    let done = runs(&ann, id).await;
    assert_eq!((statuses(&done), &done[0]["result_payload"][0]["status"]), (vec!["succeeded"], &json!("skipped")));
    assert_eq!(done[0]["result_payload"][0]["warning"], "Nothing is known of ticket.subject");
    app.finish().await;
}

#[tokio::test]
async fn own_events_have_names_of_their_own() {
    let app = portal().await;
    let server = ntfy(&app).await;
    let ann = app.super_admin("ann").await;
    let payload = json!({"message": "{{server}} {{job.state}}"});
    automation(
        &ann,
        json!({"trigger_event": "backup.finished", "trigger_filters": {"match": {"job.state": "failed"}},
        "action_payload": {"actions": [{"module": "ntfy", "payload": payload}]}}),
    )
    .await;
    for name in ["tickets.created", "webhook.x", "Bad Name"] {
        let _ = ann.json(Method::POST, "/api/automations/events", json!({"name": name})).await.is(422).refuses("name");
    }
    let large = json!({"name": "custom.x", "payload": {"a": "x".repeat(65 * 1024)}});
    let _ = ann.json(Method::POST, "/api/automations/events", large).await.is(422).refuses("payload");
    for state in ["failed", "done"] {
        let body = json!({"name": "backup.finished", "payload": {"server": "nas-1", "job": {"state": state}}});
        let _ = ann.json(Method::POST, "/api/automations/events", body).await.is(202);
    }
    app.run_jobs().await;
    let texts: Vec<Value> = server.received().iter().map(|request| request.json()["message"].clone()).collect();
    assert_eq!(texts, ["nas-1 failed"]);
    app.finish().await;
}

#[tokio::test]
async fn chains_end_at_depth_three() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let id = automation(&ann, json!({"trigger_event": "custom.chain"})).await;
    for depth in 0..5 {
        emit(&app, "custom.chain", json!({}), depth).await;
    }
    app.run_jobs().await;
    assert_eq!(runs(&ann, id).await.len(), 3);
    app.finish().await;
}

async fn said(app: &TestApp, ticket: i64) -> Vec<(String, bool, Option<String>)> {
    let all =
        sql("SELECT body, is_internal, author_label FROM ticket_replies WHERE ticket_id = ? ORDER BY id LIMIT 20");
    app.rows(all.bind(ticket)).await
}

#[tokio::test]
async fn acceptance_16_an_automation_that_answers_itself_stops_at_depth_three() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let reply = json!({"module": "ticket_reply", "payload": {"text": "We have read: {{reply.body}}"}});
    let id = automation(
        &ann,
        json!({"name": "Echo", "trigger_event": "tickets.replied",
        "action_payload": {"actions": [reply]}}),
    )
    .await;
    let number = ticket(&app, "Printer", "normal").await;
    let now = app.app().now();
    app.execute(
        sql("INSERT INTO ticket_replies (ticket_id, body, body_hash, search_text, created_at) VALUES (?, 'It jams', '', '', ?)")
            .bind(number)
            .bind(now),
    )
    .await;
    let first = app.number(sql("SELECT id FROM ticket_replies")).await;
    emit(&app, "tickets.replied", json!({"ticket_id": number, "reply_id": first}), 0).await;
    app.run_jobs().await;
    let said = said(&app, number).await;
    assert_eq!(said.len(), 4, "one by a person, three by the automation: {said:?}");
    assert_eq!(said[1], ("We have read: It jams".to_owned(), false, Some("Automation: Echo".to_owned())));
    let all = runs(&ann, id).await;
    assert!(all.len() == 3 && all.iter().all(|run| run["status"] == "succeeded"), "{all:?}");
    assert!(app.audit().await.contains(&"tickets.reply".to_owned()));
    app.finish().await;
}

#[tokio::test]
async fn a_reply_may_be_a_note_and_needs_a_ticket_and_a_text() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let action = |text: &str| {
        json!({"module": "ticket_reply", "payload": {"text": text, "visibility": "note",
        "ticket_status": "pending"}})
    };
    let body = json!({"name": "Empty", "kind": "event", "trigger_event": "tickets.created",
        "action_payload": {"actions": [action("")]}});
    let refused = ann.json(Method::POST, "/api/automations", body).await.is(422).text();
    assert!(refused.contains("enter the text of the reply"), "{refused}");
    automation(&ann, json!({"action_payload": {"actions": [action("Call them")]}})).await;
    let lost =
        automation(&ann, json!({"trigger_event": "custom.ping", "action_payload": {"actions": [action("x")]}})).await;
    let number = ticket(&app, "Printer", "normal").await;
    emit(&app, "tickets.created", json!({"ticket_id": number}), 0).await;
    emit(&app, "custom.ping", json!({}), 0).await;
    app.run_jobs().await;
    let said = said(&app, number).await;
    assert_eq!((said.len(), said[0].1), (1, true));
    let state: Vec<(String,)> = app.rows(sql("SELECT status FROM tickets")).await;
    assert_eq!(state[0].0, "pending");
    let failed = &runs(&ann, lost).await[0];
    assert!(failed["error_message"].as_str().unwrap().contains("no ticket belongs to this event"), "{failed}");
    app.finish().await;
}

#[tokio::test]
async fn ten_failures_in_a_row_switch_it_off() {
    let app = portal().await;
    let server = Server::start(|_| Answer::status(500)).await;
    switch_on(&app, Slug::Ntfy, json!({ "base_url": server.url(), "topic": "desk" })).await;
    let ann = app.super_admin("ann").await;
    let id = automation(&ann, json!({"trigger_event": "custom.ping"})).await;
    for _ in 0..12 {
        emit(&app, "custom.ping", json!({}), 0).await;
        app.run_jobs().await;
    }
    let stored = ann.api(Method::GET, &format!("/api/automations/{id}")).await.value();
    assert_eq!((&stored["status"], runs(&ann, id).await.len()), (&json!("inactive"), 10));
    let told: Vec<(String,)> = app.rows(sql("SELECT event_type FROM notifications ORDER BY id LIMIT 9")).await;
    let told: Vec<&str> = told.iter().map(|(kind,)| kind.as_str()).collect();
    assert_eq!(told, ["automation.failed", "automation.disabled"]);
    assert!(app.audit().await.contains(&"automation.disabled".to_owned()));
    let again =
        ann.json(Method::PUT, &format!("/api/automations/{id}"), json!({"status": "active"})).await.is(200).value();
    assert_eq!(again["consecutive_failures"], 0);
    app.finish().await;
}

#[tokio::test]
async fn a_schedule_keeps_its_times() {
    let app = portal().await;
    let server = ntfy(&app).await;
    let ann = app.super_admin("ann").await;
    let id = automation(&ann, json!({"kind": "scheduled", "cadence": "hourly"})).await;
    for expected in ["2026-11-23T10:12:00Z", "2026-11-23T11:12:00Z", "2026-11-23T12:12:00Z"] {
        let stored: Vec<(Option<chrono::DateTime<chrono::Utc>>,)> =
            app.rows(sql("SELECT next_run_at FROM automations WHERE id = ?").bind(id)).await;
        assert_eq!(json!(stored[0].0), expected);
        // Seven minutes late each time, and still on the twelfth minute.
        let planned: chrono::DateTime<chrono::Utc> = expected.parse().unwrap();
        app.advance(planned - app.app().now() + TimeDelta::minutes(7));
        app.run_jobs().await;
        app.run_jobs().await;
    }
    let done = "SELECT COUNT(*) FROM automation_runs WHERE status = 'succeeded'";
    assert_eq!((app.number(sql(done)).await, server.received().len()), (3, 3));
    // Away for five hours and a day.
    app.advance(TimeDelta::hours(29));
    app.run_jobs().await;
    assert_eq!((app.number(sql(done)).await, server.received().len()), (4, 4));
    app.finish().await;
}

#[tokio::test]
async fn a_run_by_hand_waits_for_its_end() {
    let app = portal().await;
    let server = ntfy(&app).await;
    let ann = app.super_admin("ann").await;
    let id = automation(&ann, json!({"status": "inactive"})).await;
    let number = ticket(&app, "Printer", "low").await;
    let path = format!("/api/automations/{id}/execute");
    let _ = ann.json(Method::POST, &path, json!({"ticket_id": 99})).await.is(404).says("Ticket not found");
    let (answer, ()) = tokio::join!(ann.json(Method::POST, &path, json!({"ticket_id": number})), async {
        for _ in 0..100 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            app.run_jobs().await;
            if !server.received().is_empty() {
                break;
            }
        }
    });
    let done = answer.is(200).value();
    assert_eq!(
        (&done["status"], &done["error"], &done["next_run_at"]),
        (&json!("succeeded"), &json!(null), &json!(null))
    );
    assert_eq!(done["result"][0]["module"], "ntfy");
    assert_eq!(server.received()[0].json()["message"], "New: Printer");
    app.execute(sql("UPDATE automation_runs SET status = 'running'")).await;
    let _ = ann.json(Method::POST, &path, json!({})).await.is(409);
    app.finish().await;
}

#[tokio::test]
async fn a_run_by_hand_is_waited_for_no_longer_than_25_seconds() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let id = automation(&ann, json!({"status": "inactive"})).await;
    // No worker is there.
    let begun = std::time::Instant::now();
    let answer = ann.json(Method::POST, &format!("/api/automations/{id}/execute"), json!({})).await.is(200).value();
    let waited = begun.elapsed().as_secs();
    assert!((20..27).contains(&waited), "{waited} s");
    assert_eq!((&answer["status"], &answer["finished_at"]), (&json!("running"), &json!(null)));
    app.run_jobs().await;
    let done = runs(&ann, id).await;
    assert_eq!((&done[0]["id"], statuses(&done)), (&answer["run_id"], vec!["succeeded"]), "it went on");
    app.finish().await;
}

#[tokio::test]
async fn a_dry_run_sends_nothing() {
    let app = portal().await;
    let server = ntfy(&app).await;
    let ann = app.super_admin("ann").await;
    let id = automation(&ann, json!({"trigger_filters": {"match": {"priority": "urgent"}}})).await;
    let number = ticket(&app, "Printer", "low").await;
    let path = format!("/api/automations/{id}/dry-run");
    let tried = ann.json(Method::POST, &path, json!({"ticket_id": number})).await.is(200).value();
    assert_eq!(tried["matched"], false);
    assert_eq!(
        tried["conditions"][0],
        json!({"text": "priority is urgent", "found": "low", "ok": false, "group": null})
    );
    assert_eq!(tried["rendered_actions"][0]["payload"]["message"], "New: Printer");
    let tried = ann.json(Method::POST, &path, json!({"event": {"priority": "urgent"}})).await.is(200).value();
    assert_eq!(
        (&tried["matched"], &tried["rendered_actions"][0]["unknown"]),
        (&json!(true), &json!(["ticket.subject"]))
    );
    app.run_jobs().await;
    assert_eq!((server.received().len(), runs(&ann, id).await.len()), (0, 0));
    app.finish().await;
}

#[tokio::test]
async fn a_lost_run_is_closed_and_not_repeated() {
    let app = portal().await;
    let server = ntfy(&app).await;
    let ann = app.super_admin("ann").await;
    let id = automation(&ann, json!({"trigger_event": "custom.ping"})).await;
    emit(&app, "custom.ping", json!({}), 0).await;
    app.run_jobs().await;
    let until = app.app().now() + TimeDelta::seconds(120);
    app.execute(sql("UPDATE automation_runs SET status = 'running', locked_by = 'gone', locked_until = ?").bind(until))
        .await;
    app.advance(TimeDelta::seconds(119));
    app.run_jobs().await;
    assert_eq!(statuses(&runs(&ann, id).await), ["running"]);
    app.advance(TimeDelta::seconds(2));
    app.run_jobs().await;
    assert_eq!((statuses(&runs(&ann, id).await), server.received().len()), (vec!["lost"], 1));
    app.finish().await;
}

#[tokio::test]
async fn history_is_kept_short() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let id = automation(&ann, json!({"status": "inactive"})).await;
    let now = app.app().now();
    for n in 0..210 {
        let at = if n < 5 { now - TimeDelta::days(91) } else { now };
        app.execute(
            sql("INSERT INTO automation_runs (automation_id, started_by, status, finished_at, created_at) \
                 VALUES (?, 'manual', 'succeeded', ?, ?)")
            .bind(id)
            .bind(at)
            .bind(at),
        )
        .await;
    }
    let seeded = app.number(sql("SELECT id FROM scheduled_tasks WHERE command = 'cleanup_history'")).await;
    let _ = ann.api(Method::POST, &format!("/scheduler/tasks/{seeded}/run")).await.is(202);
    app.run_jobs().await;
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM automation_runs")).await, 200);
    app.finish().await;
}
