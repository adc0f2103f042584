//! The trail of changes: who did what, from where, before and after. The worker seals its lines into a
//! chain (`chain`, `seal`), and `verify` tells whether anybody has touched it since.

mod chain;
mod names;
mod seal;
mod verify;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::db::{Sql, Tx, sql};
use crate::error::Result;

pub use chain::Broken;
pub(crate) use seal::{retention_job, seal_job};
pub use seal::{seal_batch, sign_again};
pub use verify::{Anchor, Verified, verify};

/// Who acts, as the trail will name them.
#[derive(Debug, Clone, Default)]
pub struct Stamp {
    /// The person, if one acts.
    pub user_id: Option<i64>,
    /// The person's address at the time.
    pub user_email: Option<String>,
    /// The company the person works in.
    pub company_id: Option<i64>,
    /// The API key, if one acts.
    pub api_key_id: Option<i64>,
    /// The preview of the key, never the key.
    pub api_key: Option<String>,
    /// Where the request came from.
    pub ip_address: Option<String>,
    /// The request, as the logs name it.
    pub request_id: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

impl Stamp {
    /// The product itself acts: a job, the command line.
    pub fn system(at: DateTime<Utc>) -> Self {
        Self { at, ..Self::default() }
    }
}

/// One line of the trail.
#[derive(Debug, Clone)]
pub struct Change {
    action: &'static str,
    entity_type: &'static str,
    entity_id: Option<i64>,
    label: Option<String>,
    company_id: Option<i64>,
    user: Option<(i64, String)>,
    before: Option<Value>,
    after: Option<Value>,
    metadata: Map<String, Value>,
}

/// The longest value that is kept, in bytes.
const MAX_VALUE: usize = 64 * 1024;

impl Change {
    /// A change of one thing; the action is `area.verb`.
    pub fn new(action: &'static str, entity_type: &'static str, entity_id: i64) -> Self {
        Self {
            action,
            entity_type,
            entity_id: Some(entity_id),
            label: None,
            company_id: None,
            user: None,
            before: None,
            after: None,
            metadata: Map::new(),
        }
    }

    /// A change of many things of a kind, or of none in particular: an export, a purge.
    pub fn of_many(action: &'static str, entity_type: &'static str) -> Self {
        Self { entity_id: None, ..Self::new(action, entity_type, 0) }
    }

    /// The readable name of the thing, kept when the thing is gone.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// The company the thing belongs to.
    #[must_use]
    pub fn company(mut self, company: Option<i64>) -> Self {
        self.company_id = company.or(self.company_id);
        self
    }

    /// Names the person who acts, where nobody is signed in yet: registration, sign-in, reset.
    #[must_use]
    pub fn by(mut self, user_id: i64, email: &str) -> Self {
        self.user = Some((user_id, email.to_owned()));
        self
    }

    /// Values before the change; secrets are masked by name.
    #[must_use]
    pub fn before(mut self, value: impl Serialize) -> Self {
        self.before = serde_json::to_value(value).ok().map(masked);
        self
    }

    /// Values after the change; secrets are masked by name.
    #[must_use]
    pub fn after(mut self, value: impl Serialize) -> Self {
        self.after = serde_json::to_value(value).ok().map(masked);
        self
    }

    /// Keeps of both sides only what differs.
    #[must_use]
    pub fn changed(self, before: impl Serialize, after: impl Serialize) -> Self {
        let (mut old, mut new) = (self_object(before), self_object(after));
        let same: Vec<String> = old.iter().filter(|(k, v)| new.get(*k) == Some(v)).map(|(k, _)| k.clone()).collect();
        for name in same {
            old.remove(&name);
            new.remove(&name);
        }
        self.before(old).after(new)
    }

    /// Anything else that explains the change.
    #[must_use]
    pub fn meta(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.metadata.insert(name.to_owned(), value.into());
        self
    }
}

fn self_object(value: impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// Replaces what must never be kept, by the name of its key (organisation 9.1).
pub fn masked(value: Value) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .map(|(name, value)| if is_secret(&name) { (name, "[redacted]".into()) } else { (name, masked(value)) })
            .collect(),
        Value::Array(list) => list.into_iter().map(masked).collect(),
        other => other,
    }
}

