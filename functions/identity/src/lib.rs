//! Who people are: registration, sign-in, passwords, authenticators, sessions, profiles, the users of
//! the portal and the keys of machines. The rules are in `identity.md` of the specification.

pub mod api_keys;
pub mod profile;
pub mod sign_in;
pub mod totp;
pub mod users;

use shared::jobs::Jobs;
use shared::routes::Routes;

/// All routes of the area.
pub fn routes() -> Routes {
    let routes = Routes::area(
        "identity",
        &[
            "/auth",
            "/login",
            "/register",
            "/forgot-password",
            "/reset-password",
            "/change-password",
            "/verify-email",
            "/confirm-password",
            "/profile",
            "/admin/profile",
            "/users",
            "/admin/users",
            "/api-keys",
            "/admin/api-keys",
        ],
    );
    let routes = sign_in::add(routes);
    let routes = totp::add(routes);
    let routes = profile::add(routes);
    let routes = users::add(routes);
    api_keys::add(routes)
}

/// All background work of the area.
pub fn jobs() -> Jobs {
    sign_in::add_jobs(users::add_jobs(api_keys::add_jobs(Jobs::none())))
}
