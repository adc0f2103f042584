//! Believable masses: names that repeat as names do, and a trail of a year.

use anyhow::{Context as _, Result};
use chrono::{DateTime, TimeDelta, Utc};
use shared::accounts::{companies, users};
use shared::app::App;
use shared::audit::Stamp;
use shared::db::{Sql, Tx, sql};

use super::{Amounts, desk};

/// Rows that one statement writes.
const AT_ONCE: i64 = 50;

const FIRST: [&str; 16] = [
    "Ana", "Ben", "Carla", "David", "Eva", "Femi", "Grace", "Hugo", "Ines", "Jack", "Kim", "Liam", "Maya", "Noah",
    "Olga", "Priya",
];

const LAST: [&str; 20] = [
    "Adams", "Baker", "Clark", "Diaz", "Evans", "Fischer", "Grant", "Hughes", "Ito", "Jones", "Khan", "Lin", "Moore",
    "Nair", "Okafor", "Patel", "Quinn", "Ruiz", "Smith", "Ware",
];

const TRADES: [&str; 12] = [
    "Dental",
    "Logistics",
    "Legal",
    "Engineering",
    "Printing",
    "Bakery",
    "Clinics",
    "Estates",
    "Shipping",
    "Textiles",
    "Foods",
    "Studios",
];

const PLACES: [&str; 14] = [
    "Northwind",
    "Harbour",
    "Kestrel",
    "Brightware",
    "Millbrook",
    "Oakfield",
    "Riverside",
    "Summit",
    "Thornhill",
    "Waverley",
    "Ashdown",
    "Calder",
    "Elmstead",
    "Fairview",
];

const ACTIONS: [(&str, &str); 8] = [
    ("auth.login", "user"),
    ("membership.permissions_changed", "company_membership"),
    ("membership.role_changed", "company_membership"),
    ("company.updated", "company"),
    ("ticket.updated", "ticket"),
    ("user.updated", "user"),
    ("role.updated", "role"),
    ("api_key.created", "api_key"),
];

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub struct People {
    /// A super administrator.
    pub admin: i64,
    /// Manages the members of one company.
    pub manager: i64,
    /// Belongs to twenty companies.
    pub member: i64,
    /// The company of the manager.
    pub company: i64,
}

pub(super) fn pick<'l>(list: &[&'l str], n: i64) -> &'l str {
    let at = usize::try_from(n).unwrap_or_default() % list.len().max(1);
    list.get(at).copied().unwrap_or_default()
}

pub(super) async fn count(app: &App, query: &'static str) -> Result<i64> {
    Ok(sql(query).fetch_value(app.db()).await?)
}

/// Adds what is missing to the amounts, and says who may ask for it.
pub async fn fill(app: &App, amounts: Amounts) -> Result<People> {
    let now = app.now();
    let have = count(app, "SELECT COUNT(*) FROM companies").await?;
    in_batches(app, have, amounts.companies, |n| company(n, now), COMPANY).await?;
    let have = count(app, "SELECT COUNT(*) FROM users").await?;
    in_batches(app, have, amounts.memberships, |n| person(n, now), PERSON).await?;
    let first = count(app, "SELECT MIN(id) FROM companies").await?;
    let person = count(app, "SELECT MIN(id) FROM users").await?;
    let role = count(app, "SELECT id FROM roles WHERE name_key = 'member'").await?;
    let have = count(app, "SELECT COUNT(*) FROM company_memberships").await?;
    let companies = amounts.companies;
    let place = |n: i64| membership(first + n % companies, person + n, role, n, now);
    in_batches(app, have, amounts.memberships, place, MEMBERSHIP).await?;
    let some = amounts.audit.min(20_000);
    let have = count(app, "SELECT COUNT(*) FROM audit_logs").await?;
    in_batches(app, have, some, |n| line(n, first, person, companies, now), LINE).await?;
    copies(app, amounts.audit).await?;
    let people = people(app, first, person, role).await?;
    desk::fill(app, amounts, (first, person)).await?;
    Ok(people)
}

