//! What an import is asked to do, in either spelling (tickets 9.2).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::error::{Error, Invalid};
use utoipa::ToSchema;

/// An import to be started. `snake_case` names are taken as well.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(default, rename_all = "camelCase")]
#[schema(example = json!({"mode": "range", "startId": 1500, "endId": 1525}))]
pub struct ImportRequest {
    /// `single`, `range` or `all`.
    pub mode: String,
    /// The ticket of a single import.
    pub ticket_id: Option<i64>,
    /// Whether `ticketId` is an `id` (the default) or the `number` that people see.
    pub lookup: Option<String>,
    /// The first id of a range.
    pub start_id: Option<i64>,
    /// The last id of a range, at most 5,000 further.
    pub end_id: Option<i64>,
    /// Comments become replies; true unless given.
    pub include_comments: Option<bool>,
    /// Files are fetched afterwards, by background jobs, and hang on a note that only the desk reads; true
    /// unless given.
    pub include_attachments: Option<bool>,
    /// Open tickets are summarised afterwards, where Ollama is on.
    pub summarise: Option<bool>,
    /// Automations hear of what changed. People are never told.
    pub emit_events: Option<bool>,
}

/// Which tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// One, by id.
    Id(i64),
    /// One, by the number that people see.
    Number(i64),
    /// From the first to the last.
    Range(i64, i64),
    /// Every page.
    All,
}

impl Which {
    /// As stored.
    pub fn mode(self) -> &'static str {
        match self {
            Self::Id(_) | Self::Number(_) => "single",
            Self::Range(..) => "range",
            Self::All => "all",
        }
    }

    /// Small enough that whoever asks waits for the end.
    pub fn is_small(self) -> bool {
        match self {
            Self::Id(_) | Self::Number(_) => true,
            Self::Range(first, last) => last - first < 25,
            Self::All => false,
        }
    }
}

/// An import that may be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Which tickets.
    pub which: Which,
    /// Comments become replies.
    pub include_comments: bool,
    /// Files are fetched.
    pub include_attachments: bool,
    /// Open tickets are summarised.
    pub summarise: bool,
    /// Automations hear of it.
    pub emit_events: bool,
}

/// Ids in a range.
const LONGEST_RANGE: i64 = 5_000;

struct Fields<'m> {
    map: &'m Map<String, Value>,
    bad: Invalid,
}

impl Fields<'_> {
    /// A value under either spelling; both with different values is a mistake.
    fn value(&mut self, snake: &str, camel: &str) -> Option<Value> {
        let said = |name: &str| self.map.get(name).filter(|v| !v.is_null() && v.as_str() != Some("")).cloned();
        match (said(snake), said(camel)) {
            (Some(one), Some(other)) if one != other => {
                self.bad.add(snake, format!("{snake} and {camel} differ: send one of them"));
                None
            }
            (one, other) => one.or(other),
        }
    }

    fn id(&mut self, snake: &str, camel: &str, missing: &str) -> Option<i64> {
        let Some(value) = self.value(snake, camel) else {
            self.bad.add(snake, missing);
            return None;
        };
        let number = value.as_i64().or_else(|| value.as_str()?.trim().parse().ok());
        self.bad.check(snake, number.filter(|id| *id >= 1).ok_or("Enter a whole number of 1 or more"))
    }

    fn flag(&mut self, snake: &str, camel: &str, default: bool) -> bool {
        match self.value(snake, camel) {
            None => default,
            Some(Value::Bool(flag)) => flag,
            Some(Value::String(text)) if matches!(text.as_str(), "true" | "on" | "1") => true,
            Some(Value::String(text)) if matches!(text.as_str(), "false" | "off" | "0") => false,
            Some(_) => {
                self.bad.add(snake, "Send true or false");
                default
            }
        }
    }
}

