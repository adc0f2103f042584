//! From the address of a list to its filter, and back to addresses with a part changed.

use serde::Deserialize;
use shared::context::encode_component;
use shared::web::{Paging, Query};

use crate::model::{Assigned, Priority, Sort, Status, TicketFilter};
use crate::scope::Scope;

/// The parameters that are read once; statuses, priorities and companies repeat.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
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
    pairs: Vec<(String, String)>,
}

/// The parameters that an address of the list may carry, in the order they are written.
const NAMES: [&str; 10] =
    ["state", "status", "priority", "assigned", "requester", "company", "q", "sort", "order", "size"];

/// The parameters that narrow the list.
const NARROWING: [&str; 7] = ["state", "status", "priority", "assigned", "requester", "company", "q"];

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
    pub fn read(scope: Scope, me: i64, query: &Query<ListQuery>) -> Self {
        Self::of(scope, me, &query.value, query.pairs().to_vec())
    }

    pub(super) fn of(scope: Scope, me: i64, query: &ListQuery, pairs: Vec<(String, String)>) -> Self {
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
        let requester = query.requester.as_deref().and_then(|r| if r == "me" { Some(me) } else { r.parse().ok() });
        let filter = TicketFilter {
            statuses: if statuses.is_empty() { of_state(state) } else { known(&statuses) },
            priorities: known(&priorities),
            companies: all(&pairs, "company").iter().filter_map(|id| id.parse().ok()).take(200).collect(),
            assigned: if let Some(Read::Known(assigned)) = assigned { Some(assigned) } else { None },
            requester,
            search: query.q.as_deref().map(|q| q.chars().take(200).collect()),
            sort,
            is_ascending,
            ..TicketFilter::default()
        };
        let filter = if scope.is_own() { filter.for_requester() } else { filter };
        Self { filter, state, statuses, priorities, assigned, paging: paging(query), pairs }
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

    /// The list without anything that narrows it.
    pub fn cleared(&self) -> String {
        self.address(&NARROWING, &[])
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
        let value = |name: &str| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        let query = ListQuery {
            state: value("state"),
            assigned: value("assigned"),
            requester: value("requester"),
            q: value("q"),
            sort: value("sort"),
            order: value("order"),
            page: value("page"),
            size: value("size"),
            page_size: value("page_size"),
        };
        let pairs = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        ListState::of(Scope::everywhere(), 4, &query, pairs)
    }

    #[test]
    fn the_address_is_the_state() {
        let s = state(&[("status", "open,pending"), ("assigned", "me"), ("q", "a&b"), ("page", "3"), ("x", "y")]);
        assert_eq!(s.filter.statuses, [Status::Open, Status::Pending]);
        assert_eq!(s.filter.assigned, Some(Assigned::Person(4)));
        assert_eq!(s.address(&[], &[]), "/tickets?status=open%2Cpending&assigned=me&q=a%26b");
        assert_eq!(s.address(&["q"], &[("status", "closed")]), "/tickets?status=closed&assigned=me");
        assert_eq!(s.cleared(), "/tickets");
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
