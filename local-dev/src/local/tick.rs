//! One look at the work that is due, for hosts that call it on a schedule.

use std::time::Duration;

use shared::caller::{MachineSecret, Secret};
use shared::config::Config;
use shared::error::Result;
use shared::jobs::{Done, Worker};
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

/// How long a call takes work, and how long it then waits for what still runs: together below the time limit
/// of requests.
const BUDGET: Duration = Duration::from_secs(15);
const PATIENCE: Duration = Duration::from_secs(5);

/// Run due work
///
/// Takes what is due until nothing is left or 15 seconds are over, and says what was done. Work that lasts
/// longer goes on in the server after the answer, which then says `stillRunning`.
#[utoipa::path(post, path = "/internal/tick", responses((status = 200, description = "What was done")))]
pub async fn run_due_work(by: Secret<Tick>) -> Result<Json<Done>> {
    let worker = Worker::new(by.app().clone(), crate::all::jobs(), "tick");
    by.app().shifts().work(worker, BUDGET, PATIENCE).await.map(Json)
}
