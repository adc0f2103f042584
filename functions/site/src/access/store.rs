//! Lines of the trail that are about access, and memberships as they are. Only reviews are written.

use chrono::{DateTime, Utc};
use shared::accounts::by_company::{self, Names};
use shared::audit::Change;
use shared::context::By;
use shared::db::{Sql, sql};
use shared::error::{Error, Invalid, Result};
use shared::search::escape_like;

use super::model::{Access, AccessChange, ChangeRow, Kind, MembershipRow, Wanted};
use super::words::RoleKeys;
use crate::audit::model::moment;

/// Among so many of the newest changes increases are looked for.
pub const LOOKED_AT: i64 = 2000;

const CHANGES: &str = "SELECT l.id, l.created_at, l.user_id, l.user_email, l.api_key, l.company_id, c.name AS company, \
    l.action, l.entity_id, l.entity_label, l.previous_value, l.new_value, l.metadata, l.ip_address, r.note, \
    r.user_email AS reviewed_by, r.created_at AS reviewed_at";

const JOINED: &str = " FROM audit_logs l LEFT JOIN companies c ON c.id = l.company_id \
    LEFT JOIN access_reviews r ON r.audit_id = l.id";

/// For counting: only what a condition speaks of.
fn counted_from(wanted: &Wanted) -> &'static str {
    if wanted.reviewed.as_deref() == Some("no") {
        " FROM audit_logs l LEFT JOIN access_reviews r ON r.audit_id = l.id"
    } else {
        " FROM audit_logs l"
    }
}

/// The days of a filter; what is none is said at its field.
struct Days {
    from: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
}

fn days(wanted: &Wanted) -> Result<Days, Invalid> {
    let mut bad = Invalid::none();
    let from = bad.check("from", moment(wanted.from.as_deref(), false)).flatten();
    let until = bad.check("to", moment(wanted.to.as_deref(), true)).flatten();
    bad.finish()?;
    Ok(Days { from, until })
}

/// Says what is wrong with a filter.
pub fn check(wanted: &Wanted) -> Result<(), Invalid> {
    days(wanted).map(|_| ())
}

fn part(text: Option<&String>) -> Option<String> {
    text.map(|text| format!("%{}%", escape_like(&text.trim().to_lowercase())))
}

fn conditions(kind: Kind, wanted: &Wanted) -> Result<Sql, Invalid> {
    let days = days(wanted)?;
    // A role's name as it stands in the values of a line.
    let role = wanted.role.as_ref().map(|role| format!("%{}%", escape_like(&serde_json::json!(role).to_string())));
    let query = sql(" WHERE l.entity_type = ?")
        .bind(kind.entity())
        .push_if(" AND l.company_id = ?", wanted.company_id)
        .push_if(" AND LOWER(l.entity_label) LIKE ? ESCAPE '!'", part(wanted.member.as_ref()))
        .push_if(" AND l.user_email LIKE ? ESCAPE '!'", part(wanted.actor.as_ref()))
        .push_if(" AND l.action = ?", wanted.action.clone())
        .push_if(" AND l.created_at >= ?", days.from)
        .push_if(" AND l.created_at < ?", days.until);
    let query = match (role, kind) {
        (None, _) => query,
        (Some(_), Kind::Role) => query.push_if(" AND l.entity_label = ?", wanted.role.clone()),
        (Some(role), Kind::Membership) => query
            .push(" AND (l.previous_value LIKE ? ESCAPE '!' OR l.new_value LIKE ? ESCAPE '!')")
            .bind(role.clone())
            .bind(role),
    };
    Ok(if wanted.reviewed.as_deref() == Some("no") { query.push(" AND r.audit_id IS NULL") } else { query })
}

fn change_order(sort: Option<&str>) -> &'static str {
    match sort.unwrap_or_default() {
        "created_at" => " ORDER BY l.id",
        "actor" => " ORDER BY l.user_email, l.id DESC",
        "-actor" => " ORDER BY l.user_email DESC, l.id DESC",
        "company" => " ORDER BY c.sort_name, l.id DESC",
        "-company" => " ORDER BY c.sort_name DESC, l.id DESC",
        "subject" => " ORDER BY LOWER(l.entity_label), l.id DESC",
        "-subject" => " ORDER BY LOWER(l.entity_label) DESC, l.id DESC",
        "action" => " ORDER BY l.action, l.id DESC",
        "-action" => " ORDER BY l.action DESC, l.id DESC",
        "ip" => " ORDER BY l.ip_address, l.id DESC",
        "-ip" => " ORDER BY l.ip_address DESC, l.id DESC",
        _ => " ORDER BY l.id DESC",
    }
}

