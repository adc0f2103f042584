//! Merging on pages: into which ticket, of those that are ticked or beside the one that is open.

use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::Flash;
use shared::caller::Technician;
use shared::error::{Error, Invalid, Result};
use shared::page::Page;
use shared::web::{Form, FormState, Path, Query};

use crate::actions;
use crate::model::{Status, TicketFilter};
use crate::scope::Scope;
use crate::store::{self, Plan, Ticket};

/// Asks into which ticket others are merged.
#[derive(Debug, Serialize)]
pub struct TicketMerge {
    title: String,
    /// Those that are ticked; one of them remains.
    ids: Vec<i64>,
    /// What may remain.
    candidates: Vec<Candidate>,
    /// The number of another may be typed.
    is_open: bool,
    form: FormState,
    back: String,
}

#[derive(Debug, Serialize)]
struct Candidate {
    id: i64,
    subject: String,
    status_label: &'static str,
    about: String,
}

impl Candidate {
    fn of(ticket: &Ticket) -> Self {
        let people = [ticket.company_name.clone(), ticket.requester_name()];
        Self {
            id: ticket.id,
            subject: ticket.subject.clone(),
            status_label: Status::stored(&ticket.status).label(),
            about: people.into_iter().flatten().collect::<Vec<_>>().join(" · "),
        }
    }
}

/// Which tickets are ticked: `ids` repeats, so it is read as pairs.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Ticked {}

fn numbers(texts: &[String]) -> Vec<i64> {
    let mut ids: Vec<i64> = texts.iter().filter_map(|id| id.parse().ok()).filter(|id| *id >= 1).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.truncate(actions::MOST_MERGED + 1);
    ids
}

/// Asks which of the ticked tickets remains.
pub async fn ask_ticked(by: Technician, query: Query<Ticked>) -> Result<Response> {
    let page = TicketMerge::ticked(&by, &numbers(&query.all("ids")), FormState::blank()).await?;
    by.page(&page).await
}

/// Asks into which ticket the one that is open is merged.
pub async fn ask(by: Technician, Path(id): Path<i64>) -> Result<Response> {
    by.page(&TicketMerge::one(&by, id, FormState::blank()).await?).await
}

/// The form as it is sent: `into` is chosen, or `number` is typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    into: String,
    number: String,
}

impl Fields {
    fn target(&self) -> Option<i64> {
        let typed = self.number.trim().trim_start_matches('#');
        let text = if typed.is_empty() { self.into.trim() } else { typed };
        text.parse().ok().filter(|id| *id >= 1)
    }
}

/// Merges the ticked tickets.
pub async fn merge_ticked(by: Technician, form: Form<Fields>) -> Result<Response> {
    let ids = numbers(&form.all("ids"));
    let done = match form.target() {
        Some(target) => {
            let others: Vec<i64> = ids.iter().copied().filter(|id| *id != target).collect();
            if others.is_empty() { wrong("Tick at least two tickets") } else { merged(&by, target, &others).await }
        }
        None => wrong("Choose the ticket that remains"),
    };
    match done {
        Ok((target, text)) => by.see(format!("/tickets/{target}"), Flash::done(text)).await,
        Err(text) => {
            let form = form.refused(&Invalid::field("into", text?));
            by.page_again(&TicketMerge::ticked(&by, &ids, form).await?).await
        }
    }
}

/// Merges the ticket that is open.
pub async fn merge(by: Technician, Path(id): Path<i64>, form: Form<Fields>) -> Result<Response> {
    store::find(Scope::of(&by), by.db(), id).await?;
    let done = match form.target() {
        Some(target) => merged(&by, target, &[id]).await,
        None => wrong("Choose a ticket, or enter its number"),
    };
    match done {
        Ok((target, text)) => by.see(format!("/tickets/{target}"), Flash::done(text)).await,
        Err(text) => {
            let form = form.refused(&Invalid::field("number", text?));
            by.page_again(&TicketMerge::one(&by, id, form).await?).await
        }
    }
}

/// What was merged, in words; else the words of what is wrong, or what nobody can correct.
type Merged = Result<(i64, String), Result<String>>;

