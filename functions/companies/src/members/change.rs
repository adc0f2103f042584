//! Every change of a membership goes through here: the rules, the row, the sessions that lose the
//! company, the event and the trail, in one transaction (organisation 4.6, 7.1).

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use shared::accounts::memberships::Status;
use shared::audit::Change;
use shared::context::By;
use shared::db::{Sql, Tx, sql};
use shared::error::{Error, Result};
use shared::events::{self, names};

use super::access::Field;
use super::manager::{Manager, Role, Wanted};
use super::record::{self, Held, Record, Which};
use crate::companies::store as companies;

/// What should become of a membership; what is not said stays.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Another role.
    pub role_id: Option<i64>,
    /// Another status.
    pub status: Option<Status>,
    /// Another staff level.
    pub staff_permission: Option<i64>,
    /// Sections to switch.
    pub flags: Vec<(Field, bool)>,
}

impl Wish {
    /// Only one section.
    pub fn flag(field: Field, on: bool) -> Self {
        Self { flags: vec![(field, on)], ..Self::default() }
    }

    /// True when an administrator of the company may be lost by it.
    pub fn may_take_an_admin(&self) -> bool {
        self.status.is_some_and(|status| status != Status::Active) || self.flags.contains(&(Field::Admin, false))
    }

    /// Suspended, with everything taken away that could come back by mistake.
    pub fn cleared() -> Self {
        let flags = Field::ALL.into_iter().map(|field| (field, false)).collect();
        Self { role_id: None, status: Some(Status::Suspended), staff_permission: Some(0), flags }
    }
}

/// Everything about one change but its values.
#[derive(Debug, Clone, Copy)]
pub struct Cause<'c> {
    /// Who acts.
    pub manager: &'c Manager,
    /// The company of the path.
    pub company_id: i64,
    /// The literal name in the trail.
    pub action: &'static str,
}

/// Changes a membership; 404 when the company has no such member. Nothing is written when nothing
/// changes, and the flag says so.
pub async fn change(by: &By, cause: Cause<'_>, which: Which, wish: &Wish) -> Result<(Record, bool)> {
    let mut tx = by.begin().await?;
    let changed = change_in(&mut tx, cause, which, wish).await?;
    if changed.1 {
        tx.commit().await?;
    }
    Ok(changed)
}

/// The same within a transaction of the caller; true when something changed.
pub async fn change_in(tx: &mut Tx, cause: Cause<'_>, which: Which, wish: &Wish) -> Result<(Record, bool)> {
    if wish.may_take_an_admin() {
        hold_companies(tx, cause.manager, &[cause.company_id]).await?;
    }
    let Some(held) = record::hold(tx, cause.company_id, which, wish.role_id).await? else {
        return Err(missing(tx, cause.company_id).await);
    };
    let Some(after) = planned(cause.manager, &held, wish, tx.stamp().at)? else { return Ok((held.record, false)) };
    write(tx, &held.record, &after).await?;
    follow_up(tx, &held.record, Some(&after)).await?;
    tx.audit(trail(cause.action, &after).changed(audited(&held.record), audited(&after)));
    Ok((after, true))
}

/// What a wish makes of a membership, after all rules; nothing when it changes nothing.
pub(super) fn planned(manager: &Manager, held: &Held, wish: &Wish, now: DateTime<Utc>) -> Result<Option<Record>> {
    let before = &held.record;
    manager.may_touch(before)?;
    let role = held.role(wish.role_id)?;
    let after = after(before, wish, &role, now);
    if same(before, &after) {
        return Ok(None);
    }
    let wanted = Wanted {
        status: &after.status,
        role: &role,
        flags: after.flags,
        staff_permission: after.staff_permission,
        joined_at: before.joined_at,
    };
    manager.check(Some(before), &wanted, before.is_provider)?;
    keep_an_admin(manager, held, Some(&after))?;
    Ok(Some(after))
}

/// 404 with the name of what is missing.
async fn missing(tx: &mut Tx, company_id: i64) -> Error {
    match companies::find(tx, company_id).await {
        Ok(_) => record::unknown(),
        Err(error) => error,
    }
}

fn after(before: &Record, wish: &Wish, role: &Role, now: DateTime<Utc>) -> Record {
    let mut after = before.clone();
    after.role_id = role.id;
    role.name.clone_into(&mut after.role_name);
    after.permissions = role.permissions.clone();
    after.staff_permission = wish.staff_permission.unwrap_or(before.staff_permission);
    wish.flags.iter().for_each(|(field, on)| after.flags.set(*field, *on));
    if let Some(status) = wish.status {
        status.as_str().clone_into(&mut after.status);
        match status {
            Status::Active => after.joined_at = after.joined_at.or(Some(now)),
            Status::Invited if before.status != "invited" => after.invited_at = Some(now),
            Status::Invited | Status::Suspended => {}
        }
    }
    after
}

fn same(before: &Record, after: &Record) -> bool {
    before.role_id == after.role_id
        && before.status == after.status
        && before.flags == after.flags
        && before.staff_permission == after.staff_permission
}

/// What the trail compares.
pub(super) fn audited(record: &Record) -> Value {
    let mut value = json!(record.flags);
    if let Value::Object(map) = &mut value {
        map.insert("role".to_owned(), json!(record.role_name));
        map.insert("role_id".to_owned(), json!(record.role_id));
        map.insert("status".to_owned(), json!(record.status));
        map.insert("staff_permission".to_owned(), json!(record.staff_permission));
    }
    value
}

