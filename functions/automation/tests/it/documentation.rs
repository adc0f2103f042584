use std::collections::HashSet;

#[test]
fn every_operation_is_documented_once_with_examples() {
    let document = serde_json::to_value(automation::routes().openapi()).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let names: Vec<String> = parameters.iter().map(|p| p["name"].to_string()).collect();
            let distinct: HashSet<&String> = names.iter().collect();
            assert_eq!(distinct.len(), names.len(), "{method} {path}: {names:?}");
            assert!(operation["summary"].is_string(), "{method} {path} has no summary");
        }
    }
    for name in [
        "ModuleOut",
        "ModuleUpdate",
        "TestOut",
        "Task",
        "TaskCreate",
        "TaskUpdate",
        "TaskRun",
        "Activation",
        "Accepted",
        "Preview",
        "Automation",
        "AutomationCreate",
        "AutomationUpdate",
        "AutomationRun",
        "Sample",
        "Executed",
        "DryRun",
        "EventIn",
        "EventTaken",
        "Trigger",
        "PauseIn",
        "PauseOut",
        "WebhookOut",
        "AttemptOut",
        "BulkBody",
        "BulkOut",
    ] {
        assert!(!document["components"]["schemas"][name]["example"].is_null(), "{name} has no example");
    }
}

#[test]
fn the_templates_draw_every_sample() {
    shared::testing::render_samples::<automation::pause::pages::PauseAsk>();
    shared::testing::render_samples::<automation::modules::ModuleList>();
    shared::testing::render_samples::<automation::modules::ModuleShow>();
    shared::testing::render_samples::<automation::webhooks::EventList>();
    shared::testing::render_samples::<automation::webhooks::EventShow>();
    shared::testing::render_samples::<automation::webhooks::EventDelete>();
    shared::testing::render_samples::<automation::webhooks::EndpointList>();
    shared::testing::render_samples::<automation::webhooks::EndpointNew>();
    shared::testing::render_samples::<automation::webhooks::EndpointShow>();
    shared::testing::render_samples::<automation::webhooks::EndpointDelete>();
}
