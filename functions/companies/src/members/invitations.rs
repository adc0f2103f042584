//! The companies that ask a person to join: by invitation, or because their email address belongs to one
//! whose people join by themselves (organisation 7.4, 12).

use axum::response::Response;
use serde::Serialize;
use shared::Flash;
use shared::caller::User;
use shared::error::Result;
use shared::page::Page;
use shared::web::Path;

use super::joining::{self, Open};
use super::store::{self, Waiting};

/// The invitations that wait for an answer.
#[derive(Debug, Serialize)]
pub struct Invitations {
    invitations: Vec<Waiting>,
    /// Companies that the person's own address lets them join.
    open: Vec<Open>,
}

impl Page for Invitations {
    const TEMPLATE: &'static str = "companies/invitations.html";

    fn samples() -> Vec<Self> {
        let waiting = Waiting {
            id: 9,
            company_id: 4,
            company: "Northwind Dental".to_owned(),
            role: "Member".to_owned(),
            invited_at: chrono::DateTime::from_timestamp(1_794_990_000, 0),
        };
        let open = Open::sample();
        vec![Self { invitations: vec![waiting], open: vec![open] }, Self { invitations: Vec::new(), open: Vec::new() }]
    }
}

/// The page.
pub async fn page(by: User) -> Result<Response> {
    let invitations = store::waiting(&by, by.me().id()).await?;
    let open = joining::open_to(&by, by.me()).await?;
    by.page(&Invitations { invitations, open }).await
}

/// Joins the company.
pub async fn accept(by: User, Path(id): Path<i64>) -> Result<Response> {
    let joined = store::answer(&by, by.me().id(), id, true).await?;
    by.see("/", Flash::done(format!("You joined {}", joined.company))).await
}

/// Declines; the inviter may ask again.
pub async fn decline(by: User, Path(id): Path<i64>) -> Result<Response> {
    let declined = store::answer(&by, by.me().id(), id, false).await?;
    by.see("/", Flash::done(format!("Invitation to {} declined", declined.company))).await
}

/// Joins a company by an address at a domain of it.
pub async fn join(by: User, Path(company_id): Path<i64>) -> Result<Response> {
    let joined = joining::join(&by, by.me(), company_id).await?;
    by.see("/", Flash::done(format!("You joined {}", joined.company))).await
}