pub(super) fn trail(action: &'static str, record: &Record) -> Change {
    Change::new(action, "company_membership", record.id)
        .label(&record.user_email)
        .company(Some(record.company_id))
        .meta("company_id", record.company_id)
        .meta("user_id", record.user_id)
        .meta("user_email", record.user_email.clone())
}

/// Writes the columns that differ only, so that two changes at once do not undo each other.
async fn write(tx: &mut Tx, before: &Record, after: &Record) -> Result<()> {
    let mut update = sql("UPDATE company_memberships SET updated_at = ?").bind(tx.stamp().at);
    update = update
        .push_if(", role_id = ?", (before.role_id != after.role_id).then_some(after.role_id))
        .push_if(", status = ?", (before.status != after.status).then(|| after.status.clone()))
        .push_if(", joined_at = ?", (before.joined_at != after.joined_at).then_some(after.joined_at))
        .push_if(", invited_at = ?", (before.invited_at != after.invited_at).then_some(after.invited_at))
        .push_if(
            ", staff_permission = ?",
            (before.staff_permission != after.staff_permission).then_some(after.staff_permission),
        );
    for field in Field::ALL {
        if before.flags.get(field) != after.flags.get(field) {
            update = set_flag(update, field).bind(after.flags.get(field));
        }
    }
    update.push(" WHERE id = ?").bind(before.id).execute(tx).await?;
    Ok(())
}

pub(super) fn set_flag(update: Sql, field: Field) -> Sql {
    update.push(match field {
        Field::Shop => ", can_access_shop = ?",
        Field::Cart => ", can_access_cart = ?",
        Field::Orders => ", can_access_orders = ?",
        Field::Forms => ", can_access_forms = ?",
        Field::Assets => ", can_manage_assets = ?",
        Field::Licenses => ", can_manage_licenses = ?",
        Field::OrderLicenses => ", can_order_licenses = ?",
        Field::Invoices => ", can_manage_invoices = ?",
        Field::OfficeGroups => ", can_manage_office_groups = ?",
        Field::Admin => ", is_admin = ?",
    })
}

pub(super) fn is_admin(record: &Record) -> bool {
    record.is_active() && record.flags.is_admin
}

/// A company that has an administrator keeps one.
fn keep_an_admin(manager: &Manager, held: &Held, after: Option<&Record>) -> Result<()> {
    let loses = is_admin(&held.record) && !after.is_some_and(is_admin);
    if loses && held.other_admins == 0 && !manager.may_leave_without_admin() {
        return Err(Error::conflict("The company needs at least one administrator").code("last_admin"));
    }
    Ok(())
}

/// Holds the rows of the companies before anything is read, so that two administrators cannot take each
/// other away at once.
pub(super) async fn hold_companies(tx: &mut Tx, manager: &Manager, ids: &[i64]) -> Result<()> {
    if !manager.may_leave_without_admin() {
        sql("UPDATE companies SET id = id").push_in(" WHERE id IN", ids).execute(tx).await?;
    }
    Ok(())
}

/// Whoever loses the company leaves it at once; people are told by a job.
async fn follow_up(tx: &mut Tx, before: &Record, after: Option<&Record>) -> Result<()> {
    let (had, has) = (before.is_active(), after.is_some_and(Record::is_active));
    if had && !has {
        leave(tx, before.company_id, before.user_id).await?;
    }
    let Some(event) = event(had, has) else { return Ok(()) };
    announce(tx, event, before.company_id, before.user_id).await
}

/// What people are told of, by whether the membership was and is in force.
pub(super) fn event(had: bool, has: bool) -> Option<&'static str> {
    match (had, has) {
        (false, true) => Some(names::MEMBERSHIP_GRANTED),
        (true, false) => Some(names::MEMBERSHIP_REVOKED),
        (true, true) => Some(names::MEMBERSHIP_CHANGED),
        (false, false) => None,
    }
}

/// Moves every session of the person off the company.
pub async fn leave(tx: &mut Tx, company_id: i64, user_id: i64) -> Result<()> {
    sql("UPDATE user_sessions SET active_company_id = NULL WHERE user_id = ? AND active_company_id = ?")
        .bind(user_id)
        .bind(company_id)
        .execute(tx)
        .await?;
    Ok(())
}

/// Notes for the worker what people should be told.
pub async fn announce(tx: &mut Tx, event: &'static str, company_id: i64, user_id: i64) -> Result<()> {
    let actor = tx.stamp().user_id;
    events::emit(tx, event, json!({ "company_id": company_id, "user_id": user_id, "actor_id": actor })).await
}

/// Takes a membership away for good.
pub async fn remove(by: &By, cause: Cause<'_>, which: Which) -> Result<Record> {
    let mut tx = by.begin().await?;
    hold_companies(&mut tx, cause.manager, &[cause.company_id]).await?;
    let Some(held) = record::hold(&mut tx, cause.company_id, which, None).await? else {
        return Err(missing(&mut tx, cause.company_id).await);
    };
    cause.manager.may_touch(&held.record)?;
    keep_an_admin(cause.manager, &held, None)?;
    let before = held.record;
    sql("DELETE FROM company_memberships WHERE id = ?").bind(before.id).execute(&mut tx).await?;
    follow_up(&mut tx, &before, None).await?;
    tx.audit(trail(cause.action, &before).before(audited(&before)));
    tx.commit().await?;
    Ok(before)
}
