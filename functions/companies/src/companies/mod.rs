//! Companies: the list, one of them, adding, changing, archiving.

pub mod api;
pub mod details;
pub mod frame;
pub mod model;
pub mod pages;
pub mod removal;
pub mod store;

use shared::routes::Routes;

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes
        .scope("companies")
        .api(shared::api!(api::list_companies))
        .api(shared::api!(api::create_company))
        .api(shared::api!(api::get_company))
        .api(shared::api!(api::update_company))
        .api(shared::api!(api::archive_company))
        .api(shared::api!(api::unarchive_company))
        .api(shared::api!(api::delete_company))
        .no_scope()
        .page("/admin/companies", pages::list)
        .page("/admin/companies/new", pages::new)
        .form("/admin/companies", pages::create)
        .page("/admin/companies/{id}/details", details::show)
        .form("/admin/companies/{id}", details::update)
        .page("/admin/companies/{id}/records", removal::records)
        .page("/admin/companies/{id}/delete", removal::confirm)
        .form("/admin/companies/{id}/delete", removal::confirmed)
        .form("/admin/companies/{id}/archive", details::archive)
        .form("/admin/companies/{id}/unarchive", details::unarchive)
}
