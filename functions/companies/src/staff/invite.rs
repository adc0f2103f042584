//! From a row of the directory to a way into the portal (organisation 10.6). An invitation grants nothing
//! until the person accepts it.

use minijinja::context;
use serde::Serialize;
use serde_json::json;
use shared::accounts::memberships::{self, NewMembership, Status};
use shared::accounts::password_tokens::{self, Purpose};
use shared::accounts::users::{self, NewUser, User};
use shared::app::App;
use shared::audit::Change;
use shared::context::By;
use shared::db::{Tx, sql};
use shared::error::{Error, Result};
use shared::mail::Draft;
use shared::mail::transport::Backend;
use utoipa::ToSchema;

use super::change::trail;
use super::model::Staff;
use super::store;
use crate::members::host::Host;
use crate::members::record::{self, Which};

/// What came of an invitation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StaffInvited, example = json!({"success": true, "email_sent": true}))]
pub struct Invited {
    /// Always true; refusals are problems.
    pub success: bool,
    /// False when no mail server is set up.
    pub email_sent: bool,
}

/// Invites a staff member; one who has an account is asked to join, and one who was invited before gets
/// the mail once more.
pub async fn invite(by: &By, staff: &Staff) -> Result<Invited> {
    let mut tx = by.begin().await?;
    invite_in(&mut tx, by.app(), &Host::of(by, false), staff).await?;
    tx.commit().await?;
    Ok(Invited { success: true, email_sent: !matches!(by.app().mail(), Backend::Off) })
}

/// The same within a transaction of the caller, for whoever the host is.
pub async fn invite_in(tx: &mut Tx, app: &App, host: &Host, staff: &Staff) -> Result<()> {
    let email = staff.values.email.clone();
    let email = email.ok_or_else(|| Error::bad_request("No email for staff member").code("no_email"))?;
    store::hold(tx, staff.id).await?;
    let user = match users::find_by_email(&mut *tx, &email).await? {
        Some(user) => user,
        None => add_person(tx, staff, &email).await?,
    };
    let membership = open(tx, staff, &user).await?;
    let now = tx.stamp().at;
    sql("UPDATE staff SET user_id = ?, updated_at = ? WHERE id = ?")
        .bind(user.id)
        .bind(now)
        .bind(staff.id)
        .execute(&mut *tx)
        .await?;
    write_to(tx, app, host, staff, &user).await?;
    tx.audit(
        Change::new("membership.invited", "company_membership", membership)
            .label(&user.email)
            .company(Some(staff.company_id))
            .after(json!({ "role": "Member", "status": Status::Invited.as_str() }))
            .meta("company_id", staff.company_id)
            .meta("user_id", user.id)
            .meta("user_email", user.email.clone()),
    );
    tx.audit(trail("staff.invited", staff).meta("user_id", user.id));
    Ok(())
}

async fn add_person(tx: &mut Tx, staff: &Staff, email: &str) -> Result<User> {
    let values = &staff.values;
    let mobile = values.mobile_phone.as_deref().and_then(|number| users::parse_mobile(number).ok().flatten());
    let new = NewUser {
        email: email.to_owned(),
        first_name: Some(values.first_name.clone()),
        last_name: Some(values.last_name.clone()).filter(|name| !name.is_empty()),
        mobile_phone: mobile,
        company_id: Some(staff.company_id),
        ..NewUser::default()
    };
    let now = tx.stamp().at;
    let id = users::insert(tx, &new, now).await?;
    let user = users::find(&mut *tx, id).await?.ok_or_else(|| Error::not_found("User not found"))?;
    tx.audit(
        Change::new("user.created", "user", id)
            .label(&user.email)
            .company(Some(staff.company_id))
            .after(json!({ "email": user.email, "first_name": user.first_name, "last_name": user.last_name })),
    );
    Ok(user)
}

/// The membership that waits for the person's answer.
async fn open(tx: &mut Tx, staff: &Staff, user: &User) -> Result<i64> {
    let known = record::find(&mut *tx, staff.company_id, Which::Person(user.id)).await?;
    let now = tx.stamp().at;
    match known {
        None => {
            let new = NewMembership {
                company_id: staff.company_id,
                user_id: user.id,
                role: "Member",
                status: Status::Invited,
                is_owner: false,
            };
            memberships::insert(tx, &new, now).await
        }
        Some(member) if member.status == Status::Invited.as_str() => {
            sql("UPDATE company_memberships SET invited_at = ?, reminded_at = NULL, updated_at = ? WHERE id = ?")
                .bind(now)
                .bind(now)
                .bind(member.id)
                .execute(tx)
                .await?;
            Ok(member.id)
        }
        Some(member) if member.is_active() => {
            Err(Error::conflict("This person uses the portal already").code("already_member"))
        }
        Some(_) => {
            let text = "The access of this person was taken away. Somebody who manages members can give it back.";
            Err(Error::conflict(text).code("suspended"))
        }
    }
}

/// Who has no password yet chooses one by the link; everybody else is asked to join.
async fn write_to(tx: &mut Tx, app: &App, host: &Host, staff: &Staff, user: &User) -> Result<()> {
    let (base, name) = (host.base()?, host.name());
    let (first_name, company) = (staff.values.first_name.clone(), staff.company_name.clone());
    let mut mail = if user.has_password {
        let link = format!("{base}/companies/invitations");
        let fields = context! { first_name, company, inviter => name, is_active => false, link };
        Draft::template(app, &mut *tx, "company_invitation", fields).await?
    } else {
        let token = password_tokens::issue(tx, user.id, Purpose::Invite).await?;
        let link = format!("{base}/reset-password#token={token}");
        let fields = context! { first_name, company, inviter => name, link, token, expires_in => "7 days" };
        let mut mail = Draft::template(app, &mut *tx, "staff_invitation", fields).await?;
        mail.sensitive();
        mail
    };
    mail.to(&user.email);
    if let Some(inviter) = &host.inviter {
        mail.reply_to(&inviter.email);
    }
    mail.queue(tx).await?;
    Ok(())
}
