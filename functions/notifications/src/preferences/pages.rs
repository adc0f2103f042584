//! `/notifications/settings`: a table of what happens and where one is told, and when.

use axum::response::Response;
use serde::{Deserialize, Serialize};
use shared::Flash;
use shared::audit::Change;
use shared::caller::User;
use shared::context::encode_component;
use shared::error::{Invalid, Result};
use shared::page::Page;
use shared::web::{Form, FormState, Query};

use super::api::{self, Channel, EmailChannel, Ways};
use super::model::{self, ChoiceIn, ChoiceOut};
use super::store::{self, Stored};
use super::times::Times;
use crate::feed::store::{Reader, event_types};

/// Types of events whose names begin alike.
#[derive(Debug, Serialize)]
struct Group {
    title: String,
    items: Vec<ChoiceOut>,
    /// Rows that the filter leaves out; the form keeps them as they are.
    rest: Vec<ChoiceOut>,
}

/// The settings.
#[derive(Debug, Serialize)]
pub struct SettingsPage {
    groups: Vec<Group>,
    q: String,
    shown: usize,
    ways: Ways,
    zone: String,
    form: FormState,
    times: FormState,
    hours: Vec<Hour>,
}

#[derive(Debug, Serialize)]
struct Hour {
    value: i64,
    label: String,
}

fn hours() -> Vec<Hour> {
    (0..24).map(|value| Hour { value, label: format!("{value:02}:00") }).collect()
}

const TITLES: [(&str, &str); 18] = [
    ("general", "General"),
    ("tickets", "Tickets"),
    ("security", "Your account"),
    ("membership", "Companies and members"),
    ("company", "Companies and members"),
    ("staff", "Staff"),
    ("users", "People"),
    ("billing", "Invoices"),
    ("shop", "Shop"),
    ("port", "Ports"),
    ("license", "Licences"),
    ("m365", "Microsoft 365"),
    ("asset", "Assets"),
    ("form", "Forms"),
    ("knowledge_base", "Knowledge base"),
    ("webhook", "Background work"),
    ("scheduler", "Background work"),
    ("automation", "Background work"),
];

fn title(event_type: &str) -> &'static str {
    let prefix = event_type.split('.').next().unwrap_or_default();
    match TITLES.iter().find(|(name, _)| *name == prefix) {
        Some((_, title)) => title,
        None if prefix == "api_keys" => "API keys",
        None => "Your own",
    }
}

/// The group of a type; names that are not in the catalogue are the person's own.
fn group_of(event_type: &str) -> &'static str {
    let is_known = shared::notify::KINDS.iter().any(|kind| kind.name == event_type);
    if is_known { title(event_type) } else { "Your own" }
}

fn groups(choices: Vec<ChoiceOut>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for choice in choices {
        let title = group_of(&choice.event_type);
        match groups.iter_mut().find(|group| group.title == title) {
            Some(group) => group.items.push(choice),
            None => groups.push(Group { title: title.to_owned(), items: vec![choice], rest: Vec::new() }),
        }
    }
    let place = |group: &Group| TITLES.iter().position(|(_, title)| *title == group.title).unwrap_or(TITLES.len());
    groups.sort_by_key(place);
    groups
}

/// Leaves out rows in which the words do not stand.
fn narrowed(mut groups: Vec<Group>, words: &str) -> Vec<Group> {
    let words = words.trim().to_lowercase();
    for group in &mut groups {
        let title = group.title.to_lowercase();
        let has = |choice: &ChoiceOut| {
            let text = format!("{title} {} {} {}", choice.event_type, choice.label, choice.description).to_lowercase();
            words.split_whitespace().all(|word| text.contains(word))
        };
        (group.items, group.rest) = std::mem::take(&mut group.items).into_iter().partition(has);
    }
    groups
}

impl Page for SettingsPage {
    const TEMPLATE: &'static str = "notifications/settings.html";

    fn samples() -> Vec<Self> {
        let choice = |event_type: &str, is_default| ChoiceOut {
            event_type: event_type.to_owned(),
            label: "New reply on your ticket".to_owned(),
            description: "With its words".to_owned(),
            is_default,
            channel_in_app: true,
            channel_email: true,
            channel_sms: false,
            channel_ntfy: false,
            email_digest: false,
        };
        let page = |q: &str, sms: Option<&'static str>, ntfy: Option<&'static str>, available, form: FormState| Self {
            groups: narrowed(groups(vec![choice("tickets.reply_added", true), choice("own.type", false)]), q),
            q: q.to_owned(),
            shown: usize::from(q.is_empty()),
            ways: Ways {
                email: EmailChannel { available, address: "ana@example.com".to_owned() },
                sms: Channel { available: sms.is_none(), reason: sms },
                ntfy: Channel { available: ntfy.is_none(), reason: ntfy },
            },
            zone: "Europe/London".to_owned(),
            form,
            times: Times::default().form("Europe/London"),
            hours: hours(),
        };
        let wrong = FormState::blank().refused(&Invalid::field("new_type", "Use 1 to 100 letters"));
        vec![
            page("reply", None, None, true, FormState::blank()),
            page("", Some("no_mobile_number"), Some("no_topic"), false, wrong),
            page("nothing fits", Some("not_configured"), Some("not_configured"), true, FormState::blank()),
        ]
    }
}

