//! `demo`: a provider, six customers, their people and a month of tickets, so that the portal can be
//! looked at as it is used. Rows are written straight, because the stories lie in the past.

mod automation;
mod desk;
mod feed;
mod month;
mod people;
mod staff;

use std::collections::HashMap;

use anyhow::{Result, bail};
use chrono::{DateTime, TimeDelta, Utc};
use shared::app::App;
use shared::audit::{Change, Stamp};
use shared::db::{Tx, sql};
use shared::{passwords, search, tokens};

use crate::plain;
use month::{Side, Story};
use people::{COMPANIES, CONTACT, Company, PEOPLE};

/// The password of everybody in the demo.
pub const PASSWORD: &str = "northern-lights-26";

/// A row of `users` with the company it works for.
type Known = HashMap<&'static str, (i64, i64)>;

/// Loads everything once; a second call says so and changes nothing.
pub async fn load(app: &App) -> Result<()> {
    if app.config().is_production() {
        bail!("demo data is not for production");
    }
    let boss = PEOPLE[0];
    if shared::accounts::users::find_by_email(app.db(), &boss.email()).await.map_err(plain)?.is_some() {
        println!("The demo data is loaded already.");
    } else {
        let hash = passwords::hash(PASSWORD).await?;
        let count = write(app, &hash).await.map_err(plain)?;
        println!("{} companies, {} people and {count} tickets are loaded.", COMPANIES.len(), PEOPLE.len());
    }
    println!("Sign in with the password {PASSWORD} as");
    for (email, what) in people::doors() {
        println!("  {email:<36} {what}");
    }
    Ok(())
}

async fn write(app: &App, hash: &str) -> shared::error::Result<usize> {
    let now = app.now();
    let mut tx = app.db().begin(Stamp::system(now)).await?;
    let companies = add_companies(&mut tx, now - TimeDelta::days(400)).await?;
    let known = add_people(&mut tx, &companies, hash, now - TimeDelta::days(200)).await?;
    staff::write(&mut tx, &companies, &known, now).await?;
    let stories = month::stories();
    let count = stories.len();
    for story in stories {
        add_ticket(&mut tx, &known, &story, now).await?;
    }
    desk::write(&mut tx, now).await?;
    feed::write(&mut tx, now).await?;
    let boss = known.get(PEOPLE[0].key).map_or(0, |(id, _)| *id);
    let customer = companies.get(COMPANIES[1].key).copied().unwrap_or_default();
    automation::write(app, &mut tx, boss, customer, now).await?;
    tx.audit(Change::new("demo.loaded", "demo", 0).meta("tickets", i64::try_from(count).unwrap_or_default()));
    tx.commit().await?;
    Ok(count)
}

async fn add_companies(tx: &mut Tx, at: DateTime<Utc>) -> shared::error::Result<HashMap<&'static str, i64>> {
    let mut ids = HashMap::new();
    for company in &COMPANIES {
        ids.insert(company.key, add_company(tx, company, at).await?);
    }
    sql("UPDATE site_settings SET company_name = COALESCE(company_name, ?), support_email = COALESCE(support_email, ?), \
         support_phone = COALESCE(support_phone, ?), first_admin_at = COALESCE(first_admin_at, ?), \
         default_timezone = ? WHERE id = 1")
    .bind(COMPANIES[0].name)
    .bind("help@northstar.example")
    .bind("+44 113 496 0110")
    .bind(at)
    .bind("Europe/London")
    .execute(tx)
    .await?;
    Ok(ids)
}

/// A company of that name that is there already is used as it is.
async fn add_company(tx: &mut Tx, company: &Company, at: DateTime<Utc>) -> shared::error::Result<i64> {
    use shared::accounts::companies::{NewCompany, insert, name_key};
    let known: Option<(i64,)> = sql("SELECT id FROM companies WHERE name_key = ?")
        .bind(name_key(company.name))
        .fetch_optional(&mut *tx)
        .await?;
    if let Some((id,)) = known {
        return Ok(id);
    }
    let new = NewCompany {
        name: company.name.to_owned(),
        address: Some(company.address.to_owned()),
        phone: Some(company.phone.to_owned()),
        website: Some(format!("https://www.{}.example", company.key)),
        contact_email: Some(format!("office@{}.example", company.key)),
        is_vip: company.is_vip,
        is_provider: company.key == COMPANIES[0].key,
        ..NewCompany::default()
    };
    insert(tx, &new, at).await
}

