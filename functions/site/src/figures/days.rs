//! What failed on each of the last fourteen days, for the small bars of the dashboard.

use chrono::{Days, NaiveDate, TimeDelta};
use serde::Serialize;
use shared::context::By;
use shared::db::sql;
use shared::error::Result;

/// So many days are drawn, the last of them today.
const DAYS: u16 = 14;

/// Failures of one kind, a number for each day.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Failures {
    /// The days in words, the oldest first.
    pub days: Vec<String>,
    /// Mails.
    pub mails: Vec<i64>,
    /// Deliveries of webhooks.
    pub webhooks: Vec<i64>,
    /// Runs of scheduled tasks.
    pub runs: Vec<i64>,
}

#[derive(sqlx::FromRow)]
struct Row {
    kind: String,
    day: String,
    failed: i64,
}

/// Reads them in one statement; days are those of UTC.
pub async fn failures(by: &By) -> Result<Failures> {
    let today = by.now().date_naive();
    let first = today.checked_sub_days(Days::new(u64::from(DAYS - 1))).unwrap_or(today);
    let since = first.and_time(chrono::NaiveTime::MIN).and_utc();
    // Times are text that begins with the day on SQLite, and become it on MySQL.
    let rows: Vec<Row> = sql("SELECT 'mails' AS kind, SUBSTR(CAST(created_at AS CHAR), 1, 10) AS day, \
         COUNT(*) AS failed FROM email_outbox WHERE status = 'failed' AND created_at >= ? \
         GROUP BY SUBSTR(CAST(created_at AS CHAR), 1, 10) \
         UNION ALL SELECT 'webhooks', SUBSTR(CAST(updated_at AS CHAR), 1, 10), COUNT(*) FROM webhook_events \
         WHERE status = 'failed' AND updated_at >= ? GROUP BY SUBSTR(CAST(updated_at AS CHAR), 1, 10) \
         UNION ALL SELECT 'runs', SUBSTR(CAST(finished_at AS CHAR), 1, 10), COUNT(*) FROM scheduled_task_runs \
         WHERE status = 'failed' AND finished_at >= ? GROUP BY SUBSTR(CAST(finished_at AS CHAR), 1, 10) LIMIT 60")
    .bind(since)
    .bind(since)
    .bind(since)
    .fetch_all(by.db())
    .await?;
    Ok(Failures::of(first, &rows))
}

impl Failures {
    fn of(first: NaiveDate, rows: &[Row]) -> Self {
        let days: Vec<NaiveDate> = (0..i64::from(DAYS)).map(|n| first + TimeDelta::days(n)).collect();
        let of = |kind: &str| {
            let on = |day: &NaiveDate| {
                let day = day.to_string();
                rows.iter().find(|row| row.kind == kind && row.day == day).map_or(0, |row| row.failed)
            };
            days.iter().map(on).collect()
        };
        let words = days.iter().map(|day| day.format("%-d %b").to_string()).collect();
        Self { mails: of("mails"), webhooks: of("webhooks"), runs: of("runs"), days: words }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_has_a_number() {
        let row = |kind: &str, day: &str, failed| Row { kind: kind.to_owned(), day: day.to_owned(), failed };
        let first = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
        let rows = [row("mails", "2026-11-24", 3), row("runs", "2026-11-23", 1), row("runs", "2026-12-25", 9)];
        let failures = Failures::of(first, &rows);
        assert_eq!((failures.mails.len(), failures.mails[1], failures.runs[0]), (14, 3, 1));
        assert_eq!(failures.runs.iter().sum::<i64>(), 1);
        assert_eq!((failures.days[0].as_str(), failures.days[13].as_str()), ("23 Nov", "6 Dec"));
    }
}
