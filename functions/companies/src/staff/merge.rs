//! Two rows for one person become one: what the kept row lacks comes from the other, which goes. Super
//! administrators only, as nothing brings the other row back but its line in the trail.

use axum::response::Response;
use serde::{Deserialize, Serialize};
use shared::Flash;
use shared::caller::SuperAdmin;
use shared::context::By;
use shared::db::{Tx, sql};
use shared::error::{Error, Result};
use shared::events::names;
use shared::page::Page;
use shared::web::{Form, Path, Query};

use super::change::{announce, trail};
use super::field::Field;
use super::model::{Staff, Values};
use super::scope::Viewer;
use super::store::{self, Filter};

/// What is taken over where the kept row says nothing. Whether somebody is enabled, and how far their
/// leaving has come, stays as the kept row has it.
const FILLED: [Field; 13] = [
    Field::LastName,
    Field::Email,
    Field::MobilePhone,
    Field::DateOnboarded,
    Field::Street,
    Field::City,
    Field::State,
    Field::Postcode,
    Field::Country,
    Field::Department,
    Field::JobTitle,
    Field::OrgCompany,
    Field::ManagerName,
];

/// Somebody who may be the same person.
#[derive(Debug, Clone, Serialize)]
pub struct Other {
    id: i64,
    name: String,
    about: String,
}

impl From<Staff> for Other {
    fn from(staff: Staff) -> Self {
        let values = &staff.values;
        let parts = [&values.email, &values.mobile_phone, &values.department, &values.job_title];
        let parts: Vec<&str> = parts.into_iter().filter_map(Option::as_deref).collect();
        Self { id: staff.id, name: staff.name(), about: parts.join(" · ") }
    }
}

/// One field of both rows.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    label: &'static str,
    kept: String,
    other: String,
    /// The other row gives it.
    is_filled: bool,
}

/// The page: whom to merge with, then what that does.
#[derive(Debug, Serialize)]
pub struct StaffMerge {
    id: i64,
    name: String,
    company: String,
    q: String,
    others: Vec<Other>,
    other: Option<Other>,
    lines: Vec<Line>,
    /// The account of the other row moves.
    takes_account: bool,
    /// Both come from Syncro, which will bring the other again.
    has_two_contacts: bool,
    /// Why it cannot be done.
    why_not: Option<&'static str>,
}

impl Page for StaffMerge {
    const TEMPLATE: &'static str = "staff/merge.html";

    fn samples() -> Vec<Self> {
        let other = || Other { id: 13, name: "Ana Ruiz".to_owned(), about: "ana@dental.example.com".to_owned() };
        let line = |is_filled| Line {
            label: "Mobile",
            kept: if is_filled { String::new() } else { "+447700900123".to_owned() },
            other: "+447700900124".to_owned(),
            is_filled,
        };
        let page = |others, other: Option<Other>, why_not| Self {
            id: 12,
            name: "Ana Ruiz".to_owned(),
            company: "Northwind Dental".to_owned(),
            q: String::new(),
            others,
            lines: if other.is_some() { vec![line(true), line(false)] } else { Vec::new() },
            takes_account: other.is_some(),
            has_two_contacts: other.is_some(),
            other,
            why_not,
        };
        vec![
            page(vec![other()], None, None),
            page(Vec::new(), None, None),
            page(Vec::new(), Some(other()), None),
            page(Vec::new(), Some(other()), Some(TWO_ACCOUNTS)),
        ]
    }
}

const TWO_ACCOUNTS: &str = "Each of them has a portal account of its own. Decide which account stays, and delete the \
    other one under Users first.";

/// Whom the page is about.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    with: String,
}

/// Chooses the other row, then asks.
pub async fn choose(by: SuperAdmin, Path(id): Path<i64>, asked: Query<Asked>) -> Result<Response> {
    let staff = store::find(by.db(), &Viewer::super_admin(), id, by.now()).await?;
    let mut page = StaffMerge {
        id,
        name: staff.name(),
        company: staff.company_name.clone(),
        q: asked.q.clone(),
        others: Vec::new(),
        other: None,
        lines: Vec::new(),
        takes_account: false,
        has_two_contacts: false,
        why_not: None,
    };
    if let Ok(with) = asked.with.parse() {
        let other = other_of(by.db(), &staff, with, by.now()).await?;
        page.lines = lines(&staff, &other);
        page.takes_account = staff.user_id.is_none() && other.user_id.is_some();
        page.has_two_contacts = staff.syncro_contact_id.is_some() && other.syncro_contact_id.is_some();
        page.why_not = why_not(&staff, &other);
        page.other = Some(other.into());
    } else {
        page.others = candidates(&by, &staff, &asked.q).await?;
    }
    by.page(&page).await
}

