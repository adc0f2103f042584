//! JSON as people type and read it.

use serde_json::Value;

/// JSON on several lines; null is nothing.
pub(super) fn pretty(value: &Value) -> String {
    if value.is_null() { String::new() } else { serde_json::to_string_pretty(value).unwrap_or_default() }
}

/// JSON as typed; nothing is null. A fault names its line.
pub(super) fn read_json(text: &str) -> Result<Value, String> {
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(text)
        .map_err(|error| format!("This is not JSON: look at line {}, column {}", error.line(), error.column()))
}

/// A value as the text of a field.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
