//! A membership as everybody reads it: JSON, the matrix, the page of a member.

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::accounts::by_company::{self, Names};
pub use shared::accounts::memberships::INVITED_FOR;
use shared::accounts::users;
use shared::context::By;
use shared::db::{At, Sql, Tx, sql};
use shared::error::{Error, Result};
use shared::search;
use utoipa::ToSchema;

use super::access::Flags;
use super::manager::Role;

/// The keys of a role, stored as a JSON array.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Keys(pub Vec<String>);

impl From<String> for Keys {
    /// Text that cannot be read grants nothing, and nobody but a super administrator may give it on.
    fn from(text: String) -> Self {
        Self(serde_json::from_str(&text).unwrap_or_else(|_| vec!["unreadable".to_owned()]))
    }
}

/// A membership with the person and the role.
#[derive(Debug, Clone, Serialize, sqlx::FromRow, ToSchema)]
#[schema(as = Membership, example = json!({"id": 31, "company_id": 4, "user_id": 12, "role_id": 3,
    "status": "active", "invited_by": 1, "invited_at": "2026-11-02T08:00:00Z", "joined_at": "2026-11-03T09:30:00Z",
    "last_seen_at": "2026-11-23T08:55:00Z", "user_email": "mia@dental.example.com", "first_name": "Mia",
    "last_name": "Ortiz", "role_name": "Member", "permissions": ["portal.access"], "staff_permission": 1,
    "can_access_shop": true, "can_access_cart": true, "can_access_orders": true, "can_access_forms": false,
    "can_manage_assets": false, "can_manage_licenses": false, "can_order_licenses": false,
    "can_manage_invoices": false, "can_manage_office_groups": false, "is_admin": false}))]
pub struct Record {
    /// Number of the membership.
    pub id: i64,
    /// The company.
    pub company_id: i64,
    /// The person.
    pub user_id: i64,
    /// The role.
    pub role_id: i64,
    /// `invited`, `active` or `suspended`; only `active` grants anything.
    pub status: String,
    /// Who invited the person.
    pub invited_by: Option<i64>,
    /// When they were invited, last.
    pub invited_at: Option<DateTime<Utc>>,
    /// When the membership first was active.
    pub joined_at: Option<DateTime<Utc>>,
    /// Last sign-in or switch to the company.
    pub last_seen_at: Option<DateTime<Utc>>,
    /// The person's address.
    pub user_email: String,
    /// The person's first name.
    pub first_name: Option<String>,
    /// The person's last name.
    pub last_name: Option<String>,
    /// Name of the role.
    pub role_name: String,
    /// Keys of the role.
    #[sqlx(try_from = "String")]
    #[schema(value_type = Vec<String>)]
    pub permissions: Keys,
    /// 0 to 3.
    pub staff_permission: i64,
    /// The sections.
    #[sqlx(flatten)]
    #[serde(flatten)]
    pub flags: Flags,
    /// For pages.
    #[serde(skip)]
    pub company_name: String,
    /// For rules.
    #[serde(skip)]
    pub is_provider: bool,
    /// For rules.
    #[serde(skip)]
    pub is_archived: bool,
    /// The person has a password already.
    #[serde(skip)]
    pub has_password: bool,
}

impl Record {
    /// First and last name, or the address.
    pub fn name(&self) -> String {
        let text = |part: &Option<String>| part.as_deref().unwrap_or_default().trim().to_owned();
        let name = format!("{} {}", text(&self.first_name), text(&self.last_name)).trim().to_owned();
        if name.is_empty() { self.user_email.clone() } else { name }
    }

    /// In force.
    pub fn is_active(&self) -> bool {
        self.status == "active"
    }

    /// An invitation that is too old to be answered.
    pub fn is_expired(&self, now: DateTime<Utc>) -> bool {
        self.status == "invited" && self.invited_at.is_some_and(|at| now - at > INVITED_FOR)
    }
}

const SELECT: &str = "SELECT m.id, m.company_id, m.user_id, m.role_id, m.status, m.invited_by, m.invited_at, \
    m.joined_at, m.last_seen_at, u.email AS user_email, u.first_name, u.last_name, r.name AS role_name, \
    r.permissions, m.staff_permission, m.can_access_shop, m.can_access_cart, m.can_access_orders, \
    m.can_access_forms, m.can_manage_assets, m.can_manage_licenses, m.can_order_licenses, m.can_manage_invoices, \
    m.can_manage_office_groups, m.is_admin, c.name AS company_name, c.is_provider, \
    c.archived_at IS NOT NULL AS is_archived, u.password_hash IS NOT NULL AS has_password";

