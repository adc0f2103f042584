//! Adding and removing authenticators. The password is confirmed before either.

use axum::response::Response;
use serde::{Deserialize, Serialize};
use shared::Flash;
use shared::caller::{Fresh, Unsettled};
use shared::error::{Error, Invalid, Result};
use shared::format;
use shared::page::Page;
use shared::web::{Form, FormState, Path};

use super::recovery;
use crate::sign_in::password_is_settled;
use crate::totp::{self, Setup};

const NEW: &str = "/profile/security/authenticators/new";
const SECURITY: &str = "/profile/security";

/// The steps of adding an authenticator.
#[derive(Debug, Serialize)]
pub struct SetUpPage {
    waiting: Option<Waiting>,
    form: FormState,
}

/// What an app needs, until its first code comes.
#[derive(Debug, Serialize)]
struct Waiting {
    secret: String,
    link: String,
    picture: minijinja::Value,
}

impl From<Setup> for Waiting {
    fn from(setup: Setup) -> Self {
        Self { picture: setup.picture(), secret: setup.secret, link: setup.otpauth_url }
    }
}

impl Page for SetUpPage {
    const TEMPLATE: &'static str = "identity/profile_authenticator.html";

    fn samples() -> Vec<Self> {
        let waiting = || Waiting {
            secret: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".to_owned(),
            link: "otpauth://totp/MyPortal:ana%40example.com?secret=GEZDGNBVGY3TQOJQ&issuer=MyPortal".to_owned(),
            picture: minijinja::Value::from_safe_string("<svg viewBox=\"0 0 8 8\"></svg>".to_owned()),
        };
        let wrong = FormState::of([("name", "Phone")]).refused(&wrong_code());
        vec![
            Self { waiting: None, form: FormState::blank() },
            Self { waiting: Some(waiting()), form: FormState::blank() },
            Self { waiting: Some(waiting()), form: wrong },
        ]
    }
}

fn wrong_code() -> Invalid {
    Invalid::field("code", "Enter the code that the app shows now")
}

/// The picture and the field for the first code, or the way to begin.
pub(super) async fn set_up(by: Fresh<Unsettled>) -> Result<Response> {
    password_is_settled(by.caller())?;
    let waiting = totp::pending(&by).await?.map(Into::into);
    by.page(&SetUpPage { waiting, form: FormState::blank() }).await
}

/// Makes the secret.
pub(super) async fn begin(by: Fresh<Unsettled>) -> Result<Response> {
    password_is_settled(by.caller())?;
    totp::begin_setup(&by).await.map_err(|error| error.or_see(SECURITY))?;
    Ok(by.go(NEW))
}

/// The first code, and what the device is called.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct VerifyForm {
    name: String,
    code: String,
}

/// Adds the authenticator; with the first one come recovery codes.
pub(super) async fn verify(by: Fresh<Unsettled>, form: Form<VerifyForm>) -> Result<Response> {
    password_is_settled(by.caller())?;
    match totp::verify(&by, &form.code, &form.name).await {
        Ok(enrolled) => match enrolled.recovery_codes {
            Some(codes) => recovery::keep_for_page(&by, &codes, &format!("{} added", enrolled.name)).await,
            None => by.see(SECURITY, Flash::done(format!("{} added", enrolled.name))).await,
        },
        Err(error) => {
            let Some(waiting) = totp::pending(&by).await? else {
                let text = "The setup has ended. Begin again.";
                return Err(Error::bad_request(text).or_see(NEW));
            };
            let form = explained(form.state(), error)?;
            by.page_again(&SetUpPage { waiting: Some(waiting.into()), form }).await
        }
    }
}

fn explained(form: FormState, error: Error) -> Result<FormState> {
    match &error {
        Error::Invalid(invalid) => Ok(form.refused(invalid)),
        Error::TooMany { retry_after, .. } => {
            Ok(form.complain(format!("Too many tries. Try again in {}.", format::wait(*retry_after))))
        }
        Error::Refused(_) if error.status() == http::StatusCode::BAD_REQUEST => Ok(form.refused(&wrong_code())),
        Error::Refused(_) => Err(error.or_see(SECURITY)),
        Error::Unauthenticated | Error::Busy | Error::Internal(_) => Err(error),
    }
}

/// Forgets the secret that waits.
pub(super) async fn cancel(by: Unsettled) -> Result<Response> {
    password_is_settled(&by)?;
    totp::cancel(&by).await?;
    by.see(SECURITY, Flash::done("Setup cancelled")).await
}

/// Whether an authenticator is to go.
#[derive(Debug, Serialize)]
pub struct RemoveAuthenticatorPage {
    id: i64,
    name: String,
    is_last: bool,
}

impl Page for RemoveAuthenticatorPage {
    const TEMPLATE: &'static str = "identity/profile_authenticator_delete.html";

    fn samples() -> Vec<Self> {
        [true, false].map(|is_last| Self { id: 3, name: "Phone".to_owned(), is_last }).into()
    }
}

/// The question.
pub(super) async fn ask_remove(by: Fresh<Unsettled>, Path(id): Path<i64>) -> Result<Response> {
    password_is_settled(by.caller())?;
    let all = totp::list(by.db(), by.caller().me().id()).await?;
    let found = all.iter().find(|one| one.id == id).ok_or_else(|| Error::not_found("Authenticator not found"))?;
    by.page(&RemoveAuthenticatorPage { id, name: found.name.clone(), is_last: all.len() == 1 }).await
}

/// Takes it away.
pub(super) async fn remove(by: Fresh<Unsettled>, Path(id): Path<i64>) -> Result<Response> {
    password_is_settled(by.caller())?;
    let name = totp::remove(&by, id).await?;
    by.see(SECURITY, Flash::done(format!("{name} removed"))).await
}
