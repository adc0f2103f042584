//! To be described.

use shared::jobs::Jobs;
use shared::routes::Routes;

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes
}

/// Adds the background work.
pub fn add_jobs(jobs: Jobs) -> Jobs {
    jobs
}
