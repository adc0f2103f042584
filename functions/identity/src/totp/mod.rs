//! Authenticators: enrolment, the codes that are accepted once, and the recovery codes behind them.
//! The pages are the profile's; both they and the JSON routes call what is exported here.

mod api;
mod enrol;
mod factor;
mod model;
mod notice;
mod recovery;
mod store;

pub use enrol::{Enrolled, begin_setup, cancel, pending, remove, verify};
pub(crate) use factor::accept;
pub use factor::{Factor, Outcome, is_on};
pub use model::{Setup, parse_code, parse_device_name};
pub(crate) use notice::To;
pub use recovery::{left, renew as renew_recovery_codes};
pub use store::{Authenticator, MOST, list, remove_all};

use shared::routes::Routes;

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes
        .no_scope()
        .api(shared::api!(api::list_authenticators))
        .api(shared::api!(api::set_up))
        .api(shared::api!(api::verify))
        .api(shared::api!(api::delete_authenticator))
        .api(shared::api!(api::new_recovery_codes))
}
