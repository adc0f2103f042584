//! What changes about a ticket, and how people read it afterwards.

use serde_json::{Map, Value};
use shared::web::Patch;

use super::link::told_link;
use super::tag::told_tags;
use super::{Priority, Status};

/// A partial change: what is absent stays, null clears.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// One line.
    pub subject: Option<String>,
    /// Plain text.
    pub description: Patch<String>,
    /// Where it stands.
    pub status: Option<Status>,
    /// How much it matters.
    pub priority: Option<Priority>,
    /// Free text.
    pub category: Patch<String>,
    /// Slug of a module of the catalogue.
    pub module_slug: Patch<String>,
    /// Whom it is for.
    pub company_id: Patch<i64>,
    /// Who asks.
    pub requester_id: Patch<i64>,
    /// Who works on it.
    pub assigned_user_id: Patch<i64>,
    /// Id in another system.
    pub external_reference: Patch<String>,
    /// All tags that the ticket has from now on.
    pub tags: Option<Vec<String>>,
    /// The version that was looked at.
    pub version: Option<i64>,
}

impl Change {
    /// A change of status and nothing else.
    pub fn to(status: Status) -> Self {
        Self { status: Some(status), ..Self::default() }
    }
}

/// What differs between two sets of facts: `{"status": ["open", "resolved"]}`.
pub fn differences(before: &Map<String, Value>, after: &Map<String, Value>) -> Map<String, Value> {
    let changed = after.iter().filter(|(name, value)| before.get(*name) != Some(value));
    changed
        .map(|(name, value)| {
            let old = before.get(name).cloned().unwrap_or_default();
            (name.clone(), Value::Array(vec![old, value.clone()]))
        })
        .collect()
}

/// The facts that are told, in the order in which they are told.
const TOLD: [&str; 9] = [
    "status",
    "priority",
    "assigned_name",
    "requester_name",
    "company_name",
    "category",
    "subject",
    "description",
    "tags",
];

/// A change as a sentence without its subject: "set priority to High".
pub fn describe(kind: &str, changes: &str) -> Option<String> {
    let changes: Map<String, Value> = serde_json::from_str(changes).unwrap_or_default();
    match kind {
        "updated" => {
            let told: Vec<String> = TOLD
                .iter()
                .filter_map(|name| {
                    let change = changes.get(*name)?;
                    if *name == "tags" {
                        return Some(told_tags(change.get(0), change.get(1)));
                    }
                    Some(sentence(name, change.get(1)?.as_str()))
                })
                .collect();
            Some(if told.is_empty() { "changed the details".to_owned() } else { told.join(", ") })
        }
        "watchers" => Some("changed who watches".to_owned()),
        "file_removed" => {
            let name = changes.get("file").and_then(|f| f.get(0)).and_then(Value::as_str).unwrap_or("a file");
            Some(format!("removed {name}"))
        }
        kind => told_link(kind, &changes),
    }
}

fn sentence(name: &str, new: Option<&str>) -> String {
    match (name, new) {
        ("status", Some(new)) => format!("set status to {}", Status::stored(new).label()),
        ("priority", Some(new)) => format!("set priority to {}", Priority::stored(new).label()),
        ("assigned_name", Some(new)) => format!("assigned it to {new}"),
        ("assigned_name", None) => "assigned it to nobody".to_owned(),
        ("requester_name", Some(new)) => format!("made {new} the requester"),
        ("requester_name", None) => "removed the requester".to_owned(),
        ("company_name", Some(new)) => format!("moved it to {new}"),
        ("company_name", None) => "removed the company".to_owned(),
        ("category", Some(new)) => format!("set category to {new}"),
        ("category", None) => "removed the category".to_owned(),
        ("subject", Some(new)) => format!("changed the subject to “{new}”"),
        _ => format!("changed the {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn only_what_differs_is_kept() {
        let before = map(&json!({"status": "open", "priority": "low", "category": null}));
        let after = map(&json!({"status": "resolved", "priority": "low", "category": "Printing"}));
        let expected = json!({"status": ["open", "resolved"], "category": [null, "Printing"]});
        assert_eq!(Value::Object(differences(&before, &after)), expected);
        assert!(differences(&after, &after).is_empty());
    }

    #[test]
    fn changes_read_as_sentences() {
        let told = |value: Value| describe("updated", &value.to_string()).unwrap();
        assert_eq!(told(json!({"priority": ["low", "high"]})), "set priority to High");
        assert_eq!(
            told(json!({"assigned_user_id": [1, null], "assigned_name": ["Ben", null], "status": ["open", "pending"]})),
            "set status to Pending, assigned it to nobody"
        );
        assert_eq!(told(json!({"tags": [["a"], ["a", "vip"]]})), "added the tag vip");
        assert_eq!(told(json!({"external_reference": [null, "SYN-1"]})), "changed the details");
        assert_eq!(describe("created", "{}"), None);
        assert_eq!(describe("updated", "not json").unwrap(), "changed the details");
    }
}
