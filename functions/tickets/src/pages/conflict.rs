//! Two people changed the same ticket: field by field, theirs or mine (interface 3.4).

use serde::Serialize;
use shared::web::FormState;

use super::choose::Opt;
use super::show::{Panel, details};
use crate::store::Ticket;

/// What is asked when somebody else was quicker.
#[derive(Debug, Serialize)]
pub(super) struct Conflict {
    /// Who was quicker, where that is known.
    who: Option<String>,
    lines: Vec<Line>,
}

/// A field in which both differ.
#[derive(Debug, Serialize)]
struct Line {
    name: &'static str,
    label: &'static str,
    theirs: Side,
    mine: Side,
}

#[derive(Debug, Serialize)]
struct Side {
    value: String,
    text: String,
}

const FIELDS: [(&str, &str); 8] = [
    ("subject", "Subject"),
    ("status", "Status"),
    ("priority", "Priority"),
    ("assigned_user_id", "Assignee"),
    ("requester_id", "Requester"),
    ("company_id", "Company"),
    ("category", "Category"),
    ("external_reference", "External reference"),
];

impl Conflict {
    /// Compares what was sent with what is stored.
    pub(super) fn of(sent: &FormState, current: &Ticket, panel: &Panel, who: Option<String>) -> Self {
        let stored = details(current);
        let differs = |name: &str| sent.fields.contains_key(name) && sent.value(name).trim() != stored.value(name);
        let side = |name: &'static str, form: &FormState| {
            let value = form.value(name).trim().to_owned();
            Side { text: panel.text(name, &value), value }
        };
        let fields = FIELDS.into_iter().filter(|(name, _)| differs(name));
        let lines =
            fields.map(|(name, label)| Line { name, label, theirs: side(name, &stored), mine: side(name, sent) });
        Self { who, lines: lines.collect() }
    }
}

impl Panel {
    /// A value of a field as people read it.
    fn text(&self, name: &str, value: &str) -> String {
        let find = |options: &[Opt]| options.iter().find(|o| o.value() == value).map(|o| o.label().to_owned());
        let found = match name {
            "status" => find(&self.statuses),
            "priority" => find(&self.priorities),
            "assigned_user_id" => find(&self.assignees),
            "requester_id" => find(&self.requesters),
            "company_id" => find(&self.companies),
            _ => None,
        };
        match found {
            Some(text) => text,
            None if value.is_empty() => "nothing".to_owned(),
            None => value.to_owned(),
        }
    }
}
