//! The builder and its neighbours, with plain forms alone.

use automation::automations::pages;
use http::Method;
use serde_json::json;
use shared::db::sql;
use shared::testing::render_samples;

use crate::automations::{automation, emit, ntfy, ticket};
use crate::portal;

#[test]
fn every_template_renders() {
    render_samples::<pages::list::AutomationList>();
    render_samples::<pages::edit::AutomationEdit>();
    render_samples::<pages::delete::AutomationDelete>();
    render_samples::<pages::gallery::Gallery>();
    render_samples::<pages::runs::AutomationRuns>();
    render_samples::<pages::runs::AutomationRunShow>();
}

const TYPED: [(&str, &str); 13] = [
    ("name", "Urgent to the desk"),
    ("description", ""),
    ("kind", "event"),
    ("status", "active"),
    ("timezone", "Europe/London"),
    ("triggerEvent", "tickets.created"),
    ("mode", "all"),
    ("conditions.0.field", "ticket.priority"),
    ("conditions.0.operator", "in"),
    ("conditions.0.value", "urgent, high"),
    ("actions.0.module", "ntfy"),
    ("actions.0.f.title", "Urgent: {{ticket.subject}}"),
    ("actions.0.continue", "true"),
];

fn typed<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = TYPED.iter().filter(|(name, _)| changes.iter().all(|(other, _)| other != name));
    kept.copied().chain(changes.iter().copied()).collect()
}

#[tokio::test]
async fn an_automation_is_built_without_script() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let number = ticket(&app, "Printer jams", "high").await;
    let _ = ann.get("/admin/automations").await.is(200).shows("No automations yet");
    let _ = ann.get("/admin/automations/new").await.is(200).shows("Ticket created").shows("actions.0.module");
    // Buttons change the form and nothing else.
    let draft = "/admin/automations/draft";
    let page = ann.post(draft, &typed(&[("op", "add-action")])).await.is(200).shows("actions.1.module");
    let _ = page.shows("Urgent: {{ticket.subject}}").shows("conditions.0.value");
    let page = ann.post(draft, &typed(&[("op", "add-condition")])).await.is(200).shows("conditions.1.field");
    let _ = page.hides("There is a problem");
    let second = [("actions.1.module", "smtp"), ("actions.1.f.subject", "Second"), ("op", "up-1")];
    let _ = ann.post(draft, &typed(&second)).await.is(200).shows("Action 2 moved up, now 1 of 2");
    let _ = ann.post(draft, &typed(&[("op", "remove-condition-0")])).await.is(200).hides("conditions.0.field");
    let page = ann.post(draft, &typed(&[("kind", "scheduled"), ("cadence", "daily"), ("op", "update")])).await.is(200);
    let _ = page.shows("If it is switched on now").hides("<select id=\"triggerEvent\"");
    let own = [("triggerEvent", "custom"), ("customEvent", "backup.finished"), ("op", "update")];
    let _ = ann.post(draft, &typed(&own)).await.is(200).shows("value=\"backup.finished\"");
    let tried = ann.post(draft, &typed(&[("op", "test"), ("ticket", &number.to_string())])).await.is(200);
    let _ = tried.shows("It would run").shows("Found: high").shows("Urgent: Printer jams");
    let tried = ann.post(draft, &typed(&[("op", "test"), ("conditions.0.value", "low")])).await.is(200);
    let _ = tried.shows("It would not run").shows("Found: nothing");
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM automations")).await, 0);
    // Saving.
    let wrong = typed(&[("name", ""), ("actions.0.module", "tacticalrmm"), ("conditions.0.value", "")]);
    let page = ann.post("/admin/automations", &wrong).await.is(422);
    let _ = page.shows("Condition 1: enter values with commas between them");
    let wrong = typed(&[("name", ""), ("actions.0.module", "tacticalrmm")]);
    let page = ann.post("/admin/automations", &wrong).await.is(422).shows("Enter a name");
    let _ = page.shows("Action 1: enter the path").shows("urgent, high");
    let _ = ann.post("/admin/automations", &typed(&[("_once", "o1")])).await.goes_to("/admin/automations");
    let _ = ann.post("/admin/automations", &typed(&[("_once", "o1")])).await.goes_to("/admin/automations");
    let stored: Vec<(i64, String, String)> =
        app.rows(sql("SELECT id, trigger_filters, action_payload FROM automations LIMIT 9")).await;
    assert_eq!(stored.len(), 1);
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(read(&stored[0].1), json!({"match": {"ticket.priority": {"in": ["urgent", "high"]}}}));
    assert_eq!(
        read(&stored[0].2),
        json!({"actions": [{"module": "ntfy", "payload": {"title": "Urgent: {{ticket.subject}}"}, "continue_on_error": true}]})
    );
    let base = format!("/admin/automations/{}", stored[0].0);
    let _ = ann.get("/admin/automations").await.shows("Urgent to the desk created").shows("Ticket created");
    let page = ann.get(&base).await.is(200).shows("value=\"urgent, high\"");
    let _ = page.shows("only if priority is any of urgent, high").shows("send a push message");
    let _ = ann.post(&base, &typed(&[("name", "Renamed"), ("version", "1")])).await.goes_to("/admin/automations");
    let _ = ann
        .post(&base, &typed(&[("name", "Stale"), ("version", "1")]))
        .await
        .is(422)
        .shows("Somebody else has changed");
    let region = ann.region(&base, "builder").await.is(200).shows("Renamed");
    let _ = region.hides("<html");
    let _ = ann.post(&format!("{base}/status"), &[("status", "inactive")]).await.goes_to("/admin/automations");
    let _ = ann.get("/admin/automations").await.shows("Renamed is off");
    let copy = ann.post(&format!("{base}/duplicate"), &[]).await.is(303);
    let copy = copy.header("location").to_owned();
    let _ = ann.get(&copy).await.is(200).shows("Copy of Renamed");
    let _ = ann.get(&format!("{copy}/delete")).await.is(200).shows("Delete Copy of Renamed?");
    let _ = ann.post(&format!("{copy}/delete"), &[]).await.goes_to("/admin/automations");
    let _ = ann.get(&copy).await.is(404);
    app.finish().await;
}

