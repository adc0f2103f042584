//! What registration reads and writes.

use shared::accounts::companies::{self, NewCompany};
use shared::accounts::memberships::{self, NewMembership, Status};
use shared::accounts::users::{self, NewUser};
use shared::app::App;
use shared::audit::Change;
use shared::db::{At, Tx, sql};
use shared::error::{Error, Result};

use super::model::{Mode, Registration, domain_of};

/// How registration stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    /// Nobody has an account yet.
    pub(super) is_first: bool,
    /// Who may register.
    pub(super) mode: Mode,
}

pub(super) async fn standing(at: impl Into<At<'_>>) -> Result<Standing> {
    let row: (String, i64) = sql("SELECT s.registration_mode, \
         (SELECT COUNT(*) FROM (SELECT 1 AS one FROM users LIMIT 1) u) AS people FROM site_settings s WHERE s.id = 1")
    .fetch_one(at)
    .await?;
    Ok(Standing { is_first: row.1 == 0, mode: Mode::parse(&row.0) })
}

/// Decides who is first: the settings row is locked before people are counted, on both engines.
pub(super) async fn lock_first(tx: &mut Tx) -> Result<bool> {
    sql("UPDATE site_settings SET id = id WHERE id = 1").execute(&mut *tx).await?;
    users::none_exists(tx).await
}

/// True when a company that is not archived has listed the domain of the address.
pub(super) async fn is_listed(at: impl Into<At<'_>>, email: &str) -> Result<bool> {
    let row: Option<(i64,)> = sql("SELECT d.id FROM company_email_domains d JOIN companies c ON c.id = d.company_id \
         WHERE d.domain = ? AND c.archived_at IS NULL LIMIT 1")
    .bind(domain_of(email).to_owned())
    .fetch_optional(at)
    .await?;
    Ok(row.is_some())
}

/// Adds a person who registered; the first one as super administrator. Gives the id.
pub(super) async fn insert(tx: &mut Tx, new: &Registration, hash: String, is_first: bool) -> Result<i64> {
    let now = tx.stamp().at;
    let company = if is_first { first_company(tx, new).await? } else { None };
    let user = NewUser {
        email: new.email.clone(),
        password_hash: Some(hash),
        first_name: Some(new.first_name.clone()),
        last_name: Some(new.last_name.clone()),
        mobile_phone: new.mobile_phone.clone(),
        company_id: company,
        is_super_admin: is_first,
        is_self_registered: !is_first,
        force_password_change: false,
        email_verified_at: is_first.then_some(now),
    };
    let id = users::insert(tx, &user, now).await?;
    if is_first {
        sql("UPDATE site_settings SET first_admin_at = ? WHERE id = 1").bind(now).execute(&mut *tx).await?;
    }
    if let (Some(company_id), Some(_)) = (company, &new.company_name) {
        own(tx, company_id, id, new).await?;
    }
    Ok(id)
}

/// The provider's own company, or the one that was chosen.
async fn first_company(tx: &mut Tx, new: &Registration) -> Result<Option<i64>> {
    if let Some(name) = &new.company_name {
        let company = NewCompany { name: name.clone(), is_provider: true, ..NewCompany::default() };
        let now = tx.stamp().at;
        return companies::insert(tx, &company, now).await.map(Some);
    }
    let Some(id) = new.company_id else { return Ok(None) };
    let found: Option<(i64,)> =
        sql("SELECT id FROM companies WHERE id = ? AND archived_at IS NULL").bind(id).fetch_optional(tx).await?;
    if found.is_none() {
        return Err(Error::field("company_id", "There is no such company"));
    }
    Ok(Some(id))
}

async fn own(tx: &mut Tx, company_id: i64, user_id: i64, new: &Registration) -> Result<()> {
    let now = tx.stamp().at;
    let membership = NewMembership { company_id, user_id, role: "Owner", status: Status::Active, is_owner: true };
    let id = memberships::insert(tx, &membership, now).await?;
    let name = new.company_name.clone().unwrap_or_default();
    tx.audit(
        Change::new("company.created", "company", company_id)
            .label(name.clone())
            .company(Some(company_id))
            .by(user_id, &new.email)
            .after(serde_json::json!({"name": name, "is_provider": true})),
    );
    tx.audit(
        Change::new("membership.created", "company_membership", id)
            .label(new.email.clone())
            .company(Some(company_id))
            .by(user_id, &new.email)
            .after(serde_json::json!({"role": "Owner", "status": "active", "is_admin": true}))
            .meta("company_id", company_id)
            .meta("user_id", user_id)
            .meta("user_email", new.email.clone()),
    );
    Ok(())
}

/// True when the set-up token is right, or none is configured.
pub(super) fn may_set_up(app: &App, given: Option<&str>) -> bool {
    let Some(wanted) = &app.config().setup_token else { return true };
    shared::tokens::constant_time_eq(given.unwrap_or_default().trim(), wanted)
}
