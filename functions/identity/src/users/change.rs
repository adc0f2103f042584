//! What is done to one user. Every rule of identity 18 is kept here, for programs and pages alike.

use minijinja::context;
use shared::accounts::password_tokens;
use shared::accounts::users::{self, NewUser, User};
use shared::accounts::{invitations, memberships, sessions};
use shared::audit::Change;
use shared::context::By;
use shared::db::{Tx, sql};
use shared::error::{Error, Result};
use shared::mail::Draft;
use shared::notify::{self, Notice, Recipient};
use shared::{passwords, rate_limit};

use super::model::{Changes, NewPerson, details};
use super::store;

/// 404 for what is not there, and for what the caller may not see.
pub(crate) fn not_found() -> Error {
    Error::not_found("User not found")
}

/// The person behind the request, if one acts.
fn me(by: &By) -> Option<i64> {
    by.person().map(|person| person.id())
}

/// Changes of who is in charge happen one after the other: they hold this row until they commit.
pub(super) async fn lock_administrators(tx: &mut Tx) -> Result<()> {
    sql("UPDATE site_settings SET id = id WHERE id = 1").execute(tx).await?;
    Ok(())
}

/// Refuses what would leave nobody in charge. The caller holds the lock.
async fn require_another_administrator(tx: &mut Tx, id: i64) -> Result<()> {
    let others: i64 = sql("SELECT COUNT(*) FROM users WHERE is_super_admin = TRUE AND is_active = TRUE AND id <> ?")
        .bind(id)
        .fetch_value(tx)
        .await?;
    if others == 0 { Err(last_administrator()) } else { Ok(()) }
}

pub(super) fn last_administrator() -> Error {
    Error::conflict("At least one active super administrator is required").code("last_super_admin")
}

fn myself(text: &'static str) -> Error {
    Error::conflict(text).code("own_account")
}

/// The name of an open company; 422 at its field when there is none.
async fn company_name(tx: &mut Tx, id: i64) -> Result<String> {
    let row: Option<(String,)> =
        sql("SELECT name FROM companies WHERE id = ? AND archived_at IS NULL").bind(id).fetch_optional(tx).await?;
    row.map(|(name,)| name).ok_or_else(|| Error::field("company_id", "Choose a company from the list"))
}

/// Who counts the invitations that were sent.
pub(super) async fn count_invitation(by: &By) -> Result<()> {
    let subject = me(by).map_or_else(|| "key".to_owned(), |id| id.to_string());
    rate_limit::hit(by.app(), &rate_limit::INVITE, &subject).await
}

/// Adds a user; without a password an invitation is sent.
pub(crate) async fn create(by: &By, new: NewPerson) -> Result<i64> {
    let password_hash = match &new.password {
        Some(password) => Some(passwords::hash(password).await.map_err(|error| Error::Internal(error.into()))?),
        None => None,
    };
    if password_hash.is_none() {
        by.base_url().ok_or_else(invitations::missing_base)?;
        count_invitation(by).await?;
    }
    let is_invited = password_hash.is_none();
    let now = by.now();
    let row = NewUser {
        email: new.email,
        password_hash,
        first_name: new.first_name,
        last_name: new.last_name,
        mobile_phone: new.mobile_phone,
        company_id: new.company_id,
        force_password_change: new.force_password_change,
        email_verified_at: new.email_verified.then_some(now),
        ..NewUser::default()
    };
    let mut tx = by.begin().await?;
    let company = match row.company_id {
        Some(id) => Some(company_name(&mut tx, id).await?),
        None => None,
    };
    let id = users::insert(&mut tx, &row, now).await?;
    let user = users::find(&mut tx, id).await?.ok_or_else(not_found)?;
    if let Some(company_id) = row.company_id {
        join(&mut tx, &user, company_id).await?;
    }
    if is_invited {
        invitations::send(&mut tx, by, &user, company.as_deref()).await?;
    }
    let change = Change::new("user.created", "user", id).label(user.email.clone()).company(row.company_id);
    tx.audit(change.after(details(&user)).meta("invited", is_invited));
    tx.commit().await?;
    Ok(id)
}

async fn join(tx: &mut Tx, user: &User, company_id: i64) -> Result<()> {
    let membership = memberships::NewMembership {
        company_id,
        user_id: user.id,
        role: "Member",
        status: memberships::Status::Active,
        is_owner: false,
    };
    let at = tx.stamp().at;
    let id = memberships::insert(tx, &membership, at).await?;
    let change = Change::new("membership.created", "company_membership", id).company(Some(company_id));
    tx.audit(
        change
            .label(user.name())
            .after(serde_json::json!({"role": "Member", "status": "active"}))
            .meta("company_id", company_id)
            .meta("user_id", user.id)
            .meta("user_email", user.email.clone()),
    );
    Ok(())
}

