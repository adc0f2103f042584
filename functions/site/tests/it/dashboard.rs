//! The dashboard by who looks at it, the overview and the first steps.

use chrono::TimeDelta;
use http::Method;
use serde_json::json;
use shared::accounts::memberships::{self, NewMembership, Status};
use shared::db::sql;
use shared::notify::{self, Announcement, To};
use shared::testing::{Reply, TestApp};

use crate::{Ticket, portal, ticket};

/// The figure beside a label.
#[track_caller]
fn stat(page: &Reply, label: &str) -> String {
    let text = page.text();
    let at = text.find(&format!("stat-label\">{label}<")).unwrap_or_else(|| panic!("no figure {label}"));
    let rest = &text[at..];
    let value = rest.split("stat-value\">").nth(1).and_then(|rest| rest.split('<').next());
    value.unwrap_or_default().to_owned()
}

async fn some_tickets(app: &TestApp, mine: i64, requester: i64) {
    let of = |assigned, status, priority| Ticket { requester, assigned, status, priority, ..Ticket::default() };
    ticket(app, of(None, "open", "urgent")).await;
    ticket(app, of(Some(mine), "in_progress", "normal")).await;
    ticket(app, of(Some(mine), "closed", "urgent")).await;
    ticket(app, of(None, "pending", "low")).await;
}

#[tokio::test]
async fn a_requester_sees_their_own_tickets() {
    let app = portal().await;
    let (gus, eve) = (app.requester("gus").await, app.requester("eve").await);
    let _ =
        gus.get("/").await.is(200).shows("No open tickets").shows("Get help").hides("Unassigned").hides("Portal users");
    ticket(&app, Ticket { subject: "Mine is broken", requester: gus.id, ..Ticket::default() }).await;
    ticket(&app, Ticket { subject: "Done long ago", requester: gus.id, status: "closed", ..Ticket::default() }).await;
    ticket(&app, Ticket { subject: "Hers is broken", requester: eve.id, ..Ticket::default() }).await;
    let _ = gus.get("/").await.is(200).shows("Mine is broken").shows("1 open").hides("Hers").hides("Done long ago");
    let _ = app.stranger().get("/").await.goes_to("/login");
    app.finish().await;
}

#[tokio::test]
async fn a_member_sees_where_they_work_and_who_invites() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let beta = app.company("Beta").await;
    let mia = app.member("mia", &acme).await;
    let _ = mia.get("/").await.is(200).shows("Acme").hides("You are invited");
    let mut tx = app.db().begin(shared::audit::Stamp::system(app.app().now())).await.unwrap();
    let new = NewMembership {
        company_id: beta.id,
        user_id: mia.id,
        role: "Member",
        status: Status::Invited,
        is_owner: false,
    };
    memberships::insert(&mut tx, &new, app.app().now()).await.unwrap();
    tx.housekeeping();
    tx.commit().await.unwrap();
    let _ = mia.get("/").await.is(200).shows("Join Beta?").shows("You are invited to work there");
    app.advance(TimeDelta::days(31));
    let _ = app.sign_in(mia.id).await.get("/").await.is(200).hides("Join Beta?");
    app.finish().await;
}

#[tokio::test]
async fn an_address_of_a_company_asks_to_join() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let (rob, una) = (app.requester("rob").await, app.user("una", |new| new.email_verified_at = None).await);
    app.execute(
        sql("INSERT INTO company_email_domains (company_id, domain, auto_join, created_at, updated_at) \
             VALUES (?, 'example.com', FALSE, ?, ?)")
        .bind(acme.id)
        .bind(app.app().now())
        .bind(app.app().now()),
    )
    .await;
    let _ = rob.get("/").await.is(200).hides("Join Acme?");
    app.execute(sql("UPDATE company_email_domains SET auto_join = TRUE")).await;
    let page = rob.get("/").await.is(200).shows("Join Acme?").shows("Your email address belongs to this company");
    let _ = page.shows(&format!("companies&#x2f;join&#x2f;{}", acme.id));
    let _ = app.sign_in(una).await.get("/").await.hides("Join Acme?");
    app.execute(sql("UPDATE companies SET archived_at = ?").bind(app.app().now())).await;
    let _ = rob.get("/").await.is(200).hides("Join Acme?");
    app.finish().await;
}

