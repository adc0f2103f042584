//! The directory: `/staff`, and the same rows as a file (organisation 10.1).

use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http::header;
use serde::{Deserialize, Serialize};
use shared::accounts::preferences;
use shared::audit::Change;
use shared::caller::Member;
use shared::context::{By, encode_component};
use shared::error::{Error, Result};
use shared::page::Page;
use shared::web::{PageOf, Paging, Query, csv_cell};

use super::field::Field;
use super::model::{ACTIONS, Staff, department_key};
use super::scope::{Directory, Viewer};
use super::store::{self, Filter, SORTS};

/// A person in the list.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    id: i64,
    name: String,
    email: Option<String>,
    mobile: Option<String>,
    department: Option<String>,
    job_title: Option<String>,
    action: Option<String>,
    onboarded: Option<DateTime<Utc>>,
    offboarded: Option<DateTime<Utc>>,
    enabled: bool,
    has_account: bool,
    has_code: bool,
    is_leaving: bool,
}

impl From<Staff> for Row {
    fn from(staff: Staff) -> Self {
        Self {
            id: staff.id,
            name: staff.name(),
            has_account: staff.user_id.is_some(),
            has_code: staff.sealed_code.is_some(),
            is_leaving: staff.is_leaving(),
            email: staff.values.email,
            mobile: staff.values.mobile_phone,
            department: staff.values.department,
            job_title: staff.values.job_title,
            action: staff.values.account_action,
            onboarded: staff.values.date_onboarded,
            offboarded: staff.values.date_offboarded,
            enabled: staff.values.enabled,
        }
    }
}

/// What the viewer may do, as templates ask.
#[derive(Debug, Clone, Copy, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own")]
pub struct May {
    /// Add, edit and invite.
    pub edit: bool,
    /// Enable, disable, plan the end.
    pub disable: bool,
    /// Everything else.
    pub all: bool,
    /// See every department.
    pub see_all: bool,
}

impl From<&Viewer> for May {
    fn from(viewer: &Viewer) -> Self {
        Self {
            edit: viewer.may_edit(),
            disable: viewer.may_disable(),
            all: viewer.is_super_admin,
            see_all: viewer.sees_all(),
        }
    }
}

/// A value of a select.
#[derive(Debug, Clone, Serialize)]
pub struct Choice {
    value: String,
    label: String,
}

impl Choice {
    fn new(value: &str, label: &str) -> Self {
        Self { value: value.to_owned(), label: label.to_owned() }
    }
}

/// The account actions, after a first line for none.
pub fn action_choices(none: &str) -> Vec<Choice> {
    std::iter::once(Choice::new("", none)).chain(ACTIONS.iter().map(|action| Choice::new(action, action))).collect()
}

/// All departments of the company, also one that is asked for and is not there.
fn department_choices(departments: &[String], asked: &str) -> Vec<Choice> {
    let key = department_key(asked);
    let is_known = asked.is_empty() || departments.iter().any(|known| department_key(known) == key);
    let unknown = (!is_known).then(|| Choice::new(asked, &format!("{asked} (unknown)")));
    // The spelling of the address is kept, so that the choice stays chosen.
    let value = |known: &String| if department_key(known) == key { asked.to_owned() } else { known.clone() };
    let known = departments.iter().map(|known| Choice::new(&value(known), known));
    std::iter::once(Choice::new("", "Any")).chain(known).chain(unknown).collect()
}

/// The page.
#[derive(Debug, Serialize)]
pub struct StaffList {
    company: String,
    list: PageOf<Row>,
    may: May,
    departments: Vec<Choice>,
    actions: Vec<Choice>,
    q: String,
    enabled: String,
    department: String,
    account_action: String,
    sort: String,
    page_url: String,
    size_url: String,
    sort_url: String,
    export_url: String,
    /// The query of this page, to come back to.
    back: String,
    /// Filters that are set, the search included.
    filters: usize,
    /// The viewer has no department, so nobody can be shown.
    lacks_department: bool,
}

