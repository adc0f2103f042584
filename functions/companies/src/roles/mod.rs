//! Roles: reusable sets of permission keys (organisation 8).

pub mod api;
pub mod model;
pub mod pages;
pub mod store;

use shared::routes::Routes;

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes
        .scope("roles")
        .api(shared::api!(api::list_permissions))
        .api(shared::api!(api::list_roles))
        .api(shared::api!(api::create_role))
        .api(shared::api!(api::get_role))
        .api(shared::api!(api::update_role))
        .api(shared::api!(api::delete_role))
        .no_scope()
        .page("/admin/roles", pages::list)
        .page("/admin/roles/new", pages::new)
        .form("/admin/roles", pages::create)
        .page("/admin/roles/{id}", pages::show)
        .form("/admin/roles/{id}", pages::update)
        .page("/admin/roles/{id}/delete", pages::confirm_delete)
        .form("/admin/roles/{id}/delete", pages::delete)
}
