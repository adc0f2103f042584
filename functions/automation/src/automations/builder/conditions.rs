//! Conditions as rows and groups: what the rows mean as filters, and which filters rows can say.

use serde::Serialize;
use serde_json::Value;
use shared::error::Invalid;
use shared::web::Form;

use super::MOST_ROWS;
use super::form::Blank;
use super::json::text;
use crate::automations::filters::{Condition, Filters, OPERATORS};

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

pub(super) fn read_rows(form: &Form<Blank>, prefix: &str) -> Vec<Row> {
    let rows = (0..MOST_ROWS).map_while(|n| {
        let get = |name: &str| form.all(&format!("{prefix}conditions.{n}.{name}")).into_iter().next();
        let operator = get("operator")?;
        Some(Row { field: get("field").unwrap_or_default(), operator, value: get("value").unwrap_or_default() })
    });
    rows.collect()
}

pub(super) fn write_rows(prefix: &str, rows: &[Row], all: &mut Vec<(String, String)>) {
    for (n, row) in rows.iter().enumerate() {
        for (name, value) in [("field", &row.field), ("operator", &row.operator), ("value", &row.value)] {
            all.push((format!("{prefix}conditions.{n}.{name}"), value.clone()));
        }
    }
}

/// What rows mean; faults are named by the row. Rows that must all be true compare a field once in each way,
/// because JSON has one place for it.
pub(super) fn conditions(
    prefix: &str,
    noun: &str,
    rows: &[Row],
    is_one_object: bool,
    bad: &mut Invalid,
) -> Vec<Condition> {
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

pub(super) fn one(condition: Condition) -> Filters {
    Filters::of(vec![condition])
}

impl Group {
    pub(super) fn filters(&self, g: usize, bad: &mut Invalid) -> Filters {
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

/// How many must be true, rows and groups that say the same as the filters; none when they cannot.
pub(super) fn said(filters: &Filters) -> Option<(&'static str, Vec<Row>, Vec<Group>)> {
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

impl Row {
    pub(super) fn blank() -> Self {
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
