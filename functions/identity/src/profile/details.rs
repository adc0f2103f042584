//! Name, number, and where one is a member.

use axum::response::Response;
use serde::{Deserialize, Serialize};
use shared::Flash;
use shared::accounts::users;
use shared::caller::Unsettled;
use shared::error::{Error, Invalid, Result};
use shared::page::Page;
use shared::web::{Form, FormState};

use crate::sign_in::password_is_settled;
use crate::users::change;
use crate::users::model::Changes;
use crate::users::store::{self, MembershipRow};

/// The page.
#[derive(Debug, Serialize)]
pub struct ProfilePage {
    form: FormState,
    email: String,
    is_confirmed: bool,
    memberships: Vec<Membership>,
}

#[derive(Debug, Serialize)]
struct Membership {
    company: String,
    role: String,
    status: String,
    sections: String,
}

impl From<MembershipRow> for Membership {
    fn from(row: MembershipRow) -> Self {
        Self { sections: row.sections().join(", "), company: row.company, role: row.role, status: row.status }
    }
}

impl Page for ProfilePage {
    const TEMPLATE: &'static str = "identity/profile.html";

    fn samples() -> Vec<Self> {
        let membership = |company: &str, status: &str| Membership {
            company: company.to_owned(),
            role: "Member".to_owned(),
            status: status.to_owned(),
            sections: "Shop, Orders".to_owned(),
        };
        let wrong = Invalid::field("mobile_phone", "Enter the number with its country code, such as +44 20 7946 0000");
        let sample = |form: FormState, memberships| Self {
            form,
            email: "ana.ruiz@northwind.example".to_owned(),
            is_confirmed: true,
            memberships,
        };
        vec![
            sample(
                FormState::of([("first_name", "Ana"), ("last_name", "Ruiz")]),
                vec![membership("Northwind Dental", "active"), membership("Blue Fern Cafés", "invited")],
            ),
            sample(FormState::of([("mobile_phone", "0400")]).refused(&wrong), Vec::new()),
        ]
    }
}

/// The details.
pub(super) async fn show(by: Unsettled) -> Result<Response> {
    password_is_settled(&by)?;
    let user = &by.me().user;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let form = FormState::of([
        ("first_name", text(&user.first_name)),
        ("last_name", text(&user.last_name)),
        ("mobile_phone", text(&user.mobile_phone)),
    ]);
    let page = page(&by, form).await?;
    by.page(&page).await
}

async fn page(by: &Unsettled, form: FormState) -> Result<ProfilePage> {
    let me = by.me();
    let memberships = store::memberships(by.db(), me.id()).await?;
    Ok(ProfilePage {
        form,
        email: me.user.email.clone(),
        is_confirmed: me.user.email_verified_at.is_some(),
        memberships: memberships.into_iter().map(Into::into).collect(),
    })
}

/// The details as typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct DetailsForm {
    first_name: String,
    last_name: String,
    mobile_phone: String,
}

impl DetailsForm {
    fn changes(&self) -> Result<Changes, Invalid> {
        let mut bad = Invalid::none();
        let first = bad.check("first_name", users::parse_name(&self.first_name, "Enter your first name"));
        let last = bad.check("last_name", users::parse_name(&self.last_name, "Enter your last name"));
        let mobile = bad.check("mobile_phone", users::parse_mobile(&self.mobile_phone));
        bad.finish()?;
        Ok(Changes { first_name: Some(first), last_name: Some(last), mobile_phone: mobile, ..Changes::default() })
    }
}

/// Saves the details.
pub(super) async fn save(by: Unsettled, form: Form<DetailsForm>) -> Result<Response> {
    password_is_settled(&by)?;
    let saved = match form.changes() {
        Ok(changes) => change::update(&by, by.me().id(), &changes).await,
        Err(invalid) => Err(invalid.into()),
    };
    match saved {
        Ok(_) => by.see("/profile", Flash::done("Profile saved")).await,
        Err(Error::Invalid(invalid)) => {
            let page = page(&by, form.refused(&invalid)).await?;
            by.page_again(&page).await
        }
        Err(error) => Err(error),
    }
}
