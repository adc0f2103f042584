//! Rows of `company_memberships` as lists and invitations read and write them.

use chrono::{DateTime, TimeDelta, Utc};
use minijinja::context;
use serde::Serialize;
use serde_json::json;
use shared::accounts::invitations;
use shared::accounts::memberships::{self, NewMembership, Status};
use shared::accounts::users::{self, NewUser, User};
use shared::audit::Change;
use shared::context::By;
use shared::db::{Tx, sql};
use shared::error::{Error, Result};
use shared::mail::Draft;
use shared::mail::transport::Backend;
use shared::web::Paging;

use super::model::{Invitation, Manager, Role};
use crate::companies::model::Company;

/// A member in the list of a company.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
#[expect(missing_docs, reason = "columns of organisation 7.3")]
pub struct Member {
    pub user_id: i64,
    pub email: String,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub is_super_admin: bool,
    pub role_name: String,
    pub status: String,
    pub is_admin: bool,
    pub last_seen_at: Option<DateTime<Utc>>,
}

/// The members of a company by address, and how many there are.
pub async fn list(by: &By, company_id: i64, paging: Paging) -> Result<(Vec<Member>, i64)> {
    let rows =
        sql("SELECT u.id AS user_id, u.email, u.first_name, u.last_name, u.is_super_admin, r.name AS role_name, \
         m.status, m.is_admin, m.last_seen_at FROM company_memberships m JOIN users u ON u.id = m.user_id \
         JOIN roles r ON r.id = m.role_id WHERE m.company_id = ? ORDER BY u.email LIMIT ? OFFSET ?")
        .bind(company_id)
        .bind(paging.size())
        .bind(paging.offset())
        .fetch_all(by.db())
        .await?;
    let counted =
        sql("SELECT COUNT(*) FROM (SELECT 1 AS one FROM company_memberships WHERE company_id = ? LIMIT 10001) n")
            .bind(company_id)
            .fetch_value(by.db())
            .await?;
    Ok((rows, counted))
}

/// The roles that a manager may grant in a company.
pub async fn roles(by: &By, manager: &Manager, company: &Company) -> Result<Vec<Role>> {
    let all: Vec<Role> =
        sql("SELECT id, name, permissions FROM roles ORDER BY name_key LIMIT 200").fetch_all(by.db()).await?;
    Ok(all.into_iter().filter(|role| manager.may_grant(role, company.is_provider)).collect())
}

/// What became of an invitation.
#[derive(Debug)]
pub struct Sent {
    /// The link, where the portal cannot mail it and the caller may hand it over.
    pub link: Option<String>,
    /// In force at once.
    pub is_active: bool,
    /// No mail will leave.
    pub is_unsent: bool,
}

#[derive(sqlx::FromRow)]
struct Known {
    id: i64,
    status: String,
}

/// Invites a person: the account, the membership, the mail and the trail in one transaction.
pub async fn invite(by: &By, manager: &Manager, company: &Company, invitation: &Invitation) -> Result<Sent> {
    let mut tx = by.begin().await?;
    let user = match users::find_by_email(&mut tx, &invitation.email).await? {
        Some(user) => user,
        None => add_person(&mut tx, company, invitation).await?,
    };
    // Whoever has an account is asked; only a super administrator lets them in at once (organisation 7.4).
    let is_active = manager.is_super_admin && user.has_password;
    let status = if is_active { Status::Active } else { Status::Invited };
    let membership = open(&mut tx, company, &user, status).await?;
    grant(&mut tx, membership, invitation, status).await?;
    let link = if user.has_password {
        tell(by, &mut tx, company, &user, is_active).await?;
        None
    } else {
        Some(invitations::send(&mut tx, by, &user, Some(&company.name)).await?)
    };
    tx.audit(trail(membership, company, &user, invitation, status));
    let is_unsent = matches!(by.app().mail(), Backend::Off);
    let link = link.filter(|_| is_unsent && manager.is_super_admin);
    keep_link(by, &mut tx, link.as_deref()).await?;
    tx.commit().await?;
    Ok(Sent { link, is_active, is_unsent })
}

fn trail(membership: i64, company: &Company, user: &User, invitation: &Invitation, status: Status) -> Change {
    Change::new("membership.invited", "company_membership", membership)
        .label(&user.email)
        .company(Some(company.id))
        .after(json!({ "role": invitation.role.name, "is_admin": invitation.is_admin, "status": status.as_str() }))
        .meta("company_id", company.id)
        .meta("user_id", user.id)
        .meta("user_email", user.email.clone())
}

async fn add_person(tx: &mut Tx, company: &Company, invitation: &Invitation) -> Result<User> {
    let new = NewUser {
        email: invitation.email.clone(),
        first_name: invitation.first_name.clone(),
        last_name: invitation.last_name.clone(),
        company_id: Some(company.id),
        ..NewUser::default()
    };
    let now = tx.stamp().at;
    let id = users::insert(tx, &new, now).await?;
    let user = users::find(&mut *tx, id).await?.ok_or_else(|| Error::not_found("User not found"))?;
    tx.audit(
        Change::new("user.created", "user", id)
            .label(&user.email)
            .company(Some(company.id))
            .after(json!({ "email": user.email, "first_name": user.first_name, "last_name": user.last_name })),
    );
    Ok(user)
}