fn wrong(text: &str) -> Merged {
    Err(Ok(text.to_owned()))
}

async fn merged(by: &Technician, target: i64, ids: &[i64]) -> Merged {
    match actions::merge(by, target, ids).await {
        Ok(()) => {
            let names: Vec<String> = ids.iter().map(|id| format!("#{id}")).collect();
            Ok((target, format!("{} merged into this ticket", names.join(", "))))
        }
        Err(error) if error.status() == StatusCode::NOT_FOUND => Err(Ok(format!("There is no ticket #{target}"))),
        Err(error) if matches!(error.status(), StatusCode::BAD_REQUEST | StatusCode::CONFLICT) => {
            Err(Ok(error.detail().into_owned()))
        }
        Err(error) => Err(Err(error)),
    }
}

/// Takes a ticket out of the one it became part of.
pub async fn unmerge(by: Technician, Path(id): Path<i64>) -> Result<Response> {
    match actions::unmerge(&by, id).await {
        Ok(target) => by.see(format!("/tickets/{id}"), Flash::done(format!("Taken out of #{target}"))).await,
        Err(error) if error.status() == StatusCode::CONFLICT => {
            by.see(format!("/tickets/{id}"), Flash::new(shared::Tone::Error, error.detail())).await
        }
        Err(error) => Err(error),
    }
}

/// Tickets beside the one that is open.
const NEAR: i64 = 12;

impl TicketMerge {
    async fn ticked(by: &Technician, ids: &[i64], form: FormState) -> Result<Self> {
        let found = store::find_all(Scope::of(by), by.db(), ids).await?;
        if found.is_empty() {
            return Err(Error::bad_request("Tick the tickets first").or_see("/tickets"));
        }
        Ok(Self {
            title: format!("Merge {}", shared::format::plural(i64::try_from(found.len()).unwrap_or(0), "ticket")),
            ids: found.iter().map(|ticket| ticket.id).collect(),
            candidates: found.iter().map(Candidate::of).collect(),
            is_open: false,
            form,
            back: "/tickets".to_owned(),
        })
    }

    /// What the same customer asked lately.
    async fn one(by: &Technician, id: i64, form: FormState) -> Result<Self> {
        let scope = Scope::of(by);
        let ticket = store::find(scope, by.db(), id).await?;
        let filter = TicketFilter {
            statuses: Status::UNDONE.to_vec(),
            companies: ticket.company_id.into_iter().collect(),
            requester: ticket.requester_id.filter(|_| ticket.company_id.is_none()),
            ..TicketFilter::default()
        };
        let near = store::full_page(scope, by.db(), &filter, Plan::List, (NEAR + 1, 0)).await?;
        let others = near.iter().filter(|other| other.id != id && other.merged_into_id.is_none());
        Ok(Self {
            title: format!("Merge #{id} into another ticket"),
            ids: vec![id],
            candidates: others.take(usize::try_from(NEAR).unwrap_or(12)).map(Candidate::of).collect(),
            is_open: true,
            form,
            back: format!("/tickets/{id}"),
        })
    }
}

impl Page for TicketMerge {
    const TEMPLATE: &'static str = "tickets/merge.html";

    fn samples() -> Vec<Self> {
        let candidate = |id| Candidate {
            id,
            subject: "Printer in room 4 jams".to_owned(),
            status_label: "Open",
            about: "Northwind Dental · Ana Ruiz".to_owned(),
        };
        let wrong = FormState::of([("number", "4")]).refused(&Invalid::field("number", "There is no ticket #4"));
        let page = |is_open, form| Self {
            title: "Merge 2 tickets".to_owned(),
            ids: vec![3, 4],
            candidates: vec![candidate(3), candidate(4)],
            is_open,
            form,
            back: "/tickets".to_owned(),
        };
        let mut alone = page(true, FormState::blank());
        alone.candidates.clear();
        let neither = FormState::blank().refused(&Invalid::field("into", "Choose the ticket that remains"));
        vec![page(false, FormState::blank()), page(false, neither), page(true, wrong), alone]
    }
}
