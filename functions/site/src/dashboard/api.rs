//! The dashboard for programs: the same figures, under the same rules.

use serde::Serialize;
use shared::caller::User;
use shared::error::Result;
use shared::web::Json;
use utoipa::ToSchema;

use super::{Dashboard, Worker};
use crate::figures::asks::{Alert, Offer};
use crate::figures::{Desk, Snapshot};

/// What waits for the caller. Counts end at 10,001; what is not for the caller is left out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DashboardFigures, example = json!({"my_companies": 1, "unread": 3, "my_open_tickets": 2,
    "company": {"id": 4, "name": "Northwind Dental", "members": 14, "invited": 2}, "offers": [], "alerts": []}))]
pub struct Figures {
    /// Active memberships of the caller.
    my_companies: usize,
    /// Notifications the caller has not read.
    unread: i64,
    /// Open tickets that the caller asked for.
    my_open_tickets: i64,
    /// The ticket desk; for technicians.
    #[serde(skip_serializing_if = "Option::is_none")]
    desk: Option<Desk>,
    /// The active company.
    company: Option<Company>,
    /// Companies that the caller may join.
    offers: Vec<Offer>,
    /// Announcements that the caller has not read.
    alerts: Vec<Alert>,
    /// The whole portal; for super administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    portal: Option<Watched>,
}

/// The active company with the figures that are for the caller.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DashboardCompany, example = json!({"id": 4, "name": "Northwind Dental", "members": 14, "invited": 2}))]
pub struct Company {
    /// Number of the company.
    id: i64,
    /// Its name.
    name: String,
    /// The figures.
    #[serde(flatten)]
    figures: Snapshot,
}

/// The whole portal.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PortalFigures, example = json!({"companies": 12, "users": 140, "open_tickets": 31, "failed_mails": 0,
    "failed_runs": 0, "worker": "running", "webhooks": {"pending": 0, "in_progress": 0, "failing": 0,
    "note": "All clear"}}))]
pub struct Watched {
    /// Companies that are not archived.
    companies: i64,
    /// People with an account.
    users: i64,
    /// Open tickets of everybody.
    open_tickets: i64,
    /// Mails that failed within 7 days.
    failed_mails: i64,
    /// Runs of scheduled tasks that failed within 24 hours.
    failed_runs: i64,
    /// The background work.
    worker: Worker,
    /// Outgoing webhooks.
    webhooks: Queue,
}

/// Outgoing webhooks.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookQueue, example = json!({"pending": 0, "in_progress": 0, "failing": 0, "note": "All clear"}))]
pub struct Queue {
    /// Waiting for their next try.
    pending: i64,
    /// Being sent now.
    in_progress: i64,
    /// Given up within 24 hours.
    failing: i64,
    /// The same in words.
    note: String,
}

/// Gives what waits for the caller, as the dashboard shows it.
#[utoipa::path(get, path = "/api/dashboard", responses((status = 200, description = "The figures", body = Figures)))]
pub async fn get_dashboard(by: User) -> Result<Json<Figures>> {
    let page = Dashboard::read(&by).await?;
    let note = page.queue_note;
    let portal = page.watch.map(|watch| Watched {
        companies: watch.portal.companies,
        users: watch.portal.users,
        open_tickets: watch.portal.open_tickets,
        failed_mails: watch.portal.failed_mails,
        failed_runs: watch.portal.failed_runs,
        worker: watch.worker,
        webhooks: Queue {
            pending: watch.portal.webhooks_pending,
            in_progress: watch.portal.webhooks_running,
            failing: watch.portal.webhooks_failing,
            note,
        },
    });
    let figures = page.snapshot.unwrap_or_default();
    let company = by.me().company.as_ref();
    Ok(Json(Figures {
        my_companies: page.companies.len(),
        unread: page.unread,
        my_open_tickets: page.personal.open_tickets,
        desk: page.desk,
        company: company.map(|company| Company { id: company.id, name: company.name.clone(), figures }),
        offers: page.offers,
        alerts: page.alerts,
        portal,
    }))
}
