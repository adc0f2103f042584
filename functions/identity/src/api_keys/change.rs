//! Making, replacing and revoking keys.

use chrono::TimeDelta;
use shared::audit::Change;
use shared::context::By;
use shared::db::{Tx, sql};
use shared::error::{Error, Result};
use shared::flash;
use shared::tokens::{self, Token};

use super::model::{NewKey, Rotation};
use super::store::{self, Row};

/// The kind of note in which a token waits for its page.
pub(super) const NOTE: &str = "api_key";

/// A token waits this long for its page.
const SHOWN_WITHIN: TimeDelta = TimeDelta::minutes(5);

/// A key that was just made.
pub(super) struct Made {
    pub(super) id: i64,
    pub(super) token: Token,
}

/// Where the token goes: into the answer, or to the next page of the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// The answer holds it.
    InAnswer,
    /// It waits, sealed, for the list.
    OnNextPage,
}

/// 404 for what is not there.
pub(super) fn not_found() -> Error {
    Error::not_found("API key not found")
}

async fn insert(by: &By, tx: &mut Tx, new: &NewKey, rotated_from: Option<i64>) -> Result<Made> {
    let token = Token::new();
    let text = token.as_str();
    let hash = tokens::hmac_sha256_hex(by.app().config().api_key_pepper.as_bytes(), text.as_bytes());
    let allowed = new.allowed_ips.as_ref().map(serde_json::to_string).transpose()?;
    let id = sql("INSERT INTO api_keys (key_hash, key_prefix, description, expiry_date, scopes, company_id, \
         allowed_ips, created_by, created_at, rotated_from) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
    .bind(hash)
    .bind(&text[..8])
    .bind(new.description.clone())
    .bind(new.expiry_date)
    .bind(serde_json::to_string(&new.scopes)?)
    .bind(new.company_id)
    .bind(allowed)
    .bind(by.person().map(|person| person.id()))
    .bind(by.now())
    .bind(rotated_from)
    .insert(tx)
    .await?;
    Ok(Made { id, token })
}

async fn show(by: &By, tx: &mut Tx, made: &Made, new: &NewKey, shown: Shown) -> Result<()> {
    let Some(person) = by.person().filter(|_| shown == Shown::OnNextPage) else { return Ok(()) };
    let note = serde_json::json!({ "id": made.id, "token": made.token.as_str(), "description": new.description });
    flash::note(by, tx, person.session.id, NOTE, &note.to_string(), SHOWN_WITHIN).await
}

fn facts(new: &NewKey) -> serde_json::Value {
    serde_json::json!({
        "description": new.description,
        "expiry_date": new.expiry_date,
        "scopes": new.scopes,
        "company_id": new.company_id,
        "allowed_ips": new.allowed_ips,
    })
}

fn preview(made: &Made) -> String {
    format!("{}••••", &made.token.as_str()[..8])
}

/// Makes a key.
pub(super) async fn create(by: &By, new: &NewKey, shown: Shown) -> Result<Made> {
    let mut tx = by.begin().await?;
    if let Some(company) = new.company_id {
        let open: Option<(i64,)> = sql("SELECT id FROM companies WHERE id = ? AND archived_at IS NULL")
            .bind(company)
            .fetch_optional(&mut tx)
            .await?;
        open.ok_or_else(|| Error::field("company_id", "Choose a company from the list"))?;
    }
    let made = insert(by, &mut tx, new, None).await?;
    show(by, &mut tx, &made, new, shown).await?;
    let label = new.description.clone().unwrap_or_else(|| preview(&made));
    let change = Change::new("api_keys.create", "api_key", made.id).label(label).company(new.company_id);
    tx.audit(change.after(facts(new)).meta("key_preview", preview(&made)));
    tx.commit().await?;
    Ok(made)
}

/// Makes a key with the rights of another, which then ends: at once, after a grace, or not.
pub(super) async fn rotate(by: &By, id: i64, rotation: &Rotation, shown: Shown) -> Result<Made> {
    let mut tx = by.begin().await?;
    let old = store::find(&mut tx, id).await?.ok_or_else(not_found)?;
    let new = replacement(&old, rotation, by)?;
    let made = insert(by, &mut tx, &new, Some(id)).await?;
    show(by, &mut tx, &made, &new, shown).await?;
    let label = new.description.clone().unwrap_or_else(|| preview(&made));
    let change = Change::new("api_keys.rotate", "api_key", made.id).label(label).company(new.company_id);
    tx.audit(
        change
            .after(facts(&new))
            .meta("key_preview", preview(&made))
            .meta("rotated_from", id)
            .meta("retired_previous", rotation.retire_previous),
    );
    if rotation.retire_previous {
        retire(by, &mut tx, &old, rotation.grace_hours, made.id).await?;
    }
    tx.commit().await?;
    Ok(made)
}

fn replacement(old: &Row, rotation: &Rotation, by: &By) -> Result<NewKey> {
    if old.is_revoked(by.now()) {
        return Err(Error::conflict("The key was revoked. Create a new one.").code("key_revoked"));
    }
    if rotation.expiry_date.is_none() && old.is_expired(by.now()) {
        return Err(Error::field("expiry_date", "The key has expired. Enter a new last day"));
    }
    Ok(NewKey {
        description: rotation.description.clone().or_else(|| old.description.clone()),
        expiry_date: rotation.expiry_date.or(old.expiry_date),
        scopes: old.scopes(),
        company_id: old.company_id,
        allowed_ips: old.allowed_ips(),
    })
}

async fn retire(by: &By, tx: &mut Tx, old: &Row, grace_hours: i64, rotated_to: i64) -> Result<()> {
    let end = by.now() + TimeDelta::hours(grace_hours);
    // A key that already ends sooner, after an earlier rotation, is not given more time.
    let end = old.revoked_at.map_or(end, |at| at.min(end));
    sql("UPDATE api_keys SET revoked_at = ? WHERE id = ?").bind(end).bind(old.id).execute(&mut *tx).await?;
    let change = Change::new("api_keys.retire", "api_key", old.id).label(old.label()).company(old.company_id);
    tx.audit(
        change
            .before(serde_json::json!({ "revoked_at": old.revoked_at }))
            .after(serde_json::json!({ "revoked_at": end }))
            .meta("key_preview", old.preview())
            .meta("rotated_to", rotated_to),
    );
    Ok(())
}

/// Takes a key and its counters away; gives what people called it.
pub(super) async fn delete(by: &By, id: i64) -> Result<String> {
    let mut tx = by.begin().await?;
    let old = store::find(&mut tx, id).await?.ok_or_else(not_found)?;
    sql("DELETE FROM api_keys WHERE id = ?").bind(id).execute(&mut tx).await?;
    let change = Change::new("api_keys.delete", "api_key", id).label(old.label()).company(old.company_id);
    tx.audit(change.before(serde_json::json!({
        "description": old.description,
        "expiry_date": old.expiry_date,
        "key_preview": old.preview(),
    })));
    tx.commit().await?;
    Ok(old.label())
}
