//! Raising a ticket on a page.

use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::Flash;
use shared::caller::User;
use shared::error::{Error, Invalid, Result};
use shared::page::Page;
use shared::web::{FormState, Multipart, Query};

use super::choose::{self, Opt};
use super::files::SentAhead;
use crate::actions;
use crate::model::{self, RawTicket};
use crate::scope::Scope;
use crate::store::{self, Choices};

/// The form of a new ticket.
#[derive(Debug, Serialize)]
pub struct TicketNew {
    form: FormState,
    is_desk: bool,
    statuses: Vec<Opt>,
    priorities: Vec<Opt>,
    companies: Vec<Opt>,
    requesters: Vec<Opt>,
    assignees: Vec<Opt>,
    categories: Vec<String>,
    known_tags: Vec<String>,
    company_name: Option<String>,
    /// For whom a ticket may be raised by who sees those of the company.
    colleagues: Vec<Opt>,
    uploads: Vec<SentAhead>,
}

/// What a link to the form may fill in.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Prefill {
    subject: Option<String>,
    follow_up: Option<String>,
    company_id: Option<String>,
}

/// The form as it is sent; the names of the specification are accepted too.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    subject: String,
    description: String,
    status: String,
    priority: String,
    category: String,
    #[serde(alias = "moduleSlug")]
    module_slug: String,
    #[serde(alias = "companyId")]
    company_id: String,
    #[serde(alias = "requesterId")]
    requester_id: String,
    #[serde(alias = "assignedUserId")]
    assigned_user_id: String,
    #[serde(alias = "externalReference")]
    external_reference: String,
    tags: String,
    op: String,
}

/// An optional row of a select; blank is none.
pub(super) fn id(bad: &mut Invalid, field: &str, text: &str) -> Option<i64> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    bad.check(field, text.parse().ok().filter(|id: &i64| *id >= 1).ok_or("Choose from the list"))
}

pub(super) fn filled(text: String) -> Option<String> {
    (!text.trim().is_empty()).then_some(text)
}

impl Fields {
    fn raw(self) -> Result<RawTicket> {
        let mut bad = Invalid::none();
        let raw = RawTicket {
            subject: self.subject,
            description: filled(self.description),
            status: filled(self.status),
            priority: filled(self.priority),
            category: filled(self.category),
            module_slug: filled(self.module_slug),
            company_id: id(&mut bad, "company_id", &self.company_id),
            requester_id: id(&mut bad, "requester_id", &self.requester_id),
            assigned_user_id: id(&mut bad, "assigned_user_id", &self.assigned_user_id),
            external_reference: filled(self.external_reference),
            tags: bad.check("tags", model::typed_tags(&self.tags)).unwrap_or_default(),
        };
        bad.finish()?;
        Ok(raw)
    }
}

/// An empty form, or one that a link has begun to fill in.
pub async fn blank(by: User, prefill: Query<Prefill>) -> Result<Response> {
    let mut values = vec![
        ("subject", prefill.subject.clone().unwrap_or_default()),
        ("company_id", prefill.company_id.clone().unwrap_or_default()),
        ("status", "open".to_owned()),
        ("priority", "normal".to_owned()),
    ];
    if let Some(id) = prefill.follow_up.as_deref().and_then(|id| id.parse().ok()) {
        let old = store::find(Scope::of(&by), by.db(), id).await?;
        values[0].1 = format!("Follow-up: {}", old.subject).chars().take(255).collect();
        values[1].1 = old.company_id.map(|id| id.to_string()).unwrap_or_default();
        values.push(("description", format!("This follows ticket #{id}.\n\n")));
        values.push(("requester_id", old.requester_id.map(|id| id.to_string()).unwrap_or_default()));
    }
    let page = TicketNew::load(&by, FormState::of(values)).await?;
    by.page(&page).await
}

/// Stores what was typed, or shows it again with what is wrong.
pub async fn create(by: User, form: Multipart) -> Result<Response> {
    let fields: Fields = form.fields()?;
    // Without script this fills the list of people after a company was chosen.
    if fields.op == "people" {
        let mut page = TicketNew::load(&by, form.refused(&Invalid::none())).await?;
        page.uploads = SentAhead::of(&by, &form.all("upload_ids")).await?;
        return by.page(&page).await;
    }
    let typed = form.refused(&Invalid::none());
    let sent = form.all("upload_ids");
    match store(&by, fields, form).await {
        Ok(id) => by.see(format!("/tickets/{id}"), Flash::done(format!("Ticket #{id} created"))).await,
        Err(Error::Invalid(invalid)) => again(&by, typed.refused(&invalid), &sent).await,
        Err(error) if error.status() == StatusCode::BAD_REQUEST => {
            again(&by, typed.complain(error.detail()), &sent).await
        }
        Err(error) => Err(error),
    }
}

/// Shows what was typed, and the files that have arrived already.
async fn again(by: &User, form: FormState, sent: &[String]) -> Result<Response> {
    let mut page = TicketNew::load(by, form).await?;
    page.uploads = SentAhead::of(by, sent).await?;
    by.page_again(&page).await
}

async fn store(by: &User, fields: Fields, form: Multipart) -> Result<i64> {
    let wanted = actions::wanted(by, fields.raw()?)?;
    wanted.count(by).await?;
    let uploads = actions::upload_ids(&form.all("upload_ids"));
    let files = actions::gathered(by, form.files, &uploads).await?;
    actions::create(by, wanted, &files).await
}

impl TicketNew {
    async fn load(by: &User, form: FormState) -> Result<Self> {
        let is_desk = Scope::of(by).sees_desk();
        if !is_desk {
            let company = by.me().company.as_ref().filter(|c| by.me().may_work_in(c.id));
            let colleagues = match Scope::of(by).colleagues() {
                Some(company) => store::colleagues(by.db(), company, by.me().id()).await?,
                None => Vec::new(),
            };
            return Ok(Self {
                colleagues: choose::people(&colleagues),
                company_name: company.map(|c| c.name.clone()),
                ..Self::new(form, false, &Choices::default())
            });
        }
        let company = form.value("company_id").parse().ok();
        let choices = store::choices(by.db(), by.now(), company, None, None).await?;
        Ok(Self::new(form, true, &choices))
    }

    fn new(form: FormState, is_desk: bool, choices: &Choices) -> Self {
        Self {
            form,
            is_desk,
            statuses: choose::statuses(),
            priorities: choose::priorities(),
            companies: choose::options(&choices.companies, None),
            requesters: choose::people(&choices.requesters),
            assignees: choose::people(&choices.assignees),
            categories: choices.categories.clone(),
            known_tags: choices.tags.clone(),
            company_name: None,
            colleagues: Vec::new(),
            uploads: Vec::new(),
        }
    }
}

impl Page for TicketNew {
    const TEMPLATE: &'static str = "tickets/new.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("requesters", "tickets/_requesters.html")];

    fn samples() -> Vec<Self> {
        let wrong = FormState::of([("subject", ""), ("description", "Since this morning.")])
            .refused(&Invalid::field("subject", "Enter a subject"))
            .complain("Choose a company first");
        let people = super::samples::choices();
        let own =
            Self { company_name: Some("Northwind Dental".to_owned()), ..Self::new(FormState::blank(), false, &people) };
        let for_all =
            Self { colleagues: choose::people(&people.requesters), ..Self::new(FormState::blank(), false, &people) };
        let for_all = Self { uploads: SentAhead::samples(), ..for_all };
        vec![own, for_all, Self::new(FormState::blank(), true, &people), Self::new(wrong, true, &Choices::default())]
    }
}
