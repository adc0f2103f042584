//! From a cookie to a person: the session, the memberships, the active company and its rights.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::access::Rights;
use crate::app::App;
use crate::audit::Stamp;
use crate::db::{At, sql};
use crate::error::Result;
use crate::tokens;

/// A login.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "columns of user_sessions, identity 4.2")]
pub struct Session {
    pub id: i64,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub absolute_expires_at: DateTime<Utc>,
    pub last_seen_at: DateTime<Utc>,
    pub reauthenticated_at: DateTime<Utc>,
    pub ip_address: Option<String>,
    pub user_agent: Option<String>,
}

/// A person's own row.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "columns of users, identity 4.1")]
pub struct Profile {
    pub id: i64,
    pub email: String,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub mobile_phone: Option<String>,
    pub company_id: Option<i64>,
    pub is_super_admin: bool,
    pub force_password_change: bool,
    pub email_verified_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Profile {
    /// First and last name, or the address when there is none.
    pub fn name(&self) -> String {
        display_name(self.first_name.as_deref(), self.last_name.as_deref(), &self.email)
    }
}

/// First and last name joined, or the address when there is none.
pub fn display_name(first: Option<&str>, last: Option<&str>, email: &str) -> String {
    let name = format!("{} {}", first.unwrap_or_default().trim(), last.unwrap_or_default().trim());
    let name = name.trim();
    if name.is_empty() { email.to_owned() } else { name.to_owned() }
}

/// A company the person works in.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
#[expect(missing_docs, reason = "columns of companies, organisation 3.1")]
pub struct Company {
    pub id: i64,
    pub name: String,
    pub is_provider: bool,
    pub syncro_company_id: Option<String>,
}

/// An active membership of a company that is not archived.
#[derive(Debug, Clone)]
pub struct Membership {
    /// The company.
    pub company: Company,
    /// The role's name.
    pub role_name: String,
    /// What it opens.
    pub rights: Rights,
}

impl Membership {
    /// The one of a person in a company as it stands now, for work that is done later in their name.
    pub async fn now(at: impl Into<At<'_>>, user_id: i64, company_id: i64) -> Result<Option<Self>> {
        let query = sql(MEMBERSHIPS).bind(user_id).push(" AND m.company_id = ?").bind(company_id);
        let row: Option<MembershipRow> = query.fetch_optional(at).await?;
        Ok(row.map(Into::into))
    }

    fn grants(&self, key: &str) -> bool {
        self.rights.keys.iter().any(|k| k == key)
    }
}

/// A signed-in person with everything that decides what they may do, read anew on each request.
#[derive(Debug, Clone)]
pub struct Person {
    /// The login.
    pub session: Session,
    /// Who they are.
    pub user: Profile,
    /// Where they may work, by company name.
    pub memberships: Vec<Membership>,
    /// Where they work now.
    pub company: Option<Company>,
    /// What they may do there.
    pub rights: Rights,
    /// Whether the ticket desk is open to them.
    pub is_technician: bool,
    /// Whether they must confirm their address first.
    pub must_verify_email: bool,
    /// The token that their forms carry.
    pub csrf: String,
    /// Messages waiting for the next page.
    pub has_flash: bool,
    /// Unread notifications.
    pub unread: i64,
    /// When set, the response sends the cookies again with this lifetime in seconds.
    pub(crate) slide: Option<i64>,
    pub(crate) token: String,
}

impl Person {
    /// The id of the person.
    pub fn id(&self) -> i64 {
        self.user.id
    }

    /// The same person as they are now, for answers that last longer than a request; none once they have
    /// signed out or lost their account. Looking does not keep the session alive.
    pub async fn again(&self, app: &App) -> Result<Option<Arc<Self>>> {
        look_up(app, &self.token, false).await
    }

    /// True when the person has an active membership of the company, or is super administrator.
    pub fn may_work_in(&self, company_id: i64) -> bool {
        self.user.is_super_admin || self.memberships.iter().any(|m| m.company.id == company_id)
    }
}

/// Whose part of the audit trail a person may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audits {
    /// The whole trail.
    Everything,
    /// What belongs to these companies.
    Companies(Vec<i64>),
}

impl Person {
    /// The active company, where the person's role there has `tickets.company`: the tickets of all its people
    /// are theirs to read. Being a company admin is not enough.
    pub fn company_tickets(&self) -> Option<i64> {
        let company = self.company.as_ref()?.id;
        let membership = self.memberships.iter().find(|m| m.company.id == company)?;
        (membership.rights.is_member && membership.grants("tickets.company")).then_some(company)
    }

