//! `/api/automations/pause` for programs that do maintenance.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::caller::{Keyed, SuperAdmin};
use shared::error::Result;
use shared::web::Json;
use utoipa::ToSchema;

use super::Pause;

type Caller = Keyed<SuperAdmin>;

/// Whether everything waits.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"paused": true, "paused_at": "2026-11-23T09:12:00Z", "paused_by": "Olivia Grant"}))]
pub struct PauseOut {
    /// True while no task and no automation begins by itself.
    pub paused: bool,
    /// Since when.
    pub paused_at: Option<DateTime<Utc>>,
    /// Who wanted it; null for a program.
    pub paused_by: Option<String>,
}

impl From<Option<Pause>> for PauseOut {
    fn from(pause: Option<Pause>) -> Self {
        Self {
            paused: pause.is_some(),
            paused_at: pause.as_ref().map(|pause| pause.paused_at),
            paused_by: pause.and_then(|pause| pause.paused_by),
        }
    }
}

/// What shall be.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[schema(example = json!({"paused": true}))]
pub struct PauseIn {
    /// True to hold everything, false to let it go on.
    pub paused: bool,
}

/// Says whether tasks and automations are paused.
#[utoipa::path(get, path = "/api/automations/pause",
    responses((status = 200, description = "Whether everything waits", body = PauseOut)))]
pub async fn get_pause(by: Caller) -> Result<Json<PauseOut>> {
    by.portal_wide()?;
    Ok(Json(super::current(by.db()).await?.into()))
}

/// Pauses all tasks and automations, or lets them go on
///
/// While paused, planned times pass and events are written into the history as skipped. What has begun ends, and
/// runs by hand work. Afterwards a planned time missed by less than an hour is caught up with once.
#[utoipa::path(put, path = "/api/automations/pause", request_body = PauseIn,
    responses((status = 200, description = "How it is now", body = PauseOut)))]
pub async fn set_pause(by: Caller, body: Json<PauseIn>) -> Result<Json<PauseOut>> {
    by.portal_wide()?;
    if body.0.paused {
        super::begin(&by).await?;
    } else {
        super::end(&by).await?;
    }
    Ok(Json(super::current(by.db()).await?.into()))
}
