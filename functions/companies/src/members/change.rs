//! Every change of a membership goes through here: the rules, the row, the sessions that lose the
//! company, the event and the trail, in one transaction (organisation 4.6, 7.1).

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use shared::accounts::memberships::Status;
use shared::audit::Change;
use shared::context::By;
use shared::db::{Sql, Tx, is_unique_violation, sql};
use shared::error::{Error, Result};
use shared::events::{self, names};

use super::access::{Field, Flags};
use super::manager::{Manager, Role, Wanted};
use super::record::{self, Record, Which};
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

/// The same inside a transaction that changes several.
pub async fn change_in(tx: &mut Tx, cause: Cause<'_>, which: Which, wish: &Wish) -> Result<(Record, bool)> {
    let Some(before) = record::find(&mut *tx, cause.company_id, which).await? else {
        return Err(missing(tx, cause.company_id).await);
    };
    cause.manager.may_touch(&before)?;
    let role = role_of(tx, wish.role_id, &before).await?;
    let after = after(&before, wish, &role, tx.stamp().at);
    if same(&before, &after) {
        return Ok((before, false));
    }
    let wanted = Wanted {
        status: &after.status,
        role: &role,
        flags: after.flags,
        staff_permission: after.staff_permission,
        joined_at: before.joined_at,
    };
    cause.manager.check(Some(&before), &wanted, before.is_provider)?;
    keep_an_admin(tx, cause.manager, &before, Some(&after)).await?;
    write(tx, &before, &after).await?;
    follow_up(tx, &before, Some(&after)).await?;
    tx.audit(trail(cause.action, &after).changed(audited(&before), audited(&after)));
    Ok((after, true))
}

/// 404 with the name of what is missing.
async fn missing(tx: &mut Tx, company_id: i64) -> Error {
    match companies::find(tx, company_id).await {
        Ok(_) => record::unknown(),
        Err(error) => error,
    }
}

