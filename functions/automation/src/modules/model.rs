//! Modules as programs see them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::app::App;
use shared::error::{Error, Result};
use shared::modules::{Edit, Module, Slug};
use utoipa::ToSchema;

/// A module.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"id": 2, "slug": "ntfy", "name": "ntfy", "description": "Pushes short messages to phones and desktops.",
    "icon": "📣", "enabled": true, "settings": {"base_url": "https://ntfy.sh", "topic": "desk-7f3a", "auth_token": "********"},
    "secret_fields": ["auth_token"], "last_test_at": "2026-11-23T09:12:00Z", "last_test_status": "ok",
    "last_test_message": "The server is healthy and took a test message.", "version": 3,
    "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-11-23T09:10:00Z"}))]
pub struct ModuleOut {
    /// Number.
    pub id: i64,
    /// Name in addresses.
    pub slug: String,
    /// Name for people.
    pub name: String,
    /// One sentence.
    pub description: String,
    /// An emoji.
    pub icon: String,
    /// Whether it may be used.
    pub enabled: bool,
    /// By name; a secret that is set is `********`.
    #[schema(value_type = Object)]
    pub settings: Map<String, Value>,
    /// Secrets that are set.
    pub secret_fields: Vec<String>,
    /// When it was last tried out.
    pub last_test_at: Option<DateTime<Utc>>,
    /// `running`, `ok` or `error`.
    pub last_test_status: Option<String>,
    /// What the test found, in one line.
    pub last_test_message: Option<String>,
    /// Counts edits; send it with a change to notice somebody else's.
    pub version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was edited.
    pub updated_at: DateTime<Utc>,
}

impl ModuleOut {
    /// A module without its secrets.
    pub fn of(app: &App, module: &Module) -> Result<Self> {
        let (entry, tested) = (module.entry(), module.tested.as_ref());
        Ok(Self {
            id: module.id,
            slug: module.slug.to_string(),
            name: entry.name.to_owned(),
            description: entry.description.to_owned(),
            icon: entry.emoji.to_owned(),
            enabled: module.enabled,
            settings: module.masked(app)?,
            secret_fields: module.secrets_set(app)?.into_iter().map(str::to_owned).collect(),
            last_test_at: tested.map(|tested| tested.at),
            last_test_status: tested.map(|tested| tested.status.clone()),
            last_test_message: tested.map(|tested| tested.message.clone()),
            version: module.version,
            created_at: module.created_at,
            updated_at: module.updated_at,
        })
    }
}

/// What is to change; what is absent stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(example = json!({"enabled": true, "settings": {"topic": "desk-7f3a", "auth_token": "tk_secret"}, "clear": [], "version": 3}))]
pub struct ModuleUpdate {
    /// On or off; on wants every required setting.
    pub enabled: Option<bool>,
    /// By name. A secret that is blank, null or `********` stays.
    #[schema(value_type = Object)]
    pub settings: Map<String, Value>,
    /// Settings to be emptied.
    pub clear: Vec<String>,
    /// The version that the change is based on; another one answers 409.
    pub version: Option<i64>,
}

impl From<ModuleUpdate> for Edit {
    fn from(update: ModuleUpdate) -> Self {
        let ModuleUpdate { enabled, settings, clear, version } = update;
        Self { enabled, settings, clear, version }
    }
}

/// What a test found.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"status": "ok", "message": "Ollama 0.12.6 answers and has the model llama3.",
    "details": {"version": "0.12.6", "models": ["llama3:latest"]}}))]
pub struct TestOut {
    /// `ok`, or `running` when it takes longer than the answer may wait.
    pub status: String,
    /// One sentence.
    pub message: String,
    /// Figures and names.
    #[schema(value_type = Object)]
    pub details: Value,
}

/// The module of an address.
pub fn slug(text: &str) -> Result<Slug> {
    Slug::parse(text).ok_or_else(|| Error::not_found("Module not found"))
}
