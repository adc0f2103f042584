//! To be described.

use shared::routes::Routes;

/// All routes of the area.
pub fn routes() -> Routes {
    Routes::area("site", &[])
}
