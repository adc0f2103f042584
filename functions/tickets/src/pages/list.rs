//! The list: a requester's own tickets, those of a company, or the desk.

use std::borrow::Cow;

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
use super::columns;
use super::filter::{ListQuery, ListState};
use super::narrow::{self, Chip, Filters, Link, Tab};
use super::tags::Tag;
use super::undo::Offer;
use super::views::{self, ViewBar};
use crate::model::{Column, Priority, Status, TicketFilter};
use crate::scope::Scope;
use crate::store::{self, Choices, Found, Line, Search, ViewCounts};

/// The list of tickets.
#[derive(Debug, Serialize)]
pub struct TicketList {
    is_desk: bool,
    /// The company whose people's tickets are shown.
    company: Option<String>,
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
    /// What a form carries that orders the whole list as a file; none while it is short enough to come at once.
    export_fields: Option<Vec<(String, String)>>,
    empty: Option<Empty>,
    bulk: Option<BulkBar>,
    undo: Option<Undo>,
    /// The desk's columns in their order.
    columns: Vec<Head>,
    chooser: Vec<columns::Choice>,
    views: Option<ViewBar>,
    here: String,
}

/// The button that takes the last change back.
#[derive(Debug, Serialize)]
struct Undo {
    id: i64,
    back: String,
}

/// The head of a column.
#[derive(Debug, Serialize)]
struct Head {
    key: &'static str,
    label: &'static str,
    sort: bool,
    first: &'static str,
    prio: i64,
}

impl From<Column> for Head {
    fn from(column: Column) -> Self {
        let prio = match column {
            Column::Subject | Column::Status => 1,
            Column::Id | Column::Assignee => 2,
            _ => 3,
        };
        let first = if column == Column::Status { "asc" } else { "desc" };
        Self { key: column.key(), label: column.label(), sort: column.is_sortable(), first, prio }
    }
}

/// What may be done to the ticked tickets.
#[derive(Debug, Serialize)]
struct BulkBar {
    /// The parameters of the list, for "all of the list" and the way back.
    carried: Vec<(String, String)>,
    statuses: Vec<Opt>,
    priorities: Vec<Opt>,
    assignees: Vec<Opt>,
    categories: Vec<String>,
    tags: Vec<String>,
    plain_statuses: Vec<Opt>,
    plain_priorities: Vec<Opt>,
    plain_assignees: Vec<Opt>,
}

impl BulkBar {
    fn of(state: &ListState, choices: &Choices) -> Self {
        let set = |action: &str, options: Vec<Opt>| {
            options.iter().map(|o| Opt::new(format!("{action}:{}", o.value()), o.label())).collect::<Vec<_>>()
        };
        let mut assignees = vec![Opt::new("me", "Me"), Opt::new("none", "Nobody")];
        let people = choose::options(&choices.assignees, None);
        assignees.extend(people.iter().cloned());
        let mut plain_assignees = vec![Opt::new("", "Nobody")];
        plain_assignees.extend(people);
        Self {
            carried: state.carried(),
            statuses: set("status", choose::statuses()),
            priorities: set("priority", choose::priorities()),
            assignees: set("assign", assignees),
            categories: choices.categories.clone(),
            tags: choices.tags.clone(),
            plain_statuses: choose::statuses(),
            plain_priorities: choose::priorities(),
            plain_assignees,
        }
    }
}

