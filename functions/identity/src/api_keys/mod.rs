//! Keys of machines: made, rotated and revoked by super administrators in person (identity 16). How a
//! request is told by its key is the kernel's (`shared::caller`).

pub mod api;
mod change;
mod correlations;
mod jobs;
pub mod model;
mod pages;
mod store;

pub use pages::{KeyPage, KeysPage, NewKeyPage, RevokeKeyPage, RotateKeyPage};

use chrono::TimeDelta;
use shared::jobs::Jobs;
use shared::routes::Routes;

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    let routes = routes
        .no_scope()
        .api(shared::api!(api::list_keys))
        .api(shared::api!(api::create_key))
        .api(shared::api!(api::show_key))
        .api(shared::api!(api::delete_key))
        .api(shared::api!(api::rotate_key));
    routes
        .page("/admin/api-keys", pages::list::index)
        .form("/admin/api-keys", pages::create::create)
        .page("/admin/api-keys/new", pages::create::new)
        .form("/admin/api-keys/rotate", pages::rotate::rotate)
        .form("/admin/api-keys/delete", pages::record::delete)
        .page("/admin/api-keys/{id}", pages::record::show)
        .page("/admin/api-keys/{id}/rotate", pages::rotate::ask)
        .page("/admin/api-keys/{id}/delete", pages::record::ask_delete)
}

/// Adds the background work.
pub fn add_jobs(jobs: Jobs) -> Jobs {
    jobs.every("api_keys.expiry", TimeDelta::days(1), jobs::expiry)
}
