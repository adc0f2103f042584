//! What programs and the form send to make and to change a task.

use serde::Deserialize;
use shared::config::Config;
use shared::web::Patch;
use utoipa::ToSchema;

use super::Draft;

/// A new task. Names may also be written with underscores.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
#[schema(example = json!({"name": "Clean up history", "command": "cleanup_history", "cron": "30 3 * * *",
    "timezone": "Europe/London", "maxRetries": 2}))]
pub struct TaskCreate {
    /// 1 to 255 characters.
    pub name: String,
    /// From the catalogue.
    pub command: String,
    /// Five fields, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.
    pub cron: String,
    /// IANA name; the portal's schedule zone when left out.
    pub timezone: Option<String>,
    /// One company; all when left out.
    #[serde(alias = "company_id")]
    pub company_id: Option<i64>,
    /// What it is for.
    pub description: Option<String>,
    /// True when left out.
    pub active: Option<bool>,
    /// 0 to 10; 0 when left out.
    #[serde(alias = "max_retries")]
    pub max_retries: Option<i64>,
    /// 30 to 86,400; 300 when left out.
    #[serde(alias = "retry_backoff_seconds")]
    pub retry_backoff_seconds: Option<i64>,
    /// 30 to 3,600; 900 when left out.
    #[serde(alias = "timeout_seconds")]
    pub timeout_seconds: Option<i64>,
}

impl TaskCreate {
    /// With the defaults where nothing was said.
    pub fn draft(self, config: &Config) -> Draft {
        let blank = Draft::blank(config);
        Draft {
            name: self.name,
            command: self.command,
            cron: self.cron,
            timezone: self.timezone.unwrap_or(blank.timezone),
            company_id: self.company_id,
            description: self.description,
            active: self.active.unwrap_or(true),
            max_retries: self.max_retries.unwrap_or(blank.max_retries),
            retry_backoff_seconds: self.retry_backoff_seconds.unwrap_or(blank.retry_backoff_seconds),
            timeout_seconds: self.timeout_seconds.unwrap_or(blank.timeout_seconds),
        }
    }
}

/// A change: what is left out stays, null clears the company and the description.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"cron": "0 4 * * *", "companyId": null}))]
pub struct TaskUpdate {
    /// 1 to 255 characters.
    pub name: Option<String>,
    /// From the catalogue.
    pub command: Option<String>,
    /// Five fields.
    pub cron: Option<String>,
    /// IANA name.
    pub timezone: Option<String>,
    /// One company; null for all.
    #[serde(default, alias = "company_id")]
    #[schema(value_type = Option<i64>)]
    pub company_id: Patch<i64>,
    /// Null clears it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub description: Patch<String>,
    /// Runs by itself.
    pub active: Option<bool>,
    /// 0 to 10.
    #[serde(alias = "max_retries")]
    pub max_retries: Option<i64>,
    /// 30 to 86,400.
    #[serde(alias = "retry_backoff_seconds")]
    pub retry_backoff_seconds: Option<i64>,
    /// 30 to 3,600.
    #[serde(alias = "timeout_seconds")]
    pub timeout_seconds: Option<i64>,
}

impl TaskUpdate {
    /// What is said, over what is stored.
    pub fn over(self, stored: Draft) -> Draft {
        Draft {
            name: self.name.unwrap_or(stored.name),
            command: self.command.unwrap_or(stored.command),
            cron: self.cron.unwrap_or(stored.cron),
            timezone: self.timezone.unwrap_or(stored.timezone),
            company_id: self.company_id.change().unwrap_or(stored.company_id),
            description: self.description.change().unwrap_or(stored.description),
            active: self.active.unwrap_or(stored.active),
            max_retries: self.max_retries.unwrap_or(stored.max_retries),
            retry_backoff_seconds: self.retry_backoff_seconds.unwrap_or(stored.retry_backoff_seconds),
            timeout_seconds: self.timeout_seconds.unwrap_or(stored.timeout_seconds),
        }
    }
}

/// On or off.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[schema(example = json!({"active": true}))]
pub struct Activation {
    /// Whether the task runs by itself.
    pub active: bool,
}

/// The form of a task, as typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(missing_docs, reason = "fields of the form, documented at TaskCreate")]
pub struct Typed {
    pub name: String,
    pub command: String,
    pub cron: String,
    pub timezone: String,
    pub company_id: String,
    pub description: String,
    pub active: String,
    pub max_retries: String,
    pub retry_backoff_seconds: String,
    pub timeout_seconds: String,
    pub version: String,
}

impl Typed {
    /// The draft; text that is no number is refused with everything else that is wrong.
    pub fn draft(&self) -> Draft {
        // A number no range admits, so that the check names the field.
        let number = |text: &str| text.trim().parse().unwrap_or(-1);
        Draft {
            name: self.name.clone(),
            command: self.command.clone(),
            cron: self.cron.clone(),
            timezone: self.timezone.clone(),
            company_id: Some(self.company_id.trim()).filter(|text| !text.is_empty()).map(number),
            description: Some(self.description.clone()),
            active: !matches!(self.active.as_str(), "" | "false"),
            max_retries: number(&self.max_retries),
            retry_backoff_seconds: number(&self.retry_backoff_seconds),
            timeout_seconds: number(&self.timeout_seconds),
        }
    }
}
