//! `/business-information`: which company a person works for, and as what (organisation 13).

use axum::response::Response;
use serde::Serialize;
use shared::caller::access::{AnySection, Rights};
use shared::caller::{Member, Person};
use shared::context::By;
use shared::db::sql;
use shared::error::Result;
use shared::page::Page;
use shared::routes::Routes;

use crate::companies::model::Company;
use crate::companies::store;

/// Adds the route.
pub fn add(routes: Routes) -> Routes {
    routes.page("/business-information", show)
}

/// Somebody to turn to.
#[derive(Debug, Serialize, sqlx::FromRow)]
pub struct Administrator {
    id: i64,
    email: String,
    first_name: Option<String>,
    last_name: Option<String>,
}

/// The company as its members see it.
#[derive(Debug, Serialize)]
pub struct BusinessInformation {
    company: Company,
    role: String,
    sections: Vec<&'static str>,
    administrators: Vec<Administrator>,
    is_super_admin: bool,
    manages_members: bool,
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
            is_super_admin,
            manages_members: is_super_admin,
        };
        vec![page(vec![administrator], true), page(Vec::new(), false)]
    }
}

/// The page.
pub async fn show(by: Member<AnySection>) -> Result<Response> {
    let id = by.company().id;
    let company = store::find(by.db(), id).await?;
    let person = by.me();
    let page = BusinessInformation {
        role: role(person, id),
        sections: sections(&person.rights),
        administrators: administrators(&by, id).await?,
        is_super_admin: person.user.is_super_admin,
        manages_members: person.rights.manages("membership.manage"),
        company,
    };
    by.page(&page).await
}

fn role(person: &Person, company_id: i64) -> String {
    let own = person.memberships.iter().find(|m| m.company.id == company_id).map(|m| m.role_name.clone());
    own.unwrap_or_else(|| "Super administrator".to_owned())
}

/// The labels of organisation 4.1 that are open to the person.
fn sections(rights: &Rights) -> Vec<&'static str> {
    let all = [
        (rights.can_access_shop, "Shop"),
        (rights.can_access_cart, "Cart"),
        (rights.can_access_orders, "Orders"),
        (rights.can_access_forms, "Forms"),
        (rights.can_manage_assets, "Assets"),
        (rights.can_manage_licenses, "Licences"),
        (rights.can_order_licenses, "Order licences"),
        (rights.can_manage_invoices, "Invoices"),
        (rights.can_manage_office_groups, "Office groups"),
        (rights.staff_level > 0, "Staff"),
        (rights.is_admin, "Company admin"),
    ];
    all.into_iter().filter(|(open, _)| *open).map(|(_, label)| label).collect()
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
