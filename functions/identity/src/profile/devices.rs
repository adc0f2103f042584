//! Where one is signed in.

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::Flash;
use shared::caller::Unsettled;
use shared::error::Result;
use shared::format::plural;
use shared::page::Page;
use shared::web::Path;

use crate::sign_in::{self, LiveSession, browser_name, password_is_settled};

const PATH: &str = "/profile/devices";

/// The page.
#[derive(Debug, Serialize)]
pub struct DevicesPage {
    sessions: Vec<Device>,
    others: usize,
}

#[derive(Debug, Serialize)]
struct Device {
    id: i64,
    browser: String,
    ip_address: Option<String>,
    created_at: DateTime<Utc>,
    last_seen_at: DateTime<Utc>,
    is_current: bool,
}

impl From<LiveSession> for Device {
    fn from(session: LiveSession) -> Self {
        Self {
            id: session.id,
            browser: browser_name(session.user_agent.as_deref().unwrap_or_default()),
            ip_address: session.ip_address,
            created_at: session.created_at,
            last_seen_at: session.last_seen_at,
            is_current: session.is_current,
        }
    }
}

impl Page for DevicesPage {
    const TEMPLATE: &'static str = "identity/profile_devices.html";

    fn samples() -> Vec<Self> {
        let device = |id: i64| Device {
            id,
            browser: "Firefox on Windows".to_owned(),
            ip_address: (id == 1).then(|| "203.0.113.10".to_owned()),
            created_at: DateTime::default(),
            last_seen_at: DateTime::default(),
            is_current: id == 1,
        };
        vec![Self { sessions: vec![device(1), device(2)], others: 1 }, Self { sessions: vec![device(1)], others: 0 }]
    }
}

/// The list.
pub(super) async fn show(by: Unsettled) -> Result<Response> {
    password_is_settled(&by)?;
    let sessions: Vec<Device> = sign_in::live_sessions(&by).await?.into_iter().map(Into::into).collect();
    let others = sessions.iter().filter(|session| !session.is_current).count();
    by.page(&DevicesPage { sessions, others }).await
}

/// Ends one session.
pub(super) async fn end_one(by: Unsettled, Path(id): Path<i64>) -> Result<Response> {
    password_is_settled(&by)?;
    sign_in::end_session(&by, id).await.map_err(|error| error.or_see(PATH))?;
    by.see(PATH, Flash::done("Signed out there")).await
}

/// Ends all sessions but this one.
pub(super) async fn end_others(by: Unsettled) -> Result<Response> {
    password_is_settled(&by)?;
    let ended = i64::try_from(sign_in::end_other_sessions(&by).await?).unwrap_or(0);
    by.see(PATH, Flash::done(format!("{} ended", plural(ended, "session")))).await
}
