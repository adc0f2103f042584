//! The members of one company: `/admin/companies/{id}` (organisation 7.3).

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::caller::User;
use shared::context::encode_component;
use shared::error::Result;
use shared::page::Page;
use shared::web::{PageOf, Paging, Path, Query};

use super::api;
use super::manager::Manager;
use super::pages::managed;
use super::record::{self, Filter, Record};
use crate::companies::frame::Frame;

/// A member in the list.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    id: i64,
    user_id: i64,
    name: String,
    email: String,
    role: String,
    is_admin: bool,
    sections: Vec<&'static str>,
    staff_permission: i64,
    /// `expired` for invitations that are too old.
    status: String,
    invited_at: Option<DateTime<Utc>>,
    last_seen_at: Option<DateTime<Utc>>,
    /// The viewer may change them.
    may_touch: bool,
}

impl Row {
    fn new(record: Record, manager: &Manager, now: DateTime<Utc>) -> Self {
        Self {
            id: record.id,
            user_id: record.user_id,
            name: record.name(),
            is_admin: record.flags.is_admin,
            sections: record.flags.labels().into_iter().filter(|label| *label != "Company admin").collect(),
            staff_permission: record.staff_permission,
            status: if record.is_expired(now) { "expired".to_owned() } else { record.status.clone() },
            invited_at: record.invited_at,
            last_seen_at: record.last_seen_at,
            may_touch: manager.why_not(&record).is_none(),
            email: record.user_email,
            role: record.role_name,
        }
    }

    fn sample(id: i64, name: &str, status: &str) -> Self {
        let at = DateTime::from_timestamp(1_794_990_000, 0);
        Self {
            id,
            user_id: id,
            name: name.to_owned(),
            email: format!("{}@example.com", name.to_lowercase()),
            role: "Member".to_owned(),
            is_admin: id == 1,
            sections: if id == 2 { Vec::new() } else { vec!["Shop", "Cart", "Orders"] },
            staff_permission: id,
            status: status.to_owned(),
            invited_at: at,
            last_seen_at: at.filter(|_| status == "active"),
            may_touch: id != 1,
        }
    }
}

/// The page.
#[derive(Debug, Serialize)]
pub struct Members {
    head: Frame,
    list: PageOf<Row>,
    q: String,
    status: String,
    sort: String,
    page_url: String,
    sort_url: String,
}

impl Page for Members {
    const TEMPLATE: &'static str = "companies/show.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("members-list", "companies/_members.html")];

    fn samples() -> Vec<Self> {
        let all = vec![
            Row::sample(1, "Ana", "active"),
            Row::sample(2, "Ben", "invited"),
            Row::sample(3, "Eva", "suspended"),
            Row::sample(4, "Gus", "expired"),
        ];
        let page = |is_super_admin, company, rows: Vec<Row>, q: &str| Self {
            head: Frame::sample(is_super_admin, company, "Members"),
            list: PageOf::new(rows, Paging::default(), 120),
            q: q.to_owned(),
            status: String::new(),
            sort: "user".to_owned(),
            page_url: "/admin/companies/4?page=".to_owned(),
            sort_url: "/admin/companies/4?sort=".to_owned(),
        };
        let open = crate::companies::pages::sample;
        let archived = crate::companies::model::Company { archived_at: Some(open().created_at), ..open() };
        vec![
            page(true, open(), all.clone(), ""),
            page(false, open(), all, "a"),
            page(true, open(), Vec::new(), "nobody"),
            page(true, archived, Vec::new(), ""),
        ]
    }
}

/// What narrows the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    status: String,
    sort: String,
}

/// The page, for super administrators and for who manages the members.
pub async fn show(by: User, Path(id): Path<i64>, asked: Query<Asked>, paging: Query<Paging>) -> Result<Response> {
    let (manager, company) = managed(&by, id).await?;
    // A link with a value that means nothing shows the list without it.
    let status = api::status(&asked.status).map_or("", |status| status.as_str());
    let known = ["user", "role", "last_seen_at"].contains(&asked.sort.trim_start_matches('-'));
    let sort = if known { asked.sort.clone() } else { "user".to_owned() };
    let filter = Filter {
        company_id: Some(id),
        status: (!status.is_empty()).then(|| status.to_owned()),
        role_id: None,
        words: asked.q.clone(),
        sort: Some(sort.clone()),
    };
    let (rows, counted) = record::list(&by, &filter, paging.size(), paging.offset()).await?;
    let kept = format!("/admin/companies/{id}?q={}&status={status}", encode_component(&asked.q));
    let list = PageOf::new(rows, paging.value, counted).map(|record| Row::new(record, &manager, by.now()));
    by.page(&Members {
        page_url: format!("{kept}&sort={sort}&size={}&page=", list.size),
        sort_url: format!("{kept}&size={}&sort=", list.size),
        head: Frame::new(by.me(), company, "Members"),
        list,
        q: asked.q.clone(),
        status: status.to_owned(),
        sort,
    })
    .await
}
