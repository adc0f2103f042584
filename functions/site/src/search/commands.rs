//! What the palette offers to do from any page; each is a page that also stands in the portal itself.

use serde::Serialize;
use shared::caller::Person;
use shared::search;

/// Something to do.
#[derive(Debug, Clone, Serialize)]
pub struct Command {
    label: &'static str,
    href: String,
    icon: &'static str,
}

fn command(label: &'static str, href: impl Into<String>, icon: &'static str) -> Command {
    Command { label, href: href.into(), icon }
}

/// What a person may do, by name.
fn all(person: &Person) -> Vec<Command> {
    let mut all = vec![command("New ticket", "/tickets/new", "plus")];
    if let Some(company) = person.company.as_ref().filter(|_| person.rights.manages("membership.manage")) {
        all.push(command("Invite person", format!("/admin/companies/{}/invite", company.id), "user-plus"));
    }
    if person.rights.manages("company.manage") {
        all.push(command("Edit business information", "/business-information/edit", "edit"));
    }
    if person.user.is_super_admin {
        all.push(command("New company", "/admin/companies/new", "building"));
        all.push(command("New user", "/admin/users/new", "user-plus"));
        all.push(command("New role", "/admin/roles/new", "id-badge"));
        all.push(command("New API key", "/admin/api-keys/new", "key"));
        all.push(command("New automation", "/admin/automations/new", "bolt"));
        all.push(command("Announce something", "/admin/notifications/new", "bell"));
    }
    if person.memberships.len() > 1 || person.user.is_super_admin {
        all.push(command("Switch company", "/companies/choose", "building"));
    }
    all.push(command("Profile and preferences", "/profile", "user"));
    all.push(command("Notification settings", "/notifications/settings", "bell"));
    all.push(command("Keyboard shortcuts", "/help/shortcuts", "help"));
    all
}

/// Those in whose name every word begins a word.
pub fn matching(person: &Person, words: &str) -> Vec<Command> {
    let words = search::words(words);
    let fits = |command: &Command| {
        let label = search::words(command.label);
        words.iter().all(|word| label.iter().any(|part| part.starts_with(word.as_str())))
    };
    all(person).into_iter().filter(fits).take(8).collect()
}

/// For samples.
pub fn sample() -> Vec<Command> {
    vec![command("New ticket", "/tickets/new", "plus")]
}
