//! The link in a mail that ends mails of its kind without signing in (RFC 8058).

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use crate::app::App;
use crate::context::encode_component;
use crate::tokens;

/// The value of `List-Unsubscribe-Post`.
pub(super) const ONE_CLICK: &str = "List-Unsubscribe=One-Click";

/// How long a link works.
const WORKS: TimeDelta = TimeDelta::days(90);

/// What the link carries.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Unsubscribe {
    /// The person.
    pub user: i64,
    /// The type of event.
    pub event: String,
    /// Seconds since 1970.
    pub until: i64,
    /// Over the three.
    pub sig: String,
}

impl Unsubscribe {
    /// True when the portal has made the link and it still works.
    pub fn is_genuine(&self, app: &App) -> bool {
        let expected = signature(app, self.user, &self.event, self.until);
        let is_open = DateTime::<Utc>::from_timestamp(self.until, 0).is_some_and(|until| until > app.now());
        tokens::constant_time_eq(&self.sig, &expected) && is_open
    }
}

fn signature(app: &App, user: i64, event: &str, until: i64) -> String {
    let key = tokens::derive_key(&app.config().session_secret, "unsubscribe");
    tokens::hmac_sha256_hex(&key, format!("{user}\n{event}\n{until}").as_bytes())
}

/// The address that switches mails of a type off; none while the portal has no public address.
pub fn unsubscribe_link(app: &App, user: i64, event: &str) -> Option<String> {
    let base = app.config().base_url()?;
    let until = (app.now() + WORKS).timestamp();
    let sig = signature(app, user, event, until);
    Some(format!(
        "{base}/notifications/unsubscribe?user={user}&event={}&until={until}&sig={sig}",
        encode_component(event)
    ))
}
