//! Confirming the password again before what matters most (identity 11.5).

use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::caller::Unsettled;
use shared::context::{By, safe_path};
use shared::db::sql;
use shared::error::{Error, Invalid, Result};
use shared::page::Page;
use shared::rate_limit::{self, TOTP_ACCOUNT};
use shared::web::{Form, FormState, Json, Query};
use utoipa::ToSchema;

use super::again::Again;
use super::login::read_factor;
use super::password::change::verify_current;
use super::password_is_settled;
use crate::totp::{self, Factor, Outcome, To};

/// The password, and a code where the person uses one.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(example = json!({"password": "correct horse battery", "totp_code": "123456"}))]
pub struct ReauthenticateIn {
    /// The current password.
    pub password: String,
    /// Six digits of an authenticator, for people who have one; also read as `totpCode`.
    #[serde(alias = "totpCode", alias = "totp")]
    pub totp_code: Option<String>,
    /// A recovery code in place of an authenticator's.
    pub recovery_code: Option<String>,
    /// Forms only: a path of the portal to go to.
    #[schema(ignore)]
    pub next: String,
}

/// Confirms the password of the signed-in person: for 15 minutes, routes that want it are open.
#[utoipa::path(post, path = "/auth/reauthenticate", summary = "Confirm the password", request_body = ReauthenticateIn,
    responses((status = 204, description = "Confirmed"),
        (status = 400, description = "`Current password is incorrect`, `TOTP code required` or `Invalid TOTP code`")))]
pub async fn reauthenticate(by: Unsettled, Json(body): Json<ReauthenticateIn>) -> Result<StatusCode> {
    password_is_settled(&by)?;
    confirm(&by, &body).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The page.
#[derive(Debug, Serialize)]
pub struct ConfirmPage {
    form: FormState,
    email: String,
    next: String,
    /// The person signs in with a code.
    wants_code: bool,
}

impl Page for ConfirmPage {
    const TEMPLATE: &'static str = "identity/confirm_password.html";

    fn samples() -> Vec<Self> {
        let page = |form, wants_code| Self {
            form,
            email: "ana@example.com".to_owned(),
            next: "/admin/api-keys".to_owned(),
            wants_code,
        };
        let wrong = FormState::blank().refused(&Invalid::field("password", "Enter your current password"));
        vec![page(FormState::blank(), false), page(wrong, true)]
    }
}

impl ConfirmPage {
    async fn of(by: &Unsettled, form: FormState, next: &str) -> Result<Self> {
        Ok(Self {
            form,
            email: by.me().user.email.clone(),
            next: safe_path(next).unwrap_or("/").to_owned(),
            wants_code: totp::is_on(by.db(), by.me().id()).await?,
        })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NextQuery {
    next: String,
}

/// `GET /confirm-password`.
pub async fn show(by: Unsettled, query: Query<NextQuery>) -> Result<Response> {
    password_is_settled(&by)?;
    by.page(&ConfirmPage::of(&by, FormState::blank(), &query.next).await?).await
}

/// `POST /confirm-password`.
pub async fn confirm_form(by: Unsettled, form: Form<ReauthenticateIn>) -> Result<Response> {
    password_is_settled(&by)?;
    match confirm(&by, &form.value).await {
        Ok(()) => Ok(by.go(safe_path(&form.value.next).unwrap_or("/"))),
        Err(error) => {
            let (state, shown) = Again::of(form.state(), error, |error| Some(explain(error)))?.split();
            shown.page(&by, &ConfirmPage::of(&by, state, &form.value.next).await?).await
        }
    }
}

fn explain(error: &Error) -> Invalid {
    let detail = error.detail();
    if detail.starts_with("Current") {
        Invalid::field("password", "Enter your current password")
    } else if detail.contains("required") {
        Invalid::field("totp_code", "Enter the code from your authenticator app")
    } else {
        Invalid::field("totp_code", "That code is not right. Enter the newest one.")
    }
}

async fn confirm(by: &Unsettled, body: &ReauthenticateIn) -> Result<()> {
    let mut bad = Invalid::none();
    if body.password.is_empty() {
        bad.add("password", "Enter your password");
    }
    let factor = read_factor(body.totp_code.as_deref(), body.recovery_code.as_deref(), &mut bad);
    bad.finish()?;
    verify_current(by, by.me().id(), &body.password).await?;
    if !totp::is_on(by.db(), by.me().id()).await? {
        return freshen(by, None).await;
    }
    let factor = factor.ok_or_else(|| Error::bad_request("TOTP code required").code("totp_required"))?;
    let subject = by.me().id().to_string();
    rate_limit::hit(by.app(), &TOTP_ACCOUNT, &subject).await?;
    freshen(by, Some(&factor)).await?;
    rate_limit::give_back(by.app(), &TOTP_ACCOUNT, &subject).await
}

async fn freshen(by: &Unsettled, factor: Option<&Factor>) -> Result<()> {
    let (context, person): (&By, _) = (by, by.me());
    let mut tx = context.begin().await?;
    tx.housekeeping();
    if let Some(factor) = factor {
        let outcome = totp::accept(context.app(), &mut tx, &To::person(person), factor, context.request()).await?;
        if outcome == Outcome::Wrong {
            return Err(Error::bad_request("Invalid TOTP code").code("invalid_totp"));
        }
    }
    let now = tx.stamp().at;
    sql("UPDATE user_sessions SET reauthenticated_at = ? WHERE id = ?")
        .bind(now)
        .bind(person.session.id)
        .execute(&mut tx)
        .await?;
    tx.commit().await
}