#[tokio::test]
async fn groups_are_built_tried_and_saved_without_script() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let number = ticket(&app, "Printer jams", "high").await.to_string();
    let draft = "/admin/automations/draft";
    // Only saving carries the token of the form, which may be sent once.
    let page = ann.get("/admin/automations/new").await.is(200).shows(" name=\"_once\" value=\"");
    let _ = page.hides("type=\"hidden\" name=\"_once\"");
    let page = ann.post(draft, &typed(&[("op", "add-group")])).await.is(200);
    let page = page.shows("groups.0.mode").shows("groups.0.conditions.1.field").shows("conditions.0.value");
    // What cannot be said in words yet says why.
    let _ = page.shows("Group 1, condition 1: choose a field").hides("There is a problem");
    let group = [
        ("groups.0.mode", "any"),
        ("groups.0.conditions.0.field", "ticket.status"),
        ("groups.0.conditions.0.operator", "eq"),
        ("groups.0.conditions.0.value", "closed"),
        ("groups.0.conditions.1.field", "ticket.subject"),
        ("groups.0.conditions.1.operator", "contains"),
        ("groups.0.conditions.1.value", "printer"),
    ];
    let with = |more: &[(&'static str, &'static str)]| typed(&[&group[..], more].concat());
    let page = ann.post(draft, &with(&[("op", "add-to-0")])).await.is(200).shows("groups.0.conditions.2.field");
    let _ = page.shows("value=\"printer\"");
    let _ = ann.post(draft, &with(&[("op", "remove-in-0-1")])).await.is(200).hides("groups.0.conditions.1.field");
    let _ = ann.post(draft, &with(&[("op", "remove-group-0")])).await.is(200).hides("groups.0.mode");
    let words = "only if priority is any of urgent, high, and one of these is true: status is closed; or subject \
                 contains printer";
    let _ = ann.post(draft, &with(&[("op", "update")])).await.is(200).shows(words);
    // The trial marks each condition of the group with what it found, and says which module is off.
    let mut tried = with(&[("op", "test")]);
    tried.push(("ticket", &number));
    let page = ann.post(draft, &tried).await.is(200).shows("It would run").shows("One of these:");
    let _ =
        page.shows("Found: Printer jams").shows("Found: open").shows("This module is off").shows("Nothing was sent");
    // The preview beside the form is a region of its own, and a trial that stands there follows the form.
    let mut tried = with(&[("tried", "1")]);
    tried.push(("ticket", &number));
    let part = ann.post_region(draft, "preview", &tried).await.is(200).shows("It would run").shows("In words");
    let _ = part.hides("actions.0.module").hides("<html");
    let part = ann.post_region(draft, "preview", &with(&[])).await.is(200).hides("It would run").shows("In words");
    let _ = part.shows("one of these is true");
    // Saving.
    let _ = ann.post("/admin/automations", &with(&[])).await.goes_to("/admin/automations");
    let stored: Vec<(i64, String)> = app.rows(sql("SELECT id, trigger_filters FROM automations LIMIT 9")).await;
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&stored[0].1).unwrap(),
        json!({"match": {"ticket.priority": {"in": ["urgent", "high"]}},
            "any": [{"ticket.status": {"eq": "closed"}}, {"ticket.subject": {"contains": "printer"}}]})
    );
    let page = ann.get(&format!("/admin/automations/{}", stored[0].0)).await.is(200);
    let _ = page.shows("groups.0.conditions.1.value").shows("value=\"printer\"").shows(words);
    let broken = typed(&[("groups.0.mode", "not")]);
    let _ = ann.post("/admin/automations", &broken).await.is(422).shows("Group 1: add a condition or remove the group");
    app.finish().await;
}

