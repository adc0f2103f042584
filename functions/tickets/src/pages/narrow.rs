//! What narrows the list of tickets, and the links that change it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::choose::{self, Opt};
use super::filter::{ListState, Read};
use super::views;
use crate::model::{Assigned, Status};
use crate::store::{Choices, Found, Tally, View, ViewCounts};

/// A view of the list.
#[derive(Debug, Serialize)]
pub(super) struct Tab {
    label: String,
    href: String,
    current: bool,
    count: Option<i64>,
}

/// The form above the list.
#[derive(Debug, Serialize)]
pub(super) struct Filters {
    q: String,
    keep: BTreeMap<&'static str, String>,
    active: usize,
    selects: Vec<Select>,
}

/// One select of it.
#[derive(Debug, Serialize)]
pub(super) struct Select {
    name: &'static str,
    label: &'static str,
    options: Vec<Opt>,
    value: String,
}

/// A filter in use.
#[derive(Debug, Serialize)]
pub(super) struct Chip {
    label: &'static str,
    value: String,
    href: String,
}

/// A link with words.
#[derive(Debug, Serialize)]
pub(super) struct Link {
    pub(super) label: String,
    pub(super) href: String,
}

/// Saved views beside the others; the rest is in the menu.
const VIEWS_SHOWN: usize = 4;

fn tab(label: &str, href: &str, current: bool, count: Option<i64>) -> Tab {
    Tab { label: label.to_owned(), href: href.to_owned(), current, count }
}

/// Tabs of a requester.
pub(super) fn own_tabs(state: &ListState) -> Vec<Tab> {
    [("Open", "open"), ("Closed", "closed"), ("All", "all")]
        .into_iter()
        .map(|(label, name)| {
            let href = state.address(&["status"], &[("state", name)]);
            tab(label, &href, state.state == Some(name), None)
        })
        .collect()
}

/// Views of the desk; counts where somebody must act.
pub(super) fn desk_tabs(state: &ListState, me: i64, counts: &ViewCounts, views: &[View]) -> Vec<Tab> {
    let opened: Option<i64> = state.given("view").and_then(|id| id.parse().ok());
    let opened = opened.filter(|id| views.iter().any(|view| view.id == *id));
    let is_plain = opened.is_none();
    let is_open = state.state == Some("open");
    let is_waiting = state.filter.waits_for_us;
    let is_recent = state.filter.updated_since.is_some();
    let whose = |assigned| is_open && state.filter.assigned == assigned && state.filter.requester.is_none();
    let is_mine_asked = state.filter.requester == Some(me);
    let is_all = !is_open && state.filter.assigned.is_none() && !is_mine_asked && !is_waiting && !is_recent;
    let mut tabs = vec![
        tab(
            "My open",
            "/tickets?assigned=me&state=open",
            is_plain && whose(Some(Assigned::Person(me))),
            Some(counts.mine),
        ),
        tab(
            "Unassigned",
            "/tickets?assigned=none&state=open",
            is_plain && whose(Some(Assigned::Nobody)),
            Some(counts.nobodys),
        ),
        tab("All open", "/tickets?state=open", is_plain && whose(None), Some(counts.open)),
        tab("Waiting on us", "/tickets?waiting=us", is_plain && is_waiting, Some(counts.waiting)),
        tab("Recently updated", "/tickets?updated=last_7d", is_plain && is_recent, None),
        tab("All tickets", "/tickets?state=all", is_plain && is_all, None),
        tab("My requests", "/tickets?requester=me", is_plain && is_mine_asked, None),
    ];
    // The one that is open is always in sight.
    let (first, rest) = views.split_at(views.len().min(VIEWS_SHOWN));
    for view in first.iter().chain(rest.iter().filter(|view| opened == Some(view.id))) {
        let count = counts.saved.iter().find(|(id, _)| *id == view.id).map(|(_, count)| *count);
        tabs.push(tab(&view.name, &views::address(view), opened == Some(view.id), count));
    }
    tabs
}

/// A requester searches.
pub(super) fn own_filters(state: &ListState) -> Filters {
    let keep = ["state", "waiting", "updated", "sort", "size", "columns", "view"].into_iter();
    let keep = keep.filter_map(|name| state.given(name).map(|value| (name, value.to_owned()))).collect();
    Filters { q: state.filter.search.clone().unwrap_or_default(), keep, active: 0, selects: Vec::new() }
}

impl Filters {
    /// Whose tickets are shown, for people who may see those of their company.
    pub(super) fn add_whose(&mut self, state: &ListState, company: &str) {
        let options = vec![Opt::new("", "Your own"), Opt::new("company", format!("Everybody at {company}"))];
        let value = if state.of_company { "company" } else { "" };
        self.selects.push(Select { name: "of", label: "Whose tickets", options, value: value.to_owned() });
    }
}

