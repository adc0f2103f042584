//! The texts of the desk: list, new, change, delete.

use axum::response::Response;
use serde::{Deserialize, Serialize};
use shared::Flash;
use shared::audit::Change as Line;
use shared::caller::Technician;
use shared::error::{Error, Invalid, Result};
use shared::page::Page;
use shared::web::{Form, FormState, Path};

use crate::model::{NewTemplate, TEMPLATE_WORDS};
use crate::store::{self, Template};

const PATH: &str = "/tickets/templates";

/// The list, with the form of a new one or of the one that is changed.
#[derive(Debug, Serialize)]
pub struct TemplatesPage {
    items: Vec<Item>,
    form: FormState,
    /// The one that is changed.
    editing: Option<i64>,
    words: Vec<Word>,
}

#[derive(Debug, Serialize)]
struct Item {
    id: i64,
    name: String,
    body: String,
    is_shared: bool,
}

#[derive(Debug, Serialize)]
struct Word {
    word: &'static str,
    meaning: &'static str,
}

/// The form as it is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    name: String,
    body: String,
    is_shared: String,
}

impl Fields {
    fn parse(&self) -> Result<NewTemplate> {
        NewTemplate::parse(&self.name, &self.body, !self.is_shared.is_empty())
    }
}

fn missing() -> Error {
    Error::not_found("Template not found")
}

/// Shows the list.
pub async fn list(by: Technician) -> Result<Response> {
    let page = TemplatesPage::load(&by, FormState::of([("is_shared", "true")]), None).await?;
    by.page(&page).await
}

/// Shows one to be changed.
pub async fn edit(by: Technician, Path(id): Path<i64>) -> Result<Response> {
    let found = store::template(by.db(), by.me().id(), id).await?.ok_or_else(missing)?;
    let shared = if found.owner_id.is_none() { "true" } else { "" };
    let form = FormState::of([("name", found.name.as_str()), ("body", &found.body), ("is_shared", shared)]);
    by.page(&TemplatesPage::load(&by, form, Some(id)).await?).await
}

/// Adds one.
pub async fn create(by: Technician, form: Form<Fields>) -> Result<Response> {
    let new = match form.parse() {
        Ok(new) => new,
        Err(Error::Invalid(invalid)) => return again(&by, &form, &invalid, None).await,
        Err(error) => return Err(error),
    };
    let mut tx = by.begin().await?;
    let id = store::insert_template(&mut tx, by.me().id(), &new).await?;
    tx.audit(Line::new("tickets.template_create", "ticket_template", id).label(&new.name));
    tx.commit().await?;
    by.see(PATH, Flash::done("Template saved")).await
}

/// Changes one.
pub async fn update(by: Technician, Path(id): Path<i64>, form: Form<Fields>) -> Result<Response> {
    store::template(by.db(), by.me().id(), id).await?.ok_or_else(missing)?;
    let new = match form.parse() {
        Ok(new) => new,
        Err(Error::Invalid(invalid)) => return again(&by, &form, &invalid, Some(id)).await,
        Err(error) => return Err(error),
    };
    let mut tx = by.begin().await?;
    store::save_template(&mut tx, by.me().id(), id, &new).await?;
    tx.audit(Line::new("tickets.template_update", "ticket_template", id).label(&new.name));
    tx.commit().await?;
    by.see(PATH, Flash::done("Template saved")).await
}

/// Deletes one.
pub async fn delete(by: Technician, Path(id): Path<i64>) -> Result<Response> {
    let found = store::template(by.db(), by.me().id(), id).await?.ok_or_else(missing)?;
    let mut tx = by.begin().await?;
    store::delete_template(&mut tx, id).await?;
    tx.audit(Line::new("tickets.template_delete", "ticket_template", id).label(&found.name));
    tx.commit().await?;
    by.see(PATH, Flash::done("Template deleted")).await
}

async fn again(by: &Technician, form: &Form<Fields>, invalid: &Invalid, editing: Option<i64>) -> Result<Response> {
    by.page_again(&TemplatesPage::load(by, form.refused(invalid), editing).await?).await
}

impl TemplatesPage {
    async fn load(by: &Technician, form: FormState, editing: Option<i64>) -> Result<Self> {
        let items = store::templates(by.db(), by.me().id()).await?;
        Ok(Self::new(items, form, editing))
    }

    fn new(items: Vec<Template>, form: FormState, editing: Option<i64>) -> Self {
        let item = |t: Template| Item { id: t.id, name: t.name, body: t.body, is_shared: t.owner_id.is_none() };
        let words = TEMPLATE_WORDS.iter().map(|(word, meaning)| Word { word, meaning }).collect();
        Self { items: items.into_iter().map(item).collect(), form, editing, words }
    }
}

impl Page for TemplatesPage {
    const TEMPLATE: &'static str = "tickets/templates.html";

    fn samples() -> Vec<Self> {
        let own = Template {
            id: 3,
            owner_id: None,
            name: "More information".to_owned(),
            body: "Hello {requester_first_name},\n\ncould you send a screenshot?".to_owned(),
        };
        let wrong = FormState::blank().refused(&Invalid::field("name", "Enter a name"));
        vec![
            Self::new(vec![own.clone()], FormState::blank(), None),
            Self::new(vec![own], wrong, Some(3)),
            Self::new(Vec::new(), FormState::blank(), None),
        ]
    }
}
