//! How the portal is called, looks and lets people in: `/admin/site-settings`, `/branding/…` and the same
//! for programs (organisation 15, interface 4.4).

pub mod api;
pub mod logos;
pub mod model;
pub mod pages;
pub mod store;

use shared::routes::Routes;

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes
        .no_scope()
        .api(shared::api!(api::get_site_settings))
        .api(shared::api!(api::put_site_settings))
        .upload_api(shared::api!(api::put_logo))
        .api(shared::api!(api::delete_logo))
        .page("/admin/site-settings", pages::general)
        .form("/admin/site-settings", pages::save_general)
        .page("/admin/site-settings/branding", pages::branding)
        .form("/admin/site-settings/accent", pages::save_accent)
        .upload_form("/admin/site-settings/logos/{slot}", pages::save_logo)
        .form("/admin/site-settings/logos/{slot}/delete", pages::remove_logo)
        .page("/branding/{name}", logos::serve)
}