/// A row of values, and the statement with its marks: for the first row and for each further one.
pub(super) type Shape = (&'static str, &'static str, &'static str);

pub(super) async fn in_batches(
    app: &App,
    have: i64,
    wanted: i64,
    row: impl Fn(i64) -> Vec<shared::db::Value>,
    shape: Shape,
) -> Result<()> {
    let mut next = have;
    while next < wanted {
        let mut tx = app.db().begin(Stamp::system(app.now())).await.map_err(crate::plain)?;
        tx.housekeeping();
        for _ in 0..100 {
            if next >= wanted {
                break;
            }
            let end = (next + AT_ONCE).min(wanted);
            write(&mut tx, (next..end).map(&row).collect(), shape).await?;
            next = end;
        }
        tx.commit().await.map_err(crate::plain)?;
    }
    Ok(())
}

async fn write(tx: &mut Tx, rows: Vec<Vec<shared::db::Value>>, (insert, first, further): Shape) -> Result<()> {
    let mut query: Sql = sql(insert);
    for (index, row) in rows.into_iter().enumerate() {
        query = query.push(if index == 0 { first } else { further });
        query = row.into_iter().fold(query, Sql::bind);
    }
    query.execute(tx).await?;
    Ok(())
}

const COMPANY: Shape = (
    "INSERT INTO companies (name, name_key, website, is_vip, syncro_company_id, search_text, created_at, updated_at) VALUES",
    " (?, ?, ?, ?, ?, ?, ?, ?)",
    ", (?, ?, ?, ?, ?, ?, ?, ?)",
);

fn company(n: i64, now: DateTime<Utc>) -> Vec<shared::db::Value> {
    let name = format!("{} {} {n}", pick(&PLACES, n), pick(&TRADES, n / 14));
    let website = format!("https://c{n}.example");
    let text = companies::search_text(&name, Some(&website), None);
    let key = companies::name_key(&name);
    let at = now - TimeDelta::hours(n);
    vec![
        name.into(),
        key.into(),
        website.into(),
        (n % 9 == 0).into(),
        format!("S{n}").into(),
        text.into(),
        at.into(),
        at.into(),
    ]
}

const PERSON: Shape = (
    "INSERT INTO users (email, first_name, last_name, search_text, email_verified_at, created_at, updated_at) VALUES",
    " (?, ?, ?, ?, ?, ?, ?)",
    ", (?, ?, ?, ?, ?, ?, ?)",
);

fn person(n: i64, now: DateTime<Utc>) -> Vec<shared::db::Value> {
    let (first, last) = (pick(&FIRST, n), pick(&LAST, n / 16));
    let email = format!("{}.{}.{n}@c{}.example", first.to_lowercase(), last.to_lowercase(), n % 5_000);
    let text = users::search_text(&email, Some(first), Some(last));
    let at = now - TimeDelta::minutes(n);
    vec![email.into(), first.into(), last.into(), text.into(), at.into(), at.into(), at.into()]
}

const MEMBERSHIP: Shape = (
    "INSERT INTO company_memberships (company_id, user_id, role_id, status, can_access_shop, is_admin, last_seen_at, \
     joined_at, created_at, updated_at) VALUES",
    " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    ", (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
);

fn membership(company: i64, user: i64, role: i64, n: i64, now: DateTime<Utc>) -> Vec<shared::db::Value> {
    let status = match n % 50 {
        24 | 49 => "suspended",
        30 => "invited",
        _ => "active",
    };
    let at = now - TimeDelta::minutes(n * 7);
    vec![
        company.into(),
        user.into(),
        role.into(),
        status.into(),
        (n % 3 == 0).into(),
        (n % 10 == 0).into(),
        at.into(),
        at.into(),
        at.into(),
        at.into(),
    ]
}

const LINE: Shape = (
    "INSERT INTO audit_logs (created_at, user_id, user_email, company_id, action, entity_type, entity_id, entity_label, \
     new_value, ip_address) VALUES",
    " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    ", (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
);

fn line(n: i64, company: i64, user: i64, companies: i64, now: DateTime<Utc>) -> Vec<shared::db::Value> {
    let at = usize::try_from(n).unwrap_or_default() % ACTIONS.len();
    let (action, kind) = ACTIONS.get(at).copied().unwrap_or(("auth.login", "user"));
    let who = n % 997;
    let (first, last) = (pick(&FIRST, who), pick(&LAST, who / 16));
    let email = format!("{}.{}.{who}@c{who}.example", first.to_lowercase(), last.to_lowercase());
    // A year, the newest last.
    let at = now - TimeDelta::minutes((20_000 - n).max(0) * 26);
    vec![
        at.into(),
        (user + who).into(),
        email.into(),
        (company + (n * 13) % companies).into(),
        action.into(),
        kind.into(),
        (n % 4_000 + 1).into(),
        format!("{first} {last}").into(),
        r#"{"can_access_shop":true}"#.into(),
        "203.0.113.10".into(),
    ]
}

/// The rest of the trail are copies: what is measured is their number.
async fn copies(app: &App, wanted: i64) -> Result<()> {
    let mut have = count(app, "SELECT COUNT(*) FROM audit_logs").await?;
    while have < wanted {
        let more = (wanted - have).min(have).min(100_000);
        let mut tx = app.db().begin(Stamp::system(app.now())).await.map_err(crate::plain)?;
        tx.housekeeping();
        sql("INSERT INTO audit_logs (created_at, user_id, user_email, company_id, action, entity_type, entity_id, \
             entity_label, new_value, ip_address) SELECT created_at, user_id, user_email, company_id, action, \
             entity_type, entity_id, entity_label, new_value, ip_address FROM audit_logs ORDER BY id LIMIT ?")
        .bind(more)
        .execute(&mut tx)
        .await?;
        tx.commit().await.map_err(crate::plain)?;
        have += more;
    }
    Ok(())
}

/// Three of the people get what the questions need.
async fn people(app: &App, company: i64, user: i64, role: i64) -> Result<People> {
    let mut tx = app.db().begin(Stamp::system(app.now())).await.map_err(crate::plain)?;
    tx.housekeeping();
    let people = People { admin: user, manager: user + 1, member: user + 2, company: company + 1 };
    sql("UPDATE users SET is_super_admin = TRUE WHERE id = ?").bind(people.admin).execute(&mut tx).await?;
    sql("UPDATE company_memberships SET is_admin = TRUE, status = 'active' WHERE user_id = ?")
        .bind(people.manager)
        .execute(&mut tx)
        .await?;
    let joins = sql("SELECT COUNT(*) FROM company_memberships WHERE user_id = ?").bind(people.member);
    if joins.fetch_value::<i64>(&mut tx).await.context("memberships cannot be counted")? < 20 {
        let now = app.now();
        let rows = (10..30).map(|n| membership(company + n, people.member, role, n * 25, now)).collect();
        write(&mut tx, rows, MEMBERSHIP).await?;
    }
    technicians(&mut tx, company, user, app.now()).await?;
    tx.commit().await.map_err(crate::plain)?;
    Ok(people)
}

/// The first company is the provider, and people of it do the work.
async fn technicians(tx: &mut Tx, company: i64, user: i64, now: DateTime<Utc>) -> Result<()> {
    sql("UPDATE companies SET is_provider = TRUE WHERE id = ?").bind(company).execute(tx).await?;
    let role = sql("SELECT id FROM roles WHERE name_key = 'helpdesk technician'");
    let role: i64 = role.fetch_value(&mut *tx).await.context("there is no role for technicians")?;
    let there = sql("SELECT COUNT(*) FROM company_memberships WHERE role_id = ?").bind(role);
    if there.fetch_value::<i64>(&mut *tx).await? == 0 {
        let rows = (3..20).map(|n| membership(company, user + n, role, n, now)).collect();
        write(tx, rows, MEMBERSHIP).await?;
    }
    Ok(())
}
