//! What belongs together in the latest lines of the audit trail, across the areas (identity 16.4).

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use shared::db::{Db, sql};
use shared::error::Result;

/// Lines looked at.
const LOOKED_AT: i64 = 250;

/// Groups shown.
const MOST_GROUPS: usize = 25;

/// Events shown of each.
const MOST_EVENTS: usize = 8;

/// Members of the metadata that tie lines together.
const TIES: [&str; 5] = ["api_key_id", "company_id", "webhook_event_id", "task_id", "user_id"];

/// A line of the trail.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Line {
    created_at: DateTime<Utc>,
    user_email: Option<String>,
    action: String,
    entity_type: Option<String>,
    entity_id: Option<i64>,
    metadata: Option<String>,
    api_key: Option<String>,
    ip_address: Option<String>,
}

/// Lines that share a signal.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) signal: String,
    pub(super) services: Vec<String>,
    pub(super) count: usize,
    pub(super) last_at: DateTime<Utc>,
    pub(super) events: Vec<Event>,
}

/// A line as it is shown.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) at: DateTime<Utc>,
    pub(super) action: String,
    pub(super) entity: Option<String>,
    pub(super) service: String,
    pub(super) actor: String,
    pub(super) ip: Option<String>,
    pub(super) metadata: Option<String>,
}

/// The latest lines, newest first.
pub(super) async fn latest(db: &Db) -> Result<Vec<Line>> {
    Ok(sql("SELECT created_at, user_email, action, entity_type, entity_id, metadata, api_key, ip_address \
         FROM audit_logs ORDER BY created_at DESC, id DESC LIMIT ?")
    .bind(LOOKED_AT)
    .fetch_all(db)
    .await?)
}

impl Line {
    fn service(&self) -> &str {
        self.action.split('.').next().unwrap_or_default()
    }

    fn entity(&self) -> Option<String> {
        self.entity_type.as_ref().zip(self.entity_id).map(|(kind, id)| format!("{kind}:{id}"))
    }

