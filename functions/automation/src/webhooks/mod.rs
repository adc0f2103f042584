//! The queue of outgoing webhooks: its monitor and the endpoints that customers registered.

use shared::jobs::Jobs;
use shared::routes::Routes;

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes
}

/// The work.
pub fn jobs() -> Jobs {
    Jobs::none()
}
