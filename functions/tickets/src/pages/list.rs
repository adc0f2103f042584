//! The list: a requester's own tickets, or the desk.

use axum::response::Response;
use chrono::{DateTime, Utc};
use http::HeaderValue;
use serde::Serialize;
use shared::caller::User;
use shared::error::Result;
use shared::format::plural;
use shared::page::Page;
use shared::web::{PageOf, Query};

use super::choose::{self, Opt};
use super::filter::{ListQuery, ListState, Read};
use crate::model::{Assigned, Status};
use crate::scope::Scope;
use crate::store::{self, Choices, Found, Line};

/// The list of tickets.
#[derive(Debug, Serialize)]
pub struct TicketList {
    is_desk: bool,
    tabs: Vec<Tab>,
    filters: Filters,
    chips: Vec<Chip>,
    clear: String,
    tallies: Vec<Link>,
    list: PageOf<Row>,
    sort: String,
    sort_url: String,
    page_url: String,
    size_url: String,
    export: String,
    empty: Option<Empty>,
}

#[derive(Debug, Serialize)]
struct Tab {
    label: &'static str,
    href: String,
    current: bool,
    count: Option<i64>,
}

#[derive(Debug, Serialize)]
struct Filters {
    q: String,
    keep: std::collections::BTreeMap<&'static str, String>,
    active: usize,
    selects: Vec<Select>,
}

#[derive(Debug, Serialize)]
struct Select {
    name: &'static str,
    label: &'static str,
    options: Vec<Opt>,
    value: String,
}

#[derive(Debug, Serialize)]
struct Chip {
    label: &'static str,
    value: String,
    href: String,
}

#[derive(Debug, Serialize)]
struct Link {
    label: String,
    href: String,
}

#[derive(Debug, Serialize)]
struct Row {
    id: i64,
    subject: String,
    status: String,
    priority: String,
    company: Option<String>,
    requester: Option<String>,
    assigned_id: Option<i64>,
    assigned: Option<String>,
    last_reply_at: Option<DateTime<Utc>>,
    last_reply_by: Option<&'static str>,
    updated_at: DateTime<Utc>,
}

#[derive(Debug, Serialize)]
struct Empty {
    title: &'static str,
    text: &'static str,
    action: Option<Link>,
}

/// Shows the tickets that the caller may see.
pub async fn list(by: User, query: Query<ListQuery>) -> Result<Response> {
    let scope = Scope::of(&by);
    let state = ListState::read(scope, by.me().id(), &query);
    let found = store::tallies(scope, by.db(), &state.filter).await?;
    let (limit, offset) = (state.paging.size(), state.paging.offset());
    let lines = store::page(scope, by.db(), &state.filter, limit, offset).await?;
    let page = if scope.sees_desk() {
        let choices = store::choices(by.db(), by.now(), None, None).await?;
        let counts = store::view_counts(by.db(), by.me().id()).await?;
        TicketList::of_desk(&state, &found, lines, &choices, (by.me().id(), counts))
    } else {
        TicketList::new(&state, &found, lines, None)
    };
    let say = format!("{{\"portal:say\": \"{}\"}}", plural(page.list.total, "ticket"));
    let mut response = by.page(&page).await?;
    if let Ok(say) = HeaderValue::from_str(&say) {
        response.headers_mut().insert("hx-trigger", say);
    }
    Ok(response)
}

impl TicketList {
    pub(super) fn of_desk(
        state: &ListState,
        found: &Found,
        lines: Vec<Line>,
        choices: &Choices,
        (me, counts): (i64, (i64, i64)),
    ) -> Self {
        let (tabs, filters) = (desk_tabs(state, me, counts), desk_filters(state, choices));
        Self { tabs, filters, ..Self::new(state, found, lines, Some(choices)) }
    }

    pub(super) fn new(state: &ListState, found: &Found, lines: Vec<Line>, choices: Option<&Choices>) -> Self {
        let is_desk = choices.is_some();
        let list = PageOf::new(lines, state.paging, found.counted).map(|line| Row::of(line, is_desk));
        let chips = chips(state, choices);
        Self {
            is_desk,
            tabs: own_tabs(state),
            filters: own_filters(state),
            clear: state.cleared(),
            tallies: tallies(state, found),
            sort: state.sort_key(),
            sort_url: state.prefix(&["sort", "order"], "sort"),
            page_url: state.prefix(&[], "page"),
            size_url: state.prefix(&["size"], "size"),
            export: export(state),
            empty: list.items.is_empty().then(|| Empty::of(state, is_desk, !chips.is_empty())),
            chips,
            list,
        }
    }
}

impl Page for TicketList {
    const TEMPLATE: &'static str = "tickets/list.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("tickets-list", "tickets/_list.html")];

    fn samples() -> Vec<Self> {
        super::samples::lists()
    }
}

impl Row {
    fn of(line: Line, is_desk: bool) -> Self {
        let by = match line.last_reply_side.as_deref() {
            Some("technician") => Some(if is_desk { "the desk" } else { "us" }),
            Some("requester") => Some(if is_desk { "the requester" } else { "you" }),
            _ => None,
        };
        Self {
            requester: line.requester_name(),
            assigned: line.assigned_name(),
            id: line.id,
            subject: line.subject,
            status: line.status,
            priority: line.priority,
            company: line.company_name,
            assigned_id: line.assigned_user_id,
            last_reply_at: line.last_reply_at,
            last_reply_by: by,
            updated_at: line.updated_at,
        }
    }
}

