//! `/` and `GET /api/dashboard`: what waits for a person, by what they may do (interface 3.2,
//! organisation 14). A card exists only when its page can be opened.

pub mod api;
mod samples;

use axum::response::Response;
use serde::Serialize;
use shared::caller::{Person, User};
use shared::error::Result;
use shared::page::Page;
use shared::routes::Routes;

use crate::figures::asks::{Alert, Offer, asks};
use crate::figures::days::{Failures, failures};
use crate::figures::portal::{Portal, portal};
use crate::figures::{self, Desk, Personal, Snapshot, TicketLine};
use crate::setup::{self, Setup};

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes.no_scope().page("/", show).api(shared::api!(api::get_dashboard))
}

/// The state of the background work.
#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WorkerState)]
pub enum Worker {
    /// It ran within five minutes.
    Running,
    /// It ran before that.
    Late,
    /// It did not run within a day.
    Stopped,
}

impl Worker {
    /// From the last time any worker ran.
    pub fn of(portal: &Portal, now: chrono::DateTime<chrono::Utc>) -> Self {
        match portal.last_tick {
            Some(at) if now - at < chrono::TimeDelta::minutes(5) => Self::Running,
            Some(_) => Self::Late,
            None => Self::Stopped,
        }
    }
}

/// What only super administrators see.
#[derive(Debug, Serialize)]
pub struct Watch {
    /// The figures.
    pub portal: Portal,
    /// The background work.
    pub worker: Worker,
    /// The first steps.
    pub setup: Setup,
}

/// Reads the figures of the whole portal.
pub async fn watch(by: &User) -> Result<Watch> {
    let portal = portal(by, by.me().id()).await?;
    let setup = setup::setup(by.app(), &portal);
    Ok(Watch { worker: Worker::of(&portal, by.now()), portal, setup })
}

/// What stands in the way of webhooks, in words (organisation 14).
pub fn queue_note(portal: &Portal) -> String {
    let parts = [(portal.webhooks_failing, "failing"), (portal.webhooks_running, "in progress")];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts.map(|(count, word)| format!("{} {word}", shared::format::grouped(*count))).collect();
    match (parts.is_empty(), portal.webhooks_pending > 0) {
        (false, _) => parts.join(", "),
        (true, true) => "Queued for retry".to_owned(),
        (true, false) => "All clear".to_owned(),
    }
}

/// The dashboard.
#[derive(Debug, Default, Serialize)]
pub struct Dashboard {
    first_name: String,
    companies: Vec<String>,
    unread: i64,
    personal: Personal,
    /// For who works at the desk.
    desk: Option<Desk>,
    /// The active company, where any of its figures are for the viewer.
    snapshot: Option<Snapshot>,
    /// A company is active.
    has_company: bool,
    offers: Vec<Offer>,
    alerts: Vec<Alert>,
    needs_you: Vec<TicketLine>,
    own: Vec<TicketLine>,
    watch: Option<Watch>,
    queue_note: String,
    failures: Option<Failures>,
}

impl Dashboard {
    fn of(person: &Person) -> Self {
        let first = person.user.first_name.clone().filter(|name| !name.trim().is_empty());
        Self {
            first_name: first.unwrap_or_else(|| person.user.name()),
            companies: person.memberships.iter().map(|m| m.company.name.clone()).collect(),
            unread: person.unread,
            has_company: person.company.is_some(),
            ..Self::default()
        }
    }

    /// Reads all of it.
    async fn read(by: &User) -> Result<Self> {
        let person = by.me();
        let mut page = Self::of(person);
        let home = figures::home(by, person).await?;
        page.personal = home.personal;
        page.snapshot = Some(home.snapshot).filter(|snapshot| !snapshot.is_empty());
        let asks = asks(by, person).await?;
        (page.offers, page.alerts) = (asks.offers, asks.alerts);
        if person.is_technician {
            page.desk = Some(home.desk);
            page.needs_you = figures::needs_you(by, person.id()).await?;
        } else {
            page.own = figures::own_tickets(by, person.id()).await?;
        }
        if person.user.is_super_admin {
            let watch = watch(by).await?;
            page.queue_note = queue_note(&watch.portal);
            page.watch = Some(watch);
            page.failures = Some(failures(by).await?);
        }
        Ok(page)
    }
}

impl Page for Dashboard {
    const TEMPLATE: &'static str = "site/dashboard.html";

    fn samples() -> Vec<Self> {
        samples::all()
    }
}

/// The page.
pub async fn show(by: User) -> Result<Response> {
    let page = Dashboard::read(&by).await?;
    by.page(&page).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_is_told_in_words() {
        let note = |failing, running, pending| {
            queue_note(&Portal {
                webhooks_failing: failing,
                webhooks_running: running,
                webhooks_pending: pending,
                ..Portal::default()
            })
        };
        assert_eq!(note(2, 0, 5), "2 failing");
        assert_eq!(note(1, 3, 0), "1 failing, 3 in progress");
        assert_eq!(note(0, 0, 5), "Queued for retry");
        assert_eq!(note(0, 0, 0), "All clear");
    }
}
