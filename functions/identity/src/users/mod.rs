//! The users of the portal, as administrators and programs see and change them, and as people see
//! themselves (identity 18).

pub mod address;
pub mod api;
mod bulk;
pub(crate) mod change;
mod export;
pub mod jobs;
mod list;
pub mod model;
mod pages;
pub mod store;

pub use list::UsersPage;
pub use pages::{ConfirmUserPage, NewUserPage, UserPage};

use shared::jobs::Jobs;
use shared::routes::Routes;

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    let routes = routes
        .scope("users")
        .api(shared::api!(api::list_users))
        .api(shared::api!(api::create_user))
        .api(shared::api!(api::show_user))
        .no_scope()
        .api(shared::api!(export::export_users))
        .api(shared::api!(api::change_user))
        .api(shared::api!(api::delete_user))
        .api(shared::api!(api::send_password_reset))
        .api(shared::api!(api::end_sessions))
        .api(shared::api!(api::reset_mfa));
    routes
        .page("/admin/users", list::index)
        .form("/admin/users", pages::create)
        .page("/admin/users/new", pages::new)
        .page("/admin/users/export.csv", export::export_page)
        .form("/admin/users/bulk", bulk::run)
        .page("/admin/users/{id}", pages::show)
        .form("/admin/users/{id}", pages::save)
        .form("/admin/users/{id}/enable", pages::actions::enable)
        .form("/admin/users/{id}/disable", pages::actions::disable)
        .form("/admin/users/{id}/invite", pages::actions::invite)
        .form("/admin/users/{id}/send-password-reset", pages::actions::send_reset)
        .form("/admin/users/{id}/sessions/delete", pages::actions::end_sessions)
        .page("/admin/users/{id}/totp/delete", pages::confirm::ask_reset_mfa)
        .form("/admin/users/{id}/totp/delete", pages::confirm::reset_mfa)
        .page("/admin/users/{id}/super-admin", pages::confirm::ask_super_admin)
        .form("/admin/users/{id}/super-admin", pages::confirm::set_super_admin)
        .page("/admin/users/{id}/delete", pages::confirm::ask_delete)
        .form("/admin/users/{id}/delete", pages::confirm::delete)
}

/// Adds the background work.
pub fn add_jobs(jobs: Jobs) -> Jobs {
    jobs.on(jobs::INVITE, jobs::invite)
}
