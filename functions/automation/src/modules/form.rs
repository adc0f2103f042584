//! The form of a module: built from the catalogue, read back as an edit.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use shared::app::App;
use shared::error::{Invalid, Result};
use shared::modules::{Edit, Field, Kind, Module};
use shared::web::{Form, FormState};

use super::choices::{self, Choice};

/// What the form sends beside the settings, which are named by the module.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Posted {
    /// The version that was shown.
    pub version: String,
    /// `list` when the switch of the list was pressed.
    pub from: String,
}

/// How a field is drawn.
#[derive(Debug, Clone, Serialize)]
pub struct Drawn {
    /// Name of the input.
    pub name: String,
    /// As stored.
    pub key: &'static str,
    /// For people.
    pub label: &'static str,
    /// `text`, `long`, `url`, `number`, `switch`, `choices`, `people`, `secret`.
    pub control: &'static str,
    /// Below the field.
    pub help: &'static str,
    /// What is effective, as typed in.
    pub value: String,
    /// What is ticked.
    pub values: Vec<String>,
    /// What may be ticked.
    pub choices: Vec<Choice>,
    /// A secret that is set.
    pub is_set: bool,
    /// The module cannot be on without it.
    pub is_required: bool,
    /// The variable of the environment that holds until somebody says otherwise.
    pub variable: &'static str,
}

fn control(field: &Field) -> &'static str {
    if field.is_secret {
        return "secret";
    }
    match field.kind {
        Kind::LongText(_) => "long",
        Kind::Address | Kind::HttpsAddress => "url",
        Kind::Whole(..) => "number",
        Kind::Switch => "switch",
        Kind::Choices(_) | Kind::Companies => "choices",
        Kind::Person => "people",
        _ => "text",
    }
}

/// A value as it would be typed in.
fn typed(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(typed).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn ticked(value: &Value) -> Vec<String> {
    value.as_array().map(|list| list.iter().map(typed).collect()).unwrap_or_default()
}

/// The fields of a module with what is effective.
pub async fn drawn(app: &App, module: &Module) -> Result<Vec<Drawn>> {
    let set = module.secrets_set(app)?;
    let mut all = Vec::new();
    for field in module.entry().fields {
        let value = module.value(field.key);
        all.push(Drawn {
            name: name(field.key),
            key: field.key,
            label: field.label,
            control: control(field),
            help: field.help,
            value: typed(&value),
            values: ticked(&value),
            choices: choices::of(app, module, field).await?,
            is_set: set.contains(&field.key),
            is_required: field.is_required,
            variable: field.variable,
        });
    }
    Ok(all)
}

/// The name of a setting's input.
pub fn name(key: &str) -> String {
    format!("settings.{key}")
}

/// What was sent, as an edit. A check box sends `false` before it, so the last value counts; a list sends a
/// blank value before its boxes, so that none ticked is seen.
pub fn edit(module: &Module, form: &Form<Posted>) -> Edit {
    let mut settings = Map::new();
    for field in module.entry().fields {
        let mut sent = form.all(&name(field.key));
        let Some(last) = sent.last().cloned() else { continue };
        sent.retain(|value| !value.is_empty());
        let value = if control(field) == "choices" { json!(sent) } else { json!(last) };
        settings.insert(field.key.to_owned(), value);
    }
    if form.has("keep_previous_secret") {
        settings.insert("keep_previous_secret".to_owned(), true.into());
    }
    let clear = form.all("clear");
    let enabled = form.all("enabled").last().map(|value| matches!(value.as_str(), "true" | "on" | "1"));
    Edit { enabled, settings, clear, version: form.version.parse().ok() }
}

/// The form again: secrets are never shown, what was typed otherwise is.
pub fn refused(module: &Module, form: &Form<Posted>, invalid: &Invalid) -> FormState {
    let mut named = Invalid::none();
    for (field, text) in invalid.iter() {
        let known = module.entry().field(field).is_some();
        named.add(&if known { name(field) } else { String::new() }, text);
    }
    let open = module.entry().fields.iter().filter(|field| !matches!(control(field), "secret" | "choices"));
    let values = open.filter_map(|field| Some((name(field.key), form.all(&name(field.key)).pop()?)));
    FormState::of(values).refused(&named)
}
