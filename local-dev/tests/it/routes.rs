//! The route table and the API document as they are written down.

use crate::support::{read, snapshot};

#[test]
fn the_route_table_is_as_written() {
    snapshot("routes", &local_dev::command::route_table());
}

#[test]
fn the_api_document_is_as_written() {
    // The order of names depends on what else is built, so values are compared, not texts.
    let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let written = parse(&read("functions/site/openapi.json"));
    let now = parse(&local_dev::command::openapi().unwrap());
    assert!(written == now, "functions/site/openapi.json is old: run `./local-dev/run openapi`");
}

#[test]
fn every_json_route_is_documented() {
    let document = serde_json::to_value(local_dev::all::routes().openapi()).unwrap();
    let mut missing = Vec::new();
    for route in local_dev::all::routes().table().all().into_iter().filter(|route| !route.is_page) {
        let operation = &document["paths"][&route.path][route.method.as_str().to_lowercase()];
        if operation["summary"].as_str().unwrap_or_default().is_empty() {
            missing.push(format!("{} {} has no title", route.method, route.path));
        }
        let has_body = operation["requestBody"].is_object();
        let content = operation["requestBody"]["content"].as_object().cloned().unwrap_or_default();
        if has_body && !content.values().all(|kind| has_example(&document, kind)) {
            missing.push(format!("{} {} has a body without an example", route.method, route.path));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// On the content itself, or on the schema that it names.
fn has_example(document: &serde_json::Value, content: &serde_json::Value) -> bool {
    let schema = &content["schema"];
    let named = schema["$ref"].as_str().and_then(|name| document.pointer(name.trim_start_matches('#')));
    let schema = named.unwrap_or(schema);
    let has = |value: &serde_json::Value| !value["example"].is_null() || !value["examples"].is_null();
    let parts = || schema["properties"].as_object().into_iter().flatten();
    has(content) || has(schema) || parts().any(|(_, part)| has(part) || part["format"] == "binary")
}

#[test]
fn references_of_the_api_document_lead_somewhere() {
    let text = local_dev::command::openapi().unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    for part in text.split("\"#/components/").skip(1) {
        let path = format!("/components/{}", part.split('"').next().unwrap());
        assert!(document.pointer(&path).is_some(), "nothing at {path}");
    }
}

#[test]
fn no_route_is_declared_twice() {
    // The router panics at the same method and path; this names the area instead.
    let table = local_dev::all::routes();
    assert!(!table.table().all().is_empty());
}
