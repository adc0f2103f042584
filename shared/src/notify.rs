//! Telling people what concerns them: a row in their feed and, where they or the catalogue want it, a
//! mail, a text message or a push (notifications-forms 5). Called inside the transaction of the cause.

mod announce;
mod deliver;
mod due;
pub mod hours;
mod sms;
mod unsubscribe;
pub mod wishes;

use crate::accounts::users;
use crate::app::App;
use crate::caller::Person;
use crate::db::{Tx, sql};
use crate::error::Result;
use crate::mail::Draft;

pub(crate) use announce::fan_out_job;
pub use announce::{Announcement, MARK, To, publish};
pub use deliver::{Channel, send_test};
pub(crate) use due::{due_job, purge_job};
pub use sms::{TEXT_LENGTH, TEXT_WEBHOOK, number, texts_withdrawn};
pub(crate) use sms::{text_job, text_settled};
pub use unsubscribe::{Unsubscribe, unsubscribe_link};

/// Who can ever be told of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Anybody.
    Everyone,
    /// People who may see a company's invoices.
    Invoices,
    /// People who manage a company.
    CompanyAdmins,
    /// People who work at the desk.
    Technicians,
    /// Super administrators.
    SuperAdmins,
}

impl Audience {
    /// Whether a person belongs to it. Super administrators see every company.
    pub fn admits(self, person: &Person) -> bool {
        if person.user.is_super_admin {
            return true;
        }
        let mut rights = person.memberships.iter().map(|membership| &membership.rights);
        match self {
            Self::Everyone => true,
            Self::Invoices => rights.any(|rights| rights.can_manage_invoices),
            Self::CompanyAdmins => rights.any(|rights| rights.is_admin),
            Self::Technicians => person.is_technician,
            Self::SuperAdmins => false,
        }
    }
}

/// An event that people may be told of.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// As stored and as the API names it.
    pub name: &'static str,
    /// In plain words, as the subject of mails.
    pub label: &'static str,
    /// One more sentence, where the label leaves a question.
    pub about: &'static str,
    /// In the feed unless the person says otherwise.
    pub in_app: bool,
    /// By mail unless the person says otherwise.
    pub email: bool,
    /// Who can ever be told.
    pub audience: Audience,
    /// Breaks through quiet hours, pauses and digests.
    pub is_urgent: bool,
}

impl Kind {
    /// What holds for people who have said nothing.
    pub const fn defaults(&self) -> Defaults {
        Defaults { in_app: self.in_app, email: self.email, is_urgent: self.is_urgent }
    }

    /// The same for fewer people.
    #[must_use]
    pub const fn to(mut self, audience: Audience) -> Self {
        self.audience = audience;
        self
    }

    /// The same, breaking through quiet hours; also for one event of a kind that usually waits.
    #[must_use]
    pub const fn urgent(mut self) -> Self {
        self.is_urgent = true;
        self
    }

    /// The same with a sentence that explains it.
    #[must_use]
    pub const fn about(mut self, about: &'static str) -> Self {
        self.about = about;
        self
    }
}

/// What holds for people who have said nothing about an event. Text messages and pushes are never sent unasked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Defaults {
    /// In the feed.
    pub in_app: bool,
    /// By mail.
    pub email: bool,
    /// Breaks through quiet hours.
    pub is_urgent: bool,
}

/// Of an event: those of the catalogue, or of one that somebody has made up.
pub fn defaults(event_type: &str) -> Defaults {
    find(event_type).map_or(Defaults { in_app: true, email: false, is_urgent: false }, Kind::defaults)
}

/// In plain words: as the catalogue says, or the name itself.
pub fn label(event_type: &str) -> &str {
    find(event_type).map_or(event_type, |kind| kind.label)
}

const fn kind(name: &'static str, label: &'static str, in_app: bool, email: bool) -> Kind {
    Kind { name, label, about: "", in_app, email, audience: Audience::Everyone, is_urgent: false }
}

/// Something a super administrator tells people.
pub const GENERAL: Kind =
    kind("general", "Announcement", true, false).about("What the portal team tells everybody or your company");
/// First sign-in from a new address and browser.
pub const NEW_SIGN_IN: Kind = kind("security.new_sign_in", "New sign-in to your account", true, true).urgent();
/// The password was changed.
pub const PASSWORD_CHANGED: Kind = kind("security.password_changed", "Your password was changed", true, true).urgent();
/// An authenticator was added or removed, or a recovery code used.
pub const MFA_CHANGED: Kind = kind("security.mfa_changed", "Your sign-in protection was changed", true, true).urgent();
/// Somebody became or stopped being super administrator.
pub const SUPER_ADMIN_CHANGED: Kind =
    kind("security.super_admin_changed", "Super administrators were changed", true, true)
        .to(Audience::SuperAdmins)
        .urgent();
