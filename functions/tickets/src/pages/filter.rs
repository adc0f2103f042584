//! From the address of a list to its filter, and back to addresses with a part changed.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use shared::context::encode_component;
use shared::web::{Paging, Query};

use crate::model::{self, Assigned, Priority, Sort, Status, TicketFilter};
use crate::scope::Scope;

/// The parameters that are read once; statuses, priorities and companies repeat.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    /// `company`: the tickets of everybody in it, where they may be seen.
    pub of: Option<String>,
    /// `open`, `closed` or `all`.
    pub state: Option<String>,
    /// `me`, `none` or an id.
    pub assigned: Option<String>,
    /// `me` or an id.
    pub requester: Option<String>,
    /// Words or a number.
    pub q: Option<String>,
    /// A key, with `-` for descending.
    pub sort: Option<String>,
    /// `asc` or `desc`, where `sort` has no sign.
    pub order: Option<String>,
    /// From 1.
    pub page: Option<String>,
    /// 25, 50 or 100.
    pub size: Option<String>,
    /// The same.
    pub page_size: Option<String>,
    /// `us`: the customer spoke last.
    pub waiting: Option<String>,
    /// `last_1d`, `last_7d`, `last_30d`.
    pub updated: Option<String>,
    /// A change that can be taken back.
    pub undo: Option<String>,
    /// On a ticket: its number in the list.
    pub n: Option<String>,
    /// On a ticket: the whole conversation.
    pub all: Option<String>,
    /// On a form of a ticket: the list to go back to.
    pub back: Option<String>,
    /// On a ticket: the text to reply with.
    pub template: Option<String>,
    /// The saved view that is open.
    pub view: Option<String>,
}

impl ListQuery {
    /// The tickets of the company are asked for, and not one's own.
    pub fn wants_company(&self) -> bool {
        self.of.as_deref() == Some("company")
    }

    /// From names and values, the first of a repeated name.
    pub fn of(pairs: &[(String, String)]) -> Self {
        let value = |name: &str| pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
        Self {
            of: value("of"),
            state: value("state"),
            assigned: value("assigned"),
            requester: value("requester"),
            q: value("q"),
            sort: value("sort"),
            order: value("order"),
            page: value("page"),
            size: value("size"),
            page_size: value("page_size"),
            waiting: value("waiting"),
            updated: value("updated"),
            undo: value("undo"),
            n: value("n"),
            all: value("all"),
            back: value("back"),
            template: value("template"),
            view: value("view"),
        }
    }
}

/// What keeps a ticket's place in its list, behind the addresses of its forms.
pub fn suffix(query: &Query<ListQuery>) -> String {
    let kept =
        query.pairs().iter().filter(|(n, v)| (NAMES.contains(&n.as_str()) || n == "n") && v.chars().count() <= 200);
    let parts: Vec<String> = kept.take(20).map(|(n, v)| format!("{n}={}", encode_component(v))).collect();
    if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
}

/// What a value was taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read<T> {
    /// It is known.
    Known(T),
    /// It is shown as unknown and narrows nothing.
    Unknown(String),
}

/// The state of a list, as its address says it.
#[derive(Debug)]
pub struct ListState {
    /// The tickets.
    pub filter: TicketFilter,
    /// `open`, `closed`, `all`, or none where single statuses are chosen.
    pub state: Option<&'static str>,
    /// As chosen.
    pub statuses: Vec<Read<Status>>,
    /// As chosen.
    pub priorities: Vec<Read<Priority>>,
    /// As chosen.
    pub assigned: Option<Read<Assigned>>,
    /// Page and size.
    pub paging: Paging,
    /// On a ticket: its number in the list.
    pub number: Option<i64>,
    is_desk: bool,
    /// Everybody's in the company, for who may see them.
    pub of_company: bool,
    pairs: Vec<(String, String)>,
}

/// The parameters that an address of the list may carry, in the order they are written.
pub const NAMES: [&str; 16] = [
    "of",
    "state",
    "status",
    "priority",
    "assigned",
    "requester",
    "company",
    "tag",
    "waiting",
    "updated",
    "q",
    "sort",
    "order",
    "size",
    "columns",
    "view",
];

/// The parameters that narrow the list.
const NARROWING: [&str; 10] =
    ["state", "status", "priority", "assigned", "requester", "company", "tag", "waiting", "updated", "q"];

fn read<T>(values: &[String], parse: impl Fn(&str) -> Result<T, &'static str>) -> Vec<Read<T>> {
    values.iter().map(|v| parse(v).map_or_else(|_| Read::Unknown(v.clone()), Read::Known)).collect()
}

/// Every value of a name, also when several stand in one, separated by commas.
fn all(pairs: &[(String, String)], name: &str) -> Vec<String> {
    let values = pairs.iter().filter(|(n, _)| n == name).flat_map(|(_, v)| v.split(','));
    values.map(|v| v.trim().to_owned()).filter(|v| !v.is_empty()).take(20).collect()
}

