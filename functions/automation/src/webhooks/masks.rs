//! What nobody may read in an answer or on a page (automation 4.4).

use serde_json::{Map, Value};

const MASK: &str = "********";

/// Parts of header names that carry secrets.
const HEADERS: [&str; 6] = ["auth", "key", "token", "secret", "cookie", "signature"];

/// Keys of payloads that carry secrets.
const KEYS: [&str; 4] = ["code", "password", "secret", "token"];

/// Headers with the secret ones masked; those that are looked up at delivery are masked always.
pub fn headers(open: &str, looked_up: &str) -> Map<String, Value> {
    let read = |text: &str| serde_json::from_str::<Map<String, Value>>(text).unwrap_or_default();
    let is_secret = |name: &str| HEADERS.iter().any(|part| name.to_lowercase().contains(part));
    let open = read(open).into_iter().map(|(name, value)| {
        let value = if is_secret(&name) { MASK.into() } else { value };
        (name, value)
    });
    open.chain(read(looked_up).into_iter().map(|(name, _)| (name, MASK.into()))).collect()
}

/// A payload with secrets masked, and phone numbers cut where asked.
pub fn payload(value: Value, cuts_phones: bool) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .map(|(name, value)| {
                let lower = name.to_lowercase();
                let masked = if KEYS.contains(&lower.as_str()) {
                    MASK.into()
                } else if cuts_phones && (lower.contains("phone") || lower.contains("mobile")) {
                    phones(value)
                } else {
                    payload(value, cuts_phones)
                };
                (name, masked)
            })
            .collect(),
        Value::Array(list) => list.into_iter().map(|value| payload(value, cuts_phones)).collect(),
        other => other,
    }
}

fn phones(value: Value) -> Value {
    match value {
        Value::String(text) => {
            let last: Vec<char> = text.chars().rev().take(3).collect();
            format!("•••{}", last.into_iter().rev().collect::<String>()).into()
        }
        Value::Array(list) => list.into_iter().map(phones).collect(),
        other => payload(other, true),
    }
}

/// An address without what may be a secret in its query.
pub fn url(text: &str) -> String {
    match text.split_once('?') {
        Some((before, _)) => format!("{before}?{MASK}"),
        None => text.to_owned(),
    }
}

/// Host and path, for lists.
pub fn short(text: &str) -> String {
    let bare = text.split(['?', '#']).next().unwrap_or_default();
    bare.split_once("://").map_or(bare, |(_, rest)| rest).trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn headers_are_masked_by_name_and_references_always() {
        let shown =
            headers(r#"{"x-api-key": "k", "accept": "text/plain"}"#, r#"{"authorization": "Basic module:sms:auth"}"#);
        assert_eq!(Value::Object(shown), json!({ "x-api-key": MASK, "accept": "text/plain", "authorization": MASK }));
    }

    #[test]
    fn payloads_are_masked_at_any_depth() {
        let shown = payload(json!({ "a": [{ "Code": "1", "postcode": "AB1" }], "token": { "x": 1 } }), false);
        assert_eq!(shown, json!({ "a": [{ "Code": MASK, "postcode": "AB1" }], "token": MASK }));
        let cut = payload(json!({ "mobilePhone": "+447700900123", "phoneNumbers": ["+61400000456"] }), true);
        assert_eq!(cut, json!({ "mobilePhone": "•••123", "phoneNumbers": ["•••456"] }));
    }

    #[test]
    fn addresses_lose_their_query() {
        assert_eq!(url("https://hooks.example.com/a?key=1"), "https://hooks.example.com/a?********");
        assert_eq!(short("https://hooks.example.com/orders/?key=1"), "hooks.example.com/orders");
    }
}
