//! `/health` and `/health/ready`: whether the process answers, and whether it can work.

use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::Serialize;
use shared::caller::Anyone;
use shared::db::sql;
use shared::error::Result;
use shared::jobs;
use shared::routes::Routes;
use shared::web::Json;
use utoipa::ToSchema;

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes.no_scope().api(shared::api!(health)).api(shared::api!(ready))
}

/// The process answers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"status": "ok", "timestamp": "2026-11-23T09:12:00Z"}))]
pub struct Health {
    /// Always `ok`.
    status: &'static str,
    /// Now.
    timestamp: DateTime<Utc>,
}

/// Says that the process answers.
#[utoipa::path(get, path = "/health", responses((status = 200, description = "It answers", body = Health)))]
pub async fn health(by: Anyone) -> Json<Health> {
    Json(Health { status: "ok", timestamp: by.now() })
}

/// What the process needs, part by part.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"status": "ready", "timestamp": "2026-11-23T09:12:00Z", "database": true, "bucket": true,
    "migrations": true, "worker_seconds": 12}))]
pub struct Ready {
    /// `ready` or `not_ready`.
    status: &'static str,
    /// Now.
    timestamp: DateTime<Utc>,
    /// The database answers.
    database: bool,
    /// The bucket of uploads answers.
    bucket: bool,
    /// The database has the schema of this program.
    migrations: bool,
    /// Seconds since a worker last ran, null when none did within a day. Never decides.
    worker_seconds: Option<i64>,
}

/// Says whether the process can work: database, bucket and migrations decide.
#[utoipa::path(get, path = "/health/ready", responses(
    (status = 200, description = "It can work", body = Ready),
    (status = 503, description = "Something is missing", body = Ready)))]
pub async fn ready(by: Anyone) -> Result<(StatusCode, Json<Ready>)> {
    let database = sql("SELECT 1").fetch_value::<i64>(by.db()).await.is_ok();
    let bucket = by.app().blobs().ready().await;
    if let Err(error) = &bucket {
        tracing::warn!(%error, "the bucket does not answer");
    }
    let migrations = database && by.db().is_migrated().await;
    let tick = if migrations { jobs::last_tick(by.db()).await.ok().flatten() } else { None };
    let is_ready = database && bucket.is_ok() && migrations;
    let body = Ready {
        status: if is_ready { "ready" } else { "not_ready" },
        timestamp: by.now(),
        database,
        bucket: bucket.is_ok(),
        migrations,
        worker_seconds: tick.map(|at| (by.now() - at).num_seconds().max(0)),
    };
    Ok((if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(body)))
}