impl Page for StaffList {
    const TEMPLATE: &'static str = "staff/list.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("staff-list", "staff/_list.html")];

    fn samples() -> Vec<Self> {
        let at = DateTime::from_timestamp(1_794_990_000, 0);
        let row = |id, name: &str, action: Option<&str>, enabled| Row {
            id,
            name: name.to_owned(),
            email: (id != 3).then(|| "ana@dental.example.com".to_owned()),
            mobile: (id != 2).then(|| "+447700900123".to_owned()),
            department: (id == 1).then(|| "Reception".to_owned()),
            job_title: Some("Receptionist".to_owned()),
            action: action.map(str::to_owned),
            onboarded: at,
            offboarded: at.filter(|_| id == 2),
            enabled,
            has_account: id == 1,
            has_code: id == 1,
            is_leaving: id == 2,
        };
        let rows = || {
            vec![
                row(1, "Ana Ruiz", Some("Onboarded"), true),
                row(2, "Ben Carter", Some("Offboard Scheduled"), true),
                row(3, "Eva Novak", None, false),
            ]
        };
        let page = |level, rows: Vec<Row>, q: &str, lacks_department| {
            let viewer = Viewer::sample(level);
            let asked = Asked { q: q.to_owned(), ..Asked::default() };
            let mut page =
                Self::new("Northwind Dental", &viewer, &asked, "name", PageOf::new(rows, Paging::default(), 130));
            page.departments = department_choices(&["Reception".to_owned()], "Surgery");
            page.lacks_department = lacks_department;
            page
        };
        vec![
            page(4, rows(), "", false),
            page(3, rows(), "a", false),
            page(2, rows(), "", false),
            page(1, rows(), "", false),
            page(3, Vec::new(), "", false),
            page(3, Vec::new(), "nobody", false),
            page(1, Vec::new(), "", true),
        ]
    }
}

/// What narrows the list. A value that means nothing is left out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    enabled: String,
    department: String,
    #[serde(alias = "accountAction")]
    account_action: String,
    sort: String,
}

impl Asked {
    fn checked(mut self, viewer: &Viewer) -> Self {
        if !["0", "1"].contains(&self.enabled.as_str()) {
            self.enabled.clear();
        }
        // Whoever sees one department only has nothing to choose.
        if !viewer.sees_all() {
            self.department.clear();
        }
        let known = ACTIONS.iter().find(|action| action.eq_ignore_ascii_case(&self.account_action));
        self.account_action = known.map_or_else(String::new, |action| (*action).to_owned());
        self
    }

    fn filter(&self, viewer: &Viewer, sort: &str) -> Filter {
        let set = |text: &String| (!text.is_empty()).then(|| text.clone());
        Filter {
            company_id: viewer.company_id(),
            enabled: set(&self.enabled).map(|text| text == "1"),
            department: set(&self.department),
            account_action: set(&self.account_action),
            email: None,
            words: self.q.clone(),
            sort: Some(sort.to_owned()),
        }
    }

    fn query(&self) -> String {
        let pairs = [
            ("q", &self.q),
            ("enabled", &self.enabled),
            ("department", &self.department),
            ("account_action", &self.account_action),
        ];
        let set = pairs.iter().filter(|(_, value)| !value.is_empty());
        set.flat_map(|(name, value)| [*name, "=", &encode_component(value), "&"].map(str::to_owned)).collect()
    }

    fn count(&self) -> usize {
        [&self.q, &self.enabled, &self.department, &self.account_action].iter().filter(|text| !text.is_empty()).count()
    }
}

fn is_sort(sort: &str) -> bool {
    SORTS.contains(&sort.strip_prefix('-').unwrap_or(sort))
}

/// Where the order that somebody chose last is kept.
const SORT: &str = "staff.sort";

