//! A line of the trail, and what narrows the trail.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::error::Invalid;
use utoipa::{IntoParams, ToSchema};

use super::diff::{changes, parsed};

/// A line as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "columns of audit_logs, organisation 9.1")]
pub struct Row {
    pub id: i64,
    pub created_at: DateTime<Utc>,
    pub user_id: Option<i64>,
    pub user_email: Option<String>,
    pub company_id: Option<i64>,
    pub company_name: Option<String>,
    pub action: String,
    pub entity_type: Option<String>,
    pub entity_id: Option<i64>,
    pub entity_label: Option<String>,
    pub previous_value: Option<String>,
    pub new_value: Option<String>,
    pub metadata: Option<String>,
    pub api_key_id: Option<i64>,
    pub api_key: Option<String>,
    pub ip_address: Option<String>,
    pub request_id: Option<String>,
    pub chain_seq: Option<i64>,
    pub row_hash: Option<String>,
}

/// A line of the trail.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": 812, "user_id": 1, "user_email": "ana@example.com", "company_id": 4,
    "action": "company.updated", "entity_type": "company", "entity_id": 4, "entity_label": "Northwind Dental",
    "previous_value": {"is_vip": false}, "new_value": {"is_vip": true}, "metadata": null, "api_key_id": null,
    "api_key": null, "ip_address": "203.0.113.10", "request_id": "0192f3c1", "chain_seq": 812,
    "row_hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "created_at": "2026-11-23T09:12:00Z"}))]
pub struct AuditLog {
    /// Number of the line.
    pub id: i64,
    /// Who acted; null for the product itself and for keys.
    pub user_id: Option<i64>,
    /// Their address at the time.
    pub user_email: Option<String>,
    /// The company it belongs to.
    pub company_id: Option<i64>,
    /// `area.verb`.
    pub action: String,
    /// What kind of thing was changed.
    pub entity_type: Option<String>,
    /// Which one.
    pub entity_id: Option<i64>,
    /// Its name at the time.
    pub entity_label: Option<String>,
    /// Before, changed fields only.
    #[schema(value_type = Option<Object>)]
    pub previous_value: Option<Value>,
    /// After, changed fields only.
    #[schema(value_type = Option<Object>)]
    pub new_value: Option<Value>,
    /// What else explains it.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Value>,
    /// The key that acted.
    pub api_key_id: Option<i64>,
    /// First characters of the key, never the key.
    pub api_key: Option<String>,
    /// Where it came from.
    pub ip_address: Option<String>,
    /// The request, as the logs name it.
    pub request_id: Option<String>,
    /// Its position in the sealed chain; null until the worker has sealed it.
    pub chain_seq: Option<i64>,
    /// Its digest in the chain.
    pub row_hash: Option<String>,
    /// When.
    pub created_at: DateTime<Utc>,
}

impl From<Row> for AuditLog {
    fn from(row: Row) -> Self {
        Self {
            previous_value: parsed(row.previous_value.as_ref()),
            new_value: parsed(row.new_value.as_ref()),
            metadata: parsed(row.metadata.as_ref()),
            id: row.id,
            user_id: row.user_id,
            user_email: row.user_email,
            company_id: row.company_id,
            action: row.action,
            entity_type: row.entity_type,
            entity_id: row.entity_id,
            entity_label: row.entity_label,
            api_key_id: row.api_key_id,
            api_key: row.api_key,
            ip_address: row.ip_address,
            request_id: row.request_id,
            chain_seq: row.chain_seq,
            row_hash: row.row_hash,
            created_at: row.created_at,
        }
    }
}

/// A line in the list of the page.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "columns of organisation 9.3")]
pub struct Line {
    pub id: i64,
    pub created_at: DateTime<Utc>,
    pub actor: String,
    pub action: String,
    pub entity: String,
    pub company: Option<String>,
    pub company_id: Option<i64>,
    pub ip_address: Option<String>,
    pub fields: Vec<String>,
}

impl From<Row> for Line {
    fn from(row: Row) -> Self {
        Self {
            actor: actor(&row),
            entity: entity(&row),
            fields: field_names(&row),
            id: row.id,
            created_at: row.created_at,
            action: row.action,
            company_id: row.company_id,
            company: row.company_name.or_else(|| row.company_id.map(|id| format!("Company {id}"))),
            ip_address: row.ip_address,
        }
    }
}

/// Who acted, in words.
pub fn actor(row: &Row) -> String {
    match (&row.user_email, row.user_id, &row.api_key) {
        (Some(email), ..) => email.clone(),
        (None, Some(id), _) => format!("User {id}"),
        (None, None, Some(key)) => format!("API key {key}"),
        (None, None, None) => "System".to_owned(),
    }
}

