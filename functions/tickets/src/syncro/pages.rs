//! The console `/admin/tickets/import` (tickets 9.5, interface 3.11).

use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};
use shared::caller::{Keyed, SuperAdmin};
use shared::context::By;
use shared::error::{Error, Result};
use shared::flash::Flash;
use shared::outbound_slots;
use shared::page::Page;
use shared::routes::Routes;
use shared::syncro::{LIMIT, Syncro};
use shared::web::{Form, FormState, Input, Json, Path};

use super::api::ImportSummary;
use super::files;
use super::request::{self, ImportRequest, Which};
use super::runs::{self, ImportRun, Problem};
use super::start::{self, CONSOLE};

/// Adds the pages.
pub fn add(routes: Routes) -> Routes {
    routes
        .page("/admin/tickets/import", console)
        .form("/admin/tickets/import", begin)
        .page("/admin/tickets/import/all", ask_all)
        .page("/admin/tickets/import/{run_id}", show)
        .form("/admin/tickets/import/{run_id}/cancel", cancel)
        .api(shared::api!(begin_anyhow))
}

/// Runs in the list of the console.
const RECENT: i64 = 10;

/// Problems on the page of a run.
const PROBLEMS: i64 = 500;

/// A run as people read it.
#[derive(Debug, Clone, Serialize)]
struct RunView {
    id: i64,
    title: String,
    status: String,
    is_active: bool,
    is_waiting: bool,
    /// "Page 31 of 84".
    place: Option<String>,
    /// Of a hundred; none while nobody can say.
    percent: Option<i64>,
    /// "about 6 min left".
    left: Option<String>,
    created: i64,
    updated: i64,
    skipped: i64,
    failed: i64,
    comments: i64,
    no_company: i64,
    /// Files that were fetched, and those still to be.
    files: i64,
    files_left: i64,
    by: Option<String>,
    at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    last_error: Option<String>,
}

impl RunView {
    fn of(run: &ImportRun, now: DateTime<Utc>) -> Self {
        let part = part(run);
        let percent = part.map(|(done, all)| (done * 100 / all.max(1)).clamp(0, 100));
        Self {
            id: run.id,
            title: title(run.which()),
            status: run.status.clone(),
            is_active: run.is_active(),
            is_waiting: run.status == "queued",
            place: place(run),
            percent: percent.filter(|_| run.is_active()),
            left: part.and_then(|(done, all)| left(now - run.started_at?, done, all)).filter(|_| run.is_active()),
            created: run.created,
            updated: run.updated,
            skipped: run.skipped,
            failed: run.failed,
            comments: run.comments_created,
            no_company: run.no_company,
            files: 0,
            files_left: 0,
            by: run.requester_email.clone(),
            at: run.started_at.unwrap_or(run.created_at),
            finished_at: run.finished_at,
            last_error: run.last_error.clone(),
        }
    }
}

/// A run with its files, which may still be fetched when it is over.
async fn with_files(by: &By, mut view: RunView) -> Result<RunView> {
    let tally = files::tally(by.db(), view.id).await?;
    (view.files, view.files_left) = (tally.done, tally.waiting);
    Ok(view)
}

fn title(which: Which) -> String {
    match which {
        Which::Id(id) => format!("Ticket with ID {id}"),
        Which::Number(number) => format!("Ticket number {number}"),
        Which::Range(first, last) => format!("IDs {first} to {last}"),
        Which::All => "All tickets".to_owned(),
    }
}

/// How much of how much is done.
fn part(run: &ImportRun) -> Option<(i64, i64)> {
    match run.which() {
        Which::Range(first, last) => Some((run.cursor_id.map_or(0, |done| done - first + 1), last - first + 1)),
        Which::All if run.is_closing => run.total_pages.map(|total| (total, total)),
        Which::All => run.total_pages.map(|total| (run.cursor_page.unwrap_or(1) - 1, total)),
        Which::Id(_) | Which::Number(_) => None,
    }
}

fn place(run: &ImportRun) -> Option<String> {
    match (run.which(), run.cursor_page, run.total_pages) {
        (Which::Range(_, last), _, _) => Some(format!("ID {} of {last}", run.cursor_id?)),
        (Which::All, _, _) if run.is_closing => Some("Looking for tickets that came in meanwhile".to_owned()),
        (Which::All, page, Some(total)) => Some(format!("Page {} of {total}", page.unwrap_or(1))),
        (Which::All, Some(page), None) => Some(format!("Page {page}")),
        _ => None,
    }
}

