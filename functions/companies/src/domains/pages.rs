//! `/admin/companies/{id}/domains`: the domains, and people who could join by them.

use axum::response::Response;
use serde::{Deserialize, Serialize};
use shared::Flash;
use shared::accounts::memberships::role_id;
use shared::caller::{SuperAdmin, User};
use shared::error::{Error, Invalid, Result};
use shared::page::Page;
use shared::web::{Form, FormState, Path};

use super::model::{self, Domain};
use super::store::{self, Match};
use crate::companies::frame::{Frame, may_edit};
use crate::companies::model::{Company, Flag};
use crate::companies::store as companies;
use crate::members::change::{Cause, Wish};
use crate::members::joining;
use crate::members::manager::Manager;

/// The page.
#[derive(Debug, Serialize)]
pub struct Domains {
    head: Frame,
    domains: Vec<Domain>,
    people: Vec<Match>,
    may_add_people: bool,
    form: FormState,
}

impl Page for Domains {
    const TEMPLATE: &'static str = "companies/domains.html";

    fn samples() -> Vec<Self> {
        let at = chrono::DateTime::from_timestamp(1_794_990_000, 0).unwrap_or_default();
        let domain = |id, auto_join| Domain {
            id,
            company_id: 4,
            domain: "dental.example.com".to_owned(),
            auto_join,
            created_by: None,
            created_at: at,
            updated_at: at,
        };
        let person = |first: Option<&str>| Match {
            id: 3,
            email: "ana@dental.example.com".to_owned(),
            first_name: first.map(str::to_owned),
            last_name: None,
        };
        let page = |is_super_admin, domains, people, form| Self {
            head: Frame::sample(is_super_admin, crate::companies::pages::sample(), "Email domains"),
            domains,
            people,
            may_add_people: true,
            form,
        };
        let bad = Invalid::field("domain", "Enter a domain such as example.com");
        let all = || vec![domain(1, true), domain(2, false)];
        vec![
            page(true, all(), vec![person(Some("Ana")), person(None)], FormState::blank().refused(&bad)),
            page(false, all(), Vec::new(), FormState::blank()),
            page(true, Vec::new(), Vec::new(), FormState::blank()),
        ]
    }
}

async fn readable(by: &User, id: i64) -> Result<Company> {
    if !may_edit(by.me(), id) {
        return Err(companies::unknown());
    }
    companies::find(by.db(), id).await
}

async fn page(by: &User, company: Company, form: FormState) -> Result<Domains> {
    let domains = store::list(by.db(), company.id).await?;
    let may_add_people = Manager::of(by.me(), company.id).is_some() && company.archived_at.is_none();
    let people =
        if domains.is_empty() || !may_add_people { Vec::new() } else { store::matches(by, company.id).await? };
    Ok(Domains { head: Frame::new(by.me(), company, "Email domains"), domains, people, may_add_people, form })
}

/// The page.
pub async fn show(by: User, Path(id): Path<i64>) -> Result<Response> {
    let company = readable(&by, id).await?;
    let page = page(&by, company, FormState::blank()).await?;
    by.page(&page).await
}

/// What is typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    domain: String,
    auto_join: Flag,
}

/// Adds a domain, or proposes it.
pub async fn create(by: User, Path(id): Path<i64>, form: Form<Fields>) -> Result<Response> {
    let company = readable(&by, id).await?;
    let to = format!("/admin/companies/{id}/domains");
    let outcome = match model::parse(&form.domain) {
        Err(text) => Err(Error::field("domain", text)),
        Ok(domain) if by.me().user.is_super_admin => {
            store::create(&by, &company, &domain, form.auto_join.0).await.map(|_| format!("{domain} added"))
        }
        Ok(domain) => {
            store::propose(&by, &company, &domain).await.map(|()| format!("{domain} proposed to your provider"))
        }
    };
    let invalid = match outcome {
        Ok(text) => return by.see(to, Flash::done(text)).await,
        Err(Error::Invalid(invalid)) => invalid,
        Err(error) if error.status() == http::StatusCode::CONFLICT => {
            Invalid::field("domain", error.detail().into_owned())
        }
        Err(error) => return Err(error),
    };
    let page = page(&by, company, form.refused(&invalid)).await?;
    by.page_again(&page).await
}

/// Switches joining by itself.
pub async fn set_auto_join(
    by: SuperAdmin,
    Path((id, domain_id)): Path<(i64, i64)>,
    form: Form<Fields>,
) -> Result<Response> {
    let company = companies::find(by.db(), id).await?;
    let domain = store::set_auto_join(&by, &company, domain_id, form.auto_join.0).await?;
    let text = if domain.auto_join {
        format!("People with an address at {} now join by themselves", domain.domain)
    } else {
        format!("People with an address at {} no longer join by themselves", domain.domain)
    };
    by.see(format!("/admin/companies/{id}/domains"), Flash::done(text)).await
}

/// Takes a domain away.
pub async fn remove(by: SuperAdmin, Path((id, domain_id)): Path<(i64, i64)>) -> Result<Response> {
    let company = companies::find(by.db(), id).await?;
    let gone = store::remove(&by, &company, domain_id).await?;
    by.see(format!("/admin/companies/{id}/domains"), Flash::done(format!("{} removed", gone.domain))).await
}

/// Somebody to add.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Person {
    user_id: String,
}

/// Makes a plain member of somebody whose address lies in a domain of the company.
pub async fn add_person(by: User, Path(id): Path<i64>, form: Form<Person>) -> Result<Response> {
    let manager = Manager::of(by.me(), id).ok_or_else(companies::unknown)?;
    let user_id = form.user_id.trim().parse().map_err(|_| Error::not_found("User not found"))?;
    let role = role_id(by.db(), "Member").await?;
    let cause = Cause { manager: &manager, company_id: id, action: "membership.created" };
    let record = joining::add(&by, cause, user_id, &Wish { role_id: role, ..Wish::default() }).await?;
    let text = format!("{} now works for {}", record.name(), record.company_name);
    by.see(format!("/admin/companies/{id}/domains"), Flash::done(text)).await
}
