//! `/admin/companies/matrix`: who may do what, as one table (organisation 7.3).

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::caller::User;
use shared::context::encode_component;
use shared::db::sql;
use shared::error::{Error, Result};
use shared::page::Page;
use shared::web::{Form, PageOf, Paging, Query};
use shared::{Flash, Tone};

use super::access::{Field, STAFF_LEVELS};
use super::api;
use super::manager::{Manager, Role};
use super::model::{Choice, Tick, level_choices, ticks};
use super::record::{self, Filter, Record};
use super::together::{self, MOST, Outcome, Together};

/// One row of the matrix.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    id: i64,
    user_id: i64,
    name: String,
    email: String,
    company_id: i64,
    company: String,
    role_id: i64,
    roles: Vec<Choice>,
    staff_permission: i64,
    levels: Vec<Choice>,
    cells: Vec<Tick>,
    status: String,
    last_seen_at: Option<DateTime<Utc>>,
    /// Why nothing of the row may be changed.
    why_not: Option<&'static str>,
}

impl Row {
    fn new(record: Record, manager: &Manager, roles: &[Role], now: DateTime<Utc>) -> Self {
        let may = |role: &&Role| role.id == record.role_id || manager.may_grant(role, record.is_provider);
        let roles = roles.iter().filter(may).map(|role| Choice { value: role.id, label: role.name.clone() });
        let mut levels = level_choices(manager);
        if !levels.iter().any(|level| level.value == record.staff_permission) {
            let kept = STAFF_LEVELS.iter().filter(|(level, _)| *level == record.staff_permission);
            levels.extend(kept.map(|(value, label)| Choice { value: *value, label: (*label).to_owned() }));
        }
        Self {
            id: record.id,
            user_id: record.user_id,
            name: record.name(),
            company_id: record.company_id,
            role_id: record.role_id,
            roles: roles.collect(),
            staff_permission: record.staff_permission,
            levels,
            cells: ticks(manager, &record.flags),
            status: if record.is_expired(now) { "expired".to_owned() } else { record.status.clone() },
            last_seen_at: record.last_seen_at,
            why_not: manager.why_not(&record),
            email: record.user_email,
            company: record.company_name,
        }
    }
}

/// The page.
#[derive(Debug, Serialize)]
pub struct Matrix {
    list: PageOf<Row>,
    headings: Vec<&'static str>,
    companies: Vec<Choice>,
    roles: Vec<Choice>,
    is_super_admin: bool,
    company_id: String,
    q: String,
    role_id: String,
    status: String,
    sort: String,
    active: Option<usize>,
    /// All companies are shown, so each row says which is its own.
    has_company: bool,
    /// Name and label of the sections the viewer may switch for several at once.
    sections: Vec<(&'static str, &'static str)>,
    /// The roles that may be given to several at once.
    grantable: Vec<Choice>,
    /// The query of this page, to come back to.
    back: String,
    page_url: String,
    sort_url: String,
}

impl Page for Matrix {
    const TEMPLATE: &'static str = "companies/matrix.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("matrix-list", "companies/_matrix.html")];

    fn samples() -> Vec<Self> {
        let choice = |value, label: &str| Choice { value, label: label.to_owned() };
        let row = |id, status: &str, why_not| Row {
            id,
            user_id: id,
            name: "Ana Ruiz".to_owned(),
            email: "ana@example.com".to_owned(),
            company_id: 4,
            company: "Northwind Dental".to_owned(),
            role_id: 3,
            roles: vec![choice(3, "Member")],
            staff_permission: 0,
            levels: vec![choice(0, "No staff access")],
            cells: vec![Tick { name: "can_access_shop", label: "Shop", hint: "Looks.", on: true, locked: id == 2 }],
            status: status.to_owned(),
            last_seen_at: None,
            why_not,
        };
        let page = |rows: Vec<Row>, is_super_admin| Self {
            list: PageOf::new(rows, Paging::default(), 120),
            headings: vec!["Shop"],
            companies: vec![choice(4, "Northwind Dental")],
            roles: vec![choice(3, "Member")],
            is_super_admin,
            company_id: "4".to_owned(),
            q: String::new(),
            role_id: String::new(),
            status: String::new(),
            sort: "user".to_owned(),
            active: (!is_super_admin).then_some(1),
            has_company: is_super_admin,
            sections: vec![("can_access_shop", "Shop")],
            grantable: vec![choice(3, "Member")],
            back: "?company_id=4".to_owned(),
            page_url: "/admin/companies/matrix?page=".to_owned(),
            sort_url: "/admin/companies/matrix?sort=".to_owned(),
        };
        let own = Some("You cannot change your own membership");
        vec![
            page(vec![row(1, "active", None), row(2, "invited", None), row(3, "active", own)], true),
            page(Vec::new(), false),
        ]
    }
}