/// Reads what was sent.
pub fn parse(map: &Map<String, Value>) -> Result<Wanted, Error> {
    let mut fields = Fields { map, bad: Invalid::none() };
    let mode = fields.value("mode", "mode").and_then(|mode| mode.as_str().map(|m| m.trim().to_lowercase()));
    let which = match mode.as_deref() {
        Some("single") => {
            let id = fields.id("ticket_id", "ticketId", "Enter the ticket");
            let lookup = fields.value("lookup", "lookup").unwrap_or_else(|| "id".into());
            match lookup.as_str() {
                Some("id") => id.map(Which::Id),
                Some("number") => id.map(Which::Number),
                _ => fields.bad.check("lookup", Err("Choose id or number")),
            }
        }
        Some("range") => {
            let first = fields.id("start_id", "startId", "Enter the first ID");
            let last = fields.id("end_id", "endId", "Enter the last ID");
            first.zip(last).map(|(first, last)| Which::Range(first, last))
        }
        Some("all") => Some(Which::All),
        _ => fields.bad.check("mode", Err("Choose single, range or all")),
    };
    if matches!(which, Some(Which::Range(first, last)) if last < first) {
        fields.bad.add("end_id", "Enter a last ID that is not before the first");
    }
    let include_comments = fields.flag("include_comments", "includeComments", true);
    let include_attachments = fields.flag("include_attachments", "includeAttachments", true);
    let summarise = fields.flag("summarise", "summarise", false);
    let emit_events = fields.flag("emit_events", "emitEvents", false);
    fields.bad.finish()?;
    if matches!(which, Some(Which::Range(first, last)) if last - first >= LONGEST_RANGE) {
        return Err(Error::bad_request("Import at most 5,000 IDs at once").code("range_too_long"));
    }
    let which = which.ok_or_else(|| Error::field("mode", "Choose single, range or all"))?;
    Ok(Wanted { which, include_comments, include_attachments, summarise, emit_events })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: &Value) -> Result<Which, u16> {
        parse(value.as_object().unwrap()).map(|wanted| wanted.which).map_err(|error| error.status().as_u16())
    }

    #[test]
    fn both_spellings_and_mixed_ones_are_read() {
        assert_eq!(read(&json!({"mode": "SINGLE", "ticketId": 4})), Ok(Which::Id(4)));
        assert_eq!(read(&json!({"mode": "single", "ticket_id": "4", "lookup": "number"})), Ok(Which::Number(4)));
        assert_eq!(read(&json!({"mode": "range", "start_id": 10, "endId": 11})), Ok(Which::Range(10, 11)));
        assert_eq!(read(&json!({"mode": "range", "startId": 1, "endId": 5000})), Ok(Which::Range(1, 5000)));
        assert_eq!(read(&json!({"mode": "all", "ticketId": null})), Ok(Which::All));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for bad in [
            json!({}),
            json!({"mode": "some"}),
            json!({"mode": 1}),
            json!({"mode": "single"}),
            json!({"mode": "single", "ticketId": 0}),
            json!({"mode": "single", "ticketId": 1.5}),
            json!({"mode": "single", "ticketId": 1, "ticket_id": 2}),
            json!({"mode": "single", "ticketId": 1, "lookup": "name"}),
            json!({"mode": "range", "startId": 5}),
            json!({"mode": "range", "startId": 5, "endId": 4}),
            json!({"mode": "all", "includeComments": "perhaps"}),
        ] {
            assert_eq!(read(&bad), Err(422), "{bad}");
        }
        assert_eq!(read(&json!({"mode": "range", "startId": 1, "endId": 5001})), Err(400));
    }

    #[test]
    fn switches_have_their_defaults() {
        let all = |value: Value| parse(value.as_object().unwrap()).unwrap();
        let plain = all(json!({"mode": "all"}));
        assert_eq!((plain.include_comments, plain.summarise, plain.emit_events), (true, false, false));
        assert!(plain.include_attachments);
        let other = all(json!({"mode": "all", "includeComments": false, "summarise": "on", "emit_events": true}));
        assert_eq!((other.include_comments, other.summarise, other.emit_events), (false, true, true));
    }
}
