//! The mail with which a person gets in: an invitation to set a first password.

use minijinja::context;

use super::password_tokens::{self, Purpose};
use super::users::User;
use crate::app::App;
use crate::context::By;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::mail;

/// Who invites, as the mail names them.
#[derive(Debug, Clone)]
pub struct Inviter {
    /// The person.
    pub id: i64,
    /// Their name.
    pub name: String,
    /// Where answers go.
    pub email: String,
}

/// Makes an invitation link and queues its mail. The old links of the person end.
pub async fn send(tx: &mut Tx, by: &By, user: &User, company: Option<&str>) -> Result<String> {
    let base = by.base_url().ok_or_else(missing_base)?;
    let inviter = by.person().map(|person| Inviter {
        id: person.id(),
        name: person.user.name(),
        email: person.user.email.clone(),
    });
    send_from(tx, by.app(), &base, inviter.as_ref(), user, company).await
}

/// The same outside a request: the address of the portal and who invites are given.
pub async fn send_from(
    tx: &mut Tx,
    app: &App,
    base: &str,
    inviter: Option<&Inviter>,
    user: &User,
    company: Option<&str>,
) -> Result<String> {
    let token = password_tokens::issue(tx, user.id, Purpose::Invite).await?;
    let link = format!("{base}/reset-password#token={token}");
    let fields = context! {
        first_name => user.first_name.clone(),
        company,
        inviter => inviter.map(|inviter| &inviter.name),
        link => link.clone(),
        token,
        expires_in => "7 days",
    };
    let mut message = mail::Draft::template(app, &mut *tx, "user_invitation", fields).await?;
    message.to(&user.email).sensitive();
    if let Some(inviter) = inviter {
        message.reply_to(&inviter.email);
    }
    message.queue(tx).await?;
    Ok(link)
}

/// Why no link can be made.
pub fn missing_base() -> Error {
    Error::refused(
        http::StatusCode::SERVICE_UNAVAILABLE,
        "PORTAL_URL is not set, so no link can be sent. Ask your administrator.",
    )
    .code("portal_url_missing")
}
