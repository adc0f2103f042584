//! The staff directories of two customers: people with and without an account, a starter, leavers.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use shared::db::{Tx, sql};
use shared::error::Result;
use shared::search;

use super::Known;

struct Row {
    /// Of a person with an account.
    key: Option<&'static str>,
    company: &'static str,
    first: &'static str,
    last: &'static str,
    mobile: Option<&'static str>,
    department: Option<&'static str>,
    job: &'static str,
    action: Option<&'static str>,
    /// Days ago; the leaving day lies ahead when it is below zero.
    started: i64,
    leaves: Option<i64>,
    enabled: bool,
}

#[expect(clippy::too_many_arguments, reason = "a line of a table")]
const fn row(
    company: &'static str,
    key: Option<&'static str>,
    first: &'static str,
    last: &'static str,
    mobile: Option<&'static str>,
    department: Option<&'static str>,
    job: &'static str,
    action: Option<&'static str>,
    started: i64,
) -> Row {
    Row { key, company, first, last, mobile, department, job, action, started, leaves: None, enabled: true }
}

const WHERE: [(&str, &str, &str, &str); 2] =
    [("brightware", "31 Stonegate", "York", "YO1 8AW"), ("northwind", "18 Park Row", "Leeds", "LS1 5HD")];

fn rows() -> [Row; 13] {
    let done = Some("Onboarded");
    let (law, office, surgery) = (Some("Solicitors"), Some("Office"), Some("Surgery"));
    [
        row(
            "brightware",
            Some("caroline"),
            "Caroline",
            "Ware",
            Some("+447700900101"),
            law,
            "Senior partner",
            done,
            2900,
        ),
        row("brightware", Some("daniel"), "Daniel", "Price", Some("+447700900102"), law, "Solicitor", done, 1460),
        row("brightware", Some("yusuf"), "Yusuf", "Demir", Some("+447700900103"), office, "Bookkeeper", done, 820),
        row("brightware", None, "Harriet", "Bright", Some("+447700900104"), law, "Partner", done, 2900),
        row("brightware", None, "Imogen", "Castle", None, office, "Receptionist", done, 610),
        row(
            "brightware",
            None,
            "Oscar",
            "Lund",
            Some("+447700900106"),
            law,
            "Trainee solicitor",
            Some("Onboard Requested"),
            -7,
        ),
        Row {
            leaves: Some(-4),
            ..row(
                "brightware",
                None,
                "Peter",
                "Shaw",
                Some("+447700900107"),
                law,
                "Paralegal",
                Some("Offboard Requested"),
                980,
            )
        },
        Row {
            leaves: Some(34),
            enabled: false,
            ..row("brightware", None, "Anwen", "Rees", None, office, "Legal secretary", Some("Offboarded"), 1800)
        },
        row(
            "northwind",
            Some("helen"),
            "Helen",
            "Marsh",
            Some("+447700900111"),
            office,
            "Practice manager",
            done,
            2200,
        ),
        row("northwind", Some("tom"), "Tom", "Avery", Some("+447700900112"), surgery, "Dentist", done, 1900),
        row("northwind", Some("priya"), "Priya", "Nair", Some("+447700900113"), surgery, "Dental nurse", done, 700),
        Row {
            leaves: Some(-12),
            ..row("northwind", None, "Colin", "Baxter", None, surgery, "Hygienist", Some("Offboard Scheduled"), 1300)
        },
        row("northwind", None, "Zofia", "Nowak", Some("+447700900115"), None, "Receptionist", None, 45),
    ]
}

/// Writes them, and lets one member look after the people of their department.
pub async fn write(
    tx: &mut Tx,
    companies: &HashMap<&'static str, i64>,
    known: &Known,
    now: DateTime<Utc>,
) -> Result<()> {
    let today = now.date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
    for row in rows() {
        let company = companies.get(row.company).copied().unwrap_or_default();
        let user = row.key.and_then(|key| known.get(key)).map(|(id, _)| *id);
        let email = format!("{}.{}@{}.example", row.first, row.last, row.company).to_lowercase();
        let (_, street, city, postcode) = WHERE.iter().find(|(key, ..)| *key == row.company).unwrap_or(&WHERE[0]);
        sql("INSERT INTO staff (company_id, user_id, first_name, last_name, email, mobile_phone, date_onboarded, \
             date_offboarded, enabled, street, city, postcode, country, department, department_key, job_title, \
             account_action, sort_name, search_text, created_at, updated_at) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'United Kingdom', ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(company)
        .bind(user)
        .bind(row.first)
        .bind(row.last)
        .bind(&email)
        .bind(row.mobile)
        .bind(today - TimeDelta::days(row.started))
        .bind(row.leaves.map(|days| today - TimeDelta::days(days) + TimeDelta::hours(17)))
        .bind(row.enabled)
        .bind(*street)
        .bind(*city)
        .bind(*postcode)
        .bind(row.department)
        .bind(row.department.map(str::to_lowercase))
        .bind(row.job)
        .bind(row.action)
        .bind(search::fold(&format!("{} {}", row.last, row.first)))
        .bind(search::fold(&format!(
            "{} {} {email} {} {} {} {city}",
            row.first,
            row.last,
            row.mobile.unwrap_or_default(),
            row.job,
            row.department.unwrap_or_default()
        )))
        .bind(now - TimeDelta::days(row.started.max(1)))
        .bind(now)
        .insert(tx)
        .await?;
    }
    for (key, level) in [("priya", 2_i64), ("daniel", 3)] {
        let (user, company) = known.get(key).copied().unwrap_or_default();
        sql("UPDATE company_memberships SET staff_permission = ? WHERE user_id = ? AND company_id = ?")
            .bind(level)
            .bind(user)
            .bind(company)
            .execute(tx)
            .await?;
    }
    Ok(())
}
