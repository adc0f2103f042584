//! What the builder shows beside each variable: its meaning, and a value that it has or might have.

use serde::Serialize;
use serde_json::{Value, json};

use super::variables::{find, written};

/// The longest example, in characters.
const LENGTH: usize = 80;

/// A variable that the text of an action may hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Variable {
    /// As it is written.
    name: String,
    /// What it stands for.
    label: String,
    /// A value; empty when the event has none.
    example: String,
}

/// Variables that every run has.
const OWN: [(&str, &str); 4] = [
    ("automation.name", "This automation"),
    ("portal.baseUrl", "Address of the portal"),
    ("now", "Time of the run"),
    ("steps.0.text", "What action 1 gave"),
];

/// The variables of an event with values from `known`; what is not known there is made up.
pub fn variables<'a>(fields: impl IntoIterator<Item = &'a (&'a str, &'a str)>, known: &Value) -> Vec<Variable> {
    let made_up = made_up();
    let variable = |(path, label): &(&str, &str)| Variable {
        name: format!("{{{{{path}}}}}"),
        label: (*label).to_owned(),
        example: find(path, known).or_else(|| find(path, &made_up)).map(shown).unwrap_or_default(),
    };
    fields.into_iter().chain(&OWN).map(variable).collect()
}

/// On one line, and cut where it is long.
fn shown(value: &Value) -> String {
    let text = written(value).split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= LENGTH {
        return text;
    }
    text.chars().take(LENGTH - 1).chain(['…']).collect()
}

/// An event in which everything has happened at once.
fn made_up() -> Value {
    json!({
        "ticket": {
            "id": 10432, "subject": "Printer in room 4 jams", "description": "It jams on every second page.",
            "status": "open", "priority": "high", "category": "Hardware", "source": "portal",
            "company": "Brightware", "company_id": 12, "requester": "Caroline Ware",
            "requester_email": "caroline.ware@brightware.example", "assigned": "Grace Lin",
        },
        "reply": { "body": "It works again, thank you.", "is_internal": false, "author": "Caroline Ware" },
        "staff": {
            "id": 31, "name": "Priya Nair", "email": "priya.nair@northwind.example", "department": "Sales",
            "job_title": "Account manager", "account_action": "Onboard requested", "company": "Northwind",
            "company_id": 14,
        },
        "changes": {
            "status": ["open", "resolved"], "priority": ["normal", "high"], "assigned": ["Tom Reed", "Grace Lin"],
            "category": ["Software", "Hardware"], "company": ["Northwind", "Brightware"],
            "requester": ["Priya Nair", "Caroline Ware"], "subject": ["Printer", "Printer in room 4 jams"],
        },
        "actor": { "name": "Olivia Grant", "email": "olivia.grant@northstar.example" },
        "name": "Sync staff directory", "error": "The other side did not answer within 10 s", "task_id": 3,
        "target": "https://hooks.example.com/orders", "status": "failed",
        "automation": { "name": "Tell the desk of urgent tickets" },
        "portal": { "baseUrl": "https://portal.example.com" },
        "now": "2026-11-23T09:00:00Z",
        "steps": [{ "text": "A paper jam in the printer of room 4." }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::automations::events;

    fn example(all: &[Variable], name: &str) -> String {
        all.iter().find(|variable| variable.name == name).unwrap().example.clone()
    }

    #[test]
    fn every_variable_of_every_event_has_an_example() {
        for trigger in events::triggers() {
            let all = events::fields(trigger.value).iter().chain(events::changes(trigger.value));
            for variable in variables(all, &json!({})) {
                assert!(!variable.example.is_empty(), "{} has no example in {}", variable.name, trigger.value);
            }
        }
        assert_eq!(variables([], &json!({})).len(), OWN.len());
    }

    #[test]
    fn what_is_known_wins_and_what_is_empty_stays_so() {
        let known = json!({"ticket": {"subject": "Mail\n is down", "assigned": null, "description": "é".repeat(200)},
            "steps": []});
        let all = variables(events::fields("tickets.created"), &known);
        assert_eq!(example(&all, "{{ticket.subject}}"), "Mail is down");
        assert_eq!(example(&all, "{{ticket.assigned}}"), "");
        assert_eq!(example(&all, "{{ticket.description}}"), format!("{}…", "é".repeat(79)));
        assert_eq!(example(&all, "{{steps.0.text}}"), "A paper jam in the printer of room 4.");
    }
}
