//! A person's own invitations: join or decline (organisation 7.4).

use axum::response::Response;
use serde::Serialize;
use shared::Flash;
use shared::caller::User;
use shared::error::Result;
use shared::page::Page;
use shared::web::Path;

use super::store::{self, Waiting};

/// The invitations that wait for an answer.
#[derive(Debug, Serialize)]
pub struct Invitations {
    invitations: Vec<Waiting>,
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
        vec![Self { invitations: vec![waiting] }, Self { invitations: Vec::new() }]
    }
}

/// The page.
pub async fn page(by: User) -> Result<Response> {
    let invitations = store::waiting(&by, by.me().id()).await?;
    by.page(&Invitations { invitations }).await
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
