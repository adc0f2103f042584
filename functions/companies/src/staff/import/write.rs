//! One person of an import becomes a row, or finds theirs (organisation 10.7). What the other side does not
//! say stays as it is.

use shared::db::{Tx, sql};
use shared::error::{Error, Result};

use super::Incoming;
use crate::staff::field::Field;
use crate::staff::model::{Staff, Values};
use crate::staff::store;

/// What became of a person.
#[derive(Debug, PartialEq, Eq)]
pub enum Became {
    /// A new row.
    Created,
    /// Their row says something else now.
    Updated,
    /// It said the same.
    Unchanged,
    /// Nothing; the reason is for the notes.
    Refused(String),
}

/// Writes one person. Nothing is written when nothing changes.
pub async fn put(tx: &mut Tx, company_id: i64, incoming: &Incoming, zone: &str) -> Result<Became> {
    let known = match find(tx, company_id, incoming).await? {
        Found::Nobody => None,
        Found::Row(id) => {
            store::hold(tx, id).await?;
            let now = tx.stamp().at;
            store::get(&mut *tx, id, now).await?
        }
        Found::Other => return Ok(Became::Refused("Another contact of Syncro has the same email".to_owned())),
    };
    let written = match known {
        None => create(tx, company_id, incoming, zone).await,
        Some(staff) => update(tx, &staff, incoming, zone).await,
    };
    match written {
        Err(error @ Error::Refused(_)) => Ok(Became::Refused(error.detail().into_owned())),
        other => other,
    }
}

enum Found {
    Nobody,
    Row(i64),
    /// Somebody with the address who is another contact.
    Other,
}

/// By the contact, else by the address, else, where neither has one, by the name.
async fn find(tx: &mut Tx, company_id: i64, incoming: &Incoming) -> Result<Found> {
    if let Some(contact) = &incoming.contact {
        let query = sql("SELECT id FROM staff WHERE company_id = ? AND syncro_contact_id = ?");
        let row: Option<(i64,)> = query.bind(company_id).bind(contact).fetch_optional(&mut *tx).await?;
        if let Some((id,)) = row {
            return Ok(Found::Row(id));
        }
    }
    let email = incoming.text(Field::Email).to_lowercase();
    if email.is_empty() {
        return by_name(tx, company_id, incoming).await;
    }
    let query = sql("SELECT id, syncro_contact_id FROM staff WHERE company_id = ? AND email = ?");
    let row: Option<(i64, Option<String>)> = query.bind(company_id).bind(email).fetch_optional(tx).await?;
    Ok(match row {
        None => Found::Nobody,
        Some((_, Some(_))) if incoming.contact.is_some() => Found::Other,
        Some((id, _)) => Found::Row(id),
    })
}

async fn by_name(tx: &mut Tx, company_id: i64, incoming: &Incoming) -> Result<Found> {
    let names = named(incoming);
    let mut query = sql("SELECT id, first_name, last_name FROM staff WHERE company_id = ? AND sort_name = ? \
         AND email IS NULL")
    .bind(company_id)
    .bind(names.sort_name());
    if incoming.contact.is_some() {
        query = query.push(" AND syncro_contact_id IS NULL");
    }
    let rows: Vec<(i64, String, String)> = query.push(" ORDER BY id LIMIT 20").fetch_all(tx).await?;
    let same = |(_, first, last): &&(i64, String, String)| {
        first.to_lowercase() == names.first_name.to_lowercase() && last.to_lowercase() == names.last_name.to_lowercase()
    };
    Ok(rows.iter().find(same).map_or(Found::Nobody, |(id, _, _)| Found::Row(*id)))
}

/// The names as a new row would have them.
fn named(incoming: &Incoming) -> Values {
    let first = incoming.text(Field::FirstName);
    Values {
        first_name: if first.is_empty() { "Unknown" } else { first }.to_owned(),
        last_name: incoming.text(Field::LastName).to_owned(),
        enabled: true,
        ..Values::default()
    }
}

fn fill(values: &mut Values, incoming: &Incoming, zone: &str) -> std::result::Result<(), String> {
    for (field, text) in &incoming.values {
        values.set(*field, text, zone).map_err(|message| format!("{}: {message}", field.label()))?;
    }
    Ok(())
}

async fn create(tx: &mut Tx, company_id: i64, incoming: &Incoming, zone: &str) -> Result<Became> {
    let mut values = named(incoming);
    if let Err(text) = fill(&mut values, incoming, zone) {
        return Ok(Became::Refused(text));
    }
    store::insert(tx, company_id, &values, incoming.contact.as_deref()).await?;
    Ok(Became::Created)
}

async fn update(tx: &mut Tx, staff: &Staff, incoming: &Incoming, zone: &str) -> Result<Became> {
    let mut values = staff.values.clone();
    if let Err(text) = fill(&mut values, incoming, zone) {
        return Ok(Became::Refused(text));
    }
    let is_new_contact = incoming.contact.is_some() && incoming.contact != staff.syncro_contact_id;
    if values == staff.values && !is_new_contact {
        return Ok(Became::Unchanged);
    }
    store::update(tx, staff, &values).await?;
    if is_new_contact {
        sql("UPDATE staff SET syncro_contact_id = ? WHERE id = ?")
            .bind(incoming.contact.clone())
            .bind(staff.id)
            .execute(tx)
            .await
            .map_err(store::taken)?;
    }
    Ok(Became::Updated)
}
