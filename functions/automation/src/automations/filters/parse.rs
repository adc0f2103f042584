//! Filters as JSON: read with a sentence for what is wrong, and written.

use serde_json::{Map, Value};

use super::{Condition, Filters, OPERATORS, Wrong};

/// Conditions of one automation.
const MOST: usize = 50;

/// Groups in groups.
const DEEPEST: usize = 3;

/// The keys of a filter, as against fields of the event.
const KEYS: [&str; 4] = ["match", "all", "any", "not"];

impl Filters {
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
