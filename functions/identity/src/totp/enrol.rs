//! Adding an authenticator: a secret waits on the session until a first code proves that it arrived.

use std::sync::Arc;

use chrono::TimeDelta;
use shared::audit::Change;
use shared::caller::Person;
use shared::context::By;
use shared::db::{Tx, sql};
use shared::error::{Error, Invalid, Result};
use shared::rate_limit::{self, TOTP_ACCOUNT};

use super::model::{self, Setup, parse_code, parse_device_name};
use super::{notice, recovery, store};

/// A secret waits this long for its first code.
const WAITS: TimeDelta = TimeDelta::minutes(10);

/// What a waiting secret is sealed for; the id of its owner follows.
const SEAL: &str = "user_sessions.pending_totp_secret";

fn me(by: &By) -> Result<&Arc<Person>> {
    by.person().ok_or(Error::Unauthenticated)
}

/// Makes a secret and keeps it with the session for ten minutes; an earlier one is replaced.
/// 409 when the person has as many authenticators as may be.
pub async fn begin_setup(by: &By) -> Result<Setup> {
    let person = me(by)?;
    if store::count(by.db(), person.id()).await? >= store::MOST {
        return Err(too_many());
    }
    let setup = Setup::new(&by.app().config().app_name, &person.user.email)?;
    let sealed = by.app().keyring().seal_text(&format!("{SEAL}:{}", person.id()), &setup.secret);
    let mut tx = by.begin().await?;
    tx.housekeeping();
    sql("UPDATE user_sessions SET pending_totp_secret = ?, pending_totp_expires_at = ? WHERE id = ?")
        .bind(sealed.map_err(|error| Error::Internal(error.into()))?)
        .bind(by.now() + WAITS)
        .bind(person.session.id)
        .execute(&mut tx)
        .await?;
    tx.commit().await?;
    Ok(setup)
}

fn too_many() -> Error {
    Error::conflict("You have 5 authenticators. Remove one before you add another.").code("too_many_authenticators")
}

/// The setup that waits for its first code, if any.
pub async fn pending(by: &By) -> Result<Option<Setup>> {
    let person = me(by)?;
    let row: Option<(Option<String>,)> =
        sql("SELECT pending_totp_secret FROM user_sessions WHERE id = ? AND pending_totp_expires_at > ?")
            .bind(person.session.id)
            .bind(by.now())
            .fetch_optional(by.db())
            .await?;
    let Some(sealed) = row.and_then(|(sealed,)| sealed) else { return Ok(None) };
    let opened = by.app().keyring().open_text(&format!("{SEAL}:{}", person.id()), &sealed);
    let secret = opened.map_err(|error| Error::Internal(error.into()))?;
    Setup::of(secret, &by.app().config().app_name, &person.user.email).map(Some)
}

/// Forgets the setup that waits.
pub async fn cancel(by: &By) -> Result<()> {
    let person = me(by)?;
    let mut tx = by.begin().await?;
    tx.housekeeping();
    take_pending(&mut tx, person.session.id).await?;
    tx.commit().await
}

/// True when there was one: of two parallel tries, one gets it.
async fn take_pending(tx: &mut Tx, session_id: i64) -> Result<bool> {
    let taken = sql("UPDATE user_sessions SET pending_totp_secret = NULL, pending_totp_expires_at = NULL \
         WHERE id = ? AND pending_totp_secret IS NOT NULL")
    .bind(session_id)
    .execute(tx)
    .await?;
    Ok(taken == 1)
}

/// An authenticator that was just added.
#[derive(Debug, Clone)]
pub struct Enrolled {
    /// Row of `user_totp_authenticators`.
    pub id: i64,
    /// What the person calls it.
    pub name: String,
    /// Shown once; only with the first authenticator.
    pub recovery_codes: Option<Vec<String>>,
}

/// Adds the waiting authenticator when the code is one of its codes.
pub async fn verify(by: &By, code: &str, name: &str) -> Result<Enrolled> {
    let person = me(by)?;
    let mut bad = Invalid::none();
    let code = bad.check("code", parse_code(code).and_then(|code| code.ok_or("Enter the code that the app shows")));
    let name = bad.check("name", parse_device_name(name));
    bad.finish()?;
    let (code, name) = (code.unwrap_or_default(), name.unwrap_or_default());
    let setup = pending(by).await?.ok_or_else(no_pending)?;
    let subject = person.id().to_string();
    rate_limit::hit(by.app(), &TOTP_ACCOUNT, &subject).await?;
    let Some(step) = model::matching_step(&setup.secret, &code, by.now(), None) else {
        return Err(Error::bad_request("Invalid TOTP code").code("invalid_totp"));
    };
    rate_limit::give_back(by.app(), &TOTP_ACCOUNT, &subject).await?;
    add(by, person, &setup.secret, &name, step).await
}

fn no_pending() -> Error {
    Error::bad_request("No pending TOTP secret").code("no_pending_totp")
}

async fn add(by: &By, person: &Person, secret: &str, name: &str, step: i64) -> Result<Enrolled> {
    let mut tx = by.begin().await?;
    store::lock_person(&mut tx, person.id()).await?;
    if !take_pending(&mut tx, person.session.id).await? {
        return Err(no_pending());
    }
    let before = store::count(&mut tx, person.id()).await?;
    if before >= store::MOST {
        return Err(too_many());
    }
    let id = store::insert(by.app(), &mut tx, person.id(), name, secret, step).await?;
    let change = Change::new("auth.totp_added", "user", person.id()).label(person.user.email.clone());
    tx.audit(change.meta("authenticator_id", id).meta("name", name));
    let recovery_codes = if before == 0 {
        tx.audit(Change::new("auth.recovery_codes_generated", "user", person.id()).label(person.user.email.clone()));
        Some(recovery::replace(by.app(), &mut tx, person.id()).await?)
    } else {
        None
    };
    let what = format!("The authenticator \u{201c}{name}\u{201d} was added to your account.");
    notice::send(by.app(), &mut tx, &notice::To::person(person), &what, by.request()).await?;
    tx.commit().await?;
    Ok(Enrolled { id, name: name.to_owned(), recovery_codes })
}

/// Takes an authenticator of the signed-in person away, and with the last one the recovery codes.
/// 404 for one that is not theirs. Gives its name.
pub async fn remove(by: &By, id: i64) -> Result<String> {
    let person = me(by)?;
    let mut tx = by.begin().await?;
    store::lock_person(&mut tx, person.id()).await?;
    let name = store::delete(&mut tx, person.id(), id).await?;
    let name = name.ok_or_else(|| Error::not_found("Authenticator not found"))?;
    let left = store::count(&mut tx, person.id()).await?;
    if left == 0 {
        recovery::delete_all(&mut tx, person.id()).await?;
    }
    let change = Change::new("auth.totp_removed", "user", person.id()).label(person.user.email.clone());
    tx.audit(change.meta("authenticator_id", id).meta("name", name.clone()).meta("left", left));
    let what = format!("The authenticator \u{201c}{name}\u{201d} was removed from your account.");
    notice::send(by.app(), &mut tx, &notice::To::person(person), &what, by.request()).await?;
    tx.commit().await?;
    Ok(name)
}
