//! Figures of the whole portal, for super administrators.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use shared::context::By;
use shared::db::sql;
use shared::error::Result;

/// The portal as a super administrator watches it.
#[derive(Debug, Clone, Default, Serialize, sqlx::FromRow)]
#[expect(missing_docs, reason = "organisation 14, interface 3.2")]
pub struct Portal {
    pub companies: i64,
    pub users: i64,
    pub open_tickets: i64,
    pub failed_mails: i64,
    pub failed_jobs: i64,
    pub failed_runs: i64,
    pub webhooks_pending: i64,
    pub webhooks_running: i64,
    pub webhooks_failing: i64,
    pub last_tick: Option<DateTime<Utc>>,
    pub sent_mails: i64,
    pub has_authenticator: bool,
    pub provider: Option<i64>,
    pub technicians: i64,
    pub customers: i64,
    pub has_modules: bool,
    pub has_name: bool,
    pub setup_dismissed_at: Option<DateTime<Utc>>,
    pub has_announced: bool,
    pub skipped: Option<String>,
}

/// Figures of the whole portal and the facts of the setup list, in one statement.
pub async fn portal(by: &By, person_id: i64) -> Result<Portal> {
    let now = by.now();
    Ok(sql("SELECT (SELECT COUNT(*) FROM (SELECT 1 AS one FROM companies WHERE archived_at IS NULL LIMIT 10001) a) \
         AS companies, (SELECT COUNT(*) FROM (SELECT 1 AS one FROM users LIMIT 10001) b) AS users, \
         (SELECT COUNT(*) FROM (SELECT 1 AS one FROM tickets WHERE status IN ('open', 'in_progress', 'pending') \
         LIMIT 10001) c) AS open_tickets, \
         (SELECT COUNT(*) FROM (SELECT 1 AS one FROM email_outbox WHERE status = 'failed' AND created_at > ? \
         LIMIT 10001) d) AS failed_mails, \
         (SELECT COUNT(*) FROM (SELECT 1 AS one FROM jobs WHERE status = 'failed' AND finished_at > ? LIMIT 10001) e) \
         AS failed_jobs, \
         (SELECT COUNT(*) FROM (SELECT 1 AS one FROM scheduled_task_runs WHERE status = 'failed' AND finished_at > ? \
         LIMIT 10001) r) AS failed_runs, \
         (SELECT COUNT(*) FROM (SELECT 1 AS one FROM webhook_events WHERE status = 'pending' LIMIT 10001) w) \
         AS webhooks_pending, \
         (SELECT COUNT(*) FROM (SELECT 1 AS one FROM webhook_events WHERE status = 'in_progress' LIMIT 10001) v) \
         AS webhooks_running, \
         (SELECT COUNT(*) FROM (SELECT 1 AS one FROM webhook_events WHERE status = 'failed' AND updated_at > ? \
         LIMIT 10001) y) AS webhooks_failing, (SELECT MAX(last_tick_at) FROM worker_heartbeats) AS last_tick, \
         (SELECT COUNT(*) FROM (SELECT 1 AS one FROM email_outbox WHERE status = 'sent' LIMIT 1) f) AS sent_mails, \
         EXISTS (SELECT 1 FROM user_totp_authenticators x WHERE x.user_id = ?) AS has_authenticator, \
         (SELECT MIN(id) FROM companies WHERE is_provider = TRUE AND archived_at IS NULL) AS provider, \
         (SELECT COUNT(*) FROM (SELECT 1 AS one FROM company_memberships m JOIN companies p ON p.id = m.company_id \
         JOIN roles r ON r.id = m.role_id WHERE p.is_provider = TRUE AND m.status <> 'suspended' \
         AND r.permissions LIKE '%\"helpdesk.technician\"%' LIMIT 1) g) AS technicians, \
         (SELECT COUNT(*) FROM (SELECT 1 AS one FROM company_memberships m JOIN companies p ON p.id = m.company_id \
         WHERE p.is_provider = FALSE LIMIT 1) h) AS customers, \
         EXISTS (SELECT 1 FROM integration_modules WHERE enabled = TRUE) AS has_modules, \
         EXISTS (SELECT 1 FROM notifications WHERE dedupe_key LIKE 'announcement:%') AS has_announced, \
         (SELECT GROUP_CONCAT(step) FROM setup_skips) AS skipped, \
         s.company_name IS NOT NULL AS has_name, s.setup_dismissed_at FROM site_settings s WHERE s.id = 1")
    .bind(now - TimeDelta::days(7))
    .bind(now - TimeDelta::days(1))
    .bind(now - TimeDelta::days(1))
    .bind(now - TimeDelta::days(1))
    .bind(person_id)
    .fetch_one(by.db())
    .await?)
}
