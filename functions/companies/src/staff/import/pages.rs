//! Imports for people: from Syncro by a button, from a file with a look at it first (organisation 10.1).

use std::collections::HashSet;

use axum::response::Response;
use serde::Serialize;
use shared::caller::{Member, SuperAdmin};
use shared::context::By;
use shared::db::sql;
use shared::error::{Error, Invalid, Result};
use shared::page::Page;
use shared::syncro::Syncro;
use shared::web::{FormState, Multipart, Path};
use shared::{Flash, Tone};
use tokio::io::AsyncReadExt as _;

use super::runs::{self, Import, Note, Start};
use super::{PATH, csv, start};
use crate::staff::field::Field;
use crate::staff::scope::Directory;
use crate::staff::store;

/// The ways in, and what was imported last.
#[derive(Debug, Serialize)]
pub struct Imports {
    company: String,
    /// The company's number at Syncro.
    customer: Option<String>,
    company_id: i64,
    is_ready: bool,
    recent: Vec<Import>,
    columns: Vec<&'static str>,
    form: FormState,
}

impl Page for Imports {
    const TEMPLATE: &'static str = "staff/import.html";

    fn samples() -> Vec<Self> {
        let page = |customer: Option<&str>, is_ready, recent, form| Self {
            company: "Northwind Dental".to_owned(),
            customer: customer.map(str::to_owned),
            company_id: 4,
            is_ready,
            recent,
            columns: columns(),
            form,
        };
        let bad = Invalid::field("file", "Choose a file");
        vec![
            page(Some("88121"), true, vec![sample("succeeded"), sample("failed")], FormState::blank()),
            page(None, true, Vec::new(), FormState::blank().refused(&bad)),
            page(None, false, Vec::new(), FormState::blank()),
        ]
    }
}

fn columns() -> Vec<&'static str> {
    Field::ALL.into_iter().map(Field::name).collect()
}

/// A believable run, for samples.
fn sample(status: &str) -> Import {
    let at = chrono::DateTime::from_timestamp(1_794_990_000, 0).unwrap_or_default();
    Import {
        id: 3,
        company_id: 4,
        company: "Northwind Dental".to_owned(),
        customer: Some("88121".to_owned()),
        source: if status == "preview" { "csv" } else { "syncro" }.to_owned(),
        status: status.to_owned(),
        content: None,
        requested_by_id: Some(1),
        requested_by: Some("olivia@example.com".to_owned()),
        fetched: 55,
        created: 12,
        updated: 1,
        unchanged: 40,
        skipped: 2,
        cursor_page: 2,
        cursor_row: 5,
        total_pages: Some(4),
        last_error: (status == "failed").then(|| "Page 2 could not be read. Syncro answered 500".to_owned()),
        finished_at: (status != "running").then_some(at),
        created_at: at,
    }
}

/// Imports are for super administrators, and for the company they work for.
fn allowed(by: &Member<Directory>) -> Result<()> {
    if by.me().user.is_super_admin { Ok(()) } else { Err(Error::forbidden("Access denied").or_see("/staff")) }
}

async fn page(by: &Member<Directory>, form: FormState) -> Result<Imports> {
    let company = by.company();
    Ok(Imports {
        company: company.name.clone(),
        customer: company.syncro_company_id.clone(),
        company_id: company.id,
        is_ready: Syncro::of_module(by.app()).await?.is_some(),
        recent: runs::recent(by.db(), company.id).await?,
        columns: columns(),
        form,
    })
}

/// The page.
pub async fn list(by: Member<Directory>) -> Result<Response> {
    allowed(&by)?;
    by.page(&page(&by, FormState::blank()).await?).await
}

/// Keeps a file, so that it can be looked at before anything is written.
pub async fn upload(by: Member<Directory>, form: Multipart) -> Result<Response> {
    allowed(&by)?;
    let content = match text(form).await {
        Ok(content) => content,
        Err(Error::Invalid(invalid)) => {
            return by.page_again(&page(&by, FormState::blank().refused(&invalid)).await?).await;
        }
        Err(error) => return Err(error),
    };
    let zone = store::zone(by.db()).await?;
    if let Err(text) = csv::read(&content, &zone) {
        let form = FormState::blank().refused(&Invalid::field("file", text));
        return by.page_again(&page(&by, form).await?).await;
    }
    let mut tx = by.begin().await?;
    // Nothing of the company has changed yet.
    tx.housekeeping();
    let id = runs::insert(&mut tx, by.company().id, "csv", Some(&content), Start::Preview).await?;
    tx.commit().await?;
    let id = id.ok_or_else(|| start::busy(None))?;
    Ok(by.go(&format!("{PATH}/{id}")))
}

async fn text(form: Multipart) -> Result<String> {
    let file = form.files.into_iter().find(|file| file.field == "file");
    let Some(mut file) = file else { return Err(Error::field("file", "Choose a file")) };
    if file.size > csv::MOST_BYTES {
        return Err(Error::field("file", "Choose a file of at most 1 MB"));
    }
    let mut bytes = Vec::new();
    file.content.read_to_end(&mut bytes).await?;
    match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(text),
        _ => Err(Error::field("file", "Save the file as CSV in UTF-8 and choose it again")),
    }
}

/// A row of a file before it is imported.
#[derive(Debug, Clone, Serialize)]
pub struct Shown {
    line: usize,
    name: String,
    email: String,
    department: String,
    is_known: bool,
}

/// What a file would do.
#[derive(Debug, Serialize)]
pub struct Preview {
    good: usize,
    bad: usize,
    rows: Vec<Shown>,
    errors: Vec<Note>,
    unknown: Vec<String>,
}

