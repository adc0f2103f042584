//! The feed as people see it (notifications-forms 6).

use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http::header;
use serde::{Deserialize, Serialize};
use shared::caller::User;
use shared::context::encode_component;
use shared::db::sql;
use shared::error::Result;
use shared::notify;
use shared::page::Page;
use shared::web::{FormState, PageOf, Paging, Query, csv_cell};

use super::filter::{Asked, Filter, Order};
use super::store::{self, Counts, Part, Reader, Row};
use super::{actions, api};

/// The address of the list as people type and share it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    q: String,
    event_type: String,
    read_state: String,
    sort: String,
    sort_by: String,
    sort_order: String,
    created_from: String,
    created_to: String,
    page: String,
    page_size: String,
    undo: String,
}

/// What the person looks at: the address, understood. What cannot be meant is said and left out.
#[derive(Debug)]
pub struct View {
    /// What narrows the list.
    pub filter: Filter,
    order: Order,
    page: i64,
    size: i64,
    form: FormState,
    typed: Vec<(&'static str, String)>,
}

impl View {
    /// Reads the query of an address, as forms carry it along.
    pub fn of_query(query: &str, zone: &str) -> Self {
        let pairs = query.trim_start_matches('?');
        Self::read(&serde_urlencoded::from_str(pairs).unwrap_or_default(), zone)
    }

    fn read(query: &ListQuery, zone: &str) -> Self {
        let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let asked = Asked {
            read_state: some(&query.read_state),
            unread_only: None,
            event_type: None,
            search: some(&query.q),
            created_from: some(&query.created_from),
            created_to: some(&query.created_to),
            tz: Some(zone.to_owned()),
        };
        let typed: Vec<(&'static str, String)> = [
            ("q", query.q.clone()),
            ("event_type", query.event_type.clone()),
            ("read_state", query.read_state.clone()),
            ("created_from", query.created_from.clone()),
            ("created_to", query.created_to.clone()),
        ]
        .into_iter()
        .filter(|(_, value)| !value.trim().is_empty())
        .collect();
        let form = FormState::of(typed.iter().map(|(name, value)| (*name, value.as_str())));
        let events: Vec<String> = some(&query.event_type).into_iter().collect();
        let (filter, form) = match Filter::read(&asked, events, zone) {
            Ok(filter) => (filter, form),
            Err(invalid) => (Filter::default(), form.refused(&invalid)),
        };
        let (by, order) = match query.sort.strip_prefix('-') {
            Some(by) => (some(by), some("desc")),
            None if query.sort.is_empty() => (some(&query.sort_by), some(&query.sort_order)),
            None => (some(&query.sort), some("asc")),
        };
        Self {
            filter,
            order: Order::read(by.as_deref(), order.as_deref()).unwrap_or_default(),
            page: query.page.parse().unwrap_or(1),
            size: query.page_size.parse().unwrap_or(25),
            form,
            typed,
        }
    }

    /// The address with these names left out, ending in `?` or `&`.
    fn address(&self, without: &[&str]) -> String {
        let mut address = "/notifications?".to_owned();
        let mut all = self.typed.clone();
        if self.order != Order::default() {
            all.push(("sort", self.order.key().to_owned()));
        }
        if Paging::of(1, self.size).size() != 25 {
            all.push(("page_size", self.size.to_string()));
        }
        if self.page > 1 {
            all.push(("page", self.page.to_string()));
        }
        for (name, value) in all.iter().filter(|(name, _)| !without.contains(name)) {
            address.extend([name, "=", &encode_component(value), "&"]);
        }
        address
    }
}

/// One choice of a select.
#[derive(Debug, Clone, Serialize)]
pub struct Choice {
    /// As sent.
    pub value: String,
    /// As shown.
    pub label: String,
}

#[derive(Debug, Clone, Serialize)]
struct Line {
    id: i64,
    event_type: String,
    label: String,
    message: String,
    href: Option<String>,
    facts: Vec<(String, String)>,
    created_at: DateTime<Utc>,
    read_at: Option<DateTime<Utc>>,
    audience: String,
}

impl From<Row> for Line {
    fn from(row: Row) -> Self {
        Self {
            label: notify::label(&row.event_type).to_owned(),
            href: row.link.as_ref().map(|_| format!("/notifications/{}/open", row.id)),
            facts: facts(row.metadata.as_deref()),
            id: row.id,
            event_type: row.event_type,
            message: row.message,
            created_at: row.created_at,
            read_at: row.read_at,
            audience: row.audience,
        }
    }
}

/// The metadata as names and values, at most 20, in order of the names.
fn facts(metadata: Option<&str>) -> Vec<(String, String)> {
    let map: Option<serde_json::Map<String, serde_json::Value>> =
        metadata.and_then(|text| serde_json::from_str(text).ok());
    let mut facts: Vec<(String, String)> = map
        .unwrap_or_default()
        .into_iter()
        .map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (name.replace('_', " "), text)
        })
        .collect();
    facts.sort();
    facts.truncate(20);
    facts
}

/// The feed.
#[derive(Debug, Serialize)]
pub struct FeedPage {
    list: PageOf<Line>,
    counts: Tally,
    form: FormState,
    types: Vec<Choice>,
    filters: usize,
    sort: String,
    sort_url: String,
    page_url: String,
    size_url: String,
    csv_url: String,
    /// The query that forms carry along.
    back: String,
    /// What can be taken back, as its form sends it.
    undo: Option<String>,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Tally {
    total: i64,
    unread_here: i64,
    unread: i64,
}

impl From<Counts> for Tally {
    fn from(counts: Counts) -> Self {
        Self { total: counts.total, unread_here: counts.filtered_unread, unread: counts.global_unread }
    }
}

impl Page for FeedPage {
    const TEMPLATE: &'static str = "notifications/feed.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("notifications-list", "notifications/_feed.html")];