impl Empty {
    fn of(state: &ListState, is_desk: bool, is_narrowed: bool) -> Self {
        let clear = Link { label: "Clear filters".to_owned(), href: state.cleared() };
        let new = Link { label: "New ticket".to_owned(), href: "/tickets/new".to_owned() };
        match (is_desk, is_narrowed, state.state) {
            (_, true, _) => {
                Self { title: "No tickets match", text: "Nothing fits the filters above.", action: Some(clear) }
            }
            (true, ..) => Self {
                title: "No tickets yet",
                text: "Tickets appear here as soon as somebody asks for help.",
                action: Some(new),
            },
            (false, _, Some("closed")) => {
                Self { title: "No closed tickets", text: "Tickets that are solved or done appear here.", action: None }
            }
            (false, _, Some("open")) => Self {
                title: "No open tickets",
                text: "Ask for help here. You see every answer, and older tickets under Closed.",
                action: Some(new),
            },
            _ => Self {
                title: "No tickets yet",
                text: "Ask for help here. Your tickets appear with every answer.",
                action: Some(new),
            },
        }
    }
}

fn tab(label: &'static str, href: &str, current: bool, count: Option<i64>) -> Tab {
    Tab { label, href: href.to_owned(), current, count }
}

fn own_tabs(state: &ListState) -> Vec<Tab> {
    [("Open", "open"), ("Closed", "closed"), ("All", "all")]
        .into_iter()
        .map(|(label, name)| {
            let href = state.address(&["status"], &[("state", name)]);
            tab(label, &href, state.state == Some(name), None)
        })
        .collect()
}

fn desk_tabs(state: &ListState, me: i64, (mine, nobodys): (i64, i64)) -> Vec<Tab> {
    let is_open = state.state == Some("open");
    let whose = |assigned| is_open && state.filter.assigned == assigned && state.filter.requester.is_none();
    let is_mine_asked = state.filter.requester == Some(me);
    let is_all = !is_open && state.filter.assigned.is_none() && !is_mine_asked;
    vec![
        tab("My open", "/tickets?assigned=me&state=open", whose(Some(Assigned::Person(me))), Some(mine)),
        tab("Unassigned", "/tickets?assigned=none&state=open", whose(Some(Assigned::Nobody)), Some(nobodys)),
        tab("All open", "/tickets?state=open", whose(None), None),
        tab("All tickets", "/tickets", is_all, None),
        tab("My requests", "/tickets?requester=me", is_mine_asked, None),
    ]
}

fn own_filters(state: &ListState) -> Filters {
    let keep = ["state", "sort", "size"].into_iter();
    let keep = keep.filter_map(|name| state.given(name).map(|value| (name, value.to_owned()))).collect();
    Filters { q: state.filter.search.clone().unwrap_or_default(), keep, active: 0, selects: Vec::new() }
}

fn desk_filters(state: &ListState, choices: &Choices) -> Filters {
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
    ];
    let active = selects.iter().filter(|select| !select.value.is_empty()).count();
    let mut filters = own_filters(state);
    if let Some(requester) = state.given("requester") {
        filters.keep.insert("requester", requester.to_owned());
    }
    Filters { selects, active, ..filters }
}

fn words<T>(values: &[Read<T>], label: impl Fn(&T) -> &'static str) -> String {
    let words = values.iter().map(|value| match value {
        Read::Known(value) => label(value).to_owned(),
        Read::Unknown(text) => format!("{} (unknown)", text.chars().take(40).collect::<String>()),
    });
    words.collect::<Vec<_>>().join(", ")
}

fn chips(state: &ListState, choices: Option<&Choices>) -> Vec<Chip> {
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
        add("Assignee", "assigned", assignee(state, choices));
        let company =
            |id: &i64| choices.companies.iter().find(|c| c.id == *id).map_or(format!("#{id}"), |c| c.name.clone());
        add("Company", "company", state.filter.companies.iter().map(company).collect::<Vec<_>>().join(", "));
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
fn tallies(state: &ListState, found: &Found) -> Vec<Link> {
    if found.counted > 10_000 || found.by_status.len() < 2 {
        return Vec::new();
    }
    let link = |tally: &store::Tally| Link {
        label: format!("{} {}", Status::stored(&tally.status).label(), tally.tickets),
        href: state.address(&["state"], &[("status", &tally.status)]),
    };
    found.by_status.iter().map(link).collect()
}

fn export(state: &ListState) -> String {
    let statuses = state.filter.statuses.iter().map(|s| format!("status={}", s.as_str()));
    let priorities = state.filter.priorities.iter().map(|p| format!("priority={}", p.as_str()));
    let encode = shared::context::encode_component;
    let assigned = state.given("assigned").map(|a| format!("assigned_user_id={}", encode(a)));
    let company = state.filter.companies.first().map(|id| format!("company_id={id}"));
    let requester = state.filter.requester.map(|id| format!("requester_id={id}"));
    let search = state.filter.search.as_deref().map(|q| format!("search={}", encode(q)));
    let parts = statuses.chain(priorities).chain(assigned).chain(company).chain(requester).chain(search);
    let query = parts.collect::<Vec<_>>().join("&");
    if query.is_empty() { "/api/tickets/export.csv".to_owned() } else { format!("/api/tickets/export.csv?{query}") }
}
