//! Views of the desk's list: the bar above it, and the page where they are named, shared and deleted.

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::Flash;
use shared::caller::Technician;
use shared::error::{Error, Invalid, Result};
use shared::page::Page;
use shared::web::{Form, FormState, Path, Query};

use super::bulk;
use super::filter::{ListQuery, ListState};
use crate::actions;
use crate::model::{Column, NewView, TicketFilter};
use crate::scope::Scope;
use crate::store::{self, Choices, ListSettings, View};

const PATH: &str = "/tickets/views";

/// What belongs to the page and not to the view.
const NOT_SAVED: [&str; 3] = ["view", "size", "columns"];

/// The address of a view, its place among the views included.
pub(super) fn address(view: &View) -> String {
    let query = if view.query.is_empty() { "state=all" } else { &view.query };
    format!("/tickets?{query}&view={}", view.id)
}

/// Names and values from the text of an address.
fn pairs_of(query: &str) -> Vec<(String, String)> {
    let pairs = url::form_urlencoded::parse(query.as_bytes()).into_owned();
    pairs.map(|(name, value)| (name, value.trim().to_owned())).filter(|(_, value)| !value.is_empty()).take(60).collect()
}

fn state_of(me: i64, now: DateTime<Utc>, pairs: Vec<(String, String)>) -> ListState {
    ListState::of(Scope::everywhere(), me, now, &ListQuery::of(&pairs), pairs)
}

/// What a view keeps of an address, in the one order that addresses are written in.
pub fn kept_query(query: &str) -> String {
    kept(&state_of(0, DateTime::UNIX_EPOCH, pairs_of(query)))
}

fn kept(state: &ListState) -> String {
    state.address(&NOT_SAVED, &[]).trim_start_matches("/tickets").trim_start_matches('?').to_owned()
}

/// What a view finds.
pub(super) fn filter_of(view: &View, me: i64, now: DateTime<Utc>) -> TicketFilter {
    state_of(me, now, pairs_of(&view.query)).filter
}

/// Where somebody is sent who asked for the list and nothing else, or for a view by its number alone.
pub(super) fn elsewhere(query: &Query<ListQuery>, choices: &Choices) -> Option<String> {
    let only_view = query.pairs().iter().all(|(name, _)| name == "view");
    let wanted = match query.view.as_deref() {
        Some(id) => id.parse().ok(),
        None => choices.settings.default_view,
    };
    let view = choices.views.iter().find(|view| Some(view.id) == wanted).filter(|_| only_view);
    view.map(address)
}

/// The list as its address says it and, where that is silent, as the person likes it.
pub(super) fn state(me: i64, now: DateTime<Utc>, query: &Query<ListQuery>, settings: &ListSettings) -> ListState {
    let mut pairs = query.pairs().to_vec();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|_| !pairs.iter().any(|(known, _)| known == name)) {
            pairs.push((name.to_owned(), value));
        }
    };
    // A view that is open brings its own order.
    if query.view.is_none() {
        add("sort", settings.sort.clone());
    }
    add("size", settings.size.map(|size| size.to_string()));
    state_of(me, now, pairs)
}

/// The view that is open.
pub(super) fn open<'a>(state: &ListState, choices: &'a Choices) -> Option<&'a View> {
    let id: Option<i64> = state.given("view").and_then(|id| id.parse().ok());
    choices.views.iter().find(|view| Some(view.id) == id)
}

/// The columns that are shown: those of the address, of the view, of the person.
pub(super) fn columns(state: &ListState, choices: &Choices) -> Vec<Column> {
    if let Some(text) = state.given("columns") {
        return Column::list(text.split(','));
    }
    let chosen = open(state, choices).and_then(|view| view.columns.clone());
    chosen.or_else(|| choices.settings.columns.clone()).unwrap_or_else(|| Column::USUAL.to_vec())
}

/// What the bar says about views.
#[derive(Debug, Serialize)]
pub(super) struct ViewBar {
    /// Every view, in the menu.
    views: Vec<Item>,
    /// The one that is open.
    open: Option<Item>,
    /// The list differs from the view that is open.
    is_changed: bool,
    /// The parameters of the list, for the forms that save it.
    carried: Vec<(String, String)>,
    /// The columns of the list, for the same.
    shown: String,
}

/// One view.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Item {
    id: i64,
    pub(super) name: String,
    pub(super) href: String,
    is_shared: bool,
    is_default: bool,
}

impl Item {
    fn of(view: &View, settings: &ListSettings) -> Self {
        Self {
            id: view.id,
            name: view.name.clone(),
            href: address(view),
            is_shared: view.is_shared,
            is_default: settings.default_view == Some(view.id),
        }
    }
}

impl ViewBar {
    pub(super) fn of(state: &ListState, choices: &Choices) -> Self {
        let item = |view: &View| Item::of(view, &choices.settings);
        let open = open(state, choices);
        let is_changed = open.is_some_and(|view| {
            let columns = state.given("columns").map(|text| Column::list(text.split(',')));
            kept(state) != view.query && !(view.query.is_empty() && kept(state) == "state=all")
                || columns.is_some() && columns != view.columns
        });
        Self {
            views: choices.views.iter().map(item).collect(),
            open: open.map(item),
            is_changed,
            carried: state.carried().into_iter().filter(|(name, _)| !NOT_SAVED.contains(&name.as_str())).collect(),
            shown: Column::join(&columns(state, choices)),
        }
    }
}

/// The views, with the form of a new one or of the one that is changed.
#[derive(Debug, Serialize)]
pub struct ViewsPage {
    items: Vec<Item>,
    form: FormState,
    editing: Option<i64>,
    /// A list that is to be saved.
    is_new: bool,
    carried: Vec<(String, String)>,
    shown: String,
}