#[tokio::test]
async fn the_company_is_shown_in_figures_to_whom_they_are_for() {
    let app = portal().await;
    let (acme, beta) = (app.company("Acme").await, app.company("Beta").await);
    let provider = app.provider("Northstar").await;
    let (mia, olga) = (app.member("mia", &acme).await, app.company_admin("olga", &acme).await);
    let ann = app.super_admin("ann").await;
    for (company, status, priority) in
        [(&acme, "open", "urgent"), (&acme, "pending", "low"), (&acme, "closed", "urgent"), (&beta, "open", "urgent")]
    {
        ticket(&app, Ticket { company: Some(company.id), status, priority, ..Ticket::default() }).await;
    }
    let _ = mia.get("/").await.is(200).hides("Company snapshot").hides("stat-label\">Members").hides("Webhook queue");
    let page = olga.get("/").await.is(200).shows("Company snapshot").hides("Webhook queue").hides("Portal users");
    assert_eq!((stat(&page, "Members"), stat(&page, "My companies")), ("2".to_owned(), "1".to_owned()));
    assert!(!page.text().contains("stat-label\">Open tickets<"), "tickets of the company are the desk's");
    let figures = olga.api(Method::GET, "/api/dashboard").await.is(200).value();
    assert_eq!(
        figures["company"],
        json!({"id": acme.id, "name": "Acme", "members": 2, "invited": 0, "staff": 0, "active_staff": 0})
    );
    assert!(figures.get("portal").is_none() && figures.get("desk").is_none(), "{figures}");
    let tom = app.technician("tom", &provider).await;
    let _ = tom.get("/").await.shows("Company snapshot").hides("Webhook queue");
    let _ = ann.get("/").await.shows("No company is active yet. Switch companies to populate the snapshot.");
    app.execute(sql("UPDATE user_sessions SET active_company_id = ? WHERE user_id = ?").bind(acme.id).bind(ann.id))
        .await;
    let page = ann.get("/").await.is(200).shows("Webhook queue").shows("All clear").shows("1 urgent");
    assert_eq!((stat(&page, "Members"), stat(&page, "Open tickets")), ("2".to_owned(), "2".to_owned()));
    let figures = ann.api(Method::GET, "/api/dashboard").await.is(200).value();
    assert_eq!((&figures["company"]["open_tickets"], &figures["portal"]["companies"]), (&json!(2), &json!(3)));
    assert_eq!(figures["portal"]["webhooks"]["note"], "All clear");
    assert_eq!(figures["desk"]["urgent"], 2);
    let _ = app.stranger().api(Method::GET, "/api/dashboard").await.is(401);
    app.finish().await;
}

#[tokio::test]
async fn announcements_stand_on_top_until_they_are_put_away() {
    let app = portal().await;
    let (acme, beta) = (app.company("Acme").await, app.company("Beta").await);
    let mia = app.member("mia", &acme).await;
    let publish = async |to, message: &str| {
        let mut tx = app.db().begin(shared::audit::Stamp::system(app.app().now())).await.unwrap();
        tx.housekeeping();
        let new = Announcement {
            to,
            event_type: "general".to_owned(),
            message: message.to_owned(),
            metadata: None,
            link: Some("/help".to_owned()),
            expires_at: None,
            respects_preferences: false,
            is_urgent: false,
        };
        notify::publish(app.app(), &mut tx, &new).await.unwrap();
        tx.commit().await.unwrap();
    };
    publish(To::Everyone, "Planned work on Friday").await;
    publish(To::Company(acme.id), "Acme moves house").await;
    publish(To::Company(beta.id), "Beta only").await;
    let page = mia.get("/").await.is(200).shows("Planned work on Friday").shows("Acme moves house").hides("Beta only");
    let _ = page.shows("value=\"hide:").shows("Read more");
    app.execute(
        sql("INSERT INTO notification_states (notification_id, user_id, dismissed_at) SELECT id, ?, ? FROM notifications \
             WHERE audience = 'all'")
        .bind(mia.id)
        .bind(app.app().now()),
    )
    .await;
    let _ = mia.get("/").await.is(200).hides("Planned work on Friday").shows("Acme moves house");
    app.advance(TimeDelta::days(91));
    let _ = app.sign_in(mia.id).await.get("/").await.hides("Acme moves house");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn failures_are_drawn_by_day() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let now = app.app().now();
    let webhook = "INSERT INTO webhook_events (name, target_url, target_host, headers, secret_headers, schedule, status, \
         idempotency_key, created_at, updated_at) VALUES ('shop-order', 'https://example.com', 'example.com', '{}', \
         '{}', 'standard', ?, ?, ?, ?)";
    for (status, at) in [("failed", now), ("failed", now - TimeDelta::days(3)), ("pending", now)] {
        let row = sql(webhook).bind(status).bind(shared::tokens::random_hex(8)).bind(at).bind(at);
        app.execute(row).await;
    }
    let page = ann.get("/").await.is(200).shows("1 failing").shows("2 in 14 days").shows("None in 14 days");
    assert_eq!(stat(&page, "Webhook queue"), "1");
    let _ = page.shows("Failed webhooks on each of the last 14 days, 2 in all");
    // They are the portal's affair, and nobody else's (automation, acceptance 34).
    let (acme, northstar) = (app.company("Acme").await, app.provider("Northstar").await);
    for actor in [
        app.requester("gus").await,
        app.member("mia", &acme).await,
        app.company_admin("cal", &acme).await,
        app.technician("tom", &northstar).await,
    ] {
        let _ = actor.get("/").await.is(200).hides("ebhook").hides("1 failing");
        assert_eq!(actor.api(Method::GET, "/api/dashboard").await.is(200).value()["portal"], json!(null));
    }
    app.finish().await;
}

