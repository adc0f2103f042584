//! Asking for a link to set a new password. Known and unknown addresses make the request do the same
//! work: it only queues a job, which looks the address up later.

use axum::response::Response;
use chrono::{DateTime, Utc};
use minijinja::context;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::accounts::invitations;
use shared::accounts::password_tokens::{self, Purpose};
use shared::accounts::users::{self, User, parse_email};
use shared::app::App;
use shared::audit::{Change, Stamp};
use shared::caller::Anyone;
use shared::context::By;
use shared::db::Tx;
use shared::error::{Error, Result};
use shared::jobs::{JobError, NewJob, Run};
use shared::mail::Draft;
use shared::page::Page;
use shared::rate_limit::{self, FORGOT_EMAIL, FORGOT_IP};
use shared::tokens;
use shared::web::{FormState, Input, Query};
use utoipa::ToSchema;

use crate::sign_in::again::Again;
use crate::sign_in::first_visit;
use crate::sign_in::views::{Done, without_referrer};

/// Kind of the job.
pub(crate) const JOB: &str = "identity.forgot";

/// The page.
#[derive(Debug, Serialize)]
pub struct ForgotPage {
    form: FormState,
    /// A request was taken.
    sent: bool,
}

impl Page for ForgotPage {
    const TEMPLATE: &'static str = "identity/forgot_password.html";

    fn samples() -> Vec<Self> {
        let wrong = FormState::of([("email", "ana")]).complain("Too many tries. Try again in 2 minutes.");
        vec![
            Self { form: FormState::blank(), sent: false },
            Self { form: wrong, sent: false },
            Self { form: FormState::blank(), sent: true },
        ]
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SentQuery {
    sent: String,
}

/// `GET /forgot-password`.
pub async fn show(by: Anyone, query: Query<SentQuery>) -> Result<Response> {
    if by.person().is_none() && first_visit(&by).await? {
        return Ok(by.go("/login"));
    }
    let page = ForgotPage { form: FormState::blank(), sent: query.sent == "1" };
    by.page(&page).await.map(without_referrer)
}

/// Whose password was forgotten.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(example = json!({"email": "ana@example.com"}))]
pub struct ForgotIn {
    /// The address of the account.
    pub email: String,
}

/// Sends a link to set a new password, if the address has an account. The answer never says whether it
/// has.
#[utoipa::path(post, path = "/auth/password/forgot", summary = "Ask for a password reset", request_body = ForgotIn,
    responses((status = 200, description = "Always the same", body = Done),
        (status = 303, description = "Forms: always the same")))]
pub async fn forgot(by: Anyone, input: Input<ForgotIn>) -> Result<Response> {
    match (ask(&by, &input.value).await, input.form) {
        (Ok(()), None) => Ok(Done::say("If the email is registered, reset instructions have been sent.")),
        (Ok(()), Some(_)) => Ok(without_referrer(by.go("/forgot-password?sent=1"))),
        (Err(error), None) => Err(error),
        (Err(error), Some(form)) => {
            let (form, shown) = Again::of(form, error, |_| None)?.split();
            shown.page(&by, &ForgotPage { form, sent: false }).await.map(without_referrer)
        }
    }
}

async fn ask(by: &Anyone, body: &ForgotIn) -> Result<()> {
    let email = parse_email(&body.email).map_err(|text| Error::field("email", text))?;
    rate_limit::hit(by.app(), &FORGOT_IP, by.ip()).await?;
    rate_limit::hit(by.app(), &FORGOT_EMAIL, &email).await?;
    // Jobs see no request: the address of the portal and of the client travel with them.
    let payload = json!({ "cause": tokens::random_hex(16), "email": email, "base": by.base_url(), "ip": by.ip(),
        "asked_at": by.now() });
    let mut tx = by.begin().await?;
    tx.housekeeping();
    NewJob::new(JOB, payload).priority(10).queue(&mut tx).await?;
    tx.commit().await
}

#[derive(Deserialize)]
struct Payload {
    /// Names this request, so that a second run of its job sends no second mail.
    cause: String,
    email: String,
    base: Option<String>,
    ip: String,
    asked_at: DateTime<Utc>,
}

/// Makes the token and queues the mail, where the address has an account that is switched on.
pub(crate) async fn job(run: Run) -> Result<(), JobError> {
    let asked: Payload = run.payload()?;
    let Some(base) = &asked.base else {
        tracing::error!("PORTAL_URL is not set, so no link to reset a password can be sent");
        return Ok(());
    };
    // A link that would be useless when it arrives is not sent at all.
    if run.now() - asked.asked_at > Purpose::Reset.lifetime() {
        return Ok(());
    }
    let mut tx = run.db().begin(Stamp { ip_address: Some(asked.ip.clone()), ..Stamp::system(run.now()) }).await?;
    let Some(user) = users::find_by_email(&mut tx, &asked.email).await?.filter(|user| user.is_active) else {
        return Ok(());
    };
    if send(&run, &mut tx, &user, base, &asked.cause).await? {
        tx.commit().await?;
    }
    Ok(())
}

/// False when an earlier run of the same job has sent it, whose token then stays good.
async fn send(run: &Run, tx: &mut Tx, user: &User, base: &str, cause: &str) -> Result<bool> {
    let mut mail = reset_mail(run.app(), tx, user, base).await?;
    mail.caused_by(&format!("forgot-{cause}"));
    tx.audit(Change::new("auth.password_reset_requested", "user", user.id).label(user.email.clone()));
    Ok(mail.queue(tx).await?.is_some())
}

/// Sends a link to set a new password on behalf of a person, as administrators may.
pub async fn send_reset_link(by: &By, user: &User) -> Result<()> {
    let base = by.base_url().ok_or_else(invitations::missing_base)?;
    let mut tx = by.begin().await?;
    let mail = reset_mail(by.app(), &mut tx, user, &base).await?;
    mail.queue(&mut tx).await?;
    tx.audit(Change::new("auth.password_reset_requested", "user", user.id).label(user.email.clone()));
    tx.commit().await
}

/// Makes a token and the mail that carries it. The person's earlier links end.
async fn reset_mail(app: &App, tx: &mut Tx, user: &User, base: &str) -> Result<Draft> {
    let token = password_tokens::issue(tx, user.id, Purpose::Reset).await?;
    let fields = context! {
        first_name => user.first_name.clone(),
        link => format!("{base}/reset-password#token={token}"),
        token,
        expires_in => "1 hour",
    };
    let mut mail = Draft::template(app, tx, "password_reset", fields).await?;
    mail.to(&user.email).sensitive();
    Ok(mail)
}
