//! Lists of more than 10,000 tickets as files: asked for on a page or by a program, written by a job, kept for
//! a week for the person who asked (interface 3.3).

mod api;
pub mod csv;
mod job;
mod order;
mod pages;
mod store;

use shared::files::Home;
use shared::jobs::Jobs;
use shared::routes::Routes;

/// The job that writes.
const JOB: &str = "tickets.export";

/// Where the files live.
const HOME: Home = Home { area: "tickets", category: "ticket_export" };

/// Adds the pages and the JSON routes.
pub fn add(routes: Routes) -> Routes {
    routes
        .form("/tickets/exports", pages::order)
        .page("/tickets/exports/{id}", pages::open)
        .api(shared::api!(api::order_export))
        .api(shared::api!(api::read_export))
}

/// Adds the work.
pub fn jobs(jobs: Jobs) -> Jobs {
    jobs.on(JOB, job::write)
}

pub use store::forget as forget_old;