/// A run: the look at a file, the progress, the result.
#[derive(Debug, Serialize)]
pub struct ImportRun {
    run: Import,
    title: &'static str,
    is_active: bool,
    percent: Option<i64>,
    preview: Option<Preview>,
    notes: Vec<Note>,
}

impl Page for ImportRun {
    const TEMPLATE: &'static str = "staff/import_run.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("staff-import", "staff/_import_run.html")];

    fn samples() -> Vec<Self> {
        let note =
            || Note { reference: Some("Line 3: Ana".to_owned()), message: "Email: Enter the address".to_owned() };
        let shown = |is_known| Shown {
            line: 2,
            name: "Ana Ruiz".to_owned(),
            email: "ana@example.com".to_owned(),
            department: String::new(),
            is_known,
        };
        let preview = |bad| Preview {
            good: 2,
            bad,
            rows: vec![shown(true), shown(false)],
            errors: (0..bad).map(|_| note()).collect(),
            unknown: vec!["Salary".to_owned()],
        };
        let mut all: Vec<Self> = ["running", "succeeded", "failed", "cancelled"]
            .map(|status| Self::new(sample(status), None, vec![note()]))
            .into();
        all.push(Self::new(sample("preview"), Some(preview(1)), Vec::new()));
        all.push(Self::new(sample("preview"), Some(preview(0)), Vec::new()));
        all
    }
}

impl ImportRun {
    fn new(run: Import, preview: Option<Preview>, notes: Vec<Note>) -> Self {
        let total = run.total_pages.filter(|total| *total > 0);
        Self {
            title: if run.source == "csv" { "Import from a file" } else { "Import from Syncro" },
            is_active: run.is_active(),
            percent: total.map(|total| ((run.cursor_page - 1) * 100 / total).clamp(0, 100)),
            run,
            preview,
            notes,
        }
    }
}

/// Good rows and faults of a file that are shown.
const ROWS: usize = 50;
const FAULTS: usize = 100;

async fn preview(by: &By, run: &Import) -> Result<Option<Preview>> {
    let Some(content) = run.content.as_deref().filter(|_| run.status == "preview") else { return Ok(None) };
    let zone = store::zone(by.db()).await?;
    let file = csv::read(content, &zone).map_err(|text| Error::bad_request(text).or_see(PATH))?;
    let good: Vec<_> = file.rows.iter().filter_map(|row| Some((row.line, row.read.as_ref().ok()?))).collect();
    let bad: Vec<_> = file.rows.iter().filter_map(|row| row.read.as_ref().err()).collect();
    let emails: Vec<String> = good.iter().take(ROWS).map(|(_, row)| row.text(Field::Email).to_lowercase()).collect();
    let known = known(by, run.company_id, emails).await?;
    let rows = good.iter().take(ROWS).map(|(line, row)| Shown {
        line: *line,
        name: format!("{} {}", row.text(Field::FirstName), row.text(Field::LastName)).trim().to_owned(),
        email: row.text(Field::Email).to_owned(),
        department: row.text(Field::Department).to_owned(),
        is_known: known.contains(&row.text(Field::Email).to_lowercase()),
    });
    let errors = bad.iter().take(FAULTS);
    Ok(Some(Preview {
        rows: rows.collect(),
        errors: errors.map(|s| Note { reference: Some(s.label.clone()), message: s.reason.clone() }).collect(),
        good: good.len(),
        bad: bad.len(),
        unknown: file.unknown,
    }))
}

/// Which of these addresses the company has.
async fn known(by: &By, company_id: i64, emails: Vec<String>) -> Result<HashSet<String>> {
    let emails: Vec<String> = emails.into_iter().filter(|email| !email.is_empty()).collect();
    if emails.is_empty() {
        return Ok(HashSet::new());
    }
    let query = sql("SELECT email FROM staff WHERE company_id = ?").bind(company_id).push_in(" AND email IN", &emails);
    let rows: Vec<(String,)> = query.push(" LIMIT 200").fetch_all(by.db()).await?;
    Ok(rows.into_iter().map(|(email,)| email).collect())
}

/// The page of a run.
pub async fn show(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let run = start::found(&by, id).await?;
    let preview = preview(&by, &run).await?;
    let notes = runs::notes(by.db(), id).await?;
    by.page(&ImportRun::new(run, preview, notes)).await
}

/// Takes a file that was looked at into work.
pub async fn apply(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let run = start::found(&by, id).await?;
    let to = format!("{PATH}/{id}");
    let mut tx = by.begin().await?;
    match runs::begin(&mut tx, id).await? {
        None => return Err(start::busy(runs::active(&mut tx, run.company_id).await?)),
        Some(true) => {}
        Some(false) => {
            // The message is written by a transaction of its own.
            drop(tx);
            return by.see(to, Flash::new(Tone::Info, "This file is imported already")).await;
        }
    }
    tx.audit(start::trail(id, run.company_id, "csv"));
    tx.commit().await?;
    Ok(by.go(&to))
}

/// Ends a run where it stands; what was imported stays.
pub async fn cancel(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let run = start::found(&by, id).await?;
    let mut tx = by.begin().await?;
    if !runs::end(&mut tx, id, "cancelled", None).await? {
        return Err(Error::conflict("This import is over").code("import_over").or_see(format!("{PATH}/{id}")));
    }
    tx.audit(
        shared::audit::Change::new("staff.import_cancelled", "staff_import", id)
            .label(run.company)
            .company(Some(run.company_id)),
    );
    tx.commit().await?;
    by.see("/staff/import", Flash::done("Import cancelled")).await
}
