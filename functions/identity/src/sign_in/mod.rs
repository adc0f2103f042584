//! Getting in and out: registration, sign-in, passwords, confirmed addresses, sessions.

mod words;

pub use words::{browser_name, when};

use shared::caller::Unsettled;
use shared::error::{Error, Result};
use shared::jobs::Jobs;
use shared::routes::Routes;

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

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes
}

/// Adds the background work.
pub fn add_jobs(jobs: Jobs) -> Jobs {
    jobs
}