/// Changes, and how many there are up to 10,001.
pub async fn changes(
    by: &By,
    kind: Kind,
    wanted: &Wanted,
    roles: &RoleKeys,
    (limit, offset): (i64, i64),
) -> Result<(Vec<AccessChange>, i64)> {
    let query = sql(CHANGES).push(JOINED).append(conditions(kind, wanted)?).push(change_order(wanted.sort.as_deref()));
    let (most, skip) = if wanted.increases() { (LOOKED_AT, 0) } else { (limit, offset) };
    let rows: Vec<ChangeRow> = query.push(" LIMIT ? OFFSET ?").bind(most).bind(skip).fetch_all(by.db()).await?;
    let told = rows.into_iter().map(|row| AccessChange::of(row, kind, roles));
    if wanted.increases() {
        let found: Vec<AccessChange> = told.filter(|change| change.is_increase).collect();
        let counted = i64::try_from(found.len()).unwrap_or(0);
        let number = |count: i64| usize::try_from(count).unwrap_or(0);
        return Ok((found.into_iter().skip(number(offset)).take(number(limit)).collect(), counted));
    }
    let count = sql("SELECT COUNT(*) FROM (SELECT 1 AS one").push(counted_from(wanted));
    let count = count.append(conditions(kind, wanted)?).push(" LIMIT 10001) n");
    Ok((told.collect(), count.fetch_value(by.db()).await?))
}

/// One change with its kind.
pub async fn change(by: &By, id: i64, roles: &RoleKeys) -> Result<(AccessChange, Kind)> {
    let kind: Option<(String,)> =
        sql("SELECT entity_type FROM audit_logs WHERE id = ? AND entity_type IN ('company_membership', 'role')")
            .bind(id)
            .fetch_optional(by.db())
            .await?;
    let kind = kind.and_then(|(entity,)| Kind::of(&entity)).ok_or_else(|| Error::not_found("Audit log not found"))?;
    let row: Option<ChangeRow> = sql(CHANGES)
        .push(JOINED)
        .append(conditions(kind, &Wanted::default())?)
        .push(" AND l.id = ?")
        .bind(id)
        .fetch_optional(by.db())
        .await?;
    let row = row.ok_or_else(|| Error::not_found("Audit log not found"))?;
    Ok((AccessChange::of(row, kind, roles), kind))
}

/// Notes that somebody has looked at a change; a later look replaces the note of an earlier one.
pub async fn review(by: &By, id: i64, note: &str) -> Result<()> {
    let mut tx = by.begin().await?;
    let (now, user) = (tx.stamp().at, (tx.stamp().user_id, tx.stamp().user_email.clone().unwrap_or_default()));
    let known =
        sql("UPDATE access_reviews SET note = ?, user_id = ?, user_email = ?, created_at = ? WHERE audit_id = ?")
            .bind(note)
            .bind(user.0)
            .bind(&user.1)
            .bind(now)
            .bind(id)
            .execute(&mut tx)
            .await?;
    if known == 0 {
        sql("INSERT INTO access_reviews (audit_id, note, user_id, user_email, created_at) VALUES (?, ?, ?, ?, ?)")
            .bind(id)
            .bind(note)
            .bind(user.0)
            .bind(&user.1)
            .bind(now)
            .execute(&mut tx)
            .await?;
    }
    tx.audit(Change::new("audit.reviewed", "audit_log", id).after(serde_json::json!({ "note": note })));
    tx.commit().await
}

/// Every role with its keys, by name.
pub async fn roles(by: &By) -> Result<RoleKeys> {
    let rows: Vec<(String, String)> =
        sql("SELECT name, permissions FROM roles ORDER BY name_key LIMIT 500").fetch_all(by.db()).await?;
    Ok(rows.into_iter().map(|(name, keys)| (name, serde_json::from_str(&keys).unwrap_or_default())).collect())
}

const MEMBERSHIPS: &str = "SELECT m.id, m.company_id, c.name AS company, m.user_id, u.email, u.first_name, u.last_name, \
    m.status, r.name AS role, m.staff_permission, m.can_access_shop, m.can_access_cart, m.can_access_orders, \
    m.can_access_forms, m.can_manage_assets, m.can_manage_licenses, m.can_manage_invoices, \
    m.can_manage_office_groups, m.can_order_licenses, m.is_admin, u.is_super_admin, \
    EXISTS (SELECT 1 FROM user_totp_authenticators t WHERE t.user_id = u.id) AS has_mfa, m.last_seen_at";

const JOINS: &str = " FROM company_memberships m JOIN companies c ON c.id = m.company_id \
    JOIN users u ON u.id = m.user_id JOIN roles r ON r.id = m.role_id";

