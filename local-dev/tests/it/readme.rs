//! README's tables against the code.

use std::fmt::Write as _;

use shared::config::SETTINGS;

use crate::support::{read, root};

const HEAD: &str = "| Variable | Default | Meaning |\n| --- | --- | --- |\n";

/// With `UPDATE_README=1` the table is written instead of compared.
#[test]
fn the_settings_table_is_the_code() {
    let mut table = String::new();
    for setting in SETTINGS {
        writeln!(table, "| `{}` | {} | {} |", setting.name, setting.default, setting.meaning).unwrap();
    }
    let readme = read("README.md");
    let (before, rest) = readme.split_once(HEAD).expect("README.md has the table of settings");
    let (written, after) = rest.split_once("\n\n").expect("text follows the table");
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(root().join("README.md"), format!("{before}{HEAD}{table}\n{after}")).unwrap();
        return;
    }
    let command = "UPDATE_README=1 cargo test -p local-dev --test it settings";
    assert!(format!("{written}\n") == table, "README.md's settings are old: run {command}");
}

/// README says which crate owns a table.
#[test]
fn every_table_has_an_owner() {
    let readme = read("README.md");
    let schema = shared::db::print_mysql();
    let tables = schema.lines().filter_map(|line| line.strip_prefix("CREATE TABLE ")?.split(' ').next());
    // "`ticket_*`" owns what begins alike, and so does "`notifications` and its companions".
    let is_family = |name: &str| {
        let family = name.split('_').next().unwrap_or_default();
        readme.contains(&format!("`{family}_*`")) || family == "notification"
    };
    let lost: Vec<&str> = tables.filter(|name| !readme.contains(&format!("`{name}`")) && !is_family(name)).collect();
    assert!(lost.is_empty(), "README.md names no owner of {lost:?}");
}

#[test]
fn the_example_file_names_every_setting() {
    let example = read(".env.example");
    for setting in SETTINGS {
        assert!(example.contains(&format!("{}=", setting.name)), ".env.example lacks {}", setting.name);
    }
    for line in example.lines().filter(|line| !line.is_empty() && !line.starts_with("# ")) {
        let name = line.trim_start_matches('#').split('=').next().unwrap_or_default();
        assert!(SETTINGS.iter().any(|setting| setting.name == name), ".env.example has {name}, which nothing reads");
    }
}
