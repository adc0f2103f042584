//! The scheduler's catalogue against the work that the areas have registered.

use std::collections::BTreeSet;

#[test]
fn every_command_has_somebody_who_does_it() {
    let offered: BTreeSet<&str> = shared::commands::names().collect();
    let jobs = worker::jobs();
    let done: BTreeSet<&str> = jobs.commands().known().collect();
    assert_eq!(offered, done);
}
