//! The list of keys, the token that is shown once, and what belongs together in the trail.

use axum::response::Response;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use shared::caller::SuperAdmin;
use shared::context::By;
use shared::error::Result;
use shared::flash;
use shared::page::Page;
use shared::web::{PageOf, Paging, Query};

use super::{PATH, Standing, scopes_in_words};
use crate::api_keys::change::NOTE;
use crate::api_keys::correlations::{self, Group};
use crate::api_keys::model::KeyQuery;
use crate::api_keys::store::{self, Figures, Row};
use crate::users::address::{Address, Chip};

/// The page as the template draws it.
#[derive(Debug, Serialize)]
pub struct KeysPage {
    figures: Figures,
    list: PageOf<Line>,
    shown: Vec<Token>,
    q: String,
    include_expired: bool,
    chips: Vec<Chip>,
    sort: String,
    sort_url: String,
    page_url: String,
    size_url: String,
    /// The filters, for links and forms that come back here.
    query: String,
    trail: Trail,
}

#[derive(Debug, Serialize)]
struct Line {
    id: i64,
    label: String,
    has_description: bool,
    preview: String,
    standing: Standing,
    scopes: String,
    company: Option<String>,
    created_at: DateTime<Utc>,
    expiry_date: Option<NaiveDate>,
    last_seen_at: Option<DateTime<Utc>>,
    usage_count: i64,
    usage: Vec<crate::api_keys::model::Usage>,
    usage_addresses: i64,
}

/// A token that waited for this page.
#[derive(Debug, Serialize, Deserialize)]
struct Token {
    id: i64,
    token: String,
    description: Option<String>,
}

/// The second panel.
#[derive(Debug, Default, Serialize)]
struct Trail {
    groups: Vec<Group>,
    services: Vec<String>,
    service_filter: String,
    correlation_search: String,
    /// The list's own filters, which the panel's form keeps.
    keep: Vec<(String, String)>,
}

/// The filters of the second panel.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::api_keys) struct TrailQuery {
    service_filter: String,
    correlation_search: String,
}

impl Page for KeysPage {
    const TEMPLATE: &'static str = "identity/api_keys.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("api-keys-list", "identity/_api_keys.html")];

    fn samples() -> Vec<Self> {
        let all = [Standing::Active, Standing::Expiring, Standing::Expired, Standing::Revoked];
        let lines: Vec<Line> = all.into_iter().zip(1..).map(|(standing, id)| sample(id, standing)).collect();
        let token = Token { id: 1, token: "0a1b2c3d".repeat(8), description: Some("Backup reports".to_owned()) };
        let chips = vec![Chip { label: "Search", value: "backup".to_owned(), href: PATH.to_owned() }];
        vec![
            Self::of(lines, vec![token], Vec::new()),
            Self::of(Vec::new(), Vec::new(), Vec::new()),
            Self::of(Vec::new(), Vec::new(), chips),
        ]
    }
}

fn sample(id: i64, standing: Standing) -> Line {
    Line {
        id,
        label: if id == 1 { "Backup reports".to_owned() } else { "0a1b2c3d••••".to_owned() },
        has_description: id == 1,
        preview: "0a1b2c3d••••".to_owned(),
        standing,
        scopes: "Everything: read".to_owned(),
        company: (id == 1).then(|| "Northwind Dental".to_owned()),
        created_at: DateTime::default(),
        expiry_date: (id > 1).then(NaiveDate::default),
        last_seen_at: (id == 1).then(DateTime::default),
        usage_count: 12_345,
        usage: vec![crate::api_keys::model::Usage {
            ip_address: "203.0.113.10".to_owned(),
            usage_count: 12_345,
            last_used_at: DateTime::default(),
        }],
        usage_addresses: id,
    }
}

impl KeysPage {
    fn of(lines: Vec<Line>, shown: Vec<Token>, chips: Vec<Chip>) -> Self {
        let total = i64::try_from(lines.len()).unwrap_or(0);
        Self {
            figures: Figures { total, active: total / 2, waiting: 0 },
            trail: Trail {
                groups: if lines.is_empty() { Vec::new() } else { vec![correlations::sample()] },
                services: vec!["user".to_owned()],
                ..Trail::default()
            },
            list: PageOf::new(lines, Paging::default(), total),
            shown,
            q: String::new(),
            include_expired: false,
            chips,
            sort: "-created_at".to_owned(),
            sort_url: "/admin/api-keys?order_by=".to_owned(),
            page_url: "/admin/api-keys?page=".to_owned(),
            size_url: "/admin/api-keys?size=".to_owned(),
            query: String::new(),
        }
    }
}

