//! The pages with which people are invited (organisation 7.4).

use axum::response::Response;
use serde::Serialize;
use shared::caller::{Person, User};
use shared::error::{Error, Result};
use shared::page::Page;
use shared::rate_limit::{self, INVITE};
use shared::web::{Form, FormState, Path};
use shared::{Flash, Tone};

use super::model::{self, Choice, Fields, Manager, Role};
use super::store::{self, Sent};
use crate::companies::model::Company;
use crate::companies::store as companies;

/// The company, if the caller manages its members; else it does not exist for them.
pub async fn managed(by: &User, id: i64) -> Result<(Manager, Company)> {
    let manager = Manager::of(by.me(), id).ok_or_else(companies::unknown)?;
    let company = companies::find(by.db(), id).await?;
    Ok((manager, company))
}

/// The form for one invitation.
#[derive(Debug, Serialize)]
pub struct Invite {
    company: Company,
    roles: Vec<Choice>,
    may_grant_admin: bool,
    is_super_admin: bool,
    form: FormState,
}

impl Invite {
    fn new(manager: &Manager, company: Company, roles: &[Role], form: FormState) -> Self {
        let roles = roles.iter().map(|role| Choice { value: role.id, label: role.name.clone() }).collect();
        Self {
            company,
            roles,
            may_grant_admin: manager.may_grant_admin(),
            is_super_admin: manager.is_super_admin,
            form,
        }
    }
}

impl Page for Invite {
    const TEMPLATE: &'static str = "companies/invite.html";

    fn samples() -> Vec<Self> {
        let roles =
            || vec![Choice { value: 3, label: "Member".to_owned() }, Choice { value: 1, label: "Owner".to_owned() }];
        let bad = shared::error::Invalid::field("email", "Enter an email address");
        let page = |is_super_admin, form| Self {
            company: crate::companies::pages::sample(),
            roles: roles(),
            may_grant_admin: is_super_admin,
            is_super_admin,
            form,
        };
        vec![
            page(true, FormState::of([("role", "3")])),
            page(false, FormState::of([("first_name", "Eva")]).refused(&bad)),
        ]
    }
}

/// The form.
pub async fn invite(by: User, Path(id): Path<i64>) -> Result<Response> {
    let (manager, company) = managed(&by, id).await?;
    let roles = store::roles(&by, &manager, &company).await?;
    let form = model::blank(&roles);
    by.page(&Invite::new(&manager, company, &roles, form)).await
}

/// Sends the invitation.
pub async fn send(by: User, form: Form<Fields>) -> Result<Response> {
    let id = form.company_id.trim().parse().map_err(|_| Error::bad_request("Select a company."))?;
    let (manager, company) = managed(&by, id).await?;
    let roles = store::roles(&by, &manager, &company).await?;
    let outcome = match form.parse(&manager, &roles) {
        Ok(invitation) => {
            rate_limit::hit(by.app(), &INVITE, &subject(by.me())).await?;
            store::invite(&by, &manager, &company, &invitation).await.map(|sent| (sent, invitation.email))
        }
        Err(invalid) => Err(invalid.into()),
    };
    match outcome {
        Ok((Sent { link: Some(_), .. }, _)) => Ok(by.go(&format!("/admin/companies/{id}/invite/link"))),
        Ok((sent, email)) => by.see(format!("/admin/companies/{id}"), message(&sent, &email, &company)).await,
        Err(Error::Invalid(invalid)) => {
            by.page_again(&Invite::new(&manager, company, &roles, form.refused(&invalid))).await
        }
        Err(error) => Err(error),
    }
}

fn subject(person: &Person) -> String {
    format!("u{}", person.id())
}

fn message(sent: &Sent, email: &str, company: &Company) -> Flash {
    if sent.is_unsent {
        let text = format!("{email} was added, but no mail server is set up, so no mail was sent.");
        return Flash::new(Tone::Warning, text);
    }
    if sent.is_active {
        return Flash::done(format!("{email} now works in {}. A mail tells them.", company.name));
    }
    Flash::done(format!("Invitation sent to {email}"))
}

/// The link that is shown once, where no mail server can carry it.
#[derive(Debug, Serialize)]
pub struct Link {
    company: Company,
    link: Option<String>,
}

impl Page for Link {
    const TEMPLATE: &'static str = "companies/invite_link.html";

    fn samples() -> Vec<Self> {
        let link = "https://portal.example.com/reset-password#token=8f2c".to_owned();
        [Some(link), None].map(|link| Self { company: crate::companies::pages::sample(), link }).into()
    }
}

/// Shows the link once.
pub async fn link(by: User, Path(id): Path<i64>) -> Result<Response> {
    let (_, company) = managed(&by, id).await?;
    let link = shared::flash::take_notes(&by, by.me().session.id, store::LINK_NOTE).await?.pop();
    by.page(&Link { company, link }).await
}
