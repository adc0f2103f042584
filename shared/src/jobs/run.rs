//! One try of a job, as its handler sees it.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::audit::Stamp;
use crate::commands::{Handlers, Step};
use crate::db::{Db, Tx};
use crate::error::{Error, Result};

/// Why a job did not succeed.
#[derive(Debug)]
pub enum JobError {
    /// Try again later.
    Retry(String),
    /// Trying again cannot help.
    Fail(String),
    /// Not tried: it is too soon. Does not count as a try.
    NotBefore(DateTime<Utc>),
}

impl From<Error> for JobError {
    fn from(error: Error) -> Self {
        match error {
            Error::Internal(error) => Self::Retry(format!("{error:#}")),
            other => Self::Retry(other.detail().into_owned()),
        }
    }
}

impl From<sqlx::Error> for JobError {
    fn from(error: sqlx::Error) -> Self {
        Error::from(error).into()
    }
}

/// One try of a job.
#[derive(Debug, Clone)]
pub struct Run {
    pub(super) app: App,
    /// Row of `jobs`; 0 for periodic work.
    pub id: i64,
    /// From 1.
    pub attempt: i64,
    /// No further try follows.
    pub is_last: bool,
    /// The worker ends the job after this long.
    pub limit: Duration,
    pub(super) payload: serde_json::Value,
    pub(super) commands: Arc<Handlers>,
}

impl Run {
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

    /// The work behind the scheduler's commands.
    pub fn commands(&self) -> &Handlers {
        &self.commands
    }

    /// A step of a command, for one company or for none.
    pub fn step(&self, company: Option<i64>, cursor: Option<String>) -> Step {
        Step { app: self.app.clone(), company, cursor, handlers: Arc::clone(&self.commands) }
    }

    /// The payload as a type.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T, JobError> {
        serde_json::from_value(self.payload.clone()).map_err(|error| JobError::Fail(format!("payload: {error}")))
    }
}
