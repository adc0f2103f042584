//! Reading users: lists, one record, and what surrounds it. Rows are written by `change` and `bulk`.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::caller::Person;
use shared::db::{At, Db, Sql, sql};
use shared::error::Result;
use shared::search;

use super::model::{Filter, Sort, Standing, UserRecord};

/// A row of a list of users.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "columns of users, identity 4.1")]
pub struct Row {
    pub id: i64,
    pub email: String,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub mobile_phone: Option<String>,
    pub company_id: Option<i64>,
    pub is_super_admin: bool,
    pub is_active: bool,
    pub force_password_change: bool,
    pub has_password: bool,
    pub totp_enabled: bool,
    pub email_verified_at: Option<DateTime<Utc>>,
    pub last_login_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Row {
    /// First and last name, or the address when there is none.
    pub fn name(&self) -> String {
        let name = [self.first_name.as_deref(), self.last_name.as_deref()];
        let name: Vec<&str> = name.into_iter().flatten().map(str::trim).filter(|part| !part.is_empty()).collect();
        if name.is_empty() { self.email.clone() } else { name.join(" ") }
    }

    /// Where the person stands.
    pub fn standing(&self) -> Standing {
        Standing::of(self.is_active, self.has_password, self.email_verified_at)
    }

    /// As super administrators and keys see it.
    pub fn record(self) -> UserRecord {
        UserRecord {
            id: self.id,
            email: self.email,
            first_name: self.first_name,
            last_name: self.last_name,
            mobile_phone: self.mobile_phone,
            company_id: self.company_id,
            is_super_admin: self.is_super_admin,
            force_password_change: self.force_password_change,
            created_at: self.created_at,
            updated_at: self.updated_at,
            is_active: Some(self.is_active),
            email_verified_at: Some(self.email_verified_at),
            last_login_at: Some(self.last_login_at),
            totp_enabled: Some(self.totp_enabled),
        }
    }

    /// As the person sees themselves.
    pub fn own_record(self) -> UserRecord {
        UserRecord {
            is_active: None,
            email_verified_at: None,
            last_login_at: None,
            totp_enabled: None,
            ..self.record()
        }
    }
}

const COLUMNS: &str = "SELECT u.id, u.email, u.first_name, u.last_name, u.mobile_phone, u.company_id, \
    u.is_super_admin, u.is_active, u.force_password_change, u.password_hash IS NOT NULL AS has_password, \
    EXISTS (SELECT 1 FROM user_totp_authenticators t WHERE t.user_id = u.id) AS totp_enabled, \
    u.email_verified_at, u.last_login_at, u.created_at, u.updated_at FROM users u WHERE 1 = 1";

fn conditions(filter: &Filter) -> Sql {
    let in_company = " AND (u.company_id = ? OR EXISTS (SELECT 1 FROM company_memberships m \
        WHERE m.user_id = u.id AND m.company_id = ?))";
    let mut query = sql("")
        .push_if(" AND u.is_super_admin = ?", filter.is_super_admin)
        .push_if(" AND u.is_active = ?", filter.is_active);
    for company in [filter.company_id, filter.within].into_iter().flatten() {
        query = query.push(in_company).bind(company).bind(company);
    }
    query = query.push(match filter.has_totp {
        Some(true) => " AND EXISTS (SELECT 1 FROM user_totp_authenticators t WHERE t.user_id = u.id)",
        Some(false) => " AND NOT EXISTS (SELECT 1 FROM user_totp_authenticators t WHERE t.user_id = u.id)",
        None => "",
    });
    query = query.push(match filter.standing {
        Some(Standing::Disabled) => " AND u.is_active = FALSE",
        Some(Standing::Invited) => " AND u.is_active = TRUE AND u.password_hash IS NULL",
        Some(Standing::Unverified) => {
            " AND u.is_active = TRUE AND u.password_hash IS NOT NULL AND u.email_verified_at IS NULL"
        }
        Some(Standing::Active) => {
            " AND u.is_active = TRUE AND u.password_hash IS NOT NULL AND u.email_verified_at IS NOT NULL"
        }
        None => "",
    });
    query.append(search::like_condition(" AND CONCAT(' ', u.search_text) LIKE ? ESCAPE '!'", &filter.search))
}

fn order(filter: &Filter) -> &'static str {
    match (filter.sort, filter.descending) {
        (Sort::Id, false) => " ORDER BY u.id",
        (Sort::Id, true) => " ORDER BY u.id DESC",
        (Sort::Email, false) => " ORDER BY u.email",
        (Sort::Email, true) => " ORDER BY u.email DESC",
        (Sort::LastName, false) => " ORDER BY u.last_name IS NULL, u.last_name, u.first_name, u.id",
        (Sort::LastName, true) => " ORDER BY u.last_name IS NULL, u.last_name DESC, u.first_name DESC, u.id",
        (Sort::CreatedAt, false) => " ORDER BY u.created_at, u.id",
        (Sort::CreatedAt, true) => " ORDER BY u.created_at DESC, u.id DESC",
        (Sort::LastLoginAt, false) => " ORDER BY u.last_login_at IS NULL, u.last_login_at, u.id",
        (Sort::LastLoginAt, true) => " ORDER BY u.last_login_at IS NULL, u.last_login_at DESC, u.id",
    }
}

