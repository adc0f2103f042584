//! Every area, merged.

use shared::config::Config;
use shared::jobs::Jobs;
use shared::routes::Routes;

use crate::local;

/// The routes of all areas, as they are deployed.
pub fn routes() -> Routes {
    identity::routes()
        .merge(companies::routes())
        .merge(tickets::routes())
        .merge(automation::routes())
        .merge(mcp::routes())
        .merge(notifications::routes())
        .merge(site::routes())
}

/// The same with the routes of the local server; the mailbox and the gallery exist in development only.
pub fn local_routes(config: &Config) -> Routes {
    served_routes(config, local::live::Hub::idle())
}

/// The same of a server that tells open pages what happens.
pub fn served_routes(config: &Config, hub: local::live::Hub) -> Routes {
    routes().merge(local::routes(config.is_production(), hub))
}

/// The work of all areas.
pub fn jobs() -> Jobs {
    worker::jobs()
}
