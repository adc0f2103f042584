//! Recovery codes: ten at a time, each good once, kept as keyed digests only.

use shared::app::App;
use shared::audit::Change;
use shared::context::By;
use shared::db::{At, Tx, sql};
use shared::error::{Error, Result};
use shared::tokens;

use super::{notice, store};

/// How many a person gets.
const HOW_MANY: usize = 10;

/// 32 signs that cannot be taken for each other, so that a random byte picks one evenly.
const SIGNS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// A code as it is shown: five signs, a hyphen, five signs.
fn fresh() -> String {
    let random = tokens::random_hex(10);
    let mut code: String = random
        .as_bytes()
        .chunks(2)
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .map(|byte| char::from(SIGNS[usize::from(byte % 32)]))
        .collect();
    code.insert(5, '-');
    code
}

/// The digest under which a code is kept. It is keyed, because a code is short enough to be guessed
/// from a plain digest; the key is the one of the API keys, which outlives other secrets.
fn digest(app: &App, user_id: i64, typed: &str) -> String {
    let code: String = typed.chars().filter(char::is_ascii_alphanumeric).collect();
    let key = tokens::derive_key(&app.config().api_key_pepper, "recovery-codes");
    tokens::hmac_sha256_hex(&key, format!("{user_id}:{}", code.to_ascii_lowercase()).as_bytes())
}

/// Puts ten new codes in the place of a person's earlier ones.
pub(super) async fn replace(app: &App, tx: &mut Tx, user_id: i64) -> Result<Vec<String>> {
    delete_all(tx, user_id).await?;
    let now = tx.stamp().at;
    let codes: Vec<String> = (0..HOW_MANY).map(|_| fresh()).collect();
    let mut query = sql("INSERT INTO user_recovery_codes (user_id, code_hash, created_at) VALUES ");
    for (index, code) in codes.iter().enumerate() {
        query = query.push(if index == 0 { "(?, ?, ?)" } else { ", (?, ?, ?)" });
        query = query.bind(user_id).bind(digest(app, user_id, code)).bind(now);
    }
    query.execute(tx).await?;
    Ok(codes)
}

pub(super) async fn delete_all(tx: &mut Tx, user_id: i64) -> Result<()> {
    sql("DELETE FROM user_recovery_codes WHERE user_id = ?").bind(user_id).execute(tx).await?;
    Ok(())
}

/// How many codes a person has left.
pub async fn left(at: impl Into<At<'_>>, user_id: i64) -> Result<i64> {
    Ok(sql("SELECT COUNT(*) FROM user_recovery_codes WHERE user_id = ? AND used_at IS NULL")
        .bind(user_id)
        .fetch_value(at)
        .await?)
}

/// Uses a code; false when there is no such unused one.
pub(super) async fn redeem(app: &App, tx: &mut Tx, user_id: i64, typed: &str) -> Result<bool> {
    let now = tx.stamp().at;
    let used =
        sql("UPDATE user_recovery_codes SET used_at = ? WHERE user_id = ? AND code_hash = ? AND used_at IS NULL")
            .bind(now)
            .bind(user_id)
            .bind(digest(app, user_id, typed))
            .execute(tx)
            .await?;
    Ok(used == 1)
}

/// New recovery codes for the signed-in person; earlier ones stop working. 400 without an authenticator.
pub async fn renew(by: &By) -> Result<Vec<String>> {
    let person = by.person().ok_or(Error::Unauthenticated)?;
    let mut tx = by.begin().await?;
    if store::count(&mut tx, person.id()).await? == 0 {
        return Err(Error::bad_request("Add an authenticator first").code("no_authenticator"));
    }
    let codes = replace(by.app(), &mut tx, person.id()).await?;
    let change = Change::new("auth.recovery_codes_generated", "user", person.id()).label(person.user.email.clone());
    tx.audit(change.meta("count", codes.len()));
    let what = "New recovery codes were made for your account. The earlier ones no longer work.";
    notice::send(by.app(), &mut tx, &notice::To::person(person), what, by.request()).await?;
    tx.commit().await?;
    Ok(codes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_their_form_and_differ() {
        let (a, b) = (fresh(), fresh());
        assert_ne!(a, b);
        for code in [a, b] {
            let (left, right) = code.split_once('-').unwrap();
            assert_eq!((left.len(), right.len()), (5, 5));
            assert!(code.bytes().all(|c| c == b'-' || SIGNS.contains(&c)));
        }
    }
}
