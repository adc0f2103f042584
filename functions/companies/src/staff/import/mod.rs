//! Staff from Syncro and from files (organisation 10.1, 10.7): a run is a background job in slices that can
//! be stopped at any point and goes on where it was.

pub mod command;
pub mod contact;
pub mod csv;
pub mod pages;
pub mod runs;
pub mod start;
pub mod watch;
pub mod work;
pub mod write;

use chrono::TimeDelta;
use shared::jobs::Jobs;
use shared::routes::Routes;

use super::field::Field;

/// Kind of the job that works on a run for one slice.
pub const JOB: &str = "staff.import";

/// Where people see imports.
pub const PATH: &str = "/staff/import";

/// A person as the other side knows them: only what it says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Incoming {
    /// Number of the contact at Syncro.
    pub contact: Option<String>,
    /// How notes name them.
    pub label: String,
    /// Field and text, never blank.
    pub values: Vec<(Field, String)>,
    /// What was left out or cut.
    pub notes: Vec<String>,
}

impl Incoming {
    /// What is said about a field; empty when nothing is.
    pub fn text(&self, field: Field) -> &str {
        self.values.iter().find(|(named, _)| *named == field).map_or("", |(_, text)| text)
    }
}

/// Somebody who is left out, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// How the note names them.
    pub label: String,
    /// One sentence without a full stop.
    pub reason: String,
}

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes
        .api(shared::api!(start::import_contacts))
        .page("/staff/import", pages::list)
        .upload_form("/staff/import", pages::upload)
        .page("/staff/import/{id}", pages::show)
        .form("/staff/import/{id}", pages::apply)
        .form("/staff/import/{id}/cancel", pages::cancel)
}

/// Adds the work.
pub fn add_jobs(jobs: Jobs) -> Jobs {
    jobs.on(JOB, work::job)
        .every("staff.watch_imports", TimeDelta::minutes(1), watch::resume_lost)
        .every("staff.purge_imports", TimeDelta::days(1), watch::purge)
        .company_command("sync_staff", command::companies, command::step)
}
