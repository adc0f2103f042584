//! The page of users: filters, table, bulk bar.

use std::collections::HashMap;

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::caller::SuperAdmin;
use shared::error::Result;
use shared::page::Page;
use shared::web::{PageOf, Paging, Query};

use super::address::{Address, Chip};
use super::model::{Standing, UserQuery};
use super::store::{self, CompanyName};

const PATH: &str = "/admin/users";

/// The list as the template draws it.
#[derive(Debug, Serialize)]
pub struct UsersPage {
    list: PageOf<Line>,
    filters: Filters,
    chips: Vec<Chip>,
    companies: Vec<CompanyName>,
    sort: String,
    sort_url: String,
    page_url: String,
    size_url: String,
    /// The filters, for the addresses of bulk actions and of the export.
    query: String,
}

#[derive(Debug, Default, Serialize)]
struct Filters {
    q: String,
    company_id: String,
    status: String,
    is_super_admin: String,
    has_totp: String,
    active: usize,
}

#[derive(Debug, Serialize)]
struct Line {
    id: i64,
    name: String,
    email: String,
    companies: Vec<CompanyName>,
    status: Standing,
    is_super_admin: bool,
    has_totp: bool,
    has_password: bool,
    is_active: bool,
    is_me: bool,
    last_login_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl Page for UsersPage {
    const TEMPLATE: &'static str = "identity/users.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("users-list", "identity/_users.html")];

    fn samples() -> Vec<Self> {
        let lines: Vec<Line> = [Standing::Active, Standing::Disabled, Standing::Invited, Standing::Unverified]
            .into_iter()
            .zip(1..)
            .map(|(status, id)| sample(id, status))
            .collect();
        let chips = vec![Chip { label: "Search", value: "ruiz".to_owned(), href: PATH.to_owned() }];
        vec![Self::of(lines, Vec::new(), 4), Self::of(Vec::new(), Vec::new(), 0), Self::of(Vec::new(), chips, 0)]
    }
}

fn sample(id: i64, status: Standing) -> Line {
    Line {
        id,
        name: "Ana Ruiz".to_owned(),
        email: "ana.ruiz@northwind.example".to_owned(),
        companies: (0..id).map(|n| CompanyName { id: n, name: "Northwind Dental".to_owned() }).collect(),
        status,
        is_super_admin: id == 1,
        has_totp: id < 3,
        has_password: status != Standing::Invited,
        is_active: status != Standing::Disabled,
        is_me: id == 1,
        last_login_at: (id == 1).then(DateTime::default),
        created_at: DateTime::default(),
    }
}

impl UsersPage {
    fn of(lines: Vec<Line>, chips: Vec<Chip>, counted: i64) -> Self {
        Self {
            list: PageOf::new(lines, Paging::default(), counted),
            filters: Filters { active: chips.len(), ..Filters::default() },
            chips,
            companies: vec![CompanyName { id: 1, name: "Northwind Dental".to_owned() }],
            sort: "-created_at".to_owned(),
            sort_url: "/admin/users?sort=".to_owned(),
            page_url: "/admin/users?page=".to_owned(),
            size_url: "/admin/users?size=".to_owned(),
            query: String::new(),
        }
    }
}

/// The list's address with the filters of a query.
pub(super) fn address(query: &Query<UserQuery>) -> Address {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let flag = |value: Option<bool>| value.map(|value| value.to_string()).unwrap_or_default();
    let size = query.pairs().iter().find(|(name, _)| name == "size").map(|(_, value)| value.clone());
    let filter = query.filter(None);
    let sort = query.sort.is_some().then(|| filter.order());
    Address::new(
        PATH,
        vec![
            ("q", filter.search.clone()),
            ("company_id", query.company_id.map(|id| id.to_string()).unwrap_or_default()),
            ("status", text(&query.status)),
            ("is_active", flag(query.is_active)),
            ("is_super_admin", flag(query.is_super_admin)),
            ("has_totp", flag(query.has_totp)),
            ("sort", sort.unwrap_or_default()),
            ("size", size.unwrap_or_default()),
        ],
    )
}

/// The list of users.
pub(super) async fn index(by: SuperAdmin, query: Query<UserQuery>, paging: Query<Paging>) -> Result<Response> {
    let (filter, paging) = (query.filter(None), paging.value);
    let rows = store::list(by.db(), &filter, paging.size(), paging.offset()).await?;
    let counted = store::count(by.db(), &filter).await?;
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let mut companies = if ids.is_empty() { HashMap::new() } else { store::companies_of(by.db(), &ids).await? };
    let all = store::companies(by.db()).await?;
    let me = by.me().id();
    let lines = rows.into_iter().map(|row| line(&row, companies.remove(&row.id).unwrap_or_default(), me)).collect();
    let address = address(&query);
    let chips = chips(&address, &query, &all);
    let page = UsersPage {
        list: PageOf::new(lines, paging, counted),
        filters: filters(&query, chips.len()),
        chips,
        companies: all,
        sort: filter.order(),
        sort_url: address.open("sort", &[]),
        page_url: address.open("page", &[]),
        size_url: address.open("size", &[]),
        query: address.query(&["sort", "size"]),
    };
    by.page(&page).await
}

fn line(row: &store::Row, companies: Vec<CompanyName>, me: i64) -> Line {
    Line {
        id: row.id,
        name: row.name(),
        email: row.email.clone(),
        companies,
        status: row.standing(),
        is_super_admin: row.is_super_admin,
        has_totp: row.totp_enabled,
        has_password: row.has_password,
        is_active: row.is_active,
        is_me: row.id == me,
        last_login_at: row.last_login_at,
        created_at: row.created_at,
    }
}

fn filters(query: &UserQuery, active: usize) -> Filters {
    let flag = |value: Option<bool>| value.map(|value| value.to_string()).unwrap_or_default();
    Filters {
        q: query.filter(None).search,
        company_id: query.company_id.map(|id| id.to_string()).unwrap_or_default(),
        status: query.status.clone().unwrap_or_default(),
        is_super_admin: flag(query.is_super_admin),
        has_totp: flag(query.has_totp),
        active,
    }
}

fn chips(address: &Address, query: &UserQuery, companies: &[CompanyName]) -> Vec<Chip> {
    let mut chips = Vec::new();
    let search = query.filter(None).search;
    if !search.is_empty() {
        chips.push(address.chip("Search", search, &["q"]));
    }
    if let Some(id) = query.company_id {
        let name = companies.iter().find(|company| company.id == id).map(|company| company.name.clone());
        chips.push(address.chip("Company", name.unwrap_or_else(|| format!("{id} (unknown)")), &["company_id"]));
    }
    if let Some(status) = &query.status {
        let label = Standing::parse(status).map(|standing| standing.label().to_owned());
        chips.push(address.chip("Status", label.unwrap_or_else(|| format!("{status} (unknown)")), &["status"]));
    }
    let yes_no = |value: bool| if value { "Yes" } else { "No" };
    let flags = [
        ("Active", "is_active", query.is_active),
        ("Super administrator", "is_super_admin", query.is_super_admin),
        ("Authenticator", "has_totp", query.has_totp),
    ];
    for (label, name, value) in flags {
        chips.extend(value.map(|value| address.chip(label, yes_no(value), &[name])));
    }
    chips
}
