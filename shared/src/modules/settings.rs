//! The settings of each module as types. Secrets are not among them: `Module::secret` opens one.

use serde::Deserialize;

/// Ollama.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each field is the setting of its name, described in the catalogue")]
pub struct Ollama {
    pub base_url: String,
    pub model: String,
    pub prompt: String,
    pub timeout_seconds: u64,
    pub embedding_model: String,
    pub include_emails: bool,
}

/// SMTP Relay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each field is the setting of its name, described in the catalogue")]
pub struct Smtp {
    pub from_address: String,
    pub default_recipients: Vec<String>,
    pub subject_prefix: String,
}

/// Tactical RMM.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each field is the setting of its name, described in the catalogue")]
pub struct TacticalRmm {
    pub base_url: String,
    pub verify_ssl: bool,
}

/// ntfy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each field is the setting of its name, described in the catalogue")]
pub struct Ntfy {
    pub base_url: String,
    pub topic: String,
}

/// ChatGPT MCP.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each field is the setting of its name, described in the catalogue")]
pub struct ChatGptMcp {
    pub allowed_actions: Vec<String>,
    pub max_results: i64,
    pub allow_ticket_updates: bool,
    pub allowed_statuses: Vec<String>,
    pub system_user_id: Option<i64>,
    pub allow_author_override: bool,
    pub expose_internal_notes: bool,
    /// None: all companies.
    pub company_ids: Vec<i64>,
    pub allowed_origins: Vec<String>,
}

/// Syncro.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each field is the setting of its name, described in the catalogue")]
pub struct Syncro {
    pub base_url: String,
}

impl Syncro {
    /// Where its API lies.
    pub fn api(&self) -> String {
        let base = self.base_url.trim_end_matches('/');
        if base.ends_with("/api/v1") { base.to_owned() } else { format!("{base}/api/v1") }
    }
}

/// SMS gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each field is the setting of its name, described in the catalogue")]
pub struct Sms {
    pub endpoint: String,
    pub default_country_code: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syncro_s_api_is_found_from_either_address() {
        for base in ["https://acme.syncromsp.com", "https://acme.syncromsp.com/", "https://acme.syncromsp.com/api/v1"] {
            assert_eq!(Syncro { base_url: base.to_owned() }.api(), "https://acme.syncromsp.com/api/v1");
        }
    }
}
