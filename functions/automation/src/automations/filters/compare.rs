//! One comparison of one field: whether it holds, and how people read it.

use serde_json::Value;

use super::{Condition, OPERATORS, Tried};

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
    pub(super) fn holds(&self, event: &Value) -> bool {
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

    pub(super) fn tried(&self, event: &Value, group: Option<&str>, wanted: bool) -> Tried {
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
