//! Tickets from Syncro (tickets 9): a run is a background job in slices that can be stopped at any point
//! and goes on where it was.

mod api;
mod files;
mod mapping;
mod pages;
mod request;
mod runs;
mod start;
mod text;
mod watch;
mod work;
mod write;

use chrono::TimeDelta;
use shared::jobs::Jobs;
use shared::routes::Routes;

/// Kind of the job that works on a run for one slice.
const JOB: &str = "ticket.syncro_import";

/// Adds the JSON routes and the console.
pub fn add(routes: Routes) -> Routes {
    pages::add(api::add(routes))
}

/// Adds the work.
pub fn jobs(jobs: Jobs) -> Jobs {
    jobs.on(JOB, work::slice).on(files::LOOK, files::look).on(files::FETCH, files::fetch).every(
        "tickets.watch_imports",
        TimeDelta::minutes(1),
        watch::resume_lost,
    )
}
