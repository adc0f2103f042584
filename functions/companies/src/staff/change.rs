//! Every change of a staff member: who may write which field, what a date of leaving means, the row, the
//! event and the trail, in one transaction (organisation 4.2, 10.4, 19).

use serde_json::json;
use shared::audit::Change;
use shared::context::By;
use shared::db::{Tx, sql};
use shared::error::{Error, Invalid, Result};
use shared::events::{self, names};

use super::field::{Field, Wish};
use super::model::{OFFBOARD_APPROVED, OFFBOARD_REQUESTED, OFFBOARD_SCHEDULED, ONBOARD_REQUESTED, Staff, Values};
use super::scope::Viewer;
use super::store;
use crate::members::record::{self, Which};

/// What must not be left out of a new staff member.
pub const REQUIRED: &str = "First name, last name, and email are required";

/// Adds a staff member to a company. The caller has been let in already.
pub async fn create(by: &By, viewer: &Viewer, company_id: i64, wish: &Wish) -> Result<Staff> {
    if [Field::FirstName, Field::LastName, Field::Email].into_iter().any(|field| wish.text(field).is_empty()) {
        return Err(Error::bad_request(REQUIRED).code("required"));
    }
    let mut tx = by.begin().await?;
    let mut values = Values { enabled: true, ..Values::default() };
    apply(&mut tx, &mut values, wish).await?;
    if !viewer.is_super_admin {
        if values.account_action.is_some() {
            return Err(forbidden(Field::AccountAction));
        }
        values.account_action = Some(ONBOARD_REQUESTED.to_owned());
    }
    plan_end(by, viewer, &Values::default(), &mut values, wish, false)?;
    let id = store::insert(&mut tx, company_id, &values, None).await?;
    let staff = store::get(&mut tx, id, by.now()).await?.ok_or_else(store::unknown)?;
    announce(&mut tx, names::STAFF_CREATED, &staff).await?;
    tell_of(&mut tx, None, &staff).await?;
    tx.audit(trail("staff.created", &staff).after(&staff.values));
    tx.commit().await?;
    Ok(staff)
}

/// Changes what is named; 404 out of reach, 403 for fields that the caller may not change.
pub async fn update(by: &By, viewer: &Viewer, id: i64, wish: &Wish) -> Result<Staff> {
    if !viewer.may_disable() {
        return Err(Error::forbidden("You can look at the staff of your department, but not change them"));
    }
    let mut tx = by.begin().await?;
    store::hold(&mut tx, id).await?;
    let before = store::find(&mut tx, viewer, id, by.now()).await?;
    let mut values = before.values.clone();
    apply(&mut tx, &mut values, wish).await?;
    let stands_above = stands_above(&mut tx, viewer, &before, &values).await?;
    refuse(viewer, &before, &values)?;
    plan_end(by, viewer, &before.values, &mut values, wish, stands_above)?;
    if values == before.values {
        return Ok(before);
    }
    store::update(&mut tx, &before, &values).await?;
    let after = store::get(&mut tx, id, by.now()).await?.ok_or_else(store::unknown)?;
    announce(&mut tx, names::STAFF_UPDATED, &after).await?;
    tell_of(&mut tx, Some(&before), &after).await?;
    tx.audit(trail(action(&before.values, &after.values), &after).changed(&before.values, &after.values));
    tx.commit().await?;
    Ok(after)
}

/// Deletes a staff member for good.
pub async fn delete(by: &By, viewer: &Viewer, id: i64) -> Result<Staff> {
    let mut tx = by.begin().await?;
    let staff = store::find(&mut tx, viewer, id, by.now()).await?;
    sql("DELETE FROM staff WHERE id = ?").bind(id).execute(&mut tx).await?;
    tx.audit(trail("staff.deleted", &staff).before(&staff.values));
    tx.commit().await?;
    Ok(staff)
}

/// Reads the texts; all faults at once.
async fn apply(tx: &mut Tx, values: &mut Values, wish: &Wish) -> Result<()> {
    let has_times = wish.names(Field::DateOnboarded) || wish.names(Field::DateOffboarded);
    let zone = if has_times { store::zone(tx).await? } else { "UTC".to_owned() };
    let mut bad = Invalid::none();
    for (field, text) in wish.iter() {
        bad.check(field.name(), values.set(field, text, &zone));
    }
    Ok(bad.finish()?)
}

fn forbidden(field: Field) -> Error {
    let text = format!("You may not change this field: {}", field.label().to_lowercase());
    Error::forbidden(text).code("field_not_yours").with("field", field.name())
}

