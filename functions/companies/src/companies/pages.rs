//! The pages of all companies (organisation 6.3): the list and a new one.

use axum::response::Response;
use serde::Serialize;
use shared::Flash;
use shared::caller::{SuperAdmin, User};
use shared::context::encode_component;
use shared::error::{Error, Result};
use shared::page::Page;
use shared::web::{Form, FormState, PageOf, Paging, Query};

use super::model::{Company, Fields, Filter};
use super::store::{self, Listed};
use crate::members::manager::Manager;

/// A believable company, for samples.
pub(crate) fn sample() -> Company {
    let at = chrono::DateTime::from_timestamp(1_794_990_000, 0).unwrap_or_default();
    Company {
        id: 4,
        name: "Northwind Dental".to_owned(),
        address: Some("12 Mill Lane\nLeeds LS1 4AP".to_owned()),
        phone: Some("+44 20 7946 0000".to_owned()),
        website: Some("https://dental.example.com".to_owned()),
        contact_email: Some("office@dental.example.com".to_owned()),
        is_vip: true,
        is_provider: false,
        syncro_company_id: Some("88121".to_owned()),
        xero_id: None,
        archived_at: None,
        created_at: at,
        updated_at: at,
    }
}

/// All companies.
#[derive(Debug, Serialize)]
pub struct CompanyList {
    list: PageOf<Listed>,
    q: String,
    archived: String,
    sort: String,
    /// The address of this list without `page=` and without `sort=`.
    page_url: String,
    sort_url: String,
    /// The query of this page of the list, to come back to.
    back: String,
    /// The row that is being edited.
    edit: Option<i64>,
    is_filtered: bool,
}

impl CompanyList {
    fn new(list: PageOf<Listed>, filter: &Filter, edit: Option<i64>) -> Self {
        let q = filter.search.clone().unwrap_or_default();
        let archived = filter.archived.clone().unwrap_or_else(|| "0".to_owned());
        let sort = filter.sort.clone().unwrap_or_else(|| "name".to_owned());
        let query = format!("?q={}&archived={archived}", encode_component(&q));
        let kept = format!("/admin/companies{query}");
        Self {
            page_url: format!("{kept}&sort={sort}&size={}&page=", list.size),
            sort_url: format!("{kept}&size={}&sort=", list.size),
            back: format!("{query}&sort={sort}&size={}&page={}", list.size, list.page),
            edit,
            is_filtered: !q.is_empty() || archived != "0",
            list,
            q,
            archived,
            sort,
        }
    }
}

impl Page for CompanyList {
    const TEMPLATE: &'static str = "companies/list.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("companies-list", "companies/_list.html")];

    fn samples() -> Vec<Self> {
        let row = |id, name: &str, is_vip: bool, is_provider, is_archived| Listed {
            id,
            name: name.to_owned(),
            syncro_company_id: is_vip.then(|| "88121".to_owned()),
            xero_id: None,
            is_vip,
            is_provider,
            is_archived,
            members: 14,
            open_tickets: 3,
        };
        let rows = vec![
            row(1, "Northstar IT", false, true, false),
            row(4, "Northwind Dental", true, false, false),
            row(5, "Harbour & Sons", false, false, true),
        ];
        let nothing = Filter { search: Some("kestrel".to_owned()), ..Filter::default() };
        vec![
            Self::new(PageOf::new(rows, Paging::default(), 130), &Filter::default(), Some(4)),
            Self::new(PageOf::new(Vec::new(), Paging::default(), 0), &nothing, None),
            Self::new(PageOf::new(Vec::new(), Paging::default(), 0), &Filter::default(), None),
        ]
    }
}

/// Which row is to be edited where it stands.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct Editing {
    edit: Option<i64>,
}

/// The list for super administrators; who manages members of one company goes straight there.
pub async fn list(by: User, filter: Query<Filter>, paging: Query<Paging>, editing: Query<Editing>) -> Result<Response> {
    if !by.me().user.is_super_admin {
        return own_company(&by);
    }
    // A link with a value that means nothing shows the list without it.
    let filter = filter.value.clone().checked().unwrap_or_default();
    let (rows, counted) = store::table(&by, &filter, paging.size(), paging.offset()).await?;
    by.page(&CompanyList::new(PageOf::new(rows, paging.value, counted), &filter, editing.edit)).await
}

fn own_company(by: &User) -> Result<Response> {
    let active = by.me().company.as_ref().filter(|company| Manager::of(by.me(), company.id).is_some());
    let first = by.me().memberships.iter().map(|m| &m.company).find(|c| Manager::of(by.me(), c.id).is_some());
    let company = active.or(first);
    let company =
        company.ok_or_else(|| Error::forbidden("Access denied").with("section", "administration").or_see("/"))?;
    Ok(by.go(&format!("/admin/companies/{}", company.id)))
}

/// The form of a new company.
#[derive(Debug, Serialize)]
pub struct NewCompany {
    form: FormState,
}

impl Page for NewCompany {
    const TEMPLATE: &'static str = "companies/new.html";

    fn samples() -> Vec<Self> {
        let bad = shared::error::Invalid::field("name", "Enter the company name");
        vec![Self { form: FormState::blank() }, Self { form: FormState::blank().refused(&bad) }]
    }
}

/// The form.
pub async fn new(by: SuperAdmin) -> Result<Response> {
    by.page(&NewCompany { form: FormState::blank() }).await
}

/// Adds a company.
pub async fn create(by: SuperAdmin, form: Form<Fields>) -> Result<Response> {
    let created = match form.parse() {
        Ok(new) => store::create(&by, &new).await,
        Err(invalid) => Err(invalid.into()),
    };
    match shown(created, &form)? {
        Ok(company) => {
            let to = format!("/admin/companies/{}", company.id);
            by.see(to, Flash::done(format!("{} created", company.name))).await
        }
        Err(form) => by.page_again(&NewCompany { form }).await,
    }
}

/// Faults of fields, and names that others have, lead back to the form; all else is an error.
pub(super) fn shown<T>(outcome: Result<T>, form: &Form<Fields>) -> Result<Result<T, FormState>> {
    match outcome {
        Ok(done) => Ok(Ok(done)),
        Err(Error::Invalid(invalid)) => Ok(Err(form.refused(&invalid))),
        Err(error) => match taken_field(&error.detail()) {
            Some((field, text)) => Ok(Err(form.refused(&shared::error::Invalid::field(field, text)))),
            None => Err(error),
        },
    }
}

/// The 409 texts of the API as messages at their fields.
pub(super) fn taken_field(detail: &str) -> Option<(&'static str, &'static str)> {
    match detail {
        "Company name already exists" => Some(("name", "Another company has this name. Choose another.")),
        "Syncro ID already in use" => Some(("syncro_company_id", "Another company has this Syncro ID")),
        "Xero ID already in use" => Some(("xero_id", "Another company has this Xero ID")),
        _ => None,
    }
}