fn address(query: &Query<KeyQuery>, trail: &TrailQuery) -> Address {
    let filter = query.filter(true);
    let size = query.pairs().iter().find(|(name, _)| name == "size").map(|(_, value)| value.clone());
    let flag = if filter.include_expired { "true" } else { "" };
    let sorted = query.order_by.is_some() || query.order_direction.is_some();
    Address::new(
        PATH,
        vec![
            ("q", filter.search.clone()),
            ("include_expired", flag.to_owned()),
            ("order_by", if sorted { filter.sort() } else { String::new() }),
            ("size", size.unwrap_or_default()),
            ("service_filter", trail.service_filter.clone()),
            ("correlation_search", trail.correlation_search.clone()),
        ],
    )
}

/// The list of keys.
pub(in crate::api_keys) async fn index(
    by: SuperAdmin,
    query: Query<KeyQuery>,
    paging: Query<Paging>,
    trail: Query<TrailQuery>,
) -> Result<Response> {
    let (filter, paging, now) = (query.filter(true), paging.value, by.now());
    let figures = store::figures(by.db(), by.me().session.id, now).await?;
    let (rows, counted) = store::list(by.db(), &filter, paging.size(), paging.offset(), now).await?;
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let mut usage = store::usage(by.db(), &ids, 5).await?;
    let lines: Vec<Line> = rows
        .into_iter()
        .map(|row| {
            let usage = usage.remove(&row.id).unwrap_or_default();
            line(row, usage, now)
        })
        .collect();
    let address = address(&query, &trail);
    let page = KeysPage {
        shown: if figures.waiting > 0 { tokens(&by, by.me().session.id).await? } else { Vec::new() },
        figures,
        list: PageOf::new(lines, paging, counted),
        chips: chips(&address, &query),
        q: filter.search.clone(),
        include_expired: filter.include_expired,
        sort: filter.sort(),
        sort_url: address.open("order_by", &[]),
        page_url: address.open("page", &[]),
        size_url: address.open("size", &[]),
        query: address.query(&[]),
        trail: panel(&by, &query, trail.value).await?,
    };
    by.page(&page).await
}

fn line(row: Row, usage: Vec<crate::api_keys::model::Usage>, now: DateTime<Utc>) -> Line {
    let (label, preview, standing) = (row.label(), row.preview(), Standing::of(&row, now));
    let company = row.company_name.clone();
    let record = row.record(usage, now);
    Line {
        id: record.id,
        label,
        has_description: record.description.is_some(),
        preview,
        standing,
        scopes: scopes_in_words(&record.scopes),
        company,
        created_at: record.created_at,
        expiry_date: record.expiry_date,
        last_seen_at: record.last_seen_at,
        usage_count: record.usage_count,
        usage: record.usage,
        usage_addresses: record.usage_addresses,
    }
}

/// Tokens are taken as they are shown: a reload shows none.
async fn tokens(by: &By, session_id: i64) -> Result<Vec<Token>> {
    let notes = flash::take_notes(by, session_id, NOTE).await?;
    Ok(notes.iter().filter_map(|note| serde_json::from_str(note).ok()).collect())
}

fn chips(address: &Address, query: &KeyQuery) -> Vec<Chip> {
    let filter = query.filter(true);
    let mut chips = Vec::new();
    if !filter.search.is_empty() {
        chips.push(address.chip("Search", filter.search, &["q"]));
    }
    if filter.include_expired {
        chips.push(address.chip("Expired and revoked keys", "Shown", &["include_expired"]));
    }
    chips
}

async fn panel(by: &By, query: &Query<KeyQuery>, wanted: TrailQuery) -> Result<Trail> {
    let lines = correlations::latest(by.db()).await?;
    let own = ["service_filter", "correlation_search"];
    let keep = query.pairs().iter().filter(|(name, _)| !own.contains(&name.as_str())).cloned().collect();
    Ok(Trail {
        groups: correlations::groups(&lines, &wanted.service_filter, &wanted.correlation_search),
        services: correlations::services(&lines),
        service_filter: wanted.service_filter,
        correlation_search: wanted.correlation_search,
        keep,
    })
}
