//! The second factor at sign-in and step-up: a code of an authenticator, or a recovery code.

use shared::app::App;
use shared::audit::Change;
use shared::context::Request;
use shared::db::{At, Tx};
use shared::error::Result;

use super::notice::{self, To};
use super::{model, recovery, store};

/// What a person gives besides the password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Factor {
    /// Digits that an authenticator shows.
    Code(String),
    /// One of the codes on paper.
    Recovery(String),
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Not right, or used before.
    Wrong,
    /// A code of an authenticator.
    Right,
    /// A recovery code; so many are left.
    Recovered(i64),
}

/// True when the person signs in with a second factor.
pub async fn is_on(at: impl Into<At<'_>>, user_id: i64) -> Result<bool> {
    Ok(store::count(at, user_id).await? > 0)
}

/// Takes the factor inside the transaction of what it opens, so that no code counts twice.
/// Take a unit of `TOTP_ACCOUNT` before, and give it back unless the outcome is [`Outcome::Wrong`].
pub(crate) async fn accept(app: &App, tx: &mut Tx, to: &To, factor: &Factor, request: &Request) -> Result<Outcome> {
    match factor {
        Factor::Code(code) => accept_code(app, tx, to.user_id, code).await,
        Factor::Recovery(code) => accept_recovery(app, tx, to, code, request).await,
    }
}

async fn accept_code(app: &App, tx: &mut Tx, user_id: i64, code: &str) -> Result<Outcome> {
    let now = tx.stamp().at;
    for device in store::devices(&mut *tx, user_id).await? {
        let Some(secret) = device.secret(app, user_id) else { continue };
        let step = model::matching_step(&secret, code, now, device.last_used_step);
        if let Some(step) = step
            && store::use_step(tx, device.id, step).await?
        {
            return Ok(Outcome::Right);
        }
    }
    Ok(Outcome::Wrong)
}

async fn accept_recovery(app: &App, tx: &mut Tx, to: &To, code: &str, request: &Request) -> Result<Outcome> {
    if !recovery::redeem(app, tx, to.user_id, code).await? {
        return Ok(Outcome::Wrong);
    }
    let left = recovery::left(&mut *tx, to.user_id).await?;
    let change = Change::new("auth.recovery_code_used", "user", to.user_id).label(to.email.clone());
    tx.audit(change.by(to.user_id, &to.email).meta("left", left));
    let what = format!("A recovery code was used to sign in to your account. {left} are left.");
    notice::send(app, tx, to, &what, request).await?;
    Ok(Outcome::Recovered(left))
}
