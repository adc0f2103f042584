//! Which events an automation is for (automation 3.4): conditions over the event, read from JSON, tried
//! with an account of what was found.

use serde::Serialize;
use serde_json::{Map, Value};

/// Conditions of one automation.
const MOST: usize = 50;

/// Groups in groups.
const DEEPEST: usize = 3;

/// What a value is compared by.
pub const OPERATORS: [(&str, &str); 13] = [
    ("eq", "is"),
    ("ne", "is not"),
    ("in", "is any of"),
    ("not_in", "is none of"),
    ("contains", "contains"),
    ("starts_with", "starts with"),
    ("gt", "is more than"),
    ("gte", "is at least"),
    ("lt", "is less than"),
    ("lte", "is at most"),
    ("exists", "has a value"),
    ("changed", "has changed"),
    ("changed_to", "has changed to"),
];

/// One comparison of one field.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// Dotted path into the event; a bare name is looked up in the ticket first.
    pub path: String,
    /// One of [`OPERATORS`].
    pub operator: &'static str,
    /// What it is compared with.
    pub value: Value,
}

/// Conditions and groups of them: every one of `all` and of `every`, one group of `any` if there is any, and
/// not the group `not`. Groups may hold groups.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filters {
    /// Every one must be true.
    pub all: Vec<Condition>,
    /// Every one of these groups must be true; `all` in JSON.
    pub every: Vec<Filters>,
    /// At least one group must be true as a whole.
    pub any: Vec<Filters>,
    /// Must not be true as a whole.
    pub not: Option<Box<Filters>>,
}

/// A condition with what came of it.
#[derive(Debug, Clone, Serialize)]
pub struct Tried {
    /// The condition in words.
    pub text: String,
    /// What stood there, in words.
    pub found: String,
    /// Whether it is as the automation wants it.
    pub ok: bool,
    /// The group it belongs to, in words: "One of these", "Group 2, not all of these".
    pub group: Option<String>,
}

/// What is wrong with the JSON, as a sentence.
pub type Wrong = String;

/// The keys of a filter, as against fields of the event.
const KEYS: [&str; 4] = ["match", "all", "any", "not"];

impl Filters {
    /// One group of conditions that must all be true.
    pub fn of(all: Vec<Condition>) -> Self {
        Self { all, ..Self::default() }
    }

    /// Reads the JSON; null is no condition at all.
    pub fn parse(value: &Value) -> Result<Self, Wrong> {
        let map = match value {
            Value::Null => return Ok(Self::default()),
            Value::Object(map) => map,
            _ => return Err("Write an object with match, any or not".to_owned()),
        };
        let filters = Self::read(map, 1)?;
        if filters.count() > MOST { Err(format!("Use at most {MOST} conditions")) } else { Ok(filters) }
    }