/// Somebody registered.
pub const USER_REGISTERED: Kind =
    kind("users.registered", "Somebody registered", true, false).to(Audience::SuperAdmins);
/// A ticket was raised.
pub const TICKET_CREATED: Kind = kind("tickets.created", "New ticket", false, false).to(Audience::Technicians);
/// A ticket got a public reply.
pub const TICKET_REPLY: Kind = kind("tickets.reply_added", "New reply on your ticket", true, true);
/// A ticket was given to somebody.
pub const TICKET_ASSIGNED: Kind =
    kind("tickets.assigned", "A ticket was assigned to you", true, true).to(Audience::Technicians);
/// A ticket's status changed.
pub const TICKET_STATUS: Kind = kind("tickets.status_changed", "Ticket status changed", true, false);
/// A long list of tickets was written to a file.
pub const TICKET_EXPORT: Kind = kind("tickets.export_ready", "Your export of tickets is ready", true, true);
/// An API key is about to expire.
pub const KEY_EXPIRING: Kind =
    kind("api_keys.expiring", "An API key expires soon", true, true).to(Audience::SuperAdmins);
/// An invoice was issued.
pub const INVOICE_ISSUED: Kind = kind("billing.invoice_issued", "New invoice", true, false).to(Audience::Invoices);
/// An invoice is overdue.
pub const INVOICE_OVERDUE: Kind =
    kind("billing.invoice_overdue", "An invoice is overdue", true, false).to(Audience::Invoices);
/// A payment arrived.
pub const PAYMENT_RECEIVED: Kind =
    kind("billing.payment_received", "Payment received", true, false).to(Audience::Invoices);
/// An order was placed.
pub const ORDER_SUBMITTED: Kind = kind("shop.order_submitted", "Order placed", true, false);
/// An order was cancelled.
pub const ORDER_CANCELLED: Kind = kind("shop.order_cancelled", "Order cancelled", true, false);
/// An order moved.
pub const SHIPPING_STATUS: Kind = kind("shop.shipping_status_updated", "Delivery update on your order", true, false);
/// A watched price changed.
pub const PRICE_ALERT: Kind = kind("shop.price_alert", "Price alert", true, true).to(Audience::SuperAdmins);
/// The stock feed could not be read.
pub const STOCK_FEED_FAILED: Kind =
    kind("shop.stock_feed_failed", "The stock feed failed", true, false).to(Audience::SuperAdmins);
/// A port was added.
pub const PORT_CREATED: Kind = kind("port.created", "Port added", false, false);
/// A port was changed.
pub const PORT_UPDATED: Kind = kind("port.updated", "Port changed", false, false);
/// A port was removed.
pub const PORT_DELETED: Kind = kind("port.deleted", "Port removed", false, false);
/// A port got a document.
pub const PORT_DOCUMENT_UPLOADED: Kind = kind("port.document_uploaded", "New document of a port", false, false);
/// A port lost a document.
pub const PORT_DOCUMENT_DELETED: Kind = kind("port.document_deleted", "A document of a port was removed", false, false);
/// A rate card was drafted.
pub const PRICING_CREATED: Kind = kind("port.pricing.created", "New rate card", false, false);
/// A rate card waits for review.
pub const PRICING_SUBMITTED: Kind = kind("port.pricing.submitted", "A rate card waits for review", true, false);
/// A rate card was approved.
pub const PRICING_APPROVED: Kind = kind("port.pricing.approved", "Rate card approved", true, false);
/// A rate card was rejected.
pub const PRICING_REJECTED: Kind = kind("port.pricing.rejected", "Rate card rejected", true, false);
/// A webhook was given up.
pub const WEBHOOK_FAILED: Kind =
    kind("webhook.failed", "A webhook could not be delivered", true, false).to(Audience::SuperAdmins);
/// Somebody had a webhook sent again.
pub const WEBHOOK_RETRIED: Kind =
    kind("webhook.retried", "A webhook was sent again", true, false).to(Audience::SuperAdmins);
/// A webhook endpoint was switched off.
pub const WEBHOOK_DISABLED: Kind =
    kind("webhook.disabled", "A webhook endpoint was switched off", true, true).to(Audience::SuperAdmins);
