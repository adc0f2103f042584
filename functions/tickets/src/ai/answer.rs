//! Reading what a model wrote: JSON in a fence or not, under one of several names, or no JSON at all.

use serde_json::Value;

/// Characters of a summary.
const LONGEST: usize = 4_000;

/// Characters of a tag.
const TAG: usize = 48;

/// Tags of a ticket.
const MOST: usize = 10;

/// Fewer are filled up with category and module.
const FEW: usize = 5;

/// What a summary says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Plain text.
    pub text: String,
    /// `likely_resolved` or `likely_in_progress`.
    pub state: &'static str,
}

/// Reads a summary; none when there is nothing in it.
pub fn summary(text: &str) -> Option<Summary> {
    let text = unfenced(text);
    let Ok(Value::Object(map)) = serde_json::from_str::<Value>(text) else {
        // Half of a JSON object is no summary.
        let is_broken = text.starts_with('{') || text.starts_with('[');
        return cleaned(text).filter(|_| !is_broken).map(|text| Summary { text, state: IN_PROGRESS });
    };
    let first = |names: &[&str]| names.iter().find_map(|name| map.get(*name)?.as_str());
    let said = cleaned(first(&["summary", "analysis", "text"])?)?;
    let state = first(&["resolution", "resolution_label", "status", "state"]).map_or(IN_PROGRESS, resolution);
    Some(Summary { text: said, state })
}

const IN_PROGRESS: &str = "likely_in_progress";

fn resolution(text: &str) -> &'static str {
    let text = text.to_lowercase();
    let is_not = text.contains("unresolved") || text.contains("incomplete") || text.starts_with("not ");
    let is_done = ["resolved", "complete", "fixed", "closed"].iter().any(|word| text.contains(word));
    if is_done && !is_not { "likely_resolved" } else { IN_PROGRESS }
}

/// Text that can be shown, at most 4,000 characters.
fn cleaned(text: &str) -> Option<String> {
    let text: String = text.chars().filter(|c| !c.is_control() || *c == '\n').collect();
    let text: String = text.trim().chars().take(LONGEST).collect();
    (!text.is_empty()).then_some(text)
}

/// Without one surrounding fence and its language word.
fn unfenced(text: &str) -> &str {
    let text = text.trim();
    for fence in ["```", "~~~", "\"\"\"", "'''"] {
        let inner = text.strip_prefix(fence).and_then(|rest| rest.strip_suffix(fence));
        if let Some(inner) = inner {
            let word = inner.chars().take_while(char::is_ascii_alphanumeric).count();
            let rest = &inner[word..];
            let is_language = word > 0 && rest.starts_with(char::is_whitespace);
            let is_json = rest.trim_start().starts_with(['{', '[']);
            return if is_language && (is_json || rest.starts_with('\n')) { rest.trim() } else { inner.trim() };
        }
    }
    text
}

