//! The navigation: one table of entries, each with who sees it (interface 2.1, organisation 16).
//! An entry that a person may not use is not in the page.

use serde::Serialize;

use crate::caller::Person;

/// The navigation as the shell draws it.
#[derive(Debug, Serialize)]
pub struct Nav {
    /// `portal` or `admin`.
    pub area: &'static str,
    /// In order.
    pub groups: Vec<Group>,
}

/// Entries under one heading.
#[derive(Debug, Serialize)]
pub struct Group {
    /// None for the first group.
    pub heading: Option<String>,
    /// In order.
    pub items: Vec<Item>,
}

/// One entry.
#[derive(Debug, Serialize)]
pub struct Item {
    label: &'static str,
    href: &'static str,
    icon: &'static str,
    current: bool,
    count: Option<i64>,
}

struct Entry {
    group: &'static str,
    label: &'static str,
    href: &'static str,
    icon: &'static str,
    who: fn(&Person) -> bool,
}

const fn entry(
    group: &'static str,
    label: &'static str,
    href: &'static str,
    icon: &'static str,
    who: fn(&Person) -> bool,
) -> Entry {
    Entry { group, label, href, icon, who }
}

fn everyone(_: &Person) -> bool {
    true
}

fn desk(person: &Person) -> bool {
    person.is_technician
}

fn not_desk(person: &Person) -> bool {
    !person.is_technician
}

fn member(person: &Person) -> bool {
    person.rights.is_member
}

fn staff(person: &Person) -> bool {
    person.company.is_some() && person.rights.staff_level > 0
}

/// Super administrators reach the members through Companies.
fn manager(person: &Person) -> bool {
    !person.user.is_super_admin && person.rights.manages("membership.manage")
}

/// Super administrators read the trail in the administration.
fn auditor(person: &Person) -> bool {
    !person.user.is_super_admin && person.audits().is_some()
}

fn company_tickets(person: &Person) -> bool {
    !person.is_technician && person.company_tickets().is_some()
}

fn admin(person: &Person) -> bool {
    person.user.is_super_admin
}

const PORTAL: &[Entry] = &[
    entry("", "Dashboard", "/", "layout-dashboard", everyone),
    entry("", "Tickets", "/tickets", "ticket", not_desk),
    entry("Desk", "All tickets", "/tickets", "ticket", desk),
    entry("Desk", "My open", "/tickets?assigned=me&state=open", "user", desk),
    entry("Desk", "Unassigned", "/tickets?assigned=none&state=open", "inbox", desk),
    entry("Desk", "Waiting on us", "/tickets?waiting=us", "hourglass", desk),
    entry("Company", "Business information", "/business-information", "building", member),
    entry("Company", "Company tickets", "/tickets?of=company", "ticket", company_tickets),
    entry("Company", "Members", "/admin/companies", "users", manager),
    entry("Company", "Staff", "/staff", "users-group", staff),
    entry("Company", "Audit trail", "/admin/audit-logs", "history", auditor),
    entry(" ", "Administration", "/admin", "settings", admin),
];

const ADMIN: &[Entry] = &[
    entry("", "Overview", "/admin", "layout-dashboard", admin),
    entry("People", "Companies", "/admin/companies", "building", admin),
    entry("People", "Users", "/admin/users", "users", admin),
    entry("People", "Roles", "/admin/roles", "id-badge", admin),
    entry("People", "Access review", "/admin/access-review", "eye", admin),
    entry("Automation", "Automations", "/admin/automations", "bolt", admin),
    entry("Automation", "Automation & monitoring", "/admin/automation", "activity", admin),
    entry("Automation", "Webhooks", "/admin/webhooks", "webhook", admin),
    entry("Automation", "Ticket import", "/admin/tickets/import", "download", admin),
    entry("Automation", "Modules", "/admin/modules", "plug", admin),
    entry("Portal", "Announcements", "/admin/notifications", "bell", admin),
    entry("Portal", "Email", "/admin/email", "mail", admin),
    entry("Portal", "ChatGPT connection", "/admin/mcp", "robot", admin),
    entry("Portal", "API keys", "/admin/api-keys", "key", admin),
    entry("Portal", "Audit trail", "/admin/audit-logs", "history", admin),
    entry("Portal", "Site settings", "/admin/site-settings", "adjustments", admin),
    entry("Portal", "API documentation", "/docs", "code", admin),
];

/// The navigation for a person at an address.
pub fn build(person: Option<&Person>, target: &str) -> Nav {
    let Some(person) = person else { return Nav { area: "portal", groups: Vec::new() } };
    let path = target.split('?').next().unwrap_or_default();
    // Company admins see their members in the daily frame.
    let is_admin_area = admin(person) && (path == "/admin" || path.starts_with("/admin/"));
    let (area, entries) = if is_admin_area { ("admin", ADMIN) } else { ("portal", PORTAL) };
    let current = current(entries, person, target, path);
    let mut groups: Vec<(&str, Group)> = Vec::new();
    for (index, entry) in entries.iter().enumerate().filter(|(_, entry)| (entry.who)(person)) {
        let item = Item {
            label: entry.label,
            href: entry.href,
            icon: entry.icon,
            current: current == Some(index),
            count: None,
        };
        match groups.last_mut().filter(|(name, _)| *name == entry.group) {
            Some((_, group)) => group.items.push(item),
            None => groups.push((entry.group, Group { heading: heading(entry.group, person), items: vec![item] })),
        }
    }
    Nav { area, groups: groups.into_iter().map(|(_, group)| group).collect() }
}

fn heading(group: &str, person: &Person) -> Option<String> {
    match group {
        "" | " " => None,
        "Company" => person.company.as_ref().map(|c| c.name.clone()),
        other => Some(other.to_owned()),
    }
}

/// The entry with the longest path of whole segments; an exact address with its query wins.
fn current(entries: &[Entry], person: &Person, target: &str, path: &str) -> Option<usize> {
    let visible = entries.iter().enumerate().filter(|(_, entry)| (entry.who)(person));
    let fits = |href: &str| {
        path == href || (!matches!(href, "/" | "/admin") && path.strip_prefix(href).is_some_and(|r| r.starts_with('/')))
    };
    visible
        .filter(|(_, entry)| entry.href == target || (!entry.href.contains('?') && fits(entry.href)))
        .max_by_key(|(_, entry)| (entry.href == target, entry.href.len()))
        .map(|(index, _)| index)
}
