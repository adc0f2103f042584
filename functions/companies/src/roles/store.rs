//! Rows of `roles`.

use serde_json::{Value, json};
use shared::audit::Change;
use shared::context::By;
use shared::db::{At, Sql, Tx, is_unique_violation, sql};
use shared::error::{Error, Result};
use shared::search;

use super::model::{Checked, Fields, Role, added};

const COLUMNS: &str = "SELECT r.id, r.name, r.description, r.permissions, r.is_system, \
    (SELECT COUNT(*) FROM company_memberships m WHERE m.role_id = r.id) AS member_count, \
    r.created_at, r.updated_at FROM roles r";

/// Every role a portal has fits on a page.
const MOST: i64 = 500;

/// 404.
pub fn unknown() -> Error {
    Error::not_found("Role not found")
}

/// One role.
pub async fn find(at: impl Into<At<'_>>, id: i64) -> Result<Role> {
    let found = sql(COLUMNS).push(" WHERE r.id = ?").bind(id).fetch_optional(at).await?;
    found.ok_or_else(unknown)
}

/// Roles by name; words begin a word of the name or the description.
pub async fn list(by: &By, words: &str) -> Result<Vec<Role>> {
    let all: Vec<Role> = sql(COLUMNS).push(" ORDER BY r.name_key LIMIT ?").bind(MOST).fetch_all(by.db()).await?;
    let words = search::words(words);
    Ok(all.into_iter().filter(|role| matches(role, &words)).collect())
}

/// There are few roles, so they are looked through here.
fn matches(role: &Role, words: &[String]) -> bool {
    let text = search::fold(&format!("{} {}", role.name, role.description.as_deref().unwrap_or_default()));
    words.iter().all(|word| text.split(' ').any(|part| part.starts_with(word.as_str())))
}

fn taken(error: sqlx::Error) -> Error {
    if is_unique_violation(&error, "roles_name_key", "roles.name_key") {
        Error::conflict("Role name already exists").code("name_taken")
    } else {
        error.into()
    }
}

fn audited(role: &Role) -> Value {
    json!({ "name": role.name, "description": role.description, "permissions": role.permissions })
}

fn trail(action: &'static str, role: &Role) -> Change {
    Change::new(action, "role", role.id).label(&role.name)
}

/// Adds a role.
pub async fn create(by: &By, new: &Checked) -> Result<Role> {
    let mut tx = by.begin().await?;
    let now = by.now();
    let id = sql("INSERT INTO roles (name, name_key, description, permissions, is_system, created_at, updated_at) \
         VALUES (?, ?, ?, ?, FALSE, ?, ?)")
    .bind(&new.name)
    .bind(new.name.to_lowercase())
    .bind(new.description.clone())
    .bind(serde_json::to_string(&new.permissions)?)
    .bind(now)
    .bind(now)
    .insert(&mut tx)
    .await
    .map_err(taken)?;
    let role = find(&mut tx, id).await?;
    tx.audit(trail("role.created", &role).after(audited(&role)).meta("added", json!(new.permissions)));
    tx.commit().await?;
    Ok(role)
}

/// What a change did, for the message on the page.
#[derive(Debug)]
pub struct Done {
    /// The role after it.
    pub role: Role,
    /// Keys that it did not have before.
    pub added: Vec<String>,
    /// Keys that it has no longer.
    pub removed: Vec<String>,
}

/// Changes a role: what is typed is put over what is stored, with the row held meanwhile.
/// `may` refuses what the caller may not make of it.
pub async fn update(
    by: &By,
    id: i64,
    put: impl FnOnce(Fields) -> Fields,
    may: impl FnOnce(&Role, &Checked) -> Result<()>,
) -> Result<Done> {
    let mut tx = by.begin().await?;
    hold(&mut tx, id).await?;
    let before = find(&mut tx, id).await?;
    let new = put(Fields::of(&before)).parse()?;
    if before.is_system && new.name != before.name {
        return Err(Error::bad_request("System roles cannot be renamed").code("system_role"));
    }
    may(&before, &new)?;
    write(&mut tx, id, &new).await?;
    let after = Role { name: new.name, description: new.description, updated_at: by.now(), ..before.clone() };
    let after = Role { permissions: crate::members::record::Keys(new.permissions), ..after };
    let plus = added(&before.permissions.0, &after.permissions.0);
    let minus = added(&after.permissions.0, &before.permissions.0);
    tx.audit(
        trail("role.updated", &after)
            .changed(audited(&before), audited(&after))
            .meta("added", json!(plus))
            .meta("removed", json!(minus))
            .meta("member_count", before.member_count),
    );
    tx.commit().await?;
    Ok(Done { role: after, added: plus, removed: minus })
}

async fn hold(tx: &mut Tx, id: i64) -> Result<()> {
    let now = tx.stamp().at;
    let held = sql("UPDATE roles SET updated_at = ? WHERE id = ?").bind(now).bind(id).execute(tx).await?;
    if held == 1 { Ok(()) } else { Err(unknown()) }
}

async fn write(tx: &mut Tx, id: i64, new: &Checked) -> Result<()> {
    let update: Sql = sql("UPDATE roles SET name = ?, name_key = ?, description = ?, permissions = ? WHERE id = ?");
    update
        .bind(&new.name)
        .bind(new.name.to_lowercase())
        .bind(new.description.clone())
        .bind(serde_json::to_string(&new.permissions)?)
        .bind(id)
        .execute(tx)
        .await
        .map_err(taken)?;
    Ok(())
}

fn in_use(count: i64) -> Error {
    Error::conflict(format!("Role is assigned to {count} memberships")).code("role_in_use").with("members", count)
}

/// Deletes a role that nobody has.
pub async fn delete(by: &By, id: i64) -> Result<Role> {
    let mut tx = by.begin().await?;
    hold(&mut tx, id).await?;
    let role = find(&mut tx, id).await?;
    if role.is_system {
        return Err(Error::bad_request("Cannot delete system role").code("system_role"));
    }
    if role.member_count > 0 {
        return Err(in_use(role.member_count));
    }
    sql("DELETE FROM roles WHERE id = ?").bind(id).execute(&mut tx).await.map_err(|error| {
        // Somebody was given the role in the meantime.
        let is_used = error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_foreign_key_violation);
        if is_used { in_use(1) } else { error.into() }
    })?;
    tx.audit(trail("role.deleted", &role).before(audited(&role)));
    tx.commit().await?;
    Ok(role)
}