/// Reads tags; category and module fill up when there are few. None when the model gave none.
pub fn tags(text: &str, category: Option<&str>, module: Option<&str>) -> Option<Vec<String>> {
    let text = unfenced(text);
    let found: Vec<String> = match serde_json::from_str::<Value>(text) {
        Ok(value) => listed(&value),
        Err(_) if text.starts_with('{') || text.starts_with('[') => Vec::new(),
        Err(_) => text.split([',', ';', '\n']).map(str::to_owned).collect(),
    };
    let mut tags: Vec<String> = Vec::new();
    for tag in found.iter().filter_map(|text| kebab(text)) {
        if !tags.contains(&tag) && tags.len() < MOST {
            tags.push(tag);
        }
    }
    if tags.is_empty() {
        return None;
    }
    for tag in [category, module].into_iter().flatten().filter_map(kebab) {
        if tags.len() < FEW && !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    Some(tags)
}

fn listed(value: &Value) -> Vec<String> {
    let list = match value {
        Value::Object(map) => ["tags", "keywords", "labels", "topics"].iter().find_map(|name| map.get(*name)),
        other => Some(other),
    };
    match list {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(text)) => text.split([',', ';', '\n']).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn kebab(text: &str) -> Option<String> {
    let text = text.to_lowercase();
    let kept = text.chars().filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, ' ' | '-' | '_'));
    let text: String = kept.map(|c| if matches!(c, ' ' | '_') { '-' } else { c }).collect();
    let parts: Vec<&str> = text.split('-').filter(|part| !part.is_empty()).collect();
    let tag: String = parts.join("-").chars().take(TAG).collect();
    let tag = tag.trim_matches('-').to_owned();
    (!tag.is_empty()).then_some(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, &'static str)> {
        summary(text).map(|summary| (summary.text, summary.state))
    }

    #[test]
    fn summaries_are_read_in_every_wrapping() {
        let done = Some(("x".to_owned(), "likely_resolved"));
        for text in [
            "```json {\"summary\":\"x\",\"resolution\":\"Likely Resolved\"}```",
            "```json\n{\"summary\":\"x\",\"resolution\":\"Likely Resolved\"}\n```",
            "~~~\n{\"analysis\":\"x\",\"status\":\"fixed\"}\n~~~",
            "'''{\"text\":\"x\",\"state\":\"Completed\"}'''",
            " {\"summary\":\" x \",\"resolution_label\":\"closed\"} ",
        ] {
            assert_eq!(read(text), done, "{text}");
        }
        assert_eq!(read("The printer jams."), Some(("The printer jams.".to_owned(), IN_PROGRESS)));
        assert_eq!(read("```\nThe printer jams.\n```"), Some(("The printer jams.".to_owned(), IN_PROGRESS)));
        for (word, state) in [
            ("Likely In Progress", IN_PROGRESS),
            ("unresolved", IN_PROGRESS),
            ("", IN_PROGRESS),
            ("Resolved", "likely_resolved"),
        ] {
            let text = serde_json::json!({ "summary": "x", "resolution": word }).to_string();
            assert_eq!(read(&text).unwrap().1, state, "{word}");
        }
        for bad in ["", "  ", "{\"summary\":\"\"}", "{\"summary\":7}", "{}", "{\"summary\": \"cut", "``````"] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(read("{\"summary\":\"a\\u0000\\u0007b\"}").unwrap().0, "ab");
        assert_eq!(read(&"y".repeat(9_000)).unwrap().0.len(), LONGEST);
    }

    #[test]
    fn tags_are_few_short_and_plain() {
        let of = |text: &str| tags(text, Some("Printing & Co"), Some("syncro"));
        assert_eq!(
            of("{\"tags\":[\"Printer\",\"Paper Jam\"]}").unwrap(),
            ["printer", "paper-jam", "printing-co", "syncro"]
        );
        assert_eq!(of("[\"a\",\"b\",\"c\",\"d\",\"e\"]").unwrap(), ["a", "b", "c", "d", "e"]);
        assert_eq!(
            of("{\"keywords\": \"VPN; Two  Words\\nvpn\"}").unwrap(),
            ["vpn", "two-words", "printing-co", "syncro"]
        );
        assert_eq!(tags("vpn, mfa\nvpn", None, None).unwrap(), ["vpn", "mfa"]);
        assert_eq!(
            of("```json\n{\"labels\":[\"<script>\",\"--x--y\",7,null]}\n```").unwrap(),
            ["script", "x-y", "printing-co", "syncro"]
        );
        for bad in ["", "{}", "{\"tags\":[]}", "{\"tags\":[\"!!!\"]}", "{\"tags\":[\"cut", "7"] {
            assert_eq!(of(bad), None, "{bad}");
        }
        let many = serde_json::json!({ "tags": (0..30).map(|n| format!("tag {n}")).collect::<Vec<_>>() }).to_string();
        assert_eq!(of(&many).unwrap().len(), MOST);
        assert_eq!(tags(&"w".repeat(90), None, None).unwrap()[0].len(), TAG);
    }
}
