//! `POST /auth/verify-email` and its resend.

use axum::response::Response;
use serde::Deserialize;
use shared::accounts::users;
use shared::caller::{Anyone, Unsettled};
use shared::error::{Error, Result};
use shared::flash::Flash;
use shared::rate_limit::{self, RESET, VERIFY_EMAIL};
use shared::web::Input;
use utoipa::ToSchema;

use super::{pages, store};
use crate::sign_in::password_is_settled;
use crate::sign_in::views::Done;

/// A link that came by mail.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(example = json!({"token": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"}))]
pub struct VerifyEmailIn {
    /// The 64 characters after `#token=`.
    pub token: String,
}

/// Confirms an address with the token of the mail; it works once, within 24 hours.
#[utoipa::path(post, path = "/auth/verify-email", summary = "Confirm an email address", request_body = VerifyEmailIn,
    responses((status = 200, description = "Confirmed", body = Done),
        (status = 303, description = "Forms: confirmed"),
        (status = 400, description = "`Invalid or expired token`")))]
pub async fn verify_email(by: Anyone, input: Input<VerifyEmailIn>) -> Result<Response> {
    match (confirm(&by, &input.value).await, input.form) {
        (Ok(()), None) => Ok(Done::say("Email address confirmed.")),
        (Ok(()), Some(_)) => {
            let to = if by.person().is_some() { "/" } else { "/login" };
            by.see(to, Flash::done("Email address confirmed.")).await
        }
        (Err(error), None) => Err(error),
        (Err(error), Some(form)) => pages::again(&by, form, error).await,
    }
}

async fn confirm(by: &Anyone, body: &VerifyEmailIn) -> Result<()> {
    if body.token.trim().is_empty() {
        return Err(Error::field("token", "Enter the code from your email"));
    }
    rate_limit::hit(by.app(), &RESET, by.ip()).await?;
    store::confirm(by, &body.token).await?;
    rate_limit::give_back(by.app(), &RESET, by.ip()).await
}

/// Sends the mail with the link once more. Earlier links end.
#[utoipa::path(post, path = "/auth/verify-email/resend", summary = "Send the confirmation mail again",
    responses((status = 200, description = "On its way, or not needed any more", body = Done),
        (status = 303, description = "Forms: on its way")))]
pub async fn resend(by: Unsettled) -> Result<Response> {
    password_is_settled(&by)?;
    if by.me().user.email_verified_at.is_some() {
        return answer(&by, "/", "Your email address is confirmed already.").await;
    }
    rate_limit::hit(by.app(), &VERIFY_EMAIL, &by.me().id().to_string()).await?;
    let user = users::find(by.db(), by.me().id()).await?.ok_or(Error::Unauthenticated)?;
    let mut tx = by.begin().await?;
    tx.housekeeping();
    store::send(&by, &mut tx, &user).await?;
    tx.commit().await?;
    answer(&by, "/verify-email", "A new email is on its way.").await
}

async fn answer(by: &Unsettled, to: &str, text: &'static str) -> Result<Response> {
    if by.request().wants_page() { by.see(to, Flash::done(text)).await } else { Ok(Done::say(text)) }
}
