//! Search and the palette: nobody finds what they may not see.

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
async fn nothing_is_announced_yet() {
    let app = portal().await;
    let gus = app.requester("gus").await;
    let _ = gus.api(http::Method::GET, "/events/poll?since=").await.is(204);
    let _ = app.stranger().api(http::Method::GET, "/events/poll").await.is(401);
    app.finish().await;
}
