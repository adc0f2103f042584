//! The access review for people.

use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SecondsFormat, Utc};
use http::header;
use serde::{Deserialize, Serialize};
use shared::audit::Change;
use shared::caller::SuperAdmin;
use shared::error::{Error, Result};
use shared::flash::Flash;
use shared::page::Page;
use shared::web::{Form, FormState, PageOf, Paging, Path, Query, csv_cell};

use super::model::{Access, AccessChange, Kind, Wanted};
use super::store;
use super::words::RoleKeys;
use crate::keyset;

const LIST: &str = "/admin/access-review";

/// The three lists.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Tab {
    /// Changes of memberships.
    #[default]
    Memberships,
    /// Edits of roles.
    Roles,
    /// What everybody has today.
    Access,
}

/// Which list.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Chosen {
    tab: Option<String>,
}

impl Chosen {
    fn tab(&self) -> Tab {
        match self.tab.as_deref() {
            Some("roles") => Tab::Roles,
            Some("access") => Tab::Access,
            _ => Tab::Memberships,
        }
    }
}

impl Tab {
    fn name(self) -> &'static str {
        match self {
            Self::Memberships => "memberships",
            Self::Roles => "roles",
            Self::Access => "access",
        }
    }

    fn kind(self) -> Option<Kind> {
        match self {
            Self::Memberships => Some(Kind::Membership),
            Self::Roles => Some(Kind::Role),
            Self::Access => None,
        }
    }
}

/// A tab as the page draws it.
#[derive(Debug, Clone, Serialize)]
pub struct TabLink {
    label: &'static str,
    href: String,
    count: Option<i64>,
    current: bool,
}

fn tabs(current: Tab) -> Vec<TabLink> {
    let all = [(Tab::Memberships, "Membership changes"), (Tab::Roles, "Role edits"), (Tab::Access, "Current access")];
    let link = |(tab, label): (Tab, &'static str)| TabLink {
        label,
        href: format!("{LIST}?tab={}", tab.name()),
        count: None,
        current: tab == current,
    };
    all.into_iter().map(link).collect()
}

/// One choice of a select.
#[derive(Debug, Clone, Serialize)]
pub struct Choice {
    value: String,
    label: String,
}

fn choices(all: &str, rest: impl IntoIterator<Item = (String, String)>) -> Vec<Choice> {
    let first = Choice { value: String::new(), label: all.to_owned() };
    std::iter::once(first).chain(rest.into_iter().map(|(value, label)| Choice { value, label })).collect()
}

/// The page; one of the two lists is empty.
#[derive(Debug, Serialize)]
pub struct Review {
    tab: Tab,
    tabs: Vec<TabLink>,
    changes: Option<PageOf<AccessChange>>,
    access: Option<PageOf<Access>>,
    form: FormState,
    companies: Vec<Choice>,
    roles: Vec<Choice>,
    sort: String,
    sort_url: String,
    page_url: String,
    export: String,
    /// The address of the list as it is, for looking again.
    here: String,
    filters: usize,
    looked_at: i64,
}

impl Page for Review {
    const TEMPLATE: &'static str = "site/access/list.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("access-list", "site/access/_list.html")];

    fn samples() -> Vec<Self> {
        let page = |tab: Tab, is_empty: bool| Self {
            tab,
            tabs: tabs(tab),
            changes: tab.kind().map(|kind| {
                let items = if is_empty { Vec::new() } else { vec![sample(kind), sample(kind)] };
                let counted = i64::try_from(items.len()).unwrap_or(0);
                PageOf::new(items, Paging::default(), counted)
            }),
            access: (tab == Tab::Access).then(|| PageOf::new(vec![sample_access()], Paging::default(), 1)),
            form: FormState::of([("member", "ben"), ("increases", "1")]),
            companies: choices("All companies", [("4".to_owned(), "Northwind Dental".to_owned())]),
            roles: choices("All roles", [("Owner".to_owned(), "Owner".to_owned())]),
            sort: "-created_at".to_owned(),
            sort_url: format!("{LIST}?sort="),
            page_url: format!("{LIST}?page="),
            export: format!("{LIST}/export.csv"),
            here: LIST.to_owned(),
            filters: usize::from(is_empty),
            looked_at: store::LOOKED_AT,
        };
        vec![page(Tab::Memberships, false), page(Tab::Roles, false), page(Tab::Access, false), page(Tab::Roles, true)]
    }
}

