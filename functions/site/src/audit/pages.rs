//! The audit trail for people (organisation 9.3).

use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use shared::caller::Auditor;
use shared::error::{Error, Result};
use shared::page::Page;
use shared::web::{FormState, Path, Query};

use super::diff::{self, FieldChange};
use super::model::{Filter, Line, Narrowed, Row};
use super::order::{Order, Sorting};
use super::store::{self, Part, Scope, Searched};
use crate::keyset::{self, Feed};

/// The trail.
#[derive(Debug, Serialize)]
pub struct Trail {
    feed: Feed<Line>,
    /// Where the search stopped, when it stopped before the end of the trail.
    searched: Option<Stopped>,
    form: FormState,
    actions: Vec<Choice>,
    entity_types: Vec<Choice>,
    companies: Vec<Choice>,
    periods: Vec<Period>,
    chips: Vec<Chip>,
    sizes: Vec<Choice>,
    /// As the address has it.
    sort: String,
    /// Ends with `sort=`.
    sort_url: String,
    /// The files with the same lines.
    export: String,
    /// How many filters are set.
    filters: usize,
}

/// A search that has not seen the whole trail.
#[derive(Debug, Clone, Serialize)]
pub struct Stopped {
    /// Lines that were searched.
    lines: i64,
    /// When the last of them was written; the search goes by time, backwards.
    until: Option<DateTime<Utc>>,
    /// Goes on behind them.
    on: String,
}

/// One choice of a select.
#[derive(Debug, Clone, Serialize)]
pub struct Choice {
    value: String,
    label: String,
}

/// A range of days that is one press away.
#[derive(Debug, Clone, Serialize)]
pub struct Period {
    label: &'static str,
    href: String,
    count: Option<i64>,
    current: bool,
}

/// A filter without a field of its own, with the address of the list without it.
#[derive(Debug, Clone, Serialize)]
pub struct Chip {
    label: &'static str,
    value: String,
    href: String,
}

fn choices(all: &'static str, names: Vec<String>, label: impl Fn(&str) -> String) -> Vec<Choice> {
    let first = Choice { value: String::new(), label: all.to_owned() };
    let rest = names.into_iter().map(|name| Choice { label: label(&name), value: name });
    std::iter::once(first).chain(rest).collect()
}

impl Page for Trail {
    const TEMPLATE: &'static str = "site/audit/list.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("audit-list", "site/audit/_list.html")];

    fn samples() -> Vec<Self> {
        let line = Line {
            id: 812,
            created_at: DateTime::from_timestamp(1_794_990_000, 0).unwrap_or_default(),
            actor: "ana@example.com".to_owned(),
            action: "company.updated".to_owned(),
            entity: "company Northwind Dental".to_owned(),
            company: Some("Northwind Dental".to_owned()),
            company_id: Some(4),
            ip_address: Some("203.0.113.10".to_owned()),
            fields: vec!["Is VIP".to_owned(), "Phone".to_owned()],
        };
        let actions = choices("All actions", vec!["company.updated".to_owned()], str::to_owned);
        let stopped =
            |until| Stopped { lines: store::SEARCHED, until, on: "/admin/audit-logs?q=zebra&before=1-2".to_owned() };
        let page = |items, filters: usize| Self {
            searched: None,
            feed: Feed { items, newer: None, older: (filters > 0).then(|| "/admin/audit-logs?before=1-2".to_owned()) },
            form: FormState::of([("action", "company.updated"), ("actor", "ana")]),
            actions: actions.clone(),
            entity_types: actions.clone(),
            companies: if filters > 0 { actions.clone() } else { Vec::new() },
            periods: vec![Period {
                label: "Today",
                href: "/admin/audit-logs?from=2026-11-23".to_owned(),
                count: None,
                current: true,
            }],
            chips: vec![Chip { label: "Number", value: "4".to_owned(), href: "/admin/audit-logs?".to_owned() }],
            sizes: sizes(),
            sort: "-created_at".to_owned(),
            sort_url: "/admin/audit-logs?sort=".to_owned(),
            export: "/audit-logs/export.csv".to_owned(),
            filters,
        };
        let at = line.created_at;
        vec![
            page(vec![line.clone()], 2),
            Self { searched: Some(stopped(Some(at))), ..page(vec![line], 2) },
            page(Vec::new(), 1),
            Self { searched: Some(stopped(Some(at))), ..page(Vec::new(), 1) },
            Self { searched: Some(stopped(None)), ..page(Vec::new(), 1) },
            page(Vec::new(), 0),
        ]
    }
}

