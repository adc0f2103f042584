//! `/admin/notifications`: compose with a look before sending, what was sent, and taking back.

use axum::response::Response;
use chrono::{DateTime, NaiveDate};
use serde::{Deserialize, Serialize};
use shared::accounts::users;
use shared::caller::SuperAdmin;
use shared::db::{Db, sql};
use shared::error::{Invalid, Result};
use shared::notify::{Announcement, hours};
use shared::page::Page;
use shared::web::{Form, FormState, PageOf, Paging, Path, Query};
use shared::{Flash, Tone, format, notify};

use super::model::NewNotification;
use super::store::{self, Sent};
use crate::feed::pages::Choice;

/// What was announced.
#[derive(Debug, Serialize)]
pub struct SentPage {
    list: PageOf<Sent>,
}

fn example() -> Sent {
    Sent {
        id: 12,
        audience: "all".to_owned(),
        user_id: None,
        company_id: None,
        recipient: None,
        event_type: "general".to_owned(),
        message: "The portal is read-only on Sunday from 06:00 to 07:00.".to_owned(),
        link: Some("/help".to_owned()),
        created_at: DateTime::from_timestamp(1_794_990_000, 0).unwrap_or_default(),
        expires_at: None,
        recalled_at: None,
        created_by: Some("olivia@example.com".to_owned()),
        read_count: 41,
        sent_count: 12,
        failed_count: 1,
        waiting_count: 2,
    }
}

impl Page for SentPage {
    const TEMPLATE: &'static str = "notifications/sent.html";

    fn samples() -> Vec<Self> {
        let page = |items: Vec<Sent>| Self { list: PageOf::new(items, Paging::of(1, 25), 30) };
        let other =
            Sent { recipient: Some("Northwind Dental".to_owned()), audience: "company".to_owned(), ..example() };
        let back = Sent { recalled_at: Some(example().created_at), ..example() };
        vec![page(vec![example(), other, back]), page(Vec::new())]
    }
}

/// The list.
pub async fn list(by: SuperAdmin, paging: Query<Paging>) -> Result<Response> {
    let counted = store::count(by.db()).await?;
    let rows = store::list(by.db(), paging.size(), paging.offset()).await?;
    by.page(&SentPage { list: PageOf::new(rows, paging.value, counted) }).await
}

/// The form, and how it will look.
#[derive(Debug, Serialize)]
pub struct ComposePage {
    form: FormState,
    companies: Vec<Choice>,
    types: Vec<Choice>,
    preview: Option<Preview>,
}

#[derive(Debug, Serialize)]
struct Preview {
    label: String,
    message: String,
    link: Option<String>,
    people: i64,
    is_everyone: bool,
}

impl Page for ComposePage {
    const TEMPLATE: &'static str = "notifications/compose.html";

    fn samples() -> Vec<Self> {
        let page = |form: FormState, preview| Self {
            form,
            companies: vec![Choice { value: "1".to_owned(), label: "Northwind Dental".to_owned() }],
            types: types(),
            preview,
        };
        let preview = |people, is_everyone| {
            let Sent { message, link, .. } = example();
            Some(Preview { label: "Announcement".to_owned(), message, link, people, is_everyone })
        };
        let wrong = FormState::of([("message", "")]).refused(&Invalid::field("message", "Enter 1 to 2,000 characters"));
        vec![
            page(wrong, None),
            page(FormState::blank(), preview(140, true)),
            page(FormState::blank(), preview(1, false)),
        ]
    }
}

fn types() -> Vec<Choice> {
    let mut types: Vec<Choice> =
        notify::KINDS.iter().map(|kind| Choice { value: kind.name.to_owned(), label: kind.label.to_owned() }).collect();
    types.sort_by(|a, b| (a.value != "general", &a.label).cmp(&(b.value != "general", &b.label)));
    types
}

async fn companies(db: &Db) -> Result<Vec<Choice>> {
    let rows: Vec<(i64, String)> =
        sql("SELECT id, name FROM companies WHERE archived_at IS NULL ORDER BY name, id LIMIT 500")
            .fetch_all(db)
            .await?;
    Ok(rows.into_iter().map(|(id, label)| Choice { value: id.to_string(), label }).collect())
}