    fn signals(&self) -> BTreeSet<String> {
        let metadata: Value = self.metadata.as_deref().and_then(|t| serde_json::from_str(t).ok()).unwrap_or_default();
        let text = |name: &str| match metadata.get(name) {
            Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let ties = TIES.iter().filter_map(|name| text(name).map(|value| format!("{name}:{value}")));
        let addresses = [text("source_ip"), self.ip_address.clone()].into_iter().flatten().map(|ip| format!("ip:{ip}"));
        // The central filter of the trail has masked a key in the metadata; a mask ties nothing together.
        let keys = [text("api_key").filter(|key| key != "[redacted]"), self.api_key.clone()];
        let keys = keys.into_iter().flatten().map(|key| format!("api_key:{key}"));
        self.entity().into_iter().chain(ties).chain(addresses).chain(keys).collect()
    }

    fn event(&self) -> Event {
        Event {
            at: self.created_at,
            action: self.action.clone(),
            entity: self.entity(),
            service: self.service().to_owned(),
            actor: self.user_email.clone().unwrap_or_else(|| match &self.api_key {
                Some(key) => format!("API key {key}"),
                None => "System".to_owned(),
            }),
            ip: self.ip_address.clone(),
            metadata: self.metadata.clone(),
        }
    }
}

/// The services in the lines, by name.
pub(super) fn services(lines: &[Line]) -> Vec<String> {
    let names: BTreeSet<&str> = lines.iter().map(Line::service).filter(|name| !name.is_empty()).collect();
    names.into_iter().map(str::to_owned).collect()
}

/// Groups of two lines and more, newest first. `lines` are newest first.
pub(super) fn groups(lines: &[Line], service: &str, search: &str) -> Vec<Group> {
    let mut by_signal: BTreeMap<String, Vec<&Line>> = BTreeMap::new();
    for line in lines {
        for signal in line.signals() {
            by_signal.entry(signal).or_default().push(line);
        }
    }
    let search = search.trim().to_lowercase();
    let mut groups: Vec<Group> = by_signal
        .into_iter()
        .filter(|(signal, lines)| lines.len() > 1 && signal.to_lowercase().contains(&search))
        .filter(|(_, lines)| service.is_empty() || lines.iter().any(|line| line.service() == service))
        .map(|(signal, lines)| group(signal, &lines))
        .collect();
    groups.sort_by(|a, b| b.last_at.cmp(&a.last_at).then_with(|| a.signal.cmp(&b.signal)));
    groups.truncate(MOST_GROUPS);
    groups
}

fn group(signal: String, lines: &[&Line]) -> Group {
    let services: BTreeSet<&str> = lines.iter().map(|line| line.service()).collect();
    Group {
        signal,
        services: services.into_iter().map(str::to_owned).collect(),
        count: lines.len(),
        last_at: lines.iter().map(|line| line.created_at).max().unwrap_or_default(),
        events: lines.iter().take(MOST_EVENTS).map(|line| line.event()).collect(),
    }
}

/// A group for the samples of the page.
pub(super) fn sample() -> Group {
    let event = Event {
        at: DateTime::default(),
        action: "user.updated".to_owned(),
        entity: Some("user:42".to_owned()),
        service: "user".to_owned(),
        actor: "ana@example.com".to_owned(),
        ip: Some("203.0.113.10".to_owned()),
        metadata: Some("{\"company_id\":4}".to_owned()),
    };
    Group {
        signal: "company_id:4".to_owned(),
        services: vec!["membership".to_owned(), "user".to_owned()],
        count: 2,
        last_at: DateTime::default(),
        events: vec![event.clone(), event],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(minute: i64, action: &str, entity: i64, metadata: &str, ip: &str) -> Line {
        Line {
            created_at: DateTime::from_timestamp(minute * 60, 0).unwrap(),
            user_email: None,
            action: action.to_owned(),
            entity_type: Some("thing".to_owned()),
            entity_id: Some(entity),
            metadata: (!metadata.is_empty()).then(|| metadata.to_owned()),
            api_key: None,
            ip_address: (!ip.is_empty()).then(|| ip.to_owned()),
        }
    }

    fn lines() -> Vec<Line> {
        vec![
            line(5, "tickets.reply", 1, r#"{"company_id": 4}"#, "203.0.113.10"),
            line(4, "webhooks.sent", 2, r#"{"company_id": "4", "source_ip": "203.0.113.10"}"#, ""),
            line(3, "tickets.create", 1, r#"{"api_key": "[redacted]"}"#, ""),
            line(2, "users.update", 3, "not json", "198.51.100.1"),
            line(1, "users.update", 4, r#"{"api_key": "[redacted]"}"#, ""),
        ]
    }

    #[test]
    fn lines_are_tied_by_entity_metadata_and_address() {
        let groups = groups(&lines(), "", "");
        let signals: Vec<&str> = groups.iter().map(|group| group.signal.as_str()).collect();
        assert_eq!(signals, ["company_id:4", "ip:203.0.113.10", "thing:1"]);
        assert_eq!(groups[0].services, ["tickets", "webhooks"]);
        assert_eq!(groups[2].count, 2);
        assert_eq!(groups[0].events[0].actor, "System");
    }

    #[test]
    fn filters_narrow_by_service_and_signal() {
        assert_eq!(groups(&lines(), "webhooks", "").len(), 2);
        assert_eq!(groups(&lines(), "users", "").len(), 0);
        assert_eq!(groups(&lines(), "", "IP:").len(), 1);
        assert_eq!(services(&lines()), ["tickets", "users", "webhooks"]);
    }

    #[test]
    fn long_groups_are_cut() {
        let many: Vec<Line> = (0..40).rev().map(|n| line(n, "users.update", 1, "", "203.0.113.10")).collect();
        let groups = groups(&many, "", "");
        assert_eq!((groups[0].count, groups[0].events.len()), (40, 8));
    }
}