/// The filters as the form shows them and as links carry them.
fn typed(filter: &Filter) -> Vec<(&'static str, String)> {
    let number = |id: Option<i64>| id.map(|id| id.to_string());
    let all = [
        ("q", filter.q.clone()),
        ("actor", filter.actor.clone()),
        ("action", filter.action.clone()),
        ("entity_type", filter.entity_type.clone()),
        ("entity_id", number(filter.entity_id)),
        ("user_id", number(filter.user_id)),
        ("company_id", number(filter.company_id)),
        ("api_key_id", number(filter.api_key_id)),
        ("ip", filter.ip.clone()),
        ("from", filter.from.clone()),
        ("to", filter.to.clone()),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// Where a person stands in the list.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Walk {
    before: Option<String>,
    after: Option<String>,
    size: Option<String>,
}

/// Lines of a page where nothing else is chosen.
const SIZE: i64 = 100;

const SIZES: [i64; 4] = [50, SIZE, 250, 500];

fn sizes() -> Vec<Choice> {
    SIZES.iter().map(|size| Choice { value: size.to_string(), label: size.to_string() }).collect()
}

impl Walk {
    fn size(&self) -> i64 {
        let asked = self.size.as_deref().and_then(|size| size.parse().ok());
        asked.filter(|size| SIZES.contains(size)).unwrap_or(SIZE)
    }
}

const LIST: &str = "/admin/audit-logs";

fn pairs<'p>(typed: &'p [(&'static str, String)]) -> Vec<(&'static str, &'p str)> {
    typed.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// Today, the last 7 and the last 30 days, with the other filters kept.
fn periods(now: DateTime<Utc>, typed: &[(&'static str, String)]) -> Vec<Period> {
    let days = [("Today", 0), ("7 days", 6), ("30 days", 29)];
    let period = |(label, back): (&'static str, i64)| {
        let from = (now - TimeDelta::days(back)).format("%Y-%m-%d").to_string();
        let others = typed.iter().filter(|(name, _)| !matches!(*name, "from" | "to")).cloned();
        let wanted: Vec<_> = others.chain([("from", from.clone())]).collect();
        let current = typed.contains(&("from", from)) && !typed.iter().any(|(name, _)| *name == "to");
        Period {
            label,
            href: keyset::address(LIST, &pairs(&wanted)).trim_end_matches('&').to_owned(),
            count: None,
            current,
        }
    };
    days.into_iter().map(period).collect()
}

/// The filters that only links set.
fn chips(typed: &[(&'static str, String)]) -> Vec<Chip> {
    let named = [("entity_id", "Number"), ("user_id", "Person"), ("api_key_id", "API key"), ("ip", "Address")];
    let chip = |(name, label): (&'static str, &'static str)| {
        let (_, value) = typed.iter().find(|(typed, _)| *typed == name)?.clone();
        let others: Vec<_> = typed.iter().filter(|(typed, _)| *typed != name).cloned().collect();
        let href = keyset::address(LIST, &pairs(&others)).trim_end_matches(['&', '?']).to_owned();
        Some(Chip { label, value, href })
    };
    named.into_iter().filter_map(chip).collect()
}

/// One page of lines in an order, with the two links. One line more than is shown tells whether there are more.
async fn feed(
    by: &Auditor,
    narrowed: &Narrowed,
    order: Order,
    walk: &Walk,
    url: &str,
) -> Result<(Feed<Line>, Option<Stopped>)> {
    let scope = Scope::of(Some(by.me()), None)?;
    let forward = walk.after.as_deref().and_then(|text| order.parse(text));
    let backward = walk.before.as_deref().filter(|_| forward.is_none()).and_then(|text| order.parse(text));
    let walked = if forward.is_some() { order.reversed() } else { order };
    let behind = forward.as_ref().or(backward.as_ref());
    let part = Part { order: walked, behind, limit: walk.size() + 1, offset: 0 };
    let Searched { mut rows, edge } = store::search(by.db(), narrowed, &scope, part).await?;
    let size = usize::try_from(walk.size()).unwrap_or(100);
    let has_more = rows.len() > size;
    rows.truncate(size);
    if forward.is_some() {
        rows.reverse();
    }
    let (has_newer, has_older) = if forward.is_some() { (has_more, true) } else { (backward.is_some(), has_more) };
    let link = |name: &str, row: Option<&Row>| row.map(|row| format!("{url}{name}={}", order.place(row).text()));
    let on = if forward.is_some() { "after" } else { "before" };
    let stopped = edge.map(|(at, place)| Stopped {
        lines: store::SEARCHED,
        until: (walked == Order::default()).then_some(at),
        on: format!("{url}{on}={}", place.text()),
    });
    let feed = Feed {
        newer: link("after", rows.first().filter(|_| has_newer)),
        older: link("before", rows.last().filter(|_| has_older)),
        items: rows.into_iter().map(Line::from).collect(),
    };
    Ok((feed, stopped))
}

/// Companies to choose from: all of them, or those whose trail the person reads.
async fn companies(by: &Auditor, scope: &Scope) -> Result<Vec<Choice>> {
    let named: Vec<(i64, String)> = if scope.is_whole() {
        store::companies(by).await?
    } else {
        by.me().memberships.iter().map(|m| (m.company.id, m.company.name.clone())).collect()
    };
    let all = Choice { value: String::new(), label: "All companies".to_owned() };
    let rest = named.into_iter().map(|(id, label)| Choice { value: id.to_string(), label });
    Ok(std::iter::once(all).chain(rest).collect())
}

/// The list. A filter that means nothing is said at its field and left out.
pub async fn list(by: Auditor, filter: Query<Filter>, sorting: Query<Sorting>, walk: Query<Walk>) -> Result<Response> {
    let typed = typed(&filter.value);
    let size = walk.size().to_string();
    let form = FormState::of(pairs(&typed).into_iter().chain([("size", size.as_str())]));
    let (narrowed, form) = match filter.value.clone().narrowed() {
        Ok(narrowed) => (narrowed, form),
        Err(invalid) => (Narrowed::default(), form.refused(&invalid)),
    };
    let order = sorting.value.order().unwrap_or_default();
    let scope = Scope::of(Some(by.me()), None)?;
    let mut kept = typed.clone();
    kept.extend((walk.size() != SIZE).then_some(("size", size)));
    let sort_url = format!("{}sort=", keyset::address(LIST, &pairs(&kept)));
    kept.extend((order != Order::default()).then(|| ("sort", order.text())));
    let (feed, searched) = feed(&by, &narrowed, order, &walk, &keyset::address(LIST, &pairs(&kept))).await?;
    let names = store::names(&by, &scope).await?;
    let page = Trail {
        feed,
        searched,
        actions: choices("All actions", names.actions, str::to_owned),
        entity_types: choices("All things", names.entity_types, diff::label),
        companies: companies(&by, &scope).await?,
        periods: periods(by.now(), &typed),
        chips: chips(&typed),
        sizes: sizes(),
        sort: order.text(),
        sort_url,
        export: keyset::address("/audit-logs/export.csv", &pairs(&typed)).trim_end_matches(['&', '?']).to_owned(),
        filters: typed.len(),
        form,
    };
    by.page(&page).await
}

/// One line, field by field.
#[derive(Debug, Serialize)]
pub struct TrailLine {
    line: Line,
    entity_type: Option<String>,
    entity_id: Option<i64>,
    /// The page of the thing, for those who may open it.
    open: Option<String>,
    user_id: Option<i64>,
    request_id: Option<String>,
    changes: Vec<FieldChange>,
    facts: Vec<(String, String)>,
    raw: Option<String>,
    seal: Option<(i64, String)>,
}

impl TrailLine {
    fn of(row: Row, is_admin: bool) -> Self {
        let open = is_admin.then(|| place(row.entity_type.as_deref(), row.entity_id)).flatten();
        Self {
            changes: diff::changes(row.previous_value.as_ref(), row.new_value.as_ref()),
            facts: diff::facts(row.metadata.as_ref()),
            raw: raw(&row),
            open,
            seal: row.chain_seq.zip(row.row_hash.clone()),
            entity_type: row.entity_type.clone(),
            entity_id: row.entity_id,
            user_id: row.user_id,
            request_id: row.request_id.clone(),
            line: row.into(),
        }
    }
}

/// Where a thing is shown.
fn place(kind: Option<&str>, id: Option<i64>) -> Option<String> {
    let id = id?;
    match kind? {
        "user" => Some(format!("/admin/users/{id}")),
        "company" => Some(format!("/admin/companies/{id}")),
        "ticket" => Some(format!("/tickets/{id}")),
        "api_key" => Some(format!("/admin/api-keys/{id}")),
        _ => None,
    }
}

/// Everything that was kept with the line, with secrets masked.
fn raw(row: &Row) -> Option<String> {
    let kept = [&row.previous_value, &row.new_value, &row.metadata];
    let names = ["previous_value", "new_value", "metadata"];
    let values =
        names.iter().zip(kept).filter_map(|(name, text)| Some(((*name).to_owned(), diff::parsed(text.as_ref())?)));
    let map: serde_json::Map<String, serde_json::Value> = values.collect();
    if map.is_empty() { None } else { serde_json::to_string_pretty(&map).ok() }
}

impl Page for TrailLine {
    const TEMPLATE: &'static str = "site/audit/show.html";

    fn samples() -> Vec<Self> {
        let lines = Trail::samples().into_iter().flat_map(|page| page.feed.items);
        let change = |field: &str, kind, before: Option<&str>, after: Option<&str>| FieldChange {
            field: field.to_owned(),
            kind,
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        };
        let with = |line: Line, changes, seal| Self {
            line,
            entity_type: Some("company".to_owned()),
            entity_id: Some(4),
            open: Some("/admin/companies/4".to_owned()),
            user_id: Some(1),
            request_id: Some("0192f3c1".to_owned()),
            changes,
            facts: vec![("Source".to_owned(), "import".to_owned())],
            raw: Some("{\n  \"new_value\": {\"is_vip\": true}\n}".to_owned()),
            seal,
        };
        let changes = vec![
            change("Is VIP", "changed", Some("No"), Some("Yes")),
            change("Phone", "added", None, Some("+44 20 7946 0000")),
        ];
        let seal = Some((812, "9f86d081884c7d65".to_owned()));
        lines
            .flat_map(|line| [with(line.clone(), changes.clone(), seal.clone()), with(line, Vec::new(), None)])
            .collect()
    }
}

/// The page.
pub async fn show(by: Auditor, Path(id): Path<i64>) -> Result<Response> {
    let scope = Scope::of(Some(by.me()), None)?;
    let row = store::find(&by, id, &scope).await?.ok_or_else(|| Error::not_found("Audit log not found"))?;
    by.page(&TrailLine::of(row, scope.is_whole())).await
}