/// One page of a selection.
pub async fn list(db: &Db, filter: &Filter, limit: i64, offset: i64) -> Result<Vec<Row>> {
    let query = sql(COLUMNS).append(conditions(filter)).push(order(filter));
    Ok(query.push(" LIMIT ? OFFSET ?").bind(limit).bind(offset).fetch_all(db).await?)
}

/// How many are selected; stops at 10,001.
pub async fn count(db: &Db, filter: &Filter) -> Result<i64> {
    let query = sql("SELECT COUNT(*) FROM (SELECT 1 AS one FROM users u WHERE 1 = 1").append(conditions(filter));
    Ok(query.push(" LIMIT 10001) c").fetch_value(db).await?)
}

/// Rows of a selection below an id, highest first, for exports of any length.
pub async fn below(db: &Db, filter: &Filter, id: i64, limit: i64) -> Result<Vec<Row>> {
    let query = sql(COLUMNS).append(conditions(filter)).push(" AND u.id < ?").bind(id);
    Ok(query.push(" ORDER BY u.id DESC LIMIT ?").bind(limit).fetch_all(db).await?)
}

/// Ids of a selection, lowest first.
pub async fn ids(db: &Db, filter: &Filter, limit: i64) -> Result<Vec<i64>> {
    let query = sql("SELECT u.id FROM users u WHERE 1 = 1").append(conditions(filter));
    let rows: Vec<(i64,)> = query.push(" ORDER BY u.id LIMIT ?").bind(limit).fetch_all(db).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// One user.
pub async fn find(at: impl Into<At<'_>>, id: i64) -> Result<Option<Row>> {
    Ok(sql(COLUMNS).push(" AND u.id = ?").bind(id).fetch_optional(at).await?)
}

/// True when a key that is limited to a company may see the user.
pub async fn is_in_company(db: &Db, user_id: i64, company_id: i64) -> Result<bool> {
    let found: Option<(i64,)> = sql("SELECT u.id FROM users u WHERE u.id = ? AND (u.company_id = ? OR EXISTS \
         (SELECT 1 FROM company_memberships m WHERE m.user_id = u.id AND m.company_id = ?))")
    .bind(user_id)
    .bind(company_id)
    .bind(company_id)
    .fetch_optional(db)
    .await?;
    Ok(found.is_some())
}

/// A company by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct CompanyName {
    /// The company.
    pub id: i64,
    /// Its name.
    pub name: String,
}

/// The companies of some users, by user; suspended memberships are left out.
pub async fn companies_of(db: &Db, users: &[i64]) -> Result<HashMap<i64, Vec<CompanyName>>> {
    let rows: Vec<(i64, i64, String)> = sql("SELECT m.user_id, c.id, c.name FROM company_memberships m \
         JOIN companies c ON c.id = m.company_id WHERE m.status <> 'suspended'")
    .push_in(" AND m.user_id IN", users)
    .push(" ORDER BY c.name, c.id LIMIT 2000")
    .fetch_all(db)
    .await?;
    Ok(by_user(rows))
}

/// The companies of all users in a range of ids, for exports.
pub async fn companies_between(db: &Db, lowest: i64, highest: i64) -> Result<HashMap<i64, Vec<CompanyName>>> {
    let rows: Vec<(i64, i64, String)> = sql("SELECT m.user_id, c.id, c.name FROM company_memberships m \
         JOIN companies c ON c.id = m.company_id \
         WHERE m.status <> 'suspended' AND m.user_id BETWEEN ? AND ? ORDER BY c.name, c.id LIMIT 50000")
    .bind(lowest)
    .bind(highest)
    .fetch_all(db)
    .await?;
    Ok(by_user(rows))
}

fn by_user(rows: Vec<(i64, i64, String)>) -> HashMap<i64, Vec<CompanyName>> {
    let mut map: HashMap<i64, Vec<CompanyName>> = HashMap::new();
    for (user, id, name) in rows {
        map.entry(user).or_default().push(CompanyName { id, name });
    }
    map
}