async fn role_of(tx: &mut Tx, wanted: Option<i64>, before: &Record) -> Result<Role> {
    match wanted.filter(|id| *id != before.role_id) {
        None => {
            let permissions = before.permissions.clone();
            Ok(Role { id: before.role_id, name: before.role_name.clone(), permissions })
        }
        Some(id) => {
            let found = sql("SELECT id, name, permissions FROM roles WHERE id = ?").bind(id).fetch_optional(tx).await?;
            found.ok_or_else(|| Error::not_found("Role not found"))
        }
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
fn audited(record: &Record) -> Value {
    let mut value = json!(record.flags);
    if let Value::Object(map) = &mut value {
        map.insert("role".to_owned(), json!(record.role_name));
        map.insert("role_id".to_owned(), json!(record.role_id));
        map.insert("status".to_owned(), json!(record.status));
        map.insert("staff_permission".to_owned(), json!(record.staff_permission));
    }
    value
}

fn trail(action: &'static str, record: &Record) -> Change {
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

fn set_flag(update: Sql, field: Field) -> Sql {
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

/// A company that has an administrator keeps one. The row of the company is held meanwhile, so that two
/// administrators cannot take each other away at once.
async fn keep_an_admin(tx: &mut Tx, manager: &Manager, before: &Record, after: Option<&Record>) -> Result<()> {
    let is_admin = |record: &Record| record.is_active() && record.flags.is_admin;
    if manager.may_leave_without_admin() || !is_admin(before) || after.is_some_and(is_admin) {
        return Ok(());
    }
    sql("UPDATE companies SET id = id WHERE id = ?").bind(before.company_id).execute(&mut *tx).await?;
    let others: i64 = sql("SELECT COUNT(*) FROM company_memberships WHERE company_id = ? AND status = 'active' \
         AND is_admin = TRUE AND id <> ?")
    .bind(before.company_id)
    .bind(before.id)
    .fetch_value(tx)
    .await?;
    if others == 0 {
        return Err(Error::conflict("The company needs at least one administrator").code("last_admin"));
    }
    Ok(())
}

/// Whoever loses the company leaves it at once; people are told by a job.
async fn follow_up(tx: &mut Tx, before: &Record, after: Option<&Record>) -> Result<()> {
    let (had, has) = (before.is_active(), after.is_some_and(Record::is_active));
    if had && !has {
        leave(tx, before.company_id, before.user_id).await?;
    }
    let event = match (had, has) {
        (false, true) => names::MEMBERSHIP_GRANTED,
        (true, false) => names::MEMBERSHIP_REVOKED,
        (true, true) => names::MEMBERSHIP_CHANGED,
        (false, false) => return Ok(()),
    };
    announce(tx, event, before.company_id, before.user_id).await
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
    let Some(before) = record::find(&mut tx, cause.company_id, which).await? else {
        return Err(missing(&mut tx, cause.company_id).await);
    };
    cause.manager.may_touch(&before)?;
    keep_an_admin(&mut tx, cause.manager, &before, None).await?;
    sql("DELETE FROM company_memberships WHERE id = ?").bind(before.id).execute(&mut tx).await?;
    follow_up(&mut tx, &before, None).await?;
    tx.audit(trail(cause.action, &before).before(audited(&before)));
    tx.commit().await?;
    Ok(before)
}

#[derive(sqlx::FromRow)]
struct Place {
    is_provider: bool,
    user_id: Option<i64>,
    home_id: Option<i64>,
    is_verified: bool,
    is_listed: bool,
    role_id: Option<i64>,
    role_name: Option<String>,
    permissions: Option<String>,
}

/// The company, the person and the role of a new membership in one look.
async fn place(tx: &mut Tx, company_id: i64, user_id: i64, role_id: i64) -> Result<Place> {
    let found = sql("SELECT c.is_provider, u.id AS user_id, u.company_id AS home_id, \
         u.email_verified_at IS NOT NULL AS is_verified, \
         EXISTS (SELECT 1 FROM company_email_domains d WHERE d.company_id = c.id \
            AND d.domain = SUBSTR(u.email, INSTR(u.email, '@') + 1)) AS is_listed, \
         r.id AS role_id, r.name AS role_name, r.permissions FROM companies c \
         LEFT JOIN users u ON u.id = ? LEFT JOIN roles r ON r.id = ? WHERE c.id = ?")
    .bind(user_id)
    .bind(role_id)
    .bind(company_id)
    .fetch_optional(tx)
    .await?;
    found.ok_or_else(companies::unknown)
}

impl Place {
    /// Accounts of other companies do not exist for a manager, who would else learn their addresses by
    /// counting: people of this home company and of its proven email domains do.
    fn is_known_to(&self, manager: &Manager, company_id: i64) -> bool {
        self.user_id.is_some() && (manager.sees_everybody() || self.is_close(company_id))
    }

    fn is_close(&self, company_id: i64) -> bool {
        self.home_id == Some(company_id) || (self.is_verified && self.is_listed)
    }

    fn role(self) -> Result<Role> {
        match (self.role_id, self.role_name, self.permissions) {
            (Some(id), Some(name), Some(permissions)) => Ok(Role { id, name, permissions: permissions.into() }),
            _ => Err(Error::not_found("Role not found")),
        }
    }
}

/// Adds a membership of somebody who has an account; 409 when there is one.
pub async fn add(by: &By, cause: Cause<'_>, user_id: i64, wish: &Wish) -> Result<Record> {
    let mut tx = by.begin().await?;
    let record = add_in(&mut tx, cause, user_id, wish).await?;
    tx.commit().await?;
    Ok(record)
}

async fn add_in(tx: &mut Tx, cause: Cause<'_>, user_id: i64, wish: &Wish) -> Result<Record> {
    let company_id = cause.company_id;
    let place = place(tx, company_id, user_id, wish.role_id.unwrap_or_default()).await?;
    if !place.is_known_to(cause.manager, company_id) {
        return Err(Error::not_found("User not found"));
    }
    let (is_provider, now) = (place.is_provider, tx.stamp().at);
    // Those whom a manager may see at all are the company's own people already.
    let is_close = place.is_close(company_id) || cause.manager.sees_everybody();
    let role = place.role()?;
    let mut flags = Flags::default();
    wish.flags.iter().for_each(|(field, on)| flags.set(*field, *on));
    let status = wish.status.unwrap_or(Status::Active);
    let wanted = Wanted {
        status: status.as_str(),
        role: &role,
        flags,
        staff_permission: wish.staff_permission.unwrap_or(0),
        joined_at: is_close.then_some(now),
    };
    cause.manager.check(None, &wanted, is_provider)?;
    insert(tx, company_id, user_id, &wanted).await?;
    let record = record::find(&mut *tx, company_id, Which::Person(user_id)).await?.ok_or_else(record::unknown)?;
    if record.is_active() {
        announce(tx, names::MEMBERSHIP_GRANTED, company_id, user_id).await?;
    }
    tx.audit(trail(cause.action, &record).after(audited(&record)));
    Ok(record)
}

async fn insert(tx: &mut Tx, company_id: i64, user_id: i64, wanted: &Wanted<'_>) -> Result<()> {
    let (now, inviter) = (tx.stamp().at, tx.stamp().user_id);
    let mut insert = sql("INSERT INTO company_memberships (company_id, user_id, role_id, status, staff_permission, \
         can_access_shop, can_access_cart, can_access_orders, can_access_forms, can_manage_assets, \
         can_manage_licenses, can_order_licenses, can_manage_invoices, can_manage_office_groups, is_admin, \
         invited_by, invited_at, joined_at, created_at, updated_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
    .bind(company_id)
    .bind(user_id)
    .bind(wanted.role.id)
    .bind(wanted.status)
    .bind(wanted.staff_permission);
    for field in Field::ALL {
        insert = insert.bind(wanted.flags.get(field));
    }
    let insert = insert
        .bind(inviter)
        .bind((wanted.status == "invited").then_some(now))
        .bind((wanted.status == "active").then_some(now))
        .bind(now)
        .bind(now);
    insert.insert(tx).await.map_err(|error| {
        if is_unique_violation(&error, "company_memberships_pair", "company_memberships.company_id") {
            Error::conflict("Membership already exists").code("membership_exists")
        } else {
            error.into()
        }
    })?;
    Ok(())
}
