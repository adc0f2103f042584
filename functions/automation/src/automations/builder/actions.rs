//! Actions as rows: the fields of the module's form, and JSON for what it has no field for.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};
use shared::error::Invalid;
use shared::web::Form;

use super::form::{Blank, flag};
use super::json::{pretty, read_json, text};
use crate::automations::model::{Action, actions_of};
use crate::automations::modules::{self, Control};

/// An action as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "fields of the row")]
pub struct ActionRow {
    pub module: String,
    /// By key of the module's form.
    pub fields: BTreeMap<String, String>,
    /// JSON of what the form has no field for.
    pub more: String,
    pub continue_on_error: bool,
}

pub(super) fn read_action(form: &Form<Blank>, n: usize) -> Option<ActionRow> {
    let get = |name: &str| form.all(&format!("actions.{n}.{name}")).into_iter().next();
    let module = get("module")?;
    let keys = modules::MODULES.iter().flat_map(|module| module.fields).map(|field| field.key);
    let fields = keys.filter_map(|key| Some((key.to_owned(), get(&format!("f.{key}"))?))).collect();
    let continue_on_error = form.has(&format!("actions.{n}.continue"));
    Some(ActionRow { module, fields, more: get("more").unwrap_or_default(), continue_on_error })
}

pub(super) fn write_action(n: usize, row: &ActionRow, all: &mut Vec<(String, String)>) {
    all.push((format!("actions.{n}.module"), row.module.clone()));
    all.push((format!("actions.{n}.more"), row.more.clone()));
    all.push((format!("actions.{n}.continue"), flag(row.continue_on_error)));
    all.extend(row.fields.iter().map(|(key, value)| (format!("actions.{n}.f.{key}"), value.clone())));
}

/// Old clients name the module of one action beside its payload.
pub(super) fn with_module(module: &str, payload: String) -> String {
    if module.is_empty() {
        return payload;
    }
    let Ok(value) = read_json(&payload) else { return payload };
    match actions_of(Some(module), &value) {
        Ok(actions) => pretty(&serde_json::json!({ "actions": actions })),
        Err(_) => payload,
    }
}

pub(super) fn action_row(action: &Action) -> ActionRow {
    let known = modules::find(&action.module).map_or(&[][..], |module| module.fields);
    let mut more = Map::new();
    let mut fields = BTreeMap::new();
    for (key, value) in &action.payload {
        match known.iter().find(|field| field.key == key) {
            Some(field) if field.control == Control::Json => {
                fields.insert(key.clone(), pretty(value));
            }
            Some(_) if !value.is_object() => {
                let joined = |list: &Vec<Value>| list.iter().map(text).collect::<Vec<_>>().join(", ");
                fields.insert(key.clone(), value.as_array().map_or_else(|| text(value), joined));
            }
            _ => {
                more.insert(key.clone(), value.clone());
            }
        }
    }
    let more = if more.is_empty() { String::new() } else { pretty(&Value::Object(more)) };
    ActionRow { module: action.module.clone(), fields, more, continue_on_error: action.continue_on_error }
}

impl ActionRow {
    pub(super) fn action(&self, n: usize, bad: &mut Invalid) -> Action {
        let mut payload = Map::new();
        let known = modules::find(&self.module).map_or(&[][..], |module| module.fields);
        for field in known {
            let typed = self.fields.get(field.key).map(String::as_str).unwrap_or_default();
            if typed.trim().is_empty() {
                continue;
            }
            let value = match field.control {
                // A variable alone is text until it is filled in.
                Control::Json if !typed.trim().starts_with("{{") => {
                    let read = read_json(typed).map_err(|text| format!("Action {}: {text}", n + 1));
                    bad.check(&format!("actions.{n}.f.{}", field.key), read).unwrap_or_default()
                }
                _ => Value::from(typed),
            };
            payload.insert(field.key.to_owned(), value);
        }
        match read_json(&self.more) {
            Ok(Value::Object(map)) => payload.extend(map),
            Ok(Value::Null) => {}
            Ok(_) => bad.add(&format!("actions.{n}.more"), format!("Action {}: write an object", n + 1)),
            Err(text) => bad.add(&format!("actions.{n}.more"), format!("Action {}: {text}", n + 1)),
        }
        Action { module: self.module.clone(), payload, continue_on_error: self.continue_on_error }
    }
}