fn known<T: Copy>(values: &[Read<T>]) -> Vec<T> {
    values.iter().filter_map(|v| if let Read::Known(v) = v { Some(*v) } else { None }).collect()
}

impl ListState {
    /// Reads the address. Requesters begin with what is open.
    pub fn read(scope: Scope, me: i64, now: DateTime<Utc>, query: &Query<ListQuery>) -> Self {
        Self::of(scope, me, now, &query.value, query.pairs().to_vec())
    }

    pub(super) fn of(
        scope: Scope,
        me: i64,
        now: DateTime<Utc>,
        query: &ListQuery,
        pairs: Vec<(String, String)>,
    ) -> Self {
        let statuses = read(&all(&pairs, "status"), Status::parse);
        let priorities = read(&all(&pairs, "priority"), Priority::parse);
        let assigned = query
            .assigned
            .as_deref()
            .map(|text| Assigned::parse(text, Some(me)).map_or_else(|_| Read::Unknown(text.to_owned()), Read::Known));
        let state = match query.state.as_deref() {
            Some("open") => Some("open"),
            Some("closed") => Some("closed"),
            Some("all") => Some("all"),
            _ if scope.is_own() && statuses.is_empty() => Some("open"),
            _ => None,
        };
        let (sort, is_ascending) = sort(query);
        let waits_for_us = query.waiting.as_deref() == Some("us");
        let requester = query.requester.as_deref().and_then(|r| if r == "me" { Some(me) } else { r.parse().ok() });
        let filter = TicketFilter {
            statuses: match (statuses.is_empty(), waits_for_us && state.is_none()) {
                (false, _) => known(&statuses),
                (true, true) => vec![Status::Open, Status::InProgress],
                (true, false) => of_state(state),
            },
            waits_for_us,
            updated_since: query.updated.as_deref().and_then(days).map(|days| now - TimeDelta::days(days)),
            priorities: known(&priorities),
            tags: all(&pairs, "tag").iter().filter_map(|text| model::tag(text).ok()).collect(),
            companies: all(&pairs, "company").iter().filter_map(|id| id.parse().ok()).take(200).collect(),
            assigned: if let Some(Read::Known(assigned)) = assigned { Some(assigned) } else { None },
            requester,
            search: query.q.as_deref().map(|q| q.chars().take(200).collect()),
            sort,
            is_ascending,
            ..TicketFilter::default()
        };
        let filter = if scope.is_own() { filter.for_requester() } else { filter };
        let number = query.n.as_deref().and_then(|n| n.parse().ok()).filter(|n| (1..=10_000).contains(n));
        let (is_desk, of_company) = (scope.sees_desk(), scope.colleagues().is_some() && query.wants_company());
        let paging = paging(query);
        Self { filter, state, statuses, priorities, assigned, paging, number, is_desk, of_company, pairs }
    }

    /// The column that is sorted by, with `-` for descending.
    pub fn sort_key(&self) -> String {
        format!("{}{}", if self.filter.is_ascending { "" } else { "-" }, self.filter.sort.as_str())
    }

    /// This list with parameters left out and others put in; the page always starts anew.
    pub fn address(&self, without: &[&str], with: &[(&str, &str)]) -> String {
        let mut parts: Vec<String> = Vec::new();
        for name in NAMES {
            if let Some((_, value)) = with.iter().find(|(n, _)| *n == name) {
                parts.push(format!("{name}={}", encode_component(value)));
            } else if !without.contains(&name) {
                let kept = self.pairs.iter().filter(|(n, v)| n == name && v.chars().count() <= 200).take(20);
                parts.extend(kept.map(|(_, value)| format!("{name}={}", encode_component(value))));
            }
        }
        if parts.is_empty() { "/tickets".to_owned() } else { format!("/tickets?{}", parts.join("&")) }
    }

    /// This list up to the value of one more parameter: `/tickets?status=open&page=`.
    pub fn prefix(&self, without: &[&str], name: &str) -> String {
        let address = self.address(without, &[]);
        format!("{address}{}{name}=", if address.contains('?') { '&' } else { '?' })
    }

    /// A ticket of the list, by its number in it.
    pub fn ticket(&self, id: i64, number: i64) -> String {
        let address = self.address(&[], &[]);
        let query = address.strip_prefix("/tickets").unwrap_or_default();
        format!("/tickets/{id}{query}{}n={number}", if query.is_empty() { '?' } else { '&' })
    }

    /// What keeps the place in the list, behind the addresses of a ticket's forms.
    pub fn suffix(&self) -> String {
        match self.number {
            Some(number) => self.ticket(0, number).trim_start_matches("/tickets/0").to_owned(),
            None => self.address(&[], &[]).trim_start_matches("/tickets").to_owned(),
        }
    }

    /// The parameters of the list, for forms that carry them.
    pub fn carried(&self) -> Vec<(String, String)> {
        let known = self.pairs.iter().filter(|(n, v)| NAMES.contains(&n.as_str()) && v.chars().count() <= 200);
        known.take(40).cloned().collect()
    }

