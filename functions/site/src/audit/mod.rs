//! The audit trail: `/admin/audit-logs` for people, `/audit-logs` for programs (organisation 9).

pub mod api;
pub mod model;
pub mod pages;
pub mod store;

use shared::routes::Routes;

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes
        .scope("audit_logs")
        .api(shared::api!(api::list_audit_logs))
        .api(shared::api!(api::get_audit_log))
        .no_scope()
        .page("/admin/audit-logs", pages::list)
        .page("/admin/audit-logs/{id}", pages::show)
}