/// The order that is asked for, and is kept; else the one that was kept; else by name.
async fn sort(by: &Member<Directory>, asked: &str) -> Result<String> {
    let me = by.me().id();
    let kept = preferences::get(by.db(), me, SORT).await?.filter(|kept| is_sort(kept));
    if !is_sort(asked) {
        return Ok(kept.unwrap_or_else(|| "name".to_owned()));
    }
    if kept.as_deref().unwrap_or("name") != asked {
        let mut tx = by.begin().await?;
        tx.housekeeping();
        preferences::set(&mut tx, me, SORT, asked).await?;
        tx.commit().await?;
    }
    Ok(asked.to_owned())
}

impl StaffList {
    fn new(company: &str, viewer: &Viewer, asked: &Asked, sort: &str, list: PageOf<Row>) -> Self {
        let kept = asked.query();
        Self {
            company: company.to_owned(),
            may: May::from(viewer),
            departments: Vec::new(),
            actions: action_choices("Any"),
            page_url: format!("/staff?{kept}sort={sort}&size={}&page=", list.size),
            size_url: format!("/staff?{kept}sort={sort}&size="),
            sort_url: format!("/staff?{kept}size={}&sort=", list.size),
            export_url: format!("/staff/export.csv?{kept}sort={sort}"),
            back: format!("?{kept}sort={sort}&size={}&page={}", list.size, list.page),
            filters: asked.count(),
            lacks_department: viewer.lacks_department(),
            list,
            q: asked.q.clone(),
            enabled: asked.enabled.clone(),
            department: asked.department.clone(),
            account_action: asked.account_action.clone(),
            sort: sort.to_owned(),
        }
    }
}

/// The page.
pub async fn show(by: Member<Directory>, asked: Query<Asked>, paging: Query<Paging>) -> Result<Response> {
    let viewer = Viewer::of(&by).await?;
    let asked = asked.value.checked(&viewer);
    let sort = sort(&by, &asked.sort).await?;
    let (rows, counted) =
        store::list(&by, &viewer, &asked.filter(&viewer, &sort), paging.size(), paging.offset()).await?;
    let list = PageOf::new(rows, paging.value, counted).map(Row::from);
    let mut page = StaffList::new(&by.company().name, &viewer, &asked, &sort, list);
    if viewer.sees_all() {
        let departments = store::departments(&by, by.company().id).await?;
        page.departments = department_choices(&departments, &asked.department);
    }
    by.page(&page).await
}

/// Rows in one file at most.
const MOST: i64 = 10_000;

/// The list as a file for spreadsheets, with the names that an import knows.
pub async fn export(by: Member<Directory>, asked: Query<Asked>) -> Result<Response> {
    let viewer = Viewer::of(&by).await?;
    if !viewer.is_super_admin {
        return Err(Error::forbidden("Access denied").or_see("/staff"));
    }
    let asked = asked.value.checked(&viewer);
    let sort = if is_sort(&asked.sort) { asked.sort.clone() } else { "name".to_owned() };
    let rows = store::rows(&by, &viewer, &asked.filter(&viewer, &sort), MOST, 0).await?;
    let mut tx = by.begin().await?;
    let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    tx.audit(Change::of_many("staff.exported", "staff").company(Some(by.company().id)).meta("rows", count));
    tx.commit().await?;
    Ok(attachment(&by, &rows).into_response())
}

/// These people as a file for spreadsheets.
pub(super) fn attachment(by: &By, rows: &[Staff]) -> impl IntoResponse + use<> {
    let name = format!("attachment; filename=\"staff-{}.csv\"", by.now().format("%Y-%m-%d"));
    let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    (headers, file(rows))
}

fn file(rows: &[Staff]) -> String {
    let head: Vec<&str> = Field::ALL.into_iter().map(Field::name).collect();
    let mut text = format!("{}\r\n", head.join(","));
    for row in rows {
        let cells: Vec<String> = Field::ALL.into_iter().map(|field| csv_cell(&row.values.text(field))).collect();
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text
}
