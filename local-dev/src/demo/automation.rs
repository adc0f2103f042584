//! What runs by itself at the demo's provider: nightly cleaning with its history, automations with their
//! runs, a customer's endpoint, and a fortnight of webhook deliveries.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use shared::app::App;
use shared::db::{Tx, sql};
use shared::error::{Error, Result};
use shared::webhooks::sign;

/// Writes everything; `boss` is the super administrator, `customer` the company of the endpoint.
pub async fn write(app: &App, tx: &mut Tx, boss: i64, customer: i64, now: DateTime<Utc>) -> Result<()> {
    nights(tx, now).await?;
    automations(tx, boss, now).await?;
    let endpoint = endpoint(app, tx, boss, customer, now).await?;
    deliveries(tx, endpoint, now).await?;
    notices(tx, boss, now).await
}

/// Fourteen nights of the task that comes with the product; one of them met a locked database.
async fn nights(tx: &mut Tx, now: DateTime<Utc>) -> Result<()> {
    let task: i64 =
        sql("SELECT id FROM scheduled_tasks WHERE command = 'cleanup_history'").fetch_value(&mut *tx).await?;
    let last_night = (now - TimeDelta::hours(4)).date_naive().and_hms_opt(3, 30, 0).map_or(now, |at| at.and_utc());
    for night in (0..14).rev() {
        let at = last_night - TimeDelta::days(night);
        let (status, details) = match night {
            9 => ("failed", "The database did not answer within 30 seconds".to_owned()),
            _ => {
                ("succeeded", format!("task runs: {} removed\nwebhooks: {} removed", (night * 7) % 5, (night * 3) % 11))
            }
        };
        sql(
            "INSERT INTO scheduled_task_runs (task_id, started_by, scheduled_for, attempt, status, due_at, started_at, \
             finished_at, duration_ms, details, created_at) VALUES (?, 'schedule', ?, 1, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(task)
        .bind(at)
        .bind(status)
        .bind(at)
        .bind(at + TimeDelta::seconds(2))
        .bind(at + TimeDelta::seconds(3))
        .bind(640 + night * 37)
        .bind(details)
        .bind(at)
        .insert(&mut *tx)
        .await?;
    }
    sql("UPDATE scheduled_tasks SET last_run_at = ?, last_status = 'succeeded' WHERE id = ?")
        .bind(last_night)
        .bind(task)
        .execute(tx)
        .await?;
    Ok(())
}

struct Automation {
    name: &'static str,
    description: &'static str,
    event: Option<&'static str>,
    cadence: Option<&'static str>,
    filters: Option<Value>,
    actions: Value,
    is_on: bool,
}

fn all() -> Vec<Automation> {
    vec![
        Automation {
            name: "Tell the desk of urgent tickets",
            description: "A push to everybody’s phone, day and night.",
            event: Some("tickets.created"),
            cadence: None,
            filters: Some(json!({"match": {"ticket.priority": {"in": ["urgent"]}}})),
            actions: json!([{"module": "ntfy", "payload": {"title": "Urgent: {{ticket.subject}}",
                "message": "{{ticket.company}}, {{ticket.requester}}", "priority": "urgent"}, "continue_on_error": false}]),
            is_on: true,
        },
        Automation {
            name: "Ask for a rating after closing",
            description: "Two lines under the last answer.",
            event: Some("tickets.closed"),
            cadence: None,
            filters: None,
            actions: json!([{"module": "ticket_reply", "payload":
                {"text": "This ticket is closed. If something is still wrong, answer here and it opens again."},
                "continue_on_error": false}]),
            is_on: false,
        },
        Automation {
            name: "Monday list for the office",
            description: "What is waiting, by email at the start of the week.",
            event: None,
            cadence: Some("weekly"),
            filters: None,
            actions: json!([{"module": "smtp", "payload": {"recipients": "office@northstar.example",
                "subject": "Tickets this week", "text": "The queue: {{portal.baseUrl}}/tickets?state=open"},
                "continue_on_error": false}]),
            is_on: false,
        },
    ]
}

async fn automations(tx: &mut Tx, boss: i64, now: DateTime<Utc>) -> Result<()> {
    for (index, new) in all().into_iter().enumerate() {
        let made = now - TimeDelta::days(20 - i64::try_from(index).unwrap_or(0));
        let module = new.actions[0]["module"].as_str().map(str::to_owned);
        let id = sql("INSERT INTO automations (name, description, kind, cadence, timezone, trigger_event, \
             trigger_filters, action_module, action_payload, status, run_as_id, search_text, created_at, updated_at) \
             VALUES (?, ?, ?, ?, 'Europe/London', ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(new.name)
        .bind(new.description)
        .bind(if new.event.is_some() { "event" } else { "scheduled" })
        .bind(new.cadence)
        .bind(new.event)
        .bind(new.filters.map(|filters| filters.to_string()))
        .bind(module)
        .bind(json!({ "actions": new.actions }).to_string())
        .bind(if new.is_on { "active" } else { "inactive" })
        .bind(boss)
        .bind(shared::search::fold(new.name))
        .bind(made)
        .bind(made)
        .insert(&mut *tx)
        .await?;
        if new.is_on {
            history(tx, id, now).await?;
        }
    }
    Ok(())
}

/// A run for each of the last urgent tickets.
async fn history(tx: &mut Tx, automation: i64, now: DateTime<Utc>) -> Result<()> {
    let urgent: Vec<(i64, String, DateTime<Utc>)> =
        sql("SELECT id, subject, created_at FROM tickets WHERE priority = 'urgent' ORDER BY id LIMIT 6")
            .fetch_all(&mut *tx)
            .await?;
    for (ticket, subject, at) in urgent {
        let steps = json!([{"module": "ntfy", "status": "succeeded", "error": null, "warning": null, "duration_ms": 184,
            "result": {"status": "succeeded", "topic": "northstar-desk", "priority": 5}}]);
        let event = json!({"event": {"name": "tickets.created", "created_at": at},
            "ticket": {"id": ticket, "subject": subject, "priority": "urgent"}});
        sql("INSERT INTO automation_runs (automation_id, started_by, event_name, event_payload, status, started_at, \
             finished_at, duration_ms, result_payload, created_at) \
             VALUES (?, 'event', 'tickets.created', ?, 'succeeded', ?, ?, 191, ?, ?)")
        .bind(automation)
        .bind(event.to_string())
        .bind(at)
        .bind(at + TimeDelta::seconds(1))
        .bind(steps.to_string())
        .bind(at)
        .insert(&mut *tx)
        .await?;
    }
    sql("UPDATE automations SET last_run_at = ?, last_status = 'succeeded' WHERE id = ?")
        .bind(now - TimeDelta::days(1))
        .bind(automation)
        .execute(tx)
        .await?;
    Ok(())
}

const URL: &str = "https://hooks.northwind.example/portal";

async fn endpoint(app: &App, tx: &mut Tx, boss: i64, customer: i64, now: DateTime<Utc>) -> Result<i64> {
    let made = now - TimeDelta::days(30);
    let id = sql("INSERT INTO webhook_endpoints (name, target_url, company_id, contact_email, event_names, secret, \
         status, last_success_at, created_by_id, created_at, updated_at) \
         VALUES ('Northwind helpdesk', ?, ?, 'it@northwind.example', ?, '', 'active', ?, ?, ?, ?)")
    .bind(URL)
    .bind(customer)
    .bind(json!(["tickets.created", "tickets.closed"]).to_string())
    .bind(now - TimeDelta::hours(5))
    .bind(boss)
    .bind(made)
    .bind(made)
    .insert(&mut *tx)
    .await?;
    let sealed = app.keyring().seal_text(&format!("webhook_endpoints.secret:{id}"), &sign::new_secret());
    sql("UPDATE webhook_endpoints SET secret = ? WHERE id = ?")
        .bind(sealed.map_err(|error| Error::Internal(error.into()))?)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(id)
}

/// Most were accepted; one was given up, one is waiting for its next try.
async fn deliveries(tx: &mut Tx, endpoint: i64, now: DateTime<Utc>) -> Result<()> {
    for n in 0..24_i64 {
        let at = now - TimeDelta::hours(5 + n * 13);
        let state = match n {
            3 => Some(("pending", 503, "Service Unavailable", 2)),
            11 => Some(("failed", 500, "Internal Server Error", 10)),
            _ => None,
        };
        let (status, code, text, tries) = state.unwrap_or(("succeeded", 204, "", 1));
        let error = state.map(|_| format!("The server answered {code} {text}"));
        let name = if n % 3 == 0 { "tickets.closed" } else { "tickets.created" };
        let payload = json!({"type": name, "timestamp": at, "data": {"ticket_id": 60 - n}});
        let id =
            sql("INSERT INTO webhook_events (name, endpoint_id, target_url, target_host, headers, secret_headers, \
             payload, schedule, status, attempt_count, max_attempts, next_attempt_at, response_status, last_error, \
             idempotency_key, created_at, updated_at) \
             VALUES (?, ?, ?, 'hooks.northwind.example:443', '{}', '{}', ?, 'standard', ?, ?, 10, ?, ?, ?, ?, ?, ?)")
            .bind(name)
            .bind(endpoint)
            .bind(URL)
            .bind(payload.to_string())
            .bind(status)
            .bind(tries)
            .bind((status == "pending").then(|| now + TimeDelta::minutes(90)))
            .bind(code)
            .bind(error.clone())
            .bind(format!("demo-{n}"))
            .bind(at)
            .bind(at)
            .insert(&mut *tx)
            .await?;
        for attempt in 1..=tries {
            tried(tx, id, attempt, (code, error.clone()), at + TimeDelta::minutes(5 * (attempt - 1))).await?;
        }
    }
    Ok(())
}

async fn tried(
    tx: &mut Tx,
    event: i64,
    attempt: i64,
    (code, error): (i64, Option<String>),
    at: DateTime<Utc>,
) -> Result<()> {
    sql("INSERT INTO webhook_event_attempts (event_id, attempt_number, started_by, status, response_status, \
         response_body, error_message, duration_ms, attempted_at) VALUES (?, ?, 'auto', ?, ?, ?, ?, ?, ?)")
    .bind(event)
    .bind(attempt)
    .bind(if error.is_some() { "failed" } else { "succeeded" })
    .bind(code)
    .bind(if error.is_some() { "{\"error\": \"busy\"}" } else { "" })
    .bind(error)
    .bind(90 + event * 13 % 240)
    .bind(at)
    .insert(tx)
    .await?;
    Ok(())
}

/// What the super administrator was told about it.
async fn notices(tx: &mut Tx, boss: i64, now: DateTime<Utc>) -> Result<()> {
    for (kind, message, link, days, is_unread) in [
        (
            "webhook.failed",
            "The webhook tickets.created was not delivered: The server answered 500 Internal Server Error",
            "/admin/webhooks?status=failed",
            6,
            true,
        ),
        (
            "scheduler.task_failed",
            "Clean up history failed: The database did not answer within 30 seconds",
            "/admin/automation/runs?status=failed",
            9,
            false,
        ),
    ] {
        let at = now - TimeDelta::days(days);
        let id = sql("INSERT INTO notifications (audience, user_id, event_type, message, link, in_app, owner_unread, \
             created_at) VALUES ('user', ?, ?, ?, ?, TRUE, ?, ?)")
        .bind(boss)
        .bind(kind)
        .bind(message)
        .bind(link)
        .bind(is_unread)
        .bind(at)
        .insert(&mut *tx)
        .await?;
        if !is_unread {
            sql("INSERT INTO notification_states (notification_id, user_id, read_at) VALUES (?, ?, ?)")
                .bind(id)
                .bind(boss)
                .bind(at + TimeDelta::hours(5))
                .execute(&mut *tx)
                .await?;
        }
    }
    Ok(())
}