    fn read(map: &Map<String, Value>, depth: usize) -> Result<Self, Wrong> {
        if let Some(other) = map.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(format!("“{other}” is not known here: use match, all, any and not"));
        }
        let list = |key: &str| map.get(key).map_or_else(|| Ok(Vec::new()), |value| groups(key, value, depth + 1));
        let not = map.get("not").map(|value| group(value, depth + 1)).transpose()?;
        Ok(Self {
            all: map.get("match").map_or_else(|| Ok(Vec::new()), flat)?,
            every: list("all")?,
            any: list("any")?,
            not: not.filter(|group| !group.is_empty()).map(Box::new),
        })
    }

    fn count(&self) -> usize {
        let inner = self.every.iter().chain(&self.any).chain(self.not.as_deref());
        self.all.len() + inner.map(Self::count).sum::<usize>()
    }

    /// As JSON; null without conditions.
    pub fn json(&self) -> Value {
        let mut map = Map::new();
        if !self.all.is_empty() {
            map.insert("match".to_owned(), flat_json(&self.all));
        }
        if !self.every.is_empty() {
            map.insert("all".to_owned(), self.every.iter().map(Self::group_json).collect());
        }
        if !self.any.is_empty() {
            map.insert("any".to_owned(), self.any.iter().map(Self::group_json).collect());
        }
        if let Some(not) = &self.not {
            map.insert("not".to_owned(), not.group_json());
        }
        if map.is_empty() { Value::Null } else { Value::Object(map) }
    }

    /// A group without groups is written without keys of its own.
    fn group_json(&self) -> Value {
        if self.is_flat() { flat_json(&self.all) } else { self.json() }
    }

    /// True when there are conditions alone, without groups.
    pub fn is_flat(&self) -> bool {
        self.every.is_empty() && self.any.is_empty() && self.not.is_none()
    }

    /// True when there is no condition.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty() && self.is_flat()
    }

    /// Whether the event is wanted.
    pub fn matches(&self, event: &Value) -> bool {
        self.all.iter().all(|c| c.holds(event))
            && self.every.iter().all(|group| group.matches(event))
            && (self.any.is_empty() || self.any.iter().any(|group| group.matches(event)))
            && self.not.as_ref().is_none_or(|group| !group.matches(event))
    }

    /// Every condition with the value it met.
    pub fn explain(&self, event: &Value) -> Vec<Tried> {
        let mut tried = Vec::new();
        self.tell(event, None, true, &mut tried);
        tried
    }

    /// `wanted` is false inside a group that must not be true.
    fn tell(&self, event: &Value, label: Option<&str>, wanted: bool, tried: &mut Vec<Tried>) {
        tried.extend(self.all.iter().map(|c| c.tried(event, label, wanted)));
        for (n, group) in self.every.iter().enumerate() {
            group.tell(event, Some(&under(label, &format!("Group {}", n + 1))), wanted, tried);
        }
        for (n, group) in self.any.iter().enumerate() {
            let one = under(label, "One of these");
            let is_one = group.is_flat() && group.all.len() == 1;
            let label = if is_one { one } else { under(Some(&one), &format!("Group {}", n + 1)) };
            group.tell(event, Some(&label), wanted, tried);
        }
        if let Some(group) = &self.not {
            group.tell(event, Some(&under(label, "Not all of these")), !wanted, tried);
        }
    }

    /// `priority is any of urgent, high and company is not Harbour`.
    pub fn words(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        if !self.all.is_empty() {
            parts.push(self.all.iter().map(Condition::words).collect::<Vec<_>>().join(" and "));
        }
        parts.extend(self.every.iter().map(|group| format!("({})", group.words())));
        if !self.any.is_empty() {
            let groups: Vec<String> = self.any.iter().map(Self::words_in_group).collect();
            parts.push(format!("one of these is true: {}", groups.join("; or ")));
        }
        if let Some(group) = &self.not {
            parts.push(format!("not: {}", group.words_in_group()));
        }
        parts.join(", and ")
    }

    fn words_in_group(&self) -> String {
        if self.is_flat() { self.words() } else { format!("({})", self.words()) }
    }
}

/// `Group 2, one of these`.
fn under(label: Option<&str>, part: &str) -> String {
    label.map_or_else(|| part.to_owned(), |label| format!("{label}, {}", part.to_lowercase()))
}

fn groups(key: &str, value: &Value, depth: usize) -> Result<Vec<Filters>, Wrong> {
    let list = value.as_array().ok_or_else(|| format!("Write {key} as a list of objects"))?;
    list.iter().map(|value| group(value, depth)).collect()
}

/// Fields and values, or a filter of its own. Fields come first: an event may have one called `match`.
fn group(value: &Value, depth: usize) -> Result<Filters, Wrong> {
    let is_filter = |map: &Map<String, Value>| !map.is_empty() && map.keys().all(|key| KEYS.contains(&key.as_str()));
    match (flat(value), value) {
        (Ok(all), _) => Ok(Filters::of(all)),
        (Err(_), Value::Object(map)) if is_filter(map) => {
            if depth > DEEPEST {
                Err(format!("Put groups at most {DEEPEST} deep"))
            } else {
                Filters::read(map, depth)
            }
        }
        (Err(wrong), _) => Err(wrong),
    }
}

fn flat(value: &Value) -> Result<Vec<Condition>, Wrong> {
    let map = value.as_object().ok_or("Write each group as an object of fields and values")?;
    let mut conditions = Vec::new();
    for (path, value) in map {
        check_path(path)?;
        match value {
            Value::Object(tests) => {
                if tests.is_empty() {
                    return Err(format!("{path}: say how to compare, for example {{\"eq\": \"open\"}}"));
                }
                for (name, value) in tests {
                    conditions.push(condition(path, name, value)?);
                }
            }
            Value::Array(_) => return Err(format!("{path}: write {{\"in\": [...]}} for a list of values")),
            literal => conditions.push(condition(path, "eq", literal)?),
        }
    }
    Ok(conditions)
}

