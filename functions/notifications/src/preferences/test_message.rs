//! "Send me a test": a notification that goes out on one channel only.

use axum::response::Response;
use serde::Deserialize;
use shared::caller::User;
use shared::error::{Error, Result};
use shared::notify::{self, Channel};
use shared::rate_limit::{self, Limit};
use shared::web::Form;
use shared::{Flash, Tone};

use super::{api, store};

/// Tests of one person.
const TESTS: Limit = Limit {
    bucket: "notification_test",
    max: 3,
    window: 3600,
    detail: "Three tests an hour are enough. Try again later",
};

/// Which channel.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct TestForm {
    channel: String,
}

/// Sends a test.
pub async fn send(by: User, form: Form<TestForm>) -> Result<Response> {
    let stored = store::stored(by.db(), by.me().id()).await?;
    let ways = api::ways(&by, &stored).await?;
    let (channel, is_open, text) = match form.channel.as_str() {
        "email" => (Channel::Email, ways.email.available, "Test mail queued"),
        "sms" => (Channel::Sms, ways.sms.available, "Test message queued"),
        "ntfy" => (Channel::Ntfy, ways.ntfy.available, "Test push queued"),
        _ => return Err(Error::bad_request("Choose a channel")),
    };
    let back = "/notifications/settings";
    if !is_open {
        return by.see(back, Flash::new(Tone::Error, "That channel does not reach you yet")).await;
    }
    rate_limit::hit(by.app(), &TESTS, &format!("user:{}", by.me().id())).await?;
    let mut tx = by.begin().await?;
    tx.housekeeping();
    notify::send_test(by.app(), &mut tx, by.me().id(), channel).await?;
    tx.commit().await?;
    by.see(back, Flash::done(text)).await
}
