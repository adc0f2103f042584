//! Work that outlives the request: rows of `jobs`, claimed by any number of workers (automation 1).
//!
//! A worker does several jobs side by side, so that a long one keeps no other waiting. Handlers are
//! idempotent: a lease that runs out hands the job to another worker.

mod hand;
mod periodic;
mod places;
mod purge;
mod queue;
mod registry;
mod rows;
mod run;
mod shift;
mod shifts;
mod worker;

use std::time::Duration;

use chrono::TimeDelta;

pub(crate) use queue::queue_all;
pub use queue::{NewJob, Schedule, put_off};
pub use registry::Jobs;
pub use run::{JobError, Run};
pub use shifts::{Done, Shifts};
pub use worker::{Counts, Pace, Worker, last_tick};

/// How long a claim holds before another worker may take the job.
const LEASE: TimeDelta = TimeDelta::seconds(120);

/// A job may take this long: a scheduled task has at most an hour.
const JOB_LIMIT: Duration = Duration::from_mins(61);

/// The same where the platform ends the process after a quarter of an hour.
const JOB_LIMIT_OF_A_FUNCTION: Duration = Duration::from_mins(14);