fn check_path(path: &str) -> Result<(), Wrong> {
    let is_word =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if path.len() <= 128 && path.split('.').count() <= 6 && path.split('.').all(is_word) {
        Ok(())
    } else {
        Err(format!("“{path}” is not a field: write names with dots between them, such as ticket.priority"))
    }
}

fn condition(path: &str, name: &str, value: &Value) -> Result<Condition, Wrong> {
    let Some((operator, _)) = OPERATORS.iter().find(|(known, _)| *known == name) else {
        return Err(format!("{path}: “{name}” is not a comparison"));
    };
    let is_plain = !matches!(value, Value::Array(_) | Value::Object(_));
    let fits = match *operator {
        "in" | "not_in" => value.as_array().is_some_and(|list| {
            !list.is_empty() && list.len() <= 100 && list.iter().all(|v| !v.is_array() && !v.is_object())
        }),
        "exists" | "changed" => value.is_boolean(),
        "gt" | "gte" | "lt" | "lte" => value.is_number() || value.is_string(),
        "contains" | "starts_with" => value.is_string() || value.is_number(),
        _ => is_plain,
    };
    if fits {
        Ok(Condition { path: path.to_owned(), operator, value: value.clone() })
    } else {
        Err(format!("{path}: the value does not fit “{name}”"))
    }
}

fn flat_json(group: &[Condition]) -> Value {
    let mut map: Map<String, Value> = Map::new();
    for c in group {
        let tests = map.entry(c.path.clone()).or_insert_with(|| Value::Object(Map::new()));
        if let Some(tests) = tests.as_object_mut() {
            tests.insert(c.operator.to_owned(), c.value.clone());
        }
    }
    Value::Object(map)
}

/// The value at a path: a bare name in the ticket first, then at the top.
pub fn look_up<'e>(event: &'e Value, path: &str) -> Option<&'e Value> {
    if !path.contains('.')
        && let Some(found) = event.get("ticket").and_then(|ticket| ticket.get(path))
    {
        return Some(found);
    }
    path.split('.').try_fold(event, |at, part| match at {
        Value::Array(list) => list.get(part.parse::<usize>().ok()?),
        at => at.get(part),
    })
}

impl Condition {
    fn holds(&self, event: &Value) -> bool {
        let found = look_up(event, &self.path).unwrap_or(&Value::Null);
        match self.operator {
            "eq" => same(found, &self.value),
            "ne" => !same(found, &self.value),
            "in" => self.listed().any(|value| same(found, value)),
            "not_in" => !self.listed().any(|value| same(found, value)),
            "contains" => contains(found, &self.value),
            "starts_with" => folded(found).starts_with(&folded(&self.value)) && !found.is_null(),
            "exists" => found.is_null() != self.value.as_bool().unwrap_or(true),
            "changed" => self.change(event).is_some() == self.value.as_bool().unwrap_or(true),
            "changed_to" => self.change(event).is_some_and(|to| same(to, &self.value)),
            operator => order(found, &self.value).is_some_and(|order| match operator {
                "gt" => order.is_gt(),
                "gte" => order.is_ge(),
                "lt" => order.is_lt(),
                _ => order.is_le(),
            }),
        }
    }

    fn listed(&self) -> impl Iterator<Item = &Value> {
        self.value.as_array().into_iter().flatten()
    }

    /// What the field has become, if it has changed.
    fn change<'e>(&self, event: &'e Value) -> Option<&'e Value> {
        let name = self.path.strip_prefix("ticket.").unwrap_or(&self.path);
        event.get("changes")?.get(name)?.get(1)
    }

    /// In words: `priority is any of urgent, high`.
    pub fn words(&self) -> String {
        let field = self.path.strip_prefix("ticket.").unwrap_or(&self.path).replace(['_', '.'], " ");
        let by = OPERATORS.iter().find(|(name, _)| *name == self.operator).map_or("", |(_, words)| words);
        match (self.operator, self.value.as_bool()) {
            ("exists", Some(false)) => format!("{field} has no value"),
            ("changed", Some(false)) => format!("{field} has not changed"),
            ("exists" | "changed", _) => format!("{field} {by}"),
            _ => format!("{field} {by} {}", shown(&self.value)),
        }
    }

    fn tried(&self, event: &Value, group: Option<&str>, wanted: bool) -> Tried {
        let found = look_up(event, &self.path).unwrap_or(&Value::Null);
        let group = group.map(str::to_owned);
        Tried { text: self.words(), found: shown(found), ok: self.holds(event) == wanted, group }
    }
}

