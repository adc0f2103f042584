//! Deleting a company, and the records that speak against it (organisation 6.1, 6.2).

use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::Flash;
use shared::audit::Change;
use shared::caller::SuperAdmin;
use shared::context::By;
use shared::db::{At, sql};
use shared::error::{Error, Invalid, Result};
use shared::page::Page;
use shared::web::{Form, FormState, Path};

use super::frame::Frame;
use super::model::Company;
use super::store;

/// What belongs to a company. `holds` says that it keeps the company from being deleted.
#[derive(Debug, Clone, Serialize)]
pub struct Linked {
    name: &'static str,
    label: &'static str,
    count: i64,
    holds: bool,
    href: Option<String>,
}

#[derive(Debug, Default, sqlx::FromRow)]
struct Counts {
    tickets: i64,
    staff: i64,
    members: i64,
    domains: i64,
    key_count: i64,
}

/// Everything that points at a company, in one look. Areas with tables of their own add a line.
async fn linked(at: impl Into<At<'_>>, id: i64) -> Result<Vec<Linked>> {
    let counts: Counts = sql("SELECT (SELECT COUNT(*) FROM tickets t WHERE t.company_id = c.id) AS tickets, \
         (SELECT COUNT(*) FROM staff s WHERE s.company_id = c.id) AS staff, \
         (SELECT COUNT(*) FROM company_memberships m WHERE m.company_id = c.id) AS members, \
         (SELECT COUNT(*) FROM company_email_domains d WHERE d.company_id = c.id) AS domains, \
         (SELECT COUNT(*) FROM api_keys k WHERE k.company_id = c.id) AS key_count FROM companies c WHERE c.id = ?")
    .bind(id)
    .fetch_optional(at)
    .await?
    .ok_or_else(store::unknown)?;
    let line = |name, label, count, holds, href: Option<String>| Linked { name, label, count, holds, href };
    Ok(vec![
        line("tickets", "Tickets", counts.tickets, true, Some(format!("/tickets?company={id}"))),
        line("staff", "Staff", counts.staff, true, None),
        line("members", "Members", counts.members, false, Some(format!("/admin/companies/{id}"))),
        line("domains", "Email domains", counts.domains, false, Some(format!("/admin/companies/{id}/domains"))),
        line("keys", "API keys", counts.key_count, false, None),
    ])
}

fn refused(linked: &[Linked]) -> Error {
    let holding = linked.iter().filter(|line| line.holds && line.count > 0);
    let dependents: Map<String, Value> = holding.map(|line| (line.name.to_owned(), line.count.into())).collect();
    Error::conflict("Company has linked records").code("company_in_use").with("dependents", Value::Object(dependents))
}

/// Deletes a company without records; what belongs to it alone goes with it.
pub async fn delete(by: &By, id: i64) -> Result<Company> {
    let mut tx = by.begin().await?;
    let company = store::find(&mut tx, id).await?;
    let linked = linked(&mut tx, id).await?;
    if linked.iter().any(|line| line.holds && line.count > 0) {
        return Err(refused(&linked));
    }
    sql("DELETE FROM companies WHERE id = ?").bind(id).execute(&mut tx).await.map_err(|error| {
        // A record that came in the meantime, or of an area that is not counted above.
        let is_used = error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_foreign_key_violation);
        if is_used { refused(&linked) } else { error.into() }
    })?;
    tx.audit(Change::new("company.deleted", "company", id).label(&company.name).company(Some(id)).before(&company));
    tx.commit().await?;
    Ok(company)
}

/// The records of a company.
#[derive(Debug, Serialize)]
pub struct Records {
    head: Frame,
    linked: Vec<Linked>,
}

fn sample_lines() -> Vec<Linked> {
    let line = |name, label, count, holds| Linked { name, label, count, holds, href: Some("/tickets".to_owned()) };
    vec![line("tickets", "Tickets", 3, true), Linked { href: None, ..line("keys", "API keys", 0, false) }]
}

impl Page for Records {
    const TEMPLATE: &'static str = "companies/records.html";

    fn samples() -> Vec<Self> {
        let head = Frame::sample(true, super::pages::sample(), "Linked records");
        vec![Self { head, linked: sample_lines() }]
    }
}

/// The page.
pub async fn records(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let company = store::find(by.db(), id).await?;
    let linked = linked(by.db(), id).await?;
    by.page(&Records { head: Frame::new(by.me(), company, "Linked records"), linked }).await
}

/// The question before a company goes.
#[derive(Debug, Serialize)]
pub struct Removal {
    company: Company,
    holding: Vec<Linked>,
    form: FormState,
}

impl Page for Removal {
    const TEMPLATE: &'static str = "companies/delete.html";

    fn samples() -> Vec<Self> {
        let page = |holding, form| Self { company: super::pages::sample(), holding, form };
        let bad = Invalid::field("typed", "Type the name of the company");
        vec![
            page(Vec::new(), FormState::blank()),
            page(Vec::new(), FormState::blank().refused(&bad)),
            page(sample_lines(), FormState::blank()),
        ]
    }
}

impl Removal {
    async fn of(by: &By, id: i64, form: FormState) -> Result<Self> {
        let company = store::find(by.db(), id).await?;
        let holding = linked(by.db(), id).await?.into_iter().filter(|line| line.holds && line.count > 0).collect();
        Ok(Self { company, holding, form })
    }
}

/// The question.
pub async fn confirm(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let page = Removal::of(&by, id, FormState::blank()).await?;
    by.page(&page).await
}

/// What is typed to confirm.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    typed: String,
}

/// Deletes the company whose name was typed.
pub async fn confirmed(by: SuperAdmin, Path(id): Path<i64>, form: Form<Typed>) -> Result<Response> {
    let company = store::find(by.db(), id).await?;
    if form.typed.trim() != company.name {
        let bad = Invalid::field("typed", format!("Type {} to delete it", company.name));
        let page = Removal::of(&by, id, form.refused(&bad)).await?;
        return by.page_again(&page).await;
    }
    let gone = delete(&by, id).await?;
    by.see("/admin/companies", Flash::done(format!("{} deleted", gone.name))).await
}
