//! Summary and tags by a language model (tickets 7). The model is asked by a job, never in a request; what
//! it answers is stored as text and shown to the desk only.

mod answer;
mod api;
mod card;
mod jobs;
mod prompt;
mod store;

use shared::events::names;
use shared::jobs::Jobs;
use shared::routes::Routes;

pub use card::AiCard;
pub use jobs::{is_ready, queue};

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes.api(shared::api!(api::refresh_ai)).form("/tickets/{id}/ai-refresh", api::refresh)
}

/// Adds the work: what happens to a ticket leads to one refresh a little later.
pub fn jobs(jobs: Jobs) -> Jobs {
    jobs.on(jobs::REFRESH, jobs::refresh)
        .on("ticket.ai_notice", jobs::notice)
        .on_event(names::TICKET_CREATED, "ticket.ai_notice")
        .on_event(names::TICKET_REPLIED, "ticket.ai_notice")
        .on_event(names::TICKET_UPDATED, "ticket.ai_notice")
}