/// The membership of the pair, new or taken up again; one in force is not touched.
async fn open(tx: &mut Tx, company: &Company, user: &User, status: Status) -> Result<i64> {
    let known: Option<Known> = sql("SELECT id, status FROM company_memberships WHERE company_id = ? AND user_id = ?")
        .bind(company.id)
        .bind(user.id)
        .fetch_optional(&mut *tx)
        .await?;
    match known {
        Some(known) if known.status == Status::Active.as_str() => {
            Err(Error::field("email", "This person is already a member of the company"))
        }
        Some(known) => Ok(known.id),
        None => {
            let now = tx.stamp().at;
            let new =
                NewMembership { company_id: company.id, user_id: user.id, role: "Member", status, is_owner: false };
            memberships::insert(tx, &new, now).await
        }
    }
}

async fn grant(tx: &mut Tx, membership: i64, invitation: &Invitation, status: Status) -> Result<()> {
    let (now, inviter) = (tx.stamp().at, tx.stamp().user_id);
    sql("UPDATE company_memberships SET role_id = ?, is_admin = ?, status = ?, invited_by = ?, invited_at = ?, \
         joined_at = COALESCE(joined_at, ?), updated_at = ? WHERE id = ?")
    .bind(invitation.role.id)
    .bind(invitation.is_admin)
    .bind(status.as_str())
    .bind(inviter)
    .bind(now)
    .bind((status == Status::Active).then_some(now))
    .bind(now)
    .bind(membership)
    .execute(tx)
    .await?;
    Ok(())
}

/// The mail to somebody who can already sign in.
async fn tell(by: &By, tx: &mut Tx, company: &Company, user: &User, is_active: bool) -> Result<()> {
    let base = by.base_url().ok_or_else(invitations::missing_base)?;
    let inviter = by.person().map(|person| (person.user.name(), person.user.email.clone()));
    let fields = context! {
        first_name => user.first_name.clone(),
        company => company.name.clone(),
        inviter => inviter.as_ref().map(|(name, _)| name),
        is_active,
        link => if is_active { format!("{base}/") } else { format!("{base}/companies/invitations") },
    };
    let mut mail = Draft::template(by.app(), &mut *tx, "company_invitation", fields).await?;
    mail.to(&user.email);
    if let Some((_, email)) = &inviter {
        mail.reply_to(email);
    }
    mail.queue(tx).await?;
    Ok(())
}

/// Where the link waits for the page that shows it once.
pub const LINK_NOTE: &str = "invitation_link";

async fn keep_link(by: &By, tx: &mut Tx, link: Option<&str>) -> Result<()> {
    let (Some(link), Some(person)) = (link, by.person()) else { return Ok(()) };
    shared::flash::note(by, tx, person.session.id, LINK_NOTE, link, TimeDelta::minutes(10)).await
}

/// An invitation as the invited person sees it.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub struct Waiting {
    /// Row of `company_memberships`.
    pub id: i64,
    /// The company.
    pub company_id: i64,
    /// Its name.
    pub company: String,
    /// The role they would have.
    pub role: String,
    /// When they were asked.
    pub invited_at: Option<DateTime<Utc>>,
}

const WAITING: &str = "SELECT m.id, m.company_id, c.name AS company, r.name AS role, m.invited_at \
    FROM company_memberships m JOIN companies c ON c.id = m.company_id JOIN roles r ON r.id = m.role_id \
    WHERE m.user_id = ? AND m.status = 'invited' AND c.archived_at IS NULL";

/// The invitations of a person that wait for an answer.
pub async fn waiting(by: &By, user_id: i64) -> Result<Vec<Waiting>> {
    Ok(sql(WAITING).push(" ORDER BY c.name LIMIT 50").bind(user_id).fetch_all(by.db()).await?)
}

/// Puts the person's own invitation in force, or takes it away. Somebody else's is 404.
pub async fn answer(by: &By, user_id: i64, id: i64, accept: bool) -> Result<Waiting> {
    let mut tx = by.begin().await?;
    let row: Option<Waiting> =
        sql(WAITING).push(" AND m.id = ?").bind(user_id).bind(id).fetch_optional(&mut tx).await?;
    let row = row.ok_or_else(|| Error::not_found("Membership not found"))?;
    let now = by.now();
    let change = if accept {
        sql("UPDATE company_memberships SET status = 'active', joined_at = COALESCE(joined_at, ?), updated_at = ? \
             WHERE id = ? AND status = 'invited'")
        .bind(now)
        .bind(now)
    } else {
        sql("DELETE FROM company_memberships WHERE id = ? AND status = 'invited'")
    };
    if change.bind(id).execute(&mut tx).await? == 0 {
        return Err(Error::not_found("Membership not found"));
    }
    let action = if accept { "membership.updated" } else { "membership.deleted" };
    let trail = Change::new(action, "company_membership", id).company(Some(row.company_id)).label(&row.company);
    let trail = trail.before(json!({ "status": "invited" }));
    tx.audit(if accept { trail.after(json!({ "status": "active" })) } else { trail });
    tx.commit().await?;
    Ok(row)
}
