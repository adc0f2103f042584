//! `/business-information`: which company a person works for, as what, and whom to ask (organisation 13).

use axum::response::Response;
use serde::{Deserialize, Serialize};
use shared::Flash;
use shared::accounts::staff;
use shared::caller::access::{AnySection, ManageCompany, Rights};
use shared::caller::{CompanyManager, Member, Person};
use shared::context::By;
use shared::db::sql;
use shared::error::{Error, Invalid, Result};
use shared::page::Page;
use shared::routes::Routes;
use shared::web::{Form, FormState, Json, Patch};
use utoipa::ToSchema;

use crate::companies::model::{Company, Fields};
use crate::companies::store;
use crate::members::access::Field;

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes
        .no_scope()
        .page("/business-information", show)
        .page("/business-information/edit", edit)
        .form("/business-information", save)
        .api(shared::api!(get_business_information))
        .api(shared::api!(update_business_information))
}

/// Somebody to turn to.
#[derive(Debug, Clone, Serialize, sqlx::FromRow, ToSchema)]
#[schema(as = CompanyAdministrator, example = json!({"id": 7, "email": "ana@dental.example.com",
    "first_name": "Ana", "last_name": "Ruiz"}))]
pub struct Administrator {
    id: i64,
    email: String,
    first_name: Option<String>,
    last_name: Option<String>,
}

/// How much there is of what is open to the viewer; absent where it is not.
#[derive(Debug, Clone, Copy, Default, Serialize, sqlx::FromRow, ToSchema)]
#[schema(as = CompanyCounts, example = json!({"members": 14, "open_tickets": 3, "staff": 23, "active_staff": 21}))]
pub struct Counts {
    /// Active members; for who manages them.
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<i64>,
    /// Open tickets; for who works at the desk.
    #[serde(skip_serializing_if = "Option::is_none")]
    open_tickets: Option<i64>,
    /// People of the staff directory that the viewer may list.
    #[serde(skip_serializing_if = "Option::is_none")]
    staff: Option<i64>,
    /// Those of them that are enabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    active_staff: Option<i64>,
}

/// The company as its members see it.
#[derive(Debug, Serialize)]
pub struct BusinessInformation {
    company: Company,
    role: String,
    sections: Vec<&'static str>,
    administrators: Vec<Administrator>,
    domains: Vec<String>,
    counts: Counts,
    is_super_admin: bool,
    manages_members: bool,
    may_edit: bool,
}

impl Page for BusinessInformation {
    const TEMPLATE: &'static str = "companies/business_information.html";

    fn samples() -> Vec<Self> {
        let administrator = Administrator {
            id: 7,
            email: "ana@example.com".to_owned(),
            first_name: Some("Ana".to_owned()),
            last_name: Some("Ruiz".to_owned()),
        };
        let page = |administrators, is_super_admin| Self {
            company: crate::companies::pages::sample(),
            role: "Member".to_owned(),
            sections: if is_super_admin { vec!["Shop", "Orders"] } else { Vec::new() },
            administrators,
            domains: if is_super_admin { vec!["dental.example.com".to_owned()] } else { Vec::new() },
            counts: if is_super_admin {
                Counts { members: Some(14), open_tickets: Some(3), staff: Some(23), active_staff: Some(21) }
            } else {
                Counts::default()
            },
            is_super_admin,
            manages_members: is_super_admin,
            may_edit: is_super_admin,
        };
        vec![page(vec![administrator], true), page(Vec::new(), false)]
    }
}

async fn gather(by: &By, person: &Person, id: i64) -> Result<BusinessInformation> {
    let is_super_admin = person.user.is_super_admin;
    let domains = if is_super_admin { crate::domains::store::list(by.db(), id).await? } else { Vec::new() };
    Ok(BusinessInformation {
        company: store::find(by.db(), id).await?,
        role: role(person, id),
        sections: sections(&person.rights),
        administrators: administrators(by, id).await?,
        domains: domains.into_iter().map(|domain| domain.domain).collect(),
        counts: counts(by, person, id).await?,
        is_super_admin,
        manages_members: person.rights.manages("membership.manage"),
        may_edit: person.rights.manages("company.manage"),
    })
}

