//! To be described.

use shared::routes::Routes;

/// All routes of the area.
pub fn routes() -> Routes {
    Routes::area("tickets", &[])
}

/// All background work of the area.
pub fn jobs() -> shared::jobs::Jobs {
    shared::jobs::Jobs::none()
}
