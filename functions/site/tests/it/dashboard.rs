//! The dashboard by who looks at it, the overview and the first steps.

use shared::accounts::memberships::{self, NewMembership, Status};
use shared::db::sql;
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
    let _ = mia.get("/").await.is(200).shows("You are invited to 1 company").hides("Beta");
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
    let page = ann.get("/").await.is(200).shows("First steps").shows("0 of 6 done");
    assert_eq!((stat(&page, "Companies"), stat(&page, "Portal users")), ("1".to_owned(), "1".to_owned()));
    assert_eq!(stat(&page, "Background work"), "Not running");
    app.run_jobs().await;
    assert_eq!(stat(&ann.get("/").await, "Background work"), "Running");
    app.advance(chrono::TimeDelta::minutes(6));
    let page = ann.get("/admin").await.is(200).shows("Background work is late").shows("0 of 6 done");
    assert_eq!(stat(&page, "Failed mails, 7 days"), "0");
    app.finish().await;
}

#[tokio::test]
async fn first_steps_follow_what_is_there() {
    let app = portal().await;
    let ann = app.super_admin("ann").await;
    let provider = app.provider("Northstar").await;
    let _ = ann.get("/admin").await.shows("1 of 6 done").shows(&format!("{}&#x2f;invite", provider.id));
    app.technician("tom", &provider).await;
    let acme = app.company("Acme").await;
    app.member("mia", &acme).await;
    app.execute(
        sql("INSERT INTO user_totp_authenticators (user_id, name, secret, created_at) VALUES (?, 'Phone', 'x', ?)")
            .bind(ann.id)
            .bind(app.app().now()),
    )
    .await;
    let _ = ann.get("/admin").await.shows("4 of 6 done").shows("Nothing has been sent yet");
    app.execute(sql("UPDATE site_settings SET company_name = 'Northstar IT'")).await;
    let _ = ann.get("/admin").await.shows("5 of 6 done");
    let _ = ann.post("/admin/setup/dismiss", &[]).await.goes_to("/admin");
    let _ = ann.get("/admin").await.is(200).hides(" of 6 done");
    let _ = ann.get("/").await.is(200).hides(" of 6 done");
    assert_eq!(app.audit().await, ["site_settings.updated"]);
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
