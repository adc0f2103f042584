//! The routes as the API documentation and the route table show them.

use std::collections::HashSet;

#[test]
fn every_operation_is_documented_once_with_examples() {
    let document = serde_json::to_value(tickets::routes().openapi()).unwrap();
    let mut ids = HashSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let names: Vec<String> = parameters.iter().map(|p| p["name"].to_string()).collect();
            let distinct: HashSet<&String> = names.iter().collect();
            assert_eq!(distinct.len(), names.len(), "{method} {path}: {names:?}");
            assert!(operation["summary"].is_string(), "{method} {path} has no summary");
            assert!(ids.insert(operation["operationId"].to_string()), "{method} {path}: id twice");
            assert!(!operation["security"][1].is_null(), "{method} {path} takes keys");
        }
    }
    assert_eq!(ids.len(), 41);
    let list = &document["paths"]["/api/tickets"]["get"]["parameters"].to_string();
    for name in ["status", "search", "limit", "offset"] {
        assert!(list.contains(&format!("\"{name}\"")), "{name}: {list}");
    }
    for name in [
        "CreateTicket",
        "LinkTicket",
        "MergeTickets",
        "SaveView",
        "SplitTicket",
        "UpdateTicket",
        "CreateReply",
        "ReplaceWatchers",
        "ChangeTags",
        "ChangeTickets",
        "CompleteAttachment",
        "ImportRequest",
    ] {
        assert!(!document["components"]["schemas"][name]["example"].is_null(), "{name} has no example");
    }
}

#[test]
fn every_path_lies_below_the_prefixes_of_the_area() {
    let routes = tickets::routes();
    let prefixes: Vec<&str> = routes.prefixes().iter().map(|(_, prefix)| *prefix).collect();
    assert_eq!(prefixes, ["/tickets", "/api/tickets", "/admin/tickets", "/admin/syncro/import-tickets"]);
    for facts in routes.table().all() {
        let below = |prefix: &&str| facts.path == **prefix || facts.path.starts_with(&format!("{prefix}/"));
        assert!(prefixes.iter().any(below), "{}", facts.path);
        let is_write = facts.method != http::Method::GET;
        assert!(facts.is_page || facts.scope == Some("tickets"), "{} {}", facts.method, facts.path);
        assert!(!(facts.is_page && is_write && facts.scope.is_some()));
    }
}