/// What is left, as far as what is done tells.
fn left(elapsed: TimeDelta, done: i64, all: i64) -> Option<String> {
    if done < 1 || done >= all || elapsed < TimeDelta::seconds(5) {
        return None;
    }
    let seconds = elapsed.num_seconds() * (all - done) / done;
    Some(match seconds {
        ..90 => "about a minute left".to_owned(),
        90..5400 => format!("about {} min left", (seconds + 30) / 60),
        _ => format!("about {} h left", (seconds + 1800) / 3600),
    })
}

/// The three ways to import, and what is going on.
#[derive(Debug, Serialize)]
struct ImportConsole {
    form: FormState,
    is_ready: bool,
    run: Option<RunView>,
    /// Calls of the last minute.
    rate: i64,
    recent: Vec<RunView>,
}

impl Page for ImportConsole {
    const TEMPLATE: &'static str = "tickets/import.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("import-progress", "tickets/_import_run.html")];

    fn samples() -> Vec<Self> {
        let page = |is_ready, run: Option<RunView>, recent| Self { form: form(), is_ready, run, rate: 142, recent };
        let all = samples();
        vec![
            page(true, all.first().cloned(), all.clone()),
            page(false, None, Vec::new()),
            page(true, all.get(1).cloned(), all),
        ]
    }
}

fn samples() -> Vec<RunView> {
    let at = DateTime::from_timestamp(1_794_990_000, 0).unwrap_or_default();
    let running = RunView {
        id: 7,
        title: title(Which::All),
        status: "running".to_owned(),
        is_active: true,
        is_waiting: false,
        place: Some("Page 31 of 84".to_owned()),
        percent: Some(37),
        left: Some("about 6 min left".to_owned()),
        created: 612,
        updated: 130,
        skipped: 33,
        failed: 2,
        comments: 2048,
        no_company: 3,
        files: 41,
        files_left: 7,
        by: Some("ana@example.com".to_owned()),
        at,
        finished_at: None,
        last_error: None,
    };
    let over = |id, status: &str, error: Option<&str>| RunView {
        id,
        title: title(Which::Range(1500, 1525)),
        status: status.to_owned(),
        is_active: false,
        place: None,
        percent: None,
        left: None,
        finished_at: Some(at),
        last_error: error.map(str::to_owned),
        by: None,
        ..running.clone()
    };
    let denied = over(5, "failed", Some("Syncro refused the key"));
    vec![running.clone(), over(6, "succeeded", None), denied, over(4, "cancelled", None)]
}

fn form() -> FormState {
    FormState::of([
        ("ticket_id", ""),
        ("lookup", "id"),
        ("start_id", ""),
        ("end_id", ""),
        ("include_comments", "true"),
        ("include_attachments", "true"),
    ])
}

async fn page(by: &By, form: FormState) -> Result<ImportConsole> {
    let recent = runs::recent(by.db(), RECENT, 0).await?;
    let views: Vec<RunView> = recent.iter().map(|run| RunView::of(run, by.now())).collect();
    let run = match views.first() {
        Some(newest) => Some(with_files(by, newest.clone()).await?),
        None => None,
    };
    Ok(ImportConsole {
        form,
        is_ready: Syncro::of_module(by.app()).await?.is_some(),
        run,
        rate: outbound_slots::used(by.db(), &LIMIT, by.now()).await?,
        recent: views,
    })
}

async fn console(by: SuperAdmin) -> Result<Response> {
    let page = page(&by, form()).await?;
    by.page(&page).await
}

/// Starts what a form asks for; a box that was not sent was not ticked.
async fn begin(by: SuperAdmin, form: Form<Map<String, Value>>) -> Result<Response> {
    let mut asked = form.value.clone();
    for name in ["include_comments", "include_attachments", "summarise"] {
        asked.entry(name).or_insert(Value::Bool(false));
    }
    match request::parse(&asked) {
        Ok(wanted) => {
            start::start(&by, &wanted).await?;
            by.see(CONSOLE, Flash::done("Import started")).await
        }
        Err(Error::Invalid(invalid)) => {
            let mut state = form.refused(&invalid);
            for (name, field) in self::form().fields {
                state.fields.entry(name).or_insert(field);
            }
            let page = page(&by, state).await?;
            by.page_again(&page).await
        }
        Err(error) => by.see(CONSOLE, Flash::new(shared::flash::Tone::Error, error.detail().into_owned())).await,
    }
}