/// What narrows the matrix. Blank values count as absent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    company_id: String,
    q: String,
    role_id: String,
    status: String,
    sort: String,
}

/// The companies whose members the viewer manages: super administrators may choose among all.
async fn companies(by: &User) -> Result<Vec<Choice>> {
    if by.me().user.is_super_admin {
        let rows: Vec<(i64, String)> =
            sql("SELECT id, name FROM companies WHERE archived_at IS NULL ORDER BY name, id LIMIT 1000")
                .fetch_all(by.db())
                .await?;
        return Ok(rows.into_iter().map(|(value, label)| Choice { value, label }).collect());
    }
    let own = by.me().memberships.iter().filter(|m| Manager::of(by.me(), m.company.id).is_some());
    Ok(own.map(|m| Choice { value: m.company.id, label: m.company.name.clone() }).collect())
}

/// Which company is shown: the one asked for, else all for super administrators, the active one for
/// others, else their first.
fn chosen(by: &User, asked: &Asked, companies: &[Choice]) -> Result<Option<i64>> {
    let is_open = |id: i64| companies.iter().any(|choice| choice.value == id);
    let wanted: Option<i64> = asked.company_id.parse().ok();
    if by.me().user.is_super_admin {
        return Ok(wanted);
    }
    if let Some(id) = wanted {
        return if is_open(id) { Ok(Some(id)) } else { Err(crate::companies::store::unknown()) };
    }
    let active = by.me().company.as_ref().map(|company| company.id).filter(|id| is_open(*id));
    let first = active.or_else(|| companies.first().map(|choice| choice.value));
    let first = first.ok_or_else(|| Error::forbidden("Access denied").with("section", "administration").or_see("/"))?;
    Ok(Some(first))
}

/// The page.
pub async fn show(by: User, asked: Query<Asked>, paging: Query<Paging>) -> Result<Response> {
    let companies = companies(&by).await?;
    let company_id = chosen(&by, &asked, &companies)?;
    let roles: Vec<Role> =
        sql("SELECT id, name, permissions FROM roles ORDER BY name_key LIMIT 200").fetch_all(by.db()).await?;
    let known = ["user", "company", "role", "last_seen_at"].contains(&asked.sort.trim_start_matches('-'));
    let filter = Filter {
        company_id,
        status: api::status(&asked.status).map(|status| status.as_str().to_owned()),
        role_id: asked.role_id.parse().ok(),
        words: asked.q.clone(),
        sort: Some(if known { asked.sort.clone() } else { "user".to_owned() }),
    };
    let (rows, counted) = record::list(&by, &filter, paging.size(), paging.offset()).await?;
    let now = by.now();
    let row = |record: Record| {
        let manager = Manager::of(by.me(), record.company_id)?;
        Some(Row::new(record, &manager, &roles, now))
    };
    let list = PageOf::new(rows.into_iter().filter_map(row).collect(), paging.value, counted);
    by.page(&page(&by, &filter, list, companies, &roles)).await
}

