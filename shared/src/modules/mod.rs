//! Connections to other systems: which exist, how they are set up, and their secrets (automation 5).
//!
//! `find` gives one module with what is effective: what somebody chose, else the environment, else the
//! default. `Module::settings` reads it as a type of [`settings`], `Module::secret` opens a secret.

pub mod call;
mod catalogue;
mod edit;
mod field;
mod mcp;
pub mod settings;

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::Url;

pub use catalogue::{CATALOGUE, Entry};
pub use edit::{Edit, note_test, save};
pub use field::{Field, Kind, is_blank};
pub use mcp::SHARED_SECRET_HASH;

use crate::app::App;
use crate::config::Config;
use crate::db::{At, sql};
use crate::error::{Error, Result};
use crate::outbound::Allow;

/// What stands in place of a secret that is set.
pub const MASK: &str = "********";

/// A module of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the module of its name")]
pub enum Slug {
    ChatGptMcp,
    Ntfy,
    Ollama,
    Sms,
    Smtp,
    Syncro,
    TacticalRmm,
}

impl Slug {
    /// As stored and in addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ChatGptMcp => "chatgpt-mcp",
            Self::Ntfy => "ntfy",
            Self::Ollama => "ollama",
            Self::Sms => "sms",
            Self::Smtp => "smtp",
            Self::Syncro => "syncro",
            Self::TacticalRmm => "tacticalrmm",
        }
    }

    /// The module of a name, if there is one.
    pub fn parse(text: &str) -> Option<Self> {
        CATALOGUE.iter().map(|entry| entry.slug).find(|slug| slug.as_str() == text)
    }

    /// What the code says about it.
    pub fn entry(self) -> &'static Entry {
        let found = CATALOGUE.iter().find(|entry| entry.slug == self);
        // A test holds the catalogue against the slugs.
        found.unwrap_or(&CATALOGUE[0])
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The variables of the environment that settings fall back to.
pub fn variables() -> impl Iterator<Item = &'static str> {
    CATALOGUE.iter().flat_map(|entry| entry.fields).map(|field| field.variable).filter(|name| !name.is_empty())
}

/// What became of the last test.
#[derive(Debug, Clone, Serialize)]
pub struct Tested {
    /// When it ended, or began while it is running.
    pub at: DateTime<Utc>,
    /// `running`, `ok` or `error`.
    pub status: String,
    /// One line.
    pub message: String,
    /// What it found out.
    pub details: Value,
}

/// A module as it is set up.
#[derive(Debug, Clone)]
pub struct Module {
    /// Row of `integration_modules`.
    pub id: i64,
    /// Which one.
    pub slug: Slug,
    /// Whether it may be used. Ask [`Module::is_ready`] before doing so.
    pub enabled: bool,
    /// Counts edits.
    pub version: i64,
    /// The last test.
    pub tested: Option<Tested>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was edited.
    pub updated_at: DateTime<Utc>,
    chosen: Map<String, Value>,
    effective: Map<String, Value>,
    sealed: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    slug: String,
    enabled: bool,
    settings: String,
    secrets: Option<String>,
    last_test_at: Option<DateTime<Utc>>,
    last_test_status: Option<String>,
    last_test_message: Option<String>,
    last_test_details: Option<String>,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

const COLUMNS: &str = "SELECT id, slug, enabled, settings, secrets, last_test_at, last_test_status, \
    last_test_message, last_test_details, version, created_at, updated_at FROM integration_modules";

/// One module.
pub async fn find(app: &App, at: impl Into<At<'_>>, slug: Slug) -> Result<Module> {
    let row: Option<Row> = sql(COLUMNS).push(" WHERE slug = ?").bind(slug.as_str()).fetch_optional(at).await?;
    let row = row.ok_or_else(|| anyhow::anyhow!("the row of module {slug} is gone"))?;
    Module::read(app, slug, row)
}

/// All modules, by name.
pub async fn all(app: &App, at: impl Into<At<'_>>) -> Result<Vec<Module>> {
    let rows: Vec<Row> = sql(COLUMNS).push(" ORDER BY id LIMIT 100").fetch_all(at).await?;
    let known = rows.into_iter().filter_map(|row| Some((Slug::parse(&row.slug)?, row)));
    let mut modules: Vec<Module> = known.map(|(slug, row)| Module::read(app, slug, row)).collect::<Result<_>>()?;
    modules.sort_by_key(|module| module.slug.entry().name.to_lowercase());
    Ok(modules)
}

impl Module {
    fn read(app: &App, slug: Slug, row: Row) -> Result<Self> {
        let chosen: Map<String, Value> = serde_json::from_str(&row.settings)?;
        let effective = effective(slug, &chosen, app.config());
        let tested = row.last_test_at.map(|at| Tested {
            at,
            status: row.last_test_status.unwrap_or_default(),
            message: row.last_test_message.unwrap_or_default(),
            details: row.last_test_details.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
        });
        let mut module = Self {
            id: row.id,
            slug,
            enabled: row.enabled,
            version: row.version,
            tested,
            created_at: row.created_at,
            updated_at: row.updated_at,
            chosen,
            effective,
            sealed: row.secrets,
        };
        if module.version == 0 && slug.entry().is_on_when_set {
            module.enabled = module.missing(app)?.is_empty();
        }
        Ok(module)
    }

    /// What the code says about it.
    pub fn entry(&self) -> &'static Entry {
        self.slug.entry()
    }

