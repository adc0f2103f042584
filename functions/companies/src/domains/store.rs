//! Rows of `company_email_domains`.

use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::accounts::users;
use shared::audit::Change;
use shared::context::By;
use shared::db::{At, is_unique_violation, sql};
use shared::error::{Error, Result};
use shared::jobs::{JobError, NewJob, Run};
use shared::notify::{self, Notice};

use super::model::Domain;
use crate::companies::model::Company;

const COLUMNS: &str = "SELECT d.id, d.company_id, d.domain, d.auto_join, d.created_by, d.created_at, d.updated_at \
    FROM company_email_domains d WHERE d.company_id = ?";

/// The domains of a company, at most 200.
pub async fn list(at: impl Into<At<'_>>, company_id: i64) -> Result<Vec<Domain>> {
    Ok(sql(COLUMNS).bind(company_id).push(" ORDER BY d.domain LIMIT 200").fetch_all(at).await?)
}

async fn find(at: impl Into<At<'_>>, company_id: i64, id: i64) -> Result<Domain> {
    let found = sql(COLUMNS).bind(company_id).push(" AND d.id = ?").bind(id).fetch_optional(at).await?;
    found.ok_or_else(|| Error::not_found("Email domain not found"))
}

fn trail(action: &'static str, company: &Company) -> Change {
    Change::new(action, "company", company.id).label(&company.name).company(Some(company.id))
}

/// Adds a domain; 409 when a company has it.
pub async fn create(by: &By, company: &Company, domain: &str, auto_join: bool) -> Result<Domain> {
    let mut tx = by.begin().await?;
    let now = by.now();
    let creator = tx.stamp().user_id;
    let inserted = sql("INSERT INTO company_email_domains (company_id, domain, auto_join, created_by, created_at, \
         updated_at) VALUES (?, ?, ?, ?, ?, ?)")
    .bind(company.id)
    .bind(domain.to_owned())
    .bind(auto_join)
    .bind(creator)
    .bind(now)
    .bind(now)
    .insert(&mut tx)
    .await;
    let id = inserted.map_err(|error| {
        if is_unique_violation(&error, "company_email_domains_domain", "company_email_domains.domain") {
            Error::conflict("Another company has this domain, or this one has it already").code("domain_taken")
        } else {
            error.into()
        }
    })?;
    let domain = find(&mut tx, company.id, id).await?;
    tx.audit(trail("company.domain_added", company).after(json!({ "domain": domain.domain, "auto_join": auto_join })));
    tx.commit().await?;
    Ok(domain)
}

/// Switches joining by itself on or off.
pub async fn set_auto_join(by: &By, company: &Company, id: i64, auto_join: bool) -> Result<Domain> {
    let mut tx = by.begin().await?;
    let before = find(&mut tx, company.id, id).await?;
    if before.auto_join == auto_join {
        return Ok(before);
    }
    sql("UPDATE company_email_domains SET auto_join = ?, updated_at = ? WHERE id = ?")
        .bind(auto_join)
        .bind(by.now())
        .bind(id)
        .execute(&mut tx)
        .await?;
    tx.audit(
        trail("company.domain_updated", company)
            .before(json!({ "auto_join": before.auto_join }))
            .after(json!({ "auto_join": auto_join }))
            .meta("domain", before.domain.clone()),
    );
    tx.commit().await?;
    Ok(Domain { auto_join, updated_at: by.now(), ..before })
}

/// Takes a domain away; members who came by it stay.
pub async fn remove(by: &By, company: &Company, id: i64) -> Result<Domain> {
    let mut tx = by.begin().await?;
    let before = find(&mut tx, company.id, id).await?;
    sql("DELETE FROM company_email_domains WHERE id = ?").bind(id).execute(&mut tx).await?;
    tx.audit(trail("company.domain_removed", company).before(json!({ "domain": before.domain })));
    tx.commit().await?;
    Ok(before)
}

/// Brings a domain to the notice of the super administrators, who alone add domains.
pub async fn propose(by: &By, company: &Company, domain: &str) -> Result<()> {
    let mut tx = by.begin().await?;
    let actor = tx.stamp().user_id;
    let payload = json!({ "company_id": company.id, "domain": domain, "actor_id": actor });
    NewJob::new("companies.domain_proposed", payload).queue(&mut tx).await?;
    tx.audit(trail("company.domain_proposed", company).after(json!({ "domain": domain })));
    tx.commit().await
}

#[derive(Debug, Deserialize)]
struct Proposal {
    company_id: i64,
    domain: String,
    actor_id: Option<i64>,
}

/// Tells the super administrators of a proposal.
pub async fn tell_proposal(run: Run) -> Result<(), JobError> {
    let proposal: Proposal = run.payload()?;
    let company: Option<(String,)> =
        sql("SELECT name FROM companies WHERE id = ?").bind(proposal.company_id).fetch_optional(run.db()).await?;
    let Some((company,)) = company else { return Ok(()) };
    let actor = match proposal.actor_id {
        Some(id) => users::find(run.db(), id).await?.map(|user| user.name()),
        None => None,
    };
    let who = actor.unwrap_or_else(|| "Somebody".to_owned());
    let dedupe = format!("job:{}", run.id);
    let notice = Notice {
        kind: notify::DOMAIN_PROPOSED,
        message: format!("{who} proposes the email domain {} for {company}.", proposal.domain),
        link: Some(format!("/admin/companies/{}/domains", proposal.company_id)),
        dedupe: Some(&dedupe),
    };
    let mut tx = run.begin().await?;
    tx.housekeeping();
    notify::tell_super_admins(run.app(), &mut tx, &notice).await?;
    tx.commit().await?;
    Ok(())
}

/// Somebody whose proven address lies in a domain of the company.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
#[expect(missing_docs, reason = "columns of users")]
pub struct Match {
    pub id: i64,
    pub email: String,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
}

/// People with a matching address who are not members, at most 50. The index leads from the domains.
pub async fn matches(by: &By, company_id: i64) -> Result<Vec<Match>> {
    Ok(sql("SELECT u.id, u.email, u.first_name, u.last_name FROM company_email_domains d \
         JOIN users u ON u.email_domain = d.domain \
         WHERE d.company_id = ? AND u.is_active = TRUE AND u.email_verified_at IS NOT NULL \
         AND NOT EXISTS (SELECT 1 FROM company_memberships m WHERE m.company_id = ? AND m.user_id = u.id) \
         ORDER BY u.email LIMIT 50")
    .bind(company_id)
    .bind(company_id)
    .fetch_all(by.db())
    .await?)
}
