//! Rows of the webhook queue as the monitor reads them.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::Serialize;
use shared::db::{At, Db, Sql, sql};
use shared::error::{Error, Result};
use shared::search::escape_like;

use super::model::{AttemptOut, Filter, Row};

const ROWS: &str = "SELECT id, name, endpoint_id, target_url, headers, secret_headers, payload, is_sensitive, status, \
    attempt_count, max_attempts, backoff_seconds, next_attempt_at, response_status, response_body, last_error, \
    idempotency_key, created_at, updated_at FROM webhook_events";

fn condition(filter: &Filter) -> Sql {
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let query = sql(" WHERE 1 = 1")
        .push_if(" AND status = ?", given(&filter.status))
        .push_if(" AND name = ?", given(&filter.name))
        .push_if(" AND endpoint_id = ?", filter.endpoint.parse::<i64>().ok());
    if filter.search.is_empty() {
        return query;
    }
    let words: String = filter.search.chars().take(200).collect();
    let part = format!("%{}%", escape_like(&words.to_lowercase()));
    query
        .push(
            " AND (LOWER(name) LIKE ? ESCAPE '!' OR LOWER(target_url) LIKE ? ESCAPE '!' \
             OR LOWER(last_error) LIKE ? ESCAPE '!')",
        )
        .bind(part.clone())
        .bind(part.clone())
        .bind(part)
}

/// Rows of a list, the newest change first, with their capped number.
pub async fn list(db: &Db, filter: &Filter, limit: i64, offset: i64) -> Result<(Vec<Row>, i64)> {
    let rows = sql(ROWS)
        .append(condition(filter))
        .push(" ORDER BY updated_at DESC, id DESC LIMIT ? OFFSET ?")
        .bind(limit)
        .bind(offset)
        .fetch_all(db)
        .await?;
    let counted = sql("SELECT COUNT(*) FROM (SELECT 1 AS one FROM webhook_events")
        .append(condition(filter))
        .push(" LIMIT 10001) c")
        .fetch_value(db)
        .await?;
    Ok((rows, counted))
}

/// One webhook.
pub async fn find(at: impl Into<At<'_>>, id: i64) -> Result<Row> {
    let row: Option<Row> = sql(ROWS).push(" WHERE id = ?").bind(id).fetch_optional(at).await?;
    row.ok_or_else(|| Error::not_found("Webhook not found"))
}

/// Its tries, the newest first.
pub async fn attempts(db: &Db, id: i64, limit: i64) -> Result<Vec<AttemptOut>> {
    Ok(sql("SELECT id, event_id, attempt_number, started_by, status, response_status, response_body, error_message, \
         duration_ms, attempted_at FROM webhook_event_attempts WHERE event_id = ? \
         ORDER BY attempted_at DESC, id DESC LIMIT ?")
    .bind(id)
    .bind(limit)
    .fetch_all(db)
    .await?)
}

/// How many are in each state; each figure stops at 10,001.
#[derive(Debug, Clone, Default, Serialize, sqlx::FromRow)]
pub struct Counts {
    pub pending: i64,
    pub in_progress: i64,
    pub succeeded: i64,
    pub failed: i64,
    pub cancelled: i64,
}

/// The figures above the list.
pub async fn counts(db: &Db) -> Result<Counts> {
    Ok(sql("SELECT \
         (SELECT COUNT(*) FROM (SELECT 1 AS one FROM webhook_events WHERE status = 'pending' LIMIT 10001) a) AS pending, \
         (SELECT COUNT(*) FROM (SELECT 1 AS one FROM webhook_events WHERE status = 'in_progress' LIMIT 10001) b) AS in_progress, \
         (SELECT COUNT(*) FROM (SELECT 1 AS one FROM webhook_events WHERE status = 'succeeded' LIMIT 10001) c) AS succeeded, \
         (SELECT COUNT(*) FROM (SELECT 1 AS one FROM webhook_events WHERE status = 'failed' LIMIT 10001) d) AS failed, \
         (SELECT COUNT(*) FROM (SELECT 1 AS one FROM webhook_events WHERE status = 'cancelled' LIMIT 10001) e) AS cancelled")
    .fetch_one(db)
    .await?)
}

/// Tries of a fortnight by day of UTC, the oldest first.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Fortnight {
    /// The days, as `23 Nov`.
    pub labels: Vec<String>,
    /// Tries that worked.
    pub good: Vec<i64>,
    /// Tries that did not.
    pub bad: Vec<i64>,
}

/// Days of a sparkline.
const DAYS: i64 = 14;

/// Tries a day; of very many only the newest are counted.
pub async fn fortnight(db: &Db, now: DateTime<Utc>) -> Result<Fortnight> {
    let first = (now - TimeDelta::days(DAYS - 1)).date_naive();
    let rows: Vec<(String, i64, i64)> = sql("SELECT a.at_day, \
         CAST(SUM(CASE WHEN a.status = 'succeeded' THEN 1 ELSE 0 END) AS SIGNED) AS good, \
         CAST(SUM(CASE WHEN a.status = 'succeeded' THEN 0 ELSE 1 END) AS SIGNED) AS bad FROM \
         (SELECT SUBSTR(CAST(attempted_at AS CHAR), 1, 10) AS at_day, status FROM webhook_event_attempts \
         WHERE attempted_at >= ? ORDER BY attempted_at DESC LIMIT 20000) a GROUP BY a.at_day LIMIT 20")
    .bind(first.and_time(chrono::NaiveTime::MIN).and_utc())
    .fetch_all(db)
    .await?;
    let by_day: HashMap<String, (i64, i64)> = rows.into_iter().map(|(day, good, bad)| (day, (good, bad))).collect();
    let days: Vec<NaiveDate> = first.iter_days().take(usize::try_from(DAYS).unwrap_or(14)).collect();
    let of = |day: &NaiveDate| by_day.get(&day.format("%Y-%m-%d").to_string()).copied().unwrap_or_default();
    Ok(Fortnight {
        labels: days.iter().map(|day| day.format("%-d %b").to_string()).collect(),
        good: days.iter().map(|day| of(day).0).collect(),
        bad: days.iter().map(|day| of(day).1).collect(),
    })
}
