//! The form there and back.

use serde_json::json;

use super::*;
use crate::automations::model::Action;

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
        (json!({"all": [{"any": [a, b]}, {"any": [b, c]}, both, {"not": c}]}), "all", 0, &["any", "any", "all", "not"]),
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
    for op in ["add-group", "add-group", "add-to-1", "remove-in-1-0", "remove-group-0", "add-to-7", "remove-in-4-4"] {
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
