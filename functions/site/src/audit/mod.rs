//! The audit trail: `/admin/audit-logs` for people, `/audit-logs` for programs (organisation 9).

pub mod api;
pub mod diff;
pub mod export;
pub mod model;
pub mod order;
pub mod pages;
pub mod store;

use shared::routes::Routes;

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes
        .scope("audit_logs")
        .api(shared::api!(api::list_audit_logs))
        .api(shared::api!(api::get_audit_log))
        .api(shared::api!(export::export_audit_logs_csv))
        .api(shared::api!(export::export_audit_logs_json))
        .no_scope()
        .page("/admin/audit-logs", pages::list)
        .page("/admin/audit-logs/{id}", pages::show)
}
