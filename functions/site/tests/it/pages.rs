//! Every template renders, help is open to all, and pages cost little.

use shared::testing::render_samples;

use crate::{Ticket, portal, ticket};

#[test]
fn every_template_renders() {
    render_samples::<site::dashboard::Dashboard>();
    render_samples::<site::admin::Overview>();
    render_samples::<site::email::MailList>();
    render_samples::<site::email::MailShow>();
    render_samples::<site::audit::pages::Trail>();
    render_samples::<site::audit::pages::TrailLine>();
    render_samples::<site::access::pages::Review>();
    render_samples::<site::access::pages::Reviewed>();
    render_samples::<site::settings::pages::General>();
    render_samples::<site::settings::pages::Branding>();
    render_samples::<site::search::Results>();
    render_samples::<site::search::Palette>();
    render_samples::<site::help::Help>();
    render_samples::<site::help::Shortcuts>();
    render_samples::<site::docs::Reference>();
}

#[tokio::test]
async fn help_is_open_to_all() {
    let app = portal().await;
    let gus = app.requester("gus").await;
    app.execute(shared::db::sql("UPDATE site_settings SET support_email = 'help@example.com', support_phone = '123'"))
        .await;
    let _ = app.stranger().get("/help").await.is(200).shows("help@example.com").hides("New ticket");
    let _ = gus.get("/help").await.is(200).shows("help@example.com").shows("New ticket");
    let _ = app.stranger().get("/help/shortcuts").await.is(200).shows("Ctrl K");
    let _ = gus.get("/nowhere").await.is(404).shows("This page does not exist");
    app.finish().await;
}

#[tokio::test]
async fn pages_cost_the_same_whatever_their_length() {
    let app = portal().await;
    let provider = app.provider("Northstar").await;
    let (ann, gus) = (app.super_admin("ann").await, app.requester("gus").await);
    let tom = app.technician("tom", &provider).await;
    for n in 0..30 {
        app.company(&format!("Company {n}")).await;
        app.note(shared::audit::Change::new("company.created", "company", n)).await;
        ticket(&app, Ticket { requester: gus.id, ..Ticket::default() }).await;
    }
    for (actor, path) in [
        (&ann, "/"),
        (&tom, "/"),
        (&gus, "/"),
        (&ann, "/admin"),
        (&ann, "/admin/email"),
        (&ann, "/admin/audit-logs"),
        (&ann, "/admin/audit-logs/1"),
        (&ann, "/search?q=company"),
        (&ann, "/palette?q=company"),
        (&ann, "/admin/site-settings"),
        (&ann, "/admin/site-settings/branding"),
        (&ann, "/docs"),
        (&gus, "/help"),
    ] {
        let before = app.db().statements();
        let _ = actor.get(path).await.is(200);
        let spent = app.db().statements() - before;
        assert!(spent <= 8, "{path} took {spent} statements");
    }
    app.finish().await;
}
