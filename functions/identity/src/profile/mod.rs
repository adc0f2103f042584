//! One's own profile: details, password and authenticators, signed-in devices, display (identity 17).
//! People who still must confirm their address may use it; those who must change their password may not.

mod authenticators;
mod details;
mod devices;
mod preferences;
mod recovery;
mod security;

pub use authenticators::{RemoveAuthenticatorPage, SetUpPage};
pub use details::ProfilePage;
pub use devices::DevicesPage;
pub use preferences::PreferencesPage;
pub use recovery::RecoveryCodesPage;
pub use security::SecurityPage;

use axum::response::{IntoResponse, Redirect, Response};
use shared::caller::Unsettled;
use shared::routes::Routes;

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes
        .page("/profile", details::show)
        .form("/profile", details::save)
        .page("/profile/security", security::show)
        .form("/profile/security/password", security::change_password)
        .page("/profile/security/authenticators/new", authenticators::set_up)
        .form("/profile/security/authenticators", authenticators::begin)
        .form("/profile/security/authenticators/verify", authenticators::verify)
        .form("/profile/security/authenticators/cancel", authenticators::cancel)
        .page("/profile/security/authenticators/{id}/delete", authenticators::ask_remove)
        .form("/profile/security/authenticators/{id}/delete", authenticators::remove)
        .page("/profile/security/recovery-codes", recovery::show)
        .form("/profile/security/recovery-codes", recovery::renew)
        .page("/profile/devices", devices::show)
        .form("/profile/devices/revoke-all", devices::end_others)
        .form("/profile/devices/{id}/revoke", devices::end_one)
        .page("/profile/preferences", preferences::show)
        .form("/profile/preferences", preferences::save)
        .page("/admin/profile", moved)
}

/// The address of the original; the query is kept.
async fn moved(by: Unsettled) -> Response {
    let query = by.request().target().split_once('?').map(|(_, query)| format!("?{query}")).unwrap_or_default();
    Redirect::permanent(&format!("/profile{query}")).into_response()
}