/// The page with what is stored, or with what was typed.
pub(super) async fn page(
    by: &User,
    stored: Stored,
    form: Option<FormState>,
    times: Option<FormState>,
    q: &str,
) -> Result<SettingsPage> {
    let further = event_types(by.db(), &Reader::of(by.me(), by.now())).await?;
    let groups = narrowed(groups(model::merged(by.me(), &stored.choices, further)), q);
    Ok(SettingsPage {
        shown: groups.iter().map(|group| group.items.len()).sum(),
        groups,
        q: q.trim().to_owned(),
        ways: api::ways(by, &stored).await?,
        form: form.unwrap_or_default(),
        times: times.unwrap_or_else(|| stored.times.form(&stored.zone)),
        zone: stored.zone,
        hours: hours(),
    })
}

/// Words that narrow the table.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Narrow {
    q: String,
}

/// The page.
pub async fn show(by: User, query: Query<Narrow>) -> Result<Response> {
    let stored = store::stored(by.db(), by.me().id()).await?;
    by.page(&page(&by, stored, None, None, &query.q).await?).await
}

/// The table as sent: each ticked box carries the name of its row.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SettingsForm {
    /// A type of one's own to add.
    new_type: String,
    /// A type of one's own to take out.
    remove: String,
    /// `reset` returns everything to the defaults; `on` or `off`, a colon and a title switch a group.
    r#do: String,
    /// The words that narrow the table.
    q: String,
}

/// A group is switched on in the portal, or off everywhere.
fn switch_group(items: &mut [ChoiceIn], order: &str) -> Option<String> {
    let (way, group) = order.split_once(':')?;
    let is_on = match way {
        "on" => true,
        "off" => false,
        _ => return None,
    };
    for item in items.iter_mut().filter(|item| group_of(&item.event_type) == group) {
        item.channel_in_app = Some(is_on);
        if !is_on {
            item.channel_email = Some(false);
            item.channel_sms = Some(false);
            item.channel_ntfy = Some(false);
            item.email_digest = Some(false);
        }
    }
    Some(format!("{group}: {}", if is_on { "on in the portal" } else { "off everywhere" }))
}

/// Saves the whole table.
pub async fn save(by: User, form: Form<SettingsForm>) -> Result<Response> {
    let ticked = |name: &str| form.all(name);
    let (in_app, email, sms, ntfy) = (ticked("in_app"), ticked("email"), ticked("sms"), ticked("ntfy"));
    let digest = ticked("digest");
    let mut items: Vec<ChoiceIn> = form
        .all("types")
        .into_iter()
        .filter(|name| *name != form.remove)
        .map(|name| ChoiceIn {
            channel_in_app: Some(in_app.contains(&name)),
            channel_email: Some(email.contains(&name)),
            channel_sms: Some(sms.contains(&name)),
            channel_ntfy: Some(ntfy.contains(&name)),
            email_digest: Some(digest.contains(&name)),
            event_type: name,
        })
        .collect();
    let switched = switch_group(&mut items, &form.r#do);
    let parsed = if form.r#do == "reset" {
        Ok(Vec::new())
    } else {
        add_own(&mut items, &form.new_type).and_then(|()| model::parse(&items))
    };
    let choices = match parsed {
        Ok(choices) => choices,
        Err(invalid) => {
            let stored = store::stored(by.db(), by.me().id()).await?;
            return by.page_again(&page(&by, stored, Some(form.refused(&invalid)), None, &form.q).await?).await;
        }
    };
    let mut tx = by.begin().await?;
    let count = i64::try_from(choices.len()).unwrap_or_default();
    tx.audit(Change::new("notifications.preferences_changed", "user", by.me().id()).meta("types", count));
    store::replace(&mut tx, by.me().id(), &choices).await?;
    tx.commit().await?;
    let text = match switched {
        Some(text) => text,
        None if form.r#do == "reset" => "Defaults restored".to_owned(),
        None => "Notification settings saved".to_owned(),
    };
    let words = if form.q.is_empty() { String::new() } else { format!("?q={}", encode_component(&form.q)) };
    by.see(&format!("/notifications/settings{words}"), Flash::done(text)).await
}

fn add_own(items: &mut Vec<ChoiceIn>, name: &str) -> Result<(), Invalid> {
    if name.trim().is_empty() {
        return Ok(());
    }
    let event_type = model::parse_type(name).map_err(|text| Invalid::field("new_type", text))?;
    if items.iter().any(|item| item.event_type == event_type) {
        return Err(Invalid::field("new_type", "This type is in the table already"));
    }
    items.push(ChoiceIn {
        event_type,
        channel_in_app: Some(true),
        channel_email: None,
        channel_sms: None,
        channel_ntfy: None,
        email_digest: None,
    });
    Ok(())
}
