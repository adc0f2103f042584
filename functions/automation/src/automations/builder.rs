//! The builder as a form (interface 3.7): rows of conditions and actions with numbered fields, so that
//! adding, moving and removing work as plain submits that change nothing but the form.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};
use shared::error::Invalid;
use shared::web::{Form, FormState};

use super::filters::{Condition, Filters, OPERATORS};
use super::model::{Action, Draft, MOST_ACTIONS, actions_of};
use super::modules::{self, Control};

/// Rows of conditions that a form may send.
const MOST_ROWS: usize = 50;

/// What a form may send; every field is looked up by its name.
#[derive(Debug, Clone, Default, serde::Deserialize)]
pub struct Blank {}

/// A condition as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "columns of the row")]
pub struct Row {
    pub field: String,
    pub operator: String,
    pub value: String,
}

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

/// The whole form as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "fields of the form")]
pub struct Builder {
    pub name: String,
    pub description: String,
    pub kind: String,
    pub status: String,
    pub cadence: String,
    pub cron_expression: String,
    pub timezone: String,
    pub trigger_event: String,
    pub custom_event: String,
    /// `all` or `any`.
    pub mode: String,
    pub rows: Vec<Row>,
    pub actions: Vec<ActionRow>,
    /// The JSON fields count, not the rows.
    pub use_json: bool,
    pub filters_json: String,
    pub actions_json: String,
    pub ticket: String,
    pub version: String,
}

/// The choice that opens the field for an event of one's own.
pub const CUSTOM: &str = "custom";

impl Builder {
    /// What was sent.
    pub fn read(form: &Form<Blank>) -> Self {
        let get = |name: &str| form.all(name).into_iter().next().unwrap_or_default();
        let rows = (0..MOST_ROWS).map_while(|n| {
            form.has(&format!("conditions.{n}.operator")).then(|| Row {
                field: get(&format!("conditions.{n}.field")),
                operator: get(&format!("conditions.{n}.operator")),
                value: get(&format!("conditions.{n}.value")),
            })
        });
        let actions: Vec<ActionRow> = (0..=MOST_ACTIONS).map_while(|n| read_action(form, n)).collect();
        let is_plain = actions.is_empty() && !get("actionPayload").trim().is_empty();
        Self {
            name: get("name"),
            description: get("description"),
            kind: get("kind"),
            status: if get("status").is_empty() { "inactive".to_owned() } else { get("status") },
            cadence: get("cadence"),
            cron_expression: get("cronExpression"),
            timezone: get("timezone"),
            trigger_event: get("triggerEvent"),
            custom_event: get("customEvent"),
            mode: get("mode"),
            rows: rows.collect(),
            use_json: form.has("use_json") || is_plain,
            filters_json: get("triggerFilters"),
            actions_json: with_module(&get("actionModule"), get("actionPayload")),
            ticket: get("ticket"),
            version: get("version"),
            actions,
        }
    }

    /// A stored draft, as the form shows it. Conditions that the rows cannot say appear as JSON.
    pub fn of(draft: &Draft, version: i64) -> Self {
        let filters = draft.filters();
        let rows = rows_of(&filters);
        let event = draft.trigger_event.clone().unwrap_or_default();
        let is_known = super::events::triggers().iter().any(|trigger| trigger.value == event);
        let mut builder = Self {
            name: draft.name.clone(),
            description: draft.description.clone().unwrap_or_default(),
            kind: draft.kind.clone(),
            status: draft.status.clone(),
            cadence: draft.cadence.clone().unwrap_or_default(),
            cron_expression: draft.cron_expression.clone().unwrap_or_default(),
            timezone: draft.timezone.clone(),
            trigger_event: if is_known || event.is_empty() { event.clone() } else { CUSTOM.to_owned() },
            custom_event: if is_known { String::new() } else { event },
            mode: if filters.any.is_empty() { "all" } else { "any" }.to_owned(),
            use_json: rows.is_none(),
            rows: rows.unwrap_or_default(),
            actions: draft.actions.iter().map(action_row).collect(),
            version: version.to_string(),
            ..Self::default()
        };
        builder.write_json(draft);
        builder
    }

