//! How the portal looks and behaves for one person: rows of `user_preferences` that the shell reads.

use std::collections::HashMap;

use axum::response::Response;
use chrono_tz::{TZ_VARIANTS, Tz};
use serde::{Deserialize, Serialize};
use shared::Flash;
use shared::caller::Unsettled;
use shared::db::{Db, Tx, sql, sql_by_engine};
use shared::error::{Invalid, Result};
use shared::page::Page;
use shared::web::{Form, FormState};

use crate::sign_in::password_is_settled;

const PATH: &str = "/profile/preferences";

/// The page.
#[derive(Debug, Serialize)]
pub struct PreferencesPage {
    form: FormState,
    zones: Vec<Zone>,
    portal_zone: String,
}

#[derive(Debug, Serialize)]
struct Zone {
    value: &'static str,
    label: String,
}

impl Page for PreferencesPage {
    const TEMPLATE: &'static str = "identity/profile_preferences.html";

    fn samples() -> Vec<Self> {
        let wrong = Invalid::field("zone", "Choose a time zone from the list");
        let sample = |form| Self { form, zones: zones(), portal_zone: "Europe/London".to_owned() };
        vec![
            sample(FormState::of([("theme", "auto"), ("density", "compact"), ("zone", "Europe/Paris")])),
            sample(FormState::of([("theme", "dark"), ("zone", "Mars")]).refused(&wrong)),
        ]
    }
}

/// Zones by place; abbreviations and names kept for old systems are left out.
fn zones() -> Vec<Zone> {
    const REGIONS: [&str; 10] =
        ["Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"];
    let is_place = |name: &str| name.split_once('/').is_some_and(|(region, _)| REGIONS.contains(&region));
    let places = TZ_VARIANTS.iter().map(|zone| zone.name()).filter(|name| *name == "UTC" || is_place(name));
    places.map(|value| Zone { value, label: value.replace('_', " ").replace('/', " / ") }).collect()
}

/// What is stored, by name.
async fn stored(db: &Db, user_id: i64) -> Result<HashMap<String, String>> {
    let rows: Vec<(String, String)> = sql("SELECT name, value FROM user_preferences WHERE user_id = ? \
         AND name IN ('theme', 'density', 'zone', 'single_keys') LIMIT 4")
    .bind(user_id)
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().collect())
}

async fn portal_zone(db: &Db) -> Result<String> {
    Ok(sql("SELECT default_timezone FROM site_settings WHERE id = 1").fetch_value(db).await?)
}

/// The form, with what is in force where nothing was chosen.
pub(super) async fn show(by: Unsettled) -> Result<Response> {
    password_is_settled(&by)?;
    let me = by.me();
    let stored = stored(by.db(), me.id()).await?;
    let or = |name: &str, default: &str| stored.get(name).cloned().unwrap_or_else(|| default.to_owned());
    let works_at_desk = me.is_technician;
    let form = FormState::of([
        ("theme", or("theme", "auto")),
        ("density", or("density", if works_at_desk { "compact" } else { "comfortable" })),
        ("zone", or("zone", "")),
        ("single_keys", or("single_keys", if works_at_desk { "true" } else { "false" })),
    ]);
    by.page(&PreferencesPage { form, zones: zones(), portal_zone: portal_zone(by.db()).await? }).await
}

/// Preferences as sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PreferencesForm {
    theme: String,
    density: String,
    zone: String,
    single_keys: String,
}

impl PreferencesForm {
    /// Names and values; a blank value means the portal's own.
    fn values(&self) -> Result<[(&'static str, &str); 4], Invalid> {
        let mut bad = Invalid::none();
        if !matches!(self.theme.as_str(), "auto" | "light" | "dark") {
            bad.add("theme", "Choose a theme");
        }
        if !matches!(self.density.as_str(), "comfortable" | "compact") {
            bad.add("density", "Choose a density");
        }
        if !self.zone.is_empty() && self.zone.parse::<Tz>().is_err() {
            bad.add("zone", "Choose a time zone from the list");
        }
        bad.finish()?;
        let single_keys = if self.single_keys == "true" { "true" } else { "false" };
        Ok([("theme", &self.theme), ("density", &self.density), ("zone", &self.zone), ("single_keys", single_keys)])
    }
}

/// Saves the preferences.
pub(super) async fn save(by: Unsettled, form: Form<PreferencesForm>) -> Result<Response> {
    password_is_settled(&by)?;
    let values = match form.values() {
        Ok(values) => values,
        Err(invalid) => {
            let mut state = form.refused(&invalid);
            state.fields.entry("single_keys".to_owned()).or_default();
            let page = PreferencesPage { form: state, zones: zones(), portal_zone: portal_zone(by.db()).await? };
            return by.page_again(&page).await;
        }
    };
    let mut tx = by.begin().await?;
    tx.housekeeping();
    for (name, value) in values {
        keep(&mut tx, by.me().id(), name, value).await?;
    }
    tx.commit().await?;
    by.see(PATH, Flash::done("Preferences saved")).await
}

async fn keep(tx: &mut Tx, user_id: i64, name: &'static str, value: &str) -> Result<()> {
    if value.is_empty() {
        let query = sql("DELETE FROM user_preferences WHERE user_id = ? AND name = ?").bind(user_id).bind(name);
        query.execute(tx).await?;
        return Ok(());
    }
    let at = tx.stamp().at;
    sql_by_engine(
        "INSERT INTO user_preferences (user_id, name, value, updated_at) VALUES (?, ?, ?, ?) \
         ON CONFLICT (user_id, name) DO UPDATE SET value = ?, updated_at = ?",
        "INSERT INTO user_preferences (user_id, name, value, updated_at) VALUES (?, ?, ?, ?) \
         ON DUPLICATE KEY UPDATE value = ?, updated_at = ?",
    )
    .bind(user_id)
    .bind(name)
    .bind(value)
    .bind(at)
    .bind(value)
    .bind(at)
    .execute(tx)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_places() {
        let names: Vec<&str> = zones().iter().map(|zone| zone.value).collect();
        for good in ["UTC", "Europe/London", "America/Argentina/Buenos_Aires"] {
            assert!(names.contains(&good), "{good}");
        }
        for old in ["GB", "EST5EDT", "US/Eastern", "Etc/GMT+5"] {
            assert!(!names.contains(&old), "{old}");
        }
    }

    #[test]
    fn values_are_of_their_lists() {
        let form = |theme: &str, zone: &str| PreferencesForm {
            theme: theme.to_owned(),
            density: "compact".to_owned(),
            zone: zone.to_owned(),
            single_keys: String::new(),
        };
        assert_eq!(form("dark", "").values().unwrap()[3], ("single_keys", "false"));
        assert!(form("neon", "").values().is_err());
        assert!(form("dark", "Mars/Olympus").values().is_err());
    }
}
