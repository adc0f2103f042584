//! What runs by itself and what goes out: scheduled tasks, automations, webhook deliveries and the
//! connections to other systems. The rules are in `automation.md` of the specification.

pub mod automations;
mod columns;
pub mod lease;
pub mod modules;
pub mod pause;
pub mod scheduler;
pub mod webhooks;

use shared::jobs::Jobs;
use shared::routes::Routes;

/// All routes of the area.
pub fn routes() -> Routes {
    let routes = Routes::area(
        "automation",
        &[
            "/admin/automation",
            "/admin/automations",
            "/admin/modules",
            "/admin/scheduler",
            "/admin/webhooks",
            "/api/automations",
            "/api/integration-modules",
            "/scheduler",
        ],
    );
    let routes = scheduler::add(routes);
    let routes = automations::add(routes);
    let routes = modules::add(routes);
    let routes = pause::add(routes);
    webhooks::add(routes)
}

/// The work of the area.
pub fn jobs() -> Jobs {
    scheduler::jobs().merge(automations::jobs()).merge(modules::jobs()).merge(webhooks::jobs())
}
