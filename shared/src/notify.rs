//! Telling people what concerns them: a row in their feed and, where they or the catalogue want it, a
//! mail (notifications-forms 5). Called inside the transaction of the cause.

use minijinja::context;

use crate::app::App;
use crate::db::{Tx, is_unique_violation, sql};
use crate::error::Result;
use crate::mail::Draft;

/// An event that people may be told of.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// As stored and as the API names it.
    pub name: &'static str,
    /// In plain words, as the subject of mails.
    pub label: &'static str,
    /// In the feed unless the person says otherwise.
    pub in_app: bool,
    /// By mail unless the person says otherwise.
    pub email: bool,
}

const fn kind(name: &'static str, label: &'static str, in_app: bool, email: bool) -> Kind {
    Kind { name, label, in_app, email }
}

/// First sign-in from a new address and browser.
pub const NEW_SIGN_IN: Kind = kind("security.new_sign_in", "New sign-in to your account", true, true);
/// The password was changed.
pub const PASSWORD_CHANGED: Kind = kind("security.password_changed", "Your password was changed", true, true);
/// An authenticator was added or removed, or a recovery code used.
pub const MFA_CHANGED: Kind = kind("security.mfa_changed", "Your sign-in protection was changed", true, true);
/// Somebody became or stopped being super administrator.
pub const SUPER_ADMIN_CHANGED: Kind =
    kind("security.super_admin_changed", "Super administrators were changed", true, true);
/// Somebody registered.
pub const USER_REGISTERED: Kind = kind("users.registered", "Somebody registered", true, false);
/// A ticket was raised.
pub const TICKET_CREATED: Kind = kind("tickets.created", "New ticket", false, false);
/// A ticket got a public reply.
pub const TICKET_REPLY: Kind = kind("tickets.reply_added", "New reply on your ticket", true, true);
/// A ticket was given to somebody.
pub const TICKET_ASSIGNED: Kind = kind("tickets.assigned", "A ticket was assigned to you", true, true);
/// A ticket's status changed.
pub const TICKET_STATUS: Kind = kind("tickets.status_changed", "Ticket status changed", true, false);
/// An API key is about to expire.
pub const KEY_EXPIRING: Kind = kind("api_keys.expiring", "An API key expires soon", true, true);
/// The person may work for a company.
pub const MEMBERSHIP_GRANTED: Kind = kind("membership.granted", "You joined a company", true, false);
/// The person may no longer work for a company.
pub const MEMBERSHIP_REVOKED: Kind = kind("membership.revoked", "You left a company", true, false);
/// Somebody joined, left, or has other permissions; for company admins.
pub const MEMBERSHIP_CHANGED: Kind = kind("membership.changed", "Members of your company changed", true, false);
/// Somebody with an address of the company could join; for company admins.
pub const JOIN_SUGGESTED: Kind = kind("company.join_suggested", "Somebody could join your company", true, false);

/// A scheduled task failed and is not tried again.
pub const TASK_FAILED: Kind = kind("scheduler.task_failed", "A scheduled task failed", true, true);
/// An automation failed after it had worked.
pub const AUTOMATION_FAILED: Kind = kind("automation.failed", "An automation failed", true, false);
/// An automation was switched off after many failures.
pub const AUTOMATION_DISABLED: Kind = kind("automation.disabled", "An automation was switched off", true, true);

/// What somebody is told.
#[derive(Debug, Clone)]
pub struct Notice<'a> {
    /// What happened.
    pub kind: Kind,
    /// One sentence.
    pub message: String,
    /// A path of the portal.
    pub link: Option<String>,
    /// The same cause is told once per person.
    pub dedupe: Option<&'a str>,
}

/// A person to tell.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Recipient {
    /// The person.
    pub user_id: i64,
    /// Where mail goes.
    pub email: String,
}

#[derive(sqlx::FromRow)]
struct Preference {
    channel_in_app: bool,
    channel_email: bool,
}

/// Tells one person, by the channels they chose.
pub async fn tell(app: &App, tx: &mut Tx, to: &Recipient, notice: &Notice<'_>) -> Result<()> {
    tell_by(app, tx, to, notice, None).await
}

