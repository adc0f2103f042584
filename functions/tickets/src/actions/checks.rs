//! Whether the company and the people of a ticket fit together (tickets 1, 4.4).

use shared::db::Tx;
use shared::error::{Error, Result};

use crate::scope::Scope;
use crate::store;

/// The company must exist; a caller who reaches one company only must mean that one.
pub async fn company(scope: Scope, tx: &mut Tx, company_id: Option<i64>) -> Result<()> {
    if let Some(own) = scope.company()
        && company_id != Some(own)
    {
        return Err(no_company());
    }
    match company_id {
        Some(id) if !store::company_exists(tx, id).await? => Err(no_company()),
        _ => Ok(()),
    }
}

fn no_company() -> Error {
    Error::bad_request("Company not found").code("company_not_found")
}

/// The requester must work for the company.
pub async fn requester(tx: &mut Tx, requester_id: Option<i64>, company_id: Option<i64>) -> Result<()> {
    let Some(requester_id) = requester_id else { return Ok(()) };
    let Some(company_id) = company_id else {
        return Err(Error::bad_request("Choose a company first").code("requester_needs_company"));
    };
    if store::is_requester_of(tx, requester_id, company_id).await? {
        return Ok(());
    }
    Err(Error::bad_request("Choose a requester who works for the company").code("requester_not_allowed"))
}

/// The assignee must work at the desk.
pub async fn assignee(tx: &mut Tx, user_id: Option<i64>) -> Result<()> {
    match user_id {
        Some(id) if !store::is_assignable(tx, id).await? => {
            Err(Error::bad_request("Choose an assignee who works at the desk").code("not_assignable"))
        }
        _ => Ok(()),
    }
}
