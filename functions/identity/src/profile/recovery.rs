//! Recovery codes: shown once, after they were made.

use axum::response::Response;
use chrono::TimeDelta;
use serde::Serialize;
use shared::Flash;
use shared::caller::{Fresh, Unsettled};
use shared::context::By;
use shared::error::{Error, Result};
use shared::flash;
use shared::page::Page;

use crate::sign_in::password_is_settled;
use crate::totp;

const PATH: &str = "/profile/security/recovery-codes";

/// The kind of note in which codes wait for their page.
const NOTE: &str = "recovery_codes";

/// Codes wait this long for their page.
const SHOWN_WITHIN: TimeDelta = TimeDelta::minutes(5);

/// The page.
#[derive(Debug, Serialize)]
pub struct RecoveryCodesPage {
    codes: Vec<String>,
    left: i64,
    has_authenticator: bool,
}

impl Page for RecoveryCodesPage {
    const TEMPLATE: &'static str = "identity/profile_recovery_codes.html";

    fn samples() -> Vec<Self> {
        let codes: Vec<String> = (0..10).map(|n| format!("abcd{n}-efgh{n}")).collect();
        vec![
            Self { codes, left: 10, has_authenticator: true },
            Self { codes: Vec::new(), left: 3, has_authenticator: true },
            Self { codes: Vec::new(), left: 0, has_authenticator: false },
        ]
    }
}

/// The codes that were just made, or the way to make new ones.
pub(super) async fn show(by: Unsettled) -> Result<Response> {
    password_is_settled(&by)?;
    let me = by.me();
    let notes = flash::take_notes(&by, me.session.id, NOTE).await?;
    let codes: Vec<String> =
        notes.iter().filter_map(|note| serde_json::from_str(note).ok()).next_back().unwrap_or_default();
    let page = RecoveryCodesPage {
        codes,
        left: totp::left(by.db(), me.id()).await?,
        has_authenticator: totp::is_on(by.db(), me.id()).await?,
    };
    by.page(&page).await
}

/// Makes new codes; the earlier ones stop working.
pub(super) async fn renew(by: Fresh<Unsettled>) -> Result<Response> {
    password_is_settled(by.caller())?;
    let codes = totp::renew_recovery_codes(&by).await.map_err(|error| error.or_see("/profile/security"))?;
    keep_for_page(&by, &codes, "New recovery codes made").await
}

/// Keeps codes, sealed, for the next page, and goes there.
pub(super) async fn keep_for_page(by: &By, codes: &[String], done: &str) -> Result<Response> {
    let person = by.person().ok_or(Error::Unauthenticated)?;
    let mut tx = by.begin().await?;
    tx.housekeeping();
    flash::note(by, &mut tx, person.session.id, NOTE, &serde_json::to_string(codes)?, SHOWN_WITHIN).await?;
    tx.commit().await?;
    by.see(PATH, Flash::done(done)).await
}
