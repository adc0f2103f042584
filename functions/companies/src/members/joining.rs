//! New memberships of people who have an account: those whom a manager adds, and those who join by an
//! address at a domain of the company (organisation 4.6, 7.1, 12).

use serde_json::json;
use shared::accounts::memberships::Status;
use shared::caller::Person;
use shared::context::By;
use shared::db::{Tx, is_unique_violation, sql};
use shared::error::{Error, Result};
use shared::events::names;

use super::access::{Field, Flags};
use super::change::{Cause, Wish, announce, audited, trail};
use super::manager::{Manager, Role, Wanted};
use super::record::{self, Record, Which};
use crate::companies::store as companies;

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
            AND d.domain = u.email_domain) AS is_listed, \
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

/// A company whose people join by themselves, with the role they get.
#[derive(Debug, Clone, serde::Serialize, sqlx::FromRow)]
pub struct Open {
    /// The company.
    pub company_id: i64,
    /// Its name.
    pub company: String,
    #[serde(skip)]
    role_id: i64,
}

impl Open {
    pub(super) fn sample() -> Self {
        Self { company_id: 5, company: "Harbour & Sons".to_owned(), role_id: 3 }
    }
}

/// The companies that somebody may join by an address they have proven; not those that have, or had, them
/// as a member already.
pub async fn open_to(by: &By, person: &Person) -> Result<Vec<Open>> {
    let user = &person.user;
    let domain = user.email.rsplit_once('@').map(|(_, domain)| domain.to_lowercase());
    let Some(domain) = domain.filter(|_| user.email_verified_at.is_some()) else { return Ok(Vec::new()) };
    Ok(sql("SELECT d.company_id, c.name AS company, r.id AS role_id FROM company_email_domains d \
         JOIN companies c ON c.id = d.company_id JOIN roles r ON r.name_key = 'member' WHERE d.domain = ? \
         AND d.auto_join = TRUE AND c.archived_at IS NULL AND NOT EXISTS (SELECT 1 FROM company_memberships m \
         WHERE m.company_id = d.company_id AND m.user_id = ?) LIMIT 5")
    .bind(domain)
    .bind(user.id)
    .fetch_all(by.db())
    .await?)
}

/// Makes a plain member of somebody whose address lets them in; everybody else's company is 404.
pub async fn join(by: &By, person: &Person, company_id: i64) -> Result<Open> {
    let open = open_to(by, person).await?.into_iter().find(|open| open.company_id == company_id);
    let open = open.ok_or_else(companies::unknown)?;
    let mut tx = by.begin().await?;
    let role = Role { id: open.role_id, name: "Member".to_owned(), permissions: record::Keys::default() };
    let wanted = Wanted {
        status: Status::Active.as_str(),
        role: &role,
        flags: Flags::default(),
        staff_permission: 0,
        joined_at: Some(tx.stamp().at),
    };
    insert(&mut tx, company_id, person.id(), &wanted).await?;
    let joined = record::find(&mut tx, company_id, Which::Person(person.id())).await?.ok_or_else(record::unknown)?;
    announce(&mut tx, names::MEMBERSHIP_GRANTED, company_id, person.id()).await?;
    let line = trail("membership.created", &joined).after(audited(&joined));
    tx.audit(line.meta("reason", json!("email domain")));
    tx.commit().await?;
    Ok(open)
}
