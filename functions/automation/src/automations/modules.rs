//! What actions may use (automation 3.5): the modules that can do something, with the fields their form
//! offers. The calls themselves are `shared::modules::call`.

use serde::Serialize;
use serde_json::{Map, Value};

use super::model::Action;

/// How a field of an action is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// One line.
    Line,
    /// Several lines.
    Text,
    /// One of some values.
    Choice,
    /// JSON.
    Json,
}

/// A field of an action.
#[derive(Debug, Clone, Copy, Serialize)]
#[expect(missing_docs, reason = "as the form shows it")]
pub struct Field {
    pub key: &'static str,
    pub label: &'static str,
    pub help: &'static str,
    pub control: Control,
    pub choices: &'static [(&'static str, &'static str)],
    #[serde(skip)]
    required: &'static str,
}

/// A module that actions may use.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Module {
    /// As stored.
    pub slug: &'static str,
    /// For people.
    pub label: &'static str,
    /// `sends a push message`, for the sentence in words.
    pub does: &'static str,
    /// Its form.
    pub fields: &'static [Field],
}

const fn field(key: &'static str, label: &'static str, control: Control, help: &'static str) -> Field {
    Field { key, label, help, control, choices: &[], required: "" }
}

const fn needed(field: Field, text: &'static str) -> Field {
    Field { required: text, ..field }
}

const fn choice(key: &'static str, label: &'static str, choices: &'static [(&'static str, &'static str)]) -> Field {
    Field { key, label, help: "", control: Control::Choice, choices, required: "" }
}

const PRIORITIES: &[(&str, &str)] =
    &[("", "Default"), ("min", "Lowest"), ("low", "Low"), ("high", "High"), ("urgent", "Urgent")];

const METHODS: &[(&str, &str)] =
    &[("", "POST"), ("GET", "GET"), ("PUT", "PUT"), ("PATCH", "PATCH"), ("DELETE", "DELETE")];

const VISIBILITY: &[(&str, &str)] = &[("", "The requester and the desk"), ("note", "The desk only (internal note)")];

const STATUSES: &[(&str, &str)] = &[
    ("", "As after any reply"),
    ("in_progress", "In progress"),
    ("pending", "Pending"),
    ("resolved", "Resolved"),
    ("closed", "Closed"),
];

/// In the order in which they are offered.
pub const MODULES: [Module; 5] = [
    Module {
        slug: super::built_in::REPLY,
        label: "Reply on the ticket",
        does: "reply on the ticket",
        fields: &[
            needed(field("text", "Reply", Control::Text, ""), "enter the text of the reply"),
            choice("visibility", "Who sees it", VISIBILITY),
            choice("ticket_status", "Status of the ticket", STATUSES),
        ],
    },
    Module {
        slug: "ntfy",
        label: "ntfy push message",
        does: "send a push message",
        fields: &[
            field("title", "Title", Control::Line, "“Automation event” when left empty."),
            field("message", "Message", Control::Text, ""),
            choice("priority", "Priority", PRIORITIES),
            field("topic", "Topic", Control::Line, "The topic of the module when left empty."),
        ],
    },
    Module {
        slug: "smtp",
        label: "Email",
        does: "send an email",
        fields: &[
            field(
                "recipients",
                "To",
                Control::Line,
                "Addresses with commas between them, at most 20. The default recipients of the module when left empty.",
            ),
            field("subject", "Subject", Control::Line, "“Automation notification” when left empty."),
            field("text", "Text", Control::Text, ""),
            field("html", "HTML", Control::Text, "Instead of the text. Values of variables are escaped."),
        ],
    },
    Module {
        slug: "ollama",
        label: "Ollama answer",
        does: "ask Ollama",
        fields: &[
            field(
                "prompt",
                "Prompt",
                Control::Text,
                "The prompt of the module when left empty. Later actions use the answer as {{steps.0.text}}.",
            ),
            field("model", "Model", Control::Line, "The model of the module when left empty."),
        ],
    },
    Module {
        slug: "tacticalrmm",
        label: "Tactical RMM call",
        does: "call Tactical RMM",
        fields: &[
            choice("method", "Method", METHODS),
            needed(
                field(
                    "path",
                    "Path",
                    Control::Line,
                    "Exactly as the API wants it, for example /agents/{{ticket.category}}/runscript/ with its last slash.",
                ),
                "enter the path, such as /agents/",
            ),
            field("body", "Body as JSON", Control::Json, "Left out for GET."),
        ],
    },
];

/// A module by its slug.
pub fn find(slug: &str) -> Option<&'static Module> {
    MODULES.iter().find(|module| module.slug == slug)
}

/// What is wrong with an action: the part of it, and a sentence.
pub fn check(action: &Action) -> Result<(), (String, String)> {
    let Some(module) = find(&action.module) else {
        return Err(("module".to_owned(), "choose what to use".to_owned()));
    };
    for field in module.fields.iter().filter(|field| !field.required.is_empty()) {
        let is_there = |key: &str| action.payload.get(key).is_some_and(|value| value.as_str() != Some(""));
        let has_address = field.key == "path" && is_there("endpoint");
        if !is_there(field.key) && !has_address {
            return Err((format!("f.{}", field.key), field.required.to_owned()));
        }
    }
    Ok(())
}

/// Addresses of an email step, however they are written.
pub fn recipients(payload: &Map<String, Value>) -> usize {
    match payload.get("recipients") {
        Some(Value::Array(list)) => list.len(),
        Some(Value::String(text)) => text.split([',', ';', '\n']).filter(|part| !part.trim().is_empty()).count(),
        _ => 0,
    }
}

/// One line about an action: `ntfy push message: “{{ticket.subject}}”`.
pub fn summary(action: &Action) -> String {
    let label = find(&action.module).map_or(action.module.as_str(), |module| module.label);
    let shown = ["title", "subject", "path", "prompt", "message", "text"];
    let text = shown.iter().find_map(|key| action.payload.get(*key).and_then(Value::as_str).filter(|t| !t.is_empty()));
    match text {
        Some(text) => format!("{label}: “{}”", super::filters::shown(&Value::String(text.to_owned()))),
        None => label.to_owned(),
    }
}
