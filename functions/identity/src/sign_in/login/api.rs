//! `POST /auth/login`, for programs and for the form of the page.

use axum::response::Response;
use http::StatusCode;
use shared::caller::Anyone;
use shared::context::safe_path;
use shared::error::Result;
use shared::flash::{self, Flash, Tone};
use shared::web::Input;

use super::model::LoginIn;
use super::{flow, pages};
use crate::sign_in::views::{Opened, SignedIn};

/// Signs a person in. A form gets 303 to `next`, or the page again with the message.
///
/// `code` tells clients what to do: `invalid_credentials`, `totp_required` (send the same again with
/// `totp_code`), `invalid_totp`.
#[utoipa::path(post, path = "/auth/login", summary = "Sign in", request_body = LoginIn,
    responses((status = 200, description = "Signed in; both cookies are set", body = SignedIn),
        (status = 303, description = "Forms: signed in"),
        (status = 401, description = "`Invalid credentials`, `TOTP code required` or `Invalid TOTP code`"),
        (status = 429, description = "Too many failures; `Retry-After` says when to try again")))]
pub async fn login(by: Anyone, input: Input<LoginIn>) -> Result<Response> {
    let is_form = input.form.is_some();
    match (flow::sign_in(&by, &input.value, is_form).await, input.form) {
        (Ok(opened), None) => Ok(opened.as_json(&by, StatusCode::OK)),
        (Ok(opened), Some(_)) => {
            say_what_is_left(&by, &opened).await?;
            Ok(opened.on_to(&by, safe_path(&input.value.next).unwrap_or("/")))
        }
        (Err(refused), None) => Err(refused.into()),
        (Err(refused), Some(form)) => pages::again(&by, form, &input.value, refused).await,
    }
}

/// After a recovery code, the next page says how many are left.
async fn say_what_is_left(by: &Anyone, opened: &Opened) -> Result<()> {
    let Some(left) = opened.answer.recovery_codes_left else { return Ok(()) };
    let text = match left {
        0 => "That was your last recovery code. Make new ones on your security page.".to_owned(),
        1 => "You have 1 recovery code left.".to_owned(),
        n => format!("You have {n} recovery codes left."),
    };
    let flash = Flash { sticky: true, ..Flash::new(Tone::Warning, text) };
    let mut tx = by.begin().await?;
    tx.housekeeping();
    let text = serde_json::to_string(&flash)?;
    flash::note(by, &mut tx, opened.session.id, "flash", &text, chrono::TimeDelta::minutes(10)).await?;
    tx.commit().await
}
