//! The companies a person may switch to, as a page and as JSON (organisation 5.3).
#![expect(unused_qualifications, reason = "the documentation macro names the types of the query by their path")]

use axum::response::Response;
use serde::{Deserialize, Serialize};
use shared::caller::{Person, User};
use shared::context::By;
use shared::db::{Sql, sql};
use shared::error::Result;
use shared::page::Page;
use shared::web::{Json, Query};
use utoipa::{IntoParams, ToSchema};

/// A company to choose.
#[derive(Debug, Clone, Serialize, sqlx::FromRow, ToSchema)]
#[schema(as = CompanyOption, example = json!({"id": 4, "name": "Northwind Dental"}))]
pub struct Choice {
    /// Number of the company.
    pub id: i64,
    /// Its name.
    pub name: String,
}

/// What narrows the choice.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct Filter {
    /// Words that begin a word of the name.
    #[serde(alias = "q")]
    search: Option<String>,
}

/// At most 50, the person's own first. Super administrators may work in every company that is open.
async fn choices(by: &By, person: &Person, words: &str) -> Result<Vec<Choice>> {
    let select = sql("SELECT c.id, c.name FROM companies c LEFT JOIN company_memberships m \
         ON m.company_id = c.id AND m.user_id = ? AND m.status = 'active' WHERE c.archived_at IS NULL")
    .bind(person.id());
    let select: Sql = if person.user.is_super_admin { select } else { select.push(" AND m.id IS NOT NULL") };
    let order = " ORDER BY CASE WHEN m.id IS NULL THEN 1 ELSE 0 END, c.sort_name, c.id LIMIT 50";
    Ok(select.append(crate::companies::store::matching(words)).push(order).fetch_all(by.db()).await?)
}

/// Lists the companies that the caller may switch to, their own first.
#[utoipa::path(get, path = "/api/companies/options", params(Filter),
    responses((status = 200, description = "At most 50 companies", body = Vec<Choice>)))]
pub async fn company_options(by: User, filter: Query<Filter>) -> Result<Json<Vec<Choice>>> {
    Ok(Json(choices(&by, by.me(), filter.search.as_deref().unwrap_or_default()).await?))
}

/// The page behind "All companies" in the switcher.
#[derive(Debug, Serialize)]
pub struct Choose {
    q: String,
    back: String,
    choices: Vec<Choice>,
}

impl Page for Choose {
    const TEMPLATE: &'static str = "companies/choose.html";

    fn samples() -> Vec<Self> {
        let choice = Choice { id: 1, name: "Northwind Dental".to_owned() };
        let page = |q: &str, choices| Self { q: q.to_owned(), back: "/tickets".to_owned(), choices };
        vec![page("", vec![choice]), page("kestrel", Vec::new()), page("", Vec::new())]
    }
}

/// What the page is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    next: String,
}

/// The page.
pub async fn page(by: User, asked: Query<Asked>) -> Result<Response> {
    let choices = choices(&by, by.me(), &asked.q).await?;
    let back = shared::context::safe_path(&asked.next).unwrap_or("/").to_owned();
    by.page(&Choose { q: asked.q.clone(), back, choices }).await
}