/// A scheduled task failed.
pub const TASK_FAILED: Kind =
    kind("scheduler.task_failed", "A scheduled task failed", true, true).to(Audience::SuperAdmins);
/// An automation failed.
pub const AUTOMATION_FAILED: Kind =
    kind("automation.failed", "An automation failed", true, true).to(Audience::SuperAdmins);
/// An automation was switched off after failures.
pub const AUTOMATION_DISABLED: Kind = kind("automation.disabled", "An automation was switched off", true, true)
    .to(Audience::SuperAdmins)
    .about("After too many failures in a row");
/// An article was published.
pub const ARTICLE_PUBLISHED: Kind =
    kind("knowledge_base.article_published", "New article in the knowledge base", false, false);
/// Somebody was given a form.
pub const FORM_ASSIGNED: Kind = kind("form.assigned", "You have a new form", true, false);
/// Somebody joined a company.
pub const MEMBERSHIP_GRANTED: Kind = kind("membership.granted", "You joined a company", true, false);
/// Somebody left a company.
pub const MEMBERSHIP_REVOKED: Kind = kind("membership.revoked", "You left a company", true, false);
/// A member's rights changed.
pub const MEMBERSHIP_CHANGED: Kind =
    kind("membership.changed", "Members of your company changed", true, false).to(Audience::CompanyAdmins);
/// A starter was announced.
pub const STAFF_ONBOARD: Kind =
    kind("staff.onboard_requested", "A starter was announced", true, false).to(Audience::Technicians);
/// A leaver was announced.
pub const STAFF_OFFBOARD: Kind =
    kind("staff.offboard_requested", "A leaver was announced", true, false).to(Audience::Technicians);
/// An import of staff failed.
pub const STAFF_IMPORT_FAILED: Kind =
    kind("staff.import_failed", "An import of staff failed", true, false).to(Audience::SuperAdmins);
/// Somebody with an address of a company registered.
pub const JOIN_SUGGESTED: Kind =
    kind("company.join_suggested", "Somebody could join your company", true, false).to(Audience::CompanyAdmins);
/// Other seats were asked for.
pub const LICENSE_REQUESTED: Kind =
    kind("license.change_requested", "Licence change requested", true, false).to(Audience::SuperAdmins);
/// A request for seats was answered.
pub const LICENSE_UPDATED: Kind = kind("license.change_updated", "Your licence request was answered", true, false);
/// Licences expire soon.
pub const LICENSE_EXPIRING: Kind = kind("license.expiring", "Licences expire soon", true, false);
/// More seats are in use than were bought.
pub const LICENSE_OVER: Kind =
    kind("license.over_allocated", "More licences are in use than bought", true, false).to(Audience::SuperAdmins);
/// Reading Microsoft 365 failed.
pub const M365_SYNC_FAILED: Kind =
    kind("m365.sync_failed", "Reading Microsoft 365 failed", true, false).to(Audience::SuperAdmins);
/// Microsoft 365 must be connected again.
pub const M365_NEEDS_AUTHORIZATION: Kind =
    kind("m365.needs_authorization", "Microsoft 365 must be connected again", true, false).to(Audience::SuperAdmins);
/// A Microsoft 365 secret expires soon.
pub const M365_SECRET_EXPIRING: Kind =
    kind("m365.secret_expiring", "A Microsoft 365 secret expires soon", true, false).to(Audience::SuperAdmins);
/// A warranty ends soon.
pub const WARRANTY_EXPIRING: Kind = kind("asset.warranty_expiring", "A warranty ends soon", true, false);
/// Reading assets failed.
pub const ASSET_SYNC_FAILED: Kind =
    kind("asset.sync_failed", "Reading assets failed", true, false).to(Audience::SuperAdmins);
/// A company proposes an email domain.
pub const DOMAIN_PROPOSED: Kind =
    kind("company.domain_proposed", "An email domain was proposed", true, false).to(Audience::SuperAdmins);

