//! The pages of one user: new, the record, and the small forms on it.

pub(super) mod actions;
pub(super) mod confirm;
mod record;

use axum::response::Response;
use serde::{Deserialize, Serialize};
use shared::Flash;
use shared::caller::SuperAdmin;
use shared::context::By;
use shared::error::{Error, Invalid, Result};
use shared::page::Page;
use shared::web::{Form, FormState};

use super::change;
use super::model::NewUserBody;
use super::store::{self, CompanyName};

pub use confirm::ConfirmUserPage;
pub use record::UserPage;
pub(super) use record::{save, show};

/// The form for a new user.
#[derive(Debug, Serialize)]
pub struct NewUserPage {
    form: FormState,
    companies: Vec<CompanyName>,
}

impl Page for NewUserPage {
    const TEMPLATE: &'static str = "identity/users_new.html";

    fn samples() -> Vec<Self> {
        let companies = vec![CompanyName { id: 1, name: "Northwind Dental".to_owned() }];
        let mut bad = Invalid::field("email", "Enter the email address");
        bad.add("password", "Enter a password of at least 12 characters");
        vec![
            Self { form: FormState::blank(), companies: companies.clone() },
            Self { form: FormState::of([("first_name", "Ana")]).refused(&bad), companies },
        ]
    }
}

/// The fields of a new user as typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NewUserForm {
    email: String,
    first_name: String,
    last_name: String,
    mobile_phone: String,
    company_id: String,
    entry: String,
    password: String,
    email_verified: String,
    force_password_change: String,
}

impl NewUserForm {
    fn body(&self) -> Result<NewUserBody, Invalid> {
        let wants_password = self.entry == "password";
        if wants_password && self.password.is_empty() {
            return Err(Invalid::field("password", "Enter a password, or send an invitation"));
        }
        Ok(NewUserBody {
            email: self.email.clone(),
            password: wants_password.then(|| self.password.clone()),
            first_name: Some(self.first_name.clone()),
            last_name: Some(self.last_name.clone()),
            mobile_phone: Some(self.mobile_phone.clone()),
            company_id: optional_id("company_id", &self.company_id)?,
            email_verified: Some(self.email_verified == "true"),
            force_password_change: Some(self.force_password_change == "true"),
        })
    }
}

/// An id of a select whose first entry is blank.
fn optional_id(field: &str, text: &str) -> Result<Option<i64>, Invalid> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    text.trim().parse().map(Some).map_err(|_| Invalid::field(field, "Choose a company from the list"))
}

/// The form for a new user.
pub(super) async fn new(by: SuperAdmin) -> Result<Response> {
    let form = FormState::of([("entry", "invite")]);
    by.page(&NewUserPage { form, companies: store::companies(by.db()).await? }).await
}

/// Adds a user.
pub(super) async fn create(by: SuperAdmin, form: Form<NewUserForm>) -> Result<Response> {
    let created = match form.body().and_then(|body| body.parse(&by.app().config().app_name)) {
        Ok(new) => {
            let text = match &new.password {
                Some(_) => format!("{} was added", new.email),
                None => format!("Invitation sent to {}", new.email),
            };
            change::create(&by, new).await.map(|id| (id, text))
        }
        Err(invalid) => Err(invalid.into()),
    };
    match created {
        Ok((id, text)) => by.see(format!("/admin/users/{id}"), Flash::done(text)).await,
        Err(error) => {
            let form = shown_again(form.state(), error)?;
            by.page_again(&NewUserPage { form, companies: store::companies(by.db()).await? }).await
        }
    }
}

/// The form again when a field, or the person who fills it in, can mend what is wrong.
pub(super) fn shown_again(form: FormState, error: Error) -> Result<FormState> {
    match error {
        Error::Invalid(invalid) => Ok(form.refused(&invalid)),
        Error::Refused(_) if error.status() == http::StatusCode::CONFLICT => {
            let text = error.detail().into_owned();
            if text == "Email already registered" {
                let text = "That address belongs to another user. Enter another one.";
                return Ok(form.refused(&Invalid::field("email", text)));
            }
            Ok(form.complain(text))
        }
        other => Err(other),
    }
}

/// The way back to the record.
fn record_path(id: i64) -> String {
    format!("/admin/users/{id}")
}

/// A refusal of an action goes back to the record and says why; what is not there stays 404.
fn back_to(id: i64, error: Error) -> Error {
    if error.status() == http::StatusCode::NOT_FOUND { error } else { error.or_see(record_path(id)) }
}

/// Ends an action of the record.
async fn done(by: &By, id: i64, text: impl Into<String>) -> Result<Response> {
    by.see(record_path(id), Flash::done(text)).await
}
