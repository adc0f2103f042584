//! The background work of a process: which handler does which kind, what runs by the clock, and which
//! events become jobs.

use std::collections::{BTreeSet, HashMap};
use std::pin::Pin;
use std::sync::Arc;

use chrono::TimeDelta;

use super::{JobError, Run};
use crate::app::App;
use crate::commands::{Companies, Handlers, Progress, Step};
use crate::error::Result;

type Done = Pin<Box<dyn Future<Output = Result<(), JobError>> + Send>>;
pub(super) type Handler = Arc<dyn Fn(Run) -> Done + Send + Sync>;

type Names = Pin<Box<dyn Future<Output = Result<BTreeSet<String>>> + Send>>;

/// Says which of some events anybody waits for.
type Wanted = Arc<dyn Fn(App, Vec<String>) -> Names + Send + Sync>;

/// Work that runs once per period.
#[derive(Clone)]
pub(super) struct Periodic {
    pub name: &'static str,
    pub period: TimeDelta,
    pub handler: Handler,
}

/// The background work of a process, by kind.
#[derive(Clone, Default)]
pub struct Jobs {
    handlers: HashMap<&'static str, Handler>,
    most: HashMap<&'static str, usize>,
    periodic: Vec<Periodic>,
    listeners: Vec<(&'static str, &'static str)>,
    choosy: Vec<(&'static str, Wanted)>,
    commands: Handlers,
}

impl std::fmt::Debug for Jobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.handlers.keys()).finish()
    }
}

fn boxed<F, Fut>(handler: F) -> Handler
where
    F: Fn(Run) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), JobError>> + Send + 'static,
{
    Arc::new(move |run| Box::pin(handler(run)))
}

impl Jobs {
    /// No work yet.
    pub fn none() -> Self {
        Self::default()
    }

    /// What the kernel itself does: mail, expired rows.
    pub fn kernel() -> Self {
        Self::none()
            .on("email.send", crate::mail::send_job)
            .on("email.resend_failed", crate::mail::resend_failed_job)
            .every("audit.seal", TimeDelta::minutes(1), crate::audit::seal_job)
            .every("audit.retention", TimeDelta::days(1), crate::audit::retention_job)
            .on("notify.fan_out", crate::notify::fan_out_job)
            .on("notify.text", crate::notify::text_job)
            .every("notify.due", TimeDelta::minutes(1), crate::notify::due_job)
            .every("notify.purge", TimeDelta::days(1), crate::notify::purge_job)
            .every("purge.kernel", TimeDelta::hours(1), super::purge::purge)
            .every("purge.uploads", TimeDelta::minutes(10), crate::files::purge_job)
            .on("file.delete", crate::files::delete_job)
            .on("file.scan", crate::files::scan_job)
    }

    /// Handles jobs of a kind.
    #[must_use]
    pub fn on<F, Fut>(mut self, kind: &'static str, handler: F) -> Self
    where
        F: Fn(Run) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        self.handlers.insert(kind, boxed(handler));
        self
    }

    /// A process does at most so many jobs of a kind at once. Without it a kind may take half of the places,
    /// so that no kind keeps all others waiting.
    #[must_use]
    pub fn at_most(mut self, kind: &'static str, count: usize) -> Self {
        self.most.insert(kind, count.max(1));
        self
    }

    /// Runs once per period, whatever the number of workers.
    #[must_use]
    pub fn every<F, Fut>(mut self, name: &'static str, period: TimeDelta, handler: F) -> Self
    where
        F: Fn(Run) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        self.periodic.push(Periodic { name, period, handler: boxed(handler) });
        self
    }

    /// Turns an event into a job of a kind; the job's payload is `{"event": id}` with the event's fields.
    #[must_use]
    pub fn on_event(mut self, event: &'static str, kind: &'static str) -> Self {
        self.listeners.push((event, kind));
        self
    }

    /// The same for events of any name, but only those that somebody waits for: `wanted` is asked once for
    /// the names of a batch of events and gives those that are worth a job.
    #[must_use]
    pub fn on_wanted_events<F, Fut>(mut self, kind: &'static str, wanted: F) -> Self
    where
        F: Fn(App, Vec<String>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<BTreeSet<String>>> + Send + 'static,
    {
        self.choosy.push((kind, Arc::new(move |app, names| Box::pin(wanted(app, names)))));
        self
    }

    /// Does the work of a command of the scheduler; its line stands in [`crate::commands`].
    #[must_use]
    pub fn command<F, Fut>(mut self, name: &'static str, work: F) -> Self
    where
        F: Fn(Step) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Progress, JobError>> + Send + 'static,
    {
        self.commands.add_work(name, work);
        self
    }

    /// The same for a command that works for one company after the other; `companies` says for which.
    #[must_use]
    pub fn company_command<C, Found, F, Fut>(mut self, name: &'static str, companies: C, work: F) -> Self
    where
        C: Fn(Step) -> Found + Send + Sync + 'static,
        Found: Future<Output = Result<Companies, JobError>> + Send + 'static,
        F: Fn(Step) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Progress, JobError>> + Send + 'static,
    {
        self.commands.add_companies(name, companies);
        self.command(name, work)
    }

    /// Removes an area's old rows when history is cleaned up; gives the number of rows removed.
    #[must_use]
    pub fn cleanup<F, Fut>(mut self, what: &'static str, cleanup: F) -> Self
    where
        F: Fn(Step) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<u64, JobError>> + Send + 'static,
    {
        self.commands.add_cleanup(what, cleanup);
        self
    }

    /// Adds another area's work.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.handlers.extend(other.handlers);
        self.most.extend(other.most);
        self.periodic.extend(other.periodic);
        self.listeners.extend(other.listeners);
        self.choosy.extend(other.choosy);
        self.commands.merge(other.commands);
        self
    }

    /// The work behind the scheduler's commands.
    pub fn commands(&self) -> &Handlers {
        &self.commands
    }

    pub(super) fn handler(&self, kind: &str) -> Option<&Handler> {
        self.handlers.get(kind)
    }

    /// How many of a kind may run at once where there are so many places.
    pub(super) fn most(&self, kind: &str, places: usize) -> usize {
        self.most.get(kind).copied().unwrap_or_else(|| places.div_ceil(2)).min(places)
    }

    /// True when the kind has a limit of its own.
    pub(super) fn is_limited(&self, kind: &str) -> bool {
        self.most.contains_key(kind)
    }

    pub(super) fn periodic(&self) -> &[Periodic] {
        &self.periodic
    }

    /// Which kinds listen to the events of a batch, asked once for all of them.
    pub(crate) async fn listeners(&self, app: &App, names: &BTreeSet<String>) -> Result<Listeners> {
        let mut all = Listeners::default();
        for (event, kind) in self.listeners.iter().filter(|(event, _)| names.contains(*event)) {
            all.add(event, kind);
        }
        for (kind, wanted) in &self.choosy {
            for event in wanted(app.clone(), names.iter().cloned().collect()).await? {
                all.add(&event, kind);
            }
        }
        Ok(all)
    }
}

/// Who listens to what.
#[derive(Debug, Default)]
pub(crate) struct Listeners(HashMap<String, Vec<&'static str>>);

impl Listeners {
    fn add(&mut self, event: &str, kind: &'static str) {
        self.0.entry(event.to_owned()).or_default().push(kind);
    }

    /// The kinds of job that an event becomes.
    pub fn of(&self, event: &str) -> &[&'static str] {
        self.0.get(event).map_or(&[], Vec::as_slice)
    }
}
