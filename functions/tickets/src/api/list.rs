//! Lists for programs (tickets 4.2).

#![expect(unused_qualifications, reason = "the documentation macro writes the query types out again")]

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};
use shared::caller::{Keyed, User};
use shared::context::By;
use shared::error::{Invalid, Result};
use shared::web::{Limits, Listed, Query};
use utoipa::{IntoParams, ToSchema};

use crate::model::{self, Assigned, Priority, Sort, Status, TicketFilter, TicketOut};
use crate::scope::{Doer, Scope};
use crate::store::{self, Search};

/// What a list is narrowed by and sorted by.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// `open`, `in_progress`, `pending`, `resolved`, `closed`; repeat it for any of several.
    #[param(value_type = Option<Vec<String>>)]
    status: Option<String>,
    /// `urgent`, `high`, `normal`, `low`; repeat it for any of several.
    #[param(value_type = Option<Vec<String>>)]
    priority: Option<String>,
    /// Technicians only; ignored from others.
    module_slug: Option<String>,
    /// Technicians only. From people who may see the tickets of their company its ID gives those instead of
    /// their own; ignored from others.
    company_id: Option<String>,
    /// `company`: the same as the ID of one's company.
    of: Option<String>,
    /// An ID, `me` or `none`. Technicians only; ignored from others.
    assigned_user_id: Option<String>,
    /// Technicians only; ignored from others.
    requester_id: Option<String>,
    /// Repeat it for any of several. Technicians only; ignored from others.
    #[param(value_type = Option<Vec<String>>)]
    tag: Option<String>,
    /// 1 to 200 characters, in subject, description, reference, replies and the number.
    search: Option<String>,
    /// RFC 3339, or a day.
    updated_since: Option<String>,
    /// RFC 3339, or a day.
    created_from: Option<String>,
    /// RFC 3339, or a day.
    created_to: Option<String>,
    /// `updated_at`, `created_at`, `priority`, `status` or `id`.
    sort: Option<String>,
    /// `asc` or `desc`.
    order: Option<String>,
}

impl ListQuery {
    /// Whose tickets are listed.
    pub fn scope(&self, by: &By) -> Scope {
        let reach = Scope::of(by);
        let named = self.company_id.as_deref().and_then(|id| id.trim().parse().ok());
        let is_company = self.of.as_deref() == Some("company") || (named.is_some() && named == reach.colleagues());
        reach.listed(is_company)
    }
}

/// Tickets and how many there are in all, at most 10,000.
#[derive(Debug, Serialize, ToSchema)]
pub struct TicketList {
    /// This page of them.
    items: Vec<TicketOut>,
    /// In all.
    #[schema(example = 128)]
    total: i64,
}

/// List tickets
///
/// Technicians reach every ticket, other people their own and, with the right to it, those of their company;
/// keys those of their company.
#[utoipa::path(get, path = "/api/tickets", params(ListQuery, Limits),
    responses((status = 200, description = "Tickets", body = TicketList)))]
pub async fn list_tickets(
    by: Keyed<User>,
    query: Query<ListQuery>,
    limits: Query<Limits>,
) -> Result<Listed<TicketList>> {
    let limits = limits.value.checked()?;
    let scope = query.scope(&by);
    let filter = filter(scope, Doer::of(&by).id, &query)?;
    let Search { plan, found } = store::search(scope, by.db(), &filter).await?;
    let rows = store::full_page(scope, by.db(), &filter, plan, (limits.limit(), limits.offset())).await?;
    let items = rows.into_iter().map(|row| row.out(scope)).collect();
    let body = TicketList { items, total: found.counted.min(10_000) };
    Ok(Listed::new(&by, body, found.counted, limits).capped(found.has_more))
}

