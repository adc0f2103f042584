//! Rows of `notifications` and `notification_deliveries`, and what goes out at once.

use chrono::{DateTime, Utc};
use minijinja::context;
use serde_json::Value;

use super::announce::To;
use super::unsubscribe::unsubscribe_link;
use super::wishes::{Plan, Way, Wishes};
use super::{sms, unsubscribe};
use crate::app::App;
use crate::db::{Tx, is_unique_violation, sql};
use crate::error::Result;
use crate::mail::Draft;
use crate::tokens;

/// A notification to be stored.
pub(super) struct NewRow<'a> {
    pub(super) to: To,
    pub(super) event_type: &'a str,
    pub(super) message: &'a str,
    pub(super) metadata: Option<&'a Value>,
    pub(super) link: Option<&'a str>,
    pub(super) in_app: bool,
    pub(super) ignores_preferences: bool,
    pub(super) dedupe: Option<String>,
    pub(super) expires_at: Option<DateTime<Utc>>,
}

/// What a message says, whatever carries it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Letter<'a> {
    pub(super) label: &'a str,
    pub(super) event_type: &'a str,
    pub(super) message: &'a str,
    pub(super) link: Option<&'a str>,
}

/// A name for what a message is about, short enough for its column.
pub(super) fn cause(event_type: &str, place: &str) -> String {
    tokens::sha256_hex(format!("{event_type}\n{place}").as_bytes())
}

/// The words that a search looks through.
fn search_text(row: &NewRow<'_>) -> String {
    let mut text = row.message.to_lowercase();
    if let Some(metadata) = row.metadata {
        collect(metadata, &mut text);
    }
    text
}

fn collect(value: &Value, text: &mut String) {
    let mut add = |part: &str| {
        text.push('\n');
        text.push_str(&part.to_lowercase());
    };
    match value {
        Value::String(part) => add(part),
        Value::Number(number) => add(&number.to_string()),
        Value::Bool(flag) => add(if *flag { "true" } else { "false" }),
        Value::Null => {}
        Value::Array(list) => list.iter().for_each(|value| collect(value, text)),
        Value::Object(map) => map.iter().for_each(|(name, value)| {
            text.push('\n');
            text.push_str(&name.to_lowercase());
            collect(value, text);
        }),
    }
}