/// Import tickets from Syncro, by the address of the portal before this one
///
/// JSON as for `/api/tickets/import/syncro`, or a form with the same fields, which leads to the console.
#[utoipa::path(post, path = "/admin/syncro/import-tickets", request_body = ImportRequest, responses(
    (status = 202, description = "The run", body = ImportSummary),
    (status = 409, description = "Another import is running"),
    (status = 503, description = "Syncro is not set up")))]
async fn begin_anyhow(by: Keyed<SuperAdmin>, input: Input<Map<String, Value>>) -> Result<Response> {
    by.portal_wide()?;
    let started = async { start::start(&by, &request::parse(&input.value)?).await };
    if input.form.is_some() {
        return match started.await {
            Ok(_) => by.see(CONSOLE, Flash::done("Import started")).await,
            Err(error) => by.see(CONSOLE, Flash::new(shared::flash::Tone::Error, error.detail().into_owned())).await,
        };
    }
    let run = start::awaited(&by, started.await?).await?;
    Ok((StatusCode::ACCEPTED, Json(ImportSummary::from(run))).into_response())
}

/// The question before everything is imported.
#[derive(Debug, Serialize)]
struct AskAll {
    is_first: bool,
}

impl Page for AskAll {
    const TEMPLATE: &'static str = "tickets/import_all.html";

    fn samples() -> Vec<Self> {
        vec![Self { is_first: true }, Self { is_first: false }]
    }
}

async fn ask_all(by: SuperAdmin) -> Result<Response> {
    let is_first = runs::count(by.db()).await? == 0;
    by.page(&AskAll { is_first }).await
}

/// One run with what went wrong.
#[derive(Debug, Serialize)]
struct ImportShow {
    run: RunView,
    rate: i64,
    problems: Vec<ProblemView>,
}

#[derive(Debug, Serialize)]
struct ProblemView {
    reference: Option<String>,
    message: String,
    at: DateTime<Utc>,
}

impl From<Problem> for ProblemView {
    fn from(row: Problem) -> Self {
        Self { reference: row.external_reference, message: row.message, at: row.created_at }
    }
}

impl Page for ImportShow {
    const TEMPLATE: &'static str = "tickets/import_run.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("import-progress", "tickets/_import_run.html")];

    fn samples() -> Vec<Self> {
        let problem = |run: &RunView| ProblemView {
            reference: Some("4711".to_owned()),
            message: "Syncro answered 500".to_owned(),
            at: run.at,
        };
        let show = |run: RunView| Self { rate: 12, problems: vec![problem(&run)], run };
        samples().into_iter().map(show).collect()
    }
}

async fn show(by: SuperAdmin, Path(run_id): Path<i64>) -> Result<Response> {
    let run = start::found(&by, run_id).await?;
    let problems = runs::problems(by.db(), run_id, PROBLEMS).await?;
    let page = ImportShow {
        run: with_files(&by, RunView::of(&run, by.now())).await?,
        rate: outbound_slots::used(by.db(), &LIMIT, by.now()).await?,
        problems: problems.into_iter().map(Into::into).collect(),
    };
    by.page(&page).await
}

async fn cancel(by: SuperAdmin, Path(run_id): Path<i64>) -> Result<Response> {
    start::cancel(&by, run_id).await?;
    by.see(CONSOLE, Flash::done("Import cancelled. What was imported stays.")).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::testing::render_samples;

    #[test]
    fn every_page_renders_with_every_sample() {
        render_samples::<ImportConsole>();
        render_samples::<AskAll>();
        render_samples::<ImportShow>();
    }

    #[test]
    fn what_is_left_is_told_when_it_can_be() {
        let told = |seconds, done, all| left(TimeDelta::seconds(seconds), done, all);
        assert_eq!(told(60, 10, 70).as_deref(), Some("about 6 min left"));
        assert_eq!(told(60, 60, 70).as_deref(), Some("about a minute left"));
        assert_eq!(told(3600, 1, 10).as_deref(), Some("about 9 h left"));
        assert_eq!((told(60, 0, 70), told(2, 1, 70), told(60, 70, 70)), (None, None, None));
    }
}