    /// The settings as a type, without secrets.
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T> {
        Ok(serde_json::from_value(Value::Object(self.effective.clone()))?)
    }

    /// One setting.
    pub fn value(&self, key: &str) -> Value {
        self.effective.get(key).cloned().unwrap_or_default()
    }

    /// A secret, opened; none when it is not set.
    pub fn secret(&self, app: &App, key: &str) -> Result<Option<String>> {
        let chosen = self.open(app)?.get(key).and_then(|value| value.as_str().map(str::to_owned));
        let text = chosen.unwrap_or_else(|| self.fallback_secret(app, key));
        Ok((!text.is_empty()).then_some(text))
    }

    /// The secrets that are set, by the names of their settings.
    pub fn secrets_set(&self, app: &App) -> Result<Vec<&'static str>> {
        let mut set = Vec::new();
        for field in self.entry().fields.iter().filter(|field| field.is_secret) {
            if self.secret(app, mcp::stored_as(field))?.is_some() {
                set.push(field.key);
            }
        }
        Ok(set)
    }

    /// On, and everything is there that it needs.
    pub fn is_ready(&self, app: &App) -> Result<bool> {
        Ok(self.enabled && self.missing(app)?.is_empty())
    }

    /// Required settings that are not set.
    pub fn missing(&self, app: &App) -> Result<Vec<&'static Field>> {
        let set = self.secrets_set(app)?;
        let is_set = |field: &Field| {
            if field.is_secret { set.contains(&field.key) } else { !is_blank(&self.value(field.key)) }
        };
        Ok(self.entry().fields.iter().filter(|field| field.is_required && !is_set(field)).collect())
    }

    /// The settings as callers may see them: secrets that are set are masked.
    pub fn masked(&self, app: &App) -> Result<Map<String, Value>> {
        let set = self.secrets_set(app)?;
        let mut shown = self.effective.clone();
        for field in self.entry().fields.iter().filter(|field| field.is_secret) {
            let mask = if set.contains(&field.key) { MASK } else { "" };
            shown.insert(mcp::stored_as(field).to_owned(), mask.into());
        }
        Ok(shown)
    }

    /// Which internal hosts its calls may reach: only Ollama is usually local, so its own address is
    /// admitted. What the operator admits for every feature is known to the client already.
    pub fn allow(&self) -> Allow {
        let base = self.value("base_url");
        match (self.slug, base.as_str().and_then(|text| Url::parse(text).ok())) {
            (Slug::Ollama, Some(url)) => Allow::hosts(host_and_port(&url)),
            _ => Allow::PublicOnly,
        }
    }

    /// What names the row inside the seal.
    fn context(&self) -> String {
        format!("integration_modules.secrets:{}", self.id)
    }

    fn open(&self, app: &App) -> Result<Map<String, Value>> {
        let Some(sealed) = &self.sealed else { return Ok(Map::new()) };
        let text = app.keyring().open_text(&self.context(), sealed).map_err(|error| {
            Error::Internal(anyhow::anyhow!("the secrets of module {} do not open: {error}", self.slug))
        })?;
        Ok(serde_json::from_str(&text)?)
    }

    fn fallback_secret(&self, app: &App, key: &str) -> String {
        let field = self.entry().fields.iter().find(|field| field.is_secret && mcp::stored_as(field) == key);
        let value = field.map(|field| field.fallback(app.config())).unwrap_or_default();
        value.as_str().unwrap_or_default().to_owned()
    }
}

fn host_and_port(url: &Url) -> Option<String> {
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
}

/// Every setting that is no secret: as chosen, else as the environment or the default has it.
fn effective(slug: Slug, chosen: &Map<String, Value>, config: &Config) -> Map<String, Value> {
    let open = slug.entry().fields.iter().filter(|field| !field.is_secret);
    open.map(|field| {
        let value = chosen.get(field.key).cloned().unwrap_or_else(|| field.fallback(config));
        (field.key.to_owned(), value)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slug_has_one_entry_and_the_table_a_row_for_each() {
        let all = [Slug::ChatGptMcp, Slug::Ntfy, Slug::Ollama, Slug::Sms, Slug::Smtp, Slug::Syncro, Slug::TacticalRmm];
        let schema = crate::db::print_mysql();
        assert_eq!(CATALOGUE.len(), all.len());
        for slug in all {
            assert_eq!(slug.entry().slug, slug);
            assert_eq!(Slug::parse(slug.as_str()), Some(slug));
            assert!(schema.contains(&format!("('{slug}', '{{}}'")), "no migration inserts {slug}");
        }
        assert_eq!(Slug::parse("billing"), None);
    }

    #[test]
    fn defaults_pass_their_own_check() {
        let config = Config::from_source(|_| None).unwrap();
        for field in CATALOGUE.iter().flat_map(|entry| entry.fields) {
            let read = field.read(&field.default.into(), &config);
            assert!(read.is_ok(), "{}: {read:?}", field.key);
        }
    }

    #[test]
    fn the_environment_comes_before_the_default_unless_it_is_nonsense() {
        let config = |url: &'static str| {
            Config::from_source(move |name| (name == "OLLAMA_BASE_URL").then(|| url.to_owned())).unwrap()
        };
        let value = |url| effective(Slug::Ollama, &Map::new(), &config(url))["base_url"].clone();
        assert_eq!(value("http://gpu.lan:11434/"), "http://gpu.lan:11434");
        assert_eq!(value("gpu"), "http://127.0.0.1:11434");
        assert_eq!(value(""), "http://127.0.0.1:11434");
    }
}
