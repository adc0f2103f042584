//! SMS gateway: the test looks at the settings only, because every message costs money.

use serde_json::json;

use super::Found;
use crate::error::Result;
use crate::modules::Module;
use crate::modules::settings::Sms;

pub(super) fn test(module: &Module) -> Result<Found> {
    let settings: Sms = module.settings()?;
    let national = if settings.default_country_code.is_empty() { "skipped" } else { "converted" };
    let message = "Address and login are set. Nothing was sent, because every message costs money.";
    Ok(Found::new(message, json!({ "national_numbers": national })))
}
