//! The routes of the area, in process, each test with a portal of its own.

#![expect(unused_must_use, reason = "what a reply was expected to be is said by the call itself")]

mod announcements;
mod delivery;
mod feed;
mod pages;
mod preferences;
mod templates;

use shared::audit::Stamp;
use shared::jobs::Jobs;
use shared::notify::{self, Announcement, Notice, Recipient, To};
use shared::testing::TestApp;

/// A portal with the routes of the area and the kernel's work.
async fn portal() -> TestApp {
    TestApp::new(notifications::routes(), Jobs::kernel()).await
}

/// Tells a person something, as another area does.
async fn tell(app: &TestApp, user: i64, kind: notify::Kind, message: &str) {
    let mut tx = app.db().begin(Stamp::system(app.app().now())).await.unwrap();
    tx.housekeeping();
    let to = Recipient { user_id: user, email: String::new() };
    let notice = Notice { kind, message: message.to_owned(), link: Some("/tickets/7".to_owned()), dedupe: None };
    notify::tell(app.app(), &mut tx, &to, &notice).await.unwrap();
    tx.commit().await.unwrap();
}

/// An announcement in general words.
fn news(to: To, message: &str) -> Announcement {
    Announcement {
        to,
        event_type: "general".to_owned(),
        message: message.to_owned(),
        metadata: None,
        link: None,
        expires_at: None,
        respects_preferences: true,
        is_urgent: false,
    }
}

/// Publishes it, as the API does.
async fn publish(app: &TestApp, new: Announcement) -> i64 {
    let mut tx = app.db().begin(Stamp::system(app.app().now())).await.unwrap();
    tx.housekeeping();
    let id = notify::publish(app.app(), &mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    id
}

/// Broadcasts are mailed by a job.
async fn announce(app: &TestApp, to: To, message: &str) -> i64 {
    let id = publish(app, news(to, message)).await;
    app.run_jobs().await;
    id
}