#[derive(Debug, Serialize)]
struct Row {
    href: String,
    id: i64,
    version: i64,
    subject: String,
    status_label: &'static str,
    status: String,
    priority_label: &'static str,
    priority: String,
    category: Option<String>,
    company: Option<String>,
    requester: Option<String>,
    assigned_id: Option<i64>,
    assigned: Option<String>,
    tags: Vec<Tag>,
    more_tags: usize,
    last_reply_at: Option<DateTime<Utc>>,
    last_reply_by: Option<&'static str>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// Tags in a row; the others are counted.
const TAGS_SHOWN: usize = 3;

#[derive(Debug, Serialize)]
struct Empty {
    title: Cow<'static, str>,
    text: &'static str,
    action: Option<Link>,
}

impl Empty {
    /// "Ask for help here" is for people without tickets of their own.
    fn without_you(self, company: &str) -> Self {
        let is_new = self.title == "No tickets yet";
        let title = if is_new { format!("No tickets at {company} yet").into() } else { self.title };
        let text = if self.text.starts_with("Ask for") { "Tickets of your colleagues appear here." } else { self.text };
        Self { title, text, ..self }
    }
}

/// Shows the tickets that the caller may see.
pub async fn list(by: User, query: Query<ListQuery>) -> Result<Response> {
    let reach = Scope::of(&by);
    let page = if reach.sees_desk() {
        let choices = store::choices(by.db(), by.now(), None, None, Some(by.me().id())).await?;
        if let Some(to) = views::elsewhere(&query, &choices) {
            return Ok(by.go(&to));
        }
        desk(&by, reach, &query, &choices).await?
    } else {
        own(&by, reach, &query).await?
    };
    let say = format!("{{\"portal:say\": \"{}\"}}", plural(page.list.total, "ticket"));
    let mut response = by.page(&page).await?;
    if let Ok(say) = HeaderValue::from_str(&say) {
        response.headers_mut().insert("hx-trigger", say);
    }
    Ok(response)
}

async fn find(by: &User, scope: Scope, state: &ListState) -> Result<(Found, Vec<Line>)> {
    let Search { plan, found } = store::search(scope, by.db(), &state.filter).await?;
    let part = (state.paging.size(), state.paging.offset());
    Ok((found, store::page(scope, by.db(), &state.filter, plan, part).await?))
}

/// Saved views that are counted, beside the four that everybody has.
const COUNTED: usize = 2;

/// A requester's own tickets, or those of the company where they may be seen.
async fn own(by: &User, reach: Scope, query: &Query<ListQuery>) -> Result<TicketList> {
    let state = ListState::read(reach, by.me().id(), by.now(), query);
    let scope = reach.listed(query.wants_company());
    let (found, lines) = find(by, scope, &state).await?;
    let company = by.me().company.as_ref().filter(|company| reach.colleagues() == Some(company.id));
    let page = TicketList::new(&state, &found, lines, None);
    Ok(page.of_company(&state, company.map(|company| company.name.as_str()), scope != reach.listed(false)))
}

async fn desk(by: &User, scope: Scope, query: &Query<ListQuery>, choices: &Choices) -> Result<TicketList> {
    let me = by.me().id();
    let state = views::state(me, by.now(), query, &choices.settings);
    let (found, lines) = find(by, scope, &state).await?;
    // A search is not counted: every word would be looked for again.
    let filters = choices.views.iter().map(|view| (view.id, views::filter_of(view, me, by.now())));
    let counted: Vec<(i64, TicketFilter)> = filters.filter(|(_, f)| f.search.is_none()).take(COUNTED).collect();
    let counts = store::view_counts(by.db(), me, &counted).await?;
    let page = TicketList::of_desk(&state, &found, lines, choices, (me, &counts));
    Ok(page.with_undo(&state, Offer::read(query.undo.as_deref(), by.now())))
}

impl TicketList {
    pub(super) fn of_desk(
        state: &ListState,
        found: &Found,
        lines: Vec<Line>,
        choices: &Choices,
        (me, counts): (i64, &ViewCounts),
    ) -> Self {
        let shown = views::columns(state, choices);
        Self {
            tabs: narrow::desk_tabs(state, me, counts, &choices.views),
            filters: narrow::desk_filters(state, choices),
            bulk: Some(BulkBar::of(state, choices)),
            chooser: columns::choices(&shown),
            columns: shown.into_iter().map(Head::from).collect(),
            views: Some(ViewBar::of(state, choices)),
            ..Self::new(state, found, lines, Some(choices))
        }
    }