/// Companies to choose from, by name.
pub async fn companies(db: &Db) -> Result<Vec<CompanyName>> {
    let query = sql("SELECT id, name FROM companies WHERE archived_at IS NULL ORDER BY name, id LIMIT 1000");
    Ok(query.fetch_all(db).await?)
}

/// A membership as the record of a user shows it.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
#[expect(missing_docs, reason = "columns of company_memberships, organisation 3.2")]
pub struct MembershipRow {
    pub company_id: i64,
    pub company: String,
    pub role: String,
    pub status: String,
    pub staff_permission: i64,
    pub is_admin: bool,
    pub can_access_shop: bool,
    pub can_access_cart: bool,
    pub can_access_orders: bool,
    pub can_access_forms: bool,
    pub can_manage_assets: bool,
    pub can_manage_licenses: bool,
    pub can_manage_invoices: bool,
    pub can_manage_office_groups: bool,
    pub can_order_licenses: bool,
}

impl MembershipRow {
    /// The sections that are switched on, as the matrix names them.
    pub fn sections(&self) -> Vec<&'static str> {
        let flags = [
            (self.can_access_shop, "Shop"),
            (self.can_access_cart, "Cart"),
            (self.can_access_orders, "Orders"),
            (self.can_access_forms, "Forms"),
            (self.can_manage_assets, "Assets"),
            (self.can_manage_licenses, "Licences"),
            (self.can_manage_invoices, "Invoices"),
            (self.can_manage_office_groups, "Office groups"),
            (self.can_order_licenses, "Order licences"),
            (self.is_admin, "Company admin"),
        ];
        flags.into_iter().filter(|(on, _)| *on).map(|(_, label)| label).collect()
    }
}

/// The memberships of a user, also those that grant nothing.
pub async fn memberships(db: &Db, user_id: i64) -> Result<Vec<MembershipRow>> {
    Ok(sql("SELECT c.id AS company_id, c.name AS company, r.name AS role, m.status, m.staff_permission, m.is_admin, \
         m.can_access_shop, m.can_access_cart, m.can_access_orders, m.can_access_forms, m.can_manage_assets, \
         m.can_manage_licenses, m.can_manage_invoices, m.can_manage_office_groups, m.can_order_licenses \
         FROM company_memberships m JOIN companies c ON c.id = m.company_id JOIN roles r ON r.id = m.role_id \
         WHERE m.user_id = ? ORDER BY c.name, c.id LIMIT 200")
    .bind(user_id)
    .fetch_all(db)
    .await?)
}

/// A live session.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
#[expect(missing_docs, reason = "columns of user_sessions, identity 4.2")]
pub struct SessionRow {
    pub id: i64,
    pub created_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
    pub ip_address: Option<String>,
    pub user_agent: Option<String>,
}

/// The live sessions of a user, latest first.
pub async fn sessions(db: &Db, user_id: i64, now: DateTime<Utc>) -> Result<Vec<SessionRow>> {
    Ok(sql("SELECT id, created_at, last_seen_at, ip_address, user_agent FROM user_sessions \
         WHERE user_id = ? AND revoked_at IS NULL AND expires_at > ? AND absolute_expires_at > ? \
         ORDER BY last_seen_at DESC, id DESC LIMIT 200")
    .bind(user_id)
    .bind(now)
    .bind(now)
    .fetch_all(db)
    .await?)
}

/// A line of the trail.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
#[expect(missing_docs, reason = "columns of audit_logs, organisation 9.1")]
pub struct AuditRow {
    pub id: i64,
    pub created_at: DateTime<Utc>,
    pub user_id: Option<i64>,
    pub user_email: Option<String>,
    pub api_key: Option<String>,
    pub action: String,
    pub entity_type: Option<String>,
    pub entity_label: Option<String>,
    pub ip_address: Option<String>,
}

/// The last 50 lines about a user or by them.
pub async fn trail(db: &Db, user_id: i64) -> Result<Vec<AuditRow>> {
    Ok(sql("SELECT * FROM (SELECT id, created_at, user_id, user_email, api_key, action, entity_type, entity_label, \
         ip_address FROM audit_logs WHERE entity_type = 'user' AND entity_id = ? ORDER BY id DESC LIMIT 50) a \
         UNION SELECT * FROM (SELECT id, created_at, user_id, user_email, api_key, action, entity_type, \
         entity_label, ip_address FROM audit_logs WHERE user_id = ? ORDER BY id DESC LIMIT 50) b \
         ORDER BY id DESC LIMIT 50")
    .bind(user_id)
    .bind(user_id)
    .fetch_all(db)
    .await?)
}

/// True when the person may see the record of a user.
pub fn may_see(person: &Person, user_id: i64) -> bool {
    person.user.is_super_admin || person.id() == user_id
}