/// The page.
pub async fn show(by: Member<AnySection>) -> Result<Response> {
    let page = gather(&by, by.me(), by.company().id).await?;
    by.page(&page).await
}

/// One statement, and none for plain members.
async fn counts(by: &By, person: &Person, id: i64) -> Result<Counts> {
    let (manages, desk) = (person.rights.manages("membership.manage"), person.is_technician);
    let within = staff::within_reach(person, id);
    if !manages && !desk && within.is_none() {
        return Ok(Counts::default());
    }
    let query = sql("SELECT");
    let query = match manages {
        true => query
            .push(" (SELECT COUNT(*) FROM company_memberships WHERE company_id = ? AND status = 'active')")
            .bind(id),
        false => query.push(" CAST(NULL AS SIGNED)"),
    };
    let query = query.push(" AS members,");
    let query = match desk {
        true => query
            .push(
                " (SELECT COUNT(*) FROM tickets WHERE company_id = ? AND status IN ('open', 'in_progress', 'pending'))",
            )
            .bind(id),
        false => query.push(" CAST(NULL AS SIGNED)"),
    };
    let query = query.push(" AS open_tickets,");
    let query = match within {
        Some(within) => query
            .push(" (SELECT COUNT(*) FROM staff s WHERE 1 = 1")
            .append(within.clone())
            .push(") AS staff, (SELECT COUNT(*) FROM staff s WHERE s.enabled = TRUE")
            .append(within)
            .push(") AS active_staff"),
        None => query.push(" CAST(NULL AS SIGNED) AS staff, CAST(NULL AS SIGNED) AS active_staff"),
    };
    Ok(query.fetch_one(by.db()).await?)
}

fn role(person: &Person, company_id: i64) -> String {
    let own = person.memberships.iter().find(|m| m.company.id == company_id).map(|m| m.role_name.clone());
    own.unwrap_or_else(|| "Super administrator".to_owned())
}

/// The labels of organisation 4.1 that are open to the person.
fn sections(rights: &Rights) -> Vec<&'static str> {
    let open = Field::ALL.into_iter().filter(|field| field.of(rights)).map(Field::label);
    open.chain((rights.staff_level > 0).then_some("Staff")).collect()
}

async fn administrators(by: &By, company_id: i64) -> Result<Vec<Administrator>> {
    Ok(sql(
        "SELECT u.id, u.email, u.first_name, u.last_name FROM company_memberships m JOIN users u ON u.id = m.user_id \
         WHERE m.company_id = ? AND m.status = 'active' AND m.is_admin = TRUE AND u.is_active = TRUE \
         ORDER BY u.last_name, u.first_name, u.email LIMIT 20",
    )
    .bind(company_id)
    .fetch_all(by.db())
    .await?)
}

/// The form.
#[derive(Debug, Serialize)]
pub struct EditInformation {
    company: Company,
    form: FormState,
}

impl Page for EditInformation {
    const TEMPLATE: &'static str = "companies/business_information_edit.html";

    fn samples() -> Vec<Self> {
        let company = crate::companies::pages::sample();
        let bad = Invalid::field("website", "Enter an address such as https://example.com");
        let form = company.fields().state();
        vec![Self { company: company.clone(), form: form.clone() }, Self { company, form: form.refused(&bad) }]
    }
}

/// The form.
pub async fn edit(by: CompanyManager<ManageCompany>) -> Result<Response> {
    let company = store::find(by.db(), by.company().id).await?;
    let form = company.fields().state();
    by.page(&EditInformation { company, form }).await
}

/// Only what the company may say of itself: its name, its prices and its numbers elsewhere stay.
fn own_fields(typed: &Fields, stored: Fields) -> Fields {
    Fields {
        address: typed.address.clone(),
        phone: typed.phone.clone(),
        website: typed.website.clone(),
        contact_email: typed.contact_email.clone(),
        ..stored
    }
}

