//! What changed, in words: the two sides of a line laid side by side, field by field.

use serde::Serialize;
use serde_json::{Map, Value};
use shared::audit::masked;

/// One field before and after.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct FieldChange {
    /// Its name, in words.
    pub field: String,
    /// `added`, `removed` or `changed`.
    pub kind: &'static str,
    /// None when it was not there.
    pub before: Option<String>,
    /// None when it is not there any more.
    pub after: Option<String>,
}

/// A text as JSON; what is no JSON is a text.
pub fn parsed(text: Option<&String>) -> Option<Value> {
    let value: Value = serde_json::from_str(text?).unwrap_or_else(|_| Value::String(text.cloned().unwrap_or_default()));
    // Masked when it was written as well; a line of an older release may not have been.
    Some(masked(value))
}

/// The fields of both sides, in the order of their names.
pub fn changes(before: Option<&String>, after: Option<&String>) -> Vec<FieldChange> {
    let (before, after) = (flat(before), flat(after));
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().filter_map(|name| change(name, before.get(name), after.get(name))).collect()
}

fn change(name: &str, before: Option<&Value>, after: Option<&Value>) -> Option<FieldChange> {
    let (before, after) = (before.and_then(shown), after.and_then(shown));
    let kind = match (&before, &after) {
        (None, None) => return None,
        (None, Some(_)) => "added",
        (Some(_), None) => "removed",
        (Some(_), Some(_)) => "changed",
    };
    Some(FieldChange { field: label(name), kind, before, after })
}

/// Names and values of anything else that a line carries.
pub fn facts(text: Option<&String>) -> Vec<(String, String)> {
    flat(text).iter().filter_map(|(name, value)| Some((label(name), shown(value)?))).collect()
}

/// Objects inside objects become names with a dot.
fn flat(text: Option<&String>) -> Map<String, Value> {
    let mut fields = Map::new();
    match parsed(text) {
        None | Some(Value::Null) => {}
        Some(Value::Object(map)) => flatten("", map, &mut fields, 0),
        Some(other) => {
            fields.insert("value".to_owned(), other);
        }
    }
    fields
}

/// Deeper objects stay as they are.
const DEPTH: usize = 3;

fn flatten(before: &str, map: Map<String, Value>, fields: &mut Map<String, Value>, depth: usize) {
    for (name, value) in map {
        let name = if before.is_empty() { name } else { format!("{before}.{name}") };
        match value {
            Value::Object(inner) if depth < DEPTH && !inner.is_empty() => flatten(&name, inner, fields, depth + 1),
            other => {
                fields.insert(name, other);
            }
        }
    }
}

/// `is_vip` is "Is VIP", `staff_permission` "Staff permission".
pub fn label(name: &str) -> String {
    const SHORT: [&str; 9] = ["id", "ip", "vip", "url", "api", "mfa", "sms", "csv", "ai"];
    let mut words = Vec::new();
    for word in name.split(['_', '.', ' ']).filter(|word| !word.is_empty()) {
        words.push(if SHORT.contains(&word) { word.to_uppercase() } else { word.to_owned() });
    }
    let text = words.join(" ");
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn shown(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) if text == "[redacted]" => Some("Hidden".to_owned()),
        Value::String(text) => Some(text.clone()),
        Value::Bool(yes) => Some(if *yes { "Yes" } else { "No" }.to_owned()),
        Value::Array(items) if items.is_empty() => Some("None".to_owned()),
        Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            Some(items.iter().filter_map(shown).collect::<Vec<_>>().join(", "))
        }
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(before: &str, after: &str) -> Vec<String> {
        let (before, after) = (before.to_owned(), after.to_owned());
        let changes = changes(Some(&before), Some(&after));
        let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "-".to_owned());
        changes.iter().map(|c| format!("{} {}: {} > {}", c.kind, c.field, side(&c.before), side(&c.after))).collect()
    }

    #[test]
    fn fields_stand_side_by_side() {
        let lines = text(r#"{"b": true, "a": null, "n": null}"#, r#"{"a": 1, "is_vip": false, "n": null}"#);
        assert_eq!(lines, ["added A: - > 1", "removed B: Yes > -", "added Is VIP: - > No"]);
        assert!(changes(None, None).is_empty());
        assert_eq!(text("3", "\"x\""), ["changed Value: 3 > x"]);
    }

    #[test]
    fn lists_and_objects_are_readable() {
        let lines = text(
            r#"{"permissions": [], "home": {"zip": "AB1"}}"#,
            r#"{"permissions": ["a", "b"], "home": {"zip": "AB2"}}"#,
        );
        assert_eq!(lines, ["changed Home zip: AB1 > AB2", "changed Permissions: None > a, b"]);
    }

    #[test]
    fn secrets_are_hidden_also_when_the_line_has_them() {
        let lines = text(r#"{"password": "hunter2", "deep": {"reset_token": "t"}}"#, r#"{"password": "[redacted]"}"#);
        assert_eq!(lines, ["removed Deep reset token: Hidden > -", "changed Password: Hidden > Hidden"]);
    }

    #[test]
    fn a_line_that_was_cut_is_shown_as_it_is() {
        let cut = r#"{"_cut":"longer than 64 KiB"}"#.to_owned();
        assert_eq!(facts(Some(&cut)), [("Cut".to_owned(), "longer than 64 KiB".to_owned())]);
        let broken = "{\"a".to_owned();
        assert_eq!(facts(Some(&broken)), [("Value".to_owned(), "{\"a".to_owned())]);
    }
}
