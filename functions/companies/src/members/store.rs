//! Invitations: the account, the membership, the mail, and the invited person's answer.

use chrono::{DateTime, TimeDelta, Utc};
use minijinja::context;
use serde::Serialize;
use serde_json::json;
use shared::accounts::invitations;
use shared::accounts::memberships::{self, NewMembership, Status};
use shared::accounts::users::{self, NewUser, User};
use shared::app::App;
use shared::audit::Change;
use shared::context::By;
use shared::db::{Tx, sql};
use shared::error::{Error, Result};
use shared::events::names;
use shared::mail::Draft;
use shared::mail::transport::Backend;

use super::access::Field;
use super::change;
use super::host::Host;
use super::manager::{Manager, Role};
use super::model::Invitation;
use super::record::{self, INVITED_FOR, Record, Which};
use crate::companies::model::Company;

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

/// Adds a person: the account, the membership, the mail and the trail in one transaction.
pub async fn invite(by: &By, manager: &Manager, company: &Company, invitation: &Invitation) -> Result<Sent> {
    let mut tx = by.begin().await?;
    let host = Host::of(by, manager.is_super_admin);
    let sent = invite_in(&mut tx, by.app(), &host, manager, company, invitation).await?;
    let link = sent.link.filter(|_| sent.is_unsent && manager.is_super_admin);
    keep_link(by, &mut tx, link.as_deref()).await?;
    tx.commit().await?;
    Ok(Sent { link, ..sent })
}

/// The same within a transaction of the caller, for whoever the host is. The link is given where one was made.
pub async fn invite_in(
    tx: &mut Tx,
    app: &App,
    host: &Host,
    manager: &Manager,
    company: &Company,
    invitation: &Invitation,
) -> Result<Sent> {
    let (user, is_new) = match users::find_by_email(&mut *tx, &invitation.email).await? {
        Some(user) => (user, false),
        None => (add_person(tx, company, invitation).await?, true),
    };
    // Whoever has an account is asked; only a super administrator lets them in at once (organisation 7.4).
    let is_made = is_new && invitation.password_hash.is_some();
    let is_active = is_made || (host.lets_in && user.has_password);
    let status = if is_active { Status::Active } else { Status::Invited };
    let membership = open(tx, manager, company, &user, status).await?;
    grant(tx, membership, invitation, status).await?;
    let link = if is_made { None } else { write_to(tx, app, host, &company.name, &user, is_active).await? };
    tx.audit(trail(membership, company, &user, invitation, status));
    if is_active {
        change::announce(tx, names::MEMBERSHIP_GRANTED, company.id, user.id).await?;
    }
    let is_unsent = !is_made && matches!(app.mail(), Backend::Off);
    Ok(Sent { link, is_active, is_unsent })
}

/// The mail to a person; the link, where it lets them in without a password yet.
async fn write_to(
    tx: &mut Tx,
    app: &App,
    host: &Host,
    company: &str,
    user: &User,
    is_active: bool,
) -> Result<Option<String>> {
    if user.has_password {
        tell(tx, app, host, company, user, is_active).await?;
        return Ok(None);
    }
    let link = invitations::send_from(tx, app, host.base()?, host.inviter.as_ref(), user, Some(company)).await?;
    Ok(Some(link))
}

/// Sends an invitation that waits for an answer once more.
pub async fn resend(by: &By, manager: &Manager, member: &Record) -> Result<Sent> {
    manager.may_touch(member)?;
    if member.status != Status::Invited.as_str() {
        return Err(Error::conflict("This invitation was answered already").code("not_invited"));
    }
    let mut tx = by.begin().await?;
    let user = users::find(&mut tx, member.user_id).await?.ok_or_else(record::unknown)?;
    let now = by.now();
    sql("UPDATE company_memberships SET invited_at = ?, reminded_at = NULL, updated_at = ? WHERE id = ?")
        .bind(now)
        .bind(now)
        .bind(member.id)
        .execute(&mut tx)
        .await?;
    let host = Host::of(by, manager.is_super_admin);
    let link = write_to(&mut tx, by.app(), &host, &member.company_name, &user, false).await?;
    let is_unsent = matches!(by.app().mail(), Backend::Off);
    let link = link.filter(|_| is_unsent && manager.is_super_admin);
    keep_link(by, &mut tx, link.as_deref()).await?;
    tx.audit(
        Change::new("membership.invited", "company_membership", member.id)
            .label(&member.user_email)
            .company(Some(member.company_id))
            .meta("company_id", member.company_id)
            .meta("user_id", member.user_id)
            .meta("user_email", member.user_email.clone())
            .meta("again", true),
    );
    tx.commit().await?;
    Ok(Sent { link, is_active: false, is_unsent })
}