    /// The JSON fields say the same as the rows.
    fn write_json(&mut self, draft: &Draft) {
        self.filters_json = pretty(&draft.trigger_filters);
        self.actions_json = pretty(&serde_json::json!({ "actions": draft.actions }));
    }

    /// What the form means; what is wrong with its shape is named.
    pub fn draft(&self) -> Result<Draft, Invalid> {
        let mut bad = Invalid::none();
        let filters = if self.use_json {
            bad.check("triggerFilters", read_json(&self.filters_json))
        } else {
            Some(self.filters(&mut bad))
        };
        let actions = if self.use_json {
            let read = read_json(&self.actions_json).and_then(|value| actions_of(None, &value));
            bad.check("actionPayload", read)
        } else {
            Some(self.actions.iter().enumerate().map(|(n, row)| row.action(n, &mut bad)).collect())
        };
        bad.finish()?;
        let event = if self.trigger_event == CUSTOM { &self.custom_event } else { &self.trigger_event };
        Ok(Draft {
            name: self.name.clone(),
            description: Some(self.description.clone()),
            kind: self.kind.clone(),
            status: self.status.clone(),
            cadence: Some(self.cadence.clone()),
            cron_expression: Some(self.cron_expression.clone()),
            timezone: self.timezone.clone(),
            trigger_event: Some(event.trim().to_owned()),
            trigger_filters: filters.unwrap_or_default(),
            actions: actions.unwrap_or_default(),
        })
    }

    fn filters(&self, bad: &mut Invalid) -> Value {
        let mut groups: Vec<Vec<Condition>> = Vec::new();
        for (n, row) in self.rows.iter().enumerate() {
            if row.field.trim().is_empty() {
                bad.add(&format!("conditions.{n}.field"), format!("Condition {}: choose a field", n + 1));
                continue;
            }
            match row.condition() {
                Ok(condition) => groups.push(vec![condition]),
                Err(text) => bad.add(&format!("conditions.{n}.value"), format!("Condition {}: {text}", n + 1)),
            }
        }
        if self.mode == "any" {
            return Filters { any: groups, ..Filters::default() }.json();
        }
        let all: Vec<Condition> = groups.into_iter().flatten().collect();
        for (n, condition) in all.iter().enumerate() {
            let same = |other: &Condition| other.path == condition.path && other.operator == condition.operator;
            if all.iter().take(n).any(same) {
                let text = format!("Condition {}: this field is compared in the same way above", n + 1);
                bad.add(&format!("conditions.{n}.field"), text);
            }
        }
        Filters { all, ..Filters::default() }.json()
    }

    /// A press of a button that changes the form: `add-condition`, `remove-condition-2`, `add-action`,
    /// `remove-action-0`, `up-1`, `down-1`, `rows` or `json`. Gives what to say, if anything.
    pub fn apply(&mut self, op: &str) -> Option<String> {
        let (verb, number) = op.rsplit_once('-').map_or((op, None), |(verb, n)| (verb, n.parse::<usize>().ok()));
        match (op, verb, number) {
            ("add-condition", ..) if self.rows.len() < MOST_ROWS => {
                self.rows.push(Row { operator: "eq".to_owned(), ..Row::default() });
            }
            ("add-action", ..) if self.actions.len() < MOST_ACTIONS => {
                self.actions.push(ActionRow { module: "ntfy".to_owned(), ..ActionRow::default() });
            }
            (_, "remove-condition", Some(n)) if n < self.rows.len() => drop(self.rows.remove(n)),
            (_, "remove-action", Some(n)) if n < self.actions.len() => drop(self.actions.remove(n)),
            (_, "up", Some(n)) if n > 0 && n < self.actions.len() => return Some(self.swap(n, n - 1)),
            (_, "down", Some(n)) if n + 1 < self.actions.len() => return Some(self.swap(n, n + 1)),
            _ => {}
        }
        None
    }

