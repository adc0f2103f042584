//! `/search` and the partial behind the palette: tickets, companies, people and pages (interface 2.4).

use axum::response::Response;
use serde::{Deserialize, Serialize};
use shared::caller::User;
use shared::error::Result;
use shared::page::Page;
use shared::routes::Routes;
use shared::web::Query;

use crate::figures::{self, CompanyLine, PersonLine, TicketLine};

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes.page("/search", search).page("/palette", palette)
}

/// What is looked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
}

impl Asked {
    fn text(&self) -> String {
        self.q.chars().take(200).collect()
    }
}

/// What was found; empty lists where the person may not look.
#[derive(Debug, Default, Serialize)]
pub struct Found {
    tickets: Vec<TicketLine>,
    companies: Vec<CompanyLine>,
    people: Vec<PersonLine>,
}

impl Found {
    async fn by(user: &User, q: &str, limit: i64) -> Result<Self> {
        let tickets = figures::find_tickets(user, user.me(), q, limit).await?;
        if !user.me().user.is_super_admin {
            return Ok(Self { tickets, ..Self::default() });
        }
        let companies = figures::find_companies(user, q, limit).await?;
        Ok(Self { tickets, companies, people: figures::find_people(user, q, limit).await? })
    }

    fn sample() -> Self {
        Self {
            tickets: vec![TicketLine {
                id: 10_432,
                subject: "Printer in room 4 jams".to_owned(),
                status: "open".to_owned(),
                priority: "normal".to_owned(),
                company: Some("Northwind Dental".to_owned()),
                updated_at: chrono::DateTime::from_timestamp(1_794_990_000, 0).unwrap_or_default(),
                last_reply_side: None,
            }],
            companies: vec![CompanyLine { id: 4, name: "Northwind Dental".to_owned(), is_archived: true }],
            people: vec![PersonLine {
                id: 1,
                email: "ana@example.com".to_owned(),
                first_name: Some("Ana".to_owned()),
                last_name: None,
            }],
        }
    }
}

/// The page of results.
#[derive(Debug, Serialize)]
pub struct Results {
    q: String,
    found: Found,
}

impl Page for Results {
    const TEMPLATE: &'static str = "site/search.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("search-results", "site/_search.html")];

    fn samples() -> Vec<Self> {
        let page = |q: &str, found| Self { q: q.to_owned(), found };
        vec![page("printer", Found::sample()), page("nothing", Found::default()), page("", Found::default())]
    }
}

/// The page: at most 20 of each kind.
pub async fn search(by: User, asked: Query<Asked>) -> Result<Response> {
    let q = asked.text();
    let found = Found::by(&by, &q, 20).await?;
    by.page(&Results { q, found }).await
}

/// The list below the palette's field.
#[derive(Debug, Serialize)]
pub struct Palette {
    q: String,
    found: Found,
}

impl Page for Palette {
    const TEMPLATE: &'static str = "site/_palette.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("palette-results", "site/_palette.html")];

    fn samples() -> Vec<Self> {
        let page = |q: &str, found| Self { q: q.to_owned(), found };
        vec![page("da", Found::sample()), page("", Found::default())]
    }
}

/// At most 5 of each kind, and the pages of the navigation whose name has the text in it.
pub async fn palette(by: User, asked: Query<Asked>) -> Result<Response> {
    let q = asked.text();
    let found = Found::by(&by, &q, 5).await?;
    by.page(&Palette { q, found }).await
}