    /// The companies in which the person's role has `audit.view`; none when there is no such company.
    pub fn audits(&self) -> Option<Audits> {
        if self.user.is_super_admin {
            return Some(Audits::Everything);
        }
        let open = self.memberships.iter().filter(|m| m.rights.is_member && m.grants("audit.view"));
        let ids: Vec<i64> = open.map(|m| m.company.id).collect();
        (!ids.is_empty()).then_some(Audits::Companies(ids))
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    session_id: i64,
    session_created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    absolute_expires_at: DateTime<Utc>,
    last_seen_at: DateTime<Utc>,
    reauthenticated_at: DateTime<Utc>,
    ip_address: Option<String>,
    user_agent: Option<String>,
    active_company_id: Option<i64>,
    user_id: i64,
    email: String,
    first_name: Option<String>,
    last_name: Option<String>,
    mobile_phone: Option<String>,
    company_id: Option<i64>,
    is_super_admin: bool,
    is_self_registered: bool,
    force_password_change: bool,
    email_verified_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    open_company_id: Option<i64>,
    open_company_name: Option<String>,
    open_company_is_provider: Option<bool>,
    open_company_syncro: Option<String>,
    flash_count: i64,
    unread: i64,
}

#[derive(sqlx::FromRow)]
struct MembershipRow {
    company_id: i64,
    company_name: String,
    is_provider: bool,
    syncro_company_id: Option<String>,
    role_name: String,
    permissions: String,
    staff_permission: i64,
    can_access_shop: bool,
    can_access_cart: bool,
    can_access_orders: bool,
    can_access_forms: bool,
    can_manage_assets: bool,
    can_manage_licenses: bool,
    can_manage_invoices: bool,
    can_manage_office_groups: bool,
    can_order_licenses: bool,
    is_admin: bool,
}

impl From<MembershipRow> for Membership {
    fn from(row: MembershipRow) -> Self {
        let keys: Vec<String> = serde_json::from_str(&row.permissions).unwrap_or_default();
        let has = |key: &str| keys.iter().any(|k| k == key);
        // Without `portal.access` the company is listed but nothing in it opens.
        let open = has("portal.access");
        let rights = Rights {
            is_member: open,
            can_access_shop: open && row.can_access_shop,
            can_access_cart: open && row.can_access_cart,
            can_access_orders: open && row.can_access_orders,
            can_access_forms: open && row.can_access_forms,
            can_manage_assets: open && row.can_manage_assets,
            can_manage_licenses: open && row.can_manage_licenses,
            can_manage_invoices: open && (row.can_manage_invoices || has("billing.manage")),
            can_manage_office_groups: open && row.can_manage_office_groups,
            can_order_licenses: open && row.can_order_licenses,
            is_admin: open && row.is_admin,
            staff_level: match (open, row.is_admin) {
                (false, _) => 0,
                (true, true) => 3,
                (true, false) => row.staff_permission,
            },
            keys,
        };
        let company = Company {
            id: row.company_id,
            name: row.company_name,
            is_provider: row.is_provider,
            syncro_company_id: row.syncro_company_id,
        };
        Self { company, role_name: row.role_name, rights }
    }
}

/// How often a session in use is written.
const TOUCH_AFTER: TimeDelta = TimeDelta::seconds(60);

/// Finds the person behind a cookie; nothing for an unknown, ended or revoked session.
pub(crate) async fn authenticate(app: &App, token: &str) -> Result<Option<Arc<Person>>> {
    look_up(app, token, true).await
}

async fn look_up(app: &App, token: &str, is_use: bool) -> Result<Option<Arc<Person>>> {
    let now = app.now();
    if token.len() != 64 || !token.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(None);
    }
    let Some(row) = find(app, &tokens::sha256_hex(token.as_bytes()), now).await? else { return Ok(None) };
    let memberships = memberships(app, row.user_id).await?;
    let company = active_company(&row, &memberships);
    let rights = rights(&row, company.as_ref(), &memberships);
    let is_technician =
        row.is_super_admin || memberships.iter().any(|m| m.company.is_provider && m.grants("helpdesk.technician"));
    let expires_at = (now + TimeDelta::minutes(app.config().session_ttl_minutes)).min(row.absolute_expires_at);
    let moved = row.active_company_id != company.as_ref().map(|c| c.id);
    let is_due = is_use && now - row.last_seen_at >= TOUCH_AFTER;
    let moved = is_use && moved;
    if is_due || moved {
        touch(app, row.session_id, company.as_ref().map(|c| c.id), now, expires_at).await?;
    }
    let must_verify_email =
        app.config().require_email_verification && row.is_self_registered && row.email_verified_at.is_none();
    Ok(Some(Arc::new(Person {
        csrf: app.csrf_token(token),
        token: token.to_owned(),
        has_flash: row.flash_count > 0,
        unread: row.unread,
        slide: is_due.then(|| (expires_at - now).num_seconds()),
        memberships,
        company,
        rights,
        is_technician,
        must_verify_email,
        session: Session {
            id: row.session_id,
            created_at: row.session_created_at,
            expires_at: if is_due || moved { expires_at } else { row.expires_at },
            absolute_expires_at: row.absolute_expires_at,
            last_seen_at: if is_due { now } else { row.last_seen_at },
            reauthenticated_at: row.reauthenticated_at,
            ip_address: row.ip_address,
            user_agent: row.user_agent,
        },
        user: Profile {
            id: row.user_id,
            email: row.email,
            first_name: row.first_name,
            last_name: row.last_name,
            mobile_phone: row.mobile_phone,
            company_id: row.company_id,
            is_super_admin: row.is_super_admin,
            force_password_change: row.force_password_change,
            email_verified_at: row.email_verified_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        },
    })))
}

