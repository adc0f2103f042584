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

/// Groups of conditions that a form may send.
const MOST_GROUPS: usize = 10;

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

/// A group of conditions as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Group {
    /// `all`, `any` or `not`.
    pub mode: String,
    /// Its conditions.
    pub rows: Vec<Row>,
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
    pub groups: Vec<Group>,
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
        let groups = (0..MOST_GROUPS).map_while(|g| {
            let name = format!("groups.{g}.mode");
            form.has(&name).then(|| Group { mode: get(&name), rows: read_rows(form, &format!("groups.{g}.")) })
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
            rows: read_rows(form, ""),
            groups: groups.collect(),
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
        let said = said(&filters);
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
            use_json: said.is_none(),
            actions: draft.actions.iter().map(action_row).collect(),
            version: version.to_string(),
            ..Self::default()
        };
        let (mode, rows, groups) = said.unwrap_or(("all", Vec::new(), Vec::new()));
        (builder.mode, builder.rows, builder.groups) = (mode.to_owned(), rows, groups);
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
        let is_any = self.mode == "any";
        let top = conditions("", "Condition", &self.rows, !is_any, bad);
        let mut groups = Vec::new();
        for (g, group) in self.groups.iter().enumerate() {
            if group.rows.is_empty() {
                let text = format!("Group {}: add a condition or remove the group", g + 1);
                bad.add(&format!("groups.{g}.mode"), text);
            }
            groups.push(group.filters(g, bad));
        }
        if is_any {
            let any = top.into_iter().map(one).chain(groups).collect();
            return Filters { any, ..Filters::default() }.json();
        }
        let modes: Vec<&str> = self.groups.iter().map(|group| group.mode.as_str()).collect();
        let filters = Filters::of(top);
        match modes[..] {
            // What the plain form can say is written in the plain form.
            ["any" | "not"] | ["any", "not"] => groups.into_iter().fold(filters, |filters, group| Filters {
                any: if group.any.is_empty() { filters.any } else { group.any },
                not: group.not.or(filters.not),
                ..filters
            }),
            _ => Filters { every: groups, ..filters },
        }
        .json()
    }

    /// A press of a button that changes the form: `add-condition`, `remove-condition-2`, `add-group`,
    /// `add-to-0`, `remove-in-0-2`, `remove-group-0`, `add-action`, `remove-action-0`, `up-1` or `down-1`. Gives
    /// what to say, if anything.
    pub fn apply(&mut self, op: &str) -> Option<String> {
        let (verb, number) = op.rsplit_once('-').map_or((op, None), |(verb, n)| (verb, n.parse::<usize>().ok()));
        match (op, verb, number) {
            ("add-condition", ..) if self.rows.len() < MOST_ROWS => {
                self.rows.push(Row::blank());
            }
            ("add-group", ..) if self.groups.len() < MOST_GROUPS => {
                self.groups.push(Group { mode: "any".to_owned(), rows: vec![Row::blank(), Row::blank()] });
            }
            (_, "remove-group", Some(n)) if n < self.groups.len() => drop(self.groups.remove(n)),
            (_, "add-to", Some(n)) => {
                if let Some(group) = self.groups.get_mut(n).filter(|group| group.rows.len() < MOST_ROWS) {
                    group.rows.push(Row::blank());
                }
            }
            ("add-action", ..) if self.actions.len() < MOST_ACTIONS => {
                self.actions.push(ActionRow { module: "ntfy".to_owned(), ..ActionRow::default() });
            }
            (_, "remove-condition", Some(n)) if n < self.rows.len() => drop(self.rows.remove(n)),
            (_, "remove-action", Some(n)) if n < self.actions.len() => drop(self.actions.remove(n)),
            (_, verb, Some(n)) if verb.starts_with("remove-in-") => {
                let group = verb.trim_start_matches("remove-in-").parse().ok();
                let group = group.and_then(|g: usize| self.groups.get_mut(g)).filter(|group| n < group.rows.len());
                if let Some(group) = group {
                    group.rows.remove(n);
                }
            }
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
        write_rows("", &self.rows, &mut all);
        for (g, group) in self.groups.iter().enumerate() {
            all.push((format!("groups.{g}.mode"), group.mode.clone()));
            write_rows(&format!("groups.{g}."), &group.rows, &mut all);
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

fn read_rows(form: &Form<Blank>, prefix: &str) -> Vec<Row> {
    let rows = (0..MOST_ROWS).map_while(|n| {
        let get = |name: &str| form.all(&format!("{prefix}conditions.{n}.{name}")).into_iter().next();
        let operator = get("operator")?;
        Some(Row { field: get("field").unwrap_or_default(), operator, value: get("value").unwrap_or_default() })
    });
    rows.collect()
}

fn write_rows(prefix: &str, rows: &[Row], all: &mut Vec<(String, String)>) {
    for (n, row) in rows.iter().enumerate() {
        for (name, value) in [("field", &row.field), ("operator", &row.operator), ("value", &row.value)] {
            all.push((format!("{prefix}conditions.{n}.{name}"), value.clone()));
        }
    }
}

/// What rows mean; faults are named by the row. Rows that must all be true compare a field once in each way,
/// because JSON has one place for it.
fn conditions(prefix: &str, noun: &str, rows: &[Row], is_one_object: bool, bad: &mut Invalid) -> Vec<Condition> {
    let mut found: Vec<Condition> = Vec::new();
    for (n, row) in rows.iter().enumerate() {
        let mut wrong = |field: &str, text: &str| {
            bad.add(&format!("{prefix}conditions.{n}.{field}"), format!("{noun} {}: {text}", n + 1));
        };
        if row.field.trim().is_empty() {
            wrong("field", "choose a field");
            continue;
        }
        match row.condition() {
            Err(text) => wrong("value", &text),
            Ok(new) if is_one_object && found.iter().any(|c| c.path == new.path && c.operator == new.operator) => {
                wrong("field", "this field is compared in the same way above");
            }
            Ok(new) => found.push(new),
        }
    }
    found
}

fn one(condition: Condition) -> Filters {
    Filters::of(vec![condition])
}

impl Group {
    fn filters(&self, g: usize, bad: &mut Invalid) -> Filters {
        let (prefix, noun) = (format!("groups.{g}."), format!("Group {}, condition", g + 1));
        let found = conditions(&prefix, &noun, &self.rows, self.mode != "any", bad);
        match self.mode.as_str() {
            "any" => Filters { any: found.into_iter().map(one).collect(), ..Filters::default() },
            "not" => Filters { not: Some(Box::new(Filters::of(found))), ..Filters::default() },
            _ => Filters::of(found),
        }
    }

    /// None when one group of rows cannot say it.
    fn of(filters: &Filters) -> Option<Self> {
        let rows = |conditions: &[Condition]| conditions.iter().map(row).collect();
        let (mode, rows) = match (&filters.all[..], &filters.every[..], &filters.any[..], &filters.not) {
            (all, [], [], None) => ("all", rows(all)),
            ([], [], any, None) => ("any", singles(any)?),
            ([], [], [], Some(not)) if not.is_flat() => ("not", rows(&not.all)),
            _ => return None,
        };
        Some(Self { mode: mode.to_owned(), rows })
    }
}

fn single(filters: &Filters) -> Option<Row> {
    match &filters.all[..] {
        [condition] if filters.is_flat() => Some(row(condition)),
        _ => None,
    }
}

fn singles(groups: &[Filters]) -> Option<Vec<Row>> {
    groups.iter().map(single).collect()
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

/// How many must be true, rows and groups that say the same as the filters; none when they cannot.
fn said(filters: &Filters) -> Option<(&'static str, Vec<Row>, Vec<Group>)> {
    let has_one_of_alone = filters.all.is_empty() && filters.every.is_empty() && filters.not.is_none();
    if has_one_of_alone && !filters.any.is_empty() {
        let (rows, groups): (Vec<_>, Vec<_>) = filters.any.iter().partition(|group| single(group).is_some());
        let groups = groups.into_iter().map(Group::of).collect::<Option<_>>()?;
        return Some(("any", rows.into_iter().filter_map(single).collect(), groups));
    }
    let any = (!filters.any.is_empty()).then(|| Filters { any: filters.any.clone(), ..Filters::default() });
    let not = filters.not.clone().map(|not| Filters { not: Some(not), ..Filters::default() });
    let groups = filters.every.iter().chain(&any).chain(&not).map(Group::of).collect::<Option<_>>()?;
    Some(("all", filters.all.iter().map(row).collect(), groups))
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
    fn blank() -> Self {
        Self { operator: "eq".to_owned(), ..Self::default() }
    }

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
        Filters::parse(&one(condition.clone()).json()).map(|_| condition)
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
    fn what_rows_and_groups_cannot_say_stays_json() {
        let filters = json!({"match": {"a": {"eq": 1}}, "any": [{"b": {"eq": 1}, "c": {"eq": 1}}, {"d": {"eq": 1}}]});
        let builder = Builder::of(&Draft { trigger_filters: filters.clone(), ..draft() }, 1);
        assert!(builder.use_json && builder.rows.is_empty() && builder.groups.is_empty());
        assert_eq!(builder.draft().unwrap().trigger_filters, filters);
    }

    #[test]
    fn groups_come_back_from_the_form() {
        let (a, b, c) = (json!({"a": {"eq": "1"}}), json!({"b": {"eq": "2"}}), json!({"c": {"eq": "3"}}));
        let both = json!({"a": {"eq": "1"}, "b": {"eq": "2"}});
        for (filters, mode, rows, modes) in [
            (json!({"any": [a, b]}), "any", 2, &[][..]),
            (json!({"any": [a, both]}), "any", 1, &["all"]),
            (json!({"any": [a, {"any": [b, c]}, {"not": both}]}), "any", 1, &["any", "not"]),
            (json!({"match": a, "any": [b, c]}), "all", 1, &["any"]),
            (json!({"not": both}), "all", 0, &["not"]),
            (json!({"match": c, "any": [a, b], "not": both}), "all", 1, &["any", "not"]),
            (
                json!({"all": [{"any": [a, b]}, {"any": [b, c]}, both, {"not": c}]}),
                "all",
                0,
                &["any", "any", "all", "not"],
            ),
        ] {
            let builder = Builder::of(&Draft { trigger_filters: filters.clone(), ..draft() }, 1);
            let found: Vec<&str> = builder.groups.iter().map(|group| group.mode.as_str()).collect();
            assert_eq!((builder.mode.as_str(), builder.rows.len(), &found[..]), (mode, rows, modes), "{filters}");
            assert!(!builder.use_json, "{filters}");
            assert_eq!(builder.draft().unwrap().trigger_filters, filters);
        }
    }

    #[test]
    fn groups_are_added_filled_and_removed() {
        let mut builder = Builder::of(&draft(), 1);
        for op in ["add-group", "add-group", "add-to-1", "remove-in-1-0", "remove-group-0", "add-to-7", "remove-in-4-4"]
        {
            assert_eq!(builder.apply(op), None);
        }
        assert_eq!(builder.groups.iter().map(|group| group.rows.len()).collect::<Vec<_>>(), [2]);
        let bad = builder.draft().unwrap_err();
        let first = bad.iter().next().unwrap();
        assert_eq!(first, ("groups.0.conditions.0.field", "Group 1, condition 1: choose a field"));
        builder.apply("remove-in-0-1");
        builder.apply("remove-in-0-0");
        let bad = builder.draft().unwrap_err();
        assert_eq!(bad.iter().next().unwrap(), ("groups.0.mode", "Group 1: add a condition or remove the group"));
        for _ in 0..20 {
            builder.apply("add-group");
        }
        assert_eq!(builder.groups.len(), MOST_GROUPS);
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