/// Reads the query; what only the desk may filter by is dropped for others.
pub fn filter(scope: Scope, me: Option<i64>, query: &Query<ListQuery>) -> Result<TicketFilter> {
    let mut bad = Invalid::none();
    let statuses = query.all("status").iter().filter_map(|s| bad.check("status", Status::parse(s))).collect();
    let priorities = query.all("priority").iter().filter_map(|p| bad.check("priority", Priority::parse(p))).collect();
    let descending = query.order.as_deref().map_or(Ok(true), descending);
    let filter = TicketFilter {
        statuses,
        priorities,
        module_slug: query.module_slug.clone(),
        created_from: time(&mut bad, "created_from", query.created_from.as_deref(), false),
        created_to: time(&mut bad, "created_to", query.created_to.as_deref(), true),
        updated_since: time(&mut bad, "updated_since", query.updated_since.as_deref(), false),
        search: search(&mut bad, query.search.as_deref()),
        sort: query.sort.as_deref().and_then(|sort| bad.check("sort", Sort::parse(sort))).unwrap_or_default(),
        is_ascending: !bad.check("order", descending).unwrap_or(true),
        ..TicketFilter::default()
    };
    let filter = if scope.is_own() { filter } else { of_desk(&mut bad, me, query, filter) };
    bad.finish()?;
    Ok(if scope.is_own() { filter.for_requester() } else { filter })
}

fn of_desk(bad: &mut Invalid, me: Option<i64>, query: &Query<ListQuery>, filter: TicketFilter) -> TicketFilter {
    let company = query.company_id.as_deref().and_then(|id| bad.check("company_id", number(id)));
    let assigned = query.assigned_user_id.as_deref();
    TicketFilter {
        companies: company.into_iter().collect(),
        tags: query.all("tag").iter().take(20).filter_map(|text| bad.check("tag", model::tag(text))).collect(),
        assigned: assigned.and_then(|text| bad.check("assigned_user_id", Assigned::parse(text, me))),
        requester: query.requester_id.as_deref().and_then(|id| bad.check("requester_id", number(id))),
        ..filter
    }
}

fn number(text: &str) -> Result<i64, &'static str> {
    text.parse().ok().filter(|id| *id >= 1).ok_or("Enter a whole number of 1 or more")
}

fn descending(order: &str) -> Result<bool, &'static str> {
    match order {
        "asc" => Ok(false),
        "desc" => Ok(true),
        _ => Err("Choose asc or desc"),
    }
}

fn search(bad: &mut Invalid, text: Option<&str>) -> Option<String> {
    let text = text?;
    if text.chars().count() > 200 {
        bad.add("search", "Use at most 200 characters");
    }
    Some(text.to_owned())
}

fn time(bad: &mut Invalid, field: &str, text: Option<&str>, is_end: bool) -> Option<DateTime<Utc>> {
    let text = text?;
    // A plus that was not encoded arrives as a space.
    let read = DateTime::parse_from_rfc3339(&text.replace(' ', "+")).map(|at| at.to_utc());
    let clock = if is_end { NaiveTime::from_hms_micro_opt(23, 59, 59, 999_999) } else { None }.unwrap_or_default();
    let read = read.or_else(|_| text.parse::<NaiveDate>().map(|day| day.and_time(clock).and_utc()));
    bad.check(field, read.map_err(|_| "Enter a time such as 2026-11-23T09:12:00Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_and_without_a_clock() {
        let mut bad = Invalid::none();
        let at = |bad: &mut Invalid, text, end| time(bad, "t", Some(text), end).map(|t| t.to_rfc3339());
        assert_eq!(at(&mut bad, "2026-11-23T09:12:00 01:00", false).unwrap(), "2026-11-23T08:12:00+00:00");
        assert_eq!(at(&mut bad, "2026-11-23", false).unwrap(), "2026-11-23T00:00:00+00:00");
        assert_eq!(at(&mut bad, "2026-11-23", true).unwrap(), "2026-11-23T23:59:59.999999+00:00");
        assert!(bad.is_empty());
        assert_eq!(at(&mut bad, "yesterday", false), None);
        assert_eq!(bad.iter().next().unwrap().0, "t");
    }
}