async fn find(app: &App, token_hash: &str, now: DateTime<Utc>) -> Result<Option<Row>> {
    let row = sql("SELECT s.id AS session_id, s.created_at AS session_created_at, s.expires_at, \
         s.absolute_expires_at, s.last_seen_at, s.reauthenticated_at, s.ip_address, s.user_agent, \
         s.active_company_id, u.id AS user_id, u.email, u.first_name, u.last_name, u.mobile_phone, u.company_id, \
         u.is_super_admin, u.is_self_registered, u.force_password_change, u.email_verified_at, u.created_at, \
         u.updated_at, c.id AS open_company_id, c.name AS open_company_name, \
         c.is_provider AS open_company_is_provider, c.syncro_company_id AS open_company_syncro, \
         (SELECT COUNT(*) FROM session_notes n WHERE n.session_id = s.id AND n.kind = 'flash') AS flash_count, \
         (SELECT COUNT(*) FROM notifications f WHERE f.user_id = u.id AND f.owner_unread = TRUE AND f.in_app = TRUE \
            AND (f.expires_at IS NULL OR f.expires_at > ?)) \
         + (SELECT COUNT(*) FROM notifications f WHERE f.audience IN ('all', 'company') AND f.in_app = TRUE \
            AND f.expires_at > ? AND f.created_at >= u.created_at AND (f.audience = 'all' OR f.company_id IN \
              (SELECT m.company_id FROM company_memberships m WHERE m.user_id = u.id AND m.status = 'active')) \
            AND NOT EXISTS (SELECT 1 FROM notification_states t WHERE t.notification_id = f.id AND t.user_id = u.id \
              AND (t.read_at IS NOT NULL OR t.dismissed_at IS NOT NULL)) \
            AND (f.ignores_preferences = TRUE OR NOT EXISTS (SELECT 1 FROM notification_preferences p \
              WHERE p.user_id = u.id AND p.event_type = f.event_type AND p.channel_in_app = FALSE))) AS unread \
         FROM user_sessions s JOIN users u ON u.id = s.user_id \
         LEFT JOIN companies c ON c.id = s.active_company_id AND c.archived_at IS NULL \
         WHERE s.session_token_hash = ? AND s.revoked_at IS NULL AND s.expires_at > ? \
         AND s.absolute_expires_at > ? AND u.is_active = TRUE")
    .bind(now)
    .bind(now)
    .bind(token_hash)
    .bind(now)
    .bind(now)
    .fetch_optional(app.db())
    .await?;
    Ok(row)
}

const MEMBERSHIPS: &str = "SELECT c.id AS company_id, c.name AS company_name, c.is_provider, \
    c.syncro_company_id, r.name AS role_name, r.permissions, m.staff_permission, m.can_access_shop, \
    m.can_access_cart, m.can_access_orders, m.can_access_forms, m.can_manage_assets, m.can_manage_licenses, \
    m.can_manage_invoices, m.can_manage_office_groups, m.can_order_licenses, m.is_admin \
    FROM company_memberships m JOIN companies c ON c.id = m.company_id JOIN roles r ON r.id = m.role_id \
    WHERE m.user_id = ? AND m.status = 'active' AND c.archived_at IS NULL";

async fn memberships(app: &App, user_id: i64) -> Result<Vec<Membership>> {
    let query = sql(MEMBERSHIPS).bind(user_id).push(" ORDER BY c.name, c.id LIMIT 1000");
    let rows: Vec<MembershipRow> = query.fetch_all(app.db()).await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Organisation 5.1: the session's, else the home company, else the first by name.
fn active_company(row: &Row, memberships: &[Membership]) -> Option<Company> {
    let member_of = |id: Option<i64>| memberships.iter().find(|m| Some(m.company.id) == id).map(|m| m.company.clone());
    if let Some(company) = member_of(row.active_company_id) {
        return Some(company);
    }
    if row.is_super_admin
        && let (Some(id), Some(name)) = (row.open_company_id, &row.open_company_name)
    {
        return Some(Company {
            id,
            name: name.clone(),
            is_provider: row.open_company_is_provider.unwrap_or(false),
            syncro_company_id: row.open_company_syncro.clone(),
        });
    }
    member_of(row.company_id).or_else(|| memberships.first().map(|m| m.company.clone()))
}

fn rights(row: &Row, company: Option<&Company>, memberships: &[Membership]) -> Rights {
    let Some(company) = company else { return Rights::default() };
    if row.is_super_admin {
        return Rights::all();
    }
    memberships.iter().find(|m| m.company.id == company.id).map(|m| m.rights.clone()).unwrap_or_default()
}

async fn touch(
    app: &App,
    session_id: i64,
    company_id: Option<i64>,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<()> {
    let mut tx = app.db().begin(Stamp::system(now)).await?;
    tx.housekeeping();
    sql("UPDATE user_sessions SET last_seen_at = ?, expires_at = ?, active_company_id = ? WHERE id = ?")
        .bind(now)
        .bind(expires_at)
        .bind(company_id)
        .bind(session_id)
        .execute(&mut tx)
        .await?;
    tx.commit().await
}