/// 403 for the first field that differs and is not the caller's to change.
fn refuse(viewer: &Viewer, before: &Staff, after: &Values) -> Result<()> {
    let differs = |field: &Field| before.values.text(*field) != after.text(*field);
    match Field::ALL.into_iter().filter(differs).find(|field| !viewer.may_change(before, *field)) {
        None => Ok(()),
        Some(field) if viewer.may_write(field) => {
            let text = "The leaving date is decided. The helpdesk makes later changes: raise a ticket.";
            Err(Error::forbidden(text).code("leaving_decided").with("field", field.name()))
        }
        Some(field) => Err(forbidden(field)),
    }
}

/// Whose account a staff level alone may not end: company admins and owners.
async fn stands_above(tx: &mut Tx, viewer: &Viewer, staff: &Staff, after: &Values) -> Result<bool> {
    let is_new_date = after.date_offboarded != staff.values.date_offboarded;
    let (Some(user_id), true, false) = (staff.user_id, is_new_date, viewer.is_super_admin) else { return Ok(false) };
    let member = record::find(tx, staff.company_id, Which::Person(user_id)).await?;
    Ok(member.is_some_and(|member| member.flags.is_admin || member.role_name == "Owner"))
}

/// What a date of leaving does to the account action (organisation 10.4).
fn plan_end(
    by: &By,
    viewer: &Viewer,
    before: &Values,
    values: &mut Values,
    wish: &Wish,
    stands_above: bool,
) -> Result<()> {
    let typed = wish.text(Field::AccountAction);
    let is_decided = wish.names(Field::AccountAction) && typed != before.account_action.as_deref().unwrap_or_default();
    if values.date_offboarded == before.date_offboarded || (is_decided && viewer.is_super_admin) {
        return Ok(());
    }
    let offboarding = [OFFBOARD_REQUESTED, OFFBOARD_APPROVED, OFFBOARD_SCHEDULED];
    let is_under_way = values.account_action.as_deref().is_some_and(|action| offboarding.contains(&action));
    match values.date_offboarded {
        None if is_under_way => values.account_action = None,
        None => {}
        Some(at) if at <= by.now() && !viewer.is_super_admin => {
            return Err(Error::field(Field::DateOffboarded.name(), "Enter a time in the future"));
        }
        // What has happened already is only written down.
        Some(at) if at <= by.now() => {}
        Some(_) => {
            let decides = viewer.may_edit() && !stands_above;
            let action = if decides { OFFBOARD_SCHEDULED } else { OFFBOARD_REQUESTED };
            values.account_action = Some(action.to_owned());
        }
    }
    Ok(())
}

/// The literal name of a change in the trail.
fn action(before: &Values, after: &Values) -> &'static str {
    let only_enabled = Values { enabled: after.enabled, ..before.clone() } == *after;
    match (only_enabled, after.enabled) {
        (true, true) => "staff.enabled",
        (true, false) => "staff.disabled",
        _ if after.date_offboarded.is_some() && after.date_offboarded != before.date_offboarded => {
            "staff.offboard_scheduled"
        }
        _ => "staff.updated",
    }
}

/// A line of the trail.
pub fn trail(action: &'static str, staff: &Staff) -> Change {
    Change::new(action, "staff", staff.id)
        .label(staff.name())
        .company(Some(staff.company_id))
        .meta("company_id", staff.company_id)
}

/// An event, for automations and for telling people.
pub async fn announce(tx: &mut Tx, event: &'static str, staff: &Staff) -> Result<()> {
    let actor = tx.stamp().user_id;
    events::emit(tx, event, json!({ "staff_id": staff.id, "company_id": staff.company_id, "actor_id": actor })).await
}

/// Starters and leavers that somebody has asked for are told to the desk.
async fn tell_of(tx: &mut Tx, before: Option<&Staff>, after: &Staff) -> Result<()> {
    let old = before.and_then(|staff| staff.values.account_action.as_deref());
    let new = after.values.account_action.as_deref();
    if old == new && before.is_some_and(|b| b.values.date_offboarded == after.values.date_offboarded) {
        return Ok(());
    }
    match new {
        Some(ONBOARD_REQUESTED) => announce(tx, names::STAFF_ONBOARD_REQUESTED, after).await,
        Some(OFFBOARD_REQUESTED) => announce(tx, names::STAFF_OFFBOARD_REQUESTED, after).await,
        _ => Ok(()),
    }
}
