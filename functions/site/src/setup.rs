//! The first steps of a new portal, each with its real state (interface 2.6).

use serde::Serialize;
use shared::app::App;
use shared::mail::transport::Backend;

use crate::figures::portal::Portal;

/// One step.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct Task {
    /// Its key, one of [`STEPS`].
    pub step: &'static str,
    /// What to do.
    pub title: &'static str,
    /// Where.
    pub href: String,
    /// `not_started`, `done`, `attention` or `skipped`.
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
    /// Every step is done or passed over.
    pub is_finished: bool,
    /// Put away by a super administrator.
    pub is_dismissed: bool,
}

/// The keys of the steps, in order.
pub const STEPS: [&str; 8] = ["account", "name", "mail", "company", "technician", "customer", "modules", "publish"];

fn state(is_done: bool) -> &'static str {
    if is_done { "done" } else { "not_started" }
}

/// The list from what is known of the portal.
pub fn setup(app: &App, portal: &Portal) -> Setup {
    let tasks: Vec<Task> =
        STEPS.into_iter().map(|step| task(step, app, portal)).map(|task| passed(task, portal)).collect();
    Setup {
        done: tasks.iter().filter(|task| task.state == "done").count(),
        is_finished: tasks.iter().all(|task| ["done", "skipped"].contains(&task.state)),
        tasks,
        is_dismissed: portal.setup_dismissed_at.is_some(),
    }
}

/// What somebody passed over, unless it was done all the same.
fn passed(task: Task, portal: &Portal) -> Task {
    let is_skipped = portal.skipped.as_deref().is_some_and(|keys| keys.split(',').any(|key| key == task.step));
    if is_skipped && task.state != "done" { Task { state: "skipped", ..task } } else { task }
}

fn task(step: &'static str, app: &App, portal: &Portal) -> Task {
    let (title, href, state, help) = match step {
        "account" => (
            "Protect your account",
            "/profile/security",
            state(portal.has_authenticator),
            Some("An authenticator app and recovery codes"),
        ),
        "name" => (
            "Name your portal",
            "/admin/site-settings",
            state(portal.has_name),
            Some("Name, sign-in text, logo and colour"),
        ),
        "mail" => {
            let (state, help) = mail(app.mail(), portal);
            ("Set up outgoing mail", "/admin/email", state, help)
        }
        "company" => (
            "Add your own company",
            "/admin/companies/new",
            state(portal.provider.is_some()),
            Some("Tick “This is our own company”"),
        ),
        "technician" => return technician(step, portal),
        "customer" => (
            "Invite a customer",
            "/admin/companies",
            state(portal.customers > 0),
            Some("Add their company, then invite the first person"),
        ),
        "modules" => (
            "Connect your other systems",
            "/admin/modules",
            state(portal.has_modules),
            Some("Syncro, Ollama, ntfy, Tactical RMM, text messages"),
        ),
        _ => (
            "Publish something",
            "/admin/notifications",
            state(portal.has_announced),
            Some("A first announcement, such as how to reach you"),
        ),
    };
    Task { step, title, href: href.to_owned(), state, help }
}

/// Technicians belong to the own company, so it comes first.
fn technician(step: &'static str, portal: &Portal) -> Task {
    let (href, help) = portal.provider.map_or_else(
        || ("/admin/companies/new".to_owned(), "Add your own company first"),
        |id| (format!("/admin/companies/{id}/invite"), "With the role Helpdesk technician"),
    );
    let title = "Invite a colleague as technician";
    Task { step, title, href, state: state(portal.technicians > 0), help: Some(help) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_is_not_skipped() {
        let portal = Portal { skipped: Some("account,publish".to_owned()), ..Portal::default() };
        let step = |step, state| Task { step, title: "", href: String::new(), state, help: None };
        assert_eq!(passed(step("account", "attention"), &portal).state, "skipped");
        assert_eq!(passed(step("account", "done"), &portal).state, "done");
        assert_eq!(passed(step("name", "not_started"), &portal).state, "not_started");
    }
}