/// A value as people read it.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) if text.is_empty() => "nothing".to_owned(),
        Value::String(text) if text.chars().count() > 60 => text.chars().take(59).chain(['…']).collect(),
        Value::String(text) => text.clone(),
        Value::Bool(flag) => if *flag { "yes" } else { "no" }.to_owned(),
        Value::Array(list) => list.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn folded(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_lowercase(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Null is equal to null alone; numbers and flags also to their text, because forms send text.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Null, b) => b.is_null(),
        (a, Value::Null) => a.is_null(),
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (a, b) => folded(a) == folded(b),
    }
}

fn contains(found: &Value, wanted: &Value) -> bool {
    match found {
        Value::Array(list) => list.iter().any(|value| same(value, wanted)),
        Value::Null => false,
        other => folded(other).contains(&folded(wanted)),
    }
}

fn order(a: &Value, b: &Value) -> Option<std::cmp::Ordering> {
    let number = |value: &Value| match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a.partial_cmp(&b),
        _ => a.as_str().zip(b.as_str()).map(|(a, b)| a.to_lowercase().cmp(&b.to_lowercase())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event() -> Value {
        json!({"ticket": {"status": "Open", "priority": "urgent", "company_id": 4, "assigned": null, "tags": ["vpn"],
            "subject": "Printer jams"}, "changes": {"status": ["pending", "open"]}, "count": 7, "priority": "top"})
    }

    fn holds(filters: Value) -> bool {
        Filters::parse(&filters).unwrap().matches(&event())
    }

    #[test]
    fn conditions_look_into_the_ticket_first() {
        for (filters, expected) in [
            (json!(null), true),
            (json!({}), true),
            (json!({"match": {"status": "open"}}), true),
            (json!({"match": {"priority": "urgent"}}), true),
            (json!({"match": {"ticket.priority": {"in": ["high", "URGENT"]}}}), true),
            (json!({"match": {"priority": {"not_in": ["high", "urgent"]}}}), false),
            (json!({"match": {"company_id": 4}}), true),
            (json!({"match": {"company_id": "4"}}), true),
            (json!({"match": {"company_id": {"ne": 4}}}), false),
            (json!({"match": {"assigned": null}}), true),
            (json!({"match": {"nothing.there": null}}), true),
            (json!({"match": {"assigned": {"exists": true}}}), false),
            (json!({"match": {"assigned": {"exists": false}}}), true),
            (json!({"match": {"subject": {"contains": "JAM"}}}), true),
            (json!({"match": {"subject": {"starts_with": "jam"}}}), false),
            (json!({"match": {"tags": {"contains": "VPN"}}}), true),
            (json!({"match": {"count": {"gt": 6, "lte": 7}}}), true),
            (json!({"match": {"count": {"lt": "7"}}}), false),
            (json!({"match": {"subject": {"gt": 5}}}), false),
            (json!({"match": {"status": {"changed": true}}}), true),
            (json!({"match": {"priority": {"changed": true}}}), false),
            (json!({"match": {"priority": {"changed": false}}}), true),
            (json!({"match": {"ticket.status": {"changed_to": "open"}}}), true),
            (json!({"match": {"status": {"changed_to": "closed"}}}), false),
            (json!({"any": [{"status": "closed"}, {"priority": "urgent", "company_id": 4}]}), true),
            (json!({"any": [{"status": "closed"}, {"priority": "urgent", "company_id": 5}]}), false),
            (json!({"not": {"status": "open", "company_id": 5}}), true),
            (json!({"not": {"status": "open", "company_id": 4}}), false),
            (json!({"all": [{"any": [{"status": "open"}, {"status": "closed"}]}, {"company_id": 4}]}), true),
            (json!({"all": [{"any": [{"status": "open"}, {"status": "closed"}]}, {"company_id": 5}]}), false),
            (json!({"all": [{"any": [{"status": "new"}, {"status": "closed"}]}, {"company_id": 4}]}), false),
            (json!({"any": [{"status": "closed"}, {"not": {"priority": "low"}}]}), true),
            (json!({"any": [{"status": "closed"}, {"not": {"priority": "urgent"}}]}), false),
            (json!({"not": {"any": [{"status": "closed"}, {"priority": "urgent"}]}}), false),
            (json!({"not": {"any": [{"status": "closed"}, {"priority": "low"}]}}), true),
            (json!({"match": {"count": 7}, "all": [{"match": {"status": "open"}, "not": {"count": 8}}]}), true),
        ] {
            assert_eq!(holds(filters.clone()), expected, "{filters}");
        }
    }

    #[test]
    fn unknown_shapes_are_refused() {
        for filters in [
            json!([]),
            json!("x"),
            json!({"all": {}}),
            json!({"match": []}),
            json!({"match": {"a": {"like": "x"}}}),
            json!({"match": {"a": {}}}),
            json!({"match": {"a": ["x"]}}),
            json!({"match": {"a": {"in": "x"}}}),
            json!({"match": {"a": {"in": []}}}),
            json!({"match": {"a": {"eq": {"b": 1}}}}),
            json!({"match": {"a": {"exists": "yes"}}}),
            json!({"match": {"a..b": 1}}),
            json!({"match": {"a b": 1}}),
            json!({"any": {}}),
            json!({"any": ["x"]}),
            json!({"all": ["x"]}),
            json!({"all": [{"any": ["x"]}]}),
            json!({"all": [{"any": [{"all": [{"any": [{"a": 1}]}]}]}]}),
        ] {
            assert!(Filters::parse(&filters).is_err(), "{filters}");
        }
        let many: Map<String, Value> = (0..51).map(|n| (format!("f{n}"), json!(1))).collect();
        assert!(Filters::parse(&json!({ "match": many })).is_err());
    }

    #[test]
    fn json_comes_back_the_same() {
        let filters =
            json!({"match": {"a": {"gt": 1, "lt": 5}}, "any": [{"b": {"eq": "x"}}], "not": {"c": {"in": [1]}}});
        assert_eq!(Filters::parse(&filters).unwrap().json(), filters);
        let nested = json!({"all": [{"any": [{"a": {"eq": 1}}, {"not": {"b": {"eq": 2}}}]}, {"c": {"eq": 3}}]});
        assert_eq!(Filters::parse(&nested).unwrap().json(), nested);
        // An event may have fields with the names of our keys.
        let fields = json!({"any": [{"match": {"eq": "a"}}, {"not": {"exists": true}}]});
        let read = Filters::parse(&fields).unwrap();
        assert!(read.any.iter().all(Filters::is_flat) && read.json() == fields);
        assert_eq!(Filters::default().json(), Value::Null);
    }

    #[test]
    fn a_trial_shows_what_was_found() {
        let filters =
            Filters::parse(&json!({"match": {"priority": {"in": ["high"]}, "assigned": {"exists": true}}})).unwrap();
        let tried = filters.explain(&event());
        let mut lines: Vec<_> = tried.iter().map(|t| (t.text.as_str(), t.found.as_str(), t.ok)).collect();
        lines.sort_unstable();
        assert_eq!(lines, [("assigned has a value", "nothing", false), ("priority is any of high", "urgent", false)]);
    }

    #[test]
    fn groups_are_told_in_words_and_on_trial() {
        let filters = Filters::parse(&json!({"match": {"priority": "urgent"}, "all": [
            {"any": [{"status": "open"}, {"count": 7, "status": {"eq": "new"}}]}, {"not": {"company_id": 4}}]}))
        .unwrap();
        let words = "priority is urgent, and (one of these is true: status is open; or count is 7 and status is new), \
                     and (not: company id is 4)";
        assert_eq!(filters.words(), words);
        let tried = filters.explain(&event());
        let lines: Vec<_> = tried.iter().map(|t| (t.group.as_deref(), t.text.as_str(), t.ok)).collect();
        assert_eq!(
            lines,
            [
                (None, "priority is urgent", true),
                (Some("Group 1, one of these"), "status is open", true),
                (Some("Group 1, one of these, group 2"), "count is 7", true),
                (Some("Group 1, one of these, group 2"), "status is new", false),
                (Some("Group 2, not all of these"), "company id is 4", false),
            ]
        );
    }
}
