//! The mail with the link, and what using it changes.

use minijinja::context;
use serde_json::json;
use shared::accounts::memberships::{self, NewMembership, Status};
use shared::accounts::password_tokens::{self, Purpose};
use shared::accounts::users::{self, User};
use shared::audit::Change;
use shared::context::By;
use shared::db::{Tx, sql};
use shared::error::{Error, Result};
use shared::events::{self, names};
use shared::mail::Draft;

use crate::sign_in::domain_of;

/// Queues the mail with a link that confirms the address. The person's earlier links end.
pub(in crate::sign_in) async fn send(by: &By, tx: &mut Tx, user: &User) -> Result<()> {
    let Some(base) = by.base_url() else {
        tracing::error!(user.id = user.id, "PORTAL_URL is not set, so no link to confirm an address can be sent");
        return Ok(());
    };
    let token = password_tokens::issue(tx, user.id, Purpose::VerifyEmail).await?;
    let fields = context! {
        first_name => user.first_name.clone(),
        link => format!("{base}/verify-email#token={token}"),
        token,
        expires_in => "24 hours",
    };
    let mut mail = Draft::template(by.app(), &mut *tx, "email_verification", fields).await?;
    mail.to(&user.email).sensitive();
    mail.queue(tx).await?;
    Ok(())
}

/// Uses a token: the address counts as the person's own from now on.
pub(super) async fn confirm(by: &By, token: &str) -> Result<()> {
    let mut tx = by.begin().await?;
    let redeemed = password_tokens::redeem(&mut tx, token, &[Purpose::VerifyEmail]).await?;
    let redeemed = redeemed.ok_or_else(|| Error::bad_request("Invalid or expired token").code("invalid_token"))?;
    let user = users::find(&mut tx, redeemed.user_id).await?.filter(|user| user.is_active);
    let user = user.ok_or_else(|| Error::bad_request("Invalid or expired token").code("invalid_token"))?;
    let now = tx.stamp().at;
    sql("UPDATE users SET email_verified_at = ?, updated_at = ? WHERE id = ? AND email_verified_at IS NULL")
        .bind(now)
        .bind(now)
        .bind(user.id)
        .execute(&mut tx)
        .await?;
    tx.audit(Change::new("auth.email_verified", "user", user.id).label(user.email.clone()).by(user.id, &user.email));
    join_by_domain(&mut tx, &user).await?;
    tx.commit().await
}

/// A proven address at a domain that takes people in makes a plain member of its company
/// (organisation, email domains).
pub(in crate::sign_in) async fn join_by_domain(tx: &mut Tx, user: &User) -> Result<()> {
    let row: Option<(i64, String, bool)> = sql("SELECT c.id, c.name, d.auto_join FROM company_email_domains d \
         JOIN companies c ON c.id = d.company_id WHERE d.domain = ? AND c.archived_at IS NULL \
         AND NOT EXISTS (SELECT 1 FROM company_memberships m WHERE m.company_id = c.id AND m.user_id = ?) LIMIT 1")
    .bind(domain_of(&user.email).to_owned())
    .bind(user.id)
    .fetch_optional(&mut *tx)
    .await?;
    let Some((company_id, company, auto_join)) = row else { return Ok(()) };
    let concerned = json!({"company_id": company_id, "user_id": user.id, "actor_id": user.id});
    if !auto_join {
        // Its administrators are told, and add the person with one click.
        return events::emit(tx, names::JOIN_SUGGESTED, concerned).await;
    }
    events::emit(tx, names::MEMBERSHIP_GRANTED, concerned).await?;
    let new = NewMembership { company_id, user_id: user.id, role: "Member", status: Status::Active, is_owner: false };
    let now = tx.stamp().at;
    let id = memberships::insert(tx, &new, now).await?;
    tx.audit(
        Change::new("membership.created", "company_membership", id)
            .label(company)
            .company(Some(company_id))
            .by(user.id, &user.email)
            .after(json!({"role": "Member", "status": "active"}))
            .meta("company_id", company_id)
            .meta("user_id", user.id)
            .meta("user_email", user.email.clone())
            .meta("reason", "email domain"),
    );
    Ok(())
}