    /// The list without anything that narrows it.
    pub fn cleared(&self) -> String {
        let left_out: Vec<&str> = NARROWING.into_iter().chain(["view"]).collect();
        self.address(&left_out, if self.is_desk { &[("state", "all")] } else { &[] })
    }

    /// The value of a parameter as it came, for forms that keep it.
    pub fn given(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

fn of_state(state: Option<&str>) -> Vec<Status> {
    match state {
        Some("open") => Status::UNDONE.to_vec(),
        Some("closed") => Status::DONE.to_vec(),
        _ => Vec::new(),
    }
}

/// `last_7d` is seven days.
fn days(text: &str) -> Option<i64> {
    text.strip_prefix("last_")?.strip_suffix('d')?.parse().ok().filter(|days| (1..=3650).contains(days))
}

fn sort(query: &ListQuery) -> (Sort, bool) {
    let Some(text) = query.sort.as_deref() else { return (Sort::Updated, query.order.as_deref() == Some("asc")) };
    let (key, is_negative) = text.strip_prefix('-').map_or((text, false), |key| (key, true));
    let is_ascending = match query.order.as_deref() {
        Some("asc") => true,
        Some("desc") => false,
        _ => !is_negative,
    };
    Sort::parse(key).map_or((Sort::Updated, false), |sort| (sort, is_ascending))
}

fn paging(query: &ListQuery) -> Paging {
    let number = |text: &Option<String>| text.as_deref().and_then(|t| t.parse::<i64>().ok());
    let size = number(&query.size).or(number(&query.page_size)).unwrap_or(50);
    let page = number(&query.page).unwrap_or(1);
    serde_json::from_value(serde_json::json!({ "page": page, "size": size })).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(pairs: &[(&str, &str)]) -> ListState {
        let pairs: Vec<_> = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let now = DateTime::from_timestamp(1_795_425_120, 0).unwrap();
        ListState::of(Scope::everywhere(), 4, now, &ListQuery::of(&pairs), pairs)
    }

    #[test]
    fn a_ticket_keeps_its_place_in_the_list() {
        let s = state(&[("state", "open"), ("q", "a&b"), ("n", "3")]);
        assert_eq!(s.ticket(7, 4), "/tickets/7?state=open&q=a%26b&n=4");
        assert_eq!((s.suffix().as_str(), s.number), ("?state=open&q=a%26b&n=3", Some(3)));
        assert_eq!(state(&[("n", "-1")]).suffix(), "");
        assert_eq!(state(&[]).ticket(7, 1), "/tickets/7?n=1");
    }

    #[test]
    fn waiting_on_us_and_lately_changed_are_filters() {
        let s = state(&[("waiting", "us"), ("updated", "last_7d")]);
        assert!(s.filter.waits_for_us);
        assert_eq!(s.filter.statuses, [Status::Open, Status::InProgress]);
        assert_eq!(s.filter.updated_since.unwrap().timestamp(), 1_795_425_120 - 7 * 86_400);
        assert_eq!(state(&[("updated", "last_week")]).filter.updated_since, None);
    }

    #[test]
    fn the_address_is_the_state() {
        let s = state(&[("status", "open,pending"), ("assigned", "me"), ("q", "a&b"), ("page", "3"), ("x", "y")]);
        assert_eq!(s.filter.statuses, [Status::Open, Status::Pending]);
        assert_eq!(s.filter.assigned, Some(Assigned::Person(4)));
        assert_eq!(s.address(&[], &[]), "/tickets?status=open%2Cpending&assigned=me&q=a%26b");
        assert_eq!(s.address(&["q"], &[("status", "closed")]), "/tickets?status=closed&assigned=me");
        assert_eq!(s.cleared(), "/tickets?state=all");
        assert_eq!(s.prefix(&["status", "q", "assigned"], "page"), "/tickets?page=");
    }

    #[test]
    fn unknown_values_narrow_nothing_and_open_is_a_shorthand() {
        let s = state(&[("status", "foo"), ("priority", "high"), ("priority", "bar"), ("assigned", "you")]);
        assert!(s.filter.statuses.is_empty() && s.filter.assigned.is_none());
        assert_eq!(s.filter.priorities, [Priority::High]);
        assert_eq!(state(&[("state", "open")]).filter.statuses, Status::UNDONE);
        assert_eq!(state(&[("state", "closed")]).filter.statuses, Status::DONE);
        assert_eq!(state(&[("state", "open"), ("status", "closed")]).filter.statuses, [Status::Closed]);
    }

    #[test]
    fn sorting_is_named_with_a_sign_or_an_order() {
        let key = |pairs: &[(&str, &str)]| state(pairs).sort_key();
        assert_eq!(key(&[]), "-updated_at");
        assert_eq!(key(&[("sort", "-priority")]), "-priority");
        assert_eq!(key(&[("sort", "updated")]), "updated_at");
        assert_eq!(key(&[("sort", "id"), ("order", "desc")]), "-id");
        assert_eq!(key(&[("sort", "id; DROP TABLE tickets")]), "-updated_at");
        assert_eq!(state(&[("size", "200"), ("page", "-3")]).paging.page(), 1);
    }
}