const JOINS: &str = " FROM company_memberships m JOIN users u ON u.id = m.user_id JOIN roles r ON r.id = m.role_id \
    JOIN companies c ON c.id = m.company_id";

const WHERE: &str = " WHERE 1 = 1";

/// How a membership is named by an address.
#[derive(Debug, Clone, Copy)]
pub enum Which {
    /// By its number.
    Row(i64),
    /// By the person.
    Person(i64),
}

/// One membership of a company, if there is one.
pub async fn find(at: impl Into<At<'_>>, company_id: i64, which: Which) -> Result<Option<Record>> {
    let query = sql(SELECT).push(JOINS).push(WHERE).push(" AND m.company_id = ?").bind(company_id);
    let query = match which {
        Which::Row(id) => query.push(" AND m.id = ?").bind(id),
        Which::Person(id) => query.push(" AND m.user_id = ?").bind(id),
    };
    Ok(query.fetch_optional(at).await?)
}

/// A membership about to be changed, with what the rules ask of it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Held {
    /// As it is.
    #[sqlx(flatten)]
    pub record: Record,
    wanted_id: Option<i64>,
    wanted_name: Option<String>,
    wanted_permissions: Option<String>,
    /// Active administrators of the company besides this member.
    pub other_admins: i64,
}

impl Held {
    /// The role after the change: the wanted one, or the one it has.
    pub fn role(&self, wanted: Option<i64>) -> Result<Role> {
        let record = &self.record;
        if wanted.is_none_or(|id| id == record.role_id) {
            let permissions = record.permissions.clone();
            return Ok(Role { id: record.role_id, name: record.role_name.clone(), permissions });
        }
        match (self.wanted_id, &self.wanted_name, &self.wanted_permissions) {
            (Some(id), Some(name), Some(keys)) => Ok(Role { id, name: name.clone(), permissions: keys.clone().into() }),
            _ => Err(Error::not_found("Role not found")),
        }
    }
}

fn held(wanted: Option<i64>) -> Sql {
    sql(SELECT)
        .push(
            ", w.id AS wanted_id, w.name AS wanted_name, w.permissions AS wanted_permissions, (SELECT COUNT(*) \
             FROM company_memberships o WHERE o.company_id = m.company_id AND o.status = 'active' \
             AND o.is_admin = TRUE AND o.id <> m.id) AS other_admins",
        )
        .push(JOINS)
        .push(" LEFT JOIN roles w ON w.id = ?")
        .bind(wanted)
        .push(WHERE)
}

/// One membership with the role it should get, in one statement.
pub async fn hold(tx: &mut Tx, company_id: i64, which: Which, wanted: Option<i64>) -> Result<Option<Held>> {
    let query = held(wanted).push(" AND m.company_id = ?").bind(company_id);
    let query = match which {
        Which::Row(id) => query.push(" AND m.id = ?").bind(id),
        Which::Person(id) => query.push(" AND m.user_id = ?").bind(id),
    };
    Ok(query.fetch_optional(tx).await?)
}

/// The same for several by their numbers; those that are not there are left out.
pub async fn hold_all(tx: &mut Tx, ids: &[i64], wanted: Option<i64>) -> Result<Vec<Held>> {
    Ok(held(wanted).push_in(" AND m.id IN", ids).push(" ORDER BY m.id LIMIT 200").fetch_all(tx).await?)
}

/// 404 for a membership that is not there, or of another company.
pub fn unknown() -> Error {
    Error::not_found("Membership not found")
}

/// What narrows and orders a list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only this company.
    pub company_id: Option<i64>,
    /// Only this status.
    pub status: Option<String>,
    /// Only this role.
    pub role_id: Option<i64>,
    /// Words that begin a word of the name or the address.
    pub words: String,
    /// `email`, `user`, `company`, `role`, `last_seen_at`; a leading `-` turns it round.
    pub sort: Option<String>,
}

/// Everything but the words.
fn narrowed(filter: &Filter) -> Sql {
    sql(WHERE)
        .push_if(" AND m.company_id = ?", filter.company_id)
        .push_if(" AND m.status = ?", filter.status.clone())
        .push_if(" AND m.role_id = ?", filter.role_id)
}

/// The people of one company are few: they are found by the company, and the index of words is for all others.
fn conditions(filter: &Filter) -> Sql {
    narrowed(filter).append(match filter.company_id {
        Some(_) => search::like_condition(users::SEARCH.like, &filter.words),
        None => search::condition(&users::SEARCH, &filter.words),
    })
}