/// Every event that the portal itself tells of, in no order that matters.
pub const KINDS: &[Kind] = &[
    GENERAL,
    NEW_SIGN_IN,
    PASSWORD_CHANGED,
    MFA_CHANGED,
    SUPER_ADMIN_CHANGED,
    USER_REGISTERED,
    TICKET_CREATED,
    TICKET_REPLY,
    TICKET_ASSIGNED,
    TICKET_STATUS,
    TICKET_EXPORT,
    KEY_EXPIRING,
    INVOICE_ISSUED,
    INVOICE_OVERDUE,
    PAYMENT_RECEIVED,
    ORDER_SUBMITTED,
    ORDER_CANCELLED,
    SHIPPING_STATUS,
    PRICE_ALERT,
    STOCK_FEED_FAILED,
    PORT_CREATED,
    PORT_UPDATED,
    PORT_DELETED,
    PORT_DOCUMENT_UPLOADED,
    PORT_DOCUMENT_DELETED,
    PRICING_CREATED,
    PRICING_SUBMITTED,
    PRICING_APPROVED,
    PRICING_REJECTED,
    WEBHOOK_FAILED,
    WEBHOOK_RETRIED,
    WEBHOOK_DISABLED,
    TASK_FAILED,
    AUTOMATION_FAILED,
    AUTOMATION_DISABLED,
    ARTICLE_PUBLISHED,
    FORM_ASSIGNED,
    MEMBERSHIP_GRANTED,
    MEMBERSHIP_REVOKED,
    MEMBERSHIP_CHANGED,
    STAFF_ONBOARD,
    STAFF_OFFBOARD,
    STAFF_IMPORT_FAILED,
    JOIN_SUGGESTED,
    DOMAIN_PROPOSED,
    LICENSE_REQUESTED,
    LICENSE_UPDATED,
    LICENSE_EXPIRING,
    LICENSE_OVER,
    M365_SYNC_FAILED,
    M365_NEEDS_AUTHORIZATION,
    M365_SECRET_EXPIRING,
    WARRANTY_EXPIRING,
    ASSET_SYNC_FAILED,
];

/// The event of a name; none for events that super administrators have made up.
pub fn find(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

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

/// Tells one person, by the channels they chose.
pub async fn tell(app: &App, tx: &mut Tx, to: &Recipient, notice: &Notice<'_>) -> Result<()> {
    tell_by(app, tx, to, notice, None).await
}

/// The same with a mail of its own words in place of the general one.
pub async fn tell_with(app: &App, tx: &mut Tx, to: &Recipient, notice: &Notice<'_>, mail: Draft) -> Result<()> {
    tell_by(app, tx, to, notice, Some(mail)).await
}

async fn tell_by(app: &App, tx: &mut Tx, to: &Recipient, notice: &Notice<'_>, mail: Option<Draft>) -> Result<()> {
    let (kind, now) = (notice.kind, tx.stamp().at);
    let dedupe = notice.dedupe.map(|key| format!("{}:{key}:{}", kind.name, to.user_id));
    if let Some(key) = &dedupe {
        let told: Option<(i64,)> =
            sql("SELECT id FROM notifications WHERE dedupe_key = ?").bind(key).fetch_optional(&mut *tx).await?;
        if told.is_some() {
            return Ok(());
        }
    }
    let cause = notice.cause();
    let person = wishes::select(kind.name, &cause, now).push(" WHERE u.id = ?").bind(to.user_id);
    let Some(person) = person.fetch_optional::<wishes::Wishes>(&mut *tx).await? else { return Ok(()) };
    let is_meant = kind.audience != Audience::SuperAdmins || person.is_super_admin;
    let plan = person.plan(kind.defaults(), now, mail.is_some());
    if !person.is_active || !is_meant || plan.is_silent() {
        return Ok(());
    }
    let row = deliver::NewRow {
        to: To::Person(to.user_id),
        event_type: kind.name,
        message: &notice.message,
        metadata: None,
        link: notice.link.as_deref(),
        in_app: plan.in_app,
        ignores_preferences: false,
        dedupe,
        expires_at: None,
    };
    let Some(id) = deliver::record(tx, &row).await? else { return Ok(()) };
    let letter = deliver::Letter { label: kind.label, event_type: kind.name, message: &notice.message, link: row.link };
    deliver::send(app, tx, id, &person, &plan, &letter, mail, &cause).await
}

impl Notice<'_> {
    /// What it is about: things of the same kind at the same place within a few minutes are one.
    fn cause(&self) -> String {
        let place = match (self.dedupe, &self.link) {
            (Some(key), _) => key,
            (None, Some(link)) => link.split('#').next().unwrap_or_default(),
            (None, None) => &self.message,
        };
        deliver::cause(self.kind.name, place)
    }
}

/// Tells every active super administrator but the actor.
pub async fn tell_super_admins(app: &App, tx: &mut Tx, notice: &Notice<'_>) -> Result<()> {
    let actor = tx.stamp().user_id;
    for admin in users::super_admins(&mut *tx).await? {
        if Some(admin.id) != actor {
            tell(app, tx, &Recipient { user_id: admin.id, email: admin.email }, notice).await?;
        }
    }
    Ok(())
}