/// Changes a user; gives the user as they are afterwards. Nothing is written when nothing differs.
pub(crate) async fn update(by: &By, id: i64, changes: &Changes) -> Result<User> {
    let mut tx = by.begin().await?;
    if changes.may_dethrone() {
        lock_administrators(&mut tx).await?;
    }
    let before = users::find(&mut tx, id).await?.ok_or_else(not_found)?;
    let after = changes.apply(&before, by.now());
    if after.company_id != before.company_id
        && let Some(company) = after.company_id
    {
        company_name(&mut tx, company).await?;
    }
    guard(by, &mut tx, &before, &after).await?;
    write(&mut tx, changes, &before, &after).await?;
    follow_up(by, &mut tx, &before, &after).await?;
    trail(&mut tx, &before, &after);
    tx.commit().await?;
    Ok(after)
}

/// The rules over who may do this to whom.
async fn guard(by: &By, tx: &mut Tx, before: &User, after: &User) -> Result<()> {
    if after.is_super_admin != before.is_super_admin {
        by.require_fresh()?;
    }
    let was_in_charge = before.is_super_admin && before.is_active;
    if was_in_charge && !(after.is_super_admin && after.is_active) {
        require_another_administrator(tx, before.id).await?;
    }
    if me(by) == Some(before.id) {
        if before.is_super_admin && !after.is_super_admin {
            return Err(myself("You cannot take super administrator rights from yourself"));
        }
        if before.is_active && !after.is_active {
            return Err(myself("You cannot disable your own account"));
        }
    }
    Ok(())
}

/// Writes the fields that were given and no others, so that two changes at once do not undo each other.
async fn write(tx: &mut Tx, changes: &Changes, before: &User, after: &User) -> Result<()> {
    let at = tx.stamp().at;
    let renamed = changes.first_name.is_some() || changes.last_name.is_some() || changes.email.is_some();
    let search =
        renamed.then(|| users::search_text(&after.email, after.first_name.as_deref(), after.last_name.as_deref()));
    let verified = (after.email_verified_at != before.email_verified_at).then_some(after.email_verified_at);
    sql("UPDATE users SET updated_at = ?")
        .bind(at)
        .push_if(", first_name = ?", changes.first_name.clone())
        .push_if(", last_name = ?", changes.last_name.clone())
        .push_if(", mobile_phone = ?", changes.mobile_phone.clone())
        .push_if(", email = ?", changes.email.clone())
        .push_if(", email_verified_at = ?", verified)
        .push_if(", company_id = ?", changes.company_id)
        .push_if(", is_super_admin = ?", changes.is_super_admin)
        .push_if(", is_active = ?", changes.is_active)
        .push_if(", force_password_change = ?", changes.force_password_change)
        .push_if(", search_text = ?", search)
        .push(" WHERE id = ?")
        .bind(before.id)
        .execute(tx)
        .await
        .map_err(users::email_taken)?;
    Ok(())
}

/// What a change brings with it: ended sessions, void links, a word to the others in charge.
async fn follow_up(by: &By, tx: &mut Tx, before: &User, after: &User) -> Result<()> {
    if before.is_active && !after.is_active {
        sessions::revoke_all(tx, before.id, None, "user_disabled").await?;
    }
    if after.email != before.email || (before.is_active && !after.is_active) {
        password_tokens::void_all(tx, before.id).await?;
    }
    if after.is_super_admin != before.is_super_admin {
        // Nobody carries a token over into other rights: the person signs in anew (identity 6).
        sessions::revoke_all(tx, before.id, None, "admin").await?;
        let verb = if after.is_super_admin { "is now" } else { "is no longer" };
        let notice = Notice {
            kind: notify::SUPER_ADMIN_CHANGED,
            message: format!("{} ({}) {verb} super administrator.", after.name(), after.email),
            link: Some(format!("/admin/users/{}", before.id)),
            dedupe: None,
        };
        notify::tell_super_admins(by.app(), tx, &notice).await?;
    }
    Ok(())
}

fn trail(tx: &mut Tx, before: &User, after: &User) {
    let line = |action| Change::new(action, "user", before.id).label(after.email.clone()).company(after.company_id);
    let flag = |name: &str, value: bool| serde_json::json!({ name: value });
    let (old, new) = (details(before), details(after));
    let mut lines = Vec::new();
    if old != new {
        lines.push(line("user.updated").changed(old, new));
    }
    if before.is_active != after.is_active {
        let action = if after.is_active { "user.enabled" } else { "user.disabled" };
        lines.push(line(action).changed(flag("is_active", before.is_active), flag("is_active", after.is_active)));
    }
    if before.is_super_admin != after.is_super_admin {
        let action = if after.is_super_admin { "user.super_admin_granted" } else { "user.super_admin_revoked" };
        let (old, new) = (flag("is_super_admin", before.is_super_admin), flag("is_super_admin", after.is_super_admin));
        lines.push(line(action).changed(old, new));
    }
    if lines.is_empty() {
        tx.housekeeping();
    }
    for line in lines {
        tx.audit(line);
    }
}