fn sample(kind: Kind) -> AccessChange {
    let at = DateTime::from_timestamp(1_794_990_000, 0).unwrap_or_default();
    let is_role = kind == Kind::Role;
    AccessChange {
        id: 812,
        created_at: at,
        actor: "ana@example.com".to_owned(),
        company_id: (!is_role).then_some(4),
        company: (!is_role).then(|| "Northwind Dental".to_owned()),
        subject: Some(if is_role { "Buyer" } else { "ben@example.com" }.to_owned()),
        subject_id: Some(31),
        action: "membership.role_changed".to_owned(),
        words: vec!["Role Member → Owner".to_owned()],
        added: if is_role { vec!["audit.view".to_owned()] } else { Vec::new() },
        removed: Vec::new(),
        members: is_role.then_some(14),
        is_increase: true,
        ip_address: Some("203.0.113.10".to_owned()),
        reviewed_by: is_role.then(|| "ana@example.com".to_owned()),
        reviewed_at: is_role.then_some(at),
        note: is_role.then(|| "Agreed".to_owned()),
    }
}

fn sample_access() -> Access {
    Access {
        id: 31,
        company_id: 4,
        company: "Northwind Dental".to_owned(),
        user_id: 9,
        email: "ben@example.com".to_owned(),
        name: "Ben Cole".to_owned(),
        status: "active".to_owned(),
        role: "Member".to_owned(),
        sections: vec!["Shop", "Cart"],
        staff_permission: 1,
        is_super_admin: false,
        has_mfa: true,
        last_seen_at: None,
    }
}

/// The filters as the form shows them and as links carry them.
fn typed(tab: Tab, wanted: &Wanted) -> Vec<(&'static str, String)> {
    let all = [
        ("company_id", wanted.company_id.map(|id| id.to_string())),
        ("member", wanted.member.clone()),
        ("actor", wanted.actor.clone()),
        ("action", wanted.action.clone()),
        ("role", wanted.role.clone()),
        ("status", wanted.status.clone()),
        ("from", wanted.from.clone()),
        ("to", wanted.to.clone()),
        ("increases", wanted.increases.clone()),
        ("reviewed", wanted.reviewed.clone()),
    ];
    let set = all.into_iter().filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)));
    std::iter::once(("tab", tab.name().to_owned())).chain(set).collect()
}

fn pairs<'p>(typed: &'p [(&'static str, String)]) -> Vec<(&'static str, &'p str)> {
    typed.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// The page. A filter that means nothing is said at its field and left out.
pub async fn list(
    by: SuperAdmin,
    chosen: Query<Chosen>,
    wanted: Query<Wanted>,
    paging: Query<Paging>,
) -> Result<Response> {
    let tab = chosen.tab();
    let mut typed = typed(tab, &wanted.value);
    let form = FormState::of(pairs(&typed));
    let (wanted, form) = match store::check(&wanted.value) {
        Ok(()) => (wanted.value.clone(), form),
        Err(invalid) => (Wanted { from: None, to: None, ..wanted.value.clone() }, form.refused(&invalid)),
    };
    let roles = store::roles(&by).await?;
    let (changes, access) = read(&by, tab, &wanted, &roles, paging.value).await?;
    let filters = typed.len() - 1;
    let sort_url = format!("{}sort=", keyset::address(LIST, &pairs(&typed)));
    typed.extend(wanted.sort.clone().map(|sort| ("sort", sort)));
    let named = crate::audit::store::companies(&by).await?;
    let link = |path: &str| keyset::address(path, &pairs(&typed));
    let page = Review {
        tab,
        tabs: tabs(tab),
        changes,
        access,
        form,
        companies: choices("All companies", named.into_iter().map(|(id, name)| (id.to_string(), name))),
        roles: choices("All roles", roles.keys().map(|name| (name.clone(), name.clone()))),
        sort: wanted
            .sort
            .clone()
            .unwrap_or_else(|| if tab == Tab::Access { "company" } else { "-created_at" }.to_owned()),
        sort_url,
        page_url: format!("{}page=", link(LIST)),
        export: link(&format!("{LIST}/export.csv")).trim_end_matches('&').to_owned(),
        here: format!("{}page={}", link(LIST), paging.page()),
        filters,
        looked_at: store::LOOKED_AT,
    };
    by.page(&page).await
}

type Lists = (Option<PageOf<AccessChange>>, Option<PageOf<Access>>);

async fn read(by: &SuperAdmin, tab: Tab, wanted: &Wanted, roles: &RoleKeys, paging: Paging) -> Result<Lists> {
    let place = (paging.size(), paging.offset());
    if let Some(kind) = tab.kind() {
        let (items, counted) = store::changes(by, kind, wanted, roles, place).await?;
        Ok((Some(PageOf::new(items, paging, counted)), None))
    } else {
        let (items, counted) = store::access(by, wanted, place).await?;
        Ok((None, Some(PageOf::new(items, paging, counted))))
    }
}

/// Rows of a file at most.
const MOST: i64 = 10_000;

/// The list as a file.
pub async fn export(by: SuperAdmin, chosen: Query<Chosen>, wanted: Query<Wanted>) -> Result<Response> {
    let tab = chosen.tab();
    store::check(&wanted.value)?;
    let mut lines = Vec::new();
    if let Some(kind) = tab.kind() {
        let roles = store::roles(&by).await?;
        let (items, _) = store::changes(&by, kind, &wanted, &roles, (MOST, 0)).await?;
        lines.push(line(
            &[
                "id",
                "created_at",
                "by",
                "company",
                "subject",
                "action",
                "change",
                "added",
                "removed",
                "members",
                "ip_address",
                "reviewed_by",
                "reviewed_at",
                "note",
            ]
            .map(str::to_owned),
        ));
        lines.extend(items.iter().map(change_line));
    } else {
        let (items, _) = store::access(&by, &wanted, (MOST, 0)).await?;
        lines.push(line(
            &[
                "company",
                "email",
                "name",
                "status",
                "role",
                "sections",
                "staff_level",
                "super_admin",
                "mfa",
                "last_seen_at",
            ]
            .map(str::to_owned),
        ));
        lines.extend(items.iter().map(access_line));
    }
    let mut tx = by.begin().await?;
    tx.audit(
        Change::of_many("access_review.exported", "audit_log").meta("list", tab.name()).meta("rows", lines.len() - 1),
    );
    tx.commit().await?;
    let name = format!("attachment; filename=\"access-{}-{}.csv\"", tab.name(), by.now().format("%Y-%m-%d"));
    let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, lines.concat()).into_response())
}

