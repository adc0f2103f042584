//! The pages with which people are added: by invitation, or with a first password (organisation 7.4).

use axum::response::Response;
use serde::{Deserialize, Serialize};
use shared::caller::{Person, User};
use shared::error::{Error, Invalid, Result};
use shared::page::Page;
use shared::rate_limit::{self, INVITE};
use shared::web::{Form, FormState, Path, Query};
use shared::{Flash, Tone, passwords};

use super::access::Flags;
use super::manager::{Manager, Role};
use super::model::{self, Choice, Fields, Invitation, Tick};
use super::store::{self, Sent};
use crate::companies::model::Company;
use crate::companies::store as companies;

/// The company, if the caller manages its members; else it does not exist for them.
pub async fn managed(by: &User, id: i64) -> Result<(Manager, Company)> {
    let manager = Manager::of(by.me(), id).ok_or_else(companies::unknown)?;
    let company = companies::find(by.db(), id).await?;
    Ok((manager, company))
}

/// The form for one person.
#[derive(Debug, Serialize)]
pub struct Invite {
    company: Company,
    roles: Vec<Choice>,
    levels: Vec<Choice>,
    sections: Vec<Tick>,
    is_super_admin: bool,
    /// With a first password instead of an invitation.
    has_password: bool,
    form: FormState,
}

impl Invite {
    fn new(manager: &Manager, company: Company, roles: &[Role], has_password: bool, form: FormState) -> Self {
        Self {
            company,
            roles: model::role_choices(roles),
            levels: model::level_choices(manager),
            sections: model::ticks(manager, &Flags::default()),
            is_super_admin: manager.is_super_admin,
            has_password,
            form,
        }
    }
}

impl Page for Invite {
    const TEMPLATE: &'static str = "companies/invite.html";

    fn samples() -> Vec<Self> {
        let choice = |value, label: &str| Choice { value, label: label.to_owned() };
        let bad = Invalid::field("email", "Enter an email address");
        let tick = |locked| Tick {
            name: "can_access_shop",
            label: "Shop",
            hint: "Looks at products and prices.",
            on: false,
            locked,
        };
        let page = |is_super_admin: bool, has_password, form| Self {
            company: crate::companies::pages::sample(),
            roles: vec![choice(3, "Member"), choice(1, "Owner")],
            levels: vec![choice(0, "No staff access")],
            sections: vec![tick(!is_super_admin)],
            is_super_admin,
            has_password,
            form,
        };
        vec![
            page(true, false, FormState::of([("role", "3")])),
            page(true, true, FormState::of([("role", "3")])),
            page(false, false, FormState::of([("first_name", "Eva")]).refused(&bad)),
        ]
    }
}

/// What the form is opened with.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// `password` for the form with a first password.
    with: String,
    /// A suggested address.
    email: String,
}

/// The form.
pub async fn invite(by: User, Path(id): Path<i64>, asked: Query<Asked>) -> Result<Response> {
    let (manager, company) = managed(&by, id).await?;
    let roles = store::roles(&by, &manager, &company).await?;
    let mut form = model::blank(&roles);
    if !asked.email.is_empty() {
        form.fields.entry("email".to_owned()).or_default().value.clone_from(&asked.email);
    }
    by.page(&Invite::new(&manager, company, &roles, asked.with == "password", form)).await
}

/// Sends the invitation.
pub async fn send(by: User, form: Form<Fields>) -> Result<Response> {
    add(&by, form, false).await
}

/// Adds a person with a first password, which they must change.
pub async fn create(by: User, form: Form<Fields>) -> Result<Response> {
    add(&by, form, true).await
}

async fn add(by: &User, form: Form<Fields>, with_password: bool) -> Result<Response> {
    let id = form.company_id.trim().parse().map_err(|_| Error::bad_request("Select a company."))?;
    let (manager, company) = managed(by, id).await?;
    if company.archived_at.is_some() {
        return Err(Error::conflict("This company is archived. Open it again first.").code("archived"));
    }
    let roles = store::roles(by, &manager, &company).await?;
    let outcome = match parse(by, &form, &manager, &roles, with_password).await {
        Ok(invitation) => {
            rate_limit::hit(by.app(), &INVITE, &subject(by.me())).await?;
            store::invite(by, &manager, &company, &invitation).await.map(|sent| (sent, invitation.email))
        }
        Err(error) => Err(error),
    };
    match outcome {
        Ok((Sent { link: Some(_), .. }, _)) => Ok(by.go(&format!("/admin/companies/{id}/invite/link"))),
        Ok((sent, email)) if with_password => {
            by.see(format!("/admin/companies/{id}"), added(&manager, &sent, &email, &company)).await
        }
        Ok((sent, email)) => by.see(format!("/admin/companies/{id}"), message(&sent, &email, &company)).await,
        Err(Error::Invalid(invalid)) => {
            by.page_again(&Invite::new(&manager, company, &roles, with_password, form.refused(&invalid))).await
        }
        Err(error) => Err(error),
    }
}

/// Checks what was typed; a first password is hashed whether or not the person is new, so that the time
/// it takes tells nothing.
async fn parse(
    by: &User,
    form: &Form<Fields>,
    manager: &Manager,
    roles: &[Role],
    with_password: bool,
) -> Result<Invitation> {
    let parsed = form.parse(manager, roles, model::ticked(form));
    if !with_password {
        return Ok(parsed?);
    }
    let mut bad = parsed.as_ref().err().cloned().unwrap_or_default();
    let weakness = passwords::check(&form.password, form.email.trim(), &by.app().config().app_name);
    bad.check("password", weakness.map_err(passwords::Weakness::message));
    bad.finish()?;
    let password_hash = Some(passwords::hash(&form.password).await.map_err(anyhow)?);
    Ok(Invitation { password_hash, ..parsed? })
}

fn anyhow(error: passwords::HashError) -> Error {
    Error::from(std::io::Error::other(error))
}

fn subject(person: &Person) -> String {
    format!("u{}", person.id())
}

/// The same words whether the person was new or not: accounts of other companies cannot be looked for.
fn added(manager: &Manager, sent: &Sent, email: &str, company: &Company) -> Flash {
    if manager.is_super_admin && sent.is_active {
        return Flash::done(format!("{email} now works in {}", company.name));
    }
    let text = format!("{email} was added to {}. Whoever has an account already is asked to join first.", company.name);
    Flash::done(text)
}

/// What became of an invitation.
pub(super) fn message(sent: &Sent, email: &str, company: &Company) -> Flash {
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
