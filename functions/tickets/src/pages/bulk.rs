//! One change to the tickets that are ticked, or to all of the list (interface 3.3).

use axum::response::Response;
use serde::{Deserialize, Serialize};
use shared::caller::Technician;
use shared::context::By;
use shared::error::{Error, Result};
use shared::page::Page;
use shared::web::Form;
use shared::{Flash, Tone};

use super::filter::{ListQuery, ListState, NAMES};
use super::undo::Offer;
use crate::actions::{self, Kept};
use crate::model::{Bulk, Fate, told};
use crate::scope::Scope;
use crate::store;

/// The form as it is sent; what narrows the list comes with it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    /// `status:resolved`, `priority:high`, `assign:4`, `category`, `tag`, `untag` or `delete`.
    set: String,
    category: String,
    tag_text: String,
    all: String,
    confirmed: String,
}

/// Tickets that "all of the list" reaches at most.
const MOST: i64 = 1000;

/// Tickets in one transaction.
const STEP: usize = 200;

/// Asks before tickets are deleted.
#[derive(Debug, Serialize)]
pub struct TicketsDelete {
    ids: Vec<i64>,
    title: String,
    back: String,
}

/// Changes what is ticked, or asks first.
pub async fn change(by: Technician, form: Form<Fields>) -> Result<Response> {
    let state = list(&by, &form);
    let back = state.address(&[], &[]);
    let ids = ids(&by, &form, &state).await?;
    if ids.is_empty() {
        return by.see(&back, Flash::new(Tone::Error, "Tick the tickets first")).await;
    }
    // Enter in a field of text sends the form without a button of its own.
    let set = match (form.set.as_str(), form.category.trim(), form.tag_text.trim()) {
        ("", "", tag) if !tag.is_empty() => "tag",
        ("", category, _) if !category.is_empty() => "category",
        (set, ..) => set,
    };
    if set == "merge" {
        let ids: Vec<String> = ids.iter().take(21).map(|id| format!("ids={id}")).collect();
        return Ok(by.go(&format!("/tickets/merge?{}", ids.join("&"))));
    }
    let typed = if matches!(set, "tag" | "untag") { &form.tag_text } else { &form.category };
    let (action, value) = set.split_once(':').unwrap_or((set, typed));
    let change = match Bulk::parse(action, Some(value), Some(by.me().id())) {
        Ok(change) => change,
        Err((_, text)) => return by.see(&back, Flash::new(Tone::Error, text)).await,
    };
    if change == Bulk::Delete && form.confirmed.is_empty() {
        let count = i64::try_from(ids.len()).unwrap_or(i64::MAX);
        let title = format!("Delete {}?", shared::format::plural(count, "ticket"));
        return by.page(&TicketsDelete { ids, title, back }).await;
    }
    let (mut fates, mut kept): (Vec<Fate>, Vec<Kept>) = (Vec::with_capacity(ids.len()), Vec::new());
    for step in ids.chunks(STEP) {
        match actions::bulk(&by, step, &change).await {
            Ok(done) => {
                fates.extend(done.fates);
                kept.extend(done.kept);
            }
            Err(error) if fates.is_empty() && error.status() == http::StatusCode::BAD_REQUEST => {
                return by.see(&back, Flash::new(Tone::Error, error.detail())).await;
            }
            Err(error) => return Err(error),
        }
    }
    let verb = if change == Bulk::Delete { "deleted" } else { "changed" };
    let tone = if fates.iter().all(|fate| fate.problem.is_none()) { Tone::Success } else { Tone::Info };
    let undo = actions::keep(&by, &change, &kept).await?.map(|undo| Offer { id: undo.id, until: undo.expires_at });
    by.see(undo.map_or(back.clone(), |offer| offer.behind(&back)), Flash::new(tone, told(verb, &fates))).await
}

/// The list that a form carries with it.
pub(super) fn list<T>(by: &Technician, form: &Form<T>) -> ListState {
    list_state(by, by.me().id(), |name| form.all(name))
}

/// The same for people of a customer too.
pub(super) fn list_state(by: &By, me: i64, all: impl Fn(&str) -> Vec<String>) -> ListState {
    let pairs: Vec<(String, String)> = NAMES
        .iter()
        .flat_map(|name| all(name).into_iter().map(|value| ((*name).to_owned(), value)))
        .filter(|(_, value)| !value.trim().is_empty())
        .collect();
    ListState::of(Scope::of(by), me, by.now(), &ListQuery::of(&pairs), pairs)
}

async fn ids(by: &Technician, form: &Form<Fields>, state: &ListState) -> Result<Vec<i64>> {
    if !form.all.is_empty() {
        let scope = Scope::of(by);
        let found = store::search(scope, by.db(), &state.filter).await?;
        let lines = store::page(scope, by.db(), &state.filter, found.plan, (MOST, 0)).await?;
        return Ok(lines.into_iter().map(|line| line.id).collect());
    }
    let mut ids: Vec<i64> = Vec::new();
    for id in form.all("ids") {
        let id = id.parse().map_err(|_| Error::field("ids", "Tick the tickets first"))?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids.truncate(STEP);
    Ok(ids)
}

impl Page for TicketsDelete {
    const TEMPLATE: &'static str = "tickets/delete_many.html";

    fn samples() -> Vec<Self> {
        vec![Self { ids: vec![3, 4], title: "Delete 2 tickets?".to_owned(), back: "/tickets?state=open".to_owned() }]
    }
}