#[tokio::test]
async fn variables_are_shown_with_values() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let (new, draft) = ("/admin/automations/new", "/admin/automations/draft");
    let page = ann.get(new).await.is(200).shows("The values are examples.").shows("{{ticket.subject}}");
    let _ = page.shows("Printer in room 4 jams").shows("What action 1 gave");
    let first = ticket(&app, "Scanner is <dead>", "low").await.to_string();
    app.advance(chrono::TimeDelta::minutes(1));
    let second = ticket(&app, "Phones are silent", "urgent").await.to_string();
    // The latest ticket, until another one is chosen to try it on; and who did it is whoever builds.
    let page = ann.get(new).await.is(200).shows("Subject: Phones are silent").shows("Priority: urgent");
    let page = page.shows("Who did it: ann Example").shows("<dd>Assignee: <span class=\"meta\">empty</span></dd>");
    let _ = page.shows(&format!("The values are those of ticket #{second} Phones are silent.")).hides("room 4 jams");
    let page = ann.post(draft, &typed(&[("op", "update"), ("ticket", &first)])).await.is(200);
    let _ = page.shows("Subject: Scanner is &lt;dead&gt;").hides("Subject: Phones");
    let page = ann.post(draft, &typed(&[("op", "update"), ("ticket", "999999")])).await.is(200);
    let _ = page.shows("The values are examples.").shows("Subject: Printer in room 4 jams");
    // Each trigger has its own; a timetable has those of the run alone.
    let staff = [("op", "update"), ("triggerEvent", "staff.created"), ("actions.0.f.title", "x")];
    let page = ann.post(draft, &typed(&staff)).await.is(200);
    let _ = page.shows("{{staff.job_title}}").shows("Account manager").hides("{{ticket.");
    let timetable = [("op", "update"), ("kind", "scheduled"), ("cadence", "daily"), ("actions.0.f.title", "x")];
    let page = ann.post(draft, &typed(&timetable)).await.is(200);
    let _ = page.shows("This automation: Urgent to the desk").shows("{{now}}").hides("{{ticket.");
    app.finish().await;
}

#[tokio::test]
async fn what_a_field_was_and_is_can_be_named_tried_and_sent() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let id = ticket(&app, "Printer jams", "low").await;
    let draft = "/admin/automations/draft";
    // A new ticket has not changed yet.
    let page = ann.post(draft, &typed(&[("op", "update")])).await.is(200);
    let _ = page.hides("{{changes.");
    let closed = [("op", "update"), ("triggerEvent", "tickets.closed")];
    let page = ann.post(draft, &typed(&closed)).await.is(200).hides("{{changes.priority");
    let _ = page.shows("{{changes.status.0}}").shows("Status before: open").shows("Status after: resolved");
    // The latest change of the ticket is the one to try it on.
    let changes = json!({"priority": ["low", "urgent"], "assigned_name": [null, "Grace Lin"]}).to_string();
    let change = sql("INSERT INTO ticket_activity (ticket_id, kind, changes, created_at) VALUES (?, 'updated', ?, ?)");
    app.execute(change.bind(id).bind(changes).bind(app.app().now())).await;
    let number = id.to_string();
    let tried = typed(&[
        ("op", "test"),
        ("triggerEvent", "tickets.updated"),
        ("ticket", &number),
        ("conditions.0.field", "ticket.assigned"),
        ("conditions.0.operator", "changed_to"),
        ("conditions.0.value", "Grace Lin"),
        ("actions.0.f.title", "{{changes.priority.0}} to {{changes.priority.1}}"),
    ]);
    let page = ann.post(draft, &tried).await.is(200).shows("low to urgent").shows("Priority before: low");
    let _ = page.shows("It would run");
    // Saved, it sends what it showed when the ticket changes.
    let server = ntfy(&app).await;
    let saved: Vec<(&str, &str)> =
        tried.iter().copied().filter(|(name, _)| !matches!(*name, "op" | "ticket")).collect();
    let _ = ann.post("/admin/automations", &saved).await.goes_to("/admin/automations");
    for name in ["Tom Reed", "Grace Lin"] {
        let changes = json!({"priority": ["low", "urgent"], "assigned_name": [null, name]});
        emit(&app, "tickets.updated", json!({"ticket_id": id, "changes": changes}), 0).await;
    }
    app.run_jobs().await;
    let sent: Vec<_> = server.received().iter().map(|request| request.json()["title"].clone()).collect();
    assert_eq!(sent, ["low to urgent"], "only the change to Grace Lin");
    app.finish().await;
}

