//! Who got which access, who gave it, and who has what today: `/admin/access-review` (organisation 9.4).

pub mod api;
pub mod model;
pub mod pages;
pub mod store;
pub mod words;

use shared::routes::Routes;

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes
        .scope("audit_logs")
        .api(shared::api!(api::list_membership_changes))
        .api(shared::api!(api::list_role_edits))
        .api(shared::api!(api::list_access))
        .no_scope()
        .api(shared::api!(api::review_change))
        .page("/admin/access-review", pages::list)
        .page("/admin/access-review/export.csv", pages::export)
        .page("/admin/access-review/{id}", pages::show)
        .form("/admin/access-review/{id}", pages::review)
}
