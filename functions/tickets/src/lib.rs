//! Requests for help, from raised to answered. The rules are in `tickets.md` of the specification.

mod actions;
mod ai;
mod api;
pub mod desk;
mod export;
mod jobs;
mod model;
mod pages;
mod scope;
mod store;
mod syncro;

use chrono::TimeDelta;
use shared::events::names;
use shared::jobs::Jobs;
use shared::routes::Routes;

/// All routes of the area.
pub fn routes() -> Routes {
    let routes =
        Routes::area("tickets", &["/tickets", "/api/tickets", "/admin/tickets", "/admin/syncro/import-tickets"]);
    ai::add(syncro::add(export::add(pages::add(api::add(routes.scope("tickets"))))))
}

/// All background work of the area.
pub fn jobs() -> Jobs {
    export::jobs(ai::jobs(syncro::jobs(notices())))
}

/// Telling people what happened.
fn notices() -> Jobs {
    Jobs::none()
        .on("tickets.notify_created", jobs::notify_created)
        .on("tickets.notify_reply", jobs::notify_reply)
        .on("tickets.notify_assigned", jobs::notify_assigned)
        .on("tickets.notify_status", jobs::notify_status)
        .every("tickets.tidy", TimeDelta::days(1), jobs::tidy)
        .on_event(names::TICKET_CREATED, "tickets.notify_created")
        .on_event(names::TICKET_REPLIED, "tickets.notify_reply")
        .on_event(names::TICKET_ASSIGNED, "tickets.notify_assigned")
        .on_event(names::TICKET_STATUS_CHANGED, "tickets.notify_status")
}