/// What was changed, in words.
pub fn entity(row: &Row) -> String {
    let kind = row.entity_type.as_deref().unwrap_or_default().replace('_', " ");
    let name = row.entity_label.clone().or_else(|| row.entity_id.map(|id| id.to_string()));
    format!("{kind} {}", name.unwrap_or_default()).trim().to_owned()
}

fn field_names(row: &Row) -> Vec<String> {
    let changes = changes(row.previous_value.as_ref(), row.new_value.as_ref());
    changes.into_iter().map(|change| change.field).collect()
}

/// What narrows the trail.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct Filter {
    /// The exact action, or every action that begins so when it ends with a dot.
    #[param(example = "company.")]
    pub action: Option<String>,
    /// What kind of thing, at most 100 characters.
    #[param(example = "company")]
    pub entity_type: Option<String>,
    /// Which one.
    #[param(minimum = 1)]
    pub entity_id: Option<i64>,
    /// Who acted, by number.
    #[param(minimum = 1)]
    pub user_id: Option<i64>,
    /// Who acted, by a part of the address.
    pub actor: Option<String>,
    /// The company.
    #[param(minimum = 1)]
    pub company_id: Option<i64>,
    /// The key that acted.
    #[param(minimum = 1)]
    pub api_key_id: Option<i64>,
    /// The exact address it came from.
    pub ip: Option<String>,
    /// A part of the action or of the name of what was changed.
    pub q: Option<String>,
    /// From this day or time on, UTC.
    #[param(example = "2026-11-01")]
    pub from: Option<String>,
    /// Up to the end of this day, or up to this time, UTC.
    #[param(example = "2026-11-30")]
    pub to: Option<String>,
}

/// A filter whose values have been read.
#[derive(Debug, Clone, Default)]
pub struct Narrowed {
    /// As typed.
    pub filter: Filter,
    /// Not before.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub until: Option<DateTime<Utc>>,
}

impl Filter {
    /// Refuses what means nothing.
    pub fn narrowed(self) -> Result<Narrowed, Invalid> {
        let mut bad = Invalid::none();
        let from = bad.check("from", moment(self.from.as_deref(), false)).flatten();
        let until = bad.check("to", moment(self.to.as_deref(), true)).flatten();
        if self.entity_type.as_ref().is_some_and(|kind| kind.chars().count() > 100) {
            bad.add("entity_type", "Use at most 100 characters");
        }
        let numbers = [
            ("entity_id", self.entity_id),
            ("user_id", self.user_id),
            ("company_id", self.company_id),
            ("api_key_id", self.api_key_id),
        ];
        for (name, _) in numbers.iter().filter(|(_, id)| id.is_some_and(|id| id < 1)) {
            bad.add(name, "Enter a whole number of 1 or more");
        }
        bad.finish()?;
        Ok(Narrowed { filter: self, from, until })
    }
}

/// A day or a time; a day that ends a range counts whole.
pub fn moment(text: Option<&str>, is_end: bool) -> Result<Option<DateTime<Utc>>, &'static str> {
    let Some(text) = text else { return Ok(None) };
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(Some(at.with_timezone(&Utc)));
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| "Enter a date such as 2026-11-23")?;
    let day = if is_end { day.checked_add_signed(TimeDelta::days(1)).unwrap_or(day) } else { day };
    Ok(day.and_hms_opt(0, 0, 0).map(|at| at.and_utc()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row {
            id: 1,
            created_at: DateTime::default(),
            user_id: None,
            user_email: None,
            company_id: None,
            company_name: None,
            action: "company.updated".to_owned(),
            entity_type: Some("company_membership".to_owned()),
            entity_id: Some(7),
            entity_label: None,
            previous_value: None,
            new_value: None,
            metadata: None,
            api_key_id: None,
            api_key: None,
            ip_address: None,
            request_id: None,
            chain_seq: None,
            row_hash: None,
        }
    }

    #[test]
    fn lines_speak_in_words() {
        let line = row();
        assert_eq!((actor(&line).as_str(), entity(&line).as_str()), ("System", "company membership 7"));
        assert_eq!(actor(&Row { api_key: Some("mp_abcd1234".to_owned()), ..line }), "API key mp_abcd1234");
    }

    #[test]
    fn days_count_whole() {
        let filter =
            Filter { from: Some("2026-11-01".to_owned()), to: Some("2026-11-01".to_owned()), ..Filter::default() };
        let narrowed = filter.narrowed().unwrap();
        assert_eq!((narrowed.until.unwrap() - narrowed.from.unwrap()).num_hours(), 24);
        let bad = Filter { from: Some("yesterday".to_owned()), user_id: Some(0), ..Filter::default() };
        assert_eq!(bad.narrowed().unwrap_err().iter().count(), 2);
    }
}