fn line(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| csv_cell(cell)).collect();
    format!("{}\r\n", cells.join(","))
}

fn stamp(at: Option<DateTime<Utc>>) -> String {
    at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)).unwrap_or_default()
}

fn change_line(change: &AccessChange) -> String {
    line(&[
        change.id.to_string(),
        stamp(Some(change.created_at)),
        change.actor.clone(),
        change.company.clone().unwrap_or_default(),
        change.subject.clone().unwrap_or_default(),
        change.action.clone(),
        change.words.join("; "),
        change.added.join("; "),
        change.removed.join("; "),
        change.members.map(|members| members.to_string()).unwrap_or_default(),
        change.ip_address.clone().unwrap_or_default(),
        change.reviewed_by.clone().unwrap_or_default(),
        stamp(change.reviewed_at),
        change.note.clone().unwrap_or_default(),
    ])
}

fn access_line(access: &Access) -> String {
    let yes = |value: bool| if value { "yes" } else { "no" }.to_owned();
    line(&[
        access.company.clone(),
        access.email.clone(),
        access.name.clone(),
        access.status.clone(),
        access.role.clone(),
        access.sections.join("; "),
        access.staff_permission.to_string(),
        yes(access.is_super_admin),
        yes(access.has_mfa),
        stamp(access.last_seen_at),
    ])
}

/// One change, to be marked as reviewed.
#[derive(Debug, Serialize)]
pub struct Reviewed {
    change: AccessChange,
    back: String,
    form: FormState,
}

impl Page for Reviewed {
    const TEMPLATE: &'static str = "site/access/show.html";

    fn samples() -> Vec<Self> {
        let page = |kind| Self { change: sample(kind), back: LIST.to_owned(), form: FormState::of([("note", "")]) };
        vec![page(Kind::Membership), page(Kind::Role)]
    }
}

fn back(kind: Kind) -> String {
    let tab = if kind == Kind::Role { Tab::Roles } else { Tab::Memberships };
    format!("{LIST}?tab={}", tab.name())
}

/// The page of a change.
pub async fn show(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let (change, kind) = store::change(&by, id, &store::roles(&by).await?).await?;
    let form = FormState::of([("note", change.note.clone().unwrap_or_default())]);
    by.page(&Reviewed { change, back: back(kind), form }).await
}

/// What the form sends.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NoteForm {
    note: String,
}

/// Reads a note.
pub fn note(text: &str) -> Result<String> {
    let text = text.trim();
    if text.chars().count() > 1000 {
        return Err(Error::field("note", "Use at most 1,000 characters"));
    }
    Ok(text.to_owned())
}

/// Marks a change as reviewed.
pub async fn review(by: SuperAdmin, Path(id): Path<i64>, form: Form<NoteForm>) -> Result<Response> {
    let (change, kind) = store::change(&by, id, &store::roles(&by).await?).await?;
    match note(&form.note) {
        Ok(note) => {
            store::review(&by, id, &note).await?;
            by.see(back(kind), Flash::done("Marked as reviewed")).await
        }
        Err(Error::Invalid(invalid)) => {
            by.page_again(&Reviewed { change, back: back(kind), form: form.refused(&invalid) }).await
        }
        Err(other) => Err(other),
    }
}
