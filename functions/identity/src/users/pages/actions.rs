//! The buttons of a record that need no page of their own.

use axum::response::Response;
use shared::caller::SuperAdmin;
use shared::error::Result;
use shared::format::plural;
use shared::web::Path;

use super::{back_to, done};
use crate::users::change::{self, Sent};
use crate::users::model::Changes;

/// Lets a person sign in again.
pub(in crate::users) async fn enable(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    set_active(by, id, true).await
}

/// Keeps a person out at once.
pub(in crate::users) async fn disable(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    set_active(by, id, false).await
}

async fn set_active(by: SuperAdmin, id: i64, active: bool) -> Result<Response> {
    let changes = Changes { is_active: Some(active), ..Changes::default() };
    let user = change::update(&by, id, &changes).await.map_err(|error| back_to(id, error))?;
    let text = match active {
        true => format!("{} can sign in again", user.name()),
        false => format!("{} is disabled and was signed out everywhere", user.name()),
    };
    done(&by, id, text).await
}

/// Sends the invitation again.
pub(in crate::users) async fn invite(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let user = change::invite(&by, id).await.map_err(|error| back_to(id, error))?;
    done(&by, id, format!("Invitation sent to {}", user.email)).await
}

/// Sends a link to choose another password.
pub(in crate::users) async fn send_reset(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let (user, sent) = change::send_password_link(&by, id).await.map_err(|error| back_to(id, error))?;
    let what = match sent {
        Sent::Reset => "Reset instructions",
        Sent::Invitation => "Invitation",
    };
    done(&by, id, format!("{what} sent to {}", user.email)).await
}

/// Signs a person out everywhere.
pub(in crate::users) async fn end_sessions(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let ended = change::end_sessions(&by, id).await.map_err(|error| back_to(id, error))?;
    let ended = i64::try_from(ended).unwrap_or(0);
    done(&by, id, format!("{} ended", plural(ended, "session"))).await
}