    pub(super) fn new(state: &ListState, found: &Found, lines: Vec<Line>, choices: Option<&Choices>) -> Self {
        let is_desk = choices.is_some();
        let mut number = state.paging.offset();
        let mut list = PageOf::new(lines, state.paging, found.counted).map(|line| {
            number += 1;
            Row { href: state.ticket(line.id, number), ..Row::of(line, is_desk, state.of_company) }
        });
        list.is_capped |= found.has_more;
        let chips = narrow::chips(state, choices);
        Self {
            is_desk,
            company: None,
            tabs: narrow::own_tabs(state),
            filters: narrow::own_filters(state),
            clear: state.cleared(),
            tallies: narrow::tallies(state, found),
            sort: state.sort_key(),
            sort_url: state.prefix(&["sort", "order"], "sort"),
            page_url: state.prefix(&[], "page"),
            size_url: state.prefix(&["size"], "size"),
            export: narrow::export(state),
            export_fields: list.is_capped.then(|| state.carried()),
            empty: list.items.is_empty().then(|| Empty::of(state, is_desk, !chips.is_empty())),
            chips,
            list,
            bulk: None,
            columns: Vec::new(),
            chooser: Vec::new(),
            views: None,
            here: state.address(&[], &[]),
            undo: None,
        }
    }
}

impl TicketList {
    /// Offers to take the last change back.
    pub(super) fn with_undo(self, state: &ListState, offer: Option<Offer>) -> Self {
        Self { undo: offer.map(|offer| Undo { id: offer.id, back: state.address(&[], &[]) }), ..self }
    }

    /// Offers the tickets of the company to those who may see them, and says whose are shown.
    pub(super) fn of_company(mut self, state: &ListState, company: Option<&str>, is_company: bool) -> Self {
        let Some(name) = company else { return self };
        self.filters.add_whose(state, name);
        if is_company {
            self.company = Some(name.to_owned());
            self.empty = self.empty.map(|empty| empty.without_you(name));
        }
        self
    }
}

impl Page for TicketList {
    const TEMPLATE: &'static str = "tickets/list.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("tickets-list", "tickets/_list_live.html")];

    fn samples() -> Vec<Self> {
        super::samples::lists()
    }
}

impl Row {
    fn of(line: Line, is_desk: bool, of_company: bool) -> Self {
        let by = match line.last_reply_side.as_deref() {
            Some("technician") => Some(if is_desk { "the desk" } else { "us" }),
            Some("requester") => Some(if is_desk || of_company { "the requester" } else { "you" }),
            _ => None,
        };
        let mut tags: Vec<Tag> = if is_desk { line.tags().into_iter().map(Tag::of).collect() } else { Vec::new() };
        let more_tags = tags.len().saturating_sub(TAGS_SHOWN);
        tags.truncate(TAGS_SHOWN);
        Self {
            tags,
            more_tags,
            requester: line.requester_name(),
            assigned: line.assigned_name(),
            href: String::new(),
            id: line.id,
            version: line.version,
            subject: line.subject,
            status_label: Status::stored(&line.status).label(),
            status: line.status,
            priority_label: Priority::stored(&line.priority).label(),
            priority: line.priority,
            category: line.category,
            company: line.company_name,
            assigned_id: line.assigned_user_id,
            last_reply_at: line.last_reply_at,
            last_reply_by: by,
            created_at: line.created_at,
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
                Self { title: "No tickets match".into(), text: "Nothing fits the filters above.", action: Some(clear) }
            }
            (true, ..) => Self {
                title: "No tickets yet".into(),
                text: "Tickets appear here as soon as somebody asks for help.",
                action: Some(new),
            },
            (false, _, Some("closed")) => Self {
                title: "No closed tickets".into(),
                text: "Tickets that are solved or done appear here.",
                action: None,
            },
            (false, _, Some("open")) => Self {
                title: "No open tickets".into(),
                text: "Ask for help here. You see every answer, and older tickets under Closed.",
                action: Some(new),
            },
            _ => Self {
                title: "No tickets yet".into(),
                text: "Ask for help here. Your tickets appear with every answer.",
                action: Some(new),
            },
        }
    }
}
