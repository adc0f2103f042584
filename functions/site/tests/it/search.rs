//! Search and the palette: nobody finds what they may not see.

use shared::db::sql;

use crate::{Ticket, portal, ticket};

#[tokio::test]
async fn people_find_what_they_may_see() {
    let app = portal().await;
    let provider = app.provider("Northstar").await;
    app.company("Northwind Printing").await;
    let (gus, eve) = (app.requester("gus").await, app.requester("eve").await);
    let tom = app.technician("tom", &provider).await;
    let ann = app.super_admin("ann").await;
    let own = ticket(&app, Ticket { subject: "Printer of Gus", requester: gus.id, ..Ticket::default() }).await;
    let foreign = ticket(&app, Ticket { subject: "Printer of Eve", requester: eve.id, ..Ticket::default() }).await;

    let _ = gus.get("/search?q=print").await.is(200).shows("Printer of Gus").hides("Eve").hides("Northwind");
    let _ = gus.get(&format!("/search?q=%23{foreign}")).await.is(200).shows("Nothing matches");
    let _ = gus.get(&format!("/search?q={own}")).await.shows("Printer of Gus");
    let _ = gus.get("/search?q=eve").await.hides("eve@example.com");
    let _ =
        tom.get("/search?q=print").await.shows("Printer of Gus").shows("Printer of Eve").hides("Northwind Printing");
    let _ = ann.get("/search?q=print").await.shows("Printer of Gus").shows("Northwind Printing");
    let _ = ann.get("/search?q=eve").await.shows("eve@example.com").shows("Printer of Eve");
    for q in ["", "%25", "%22", "*", "-%28%29", "a%00"] {
        let status = ann.get(&format!("/search?q={q}")).await.status;
        assert!(matches!(status, 200 | 422), "{q}: {status}");
    }
    let _ = ann.region("/search?q=eve", "search-results").await.shows("eve@example.com").hides("<html");
    let _ = app.stranger().get("/search?q=x").await.goes_to("/login?next=%2Fsearch%3Fq%3Dx");
    app.finish().await;
}

#[tokio::test]
async fn the_palette_lists_links() {
    let app = portal().await;
    let gus = app.requester("gus").await;
    let ann = app.super_admin("ann").await;
    let number = ticket(&app, Ticket { subject: "Printer of Gus", requester: gus.id, ..Ticket::default() }).await;
    let list = gus.region("/palette?q=print&at=/", "palette-results").await.is(200).hides("<html");
    let _ = list.shows(&format!("<a href=\"/tickets/{number}\">")).hides("Administration");
    let _ = gus.region("/palette?q=&at=/", "palette-results").await.shows(">Dashboard<");
    let _ = ann.region("/palette?q=admin&at=/", "palette-results").await.shows(">Administration<");
    let _ = app.stranger().get("/palette").await.is(303);
    app.finish().await;
}

#[tokio::test]
async fn a_sign_narrows_and_nothing_shows_what_is_recent() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let beta = app.company("Beta").await;
    let (olga, ann) = (app.company_admin("olga", &acme).await, app.super_admin("ann").await);
    let _ = (app.member("mia", &acme).await, app.member("mick", &beta).await);
    let own = ticket(&app, Ticket { subject: "Own printer", requester: olga.id, ..Ticket::default() }).await;
    let palette = async |q: &str| olga.region(&format!("/palette?q={q}&at=/"), "palette-results").await.is(200);
    let _ = palette("").await.shows("Last worked on").shows("Own printer").shows("Pages").hides("Actions");
    let _ = palette("%3Einv").await.shows("Invite person").hides("Pages").hides("Own printer");
    let _ = palette("new").await.shows("New ticket").hides("New company");
    let _ = palette("%40mi").await.shows("mia@example.com").hides("mick@example.com").hides("Pages");
    let _ = palette("%40acm").await.shows("Acme").hides("Beta");
    let _ = palette("%40bet").await.hides("Beta");
    let first = palette(&format!("{own}")).await;
    assert!(first.text().trim_start().starts_with(&format!("<a href=\"/tickets/{own}\">")), "{}", first.text());
    let _ = ann.region("/palette?q=%40mi&at=/", "palette-results").await.shows("mia@").shows("mick@");
    let member = app
        .number(sql("SELECT MIN(m.id) FROM company_memberships m JOIN users u ON u.id = m.user_id \
         WHERE u.email = 'mia@example.com'"))
        .await;
    let page = olga.get("/search?q=mia").await.is(200);
    let _ = page.shows(&format!("companies&#x2f;{}&#x2f;members&#x2f;{member}", acme.id));
    app.finish().await;
}

/// 4,096 tickets by doubling; every second one says `common`, the very first `needle`.
async fn crowd(app: &shared::testing::TestApp) -> i64 {
    let first = ticket(app, Ticket { subject: "First", ..Ticket::default() }).await;
    for _ in 0..12 {
        let double = sql("INSERT INTO tickets (subject, status, search_text, created_at, updated_at) \
             SELECT subject, 'open', '', created_at, updated_at FROM tickets LIMIT 5000");
        app.execute(double).await;
    }
    let texts = sql("INSERT INTO ticket_texts (id, public_text, internal_text) SELECT t.id, \
         CASE WHEN t.id % 2 = 0 THEN ' common words' ELSE ' other words' END, ' vault' FROM tickets t WHERE t.id <> ?");
    app.execute(texts.bind(first)).await;
    app.execute(sql("UPDATE ticket_texts SET public_text = ' needle' WHERE id = ?").bind(first)).await;
    first
}

#[tokio::test]
async fn common_and_rare_words_are_found_among_many_tickets() {
    let app = portal().await;
    let provider = app.provider("Northstar").await;
    let (tom, gus) = (app.technician("tom", &provider).await, app.requester("gus").await);
    let first = crowd(&app).await;
    let _ = tom.get("/search?q=needle").await.is(200).shows(&format!("/tickets/{first}\""));
    let common = tom.get("/search?q=common").await.is(200);
    assert_eq!(common.text().matches("<a href=\"/tickets/").count(), 20);
    let vault = tom.region("/palette?q=vault&at=/", "palette-results").await;
    assert_eq!(vault.text().matches("<span>#").count(), 5, "the desk reads notes");
    app.execute(sql("UPDATE tickets SET requester_id = ? WHERE id = ?").bind(gus.id).bind(first)).await;
    let _ = gus.get("/search?q=needle").await.shows(&format!("/tickets/{first}\""));
    let _ = gus.get("/search?q=vault").await.shows("Nothing matches");
    let _ = gus.get("/search?q=common").await.shows("Nothing matches");
    for q in ["needle", "common", "co", "%23", "7"] {
        let before = app.db().statements();
        let _ = tom.get(&format!("/search?q={q}")).await.is(200);
        let spent = app.db().statements() - before;
        assert!(spent <= 8, "{q}: {spent} statements");
    }
    app.finish().await;
}

#[tokio::test]
async fn nothing_is_announced_yet() {
    let app = portal().await;
    let gus = app.requester("gus").await;
    let _ = gus.api(http::Method::GET, "/events/poll?since=").await.is(204);
    let _ = app.stranger().api(http::Method::GET, "/events/poll").await.is(401);
    app.finish().await;
}
