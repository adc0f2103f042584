//! Connections to other systems: their settings, secrets, switch and tests (automation 5).

mod api;
mod choices;
mod form;
mod model;
mod pages;
mod probe;

pub use pages::{ModuleList, ModuleShow};

use shared::jobs::Jobs;
use shared::routes::Routes;

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes
        .page("/admin/modules", pages::list)
        .page("/admin/modules/{slug}", pages::show)
        .form("/admin/modules/{slug}", pages::save)
        .form("/admin/modules/{slug}/test", pages::test)
        .form("/admin/modules/{slug}/secret", pages::generate)
        .scope("modules")
        .api(shared::api!(api::list_modules))
        .api(shared::api!(api::get_module))
        .api(shared::api!(api::update_module))
        .api(shared::api!(api::test_module))
        .no_scope()
}

/// The work.
pub fn jobs() -> Jobs {
    Jobs::none().on(probe::JOB, probe::run)
}
