//! Changing one's own password, by choice or because it must be.

use axum::response::Response;
use serde::{Deserialize, Serialize};
use shared::accounts::sessions::{self, NewSession};
use shared::accounts::users;
use shared::audit::Change;
use shared::caller::Unsettled;
use shared::context::By;
use shared::error::{Error, Invalid, Result};
use shared::flash::Flash;
use shared::page::Page;
use shared::passwords::{self, Weakness};
use shared::rate_limit::{self, PASSWORD_CHANGE};
use shared::web::{FormState, Input};
use utoipa::ToSchema;

use super::store;
use crate::sign_in::again::Again;
use crate::sign_in::views::{Done, with_cookies, without_referrer};

/// The page.
#[derive(Debug, Serialize)]
pub struct ChangePage {
    form: FormState,
    /// The person may do nothing else before.
    is_forced: bool,
}

impl Page for ChangePage {
    const TEMPLATE: &'static str = "identity/change_password.html";

    fn samples() -> Vec<Self> {
        let wrong = FormState::blank().refused(&Invalid::field("new_password", "Many people use this password"));
        vec![Self { form: FormState::blank(), is_forced: true }, Self { form: wrong, is_forced: false }]
    }
}

/// `GET /change-password`.
pub async fn show(by: Unsettled) -> Result<Response> {
    let page = ChangePage { form: FormState::blank(), is_forced: by.me().user.force_password_change };
    by.page(&page).await.map(without_referrer)
}

/// The old password and the new one.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
#[expect(clippy::struct_field_names, reason = "the names of the fields of the form")]
#[schema(example = json!({"current_password": "correct horse battery", "new_password": "staple wagon lantern"}))]
pub struct ChangePasswordIn {
    /// The one in use.
    pub current_password: String,
    /// 12 to 128 characters.
    pub new_password: String,
    /// Forms only: the new one again.
    #[schema(ignore)]
    pub confirm_password: String,
}

/// Changes the password of the signed-in person. The session goes on with new cookies; all others end.
#[utoipa::path(post, path = "/auth/password/change", summary = "Change a password", request_body = ChangePasswordIn,
    responses((status = 200, description = "Changed; new cookies are set", body = Done),
        (status = 303, description = "Forms: changed"),
        (status = 400, description = "`Current password is incorrect` or \
            `New password must be different from the current password`")))]
pub async fn change_password(by: Unsettled, input: Input<ChangePasswordIn>) -> Result<Response> {
    let body = &input.value;
    let again = input.form.as_ref().map(|_| body.confirm_password.as_str());
    match (change(&by, &body.current_password, &body.new_password, again).await, input.form) {
        (Ok(session), None) => Ok(with_cookies(&by, &session, Done::say("Password updated successfully."))),
        (Ok(session), Some(_)) => Ok(with_cookies(&by, &session, by.see("/", Flash::done("Password changed")).await?)),
        (Err(error), None) => Err(error),
        (Err(error), Some(form)) => {
            let (form, shown) = Again::of(form, error, explain)?.split();
            let page = ChangePage { form, is_forced: by.me().user.force_password_change };
            shown.page(&by, &page).await.map(without_referrer)
        }
    }
}

/// At which field a refusal of [`change`] belongs.
pub fn explain(error: &Error) -> Option<Invalid> {
    let detail = error.detail();
    if detail.starts_with("Current") {
        Some(Invalid::field("current_password", "Enter your current password"))
    } else if detail.starts_with("New") {
        Some(Invalid::field("new_password", "Choose a password other than the current one"))
    } else {
        None
    }
}

/// Changes the password of the signed-in person; `confirmed` is the repetition that forms ask for.
/// Answer with the cookies of the session that is given back.
pub async fn change(by: &By, current: &str, new: &str, confirmed: Option<&str>) -> Result<NewSession> {
    let person = by.person().ok_or(Error::Unauthenticated)?;
    let mut bad = Invalid::none();
    if current.is_empty() {
        bad.add("current_password", "Enter your current password");
    }
    let weakness = passwords::check(new, &person.user.email, &by.app().config().app_name);
    bad.check("new_password", weakness.map_err(Weakness::message));
    if confirmed.is_some_and(|again| again != new) {
        bad.add("confirm_password", "Enter the same password twice");
    }
    bad.finish()?;
    verify_current(by, person.id(), current).await?;
    if current == new {
        let text = "New password must be different from the current password";
        return Err(Error::bad_request(text).code("same_password"));
    }
    let hash = passwords::hash(new).await.map_err(|error| Error::Internal(error.into()))?;
    let mut tx = by.begin().await?;
    let user = users::find(&mut tx, person.id()).await?.ok_or(Error::Unauthenticated)?;
    store::set(&mut tx, by, &user, &hash, false).await?;
    let ended = sessions::revoke_all(&mut tx, user.id, Some(person.session.id), "password_change").await?;
    let session = sessions::renew(&mut tx, by, person.session.id).await?;
    let change = Change::new("auth.password_changed", "user", user.id).label(user.email.clone());
    tx.audit(change.meta("sessions_ended", ended));
    store::tell(&mut tx, by, &user).await?;
    tx.commit().await?;
    Ok(session)
}

/// Compares with the stored password; wrong ones are counted.
pub(in crate::sign_in) async fn verify_current(by: &By, user_id: i64, password: &str) -> Result<()> {
    let subject = user_id.to_string();
    rate_limit::hit(by.app(), &PASSWORD_CHANGE, &subject).await?;
    let stored = store::hash_of(by.db(), user_id).await?;
    if !passwords::verify(password, stored.as_deref()).await.is_right() {
        return Err(Error::bad_request("Current password is incorrect").code("wrong_password"));
    }
    rate_limit::give_back(by.app(), &PASSWORD_CHANGE, &subject).await
}
