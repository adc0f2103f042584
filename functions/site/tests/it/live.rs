//! `/events/poll`: what changed, for whom it may concern.

use http::Method;
use shared::db::sql;

use crate::{Ticket, ticket};

#[tokio::test]
async fn changes_are_told_to_those_who_may_see_them() {
    let app = crate::portal().await;
    let provider = app.provider("Northstar").await;
    let tom = app.technician("Tom", &provider).await;
    let (ana, kim) = (app.requester("Ana").await, app.requester("Kim").await);
    let id = ticket(&app, Ticket { requester: ana.id, ..Ticket::default() }).await;
    let path = |since: &str| format!("/events/poll?topic=ticket-{id},ticket-9999,nonsense&since={since}");
    let ask = async |who: &shared::testing::Actor, since: &str| who.api(Method::GET, &path(since)).await;
    let first = ask(&ana, "").await.is(200).value();
    assert_eq!(first["events"][0]["id"], id);
    let since = first["cursor"].as_str().unwrap().to_owned();
    let desk = ask(&tom, "").await.is(200).value()["cursor"].as_str().unwrap().to_owned();
    let _ = (ask(&ana, &since).await.is(204), ask(&tom, &desk).await.is(204), ask(&kim, "").await.is(204));
    app.advance(chrono::TimeDelta::seconds(5));
    let now = app.app().now();
    // A note moves the ticket for the desk only.
    app.execute(sql("UPDATE tickets SET updated_at = ? WHERE id = ?").bind(now).bind(id)).await;
    let _ = (ask(&ana, &since).await.is(204), ask(&tom, &desk).await.is(200));
    app.execute(sql("UPDATE tickets SET last_reply_at = ? WHERE id = ?").bind(now).bind(id)).await;
    assert_eq!(ask(&ana, &since).await.is(200).value()["events"][0]["kind"], "ticket");
    let _ = ana.api(Method::GET, "/events/poll").await.is(204);
    app.finish().await;
}