fn page(by: &User, filter: &Filter, list: PageOf<Row>, companies: Vec<Choice>, roles: &[Role]) -> Matrix {
    let text = |id: Option<i64>| id.map(|id| id.to_string()).unwrap_or_default();
    let (company_id, role_id) = (text(filter.company_id), text(filter.role_id));
    let (status, sort) = (filter.status.clone().unwrap_or_default(), filter.sort.clone().unwrap_or_default());
    let words = encode_component(&filter.words);
    let query = format!("?company_id={company_id}&q={words}&role_id={role_id}&status={status}");
    let kept = format!("/admin/companies/matrix{query}");
    let active = [&role_id, &status].into_iter().filter(|value| !value.is_empty()).count();
    let manager = match filter.company_id {
        Some(id) => Manager::of(by.me(), id),
        None => by.me().memberships.iter().find_map(|m| Manager::of(by.me(), m.company.id)),
    };
    let is_super_admin = by.me().user.is_super_admin;
    let may_flag = |field: &Field| is_super_admin || manager.as_ref().is_some_and(|m| m.may_flag(*field));
    let may_grant = |role: &&Role| is_super_admin || manager.as_ref().is_some_and(|m| m.may_grant(role, false));
    let grantable = roles.iter().filter(may_grant).map(|role| Choice { value: role.id, label: role.name.clone() });
    Matrix {
        has_company: filter.company_id.is_none(),
        sections: Field::ALL.into_iter().filter(may_flag).map(|field| (field.name(), field.label())).collect(),
        grantable: grantable.collect(),
        back: format!("{query}&sort={sort}&size={}&page={}", list.size, list.page),
        page_url: format!("{kept}&sort={sort}&size={}&page=", list.size),
        sort_url: format!("{kept}&size={}&sort=", list.size),
        headings: Field::ALL.into_iter().map(Field::label).collect(),
        companies,
        roles: super::model::role_choices(roles),
        is_super_admin,
        list,
        company_id,
        q: filter.words.clone(),
        role_id,
        status,
        sort,
        active: (active > 0).then_some(active),
    }
}

/// What the bar below the matrix sends.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Bulk {
    /// As [`Together::parse`] reads it.
    r#do: String,
    /// The query of the matrix that the person looks at.
    back: String,
}

/// Changes the ticked rows.
pub async fn change(by: User, form: Form<Bulk>) -> Result<Response> {
    let back = match form.back.strip_prefix('?') {
        Some(query) => format!("/admin/companies/matrix?{query}"),
        None => "/admin/companies/matrix".to_owned(),
    };
    let is_manager = by.me().memberships.iter().any(|m| Manager::of(by.me(), m.company.id).is_some());
    if !is_manager && !by.me().user.is_super_admin {
        return Err(Error::forbidden("Access denied").with("section", "administration").or_see("/"));
    }
    let mut ids: Vec<i64> = form.all("ids").iter().filter_map(|id| id.parse().ok()).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() || ids.len() > MOST {
        let text = if ids.is_empty() { "Tick the people first" } else { "Tick at most 100 people" };
        return by.see(&back, Flash::new(Tone::Error, text)).await;
    }
    let Some(together) = Together::parse(&form.r#do) else {
        return by.see(&back, Flash::new(Tone::Error, "Choose what to change")).await;
    };
    let outcome = together::change_all(&by, &ids, together).await?;
    by.see(&back, told(&outcome)).await
}

/// "4 people changed. 2 left alone: already so (1), you cannot change your own membership (1)."
fn told(outcome: &Outcome) -> Flash {
    let left: i64 = outcome.left.iter().map(|(_, count)| count).sum();
    let changed = if outcome.changed == 1 {
        "1 person changed".to_owned()
    } else {
        format!("{} people changed", outcome.changed)
    };
    if left == 0 {
        return Flash::done(changed);
    }
    let reasons: Vec<String> = outcome.left.iter().map(|(why, count)| format!("{why} ({count})")).collect();
    let text = format!("{changed}. {left} left alone: {}.", reasons.join(", "));
    Flash::new(if outcome.changed == 0 { Tone::Warning } else { Tone::Info }, text)
}
