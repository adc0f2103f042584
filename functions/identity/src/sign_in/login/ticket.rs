//! Between password and code the person keeps a sealed note that the password was right: for five
//! minutes, for one address, from one client, and only while the password stays the same.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use shared::context::By;
use shared::error::{Error, Result};
use shared::tokens;

const LIVES: TimeDelta = TimeDelta::minutes(5);

#[derive(Serialize, Deserialize)]
struct Ticket {
    user_id: i64,
    until: DateTime<Utc>,
    hash: String,
}

fn context(by: &By, email: &str) -> String {
    format!("login.ticket:{email}:{}", by.ip())
}

/// Seals that the password of this account was given.
pub(super) fn issue(by: &By, email: &str, user_id: i64, password_hash: &str) -> Result<String> {
    let ticket = Ticket { user_id, until: by.now() + LIVES, hash: tokens::sha256_hex(password_hash.as_bytes()) };
    let sealed = by.app().keyring().seal_text(&context(by, email), &serde_json::to_string(&ticket)?);
    sealed.map_err(|error| Error::Internal(error.into()))
}

/// True when the note is ours, for this account and client, and not too old.
pub(super) fn is_good(by: &By, email: &str, text: &str, account: Option<(i64, &str)>) -> bool {
    // Only today's form is bound to its context.
    let Some((user_id, password_hash)) = account.filter(|_| text.starts_with("v1:")) else { return false };
    let Ok(opened) = by.app().keyring().open_text(&context(by, email), text) else { return false };
    serde_json::from_str::<Ticket>(&opened).is_ok_and(|ticket| {
        ticket.user_id == user_id
            && ticket.until > by.now()
            && ticket.hash == tokens::sha256_hex(password_hash.as_bytes())
    })
}
