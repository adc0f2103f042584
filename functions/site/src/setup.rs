//! The first steps of a new portal, each with its real state (interface 2.6).

use serde::Serialize;
use shared::app::App;
use shared::mail::transport::Backend;

use crate::figures::portal::Portal;

/// One step.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct Task {
    /// What to do.
    pub title: &'static str,
    /// Where.
    pub href: String,
    /// `not_started`, `done` or `attention`.
    pub state: &'static str,
    /// What helps, if anything needs saying.
    pub help: Option<&'static str>,
}

/// The list as the dashboard and the overview show it.
#[derive(Debug, Clone, Serialize)]
pub struct Setup {
    /// In order.
    pub tasks: Vec<Task>,
    /// How many are done.
    pub done: usize,
    /// Put away by a super administrator.
    pub is_dismissed: bool,
}

fn state(is_done: bool) -> &'static str {
    if is_done { "done" } else { "not_started" }
}

/// The list from what is known of the portal.
pub fn setup(app: &App, portal: &Portal) -> Setup {
    let own = portal.provider.map_or_else(
        || ("/admin/companies/new".to_owned(), Some("Add your own company first")),
        |id| (format!("/admin/companies/{id}/invite"), Some("With the role Helpdesk technician")),
    );
    let (mail, mail_help) = mail(app.mail(), portal);
    let task = |title, href: &str, state, help| Task { title, href: href.to_owned(), state, help };
    let tasks = vec![
        task(
            "Protect your account",
            "/profile/security",
            state(portal.has_authenticator),
            Some("An authenticator app and recovery codes"),
        ),
        task(
            "Name your portal",
            "/admin/site-settings",
            state(portal.has_name),
            Some("Name, sign-in text, logo and colour"),
        ),
        task("Set up outgoing mail", "/admin/email", mail, mail_help),
        task(
            "Add your own company",
            "/admin/companies/new",
            state(portal.provider.is_some()),
            Some("Tick “This is our own company”"),
        ),
        Task {
            title: "Invite a colleague as technician",
            href: own.0,
            state: state(portal.technicians > 0),
            help: own.1,
        },
        task(
            "Invite a customer",
            "/admin/companies",
            state(portal.customers > 0),
            Some("Add their company, then invite the first person"),
        ),
        task(
            "Connect your other systems",
            "/admin/modules",
            state(portal.has_modules),
            Some("Syncro, Ollama, ntfy, Tactical RMM, text messages"),
        ),
    ];
    let done = tasks.iter().filter(|task| task.state == "done").count();
    Setup { done, tasks, is_dismissed: portal.setup_dismissed_at.is_some() }
}

/// A server that refuses mail wants attention; one that has taken some is set up.
fn mail(backend: &Backend, portal: &Portal) -> (&'static str, Option<&'static str>) {
    match backend {
        Backend::Off => ("attention", Some("No mail server: set SMTP_HOST and restart")),
        Backend::Folder(_) => ("not_started", Some("Mail is kept on this machine: set SMTP_HOST to send it")),
        _ if portal.failed_mails > 0 => ("attention", Some("Mail failed within the last 7 days")),
        _ if portal.sent_mails > 0 => ("done", None),
        _ => ("not_started", Some("Nothing has been sent yet")),
    }
}