/// The desk narrows.
pub(super) fn desk_filters(state: &ListState, choices: &Choices) -> Filters {
    let any = |label: &str, options: Vec<Opt>| {
        let mut all = vec![Opt::new("", label)];
        all.extend(options);
        all
    };
    let mut assignees = vec![Opt::new("me", "Me"), Opt::new("none", "Nobody")];
    assignees.extend(choose::options(&choices.assignees, None));
    let value = |name: &str| state.given(name).unwrap_or_default().to_owned();
    let select = |name, label, options| Select { name, label, options, value: value(name) };
    let selects = vec![
        select("status", "Status", any("Any status", choose::statuses())),
        select("priority", "Priority", any("Any priority", choose::priorities())),
        select("assigned", "Assignee", any("Anybody", assignees)),
        select("company", "Company", any("Any company", choose::options(&choices.companies, None))),
        select("tag", "Tag", any("Any tag", choose::tags(&choices.tags, &state.filter.tags))),
    ];
    let active = selects.iter().filter(|select| !select.value.is_empty()).count();
    let mut filters = own_filters(state);
    if let Some(requester) = state.given("requester") {
        filters.keep.insert("requester", requester.to_owned());
    }
    Filters { active, selects, ..filters }
}

fn words<T>(values: &[Read<T>], label: impl Fn(&T) -> &'static str) -> String {
    let words = values.iter().map(|value| match value {
        Read::Known(value) => label(value).to_owned(),
        Read::Unknown(text) => format!("{} (unknown)", text.chars().take(40).collect::<String>()),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// What the address narrows by, each with the way without it.
pub(super) fn chips(state: &ListState, choices: Option<&Choices>) -> Vec<Chip> {
    let mut chips = Vec::new();
    let mut add = |label, name: &str, value: String| {
        if !value.is_empty() {
            chips.push(Chip { label, value, href: state.address(&[name], &[]) });
        }
    };
    add("Status", "status", words(&state.statuses, |s| s.label()));
    add("Priority", "priority", words(&state.priorities, |p| p.label()));
    if let Some(choices) = choices {
        if state.state.is_some_and(|name| name != "all") {
            add("State", "state", if state.state == Some("open") { "Open" } else { "Closed" }.to_owned());
        }
        if state.filter.waits_for_us {
            add("Waiting on", "waiting", "us".to_owned());
        }
        add("Updated", "updated", lately(state));
        add("Assignee", "assigned", assignee(state, choices));
        let company =
            |id: &i64| choices.companies.iter().find(|c| c.id == *id).map_or(format!("#{id}"), |c| c.name.clone());
        add("Company", "company", state.filter.companies.iter().map(company).collect::<Vec<_>>().join(", "));
        add("Tag", "tag", state.filter.tags.join(", "));
        let requester = state.given("requester").filter(|_| state.filter.requester.is_some());
        add(
            "Requester",
            "requester",
            requester.map(|r| if r == "me" { "me".to_owned() } else { format!("#{r}") }).unwrap_or_default(),
        );
    }
    add("Search", "q", state.filter.search.clone().unwrap_or_default());
    chips
}

fn lately(state: &ListState) -> String {
    let days = state.given("updated").filter(|_| state.filter.updated_since.is_some());
    let days = days.and_then(|text| text.strip_prefix("last_")?.strip_suffix('d'));
    days.map(|days| format!("last {days} days")).unwrap_or_default()
}

fn assignee(state: &ListState, choices: &Choices) -> String {
    match &state.assigned {
        None => String::new(),
        Some(Read::Unknown(text)) => format!("{} (unknown)", text.chars().take(40).collect::<String>()),
        Some(Read::Known(Assigned::Nobody)) => "nobody".to_owned(),
        Some(Read::Known(Assigned::Person(id))) => {
            choices.assignees.iter().find(|c| c.id == *id).map_or(format!("#{id}"), |c| c.name.clone())
        }
    }
}

/// The counts by status narrow the list when followed. Beyond 10,000 they would not be the whole truth.
pub(super) fn tallies(state: &ListState, found: &Found) -> Vec<Link> {
    if found.has_more || found.by_status.len() < 2 {
        return Vec::new();
    }
    let link = |tally: &Tally| Link {
        label: format!("{} {}", Status::stored(&tally.status).label(), tally.tickets),
        href: state.address(&["state"], &[("status", &tally.status)]),
    };
    found.by_status.iter().map(link).collect()
}

/// The same list as a file.
pub(super) fn export(state: &ListState) -> String {
    let statuses = state.filter.statuses.iter().map(|s| format!("status={}", s.as_str()));
    let priorities = state.filter.priorities.iter().map(|p| format!("priority={}", p.as_str()));
    let encode = shared::context::encode_component;
    let assigned = state.given("assigned").map(|a| format!("assigned_user_id={}", encode(a)));
    let company = state.filter.companies.first().map(|id| format!("company_id={id}"));
    let requester = state.filter.requester.map(|id| format!("requester_id={id}"));
    let search = state.filter.search.as_deref().map(|q| format!("search={}", encode(q)));
    let tags = state.filter.tags.iter().map(|tag| format!("tag={}", encode(tag)));
    let of = state.of_company.then(|| "of=company".to_owned()).into_iter();
    let parts = of.chain(statuses).chain(tags).chain(priorities).chain(assigned);
    let parts = parts.chain(company).chain(requester).chain(search);
    let query = parts.collect::<Vec<_>>().join("&");
    if query.is_empty() { "/api/tickets/export.csv".to_owned() } else { format!("/api/tickets/export.csv?{query}") }
}
