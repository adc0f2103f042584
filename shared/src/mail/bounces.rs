//! Addresses that a mail server has refused for good. Notifications spare them; mails that a person asks
//! for, such as a link to set a password, are tried all the same.

use crate::db::{Tx, is_unique_violation, sql};
use crate::error::Result;

/// Words of refusals that are about the mail or about us.
const ABOUT_US: [&str; 8] = ["relay", "spam", "policy", "blocked", "denied", "authentic", "sender", "spf"];

/// Words of refusals that are about the address.
const ABOUT_THEM: [&str; 8] = [
    "no such",
    "unknown",
    "does not exist",
    "doesn't exist",
    "mailbox unavailable",
    "invalid recipient",
    "mailbox not found",
    "user not found",
];

/// Whether a refusal is about the recipient and not about us or the mail. Enhanced codes say it
/// (RFC 3463: 5.1.x is the address); without one the words must.
pub(super) fn is_bounce(text: &str) -> bool {
    let text = text.to_lowercase();
    if let Some(code) = enhanced(&text) {
        return ["5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"].contains(&code);
    }
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    says(&ABOUT_THEM) && !says(&ABOUT_US)
}

/// The first code of the shape 5.x.y.
fn enhanced(text: &str) -> Option<&str> {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.')).find(|word| {
        let mut parts = word.split('.');
        let is_number = |part: Option<&str>| part.is_some_and(|p| (1..=3).contains(&p.len()));
        parts.next() == Some("5") && is_number(parts.next()) && is_number(parts.next()) && parts.next().is_none()
    })
}

/// Notes a refused address; the first reason is kept.
pub(super) async fn note(tx: &mut Tx, address: &str, reason: &str) -> Result<()> {
    let now = tx.stamp().at;
    let known: Option<(i64,)> =
        sql("SELECT id FROM email_bounces WHERE address = ?").bind(address).fetch_optional(&mut *tx).await?;
    if known.is_some() {
        return Ok(());
    }
    let inserted = sql("INSERT INTO email_bounces (address, reason, created_at) VALUES (?, ?, ?)")
        .bind(address)
        .bind(reason.chars().take(500).collect::<String>())
        .bind(now)
        .insert(tx)
        .await;
    match inserted {
        Ok(_) => Ok(()),
        Err(error) if is_unique_violation(&error, "email_bounces_address", "email_bounces.address") => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Mail arrives there again.
pub async fn forget(tx: &mut Tx, address: &str) -> Result<bool> {
    Ok(sql("DELETE FROM email_bounces WHERE address = ?").bind(address).execute(tx).await? > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_wrong_addresses_are_bounces() {
        for text in [
            "the mail was refused: permanent error (550): 5.1.1 <ana@example.com>: Recipient address rejected",
            "permanent error (550): 5.1.10 RESOLVER.ADR.RecipientNotFound",
            "permanent error (550): no such person",
            "permanent error (550): mailbox unavailable",
            "permanent error (553): User unknown in virtual mailbox table",
        ] {
            assert!(is_bounce(text), "{text}");
        }
        for text in [
            "permanent error (550): no relaying",
            "permanent error (550): 5.7.1 Message rejected as spam: user unknown",
            "permanent error (535): wrong password",
            "permanent error (554): 5.7.26 unauthenticated sender",
            "permanent error (552): too large",
            "permanent error (550): sender unknown",
            "permanent error (552): 5.2.2 mailbox full",
        ] {
            assert!(!is_bounce(text), "{text}");
        }
    }
}
