//! Which columns the desk's list shows, in which order, and how it is sorted for one person.

use axum::response::Response;
use serde::{Deserialize, Serialize};
use shared::Flash;
use shared::caller::Technician;
use shared::context::{encode_component, safe_path};
use shared::error::Result;
use shared::page::Page;
use shared::web::{Form, Query};

use super::choose::Opt;
use super::filter::ListQuery;
use crate::actions;
use crate::model::{Column, Sort};
use crate::store::{self, ListSettings};

/// The settings of the list as one form.
#[derive(Debug, Serialize)]
pub struct ColumnsPage {
    columns: Vec<Choice>,
    sorts: Vec<Opt>,
    sort: String,
    sizes: Vec<Opt>,
    size: String,
    back: String,
}

/// A column that may be shown.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Choice {
    key: &'static str,
    label: &'static str,
    shown: bool,
    fixed: bool,
}

/// Every column: those shown in their order, then the others.
pub(super) fn choices(shown: &[Column]) -> Vec<Choice> {
    let hidden = Column::ALL.into_iter().filter(|column| !shown.contains(column)).map(|column| (column, false));
    let all = shown.iter().map(|column| (*column, true)).chain(hidden);
    all.map(|(column, shown)| Choice { key: column.key(), label: column.label(), shown, fixed: column.is_fixed() })
        .collect()
}

/// The form as it is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    /// `up:status` or `down:status`: shows the form again with the column in another place.
    shift: String,
    sort: Option<String>,
    size: Option<String>,
    /// All columns in the order shown on the form.
    order: String,
    back: String,
}

/// Columns that cannot be hidden.
const FIXED: [&str; 2] = ["id", "subject"];

const SORTS: [(&str, &str); 6] = [
    ("-updated_at", "Newest update first"),
    ("updated_at", "Oldest update first"),
    ("-created_at", "Newest ticket first"),
    ("created_at", "Oldest ticket first"),
    ("-priority", "Highest priority first"),
    ("status", "Status"),
];

/// Shows the settings.
pub async fn show(by: Technician, query: Query<ListQuery>) -> Result<Response> {
    let settings = store::list_settings(by.db(), by.me().id()).await?;
    by.page(&ColumnsPage::of(&settings, list_only(query.back.as_deref().unwrap_or_default()))).await
}

/// Keeps them, or shows the form with a column in another place.
pub async fn save(by: Technician, query: Query<ListQuery>, form: Form<Fields>) -> Result<Response> {
    let back = if form.back.is_empty() { query.back.clone().unwrap_or_default() } else { form.back.clone() };
    let back = list_only(&back);
    let me = by.me().id();
    let before = store::list_settings(by.db(), me).await?;
    let ticked = form.all("columns");
    let order = if form.order.is_empty() { ticked.join(",") } else { form.order.clone() };
    // Boxes that cannot be unticked are not sent.
    let is_shown = |key: &&str| ticked.iter().any(|ticked| ticked == key) || FIXED.contains(key);
    let mut columns = Column::list(order.split(',').filter(is_shown));
    let settings = |columns: Vec<Column>| ListSettings {
        columns: Some(columns),
        sort: form.sort.clone().map_or(before.sort.clone(), known_sort),
        size: form.size.as_deref().map_or(before.size, |size| size.parse().ok().filter(|n| [25, 50, 100].contains(n))),
        default_view: before.default_view,
    };
    if let Some((way, key)) = form.shift.split_once(':') {
        Column::shift(&mut columns, key, way == "up");
        return by.page(&ColumnsPage::of(&settings(columns), back)).await;
    }
    // In a view the columns belong to the list that is open, until the view is saved.
    if back.contains("view=") {
        let columns = encode_component(&Column::join(&columns));
        return Ok(by.go(&format!("{}&columns={columns}", without_columns(&back))));
    }
    actions::keep_settings(&by, me, &settings(columns)).await?;
    by.see(back, Flash::done("List saved")).await
}

/// The list that a form leads back to.
fn list_only(wish: &str) -> String {
    let is_list = |path: &&str| *path == "/tickets" || path.starts_with("/tickets?");
    safe_path(wish).filter(is_list).unwrap_or("/tickets").to_owned()
}

fn known_sort(text: String) -> Option<String> {
    let key = text.strip_prefix('-').unwrap_or(&text);
    if Sort::parse(key).is_ok() { Some(text) } else { None }
}

fn without_columns(address: &str) -> String {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let kept: Vec<&str> = query.split('&').filter(|part| !part.starts_with("columns=")).collect();
    format!("{path}?{}", kept.join("&"))
}

impl ColumnsPage {
    fn of(settings: &ListSettings, back: String) -> Self {
        let mut sorts = vec![Opt::new("", "Newest update first (usual)")];
        sorts.extend(SORTS.iter().map(|(value, label)| Opt::new(*value, *label)));
        let sizes = [("", "50 (usual)"), ("25", "25"), ("50", "50"), ("100", "100")];
        Self {
            columns: choices(settings.columns.as_deref().unwrap_or(&Column::USUAL)),
            sorts,
            sort: settings.sort.clone().unwrap_or_default(),
            sizes: sizes.map(|(value, label)| Opt::new(value, label)).to_vec(),
            size: settings.size.map(|size| size.to_string()).unwrap_or_default(),
            back,
        }
    }
}

impl Page for ColumnsPage {
    const TEMPLATE: &'static str = "tickets/columns.html";

    fn samples() -> Vec<Self> {
        let settings = ListSettings { sort: Some("-priority".to_owned()), size: Some(25), ..ListSettings::default() };
        vec![
            Self::of(&settings, "/tickets?state=open".to_owned()),
            Self::of(&ListSettings::default(), "/tickets".to_owned()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_an_open_list_stand_in_its_address_once() {
        assert_eq!(without_columns("/tickets?view=3&columns=id%2Csubject&q=x"), "/tickets?view=3&q=x");
        assert_eq!(known_sort("-priority".to_owned()).as_deref(), Some("-priority"));
        assert_eq!(known_sort("subject".to_owned()), None);
        assert_eq!(list_only("/tickets?view=3"), "/tickets?view=3");
        assert_eq!(list_only("https://evil.example/tickets"), "/tickets");
    }
}