/// An empty form.
pub async fn new(by: SuperAdmin) -> Result<Response> {
    let form = FormState::of([("audience", "all"), ("event_type", "general")]);
    by.page(&ComposePage { form, companies: companies(by.db()).await?, types: types(), preview: None }).await
}

/// The form as sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ComposeForm {
    audience: String,
    company_id: String,
    email: String,
    event_type: String,
    message: String,
    link: String,
    expires: String,
    urgent: String,
    /// `send` after the look, `edit` to go back to the form.
    r#do: String,
}

impl ComposeForm {
    async fn parse(&self, by: &SuperAdmin) -> Result<std::result::Result<Announcement, Invalid>> {
        let mut bad = Invalid::none();
        let mut new = NewNotification {
            event_type: self.event_type.clone(),
            message: self.message.clone(),
            link: Some(self.link.clone()),
            urgent: self.urgent == "true",
            ..NewNotification::default()
        };
        match self.audience.as_str() {
            "all" => {}
            "company" => {
                new.company_id = bad.check("company_id", self.company_id.parse().map_err(|_| "Choose a company"));
            }
            "user" => {
                let email = bad.check("email", users::parse_email(&self.email));
                if let Some(email) = email {
                    let found = users::find_by_email(by.db(), &email).await?;
                    new.user_id = bad.check("email", found.map(|user| user.id).ok_or("Nobody has this address"));
                }
            }
            _ => bad.add("audience", "Choose whom it is for"),
        }
        if !self.expires.trim().is_empty() {
            let zone =
                sql("SELECT default_timezone FROM site_settings WHERE id = 1").fetch_value::<String>(by.db()).await?;
            let day = self.expires.trim().parse::<NaiveDate>().ok().and_then(|day| day.succ_opt());
            let at = day.and_then(|day| hours::at_local(day, 0, format::zone(&zone))).filter(|at| *at > by.now());
            new.expires_at = bad.check("expires", at.ok_or("Enter today or a day to come"));
        }
        let parsed = new.parse(by.now());
        if let Err(more) = &parsed {
            for (field, text) in more.iter() {
                bad.add(field, text);
            }
        }
        Ok(if bad.is_empty() { parsed } else { Err(bad) })
    }
}

/// Shows how it will look; sends it the second time.
pub async fn send(by: SuperAdmin, form: Form<ComposeForm>) -> Result<Response> {
    let page = async |form: FormState, preview| -> Result<ComposePage> {
        Ok(ComposePage { form, companies: companies(by.db()).await?, types: types(), preview })
    };
    let new = match form.parse(&by).await? {
        Ok(new) => new,
        Err(invalid) => return by.page_again(&page(form.refused(&invalid), None).await?).await,
    };
    if form.r#do == "edit" {
        return by.page(&page(form.state(), None).await?).await;
    }
    let people = store::recipients(by.db(), new.to).await?;
    if form.r#do == "send" {
        store::publish(&by, &new, &format!("user:{}", by.me().id())).await?;
        let text = format!("Announced to {}", format::plural(people, "person").replace("persons", "people"));
        return by.see("/admin/notifications", Flash::done(text)).await;
    }
    let preview = Preview {
        label: notify::label(&new.event_type).to_owned(),
        is_everyone: new.to == notify::To::Everyone,
        message: new.message,
        link: new.link,
        people,
    };
    by.page(&page(form.state(), Some(preview)).await?).await
}

/// Takes an announcement back.
pub async fn recall(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    store::find(by.db(), id).await?;
    let mut tx = by.begin().await?;
    let is_done = store::recall(&mut tx, id).await?;
    tx.commit().await?;
    let flash = match is_done {
        true => Flash::done("Taken back. Mails that were sent already stay where they are."),
        false => Flash::new(Tone::Info, "It was taken back before"),
    };
    by.see("/admin/notifications", flash).await
}
