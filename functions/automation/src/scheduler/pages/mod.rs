//! The pages of scheduled tasks (automation 2.6).

pub mod delete;
pub mod edit;
pub mod list;
pub mod runs;

use chrono::{DateTime, TimeDelta, Utc};

use super::model::{Task, TaskRun};

/// How long a run took: "350 ms", "41 s", "2 min 5 s".
pub(crate) fn took(ms: i64) -> String {
    match ms {
        ..1000 => format!("{ms}\u{2009}ms"),
        1000..60_000 => format!("{}\u{2009}s", ms / 1000),
        _ => format!("{}\u{2009}min {}\u{2009}s", ms / 60_000, ms % 60_000 / 1000),
    }
}

pub(crate) fn sample_time() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_425_120, 0).unwrap_or_default()
}

/// A believable task, for samples.
pub(crate) fn sample() -> Task {
    Task {
        id: 3,
        name: "Clean up history".to_owned(),
        command: "cleanup_history".to_owned(),
        cron: "30 3 * * *".to_owned(),
        timezone: "Europe/London".to_owned(),
        company_id: None,
        company_name: None,
        description: Some("Keeps the history tables small.".to_owned()),
        active: true,
        max_retries: 2,
        retry_backoff_seconds: 300,
        timeout_seconds: 900,
        next_run_at: Some(sample_time() + TimeDelta::hours(18)),
        last_run_at: Some(sample_time() - TimeDelta::hours(6)),
        last_status: Some("succeeded".to_owned()),
        last_error: None,
        active_run_id: None,
        version: 4,
    }
}

/// Believable runs: one that runs, one that failed, one that succeeded.
pub(crate) fn sample_runs() -> Vec<TaskRun> {
    let run = |id, status: &str, details: Option<&str>| TaskRun {
        id,
        task_id: 3,
        task_name: "Clean up history".to_owned(),
        started_by: "schedule".to_owned(),
        attempt: 1,
        status: status.to_owned(),
        scheduled_for: Some(sample_time()),
        started_at: Some(sample_time()),
        finished_at: details.map(|_| sample_time() + TimeDelta::seconds(41)),
        duration_ms: details.map(|_| 41_000),
        details: details.map(str::to_owned),
        due_at: sample_time(),
        triggered_by: None,
    };
    let by_hand = TaskRun {
        started_by: "manual".to_owned(),
        scheduled_for: None,
        triggered_by: Some("Olivia Grant".to_owned()),
        ..run(93, "running", None)
    };
    vec![
        by_hand,
        run(92, "failed", Some("exit code 1: no space left")),
        run(91, "succeeded", Some("task runs: 12 removed\nautomation runs: 3 removed")),
    ]
}

#[cfg(test)]
mod tests {
    #[test]
    fn durations_read_well() {
        assert_eq!(super::took(350), "350\u{2009}ms");
        assert_eq!(super::took(41_700), "41\u{2009}s");
        assert_eq!(super::took(125_000), "2\u{2009}min 5\u{2009}s");
    }
}
