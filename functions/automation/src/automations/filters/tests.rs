//! Filters read, tried and said in words.

use serde_json::{Map, json};

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
    let filters = json!({"match": {"a": {"gt": 1, "lt": 5}}, "any": [{"b": {"eq": "x"}}], "not": {"c": {"in": [1]}}});
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
