//! Getting in and out: registration, sign-in, passwords, confirmed addresses, sessions.

mod again;
mod device;
mod jobs;
mod login;
mod password;
mod register;
mod session;
mod step_up;
mod verify;
mod views;
mod words;

pub use login::pages::LoginPage;
pub use password::change as change_password;
pub use password::change::{ChangePage, explain as explain_password_change};
pub use password::forgot::{ForgotPage, send_reset_link};
pub use password::reset::ResetPage;
pub use register::pages::RegisterPage;
pub use session::{LiveSession, end_one as end_session, end_others as end_other_sessions, live as live_sessions};
pub use step_up::ConfirmPage;
pub use verify::pages::VerifyPage;
pub use words::{browser_name, when};

use chrono::TimeDelta;
use shared::accounts::users;
use shared::caller::Unsettled;
use shared::context::By;
use shared::error::{Error, Result};
use shared::jobs::Jobs;
use shared::routes::Routes;

use register::domain_of;

/// Refuses people who must change their password first. Routes below `/auth` and the profile are open to
/// people who only have to confirm their address (identity 10.4, 11.4).
pub fn password_is_settled(by: &Unsettled) -> Result<()> {
    if by.me().user.force_password_change {
        return Err(Error::forbidden("Password change required")
            .code("password_change_required")
            .or_see("/change-password"));
    }
    Ok(())
}

/// True while nobody has an account. Where that cannot be told, nobody gets to be first: 503.
async fn first_visit(by: &By) -> Result<bool> {
    users::none_exists(by.db()).await.map_err(|error| {
        tracing::error!(?error, "it cannot be told whether anybody has an account");
        Error::Busy
    })
}

/// True for the form of our tokens, so that nothing else is copied into an address.
fn is_token(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes
        .no_scope()
        .page("/login", login::pages::show)
        .api(shared::api!(login::api::login))
        .api(shared::api!(session::api::logout))
        .page("/register", register::pages::show)
        .api(shared::api!(register::api::register))
        .page("/verify-email", verify::pages::show)
        .api(shared::api!(verify::api::verify_email))
        .api(shared::api!(verify::api::resend))
        .page("/forgot-password", password::forgot::show)
        .api(shared::api!(password::forgot::forgot))
        .page("/reset-password", password::reset::show)
        .api(shared::api!(password::reset::reset))
        .page("/change-password", password::change::show)
        .api(shared::api!(password::change::change_password))
        .page("/confirm-password", step_up::show)
        .form("/confirm-password", step_up::confirm_form)
        .api(shared::api!(step_up::reauthenticate))
        .api(shared::api!(session::api::current_session))
        .api(shared::api!(session::api::list_sessions))
        .api(shared::api!(session::api::delete_sessions))
        .api(shared::api!(session::api::delete_session))
}

/// Adds the background work.
pub fn add_jobs(jobs: Jobs) -> Jobs {
    jobs.on(password::forgot::JOB, password::forgot::job)
        .every("identity.purge_sessions", TimeDelta::hours(1), jobs::purge_sessions)
        .every("identity.purge_tokens", TimeDelta::hours(1), jobs::purge_tokens)
        .every("identity.purge_unconfirmed", TimeDelta::days(1), jobs::purge_unconfirmed)
}
