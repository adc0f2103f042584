//! The mail with which a person gets in: an invitation to set a first password.

use minijinja::context;

use super::password_tokens::{self, Purpose};
use super::users::User;
use crate::context::By;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::mail;

/// Makes an invitation link and queues its mail. The old links of the person end.
pub async fn send(tx: &mut Tx, by: &By, user: &User, company: Option<&str>) -> Result<String> {
    let base = by.base_url().ok_or_else(missing_base)?;
    let token = password_tokens::issue(tx, user.id, Purpose::Invite).await?;
    let link = format!("{base}/reset-password#token={token}");
    let inviter = by.person().map(|person| (person.user.name(), person.user.email.clone()));
    let fields = context! {
        first_name => user.first_name.clone(),
        company,
        inviter => inviter.as_ref().map(|(name, _)| name),
        link => link.clone(),
        token,
        expires_in => "7 days",
    };
    let mut message = mail::Draft::template(by.app(), &mut *tx, "user_invitation", fields).await?;
    message.to(&user.email).sensitive();
    if let Some((_, email)) = &inviter {
        message.reply_to(email);
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