fn trail(membership: i64, company: &Company, user: &User, invitation: &Invitation, status: Status) -> Change {
    Change::new("membership.invited", "company_membership", membership)
        .label(&user.email)
        .company(Some(company.id))
        .after(json!({ "role": invitation.role.name, "status": status.as_str(),
            "staff_permission": invitation.staff_permission, "sections": invitation.flags.labels() }))
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
        password_hash: invitation.password_hash.clone(),
        force_password_change: invitation.password_hash.is_some(),
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
async fn open(tx: &mut Tx, manager: &Manager, company: &Company, user: &User, status: Status) -> Result<i64> {
    match record::find(&mut *tx, company.id, Which::Person(user.id)).await? {
        Some(known) if known.is_active() => {
            Err(Error::field("email", "This person is already a member of the company"))
        }
        Some(known) => manager.may_touch(&known).map(|()| known.id),
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
    let mut update = sql("UPDATE company_memberships SET can_access_shop = ?, can_access_cart = ?, \
         can_access_orders = ?, can_access_forms = ?, can_manage_assets = ?, can_manage_licenses = ?, \
         can_order_licenses = ?, can_manage_invoices = ?, can_manage_office_groups = ?, is_admin = ?, \
         staff_permission = ?, role_id = ?, status = ?, invited_by = ?, invited_at = ?, reminded_at = NULL, \
         joined_at = COALESCE(joined_at, ?), updated_at = ? WHERE id = ?");
    for field in Field::ALL {
        update = update.bind(invitation.flags.get(field));
    }
    update
        .bind(invitation.staff_permission)
        .bind(invitation.role.id)
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
async fn tell(tx: &mut Tx, app: &App, host: &Host, company: &str, user: &User, is_active: bool) -> Result<()> {
    let base = host.base()?;
    let fields = context! {
        first_name => user.first_name.clone(),
        company,
        inviter => host.name(),
        is_active,
        link => if is_active { format!("{base}/") } else { format!("{base}/companies/invitations") },
    };
    let mut mail = Draft::template(app, &mut *tx, "company_invitation", fields).await?;
    mail.to(&user.email);
    if let Some(inviter) = &host.inviter {
        mail.reply_to(&inviter.email);
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
    WHERE m.user_id = ? AND m.status = 'invited' AND m.invited_at > ? AND c.archived_at IS NULL";

/// The invitations of a person that wait for an answer; those that are too old do not.
pub async fn waiting(by: &By, user_id: i64) -> Result<Vec<Waiting>> {
    let query = sql(WAITING).bind(user_id).bind(by.now() - INVITED_FOR);
    Ok(query.push(" ORDER BY c.name LIMIT 50").fetch_all(by.db()).await?)
}

/// Puts the person's own invitation in force, or takes it away. Somebody else's is 404.
pub async fn answer(by: &By, user_id: i64, id: i64, accept: bool) -> Result<Waiting> {
    let mut tx = by.begin().await?;
    let now = by.now();
    let query = sql(WAITING).bind(user_id).bind(now - INVITED_FOR).push(" AND m.id = ?").bind(id);
    let row: Option<Waiting> = query.fetch_optional(&mut tx).await?;
    let row = row.ok_or_else(record::unknown)?;
    let change = if accept {
        sql("UPDATE company_memberships SET status = 'active', joined_at = COALESCE(joined_at, ?), updated_at = ? \
             WHERE id = ? AND status = 'invited'")
        .bind(now)
        .bind(now)
    } else {
        sql("DELETE FROM company_memberships WHERE id = ? AND status = 'invited'")
    };
    if change.bind(id).execute(&mut tx).await? == 0 {
        return Err(record::unknown());
    }
    let action = if accept { "membership.updated" } else { "membership.deleted" };
    let trail = Change::new(action, "company_membership", id).company(Some(row.company_id)).label(&row.company);
    let trail = trail.before(json!({ "status": "invited" })).meta("company_id", row.company_id);
    let trail = match by.person() {
        Some(person) => trail.meta("user_id", user_id).meta("user_email", person.user.email.clone()),
        None => trail,
    };
    tx.audit(if accept { trail.after(json!({ "status": "active" })) } else { trail });
    if accept {
        change::announce(&mut tx, names::MEMBERSHIP_GRANTED, row.company_id, user_id).await?;
    }
    tx.commit().await?;
    Ok(row)
}
