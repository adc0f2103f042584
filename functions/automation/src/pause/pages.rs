//! The page that says what a pause means, and its form.

use axum::response::Response;
use serde::{Deserialize, Serialize};
use shared::Flash;
use shared::caller::SuperAdmin;
use shared::error::Result;
use shared::page::Page;
use shared::web::{Form, Query};

/// The page that the switch was found on.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum From {
    #[default]
    Tasks,
    Automations,
}

impl From {
    fn address(self) -> &'static str {
        match self {
            Self::Tasks => "/admin/automation",
            Self::Automations => "/admin/automations",
        }
    }
}

/// Where to return to.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub struct Origin {
    from: From,
}

/// Asks before everything is held.
#[derive(Debug, Serialize)]
pub struct PauseAsk {
    from: From,
    back: &'static str,
}

impl PauseAsk {
    fn new(from: From) -> Self {
        Self { from, back: from.address() }
    }
}

impl Page for PauseAsk {
    const TEMPLATE: &'static str = "automation/pause/ask.html";

    fn samples() -> Vec<Self> {
        vec![Self::new(From::Tasks), Self::new(From::Automations)]
    }
}

/// States the effect.
pub async fn ask(by: SuperAdmin, origin: Query<Origin>) -> Result<Response> {
    by.page(&PauseAsk::new(origin.from)).await
}

/// The switch.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub struct Switch {
    paused: bool,
    from: From,
}

/// Holds everything, or lets it go on.
pub async fn set(by: SuperAdmin, form: Form<Switch>) -> Result<Response> {
    let text = if form.paused {
        super::begin(&by).await?;
        "All tasks and automations are paused"
    } else {
        super::end(&by).await?;
        "Tasks and automations go on"
    };
    by.see(form.from.address(), Flash::done(text)).await
}