/// Deletes a user; gives the address. What they wrote stays, without their name.
pub(crate) async fn delete(by: &By, id: i64) -> Result<String> {
    let mut tx = by.begin().await?;
    lock_administrators(&mut tx).await?;
    let user = users::find(&mut tx, id).await?.ok_or_else(not_found)?;
    if user.is_super_admin && user.is_active {
        require_another_administrator(&mut tx, id).await?;
    }
    if me(by) == Some(id) {
        return Err(myself("You cannot delete your own account"));
    }
    sql("DELETE FROM users WHERE id = ?").bind(id).execute(&mut tx).await?;
    let change = Change::new("user.deleted", "user", id).label(user.email.clone()).company(user.company_id);
    tx.audit(change.before(details(&user)));
    tx.commit().await?;
    Ok(user.email)
}

/// What was sent to a person who cannot get in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// A link to choose another password.
    Reset,
    /// A link to choose the first one.
    Invitation,
}

/// Sends a link with which the person chooses a password: the first one, or another.
pub(crate) async fn send_password_link(by: &By, id: i64) -> Result<(User, Sent)> {
    let user = users::find(by.db(), id).await?.ok_or_else(not_found)?;
    if !user.is_active {
        return Err(Error::conflict("The account is disabled. Enable it first.").code("user_disabled"));
    }
    if !user.has_password {
        return invite(by, id).await.map(|user| (user, Sent::Invitation));
    }
    send_reset_link(by, &user).await?;
    Ok((user, Sent::Reset))
}

/// The same mail as somebody gets who has forgotten the password.
async fn send_reset_link(by: &By, user: &User) -> Result<()> {
    let base = by.base_url().ok_or_else(invitations::missing_base)?;
    let mut tx = by.begin().await?;
    let token = password_tokens::issue(&mut tx, user.id, password_tokens::Purpose::Reset).await?;
    let fields = context! {
        first_name => user.first_name.clone(),
        link => format!("{base}/reset-password#token={token}"),
        token,
        expires_in => "1 hour",
    };
    let mut mail = Draft::template(by.app(), &mut tx, "password_reset", fields).await?;
    mail.to(&user.email).sensitive();
    mail.queue(&mut tx).await?;
    let change = Change::new("auth.password_reset_requested", "user", user.id).label(user.email.clone());
    tx.audit(change.company(user.company_id));
    tx.commit().await
}

/// Sends the invitation again; 409 for somebody who already has a password.
pub(crate) async fn invite(by: &By, id: i64) -> Result<User> {
    let user = users::find(by.db(), id).await?.ok_or_else(not_found)?;
    if !user.is_active || user.has_password {
        return Err(Error::conflict("Only people without a password can be invited").code("not_invited"));
    }
    by.base_url().ok_or_else(invitations::missing_base)?;
    count_invitation(by).await?;
    let companies = store::companies_of(by.db(), &[id]).await?;
    let company = companies.get(&id).and_then(|list| list.first()).map(|company| company.name.as_str());
    let mut tx = by.begin().await?;
    invitations::send(&mut tx, by, &user, company).await?;
    tx.audit(Change::new("user.invited", "user", id).label(user.email.clone()).company(user.company_id));
    tx.commit().await?;
    Ok(user)
}

/// Ends the sessions of a user; one's own current session stays.
pub(crate) async fn end_sessions(by: &By, id: i64) -> Result<u64> {
    let mut tx = by.begin().await?;
    let user = users::find(&mut tx, id).await?.ok_or_else(not_found)?;
    let mine = by.person().filter(|person| person.id() == id).map(|person| person.session.id);
    let ended = sessions::revoke_all(&mut tx, id, mine, "admin").await?;
    let change = Change::new("auth.sessions_revoked", "user", id).label(user.email);
    tx.audit(change.company(user.company_id).meta("count", ended));
    tx.commit().await?;
    Ok(ended)
}

/// Takes the authenticators and recovery codes of a user away and tells them.
pub(crate) async fn reset_mfa(by: &By, id: i64) -> Result<u64> {
    let mut tx = by.begin().await?;
    let user = users::find(&mut tx, id).await?.ok_or_else(not_found)?;
    let removed = crate::totp::remove_all(&mut tx, id).await?;
    let notice = Notice {
        kind: notify::MFA_CHANGED,
        message: "An administrator removed your authenticators and recovery codes. Add an authenticator again."
            .to_owned(),
        link: Some("/profile/security".to_owned()),
        dedupe: None,
    };
    let to = Recipient { user_id: id, email: user.email.clone() };
    notify::tell(by.app(), &mut tx, &to, &notice).await?;
    let change = Change::new("user.mfa_reset", "user", id).label(user.email).company(user.company_id);
    tx.audit(change.meta("authenticators", removed));
    tx.commit().await?;
    Ok(removed)
}