fn order(sort: Option<&str>) -> &'static str {
    match sort {
        Some("-email") => " ORDER BY u.email DESC, m.id DESC",
        Some("user") => " ORDER BY u.sort_name, u.email, m.id",
        Some("-user") => " ORDER BY u.sort_name DESC, u.email DESC, m.id DESC",
        Some("company") => " ORDER BY c.sort_name, c.id, u.email, m.id",
        Some("-company") => " ORDER BY c.sort_name DESC, c.id DESC, u.email DESC, m.id DESC",
        Some("role") => " ORDER BY r.name_key, u.email, m.id",
        Some("-role") => " ORDER BY r.name_key DESC, u.email DESC, m.id DESC",
        Some("last_seen_at") => " ORDER BY m.last_seen_at, m.id",
        Some("-last_seen_at") => " ORDER BY m.last_seen_at DESC, m.id DESC",
        _ => " ORDER BY u.email, m.id",
    }
}

/// The people first, and to each the memberships: engines must not try it the other way round.
fn people_first(select: &'static str) -> Sql {
    sql(select)
        .push(" FROM users u")
        .push_by_engine(" CROSS JOIN", " STRAIGHT_JOIN")
        .push(" company_memberships m ON m.user_id = u.id")
}

/// The ids of a page as the table `k`. Over all companies the index of names leads, so that only the people
/// of the page are read; by the time they were seen the index of that time does, and nothing else is read.
fn keys(filter: &Filter, limit: i64, offset: i64) -> Sql {
    let sort = filter.sort.as_deref();
    let by_name = match sort {
        Some("user") => Some(" ORDER BY u.sort_name, u.email, u.id"),
        Some("-user") => Some(" ORDER BY u.sort_name DESC, u.email DESC, u.id DESC"),
        _ => None,
    };
    let is_by_time = matches!(sort, Some("last_seen_at" | "-last_seen_at"));
    let keys = match by_name.filter(|_| filter.company_id.is_none()) {
        Some(by_name) => people_first("(SELECT m.id").append(conditions(filter)).push(by_name),
        None if is_by_time && filter.words.is_empty() => {
            sql("(SELECT m.id FROM company_memberships m").append(narrowed(filter)).push(order(sort))
        }
        None => sql("(SELECT m.id").push(JOINS).append(conditions(filter)).push(order(sort)),
    };
    keys.push(" LIMIT ? OFFSET ?) k").bind(limit).bind(offset)
}

/// Memberships of a list, and how many there are up to 10,001.
pub async fn list(by: &By, filter: &Filter, limit: i64, offset: i64) -> Result<(Vec<Record>, i64)> {
    if let Some(listed) = by_company(by, filter, limit, offset).await? {
        return Ok(listed);
    }
    let rows = sql(SELECT)
        .push(JOINS)
        .push(" JOIN ")
        .append(keys(filter, limit, offset))
        .push(" ON k.id = m.id")
        .push(order(filter.sort.as_deref()));
    let members = if filter.words.is_empty() {
        sql("SELECT COUNT(*) FROM (SELECT 1 AS one FROM company_memberships m")
    } else if filter.company_id.is_some() {
        sql("SELECT COUNT(*) FROM (SELECT 1 AS one FROM company_memberships m JOIN users u ON u.id = m.user_id")
    } else {
        people_first("SELECT COUNT(*) FROM (SELECT 1 AS one")
    };
    let counted = members.append(conditions(filter)).push(" LIMIT 10001) n");
    Ok((rows.fetch_all(by.db()).await?, counted.fetch_value(by.db()).await?))
}

/// The same in the order of the companies, over all of them.
async fn by_company(by: &By, filter: &Filter, limit: i64, offset: i64) -> Result<Option<(Vec<Record>, i64)>> {
    let names = match filter.sort.as_deref() {
        Some("company") => Names::Up,
        Some("-company") => Names::Down,
        _ => return Ok(None),
    };
    if filter.company_id.is_some() || !filter.words.is_empty() {
        return Ok(None);
    }
    let Some(stretch) = by_company::stretch(by.db(), &narrowed(filter), names, (limit, offset)).await? else {
        return Ok(None);
    };
    let rows = sql(SELECT)
        .push(JOINS)
        .append(narrowed(filter))
        .push_in(" AND m.company_id IN", &stretch.companies)
        .push(order(filter.sort.as_deref()))
        .push(" LIMIT ? OFFSET ?")
        .bind(limit)
        .bind(stretch.skip);
    Ok(Some((rows.fetch_all(by.db()).await?, stretch.counted)))
}