/// The same with a mail of its own words in place of the general one.
pub async fn tell_with(app: &App, tx: &mut Tx, to: &Recipient, notice: &Notice<'_>, mail: Draft) -> Result<()> {
    tell_by(app, tx, to, notice, Some(mail)).await
}

async fn tell_by(app: &App, tx: &mut Tx, to: &Recipient, notice: &Notice<'_>, mail: Option<Draft>) -> Result<()> {
    let stored: Option<Preference> = sql("SELECT channel_in_app, channel_email FROM notification_preferences \
         WHERE user_id = ? AND event_type = ?")
    .bind(to.user_id)
    .bind(notice.kind.name)
    .fetch_optional(&mut *tx)
    .await?;
    let (in_app, email) =
        stored.map_or((notice.kind.in_app, notice.kind.email), |p| (p.channel_in_app, p.channel_email));
    if !in_app && !email {
        return Ok(());
    }
    let dedupe = notice.dedupe.map(|key| format!("{}:{key}:{}", notice.kind.name, to.user_id));
    if let Some(key) = &dedupe {
        let told: Option<(i64,)> =
            sql("SELECT id FROM notifications WHERE dedupe_key = ?").bind(key).fetch_optional(&mut *tx).await?;
        if told.is_some() {
            return Ok(());
        }
    }
    let Some(id) = record(tx, to, notice, in_app, dedupe).await? else { return Ok(()) };
    if email {
        let mail = match mail {
            Some(mail) => mail,
            None => general(app, tx, notice).await?,
        };
        deliver(tx, id, to, mail).await?;
    }
    Ok(())
}

/// None when somebody else told the same in the meantime.
async fn record(
    tx: &mut Tx,
    to: &Recipient,
    notice: &Notice<'_>,
    in_app: bool,
    dedupe: Option<String>,
) -> Result<Option<i64>> {
    let (now, actor) = (tx.stamp().at, tx.stamp().user_id);
    let inserted = sql("INSERT INTO notifications (audience, user_id, event_type, message, link, in_app, dedupe_key, \
         created_by_id, created_at) VALUES ('user', ?, ?, ?, ?, ?, ?, ?, ?)")
    .bind(to.user_id)
    .bind(notice.kind.name)
    .bind(notice.message.chars().take(2000).collect::<String>())
    .bind(notice.link.clone())
    .bind(in_app)
    .bind(dedupe)
    .bind(actor)
    .bind(now)
    .insert(tx)
    .await;
    match inserted {
        Ok(id) => Ok(Some(id)),
        Err(error) if is_unique_violation(&error, "notifications_dedupe", "notifications.dedupe_key") => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn general(app: &App, tx: &mut Tx, notice: &Notice<'_>) -> Result<Draft> {
    let base = app.config().base_url();
    let link = notice.link.as_ref().zip(base).map(|(path, base)| format!("{base}{path}"));
    let fields = context! { label => notice.kind.label, message => notice.message.clone(), link };
    Draft::template(app, tx, "notice", fields).await
}

async fn deliver(tx: &mut Tx, id: i64, to: &Recipient, mut draft: Draft) -> Result<()> {
    draft.to(&to.email);
    let outbox = draft.queue(tx).await?;
    let now = tx.stamp().at;
    sql("INSERT INTO notification_deliveries (notification_id, user_id, channel, status, outbox_id, created_at) \
         VALUES (?, ?, 'email', 'queued', ?, ?)")
    .bind(id)
    .bind(to.user_id)
    .bind(outbox)
    .bind(now)
    .insert(tx)
    .await?;
    Ok(())
}

/// Tells every active super administrator but the actor.
pub async fn tell_super_admins(app: &App, tx: &mut Tx, notice: &Notice<'_>) -> Result<()> {
    let actor = tx.stamp().user_id;
    for admin in crate::accounts::users::super_admins(&mut *tx).await? {
        if Some(admin.id) != actor {
            tell(app, tx, &Recipient { user_id: admin.id, email: admin.email }, notice).await?;
        }
    }
    Ok(())
}
