//! One look at the work that is due, for hosts that call it on a schedule.

use std::time::Duration;

use shared::caller::{MachineSecret, Secret};
use shared::config::Config;
use shared::error::Result;
use shared::jobs::{Counts, Worker};
use shared::web::Json;

/// The bearer of `INTERNAL_TICK_TOKEN`.
#[derive(Debug, Clone, Copy)]
pub struct Tick;

impl MachineSecret for Tick {
    const NAME: &'static str = "tick";

    fn expected(config: &Config) -> Option<String> {
        config.tick_token.clone()
    }
}

/// The work of one call; below the time limit of requests.
const BUDGET: Duration = Duration::from_secs(15);

/// Run due work
///
/// Does what is due until nothing is left or 15 seconds are over, and says what was done.
#[utoipa::path(post, path = "/internal/tick", responses((status = 200, description = "What was done")))]
pub async fn run_due_work(by: Secret<Tick>) -> Result<Json<Counts>> {
    let worker = Worker::new(by.app().clone(), crate::all::jobs(), "tick");
    let (_keep, stop) = tokio::sync::watch::channel(false);
    worker.tick(BUDGET, &stop).await.map(Json)
}
