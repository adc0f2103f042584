//! Keeping, changing and forgetting views of the desk's list.

use serde_json::json;
use shared::audit::Change as Line;
use shared::context::By;
use shared::error::{Error, Result};

use crate::model::{Column, NewView};
use crate::store::{self, ListSettings, View};

/// Views that one person may use at most, their own and those of the desk.
const MOST: i64 = 50;

fn me(by: &By) -> Option<i64> {
    by.person().map(|person| person.id())
}

/// A view that the caller may use.
pub async fn find_view(by: &By, id: i64) -> Result<View> {
    store::view(by.db(), me(by), id).await?.ok_or_else(|| Error::not_found("View not found"))
}

fn facts(name: &str, query: &str, columns: Option<&[Column]>, is_shared: bool) -> serde_json::Value {
    json!({ "name": name, "query": query, "columns": columns.map(Column::join), "is_shared": is_shared })
}

/// Keeps a new one; programs keep only such as everybody uses.
pub async fn create_view(by: &By, new: &NewView) -> Result<i64> {
    if me(by).is_none() && !new.is_shared {
        return Err(Error::bad_request("A key has no views of its own. Set is_shared.").code("shared_only"));
    }
    let mut tx = by.begin().await?;
    if store::count_views(&mut tx, me(by)).await? >= MOST {
        return Err(Error::conflict("There are 50 views already. Delete one first.").code("too_many_views"));
    }
    let id = store::insert_view(&mut tx, me(by), new).await?;
    let line = Line::new("tickets.view_create", "ticket_view", id).label(&new.name);
    tx.audit(line.after(facts(&new.name, &new.query, new.columns.as_deref(), new.is_shared)));
    tx.commit().await?;
    Ok(id)
}

/// Changes one that the caller may use; a view of the desk may be changed by everybody there.
pub async fn change_view(by: &By, old: &View, new: &NewView) -> Result<()> {
    if me(by).is_none() && !new.is_shared {
        return Err(Error::bad_request("A key has no views of its own. Set is_shared.").code("shared_only"));
    }
    let mut tx = by.begin().await?;
    store::save_view(&mut tx, me(by), old.id, new).await?;
    let line = Line::new("tickets.view_update", "ticket_view", old.id).label(&new.name);
    let before = facts(&old.name, &old.query, old.columns.as_deref(), old.is_shared);
    let after = facts(&new.name, &new.query, new.columns.as_deref(), new.is_shared);
    tx.audit(line.before(before).after(after));
    tx.commit().await
}

/// Forgets one that the caller may use.
pub async fn delete_view(by: &By, old: &View) -> Result<()> {
    let mut tx = by.begin().await?;
    store::delete_view(&mut tx, old.id).await?;
    let line = Line::new("tickets.view_delete", "ticket_view", old.id).label(&old.name);
    tx.audit(line.before(facts(&old.name, &old.query, old.columns.as_deref(), old.is_shared)));
    tx.commit().await
}

/// Keeps how the caller likes the list; nobody else sees it, so no trail is kept of it.
pub async fn keep_settings(by: &By, user_id: i64, settings: &ListSettings) -> Result<()> {
    let mut tx = by.begin().await?;
    tx.housekeeping();
    store::save_list_settings(&mut tx, user_id, settings).await?;
    tx.commit().await
}
