//! The details of one company: for super administrators a form, for others what is known.

use axum::response::Response;
use serde::Serialize;
use shared::Flash;
use shared::caller::{SuperAdmin, User};
use shared::error::{Invalid, Result};
use shared::page::Page;
use shared::web::{Form, FormState, Path};

use super::frame::{Frame, visible};
use super::model::{Company, Fields};
use super::pages::{sample, shown, taken_field};
use super::store;

/// The page.
#[derive(Debug, Serialize)]
pub struct Details {
    head: Frame,
    company: Company,
    form: FormState,
}

impl Details {
    fn new(head: Frame, form: FormState) -> Self {
        Self { company: head.company.clone(), head, form }
    }
}

impl Page for Details {
    const TEMPLATE: &'static str = "companies/details.html";

    fn samples() -> Vec<Self> {
        let page = |is_super_admin, company: Company| {
            let form = company.fields().state();
            Self::new(Frame::sample(is_super_admin, company, "Details"), form)
        };
        let archived = Company { archived_at: Some(sample().created_at), ..sample() };
        let alone = Company { address: None, website: None, contact_email: None, ..sample() };
        let mut wrong = page(true, sample());
        wrong.form = wrong.form.refused(&Invalid::field("name", "Enter the company name"));
        vec![page(true, sample()), wrong, page(false, alone), page(true, archived)]
    }
}

/// The page.
pub async fn show(by: User, Path(id): Path<i64>) -> Result<Response> {
    let company = visible(&by, id).await?;
    let form = company.fields().state();
    by.page(&Details::new(Frame::new(by.me(), company, "Details"), form)).await
}

/// Saves the details. The table of companies sends the fields of a row only; the others stay then.
pub async fn update(by: SuperAdmin, Path(id): Path<i64>, form: Form<Fields>) -> Result<Response> {
    let put = |stored: Fields| form.value.clone().over(stored, |name| form.has(name));
    match shown(store::update(&by, id, put).await, &form)? {
        Ok(company) => {
            let back = form.all("back").into_iter().next().filter(|back| back.starts_with('?'));
            let to = back.map_or_else(|| format!("/admin/companies/{id}/details"), |q| format!("/admin/companies{q}"));
            by.see(to, Flash::done(format!("{} saved", company.name))).await
        }
        Err(refused) => {
            let company = store::find(by.db(), id).await?;
            let form = over(put(company.fields()).state(), refused);
            by.page_again(&Details::new(Frame::new(by.me(), company, "Details"), form)).await
        }
    }
}

/// What was not sent is shown as it is stored.
fn over(mut all: FormState, refused: FormState) -> FormState {
    for (name, field) in refused.fields {
        all.fields.entry(name).or_default().errors = field.errors;
    }
    all.errors = refused.errors;
    all
}

/// Archives the company.
pub async fn archive(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let company = store::find(by.db(), id).await?;
    store::archive(&by, &company).await?;
    let text = format!("{} archived. Its members no longer see it.", company.name);
    by.see(format!("/admin/companies/{id}/details"), Flash::done(text)).await
}

/// Opens the company again.
pub async fn unarchive(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let company = store::find(by.db(), id).await?;
    let opened = store::unarchive(&by, &company).await;
    let to = format!("/admin/companies/{id}/details");
    match opened {
        Ok(()) => by.see(to, Flash::done(format!("{} opened again", company.name))).await,
        Err(error) if taken_field(&error.detail()).is_some() => {
            let text = "Another company has taken the name. Change the name of this one first.";
            by.see(to, Flash::new(shared::Tone::Error, text)).await
        }
        Err(error) => Err(error),
    }
}
