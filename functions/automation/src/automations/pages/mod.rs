//! The pages of automations (automation 3.7, interface 3.7).

pub mod delete;
pub mod edit;
pub mod export;
pub mod gallery;
pub mod list;
pub mod runs;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::filters::Filters;
use super::model::{Automation, Draft};
use super::modules;

pub(crate) fn sample_time() -> DateTime<Utc> {
    crate::scheduler::pages::sample_time()
}

/// A believable automation, for samples.
pub(crate) fn sample() -> Automation {
    Automation {
        id: 5,
        name: "Tell the desk of urgent tickets".to_owned(),
        description: Some("Push message and email.".to_owned()),
        kind: "event".to_owned(),
        cadence: None,
        cron_expression: None,
        timezone: "Europe/London".to_owned(),
        trigger_event: Some("tickets.created".to_owned()),
        trigger_filters: Some(json!({"match": {"ticket.priority": {"in": ["urgent", "high"]}}}).to_string()),
        action_payload: json!({"actions": [
            {"module": "ntfy", "payload": {"title": "Urgent: {{ticket.subject}}", "tags": ["warning"]}},
            {"module": "tacticalrmm", "payload": {"path": "/agents/", "body": {"a": 1}}, "continue_on_error": true},
        ]})
        .to_string(),
        status: "active".to_owned(),
        anchor_at: Some(sample_time()),
        next_run_at: None,
        last_run_at: Some(sample_time() - TimeDelta::minutes(4)),
        last_status: Some("failed".to_owned()),
        last_error: Some("Action 1: no answer".to_owned()),
        consecutive_failures: 1,
        stopped_at: None,
        run_as_id: Some(1),
        version: 2,
        created_at: sample_time(),
        updated_at: sample_time(),
    }
}

/// The automation as one sentence.
pub(crate) fn in_words(draft: &Draft, now: DateTime<Utc>) -> String {
    let when = match draft.kind.as_str() {
        "event" => format!("When this happens: {}", draft.when(now).to_lowercase()),
        _ => format!("{} ({})", draft.when(now), draft.timezone),
    };
    let filters = Filters::parse(&draft.trigger_filters).unwrap_or_default();
    let only = if filters.is_empty() { String::new() } else { format!(", only if {}", filters.words()) };
    let does: Vec<&str> =
        draft.actions.iter().map(|action| modules::find(&action.module).map_or("do nothing", |m| m.does)).collect();
    if does.is_empty() {
        format!("{when}{only}: nothing yet.")
    } else {
        format!("{when}{only}: {}.", does.join(", then "))
    }
}
