//! The one row of settings.

use shared::audit::Change;
use shared::context::By;
use shared::db::{At, sql};
use shared::error::Result;

use super::model::Settings;

/// The settings as they are.
pub async fn find(at: impl Into<At<'_>>) -> Result<Settings> {
    let row = sql("SELECT company_name, support_email, support_phone, login_message, registration_mode, \
         default_timezone, accent FROM site_settings WHERE id = 1");
    Ok(row.fetch_one(at).await?)
}

/// Stores what `put` makes of the settings as they are, with the row held meanwhile.
pub async fn change(by: &By, put: impl FnOnce(Settings) -> Settings) -> Result<Settings> {
    let mut tx = by.begin().await?;
    let now = tx.stamp().at;
    sql("UPDATE site_settings SET updated_at = ? WHERE id = 1").bind(now).execute(&mut tx).await?;
    let before = find(&mut tx).await?;
    let after = put(before.clone());
    sql("UPDATE site_settings SET company_name = ?, support_email = ?, support_phone = ?, login_message = ?, \
         registration_mode = ?, default_timezone = ?, accent = ? WHERE id = 1")
    .bind(after.company_name.clone())
    .bind(after.support_email.clone())
    .bind(after.support_phone.clone())
    .bind(after.login_message.clone())
    .bind(&after.registration_mode)
    .bind(&after.default_timezone)
    .bind(after.accent.clone())
    .execute(&mut tx)
    .await?;
    if before == after {
        tx.housekeeping();
    } else {
        tx.audit(Change::new("site_settings.updated", "site_settings", 1).changed(&before, &after));
    }
    tx.commit().await?;
    Ok(after)
}