    fn swap(&mut self, from: usize, to: usize) -> String {
        self.actions.swap(from, to);
        let way = if to < from { "up" } else { "down" };
        format!("Action {} moved {way}, now {} of {}", from + 1, to + 1, self.actions.len())
    }

    /// As the template draws it.
    pub fn state(&self) -> FormState {
        let flag = |on: bool| if on { "true".to_owned() } else { String::new() };
        let mut all: Vec<(String, String)> = [
            ("name", &self.name),
            ("description", &self.description),
            ("kind", &self.kind),
            ("status", &self.status),
            ("cadence", &self.cadence),
            ("cronExpression", &self.cron_expression),
            ("timezone", &self.timezone),
            ("triggerEvent", &self.trigger_event),
            ("customEvent", &self.custom_event),
            ("mode", &self.mode),
            ("triggerFilters", &self.filters_json),
            ("actionPayload", &self.actions_json),
            ("ticket", &self.ticket),
        ]
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .into();
        all.push(("use_json".to_owned(), flag(self.use_json)));
        for (n, row) in self.rows.iter().enumerate() {
            all.push((format!("conditions.{n}.field"), row.field.clone()));
            all.push((format!("conditions.{n}.operator"), row.operator.clone()));
            all.push((format!("conditions.{n}.value"), row.value.clone()));
        }
        for (n, row) in self.actions.iter().enumerate() {
            all.push((format!("actions.{n}.module"), row.module.clone()));
            all.push((format!("actions.{n}.more"), row.more.clone()));
            all.push((format!("actions.{n}.continue"), flag(row.continue_on_error)));
            all.extend(row.fields.iter().map(|(key, value)| (format!("actions.{n}.f.{key}"), value.clone())));
        }
        FormState::of(all)
    }
}

fn read_action(form: &Form<Blank>, n: usize) -> Option<ActionRow> {
    let get = |name: &str| form.all(&format!("actions.{n}.{name}")).into_iter().next();
    let module = get("module")?;
    let keys = modules::MODULES.iter().flat_map(|module| module.fields).map(|field| field.key);
    let fields = keys.filter_map(|key| Some((key.to_owned(), get(&format!("f.{key}"))?))).collect();
    let continue_on_error = form.has(&format!("actions.{n}.continue"));
    Some(ActionRow { module, fields, more: get("more").unwrap_or_default(), continue_on_error })
}

/// Old clients name the module of one action beside its payload.
fn with_module(module: &str, payload: String) -> String {
    if module.is_empty() {
        return payload;
    }
    let Ok(value) = read_json(&payload) else { return payload };
    match actions_of(Some(module), &value) {
        Ok(actions) => pretty(&serde_json::json!({ "actions": actions })),
        Err(_) => payload,
    }
}

fn pretty(value: &Value) -> String {
    if value.is_null() { String::new() } else { serde_json::to_string_pretty(value).unwrap_or_default() }
}

/// JSON as typed; nothing is null. A fault names its line.
fn read_json(text: &str) -> Result<Value, String> {
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(text)
        .map_err(|error| format!("This is not JSON: look at line {}, column {}", error.line(), error.column()))
}

/// None when the rows cannot say it.
fn rows_of(filters: &Filters) -> Option<Vec<Row>> {
    let is_simple = filters.not.is_empty()
        && (filters.all.is_empty() || filters.any.is_empty())
        && filters.any.iter().all(|group| group.len() == 1);
    let conditions = filters.all.iter().chain(filters.any.iter().flatten());
    is_simple.then(|| conditions.map(row).collect())
}

