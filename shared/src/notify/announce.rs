//! What super administrators and programs tell people: one person, a company, or everybody. A broadcast
//! is one row; a job makes the mails and text messages of those who want them.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::deliver::{self, Letter, NewRow};
use super::wishes::{self, Wishes};
use super::{defaults, label};
use crate::app::App;
use crate::db::{Tx, sql};
use crate::error::Result;
use crate::jobs::{JobError, NewJob, Run};
use crate::tokens;

/// How the keys of announcements begin, by which they are told from what areas tell.
pub const MARK: &str = "announcement:";

/// People of a broadcast who are mailed in one go.
const BATCH: usize = 500;

/// Whom an announcement is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// One person.
    Person(i64),
    /// The active members of a company.
    Company(i64),
    /// Everybody who has an account now.
    Everyone,
}

impl To {
    pub(super) fn columns(self) -> (&'static str, Option<i64>, Option<i64>) {
        match self {
            Self::Person(id) => ("user", Some(id), None),
            Self::Company(id) => ("company", None, Some(id)),
            Self::Everyone => ("all", None, None),
        }
    }
}

/// An announcement.
#[derive(Debug, Clone)]
pub struct Announcement {
    /// Whom it is for.
    pub to: To,
    /// A type of the catalogue, or any other name.
    pub event_type: String,
    /// One or a few sentences.
    pub message: String,
    /// Names and values shown with it.
    pub metadata: Option<Value>,
    /// A path of the portal.
    pub link: Option<String>,
    /// When it leaves the feeds.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether people who do not want this type in their feed are spared.
    pub respects_preferences: bool,
    /// Breaks through quiet hours.
    pub is_urgent: bool,
}

/// Broadcasts leave the feeds after this time unless they say otherwise.
const SHOWN: TimeDelta = TimeDelta::days(90);

/// Stores an announcement and sees to its delivery.
pub async fn publish(app: &App, tx: &mut Tx, new: &Announcement) -> Result<i64> {
    let now = tx.stamp().at;
    let cause = deliver::cause(&new.event_type, new.link.as_deref().unwrap_or(&new.message));
    let mut person = None;
    if let To::Person(id) = new.to {
        let query = wishes::select(&new.event_type, &cause, now).push(" WHERE u.id = ?").bind(id);
        person = query.fetch_optional::<Wishes>(&mut *tx).await?;
    }
    let standing = new.standing();
    let plan = person.as_ref().map(|person| person.plan(standing, now, false));
    let row = NewRow {
        to: new.to,
        event_type: &new.event_type,
        message: &new.message,
        metadata: new.metadata.as_ref(),
        link: new.link.as_deref(),
        in_app: !new.respects_preferences || plan.as_ref().is_none_or(|plan| plan.in_app),
        ignores_preferences: !new.respects_preferences,
        dedupe: Some(format!("{MARK}{}", tokens::random_hex(12))),
        expires_at: new.expires_at.or((person.is_none()).then_some(now + SHOWN)),
    };
    let id = deliver::record(tx, &row).await?.unwrap_or_default();
    match person.zip(plan) {
        Some((person, plan)) => deliver::send(app, tx, id, &person, &plan, &new.letter(), None, &cause).await?,
        None => queue(tx, id, new.is_urgent).await?,
    }
    Ok(id)
}

impl Announcement {
    fn standing(&self) -> super::Defaults {
        let usual = defaults(&self.event_type);
        super::Defaults { is_urgent: usual.is_urgent || self.is_urgent, ..usual }
    }

    fn letter(&self) -> Letter<'_> {
        Letter {
            label: label(&self.event_type),
            event_type: &self.event_type,
            message: &self.message,
            link: self.link.as_deref(),
        }
    }
}

async fn queue(tx: &mut Tx, id: i64, is_urgent: bool) -> Result<()> {
    let payload = json!({ "id": id, "urgent": is_urgent });
    NewJob::new("notify.fan_out", payload).dedupe(format!("notify.fan_out:{id}")).queue(tx).await?;
    Ok(())
}

#[derive(Deserialize)]
struct Payload {
    id: i64,
    urgent: bool,
}

#[derive(sqlx::FromRow)]
struct Stored {
    company_id: Option<i64>,
    audience: String,
    event_type: String,
    message: String,
    link: Option<String>,
    recalled_at: Option<DateTime<Utc>>,
}

/// Mails a broadcast to those who want it, batch by batch. Who has been seen to is left out, so a
/// repeat does no harm.
pub(crate) async fn fan_out_job(run: Run) -> Result<(), JobError> {
    let Payload { id, urgent } = run.payload()?;
    while batch(&run, id, urgent).await? == BATCH {}
    Ok(())
}

async fn batch(run: &Run, id: i64, urgent: bool) -> Result<usize> {
    let stored: Option<Stored> = sql("SELECT company_id, audience, event_type, message, link, recalled_at \
         FROM notifications WHERE id = ? AND audience <> 'user'")
    .bind(id)
    .fetch_optional(run.db())
    .await?;
    let Some(stored) = stored.filter(|stored| stored.recalled_at.is_none()) else { return Ok(0) };
    let cause = deliver::cause(&stored.event_type, stored.link.as_deref().unwrap_or(&stored.message));
    let usual = defaults(&stored.event_type);
    let people = wishes::select(&stored.event_type, &cause, run.now())
        .push(" WHERE u.is_active = TRUE AND (COALESCE(p.channel_email, ?) = TRUE OR p.channel_sms = TRUE \
              OR p.channel_ntfy = TRUE)")
        .bind(usual.email)
        .push(" AND NOT EXISTS (SELECT 1 FROM notification_deliveries d WHERE d.user_id = u.id AND d.notification_id = ?)")
        .bind(id);
    let people = match stored.audience.as_str() {
        "company" => people
            .push(
                " AND EXISTS (SELECT 1 FROM company_memberships m WHERE m.user_id = u.id AND m.status = 'active' \
                  AND m.company_id = ?)",
            )
            .bind(stored.company_id),
        _ => people,
    };
    let people = people.push(" ORDER BY u.id LIMIT ?").bind(i64::try_from(BATCH).unwrap_or(500));
    let mut tx = run.begin().await?;
    tx.housekeeping();
    let people: Vec<Wishes> = people.fetch_all(&mut tx).await?;
    let letter = Letter {
        label: label(&stored.event_type),
        event_type: &stored.event_type,
        message: &stored.message,
        link: stored.link.as_deref(),
    };
    let standing = super::Defaults { is_urgent: usual.is_urgent || urgent, ..usual };
    if !people.is_empty() {
        let draft = deliver::general(run.app(), &mut tx, &letter).await?;
        for person in &people {
            let mut own = draft.clone();
            own.caused_by(&format!("notification-{id}-u{}", person.user_id));
            let plan = person.plan(standing, run.now(), false);
            let own = matches!(plan.email, wishes::Way::Now).then_some(own);
            deliver::send(run.app(), &mut tx, id, person, &plan, &letter, own, &cause).await?;
        }
    }
    tx.commit().await?;
    Ok(people.len())
}