#[tokio::test]
async fn the_fields_of_the_original_form_still_work() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let fields = [
        ("name", "Old client"),
        ("kind", "scheduled"),
        ("status", "active"),
        ("cronExpression", "0 8 * * 1-5"),
        ("timezone", "UTC"),
        ("triggerFilters", ""),
        ("actionModule", "ntfy"),
        ("actionPayload", "{\"message\": \"Good morning\"}"),
    ];
    let _ = ann.post("/admin/automations", &fields).await.goes_to("/admin/automations");
    let _ = ann.get("/admin/automations").await.shows("Monday to Friday at 08:00").shows("ntfy push message");
    let stored: Vec<(String,)> = app.rows(sql("SELECT action_payload FROM automations LIMIT 9")).await;
    assert!(stored[0].0.contains("Good morning"), "{stored:?}");
    let broken = [
        ("name", "x"),
        ("kind", "event"),
        ("triggerEvent", "tickets.created"),
        ("timezone", "UTC"),
        ("actionPayload", "{\n\"a\":"),
    ];
    let _ = ann.post("/admin/automations", &broken).await.is(422).shows("This is not JSON: look at line 2");
    app.finish().await;
}

#[tokio::test]
async fn runs_are_shown_and_repeated() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let id = automation(&ann, json!({"status": "inactive"})).await;
    let base = format!("/admin/automations/{id}");
    let _ = ann.get(&format!("{base}/runs")).await.is(200).shows("No runs yet");
    let number = ticket(&app, "Printer jams", "high").await.to_string();
    let started = ann.post(&format!("{base}/execute"), &[("ticket_id", &number)]).await.is(303);
    let run = started.header("location").to_owned();
    let _ = ann.get(&run).await.is(200).shows("Run queued").shows("every 3s");
    let _ = ann.post(&format!("{base}/execute"), &[]).await.goes_to(&format!("{base}/runs"));
    let _ = ann.get(&format!("{base}/runs")).await.shows("This automation is running");
    app.run_jobs().await;
    let page = ann.get(&run).await.is(200).shows("Skipped").shows("Printer jams").hides("every 3s");
    let _ = page.shows("By ann Example");
    let again = ann.post(&format!("{run}/again"), &[]).await.is(303);
    app.run_jobs().await;
    let _ = ann.get(again.header("location")).await.is(200).shows("#1 Printer jams");
    let _ = ann.get(&format!("{base}/runs?status=succeeded")).await.is(200).shows("By ann Example");
    let _ = ann.get(&format!("{base}/runs/99")).await.is(404);
    app.finish().await;
}

#[tokio::test]
async fn only_super_administrators_see_the_pages() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let id = automation(&ann, json!({})).await;
    let provider = app.provider("Northstar").await;
    let tom = app.technician("tom", &provider).await;
    let base = format!("/admin/automations/{id}");
    for path in
        ["/admin/automations", "/admin/automations/new", &base, &format!("{base}/runs"), &format!("{base}/delete")]
    {
        let _ = tom.get(path).await.goes_to("/");
        let _ = app.stranger().get(path).await.goes_to(&format!("/login?next={}", path.replace('/', "%2F")));
    }
    for path in [
        "/admin/automations",
        "/admin/automations/draft",
        &format!("{base}/status"),
        &format!("{base}/delete"),
        &format!("{base}/execute"),
    ] {
        let _ = tom.post(path, &[("status", "inactive")]).await.goes_to("/");
    }
    let stored = ann.api(Method::GET, &format!("/api/automations/{id}")).await.is(200).value();
    assert_eq!(stored["status"], "active");
    app.finish().await;
}

#[tokio::test]
async fn pages_cost_the_same_whatever_their_length() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let mut id = 0;
    for _ in 0..30 {
        id = automation(&ann, json!({"trigger_event": "custom.ping"})).await;
    }
    let _ = ann.json(Method::POST, "/api/automations/events", json!({"name": "custom.ping"})).await.is(202);
    app.run_jobs().await;
    let run = app.number(sql("SELECT MAX(id) FROM automation_runs WHERE automation_id = ?").bind(id)).await;
    let base = format!("/admin/automations/{id}");
    let (runs, one) = (format!("{base}/runs"), format!("{base}/runs/{run}"));
    for path in ["/admin/automations", "/admin/automations/new", &base, &runs, &one, "/api/automations"] {
        let before = app.db().statements();
        let _ = ann.get(path).await.is(200);
        let spent = app.db().statements() - before;
        assert!(spent <= 8, "{path} took {spent} statements");
    }
    app.finish().await;
}