async fn other_of(
    at: impl Into<shared::db::At<'_>>,
    staff: &Staff,
    id: i64,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Staff> {
    let other = store::get(at, id, now).await?;
    other.filter(|other| other.company_id == staff.company_id && other.id != staff.id).ok_or_else(store::unknown)
}

/// People found by what is typed, else those with the same last name.
async fn candidates(by: &By, staff: &Staff, q: &str) -> Result<Vec<Other>> {
    let words = match (q.trim(), staff.values.last_name.as_str()) {
        ("", "") => staff.values.first_name.clone(),
        ("", last) => last.to_owned(),
        (typed, _) => typed.to_owned(),
    };
    let filter =
        Filter { company_id: Some(staff.company_id), words, sort: Some("name".to_owned()), ..Filter::default() };
    let rows = store::rows(by, &Viewer::super_admin(), &filter, 20, 0).await?;
    Ok(rows.into_iter().filter(|row| row.id != staff.id).map(Other::from).collect())
}

/// Every field in which the rows differ.
fn lines(kept: &Staff, other: &Staff) -> Vec<Line> {
    let texts = |field: Field| (shown(&kept.values, field), shown(&other.values, field));
    let differs = |field: &Field| texts(*field).0 != texts(*field).1;
    let line = |field: Field| {
        let (own, others) = texts(field);
        Line { label: field.label(), is_filled: FILLED.contains(&field) && own.is_empty(), kept: own, other: others }
    };
    Field::ALL.into_iter().filter(differs).map(line).collect()
}

/// Of times the day is enough to compare.
fn shown(values: &Values, field: Field) -> String {
    let text = values.text(field);
    let is_time = matches!(field, Field::DateOnboarded | Field::DateOffboarded);
    if is_time { text.chars().take(10).collect() } else { text }
}

fn why_not(kept: &Staff, other: &Staff) -> Option<&'static str> {
    let two = kept.user_id.is_some() && other.user_id.is_some() && kept.user_id != other.user_id;
    two.then_some(TWO_ACCOUNTS)
}

/// The kept row with what the other gives.
fn filled(kept: &Staff, other: &Staff) -> Values {
    let mut values = kept.values.clone();
    for field in FILLED.into_iter().filter(|field| kept.values.text(*field).is_empty()) {
        // What is stored was checked when it was written; a value that is refused now is left out.
        let _ = values.set(field, &other.values.text(field), "UTC");
    }
    values
}

/// Which row goes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct With {
    with: String,
}

/// Merges.
pub async fn merge(by: SuperAdmin, Path(id): Path<i64>, form: Form<With>) -> Result<Response> {
    let with = form.with.parse().map_err(|_| Error::bad_request("Choose the other person"))?;
    let mut tx = by.begin().await?;
    // In the order of their numbers, so that two merges of the same rows do not wait for each other for ever.
    for row in [id.min(with), id.max(with)] {
        store::hold(&mut tx, row).await?;
    }
    let kept = store::find(&mut tx, &Viewer::super_admin(), id, by.now()).await?;
    let other = other_of(&mut tx, &kept, with, by.now()).await?;
    if let Some(why) = why_not(&kept, &other) {
        return Err(Error::conflict(why).code("two_accounts").or_see(format!("/staff/{id}/merge?with={with}")));
    }
    write(&mut tx, &kept, &other).await?;
    tx.commit().await?;
    by.see(format!("/staff/{id}"), Flash::done(format!("{} is one person now", kept.name()))).await
}

/// The other row goes first: address and contact are there once in a company.
async fn write(tx: &mut Tx, kept: &Staff, other: &Staff) -> Result<()> {
    let values = filled(kept, other);
    sql("UPDATE invitation_rows SET staff_id = ? WHERE staff_id = ?").bind(kept.id).bind(other.id).execute(tx).await?;
    sql("DELETE FROM staff WHERE id = ?").bind(other.id).execute(tx).await?;
    store::update(tx, kept, &values).await?;
    sql("UPDATE staff SET user_id = ?, syncro_contact_id = ? WHERE id = ?")
        .bind(kept.user_id.or(other.user_id))
        .bind(kept.syncro_contact_id.clone().or_else(|| other.syncro_contact_id.clone()))
        .bind(kept.id)
        .execute(tx)
        .await?;
    announce(tx, names::STAFF_UPDATED, kept).await?;
    tx.audit(trail("staff.merged", kept).changed(&kept.values, &values).meta("merged_id", other.id));
    tx.audit(trail("staff.deleted", other).before(&other.values).meta("merged_into", kept.id));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::staff::show::sample;

    #[test]
    fn only_what_is_missing_is_taken_over() {
        let (mut kept, mut other) = (sample(), sample());
        (kept.values.department, kept.values.date_offboarded, kept.values.enabled) = (None, None, false);
        other.values.department = Some("Surgery".to_owned());
        other.values.city = Some("York".to_owned());
        let values = filled(&kept, &other);
        assert_eq!(values.department.as_deref(), Some("Surgery"));
        assert_eq!(values.city.as_deref(), Some("Leeds"), "what the kept row says stays");
        assert_eq!((values.date_offboarded, values.enabled), (None, false), "nobody is scheduled by a merge");
        let told: Vec<(&str, bool)> = lines(&kept, &other).iter().map(|line| (line.label, line.is_filled)).collect();
        assert_eq!(told, [("Department", true), ("Enabled", false), ("Leaves", false), ("Town", false)]);
        (kept.user_id, other.user_id) = (Some(1), Some(2));
        assert!(why_not(&kept, &other).is_some());
        other.user_id = Some(1);
        assert!(why_not(&kept, &other).is_none());
    }
}
