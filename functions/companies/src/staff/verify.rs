//! Proving by phone that a caller is the staff member: a code to the mobile on record (organisation 10.5).
//! The code is sealed where it is kept, on its way and in nobody's log.

use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::caller::SuperAdmin;
use shared::context::By;
use shared::db::{Tx, sql, sql_by_engine};
use shared::error::{Error, Result};
use shared::modules::{self, Slug, settings};
use shared::rate_limit::{self, STAFF_CODE, STAFF_CODES};
use shared::webhooks::{self, NewWebhook, Reference};
use shared::{notify, tokens};
use utoipa::ToSchema;

use super::change::trail;
use super::model::Staff;
use super::store;

/// A code is of use for so long.
const VALID: TimeDelta = TimeDelta::minutes(5);

/// Wrong codes that are listened to.
const TRIES: i64 = 5;

/// What came of sending a code.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VerificationSent, example = json!({"success": true, "status": 202, "code": "418203", "expires_at": "2026-11-23T09:17:00Z"}))]
pub struct Sent {
    /// The gateway took it.
    pub success: bool,
    /// What the gateway answered, if it did.
    pub status: Option<i64>,
    /// To compare with what the caller reads out.
    pub code: String,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// What the caller on the phone has read out.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(as = VerificationHeard, example = json!({"code": "418203"}))]
pub struct Heard {
    /// Six digits.
    pub code: String,
}

/// Whether it was the code.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VerificationChecked, example = json!({"match": true}))]
pub struct Checked {
    /// The caller is who they say.
    #[serde(rename = "match")]
    pub matches: bool,
}

/// The way out: the webhook of the settings, else the SMS gateway.
enum Way {
    Webhook { url: String, has_key: bool },
    Sms { endpoint: String, country: String },
}

async fn way(by: &By) -> Result<Way> {
    let config = by.app().config();
    if let Some(url) = &config.verify_webhook_url {
        return Ok(Way::Webhook { url: url.clone(), has_key: config.verify_api_key.is_some() });
    }
    let module = modules::find(by.app(), by.db(), Slug::Sms).await?;
    if !module.is_ready(by.app())? {
        return Err(Error::refused(StatusCode::SERVICE_UNAVAILABLE, "Verification delivery is not configured")
            .code("verification_not_configured"));
    }
    let sms: settings::Sms = module.settings()?;
    Ok(Way::Sms { endpoint: sms.endpoint, country: sms.default_country_code })
}

/// Sends a new code and waits for the first answer of the gateway.
pub async fn send(by: &SuperAdmin, staff: &Staff) -> Result<Sent> {
    let mobile = staff.values.mobile_phone.clone();
    let mobile = mobile.ok_or_else(|| Error::bad_request("No mobile phone for staff member").code("no_mobile"))?;
    let way = way(by).await?;
    rate_limit::hit(by.app(), &STAFF_CODE, &format!("s{}", staff.id)).await?;
    rate_limit::hit(by.app(), &STAFF_CODES, &format!("u{}", by.me().id())).await?;
    let (code, expires_at) = (six_digits(), by.now() + VALID);
    let admin = by.me().user.name();
    let message = message(&way, staff, &mobile, &code, &admin);
    let mut tx = by.begin().await?;
    keep(by, &mut tx, staff.id, &code, &admin, expires_at).await?;
    let event = message.source("staff", staff.id).sensitive().tries(1, 1).queue(by.app(), &mut tx).await?;
    tx.audit(trail("staff.verification_sent", staff));
    tx.commit().await?;
    let (success, status) = match event {
        Some(id) => delivered(by, id).await?,
        None => (false, None),
    };
    Ok(Sent { success, status, code, expires_at })
}

fn message(way: &Way, staff: &Staff, mobile: &str, code: &str, admin: &str) -> NewWebhook {
    let name = "staff-verification";
    match way {
        Way::Webhook { url, has_key } => {
            let body = json!({ "mobilePhone": mobile, "code": code, "adminName": admin,
                "companyName": staff.company_name });
            let webhook = NewWebhook::new(name, url, body);
            if *has_key { webhook.secret_setting("authorization", "Bearer ", "VERIFY_API_KEY") } else { webhook }
        }
        Way::Sms { endpoint, country } => {
            let to = notify::number(mobile, country).unwrap_or_else(|| mobile.to_owned());
            let text = format!("{code} is your code. Read it to {admin} on the phone. It ends in 5 minutes.");
            let body = json!({ "textMessage": { "text": text }, "phoneNumbers": [to], "simNumber": 1, "ttl": 300,
                "priority": 100 });
            let auth = Reference { prefix: "Basic ", module: Slug::Sms, key: "auth" };
            NewWebhook::new(name, endpoint, body).secret_header("authorization", auth)
        }
    }
}

/// 100000 to 999999.
fn six_digits() -> String {
    let random = u64::from_str_radix(&tokens::random_hex(8), 16).unwrap_or_default();
    (100_000 + random % 900_000).to_string()
}

fn seal_name(staff_id: i64) -> String {
    format!("staff_verification_codes.code:{staff_id}")
}

/// One code per person: a new one takes the place of the old.
async fn keep(by: &By, tx: &mut Tx, id: i64, code: &str, admin: &str, expires_at: DateTime<Utc>) -> Result<()> {
    let sealed = by.app().keyring().seal_text(&seal_name(id), code).map_err(|error| Error::Internal(error.into()))?;
    let query = sql_by_engine(
        "INSERT INTO staff_verification_codes (staff_id, code, attempts, admin_name, admin_user_id, created_at, \
         expires_at) VALUES (?, ?, 0, ?, ?, ?, ?) ON CONFLICT (staff_id) DO UPDATE SET code = excluded.code, \
         attempts = 0, admin_name = excluded.admin_name, admin_user_id = excluded.admin_user_id, \
         created_at = excluded.created_at, expires_at = excluded.expires_at",
        "INSERT INTO staff_verification_codes (staff_id, code, attempts, admin_name, admin_user_id, created_at, \
         expires_at) VALUES (?, ?, 0, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE code = VALUES(code), \
         attempts = 0, admin_name = VALUES(admin_name), admin_user_id = VALUES(admin_user_id), \
         created_at = VALUES(created_at), expires_at = VALUES(expires_at)",
    );
    let now = tx.stamp().at;
    let query = query.bind(id).bind(sealed).bind(admin).bind(tx.stamp().user_id).bind(now).bind(expires_at);
    query.execute(tx).await?;
    Ok(())
}

/// Whether the first try went through, and what was answered.
async fn delivered(by: &By, event: i64) -> Result<(bool, Option<i64>)> {
    let status = webhooks::outcome(by.db(), event).await?;
    let row: Option<(Option<i64>,)> =
        sql("SELECT response_status FROM webhook_events WHERE id = ?").bind(event).fetch_optional(by.db()).await?;
    Ok((status == "succeeded", row.and_then(|(answer,)| answer)))
}

/// Compares what the caller read out. After five wrong codes a new one must be sent.
pub async fn check(by: &SuperAdmin, staff: &Staff, heard: &str) -> Result<Checked> {
    let mut tx = by.begin().await?;
    // Counted before it is compared, so that parallel guesses cannot slip through.
    let counted = sql("UPDATE staff_verification_codes SET attempts = attempts + 1 \
         WHERE staff_id = ? AND expires_at > ? AND attempts < ?")
    .bind(staff.id)
    .bind(by.now())
    .bind(TRIES)
    .execute(&mut tx)
    .await?;
    let is_alive = staff.sealed_code.is_some();
    if counted == 0 {
        let (text, code) = if is_alive {
            ("Five codes were tried. Send a new one.", "code_used_up")
        } else {
            ("No code is valid. Send a new one.", "no_code")
        };
        return Err(Error::conflict(text).code(code).or_see(format!("/staff/{}", staff.id)));
    }
    let code = open(by, staff).unwrap_or_default();
    let heard: String = heard.chars().filter(char::is_ascii_digit).collect();
    let matches = !code.is_empty() && tokens::constant_time_eq(&code, &heard);
    tx.audit(trail("staff.verification_checked", staff).meta("matches", matches));
    tx.commit().await?;
    Ok(Checked { matches })
}

fn open(by: &By, staff: &Staff) -> Option<String> {
    by.app().keyring().open_text(&seal_name(staff.id), staff.sealed_code.as_deref()?).ok()
}

/// Puts the code and its sender where super administrators read them.
pub fn reveal(by: &By, staff: &mut Staff) {
    staff.verification_code = open(by, staff);
    staff.verification_admin_name = staff.code_by.clone().filter(|_| staff.verification_code.is_some());
}

/// Forgets the codes that have ended.
pub async fn forget(run: shared::jobs::Run) -> Result<(), shared::jobs::JobError> {
    let ended: Vec<(i64,)> = sql("SELECT staff_id FROM staff_verification_codes WHERE expires_at <= ? LIMIT 200")
        .bind(run.now())
        .fetch_all(run.db())
        .await?;
    if ended.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = ended.into_iter().map(|(id,)| id).collect();
    let mut tx = run.begin().await?;
    tx.housekeeping();
    sql("DELETE FROM staff_verification_codes WHERE expires_at <= ?")
        .bind(run.now())
        .push_in(" AND staff_id IN", &ids)
        .execute(&mut tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// The person on the phone; super administrators reach every company.
pub async fn one(by: &SuperAdmin, id: i64) -> Result<Staff> {
    store::get(by.db(), id, by.now()).await?.ok_or_else(store::unknown)
}

#[cfg(test)]
mod tests {
    use super::six_digits;

    #[test]
    fn codes_have_six_digits_and_differ() {
        let codes: std::collections::HashSet<String> = (0..200).map(|_| six_digits()).collect();
        assert!(codes.len() > 190);
        assert!(codes.iter().all(|code| code.len() == 6 && !code.starts_with('0')));
    }
}
