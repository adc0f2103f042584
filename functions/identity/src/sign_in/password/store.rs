//! What setting a password changes, whichever way it is set.

use minijinja::context;
use shared::accounts::password_tokens;
use shared::accounts::users::User;
use shared::context::By;
use shared::db::{At, Tx, sql};
use shared::error::Result;
use shared::mail::Draft;
use shared::notify::{self, Notice, Recipient};
use shared::rate_limit::{self, LOGIN, LOGIN_ACCOUNT};

use crate::sign_in::{browser_name, when};

pub(super) async fn hash_of(at: impl Into<At<'_>>, user_id: i64) -> Result<Option<String>> {
    let row: Option<(Option<String>,)> =
        sql("SELECT password_hash FROM users WHERE id = ?").bind(user_id).fetch_optional(at).await?;
    Ok(row.and_then(|(hash,)| hash))
}

/// Stores a new password: the forced change is done, open links end, the counters of failed sign-ins
/// begin again. Whoever has read the mail with the link owns the address.
pub(super) async fn set(tx: &mut Tx, by: &By, user: &User, hash: &str, proves_address: bool) -> Result<()> {
    let now = tx.stamp().at;
    let query = sql("UPDATE users SET password_hash = ?, force_password_change = FALSE, password_changed_at = ?, \
         updated_at = ?")
    .bind(hash)
    .bind(now)
    .bind(now);
    let query = if proves_address {
        query.push(", email_verified_at = COALESCE(email_verified_at, ?)").bind(now)
    } else {
        query
    };
    query.push(" WHERE id = ?").bind(user.id).execute(&mut *tx).await?;
    password_tokens::void_all(tx, user.id).await?;
    rate_limit::clear(tx, &LOGIN_ACCOUNT, &user.email).await?;
    rate_limit::clear(tx, &LOGIN, &format!("{}:{}", user.email, by.ip())).await
}

/// Tells the person that the password is another.
pub(super) async fn tell(tx: &mut Tx, by: &By, user: &User) -> Result<()> {
    let fields = context! {
        first_name => user.first_name.clone(),
        when => when(tx.stamp().at),
        ip => by.ip(),
        browser => browser_name(by.request().user_agent()),
    };
    let mail = Draft::template(by.app(), &mut *tx, "password_changed", fields).await?;
    let notice = Notice {
        kind: notify::PASSWORD_CHANGED,
        message: "Your password was changed. If it was not you, reset it now and tell your administrator.".to_owned(),
        link: Some("/profile/security".to_owned()),
        dedupe: None,
    };
    let to = Recipient { user_id: user.id, email: user.email.clone() };
    notify::tell_with(by.app(), tx, &to, &notice, mail).await
}
