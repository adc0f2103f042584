//! Setting a password with a link from a mail: a forgotten one, or the first one after an invitation.

use axum::response::Response;
use serde::{Deserialize, Serialize};
use shared::accounts::password_tokens::{self, Purpose};
use shared::accounts::users::{self, User};
use shared::accounts::{memberships, sessions};
use shared::audit::Change;
use shared::auth_log::Event;
use shared::caller::Anyone;
use shared::context::By;
use shared::error::{Error, Invalid, Result};
use shared::flash::Flash;
use shared::page::Page;
use shared::passwords::{self, Weakness};
use shared::rate_limit::{self, RESET};
use shared::web::{FormState, Input, Query};
use utoipa::ToSchema;

use super::store;
use crate::sign_in::again::Again;
use crate::sign_in::views::{Done, without_referrer};
use crate::sign_in::{is_token, verify};

const WANTED: [Purpose; 2] = [Purpose::Reset, Purpose::Invite];

/// The page.
#[derive(Debug, Serialize)]
pub struct ResetPage {
    form: FormState,
    /// The link came with an invitation, as far as is known.
    is_invitation: bool,
}

impl Page for ResetPage {
    const TEMPLATE: &'static str = "identity/reset_password.html";

    fn samples() -> Vec<Self> {
        let wrong = FormState::of([("token", "2c26b46b")]).refused(&Invalid::field("confirm_password", "Not the same"));
        vec![Self { form: FormState::blank(), is_invitation: false }, Self { form: wrong, is_invitation: true }]
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct TokenQuery {
    token: String,
}

/// `GET /reset-password`. A token in the query, as earlier mails had it, moves behind `#`.
pub async fn show(by: Anyone, query: Query<TokenQuery>) -> Result<Response> {
    if is_token(&query.token) {
        return Ok(without_referrer(by.go(&format!("/reset-password#token={}", query.token))));
    }
    let page = ResetPage { form: FormState::blank(), is_invitation: false };
    by.page(&page).await.map(without_referrer)
}

/// A new password with the token of a mail.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(example = json!({"token": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
    "password": "correct horse battery"}))]
pub struct ResetIn {
    /// The 64 characters after `#token=`.
    pub token: String,
    /// 12 to 128 characters.
    pub password: String,
    /// Forms only: the same again.
    #[schema(ignore)]
    pub confirm_password: String,
}

/// Sets a password with the token of a mail. The token works once; all sessions of the person end.
#[utoipa::path(post, path = "/auth/password/reset", summary = "Reset a password", request_body = ResetIn,
    responses((status = 200, description = "Set", body = Done), (status = 303, description = "Forms: set"),
        (status = 400, description = "`Invalid or expired token`")))]
pub async fn reset(by: Anyone, input: Input<ResetIn>) -> Result<Response> {
    let is_form = input.form.is_some();
    match (run(&by, &input.value, is_form).await, input.form) {
        (Ok(()), None) => Ok(Done::say("Password reset successful.")),
        (Ok(()), Some(_)) => {
            let flash = Flash::done("Password changed. Sign in with the new one.");
            by.see("/login", flash).await.map(without_referrer)
        }
        (Err(error), None) => Err(error),
        (Err(error), Some(form)) => again(&by, form, &input.value, error).await,
    }
}

async fn again(by: &By, form: FormState, body: &ResetIn, error: Error) -> Result<Response> {
    let explain = |_: &Error| Some(Invalid::field("token", "This link was used or is too old. Ask for a new one."));
    let (form, shown) = Again::of(form, error, explain)?.split();
    let known = password_tokens::peek(by.db(), &body.token, &WANTED, by.now()).await?;
    let page = ResetPage { form, is_invitation: known.is_some_and(|token| token.purpose == Purpose::Invite) };
    shown.page(by, &page).await.map(without_referrer)
}

async fn run(by: &By, body: &ResetIn, is_form: bool) -> Result<()> {
    let mut bad = Invalid::none();
    if body.token.trim().is_empty() {
        bad.add("token", "Enter the code from your email");
    }
    let app_name = &by.app().config().app_name;
    bad.check("password", passwords::check(&body.password, "", app_name).map_err(Weakness::message));
    if is_form && body.password != body.confirm_password {
        bad.add("confirm_password", "Enter the same password twice");
    }
    bad.finish()?;
    rate_limit::hit(by.app(), &RESET, by.ip()).await?;
    let user = owner(by, &body.token).await?;
    // The token is good, so this was no guess.
    rate_limit::give_back(by.app(), &RESET, by.ip()).await?;
    let weakness = passwords::check(&body.password, &user.email, app_name);
    weakness.map_err(|weakness| Error::field("password", weakness.message()))?;
    let hash = passwords::hash(&body.password).await.map_err(|error| Error::Internal(error.into()))?;
    set(by, &body.token, &hash).await
}

fn refused(by: &By) -> Error {
    by.app().auth_log().record(by.now(), Event::ResetFailed { ip: by.ip() });
    Error::bad_request("Invalid or expired token").code("invalid_token")
}

async fn owner(by: &By, token: &str) -> Result<User> {
    let known = password_tokens::peek(by.db(), token, &WANTED, by.now()).await?;
    let user = match known {
        Some(token) => users::find(by.db(), token.user_id).await?,
        None => None,
    };
    user.filter(|user| user.is_active).ok_or_else(|| refused(by))
}

/// The hash was made outside; of two parallel uses of the token, one gets here.
async fn set(by: &By, token: &str, hash: &str) -> Result<()> {
    let mut tx = by.begin().await?;
    let Some(used) = password_tokens::redeem(&mut tx, token, &WANTED).await? else {
        drop(tx);
        return Err(refused(by));
    };
    let user = users::find(&mut tx, used.user_id).await?.ok_or_else(|| refused(by))?;
    store::set(&mut tx, by, &user, hash, true).await?;
    let ended = sessions::revoke_all(&mut tx, user.id, None, "password_reset").await?;
    let is_first = !user.has_password;
    let now = tx.stamp().at;
    if used.purpose == Purpose::Invite || is_first {
        memberships::accept_all(&mut tx, user.id, now).await?;
    }
    if user.email_verified_at.is_none() {
        let change = Change::new("auth.email_verified", "user", user.id).label(user.email.clone());
        tx.audit(change.by(user.id, &user.email));
        verify::join_by_domain(&mut tx, &user).await?;
    }
    let change = Change::new("auth.password_reset", "user", user.id).label(user.email.clone());
    tx.audit(change.by(user.id, &user.email).meta("purpose", used.purpose.as_str()).meta("sessions_ended", ended));
    store::tell(&mut tx, by, &user).await?;
    tx.commit().await
}
