//! Which events an automation is for (automation 3.4): conditions over the event, read from JSON, tried
//! with an account of what was found.

mod compare;
mod parse;
#[cfg(test)]
mod tests;

pub use compare::{look_up, shown};
use serde::Serialize;
use serde_json::Value;

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

impl Filters {
    /// One group of conditions that must all be true.
    pub fn of(all: Vec<Condition>) -> Self {
        Self { all, ..Self::default() }
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