/// The form as it is sent; the parameters of the list come with it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    name: String,
    is_shared: String,
    /// The columns shown, as one text.
    shown: String,
    /// `list`: what the list shows now; else name and sharing.
    keep: String,
}

/// Shows the views.
pub async fn list(by: Technician) -> Result<Response> {
    by.page(&ViewsPage::load(&by, FormState::blank(), None).await?).await
}

/// Shows one to be renamed or shared.
pub async fn edit(by: Technician, Path(id): Path<i64>) -> Result<Response> {
    let view = actions::find_view(&by, id).await?;
    let form = FormState::of([("name", view.name.as_str()), ("is_shared", if view.is_shared { "true" } else { "" })]);
    by.page(&ViewsPage::load(&by, form, Some(id)).await?).await
}

/// Keeps the list under a name.
pub async fn create(by: Technician, form: Form<Fields>) -> Result<Response> {
    let state = bulk::list(&by, &form);
    let columns = Some(Column::list(form.shown.split(',')));
    match NewView::parse(&form.name, &kept(&state), columns, !form.is_shared.is_empty()) {
        Ok(new) => {
            let id = actions::create_view(&by, &new).await?;
            by.see(address(&saved(id, &new)), Flash::done("View saved")).await
        }
        Err(Error::Invalid(invalid)) => {
            let mut page = ViewsPage::load(&by, form.refused(&invalid), None).await?;
            page.is_new = true;
            page.carried = state.carried();
            page.shown.clone_from(&form.shown);
            by.page_again(&page).await
        }
        Err(error) => Err(error),
    }
}

fn saved(id: i64, new: &NewView) -> View {
    View {
        id,
        name: new.name.clone(),
        query: new.query.clone(),
        columns: new.columns.clone(),
        is_shared: new.is_shared,
    }
}

/// Renames or shares a view, or makes it show what the list shows now.
pub async fn change(by: Technician, Path(id): Path<i64>, form: Form<Fields>) -> Result<Response> {
    let old = actions::find_view(&by, id).await?;
    let is_list = form.keep == "list";
    let new = if is_list {
        let columns = Some(Column::list(form.shown.split(',')));
        NewView::parse(&old.name, &kept(&bulk::list(&by, &form)), columns, old.is_shared)
    } else {
        NewView::parse(&form.name, &old.query, old.columns.clone(), !form.is_shared.is_empty())
    };
    match new {
        Ok(new) => {
            actions::change_view(&by, &old, &new).await?;
            let to = if is_list { address(&saved(id, &new)) } else { PATH.to_owned() };
            by.see(to, Flash::done("View saved")).await
        }
        Err(Error::Invalid(invalid)) => {
            by.page_again(&ViewsPage::load(&by, form.refused(&invalid), Some(id)).await?).await
        }
        Err(error) => Err(error),
    }
}

/// Forgets a view.
pub async fn delete(by: Technician, Path(id): Path<i64>) -> Result<Response> {
    let old = actions::find_view(&by, id).await?;
    actions::delete_view(&by, &old).await?;
    by.see(PATH, Flash::done("View deleted")).await
}

/// The form as it is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    /// `true` or blank.
    is_default: String,
}

/// Makes the list begin with a view, or with everything again.
pub async fn make_default(by: Technician, Path(id): Path<i64>, form: Form<Wanted>) -> Result<Response> {
    let view = actions::find_view(&by, id).await?;
    let me = by.me().id();
    let default_view = (!form.is_default.is_empty()).then_some(view.id);
    let settings = ListSettings { default_view, ..store::list_settings(by.db(), me).await? };
    actions::keep_settings(&by, me, &settings).await?;
    let text = match default_view {
        Some(_) => format!("Tickets begins with {}", view.name),
        None => "Tickets begins with the whole list".to_owned(),
    };
    by.see(PATH, Flash::done(text)).await
}

impl ViewsPage {
    async fn load(by: &Technician, form: FormState, editing: Option<i64>) -> Result<Self> {
        let views = store::views(by.db(), Some(by.me().id())).await?;
        let settings = store::list_settings(by.db(), by.me().id()).await?;
        Ok(Self::new(&views, &settings, form, editing))
    }

    fn new(views: &[View], settings: &ListSettings, form: FormState, editing: Option<i64>) -> Self {
        let items = views.iter().map(|view| Item::of(view, settings)).collect();
        Self { items, form, editing, is_new: false, carried: Vec::new(), shown: String::new() }
    }
}

impl Page for ViewsPage {
    const TEMPLATE: &'static str = "tickets/views.html";

    fn samples() -> Vec<Self> {
        let views = super::samples::choices().views;
        let settings = ListSettings { default_view: Some(31), ..ListSettings::default() };
        let wrong = || FormState::blank().refused(&Invalid::field("name", "Enter a name for the view"));
        let mut new = Self::new(&views, &settings, wrong(), None);
        new.is_new = true;
        new.carried = vec![("status".to_owned(), "open".to_owned())];
        vec![
            Self::new(&views, &settings, FormState::blank(), None),
            Self::new(&views, &settings, wrong(), Some(31)),
            Self::new(&[], &ListSettings::default(), FormState::blank(), None),
            new,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_keeps_what_narrows_and_sorts_and_nothing_else() {
        assert_eq!(kept_query("sort=-priority&status=open&page=3&size=100&view=4&x=y"), "status=open&sort=-priority");
        assert_eq!(kept_query("q=a%26b&tag=vip&tag=visit"), "tag=vip&tag=visit&q=a%26b");
        assert_eq!(kept_query(""), "");
    }
}