/// None when somebody else told the same in the meantime.
pub(super) async fn record(tx: &mut Tx, row: &NewRow<'_>) -> Result<Option<i64>> {
    let (now, actor) = (tx.stamp().at, tx.stamp().user_id);
    let (audience, user_id, company_id) = row.to.columns();
    let inserted =
        sql("INSERT INTO notifications (audience, user_id, company_id, event_type, message, metadata, link, \
         in_app, ignores_preferences, search_text, dedupe_key, created_by_id, created_at, expires_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(audience)
        .bind(user_id)
        .bind(company_id)
        .bind(row.event_type)
        .bind(row.message.chars().take(2000).collect::<String>())
        .bind(row.metadata.map(Value::to_string))
        .bind(row.link)
        .bind(row.in_app)
        .bind(row.ignores_preferences)
        .bind(search_text(row))
        .bind(row.dedupe.clone())
        .bind(actor)
        .bind(now)
        .bind(row.expires_at)
        .insert(tx)
        .await;
    match inserted {
        Ok(id) => Ok(Some(id)),
        Err(error) if is_unique_violation(&error, "notifications_dedupe", "notifications.dedupe_key") => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A delivery as it is stored.
struct Delivery<'a> {
    notification_id: i64,
    user_id: i64,
    channel: &'static str,
    cause: &'a str,
}

impl Delivery<'_> {
    async fn insert(
        &self,
        tx: &mut Tx,
        reason: Option<&str>,
        outbox: Option<i64>,
        due_at: Option<DateTime<Utc>>,
    ) -> Result<i64> {
        let now = tx.stamp().at;
        Ok(sql("INSERT INTO notification_deliveries (notification_id, user_id, channel, status, reason, outbox_id, \
             created_at, finished_at, due_at, cause) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(self.notification_id)
        .bind(self.user_id)
        .bind(self.channel)
        .bind(if reason.is_some() { "skipped" } else { "queued" })
        .bind(reason)
        .bind(outbox)
        .bind(now)
        .bind(reason.map(|_| now))
        .bind(due_at)
        .bind(self.cause)
        .insert(tx)
        .await?)
    }
}

/// Does what the plan says: sends, notes what waits, and says why something is not sent.
#[expect(clippy::too_many_arguments, reason = "all of them belong to one message to one person")]
pub(super) async fn send(
    app: &App,
    tx: &mut Tx,
    id: i64,
    person: &Wishes,
    plan: &Plan,
    letter: &Letter<'_>,
    mail: Option<Draft>,
    cause: &str,
) -> Result<()> {
    let on = |channel| Delivery { notification_id: id, user_id: person.user_id, channel, cause };
    match (&plan.email, mail) {
        (Way::Off, _) => {}
        (Way::Skipped(reason), _) => {
            on("email").insert(tx, Some(reason), None, None).await?;
            if plan.is_withheld {
                withheld(app, tx, person).await?;
            }
        }
        // A mail of a conversation is sent whole, later; what is gathered goes out as one list.
        (Way::Waits(at), Some(mut own)) if !plan.is_digest => {
            own.later(*at);
            let outbox = post(app, tx, person, letter, own).await?;
            on("email").insert(tx, None, outbox, None).await?;
        }
        (Way::Waits(at), _) => {
            on("email").insert(tx, None, None, Some(*at)).await?;
        }
        (Way::Now, mail) => {
            let draft = match mail {
                Some(own) => own,
                None => general(app, tx, letter).await?,
            };
            let outbox = post(app, tx, person, letter, draft).await?;
            on("email").insert(tx, None, outbox, None).await?;
        }
    }
    for (channel, way) in [("sms", &plan.sms), ("ntfy", &plan.ntfy)] {
        match way {
            Way::Off => {}
            Way::Skipped(reason) => {
                on(channel).insert(tx, Some(reason), None, None).await?;
            }
            Way::Waits(at) => {
                on(channel).insert(tx, None, None, Some(*at)).await?;
            }
            Way::Now => {
                let delivery = on(channel).insert(tx, None, None, None).await?;
                sms::queue(tx, &[delivery]).await?;
            }
        }
    }
    Ok(())
}

/// A mail in the general words.
pub(super) async fn general(app: &App, tx: &mut Tx, letter: &Letter<'_>) -> Result<Draft> {
    let link = absolute(app, letter.link);
    let fields = context! { label => letter.label, message => letter.message, link };
    Draft::template(app, tx, "notice", fields).await
}

/// The public address of a path of the portal.
pub(super) fn absolute(app: &App, link: Option<&str>) -> Option<String> {
    link.zip(app.config().base_url()).map(|(path, base)| format!("{base}{path}"))
}

/// Addresses the mail, adds the link that ends mails of this kind, and queues it.
pub(super) async fn post(
    app: &App,
    tx: &mut Tx,
    person: &Wishes,
    letter: &Letter<'_>,
    mut draft: Draft,
) -> Result<Option<i64>> {
    draft.to(&person.email);
    if let Some(link) = unsubscribe_link(app, person.user_id, letter.event_type) {
        draft.header("List-Unsubscribe", &format!("<{link}>"));
        draft.header("List-Unsubscribe-Post", unsubscribe::ONE_CLICK);
    }
    draft.queue(tx).await
}

/// Says once a day that there is more in the feed than was mailed.
async fn withheld(app: &App, tx: &mut Tx, person: &Wishes) -> Result<()> {
    let letter = Letter {
        label: "Further notifications withheld",
        event_type: "general",
        message: "You have been sent 200 notifications by mail within a day. Further ones are not mailed; \
                  you find them in the portal.",
        link: Some("/notifications"),
    };
    let mut draft = general(app, tx, &letter).await?;
    draft.caused_by(&format!("withheld-{}-{}", person.user_id, tx.stamp().at.format("%Y-%m-%d")));
    draft.to(&person.email).queue(tx).await?;
    Ok(())
}

/// A way to a person outside the portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// Mail.
    Email,
    /// Text message.
    Sms,
    /// Push.
    Ntfy,
}

/// Sends a person a test on one channel, whatever they have chosen; it does not appear in the feed.
pub async fn send_test(app: &App, tx: &mut Tx, user_id: i64, channel: Channel) -> Result<()> {
    let now = tx.stamp().at;
    let person = super::wishes::select("general", "", now).push(" WHERE u.id = ?").bind(user_id);
    let Some(person) = person.fetch_optional::<Wishes>(&mut *tx).await? else { return Ok(()) };
    let letter = Letter {
        label: "Test message",
        event_type: "general",
        message: "This is a test. Messages of the portal reach you here.",
        link: Some("/notifications/settings"),
    };
    let row = NewRow {
        to: To::Person(user_id),
        event_type: letter.event_type,
        message: letter.message,
        metadata: None,
        link: letter.link,
        in_app: false,
        ignores_preferences: false,
        dedupe: None,
        expires_at: None,
    };
    let Some(id) = record(tx, &row).await? else { return Ok(()) };
    let way = |wanted| if channel == wanted { Way::Now } else { Way::Off };
    let plan = Plan {
        in_app: false,
        email: way(Channel::Email),
        sms: way(Channel::Sms),
        ntfy: way(Channel::Ntfy),
        is_digest: false,
        is_withheld: false,
    };
    send(app, tx, id, &person, &plan, &letter, None, &cause("test", &id.to_string())).await
}