/// Saves the form.
pub async fn save(by: CompanyManager<ManageCompany>, form: Form<Fields>) -> Result<Response> {
    let id = by.company().id;
    match store::update(&by, id, |stored| own_fields(&form, stored)).await {
        Ok(_) => by.see("/business-information", Flash::done("Business information saved")).await,
        Err(Error::Invalid(invalid)) => {
            let company = store::find(by.db(), id).await?;
            by.page_again(&EditInformation { company, form: form.refused(&invalid) }).await
        }
        Err(error) => Err(error),
    }
}

/// The active company as its members see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BusinessInformation, example = json!({"id": 4, "name": "Northwind Dental",
    "address": "12 Mill Lane\nLeeds LS1 4AP", "phone": "+44 20 7946 0000",
    "website": "https://dental.example.com", "contact_email": "office@dental.example.com", "is_vip": true,
    "role": "Member", "sections": ["Shop", "Orders"], "administrators": [], "counts": {}}))]
pub struct Information {
    /// Number of the company.
    id: i64,
    /// Its name.
    name: String,
    /// Free text with line breaks.
    address: Option<String>,
    /// Telephone number.
    phone: Option<String>,
    /// Address of the website.
    website: Option<String>,
    /// Where to write to the company.
    contact_email: Option<String>,
    /// VIP prices in the shop.
    is_vip: bool,
    /// The caller's role.
    role: String,
    /// What is open to the caller.
    sections: Vec<&'static str>,
    /// Whom to ask.
    administrators: Vec<Administrator>,
    /// How much there is of what is open to the caller.
    counts: Counts,
    /// Number of the customer at Syncro; for super administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    syncro_company_id: Option<String>,
    /// Number of the contact at Xero; for super administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    xero_id: Option<String>,
    /// The provider's own company; for super administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_provider: Option<bool>,
    /// Email domains; for super administrators.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    domains: Vec<String>,
}

impl From<BusinessInformation> for Information {
    fn from(page: BusinessInformation) -> Self {
        let (company, all) = (page.company, page.is_super_admin);
        Self {
            id: company.id,
            name: company.name,
            address: company.address,
            phone: company.phone,
            website: company.website,
            contact_email: company.contact_email,
            is_vip: company.is_vip,
            role: page.role,
            sections: page.sections,
            administrators: page.administrators,
            counts: page.counts,
            syncro_company_id: company.syncro_company_id.filter(|_| all),
            xero_id: company.xero_id.filter(|_| all),
            is_provider: all.then_some(company.is_provider),
            domains: page.domains,
        }
    }
}

/// Gives the active company as its members see it.
#[utoipa::path(get, path = "/api/business-information", responses(
    (status = 200, description = "The active company", body = Information),
    (status = 400, description = "No company associated with the current user")))]
pub async fn get_business_information(by: Member<AnySection>) -> Result<Json<Information>> {
    Ok(Json(gather(&by, by.me(), by.company().id).await?.into()))
}

/// What a company says of itself: what is absent stays, null or blank clears.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = BusinessInformationUpdate, example = json!({"phone": "+44 20 7946 0001", "website": null}))]
pub struct InformationUpdate {
    /// At most 1,000 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    address: Patch<String>,
    /// At most 64 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    phone: Patch<String>,
    /// An http or https address.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    website: Patch<String>,
    /// An address.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    contact_email: Patch<String>,
}

impl InformationUpdate {
    fn over(self, mut fields: Fields) -> Fields {
        let all = [
            (&mut fields.address, self.address),
            (&mut fields.phone, self.phone),
            (&mut fields.website, self.website),
            (&mut fields.contact_email, self.contact_email),
        ];
        for (field, patch) in all {
            if let Some(change) = patch.change() {
                *field = change.unwrap_or_default();
            }
        }
        fields
    }
}

/// Changes what the active company says of itself.
#[utoipa::path(patch, path = "/api/business-information", request_body = InformationUpdate, responses(
    (status = 200, description = "The company after the change", body = Information),
    (status = 400, description = "No company associated with the current user")))]
pub async fn update_business_information(
    by: CompanyManager<ManageCompany>,
    body: Json<InformationUpdate>,
) -> Result<Json<Information>> {
    let id = by.company().id;
    store::update(&by, id, |stored| body.0.over(stored)).await?;
    Ok(Json(gather(&by, by.me(), id).await?.into()))
}
