//! What the scheduler can run (automation 2.2). The catalogue is one table, so that every process offers
//! the same commands; the work is registered with [`Jobs::command`](crate::jobs::Jobs::command) by the
//! area that does it. An area that brings a command adds its line here.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::app::App;
use crate::audit::Stamp;
use crate::config::Config;
use crate::db::{Db, Tx};
use crate::error::Result;
use crate::jobs::JobError;

/// A command as it is offered.
#[derive(Debug, Clone, Copy)]
pub struct Command {
    /// As stored and as the API names it.
    pub name: &'static str,
    /// For people.
    pub label: &'static str,
    /// What it does, one sentence.
    pub help: &'static str,
    /// Works for one company or for each that qualifies.
    pub each_company: bool,
    needs: Needs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    UpgradeCommand,
}

const fn command(name: &'static str, label: &'static str, help: &'static str) -> Command {
    Command { name, label, help, each_company: false, needs: Needs::Nothing }
}

const fn for_companies(name: &'static str, label: &'static str, help: &'static str) -> Command {
    Command { each_company: true, ..command(name, label, help) }
}

/// Every command of the product whose area exists.
const COMMANDS: &[Command] = &[
    command("cleanup_history", "Clean up history", "Deletes runs, deliveries and records past their time."),
    for_companies("sync_staff", "Sync staff directory", "Brings the contacts of Syncro into the staff directory."),
    Command {
        needs: Needs::UpgradeCommand,
        ..command("system_update", "System update", "Runs the upgrade command that the operator has set.")
    },
];

/// Stand-ins that the scheduler's own tests give work to.
#[cfg(feature = "testing")]
const TESTING: &[Command] = &[
    command("test_command", "Test command", "Does what the test says."),
    for_companies("test_companies", "Test companies", "Does what the test says for each company."),
];

#[cfg(not(feature = "testing"))]
const TESTING: &[Command] = &[];

/// The commands that may be chosen under these settings.
pub fn offered(config: &Config) -> impl Iterator<Item = &'static Command> {
    let may_upgrade = !config.upgrade_command.is_empty();
    COMMANDS.iter().chain(TESTING).filter(move |c| c.needs == Needs::Nothing || may_upgrade)
}

/// A command by its name, if it may be chosen.
pub fn find(config: &Config, name: &str) -> Option<&'static Command> {
    offered(config).find(|command| command.name == name)
}

/// The words for a command, also for one that is no longer offered.
pub fn label(name: &str) -> &str {
    COMMANDS.iter().chain(TESTING).find(|command| command.name == name).map_or(name, |command| command.label)
}

/// The names in the catalogue, whatever the settings.
pub fn names() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().map(|command| command.name)
}

/// One step of a run: the whole of a command, or its work for one company.
#[derive(Debug, Clone)]
pub struct Step {
    pub(crate) app: App,
    /// The company to work for, if the command works for companies.
    pub company: Option<i64>,
    /// What the step before saved with [`Progress::More`].
    pub cursor: Option<String>,
    pub(crate) handlers: Arc<Handlers>,
}

impl Step {
    /// A step as the scheduler makes it, for the tests of the area that does the work.
    #[cfg(feature = "testing")]
    pub fn of(app: &App, company: Option<i64>, cursor: Option<String>) -> Self {
        Self { app: app.clone(), company, cursor, handlers: Arc::default() }
    }

    /// The app.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// For reading.
    pub fn db(&self) -> &Db {
        self.app.db()
    }

    /// Now.
    pub fn now(&self) -> DateTime<Utc> {
        self.app.now()
    }

    /// For writing; the trail names the system.
    pub async fn begin(&self) -> Result<Tx> {
        self.db().begin(Stamp::system(self.now())).await
    }

    /// Runs what every area has registered for removing its old rows: name and number removed.
    pub async fn clean_up(&self) -> Result<Vec<(&'static str, u64)>, JobError> {
        let mut removed = Vec::new();
        for (name, cleanup) in &self.handlers.cleanups {
            removed.push((*name, cleanup(self.clone()).await?));
        }
        Ok(removed)
    }
}

/// How far a step has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Finished, with one line for the history.
    Done(String),
    /// More is left; the step is called again with this cursor, in a later slice if time is up.
    More(String),
}

type Answer<T> = Pin<Box<dyn Future<Output = Result<T, JobError>> + Send>>;
type Call<T> = Arc<dyn Fn(Step) -> Answer<T> + Send + Sync>;

/// Companies that a command works for: number and name.
pub type Companies = Vec<(i64, String)>;

/// The work behind the catalogue, as the areas of a process have registered it.
#[derive(Clone, Default)]
pub struct Handlers {
    work: BTreeMap<&'static str, Call<Progress>>,
    companies: BTreeMap<&'static str, Call<Companies>>,
    cleanups: Vec<(&'static str, Call<u64>)>,
}

impl std::fmt::Debug for Handlers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.work.keys()).finish()
    }
}

fn boxed<T, F, Fut>(call: F) -> Call<T>
where
    F: Fn(Step) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<T, JobError>> + Send + 'static,
{
    Arc::new(move |step| Box::pin(call(step)))
}

impl Handlers {
    pub(crate) fn add_work<F, Fut>(&mut self, name: &'static str, work: F)
    where
        F: Fn(Step) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Progress, JobError>> + Send + 'static,
    {
        self.work.insert(name, boxed(work));
    }

    pub(crate) fn add_companies<F, Fut>(&mut self, name: &'static str, companies: F)
    where
        F: Fn(Step) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Companies, JobError>> + Send + 'static,
    {
        self.companies.insert(name, boxed(companies));
    }

    pub(crate) fn add_cleanup<F, Fut>(&mut self, name: &'static str, cleanup: F)
    where
        F: Fn(Step) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<u64, JobError>> + Send + 'static,
    {
        self.cleanups.push((name, boxed(cleanup)));
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.work.extend(other.work);
        self.companies.extend(other.companies);
        self.cleanups.extend(other.cleanups);
    }

    /// The commands that have work here.
    pub fn known(&self) -> impl Iterator<Item = &'static str> {
        self.work.keys().copied()
    }

    /// Does one step of a command.
    pub async fn perform(&self, name: &str, step: Step) -> Result<Progress, JobError> {
        match self.work.get(name) {
            Some(work) => work(step).await,
            None => Err(JobError::Fail(format!("nobody does {name}"))),
        }
    }

    /// The companies that a command works for; none when it does not work for companies.
    pub async fn companies(&self, name: &str, step: Step) -> Result<Option<Companies>, JobError> {
        match self.companies.get(name) {
            Some(companies) => companies(step).await.map(Some),
            None => Ok(None),
        }
    }
}
