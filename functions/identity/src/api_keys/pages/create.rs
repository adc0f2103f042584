//! The form for a new key.

use axum::response::Response;
use serde::{Deserialize, Serialize};
use shared::Flash;
use shared::caller::{Fresh, SuperAdmin};
use shared::error::{Error, Invalid, Result};
use shared::page::Page;
use shared::web::{Form, FormState, Query};

use super::{From, list_path};
use crate::api_keys::change::{self, Shown};
use crate::api_keys::model::{ALL, AREAS, NewKeyBody, READ_ALL};
use crate::users::store::{self, CompanyName};

/// The form as the template draws it.
#[derive(Debug, Serialize)]
pub struct NewKeyPage {
    form: FormState,
    areas: Vec<Area>,
    companies: Vec<CompanyName>,
    today: String,
    /// The filters of the list from which somebody came.
    list: String,
    back: String,
}

/// An area with what is ticked in it.
#[derive(Debug, Serialize)]
struct Area {
    name: &'static str,
    label: &'static str,
    reads: bool,
    writes: bool,
}

impl Page for NewKeyPage {
    const TEMPLATE: &'static str = "identity/api_keys_new.html";

    fn samples() -> Vec<Self> {
        let mut bad = Invalid::field("expiry_date", "Enter an expiry date in YYYY-MM-DD format.");
        bad.add("scopes", "Choose at least one scope");
        let sample = |form: FormState, chosen: &[String]| Self {
            form,
            areas: areas(chosen),
            companies: vec![CompanyName { id: 1, name: "Northwind Dental".to_owned() }],
            today: "2026-11-23".to_owned(),
            list: "q=backup".to_owned(),
            back: "/admin/api-keys?q=backup".to_owned(),
        };
        vec![
            sample(FormState::of([("access", "read")]), &[]),
            sample(FormState::of([("access", "chosen")]).refused(&bad), &["users:write".to_owned()]),
        ]
    }
}

fn areas(chosen: &[String]) -> Vec<Area> {
    let has = |name: &str, verb: &str| chosen.iter().any(|scope| *scope == format!("{name}:{verb}"));
    let area = |(name, label): (&'static str, &'static str)| Area {
        name,
        label,
        reads: has(name, "read"),
        writes: has(name, "write"),
    };
    AREAS.into_iter().map(area).collect()
}

/// A new key as typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::api_keys) struct NewKeyForm {
    description: String,
    expiry_date: String,
    access: String,
    company_id: String,
    allowed_ips: String,
    list: String,
}

impl NewKeyForm {
    fn body(&self, chosen: Vec<String>) -> Result<NewKeyBody, Invalid> {
        let company = self.company_id.trim();
        let company_id = match company {
            "" => None,
            id => Some(id.parse().map_err(|_| Invalid::field("company_id", "Choose a company from the list"))?),
        };
        let scopes = match self.access.as_str() {
            "all" => vec![ALL.to_owned()],
            "chosen" => chosen,
            _ => vec![READ_ALL.to_owned()],
        };
        Ok(NewKeyBody {
            description: Some(self.description.clone()),
            expiry_date: Some(self.expiry_date.clone()),
            scopes: Some(scopes),
            company_id,
            allowed_ips: Some(self.allowed_ips.split(['\n', ',']).map(str::to_owned).collect()),
        })
    }
}

/// The form.
pub(in crate::api_keys) async fn new(by: Fresh<SuperAdmin>, from: Query<From>) -> Result<Response> {
    let page = NewKeyPage {
        form: FormState::of([("access", "read")]),
        areas: areas(&[]),
        companies: store::companies(by.db()).await?,
        today: by.now().date_naive().to_string(),
        back: list_path(&from.list),
        list: from.list.clone(),
    };
    by.page(&page).await
}

/// Makes the key; the list shows it once.
pub(in crate::api_keys) async fn create(by: Fresh<SuperAdmin>, form: Form<NewKeyForm>) -> Result<Response> {
    let chosen = form.all("scopes");
    let made = match form.body(chosen.clone()).and_then(|body| body.parse(by.now().date_naive())) {
        Ok(new) => change::create(&by, &new, Shown::OnNextPage).await,
        Err(invalid) => Err(invalid.into()),
    };
    match made {
        Ok(_) => by.see(list_path(&form.list), Flash::done("API key created")).await,
        Err(Error::Invalid(invalid)) => {
            let page = NewKeyPage {
                form: form.refused(&invalid),
                areas: areas(&chosen),
                companies: store::companies(by.db()).await?,
                today: by.now().date_naive().to_string(),
                back: list_path(&form.list),
                list: form.list.clone(),
            };
            by.page_again(&page).await
        }
        Err(error) => Err(error),
    }
}
