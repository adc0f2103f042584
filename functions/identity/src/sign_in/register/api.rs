//! `POST /auth/register`, for programs and for the form of the page.

use axum::response::Response;
use http::StatusCode;
use serde_json::json;
use shared::accounts::users;
use shared::audit::Change;
use shared::caller::Anyone;
use shared::context::By;
use shared::db::Tx;
use shared::error::{Error, Result};
use shared::events;
use shared::notify::{self, Notice};
use shared::passwords;
use shared::rate_limit::{self, REGISTER};
use shared::web::Input;

use super::model::{Mode, RegisterIn, Registration};
use super::{pages, store};
use crate::sign_in::views::{self, Opened, SignedIn};
use crate::sign_in::{device, verify};

/// Makes an account and signs the person in. The very first account is super administrator.
/// A form gets 303 to the portal, or the page again with the message.
#[utoipa::path(post, path = "/auth/register", summary = "Register", request_body = RegisterIn,
    responses((status = 201, description = "Registered and signed in; both cookies are set", body = SignedIn),
        (status = 303, description = "Forms: registered"),
        (status = 403, description = "`Registration is disabled` or `Invalid setup token`"),
        (status = 409, description = "`Email already registered`")))]
pub async fn register(by: Anyone, input: Input<RegisterIn>) -> Result<Response> {
    match (run(&by, &input.value).await, input.form) {
        (Ok(opened), None) => Ok(opened.as_json(&by, StatusCode::CREATED)),
        (Ok(opened), Some(_)) => Ok(opened.on_to(&by, "/")),
        (Err(error), None) => Err(error),
        (Err(error), Some(form)) => pages::again(&by, form, error).await,
    }
}

async fn run(by: &By, body: &RegisterIn) -> Result<Opened> {
    let standing = store::standing(by.db()).await?;
    if !standing.is_first && standing.mode == Mode::Closed {
        return Err(closed());
    }
    let new = body.parse(by.app().config(), standing.is_first)?;
    rate_limit::hit(by.app(), &REGISTER, by.ip()).await?;
    let made = add(by, body, &new).await;
    let counts = made.as_ref().map_or_else(|error| error.status() == StatusCode::CONFLICT, |_| true);
    if !counts {
        rate_limit::give_back(by.app(), &REGISTER, by.ip()).await?;
    }
    made
}

fn closed() -> Error {
    Error::forbidden("Registration is disabled").code("registration_disabled")
}

async fn add(by: &By, body: &RegisterIn, new: &Registration) -> Result<Opened> {
    let standing = store::standing(by.db()).await?;
    if standing.is_first && !store::may_set_up(by.app(), body.setup_token.as_deref()) {
        return Err(Error::forbidden("Invalid setup token").code("invalid_setup_token"));
    }
    if !standing.is_first && standing.mode == Mode::EmailDomain && !store::is_listed(by.db(), &new.email).await? {
        let text = "Use an address at your company's own domain, or ask your administrator to invite you";
        return Err(Error::field("email", text));
    }
    let hash = passwords::hash(&body.password).await.map_err(|error| Error::Internal(error.into()))?;
    let mut tx = by.begin().await?;
    let is_first = standing.is_first && store::lock_first(&mut tx).await?;
    if standing.is_first && !is_first && standing.mode != Mode::Open {
        // Somebody else was first meanwhile, and for later people other rules hold.
        return Err(closed());
    }
    let id = store::insert(&mut tx, new, hash, is_first).await?;
    let opened = welcome(by, &mut tx, id, new, is_first).await?;
    tx.commit().await?;
    Ok(opened)
}

/// Everything that follows from a new account.
async fn welcome(by: &By, tx: &mut Tx, id: i64, new: &Registration, is_first: bool) -> Result<Opened> {
    let user = users::find(&mut *tx, id).await?;
    let user = user.ok_or_else(|| Error::Internal(anyhow::anyhow!("a new account cannot be read")))?;
    let change = Change::new("user.registered", "user", id)
        .label(new.email.clone())
        .by(id, &new.email)
        .after(json!({"email": new.email, "first_name": new.first_name, "last_name": new.last_name,
            "is_super_admin": is_first}));
    tx.audit(device::noted(change, by));
    events::emit(tx, events::names::USER_REGISTERED, json!({ "user_id": id })).await?;
    if !is_first {
        let notice = Notice {
            kind: notify::USER_REGISTERED,
            message: format!("{} ({}) registered.", user.name(), user.email),
            link: Some(format!("/admin/users/{id}")),
            dedupe: None,
        };
        notify::tell_super_admins(by.app(), tx, &notice).await?;
        if by.app().config().require_email_verification {
            verify::send(by, tx, &user).await?;
        }
    }
    views::open(by, tx, &user).await
}