#[tokio::test]
async fn a_dashboard_costs_eight_statements() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let (ann, mia) = (app.super_admin("ann").await, app.member("mia", &acme).await);
    app.execute(sql("UPDATE user_sessions SET active_company_id = ? WHERE user_id = ?").bind(acme.id).bind(ann.id))
        .await;
    for actor in [&ann, &mia] {
        let before = app.db().statements();
        let _ = actor.get("/").await.is(200);
        let spent = app.db().statements() - before;
        assert!(spent <= 8, "{spent} statements");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_technician_sees_the_desk() {
    let app = portal().await;
    let provider = app.provider("Northstar").await;
    let tom = app.technician("tom", &provider).await;
    let gus = app.requester("gus").await;
    some_tickets(&app, tom.id, gus.id).await;
    let page = tom.get("/").await.is(200).shows("Needs you now").hides("Portal users").hides("First steps");
    let figures: Vec<String> =
        ["Unassigned", "My open", "Waiting on us", "Urgent"].map(|label| stat(&page, label)).into();
    assert_eq!(figures, ["2", "1", "1", "1"]);
    app.finish().await;
}

#[tokio::test]
async fn a_super_admin_watches_the_portal() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    app.company("Acme").await;
    let page = ann.get("/").await.is(200).shows("First steps").shows("0 of 8 done");
    assert_eq!((stat(&page, "Companies"), stat(&page, "Portal users")), ("1".to_owned(), "1".to_owned()));
    assert_eq!(stat(&page, "Background work"), "Not running");
    app.run_jobs().await;
    assert_eq!(stat(&ann.get("/").await, "Background work"), "Running");
    app.advance(TimeDelta::minutes(6));
    let page = ann.get("/admin").await.is(200).shows("Background work is late").shows("0 of 8 done");
    assert_eq!(stat(&page, "Failed mails, 7 days"), "0");
    app.finish().await;
}

#[tokio::test]
async fn first_steps_follow_what_is_there() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let provider = app.provider("Northstar").await;
    let _ = ann.get("/admin").await.shows("1 of 8 done").shows(&format!("{}&#x2f;invite", provider.id));
    app.technician("tom", &provider).await;
    let acme = app.company("Acme").await;
    app.member("mia", &acme).await;
    app.execute(
        sql("INSERT INTO user_totp_authenticators (user_id, name, secret, created_at) VALUES (?, 'Phone', 'x', ?)")
            .bind(ann.id)
            .bind(app.app().now()),
    )
    .await;
    let _ = ann.get("/admin").await.shows("4 of 8 done").shows("Nothing has been sent yet");
    app.execute(sql("UPDATE site_settings SET company_name = 'Northstar IT'")).await;
    let _ = ann.get("/admin").await.shows("5 of 8 done").shows("Connect your other systems");
    let _ = ann.post("/admin/setup/dismiss", &[]).await.goes_to("/admin");
    let _ = ann.get("/admin").await.is(200).hides(" of 8 done");
    let _ = ann.get("/").await.is(200).hides(" of 8 done");
    assert_eq!(app.audit().await, ["site_settings.updated"]);
    app.finish().await;
}

