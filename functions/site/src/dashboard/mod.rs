//! `/`: what waits for a person, by what they may do (interface 3.2, organisation 14). A card exists
//! only when its page can be opened.

use axum::response::Response;
use serde::Serialize;
use shared::caller::{Person, User};
use shared::error::Result;
use shared::page::Page;
use shared::routes::Routes;

use crate::figures::{self, Desk, Personal, Portal, TicketLine};
use crate::setup::{self, Setup};

/// Adds the route.
pub fn add(routes: Routes) -> Routes {
    routes.page("/", show)
}

/// The state of the background work.
#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
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
    let portal = figures::portal(by, by.me().id()).await?;
    let setup = setup::setup(by.app(), &portal);
    Ok(Watch { worker: Worker::of(&portal, by.now()), portal, setup })
}

/// The dashboard.
#[derive(Debug, Serialize)]
pub struct Dashboard {
    first_name: String,
    companies: Vec<String>,
    unread: i64,
    personal: Personal,
    desk: Option<Desk>,
    needs_you: Vec<TicketLine>,
    own: Vec<TicketLine>,
    watch: Option<Watch>,
}

impl Dashboard {
    fn of(person: &Person) -> Self {
        let first = person.user.first_name.clone().filter(|name| !name.trim().is_empty());
        Self {
            first_name: first.unwrap_or_else(|| person.user.name()),
            companies: person.memberships.iter().map(|m| m.company.name.clone()).collect(),
            unread: person.unread,
            personal: Personal::default(),
            desk: None,
            needs_you: Vec::new(),
            own: Vec::new(),
            watch: None,
        }
    }
}

impl Page for Dashboard {
    const TEMPLATE: &'static str = "site/dashboard.html";

    fn samples() -> Vec<Self> {
        let at = chrono::DateTime::from_timestamp(1_794_990_000, 0).unwrap_or_default();
        let line = |id, subject: &str, side: Option<&str>| TicketLine {
            id,
            subject: subject.to_owned(),
            status: "in_progress".to_owned(),
            priority: "high".to_owned(),
            company: Some("Northwind Dental".to_owned()),
            updated_at: at,
            last_reply_side: side.map(str::to_owned),
        };
        let lines =
            || vec![line(10_432, "Printer in room 4 jams", Some("technician")), line(10_411, "New starter", None)];
        let blank = || Self {
            first_name: "Ana".to_owned(),
            companies: Vec::new(),
            unread: 0,
            personal: Personal::default(),
            desk: None,
            needs_you: Vec::new(),
            own: Vec::new(),
            watch: None,
        };
        let portal = Portal { companies: 12, users: 140, open_tickets: 31, failed_mails: 2, ..Portal::default() };
        let tasks = vec![setup::Task {
            title: "Protect your account",
            href: "/profile/security".to_owned(),
            state: "not_started",
            help: Some("An authenticator app and recovery codes"),
        }];
        let watch = Watch { portal, worker: Worker::Late, setup: Setup { tasks, done: 0, is_dismissed: false } };
        let personal = Personal { open_tickets: 2, invitations: 1 };
        let desk = || Some(Desk { unassigned: 7, mine: 12, waiting: 5, urgent: 2 });
        vec![
            blank(),
            Self { companies: vec!["Northwind Dental".to_owned()], unread: 3, personal, own: lines(), ..blank() },
            Self { desk: desk(), needs_you: lines(), ..blank() },
            Self { desk: Some(Desk::default()), watch: Some(watch), ..blank() },
        ]
    }
}

/// The page.
pub async fn show(by: User) -> Result<Response> {
    let person = by.me();
    let mut page = Dashboard::of(person);
    page.personal = figures::personal(&by, person.id()).await?;
    if person.is_technician {
        page.desk = Some(figures::desk(&by, person.id()).await?);
        page.needs_you = figures::needs_you(&by, person.id()).await?;
    } else {
        page.own = figures::own_tickets(&by, person.id()).await?;
    }
    if person.user.is_super_admin {
        page.watch = Some(watch(&by).await?);
    }
    by.page(&page).await
}