    fn samples() -> Vec<Self> {
        let at = DateTime::from_timestamp(1_794_990_000, 0).unwrap_or_default();
        let line = |id, read_at, audience: &str, link: Option<&str>| Row {
            id,
            audience: audience.to_owned(),
            user_id: Some(1),
            company_id: None,
            event_type: "tickets.reply_added".to_owned(),
            message: "Grace Lin replied on #10432: Printer in room 4 jams".to_owned(),
            metadata: Some("{\"carrier\": \"DPD\", \"parts\": [1, 2]}".to_owned()),
            link: link.map(str::to_owned),
            created_at: at,
            read_at,
        };
        let page = |rows: Vec<Row>, filters: usize| Self {
            counts: Tally { total: 40, unread_here: 1, unread: 3 },
            list: PageOf::new(rows, Paging::of(1, 25), 40).map(Line::from),
            form: FormState::of([("q", "printer")]),
            types: vec![Choice { value: "general".to_owned(), label: "Announcement".to_owned() }],
            filters,
            sort: "-created_at".to_owned(),
            sort_url: "/notifications?sort=".to_owned(),
            page_url: "/notifications?page=".to_owned(),
            size_url: "/notifications?page_size=".to_owned(),
            csv_url: "/notifications/export.csv?q=printer".to_owned(),
            back: "?q=printer".to_owned(),
            undo: (filters > 0).then(|| "hide-1".to_owned()),
        };
        let rows = vec![line(3, None, "user", Some("/tickets/10432")), line(2, Some(at), "all", None)];
        vec![page(rows, 1), page(Vec::new(), 1), page(Vec::new(), 0)]
    }
}

/// The zone in which the person reads and types times.
async fn zone(by: &User) -> Result<String> {
    let zone =
        sql("SELECT COALESCE((SELECT p.value FROM user_preferences p WHERE p.user_id = ? AND p.name = 'zone'), \
         s.default_timezone) AS zone FROM site_settings s WHERE s.id = 1")
        .bind(by.me().id());
    Ok(zone.fetch_value::<String>(by.db()).await?)
}

/// The page. A page beyond the end is the last one.
pub async fn list(by: User, query: Query<ListQuery>) -> Result<Response> {
    let mut view = View::read(&query.value, &zone(&by).await?);
    let reader = Reader::of(by.me(), by.now());
    let counts = store::counts(by.db(), &reader, &view.filter).await?;
    let size = Paging::of(1, view.size).size();
    let last = (counts.total.min(shared::web::COUNT_CAP) + size - 1).div_euclid(size).max(1);
    view.page = view.page.clamp(1, last);
    let paging = Paging::of(view.page, view.size);
    let part = Part { behind: None, limit: paging.size(), offset: paging.offset() };
    let rows = store::list(by.db(), &reader, &view.filter, view.order, part).await?;
    let types = api::merged(&by, store::event_types(by.db(), &reader).await?);
    let choices = types.into_iter().map(|value| Choice { label: notify::label(&value).to_owned(), value });
    let mut choices: Vec<Choice> = choices.collect();
    choices.sort_by(|a, b| a.label.cmp(&b.label));
    choices.insert(0, Choice { value: String::new(), label: "Everything".to_owned() });
    let back = view.address(&[]);
    by.page(&FeedPage {
        list: PageOf::new(rows, paging, counts.total).map(Line::from),
        counts: counts.into(),
        types: choices,
        filters: view.typed.iter().filter(|(name, _)| *name != "q").count(),
        sort: view.order.key().to_owned(),
        sort_url: view.address(&["sort", "page"]) + "sort=",
        page_url: view.address(&["page"]) + "page=",
        size_url: view.address(&["page_size", "page"]) + "page_size=",
        csv_url: view.address(&["page_size", "page"]).replacen("/notifications", "/notifications/export.csv", 1),
        undo: Some(query.undo.clone()).filter(|text| actions::undo_of(text, by.now()).is_some()),
        back: back.trim_start_matches("/notifications").trim_end_matches(['&', '?']).to_owned(),
        form: view.form,
    })
    .await
}

/// Rows of one file; who has more narrows the list.
const MOST_ROWS: i64 = 10_000;

/// The list with its filters and order as a file, times in UTC.
pub async fn export(by: User, query: Query<ListQuery>) -> Result<Response> {
    let view = View::read(&query.value, &zone(&by).await?);
    let part = Part { behind: None, limit: MOST_ROWS, offset: 0 };
    let rows = store::list(by.db(), &Reader::of(by.me(), by.now()), &view.filter, view.order, part).await?;
    let mut text = "Number,Type,About,Message,Audience,Link,Created (UTC),Read (UTC)\r\n".to_owned();
    let time = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M:%S").to_string();
    for row in rows {
        let cells = [
            row.id.to_string(),
            csv_cell(&row.event_type),
            csv_cell(notify::label(&row.event_type)),
            csv_cell(&row.message),
            row.audience,
            csv_cell(row.link.as_deref().unwrap_or_default()),
            time(row.created_at),
            row.read_at.map(time).unwrap_or_default(),
        ];
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"notifications.csv\""),
    ];
    Ok((headers, text).into_response())
}
