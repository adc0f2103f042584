//! Variables in the text of actions (automation 3.5): `{{ticket.subject}}` becomes what the event says, made
//! safe for the place where it stands.

use serde_json::{Map, Value};
use shared::context::encode_component;
use shared::page::escape;

/// Where a text stands decides how values are written into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Plain,
    /// Values are escaped.
    Html,
    /// Values are one segment of a path.
    Path,
    /// Values have no line breaks.
    Header,
}

impl Place {
    fn of(key: &str, inherited: Self) -> Self {
        match key {
            "html" => Self::Html,
            "path" | "endpoint" => Self::Path,
            "headers" | "subject" | "recipients" | "auth_header" | "auth_prefix" => Self::Header,
            _ => inherited,
        }
    }

    fn write(self, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Html => escape(text),
            Self::Path => encode_component(text).replace("..", "%2E%2E"),
            Self::Header => text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
        }
    }
}

/// The payload of an action with its variables filled in, and the names that are not known.
pub fn render(payload: &Map<String, Value>, known: &Value) -> (Map<String, Value>, Vec<String>) {
    let mut unknown = Vec::new();
    let filled = fill_map(payload, known, Place::Plain, &mut unknown);
    unknown.sort_unstable();
    unknown.dedup();
    (filled, unknown)
}

fn fill_map(map: &Map<String, Value>, known: &Value, place: Place, unknown: &mut Vec<String>) -> Map<String, Value> {
    map.iter().map(|(key, value)| (key.clone(), fill(value, known, Place::of(key, place), unknown))).collect()
}

fn fill(value: &Value, known: &Value, place: Place, unknown: &mut Vec<String>) -> Value {
    match value {
        Value::String(text) => fill_text(text, known, place, unknown),
        Value::Array(list) => list.iter().map(|value| fill(value, known, place, unknown)).collect(),
        Value::Object(map) => Value::Object(fill_map(map, known, place, unknown)),
        other => other.clone(),
    }
}

fn fill_text(text: &str, known: &Value, place: Place, unknown: &mut Vec<String>) -> Value {
    if let Some(name) = only_variable(text) {
        return match look_up(name, known, unknown) {
            Value::String(text) => Value::String(place.write(&text)),
            // In a path, a header or markup only text makes sense.
            found if place != Place::Plain => Value::String(place.write(&written(&found))),
            found => found,
        };
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, name, after)) = next_variable(rest) {
        out.push_str(before);
        out.push_str(&place.write(&written(&look_up(name, known, unknown))));
        rest = after;
    }
    out.push_str(rest);
    Value::String(out)
}

fn only_variable(text: &str) -> Option<&str> {
    let (before, name, after) = next_variable(text)?;
    (before.trim().is_empty() && after.trim().is_empty()).then_some(name)
}

/// The text before a variable, its name, the text after it.
fn next_variable(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("{{")?;
    let (name, after) = rest.split_once("}}")?;
    Some((before, name.trim(), after))
}

/// An unknown variable is an empty text and is noted.
fn look_up(name: &str, known: &Value, unknown: &mut Vec<String>) -> Value {
    find(name, known).cloned().unwrap_or_else(|| {
        unknown.push(name.to_owned());
        Value::String(String::new())
    })
}

/// What a dotted path leads to.
pub(super) fn find<'a>(path: &str, known: &'a Value) -> Option<&'a Value> {
    path.split('.').try_fold(known, |at, part| match at {
        Value::Array(list) => list.get(part.parse::<usize>().ok()?),
        at => at.get(part),
    })
}

/// A value as text.
pub(super) fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filled(payload: Value) -> (Value, Vec<String>) {
        let known = json!({"ticket": {"subject": "<b>x</b>", "id": 7, "tags": ["a", "b"], "none": null, "path": "../x y"},
            "changes": {"status": ["open", "closed"]}, "steps": [{"text": "short\r\nBcc: x"}]});
        let (map, unknown) = render(payload.as_object().unwrap(), &known);
        (Value::Object(map), unknown)
    }

    #[test]
    fn values_are_safe_where_they_stand() {
        let (out, unknown) = filled(json!({
            "message": "New: {{ticket.subject}} ({{ ticket.id }})",
            "html": "<p>{{ticket.subject}}</p>",
            "path": "/agents/{{ticket.path}}/run/",
            "subject": "Re: {{steps.0.text}}",
            "headers": {"X-Note": "{{steps.0.text}}"},
            "status": "{{changes.status.1}}",
        }));
        assert_eq!(out["message"], "New: <b>x</b> (7)");
        assert_eq!(out["html"], "<p>&lt;b&gt;x&lt;/b&gt;</p>");
        assert_eq!(out["path"], "/agents/%2E%2E%2Fx%20y/run/");
        assert_eq!(out["subject"], "Re: short  Bcc: x");
        assert_eq!(out["headers"]["X-Note"], "short  Bcc: x");
        assert_eq!(out["status"], "closed");
        assert!(unknown.is_empty());
    }

    #[test]
    fn one_variable_alone_keeps_its_type() {
        let (out, unknown) =
            filled(json!({"body": {"id": "{{ticket.id}}", "tags": " {{ticket.tags}} ", "none": "{{ticket.none}}"},
            "html": "{{ticket.id}}", "x": "{{ticket.oops}} {{a}}{{a}}", "y": "{{unclosed", "n": 5}));
        assert_eq!(out["body"], json!({"id": 7, "tags": ["a", "b"], "none": null}));
        assert_eq!(
            (&out["html"], &out["x"], &out["y"], &out["n"]),
            (&json!("7"), &json!(" "), &json!("{{unclosed"), &json!(5))
        );
        assert_eq!(unknown, ["a", "ticket.oops"]);
    }

    #[test]
    fn a_value_is_not_read_again() {
        let known = json!({"ticket": {"subject": "{{secret}}"}, "secret": "s"});
        let payload = json!({"message": "a {{ticket.subject}}"});
        assert_eq!(render(payload.as_object().unwrap(), &known).0["message"], "a {{secret}}");
    }
}