fn row(condition: &Condition) -> Row {
    let value = match &condition.value {
        Value::Array(list) => list.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Bool(flag) => if *flag { "yes" } else { "no" }.to_owned(),
        other => text(other),
    };
    Row { field: condition.path.clone(), operator: condition.operator.to_owned(), value }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

impl Row {
    fn condition(&self) -> Result<Condition, String> {
        let Some((operator, _)) = OPERATORS.iter().find(|(name, _)| *name == self.operator) else {
            return Err("choose a comparison".to_owned());
        };
        let typed = self.value.trim();
        let value = match *operator {
            "exists" | "changed" => Value::Bool(!typed.eq_ignore_ascii_case("no")),
            "in" | "not_in" => {
                let list: Vec<Value> =
                    typed.split(',').map(str::trim).filter(|part| !part.is_empty()).map(Value::from).collect();
                if list.is_empty() {
                    return Err("enter values with commas between them".to_owned());
                }
                Value::Array(list)
            }
            // An empty value asks for a field without one.
            "eq" | "ne" if typed.is_empty() => Value::Null,
            _ if typed.is_empty() => return Err("enter a value".to_owned()),
            _ => Value::from(typed),
        };
        let condition = Condition { path: self.field.trim().to_owned(), operator, value };
        let checked = Filters { all: vec![condition.clone()], ..Filters::default() };
        Filters::parse(&checked.json()).map(|_| condition)
    }
}

fn action_row(action: &Action) -> ActionRow {
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
    fn action(&self, n: usize, bad: &mut Invalid) -> Action {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn draft() -> Draft {
        Draft {
            name: "Urgent".to_owned(),
            description: None,
            kind: "event".to_owned(),
            status: "active".to_owned(),
            cadence: None,
            cron_expression: None,
            timezone: "UTC".to_owned(),
            trigger_event: Some("tickets.created".to_owned()),
            trigger_filters: json!({"match": {"ticket.priority": {"in": ["urgent", "high"]}, "ticket.company": {"exists": false}}}),
            actions: vec![Action {
                module: "ntfy".to_owned(),
                payload: json!({"title": "x", "tags": ["a"]}).as_object().cloned().unwrap(),
                continue_on_error: true,
            }],
        }
    }

    #[test]
    fn a_draft_comes_back_from_the_form() {
        let draft = draft();
        let builder = Builder::of(&draft, 1);
        assert!(builder.rows.iter().any(|row| row.value == "urgent, high"));
        let back = builder.draft().unwrap();
        assert_eq!((&back.trigger_filters, &back.actions), (&draft.trigger_filters, &draft.actions));
        let json = Builder { use_json: true, rows: Vec::new(), actions: Vec::new(), ..builder };
        let back = json.draft().unwrap();
        assert_eq!((back.trigger_filters, back.actions), (draft.trigger_filters, draft.actions));
    }

    #[test]
    fn what_rows_cannot_say_stays_json() {
        let filters = json!({"not": {"ticket.status": {"eq": "closed"}}});
        let builder = Builder::of(&Draft { trigger_filters: filters.clone(), ..draft() }, 1);
        assert!(builder.use_json && builder.rows.is_empty());
        assert_eq!(builder.draft().unwrap().trigger_filters, filters);
    }

    #[test]
    fn buttons_change_the_form() {
        let mut builder = Builder::of(&draft(), 1);
        builder.apply("add-action");
        assert_eq!(builder.apply("up-1").as_deref(), Some("Action 2 moved up, now 1 of 2"));
        assert!(builder.actions[0].fields.is_empty() && !builder.actions[1].fields.is_empty());
        builder.apply("remove-action-0");
        builder.apply("remove-condition-0");
        builder.apply("add-condition");
        for nonsense in ["up-0", "down-5", "remove-action-9", "", "x-y", "remove-condition-"] {
            assert_eq!(builder.apply(nonsense), None);
        }
        assert_eq!((builder.rows.len(), builder.actions.len()), (2, 1));
        let bad = builder.draft().unwrap_err();
        assert_eq!(bad.iter().next().unwrap(), ("conditions.1.field", "Condition 2: choose a field"));
    }
}
