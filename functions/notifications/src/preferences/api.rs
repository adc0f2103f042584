//! Preferences by program.

use serde::{Deserialize, Serialize};
use shared::audit::Change;
use shared::caller::User;
use shared::error::Result;
use shared::mail::transport::Backend;
use shared::modules::{self, Slug};
use shared::notify::number;
use shared::web::Json;
use utoipa::ToSchema;

use super::model::{self, ChoiceIn, ChoiceOut};
use super::store::{self, Stored};
use crate::feed::store::{Reader, event_types};

/// Gives the catalogue of the caller with what they chose.
#[utoipa::path(get, path = "/api/notifications/preferences", responses(
    (status = 200, description = "Every type the caller may meet, in order of the names", body = Vec<ChoiceOut>)))]
pub async fn get_preferences(by: User) -> Result<Json<Vec<ChoiceOut>>> {
    let stored = store::stored(by.db(), by.me().id()).await?;
    let further = event_types(by.db(), &Reader::of(by.me(), by.now())).await?;
    Ok(Json(model::merged(by.me(), &stored.choices, further)))
}

/// The full set of a person.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"preferences": [{"event_type": "tickets.reply_added", "channel_in_app": true, "channel_email": true, "channel_sms": false}]}))]
pub struct ChoicesIn {
    /// 0 to 200 choices; types that are not named return to their default.
    preferences: Vec<ChoiceIn>,
}

/// Replaces the full set of the caller's choices.
#[utoipa::path(put, path = "/api/notifications/preferences", request_body = ChoicesIn, responses(
    (status = 200, description = "The catalogue with the new choices", body = Vec<ChoiceOut>)))]
pub async fn put_preferences(by: User, body: Json<ChoicesIn>) -> Result<Json<Vec<ChoiceOut>>> {
    let choices = model::parse(&body.preferences)?;
    let mut tx = by.begin().await?;
    let count = i64::try_from(choices.len()).unwrap_or_default();
    tx.audit(Change::new("notifications.preferences_changed", "user", by.me().id()).meta("types", count));
    store::replace(&mut tx, by.me().id(), &choices).await?;
    tx.commit().await?;
    let further = event_types(by.db(), &Reader::of(by.me(), by.now())).await?;
    Ok(Json(model::merged(by.me(), &choices, further)))
}

/// Whether mails reach the caller.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"available": true, "address": "ana@example.com"}))]
pub struct EmailChannel {
    /// Whether they arrive.
    pub available: bool,
    /// Where they go.
    pub address: String,
}

/// Whether messages on a channel reach the caller, or why not.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"available": false, "reason": "no_mobile_number"}))]
pub struct Channel {
    /// Whether they arrive.
    pub available: bool,
    /// `no_mobile_number`, `no_topic` or `not_configured`.
    pub reason: Option<&'static str>,
}

/// The ways to the caller.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"email": {"available": true, "address": "ana@example.com"},
    "sms": {"available": false, "reason": "no_mobile_number"}, "ntfy": {"available": false, "reason": "not_configured"}}))]
pub struct Ways {
    /// Mail.
    pub email: EmailChannel,
    /// Text messages.
    pub sms: Channel,
    /// Pushes.
    pub ntfy: Channel,
}

/// Says which channels reach the caller.
#[utoipa::path(get, path = "/api/notifications/channels", responses(
    (status = 200, description = "The channels, each with what is missing", body = Ways)))]
pub async fn get_channels(by: User) -> Result<Json<Ways>> {
    let stored = store::stored(by.db(), by.me().id()).await?;
    Ok(Json(ways(&by, &stored).await?))
}

/// The ways to a person.
pub async fn ways(by: &User, stored: &Stored) -> Result<Ways> {
    let modules = modules::all(by.app(), by.db()).await?;
    let module = |slug| modules.iter().find(|module| module.slug == slug);
    let sms = module(Slug::Sms);
    let is_sms_ready = sms.map_or(Ok(false), |module| module.is_ready(by.app()))?;
    let country = sms.map(|module| module.value("default_country_code")).unwrap_or_default();
    let mobile = by.me().user.mobile_phone.as_deref().unwrap_or_default();
    let has_number = number(mobile, country.as_str().unwrap_or_default()).is_some();
    let reason = |is_ready: bool, has_target: bool, missing: &'static str| match (is_ready, has_target) {
        (false, _) => Some("not_configured"),
        (true, false) => Some(missing),
        (true, true) => None,
    };
    let sms = reason(is_sms_ready, has_number, "no_mobile_number");
    let is_on = module(Slug::Ntfy).is_some_and(|module| module.enabled);
    let ntfy = reason(is_on, stored.times.ntfy_topic.is_some(), "no_topic");
    Ok(Ways {
        email: EmailChannel {
            available: !matches!(by.app().mail(), Backend::Off) && !stored.has_bounced,
            address: by.me().user.email.clone(),
        },
        sms: Channel { available: sms.is_none(), reason: sms },
        ntfy: Channel { available: ntfy.is_none(), reason: ntfy },
    })
}
