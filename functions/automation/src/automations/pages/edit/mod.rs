//! The builder: when, only if, then; in words, tried on a ticket, saved.

mod example;
mod page;
mod trial;

use axum::response::Response;
use shared::Flash;
use shared::caller::SuperAdmin;
use shared::context::By;
use shared::error::{Error, Invalid, Result};
use shared::web::{Form, Path};

pub use page::AutomationEdit;
use trial::try_on;

use crate::automations::builder::{Blank, Builder};
use crate::automations::model::{Automation, Draft};
use crate::automations::store;

/// The builder of a new automation.
pub async fn new(by: SuperAdmin) -> Result<Response> {
    let mut builder = Builder::of(&Draft::blank(by.app().config()), 0);
    builder.apply("add-action");
    by.page(&AutomationEdit::load(&by, None, &builder, &Invalid::none()).await?).await
}

/// The builder of an automation that exists.
pub async fn edit(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let row = store::find(by.db(), id).await?;
    let builder = Builder::of(&row.draft(), row.version);
    by.page(&AutomationEdit::load(&by, Some(&row), &builder, &Invalid::none()).await?).await
}

/// A press of a button that changes the form, or tries it; nothing is saved.
pub async fn change(by: SuperAdmin, form: Form<Blank>) -> Result<Response> {
    changed(&by, None, &form).await
}

/// The same for an automation that exists.
pub async fn change_of(by: SuperAdmin, Path(id): Path<i64>, form: Form<Blank>) -> Result<Response> {
    let row = store::find(by.db(), id).await?;
    changed(&by, Some(&row), &form).await
}

async fn changed(by: &By, stored: Option<&Automation>, form: &Form<Blank>) -> Result<Response> {
    let mut builder = Builder::read(form);
    let op = form.all("op").into_iter().next().unwrap_or_default();
    let say = builder.apply(&op);
    let is_asked = op == "test";
    // A trial that stands beside the form follows what is typed.
    let trial = match builder.draft().and_then(|draft| draft.check(by.now())) {
        Ok(draft) if is_asked || form.has("tried") => Some(try_on(by, stored, &draft, &builder.ticket).await?),
        Err(bad) if is_asked => {
            return by.page_again(&AutomationEdit::load(by, stored, &builder, &bad).await?).await;
        }
        _ => None,
    };
    let page = AutomationEdit::load(by, stored, &builder, &Invalid::none()).await?;
    by.page(&page.told(trial, say)).await
}

/// What is wrong with what was typed; other errors pass.
fn refusal(error: Error) -> Result<Invalid> {
    match error {
        Error::Invalid(invalid) => Ok(invalid),
        error if error.status() == http::StatusCode::CONFLICT => Ok(Invalid::field("", error.detail().into_owned())),
        error => Err(error),
    }
}

/// Adds an automation.
pub async fn create(by: SuperAdmin, form: Form<Blank>) -> Result<Response> {
    let builder = Builder::read(&form);
    let made = match builder.draft() {
        Ok(draft) => store::create(&by, draft).await,
        Err(bad) => Err(bad.into()),
    };
    match made {
        Ok(row) => by.see("/admin/automations", Flash::done(format!("{} created", row.name))).await,
        Err(error) => by.page_again(&AutomationEdit::load(&by, None, &builder, &refusal(error)?).await?).await,
    }
}

/// Saves an automation.
pub async fn update(by: SuperAdmin, Path(id): Path<i64>, form: Form<Blank>) -> Result<Response> {
    let builder = Builder::read(&form);
    let saved = match builder.draft() {
        Ok(draft) => store::update(&by, id, builder.version.parse().ok(), |_| Ok(draft)).await,
        Err(bad) => Err(bad.into()),
    };
    match saved {
        Ok(row) => by.see("/admin/automations", Flash::done(format!("{} saved", row.name))).await,
        Err(error) => {
            let row = store::find(by.db(), id).await?;
            by.page_again(&AutomationEdit::load(&by, Some(&row), &builder, &refusal(error)?).await?).await
        }
    }
}