#[tokio::test]
async fn steps_are_skipped_taken_up_and_done_all_the_same() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let _ = ann.get("/admin").await.is(200).shows("Publish something").hides(">Skipped<").hides("Take up");
    let skip = async |step: &str| ann.post("/admin/setup/skip", &[("step", step), ("back", "/")]).await;
    for step in ["name", "name", "publish"] {
        let _ = skip(step).await.goes_to("/");
    }
    let page = ann.get("/").await.is(200).shows("0 of 8 done").shows("Take up: Name your portal");
    assert_eq!(page.text().matches("Take up:").count(), 2);
    let undo = [("step", "name"), ("undo", "1"), ("back", "https://evil.example")];
    let _ = ann.post("/admin/setup/skip", &undo).await.goes_to("/admin");
    let _ = ann.get("/admin").await.hides("Take up: Name your portal").shows("Skip: Name your portal");
    // What is done counts, skipped or not.
    app.execute(
        sql("INSERT INTO notifications (event_type, message, audience, dedupe_key, expires_at, created_at) \
         VALUES ('announcement', 'Hello', 'all', 'announcement:1', ?, ?)")
        .bind(app.app().now() + TimeDelta::days(9))
        .bind(app.app().now()),
    )
    .await;
    let _ = ann.get("/admin").await.shows("1 of 8 done").hides("Take up: Publish something");
    for step in ["account", "name", "mail", "company", "technician", "customer", "modules"] {
        let _ = skip(step).await.is(303);
    }
    let _ = ann.get("/").await.is(200).hides("First steps");
    let _ = ann.get("/admin").await.is(200).shows("First steps");
    let _ = skip("fly").await.goes_to("/admin");
    let acme = app.company("Acme").await;
    let _ = app.company_admin("olga", &acme).await.post("/admin/setup/skip", &[("step", "mail")]).await.goes_to("/");
    assert_eq!(app.audit().await.iter().filter(|action| *action == "site_settings.updated").count(), 11);
    app.finish().await;
}

#[tokio::test]
async fn staff_figures_follow_the_level() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let now = app.app().now();
    for (name, department, enabled) in
        [("a", Some("reception"), true), ("b", Some("surgery"), false), ("c", None, true)]
    {
        app.execute(
            sql("INSERT INTO staff (company_id, first_name, last_name, email, department, department_key, enabled, \
                 sort_name, search_text, created_at, updated_at) VALUES (?, ?, '', ?, ?, ?, ?, ?, ?, ?, ?)")
            .bind(acme.id)
            .bind(name)
            .bind(format!("{name}@example.com"))
            .bind(department)
            .bind(department)
            .bind(enabled)
            .bind(name)
            .bind(name)
            .bind(now)
            .bind(now),
        )
        .await;
    }
    for (name, level, expected) in [
        ("a", 1, Some((1, "1 active"))),
        ("b", 2, Some((2, "1 active"))),
        ("x", 1, Some((0, "No active staff"))),
        ("z", 0, None),
    ] {
        let actor = app.member(name, &acme).await;
        let query = sql("UPDATE company_memberships SET staff_permission = ? WHERE user_id = ?");
        app.execute(query.bind(level).bind(actor.id)).await;
        let before = app.db().statements();
        let page = actor.get("/").await.is(200);
        assert!(app.db().statements() - before <= 8);
        let Some((staff, note)) = expected else {
            let _ = page.hides("stat-label\">Staff");
            continue;
        };
        assert_eq!(stat(&page, "Staff"), staff.to_string());
        let _ = page.shows(note);
        let figures = actor.api(Method::GET, "/api/dashboard").await.is(200).value();
        assert_eq!(figures["company"]["staff"], staff);
    }
    app.finish().await;
}

#[tokio::test]
async fn only_super_admins_administer() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let olga = app.company_admin("olga", &acme).await;
    for path in ["/admin", "/admin/email", "/admin/email/1"] {
        let _ = olga.get(path).await.goes_to("/");
        let _ = app.stranger().get(path).await.is(303);
    }
    let _ = olga.post("/admin/setup/dismiss", &[]).await.goes_to("/");
    let _ = olga.post("/admin/email/1/resend", &[]).await.goes_to("/");
    assert!(app.audit().await.is_empty());
    app.finish().await;
}