/// What narrows memberships, by the columns of the membership and of the company alone.
fn narrowed(wanted: &Wanted) -> Sql {
    sql(" WHERE c.archived_at IS NULL")
        .push_if(" AND m.company_id = ?", wanted.company_id)
        .push_if(" AND m.role_id IN (SELECT id FROM roles WHERE name = ?)", wanted.role.clone())
        .push_if(" AND m.status = ?", wanted.status.clone())
}

fn memberships(wanted: &Wanted) -> Sql {
    narrowed(wanted).push_if(" AND u.search_text LIKE ? ESCAPE '!'", part(wanted.member.as_ref()))
}

/// For counting: only what a condition speaks of.
fn members_from(wanted: &Wanted) -> &'static str {
    if wanted.member.is_some() {
        " FROM company_memberships m JOIN companies c ON c.id = m.company_id JOIN users u ON u.id = m.user_id"
    } else {
        " FROM company_memberships m JOIN companies c ON c.id = m.company_id"
    }
}

fn access_order(sort: Option<&str>) -> &'static str {
    match sort.unwrap_or_default() {
        "-company" => " ORDER BY c.sort_name DESC, c.id DESC, u.email, m.id",
        "user" => " ORDER BY u.email, c.sort_name, m.id",
        "-user" => " ORDER BY u.email DESC, c.sort_name, m.id",
        "status" => " ORDER BY m.status, c.sort_name, m.id",
        "-status" => " ORDER BY m.status DESC, c.sort_name, m.id",
        "role" => " ORDER BY LOWER(r.name), c.sort_name, m.id",
        "-role" => " ORDER BY LOWER(r.name) DESC, c.sort_name, m.id",
        "level" => " ORDER BY m.staff_permission, c.sort_name, m.id",
        "-level" => " ORDER BY m.staff_permission DESC, c.sort_name, m.id",
        "seen" => " ORDER BY m.last_seen_at, m.id",
        "-seen" => " ORDER BY m.last_seen_at DESC, m.id",
        _ => " ORDER BY c.sort_name, c.id, u.email, m.id",
    }
}

/// Memberships of companies that are open, and how many there are up to 10,001.
pub async fn access(by: &By, wanted: &Wanted, (limit, offset): (i64, i64)) -> Result<(Vec<Access>, i64)> {
    if let Some(listed) = by_company(by, wanted, (limit, offset)).await? {
        return Ok(listed);
    }
    let order = access_order(wanted.sort.as_deref());
    // Only what is shown is read in full.
    let rows: Vec<MembershipRow> = sql(MEMBERSHIPS)
        .push(JOINS)
        .push(" JOIN (SELECT m.id")
        .push(JOINS)
        .append(memberships(wanted))
        .push(order)
        .push(" LIMIT ? OFFSET ?) k ON k.id = m.id")
        .bind(limit)
        .bind(offset)
        .push(order)
        .fetch_all(by.db())
        .await?;
    let count = sql("SELECT COUNT(*) FROM (SELECT 1 AS one").push(members_from(wanted));
    let count = count.append(memberships(wanted)).push(" LIMIT 10001) n");
    Ok((rows.into_iter().map(Access::from).collect(), count.fetch_value(by.db()).await?))
}

/// The same in the order of the companies, for all of them.
async fn by_company(by: &By, wanted: &Wanted, (limit, offset): (i64, i64)) -> Result<Option<(Vec<Access>, i64)>> {
    let names = match wanted.sort.as_deref().unwrap_or_default() {
        "-company" => Names::Down,
        "user" | "-user" | "status" | "-status" | "role" | "-role" | "level" | "-level" | "seen" | "-seen" => {
            return Ok(None);
        }
        _ => Names::Up,
    };
    if wanted.member.is_some() || wanted.company_id.is_some() {
        return Ok(None);
    }
    let Some(stretch) = by_company::stretch(by.db(), &narrowed(wanted), names, (limit, offset)).await? else {
        return Ok(None);
    };
    let rows: Vec<MembershipRow> = sql(MEMBERSHIPS)
        .push(JOINS)
        .append(narrowed(wanted))
        .push_in(" AND m.company_id IN", &stretch.companies)
        .push(access_order(wanted.sort.as_deref()))
        .push(" LIMIT ? OFFSET ?")
        .bind(limit)
        .bind(stretch.skip)
        .fetch_all(by.db())
        .await?;
    Ok(Some((rows.into_iter().map(Access::from).collect(), stretch.counted)))
}

/// The newest line about access; another number says that there is something new.
pub async fn newest(by: &By) -> Result<i64> {
    let newest = sql("SELECT COALESCE(MAX(n.id), 0) FROM (SELECT MAX(id) AS id FROM audit_logs \
         WHERE entity_type = 'company_membership' UNION ALL SELECT MAX(id) FROM audit_logs WHERE entity_type = 'role') n");
    Ok(newest.fetch_value(by.db()).await?)
}