fn is_secret(name: &str) -> bool {
    const NAMES: [&str; 7] = ["password", "token", "api_key", "secret", "code", "verification_code", "recovery_codes"];
    const ENDINGS: [&str; 5] = ["_password", "_token", "_secret", "_hash", "_api_key"];
    let name = name.to_ascii_lowercase();
    NAMES.contains(&name.as_str()) || ENDINGS.iter().any(|ending| name.ends_with(ending))
}

fn limited(value: Option<Value>) -> Option<String> {
    let text = value.filter(|v| !v.is_null())?.to_string();
    if text.len() <= MAX_VALUE { Some(text) } else { Some(r#"{"_cut":"longer than 64 KiB"}"#.to_owned()) }
}

/// Lines written by one statement; 15 values each.
const AT_ONCE: usize = 50;

const ROW: &str = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
const NEXT_ROW: &str = ", (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// Writes the lines inside the transaction of the changes. Full batches share one statement; the rest is
/// written a line at a time, so that the statement cache holds two texts and not fifty.
pub(crate) async fn write(tx: &mut Tx, changes: Vec<Change>) -> Result<()> {
    let mut rest = changes.into_iter();
    loop {
        let size = if rest.len() >= AT_ONCE { AT_ONCE } else { 1 };
        let batch: Vec<Change> = rest.by_ref().take(size).collect();
        if batch.is_empty() {
            return Ok(());
        }
        write_batch(tx, batch).await?;
    }
}

async fn write_batch(tx: &mut Tx, batch: Vec<Change>) -> Result<()> {
    let mut query = sql("INSERT INTO audit_logs (created_at, user_id, user_email, company_id, action, entity_type, \
         entity_id, entity_label, previous_value, new_value, metadata, api_key_id, api_key, ip_address, request_id) \
         VALUES ");
    for (index, change) in batch.into_iter().enumerate() {
        query = bind(query.push(if index == 0 { ROW } else { NEXT_ROW }), tx.stamp().clone(), change);
    }
    query.execute(tx).await?;
    Ok(())
}

fn bind(query: Sql, stamp: Stamp, change: Change) -> Sql {
    let (user_id, email) = match change.user {
        Some((id, email)) => (Some(id), Some(email)),
        None => (stamp.user_id, stamp.user_email),
    };
    let metadata = (!change.metadata.is_empty()).then(|| masked(Value::Object(change.metadata)));
    query
        .bind(stamp.at)
        .bind(user_id)
        .bind(email)
        .bind(change.company_id.or(stamp.company_id))
        .bind(change.action)
        .bind(change.entity_type)
        .bind(change.entity_id)
        .bind(change.label.map(|label| label.chars().take(255).collect::<String>()))
        .bind(limited(change.before))
        .bind(limited(change.after))
        .bind(limited(metadata))
        .bind(stamp.api_key_id)
        .bind(stamp.api_key)
        .bind(stamp.ip_address)
        .bind(stamp.request_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_by_name_and_postcodes_are_not() {
        let value =
            masked(serde_json::json!({"password": "x", "reset_token": "y", "postcode": "AB1", "a": [{"secret": 1}]}));
        assert_eq!(value["password"], "[redacted]");
        assert_eq!(value["reset_token"], "[redacted]");
        assert_eq!(value["postcode"], "AB1");
        assert_eq!(value["a"][0]["secret"], "[redacted]");
    }

    #[test]
    fn only_what_differs_is_kept() {
        let change = Change::new("user.updated", "user", 1)
            .changed(serde_json::json!({"a": 1, "b": 2}), serde_json::json!({"a": 1, "b": 3}));
        assert_eq!(change.before, Some(serde_json::json!({"b": 2})));
        assert_eq!(change.after, Some(serde_json::json!({"b": 3})));
    }
}
