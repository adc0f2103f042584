//! Who depends on whom: areas stand on `shared` alone, but for assistants, who see tickets.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use crate::support::root;

#[test]
fn areas_know_the_kernel_and_nobody_else() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let ours: BTreeMap<String, BTreeSet<String>> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().unwrap();
            let local = dependencies.iter().filter(|d| d["path"].is_string()).map(|d| text(&d["name"])).collect();
            (text(&package["name"]), local)
        })
        .collect();
    for (name, uses) in &ours {
        let allowed: BTreeSet<String> = match name.as_str() {
            "shared" => BTreeSet::from(["shared".to_owned()]),
            "local-dev" => ours.keys().cloned().collect(),
            "worker" => ours.keys().filter(|n| *n != "local-dev" && *n != "site").cloned().collect(),
            "mcp" | "automation" => BTreeSet::from(["shared".to_owned(), "tickets".to_owned()]),
            _ => BTreeSet::from(["shared".to_owned()]),
        };
        let more: Vec<&String> = uses.difference(&allowed).collect();
        assert!(more.is_empty(), "{name} must not depend on {more:?}");
    }
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
