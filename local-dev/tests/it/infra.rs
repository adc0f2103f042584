//! The deployment template against the code.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::read;

/// Paths of the template by function, `/{proxy+}` cut off. The template is ours, so plain lines are
/// enough: a resource begins with two spaces, `Path:` names a route.
fn deployed() -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut function = String::new();
    for line in read("infra/template.yaml").lines() {
        if line.starts_with("  ") && !line.starts_with("   ") {
            function = line.trim().trim_end_matches(':').trim_end_matches("Function").to_lowercase();
        }
        let Some(at) = line.find("Path: ") else { continue };
        let path = line[at + 6..].split([',', '}', ' ']).next().unwrap_or_default().trim_matches('"');
        let path = if line[at..].contains("/{proxy+}") { format!("{path}}}") } else { path.to_owned() };
        found.entry(function.clone()).or_default().insert(path);
    }
    found
}

/// Each prefix is deployed as itself and as everything below. The site answers what nobody else claims,
/// so the API's default route leads to it and its prefixes are not repeated.
fn declared() -> BTreeMap<String, BTreeSet<String>> {
    let mut wanted: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (area, prefix) in local_dev::all::routes().prefixes() {
        if *area != "site" {
            let paths = wanted.entry((*area).to_owned()).or_default();
            paths.insert((*prefix).to_owned());
            paths.insert(format!("{prefix}/{{proxy+}}"));
        }
    }
    wanted
}

#[test]
fn the_template_routes_what_the_code_declares() {
    let (deployed, declared) = (deployed(), declared());
    for (area, paths) in &declared {
        let there = deployed.get(area).cloned().unwrap_or_default();
        let missing: Vec<_> = paths.difference(&there).collect();
        let extra: Vec<_> = there.difference(paths).collect();
        assert!(missing.is_empty() && extra.is_empty(), "{area}: lacks {missing:?}, has too many {extra:?}");
    }
    let unknown: Vec<_> = deployed.keys().filter(|name| !declared.contains_key(*name)).collect();
    assert!(unknown.is_empty(), "the template has routes for {unknown:?}");
}

fn is_below(inner: &str, outer: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'))
}

/// True when the second area claims an address of the first. Around others may lie the site's
/// prefixes only, because the site answers what nobody else claims.
fn claims(first: (&str, &str), second: (&str, &str)) -> bool {
    first.1 == second.1 || (first.0 != "site" && is_below(second.1, first.1))
}

#[test]
fn no_two_areas_claim_one_address() {
    let routes = local_dev::all::local_routes(&shared::testing::config());
    let prefixes = routes.prefixes();
    for (n, (area, prefix)) in prefixes.iter().enumerate() {
        for (other, second) in &prefixes[n + 1..] {
            let clash = claims((area, prefix), (other, second)) || claims((other, second), (area, prefix));
            assert!(!(area != other || prefix == second) || !clash, "{area} {prefix} and {other} {second} overlap");
        }
    }
}

#[test]
fn every_address_lies_below_a_prefix_of_its_area() {
    let routes = local_dev::all::local_routes(&shared::testing::config());
    let prefixes = routes.prefixes().to_vec();
    for route in routes.table().all() {
        let is_below = prefixes.iter().filter(|(area, _)| *area == route.area).any(|(_, prefix)| {
            route.path == *prefix || (*prefix != "/" && route.path.starts_with(&format!("{prefix}/")))
        });
        assert!(is_below, "{} {} lies below no prefix of {}", route.method, route.path, route.area);
    }
}

#[test]
fn every_function_is_built_and_deployed() {
    let template = read("infra/template.yaml");
    for area in ["site", "identity", "companies", "tickets", "automation", "mcp", "notifications", "worker"] {
        assert!(template.contains(&format!("CodeUri: ../target/lambda-zip/{area}.zip")), "{area} is not deployed");
    }
}
