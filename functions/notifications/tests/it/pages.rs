//! Every template with every sample, and what pages cost.

use notifications::announcements::pages::{ComposePage, SentPage};
use notifications::feed::pages::FeedPage;
use notifications::preferences::pages::SettingsPage;
use notifications::preferences::unsubscribe::UnsubscribePage;
use notifications::templates::pages::{TemplateList, TemplateShow};
use shared::notify::{GENERAL, To};
use shared::testing::render_samples;

use crate::{announce, portal, tell};

#[test]
fn every_sample_renders() {
    render_samples::<FeedPage>();
    render_samples::<SettingsPage>();
    render_samples::<UnsubscribePage>();
    render_samples::<SentPage>();
    render_samples::<TemplateList>();
    render_samples::<TemplateShow>();
    render_samples::<ComposePage>();
}

#[tokio::test]
async fn no_page_takes_more_than_eight_statements() {
    let app = portal().await;
    let acme = app.company("Acme").await;
    let ben = app.member("ben", &acme).await;
    for n in 0..30 {
        tell(&app, ben.id, GENERAL, &format!("News {n}")).await;
    }
    announce(&app, To::Everyone, "To all").await;
    for path in ["/notifications", "/notifications?read_state=unread&q=news&page=2", "/notifications/settings"] {
        let before = app.db().statements();
        ben.get(path).await.is(200);
        let spent = app.db().statements() - before;
        assert!(spent <= 8, "{path} took {spent} statements");
    }
    for path in ["/api/notifications", "/api/notifications/summary", "/api/notifications/event-types"] {
        let before = app.db().statements();
        ben.api(http::Method::GET, path).await.is(200);
        assert!(app.db().statements() - before <= 8, "{path}");
    }
    app.finish().await;
}
