//! What search and the palette find: tickets, companies and people, each only for who may open them.

use serde::Serialize;
use shared::accounts::{companies, users};
use shared::caller::Person;
use shared::context::By;
use shared::db::{MAX_IN, Sql, sql};
use shared::error::Result;
use shared::{search, ticket_search};

use super::{LINES, TicketLine};

/// Tickets with these words in what the person may read, or with this number, that one first.
/// Technicians find every ticket, others only their own.
pub async fn tickets(by: &By, person: &Person, query: &str, limit: i64) -> Result<Vec<TicketLine>> {
    let own = (!person.is_technician).then(|| person.id());
    let ids = ticket_search::newest(by.db(), own, query, limit).await?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let lines = sql(LINES).push_in(" WHERE t.id IN", &ids);
    Ok(lines
        .push(" ORDER BY CASE WHEN t.id = ? THEN 0 ELSE 1 END, t.updated_at DESC, t.id DESC LIMIT ?")
        .bind(ticket_search::number(query))
        .bind(limit)
        .fetch_all(by.db())
        .await?)
}

/// What a person worked on last: the desk the tickets assigned to them, others their own.
pub async fn recent(by: &By, person: &Person, limit: i64) -> Result<Vec<TicketLine>> {
    let whose = if person.is_technician { " WHERE t.assigned_user_id = ?" } else { " WHERE t.requester_id = ?" };
    let lines = sql(LINES).push(whose).bind(person.id());
    Ok(lines.push(" ORDER BY t.updated_at DESC, t.id DESC LIMIT ?").bind(limit).fetch_all(by.db()).await?)
}

/// Whose companies and people somebody finds.
#[derive(Debug, Clone)]
pub enum Reach {
    /// Those of the whole portal.
    Everything,
    /// The companies whose members they manage.
    Companies(Vec<i64>),
}

impl Reach {
    /// Everything for super administrators, else the companies that are managed.
    pub fn of(person: &Person) -> Self {
        if person.user.is_super_admin {
            return Self::Everything;
        }
        let managed = person.memberships.iter().filter(|m| m.rights.manages("membership.manage"));
        Self::Companies(managed.map(|m| m.company.id).take(MAX_IN).collect())
    }

    fn is_nothing(&self) -> bool {
        matches!(self, Self::Companies(ids) if ids.is_empty())
    }
}

/// A company that was found.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub struct CompanyLine {
    /// Number of the company.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Closed to its members.
    pub is_archived: bool,
}

/// Companies with these words.
pub async fn companies(by: &By, reach: &Reach, query: &str, limit: i64) -> Result<Vec<CompanyLine>> {
    if search::words(query).is_empty() || reach.is_nothing() {
        return Ok(Vec::new());
    }
    let select = sql("SELECT c.id, c.name, c.archived_at IS NOT NULL AS is_archived FROM companies c WHERE 1 = 1");
    let select = match reach {
        Reach::Everything => select,
        Reach::Companies(ids) => select.push_in(" AND c.id IN", ids),
    };
    Ok(select
        .append(search::condition(&companies::SEARCH, query))
        .push(" ORDER BY CASE WHEN c.archived_at IS NULL THEN 0 ELSE 1 END, c.sort_name, c.id LIMIT ?")
        .bind(limit)
        .fetch_all(by.db())
        .await?)
}

/// A person who was found.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub struct PersonLine {
    /// Number of the person.
    pub id: i64,
    /// Their address.
    pub email: String,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// The company in which they were found, where that is what leads to them.
    pub company_id: Option<i64>,
    /// Their membership there.
    pub member_id: Option<i64>,
}

/// People with these words; for who manages members, only those.
pub async fn people(by: &By, reach: &Reach, query: &str, limit: i64) -> Result<Vec<PersonLine>> {
    if search::words(query).is_empty() || reach.is_nothing() {
        return Ok(Vec::new());
    }
    let select: Sql = match reach {
        Reach::Everything => {
            sql("SELECT u.id, u.email, u.first_name, u.last_name, CAST(NULL AS SIGNED) AS company_id, \
             CAST(NULL AS SIGNED) AS member_id FROM users u WHERE 1 = 1")
        }
        Reach::Companies(ids) => {
            sql("SELECT u.id, u.email, u.first_name, u.last_name, m.company_id, m.id AS member_id \
             FROM company_memberships m JOIN users u ON u.id = m.user_id WHERE 1 = 1")
            .push_in(" AND m.company_id IN", ids)
        }
    };
    Ok(select
        .append(match reach {
            Reach::Everything => search::condition(&users::SEARCH, query),
            // Those of the own companies are few, and found by them.
            Reach::Companies(_) => search::like_condition(users::SEARCH.like, query),
        })
        // By the index of addresses somebody late in the alphabet is found after everybody before them.
        .push_by_engine(" ORDER BY +u.email", " ORDER BY CONCAT(u.email, '')")
        .push(", member_id LIMIT ?")
        .bind(limit)
        .fetch_all(by.db())
        .await?)
}