/// A role beside those of the product: it opens the tickets of the whole company.
async fn add_role(tx: &mut Tx, at: DateTime<Utc>) -> shared::error::Result<()> {
    sql("INSERT INTO roles (name, name_key, description, permissions, is_system, created_at, updated_at) \
         SELECT ?, ?, ?, ?, FALSE, ?, ? FROM site_settings s WHERE s.id = 1 \
         AND NOT EXISTS (SELECT 1 FROM roles r WHERE r.name_key = ?)")
    .bind(CONTACT)
    .bind(CONTACT.to_lowercase())
    .bind("Reads the tickets of everybody in the company and raises them for colleagues.")
    .bind(r#"["portal.access","tickets.company"]"#)
    .bind(at)
    .bind(at)
    .bind(CONTACT.to_lowercase())
    .execute(tx)
    .await?;
    Ok(())
}

async fn add_people(
    tx: &mut Tx,
    companies: &HashMap<&'static str, i64>,
    hash: &str,
    at: DateTime<Utc>,
) -> shared::error::Result<Known> {
    use shared::accounts::{memberships, users};
    let mut known = Known::new();
    add_role(tx, at).await?;
    for person in &PEOPLE {
        let company = companies.get(person.company).copied().unwrap_or_default();
        let new = users::NewUser {
            email: person.email(),
            password_hash: Some(hash.to_owned()),
            first_name: Some(person.first.to_owned()),
            last_name: Some(person.last.to_owned()),
            company_id: Some(company),
            is_super_admin: person.role == "super admin",
            email_verified_at: Some(at),
            ..users::NewUser::default()
        };
        let id = users::insert(tx, &new, at).await?;
        let role = if person.role == "super admin" { "Owner" } else { person.role };
        let membership = memberships::NewMembership {
            company_id: company,
            user_id: id,
            role,
            status: memberships::Status::Active,
            is_owner: role == "Owner",
        };
        memberships::insert(tx, &membership, at).await?;
        known.insert(person.key, (id, company));
    }
    Ok(known)
}

/// A ticket with its replies, as if it had happened then; replies that would lie ahead are left out.
async fn add_ticket(tx: &mut Tx, known: &Known, story: &Story, now: DateTime<Utc>) -> shared::error::Result<()> {
    let raised = story.raised_at(now);
    let (requester, company) = known.get(story.requester).copied().unwrap_or_default();
    let worker = known.get(story.worker).map(|(id, _)| *id);
    let replies: Vec<_> = story.replies(raised).into_iter().filter(|reply| reply.at < now).collect();
    let public = || replies.iter().filter(|reply| reply.side != Side::Note);
    let last = replies.last().map_or(raised, |reply| reply.at);
    let is_done = matches!(story.status, "resolved" | "closed");
    let id =
        sql("INSERT INTO tickets (company_id, requester_id, assigned_user_id, created_by_id, subject, description, \
         status, priority, priority_order, category, source, first_response_at, closed_at, last_reply_at, \
         last_reply_side, search_text, version, created_at, updated_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'portal', ?, ?, ?, ?, ?, 1, ?, ?)")
        .bind(company)
        .bind(requester)
        .bind(worker)
        .bind(requester)
        .bind(story.subject)
        .bind((!story.description.is_empty()).then_some(story.description.as_str()))
        .bind(story.status)
        .bind(story.priority)
        .bind(story.priority_order())
        .bind(story.category)
        .bind(public().find(|reply| reply.side == Side::Technician).map(|reply| reply.at))
        .bind(is_done.then_some(last))
        .bind(public().next_back().map(|reply| reply.at))
        .bind(public().next_back().map(|reply| reply.side.as_str()))
        .bind(search::fold(&format!("{} {} ", story.subject, story.description)))
        .bind(raised)
        .bind(last)
        .insert(tx)
        .await?;
    let words = |is_note: bool| {
        let said = replies.iter().filter(|reply| (reply.side == Side::Note) == is_note);
        said.flat_map(|reply| [" ".to_owned(), search::fold(reply.text)]).collect::<String>()
    };
    let own = search::fold(&format!("{} {} ", story.subject, story.description));
    sql("INSERT INTO ticket_texts (id, public_text, internal_text) VALUES (?, ?, ?)")
        .bind(id)
        .bind(format!(" {own}{}", words(false)))
        .bind(words(true))
        .insert(tx)
        .await?;
    for reply in &replies {
        let author = if reply.side == Side::Requester { requester } else { worker.unwrap_or(requester) };
        add_reply(tx, id, author, reply).await?;
    }
    add_activity(tx, id, requester, raised).await
}

async fn add_reply(tx: &mut Tx, ticket: i64, author: i64, reply: &month::Reply) -> shared::error::Result<()> {
    sql("INSERT INTO ticket_replies (ticket_id, author_id, body, body_hash, is_internal, source, search_text, \
         created_at) VALUES (?, ?, ?, ?, ?, 'portal', ?, ?)")
    .bind(ticket)
    .bind(author)
    .bind(reply.text)
    .bind(tokens::sha256_hex(reply.text.as_bytes()))
    .bind(reply.side == Side::Note)
    .bind(search::fold(reply.text))
    .bind(reply.at)
    .insert(tx)
    .await?;
    Ok(())
}

async fn add_activity(tx: &mut Tx, ticket: i64, actor: i64, at: DateTime<Utc>) -> shared::error::Result<()> {
    sql("INSERT INTO ticket_activity (ticket_id, actor_id, kind, changes, created_at) VALUES (?, ?, 'created', '{}', ?)")
        .bind(ticket)
        .bind(actor)
        .bind(at)
        .insert(tx)
        .await?;
    Ok(())
}
