//! Rows of `mcp_calls`: what assistants asked for and what they got. Kept 90 days.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use shared::context::By;
use shared::db::{Db, sql};
use shared::error::Result;
use shared::jobs::{JobError, Run};

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Answered.
    Ok,
    /// A tool said what to change.
    ToolError,
    /// The secret was wrong, or the tool is switched off.
    Denied,
    /// Not what the protocol wants.
    ProtocolError,
}

impl Ended {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::ToolError => "tool_error",
            Self::Denied => "denied",
            Self::ProtocolError => "protocol_error",
        }
    }
}

/// A call to be noted.
#[derive(Debug, Clone)]
pub struct Call {
    /// The method, as it was sent.
    pub method: String,
    /// The tool, where one was named.
    pub tool: Option<String>,
    /// The ticket it was about.
    pub ticket_id: Option<i64>,
    /// How it ended.
    pub ended: Ended,
    /// What the caller was told when it went wrong.
    pub message: Option<String>,
    /// Name and version of the client, where it said them.
    pub client: (Option<String>, Option<String>),
    /// How long it took.
    pub duration_ms: i64,
}

impl Call {
    /// A call that ended well.
    pub fn new(method: &str) -> Self {
        Self {
            method: method.to_owned(),
            tool: None,
            ticket_id: None,
            ended: Ended::Ok,
            message: None,
            client: (None, None),
            duration_ms: 0,
        }
    }

    /// The same with another end.
    #[must_use]
    pub fn ended(self, ended: Ended, message: &str) -> Self {
        Self { ended, message: Some(message.to_owned()), ..self }
    }
}

fn short(text: &str, most: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(most).collect()
}

/// Notes calls.
pub async fn record(by: &By, calls: &[Call]) -> Result<()> {
    if calls.is_empty() {
        return Ok(());
    }
    let mut tx = by.begin().await?;
    tx.housekeeping();
    for call in calls {
        let now = tx.stamp().at;
        sql("INSERT INTO mcp_calls (method, tool, ticket_id, outcome, message, client_name, client_version, ip, \
             duration_ms, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(short(&call.method, 64))
        .bind(call.tool.as_deref().map(|tool| short(tool, 64)))
        .bind(call.ticket_id)
        .bind(call.ended.as_str())
        .bind(call.message.as_deref().map(|text| short(text, 500)))
        .bind(call.client.0.as_deref().map(|text| short(text, 128)))
        .bind(call.client.1.as_deref().map(|text| short(text, 128)))
        .bind(short(by.ip(), 45))
        .bind(call.duration_ms)
        .bind(now)
        .insert(&mut tx)
        .await?;
    }
    tx.commit().await
}

/// A call as pages show it.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
pub struct Row {
    pub id: i64,
    pub method: String,
    pub tool: Option<String>,
    pub ticket_id: Option<i64>,
    pub outcome: String,
    pub message: Option<String>,
    pub client_name: Option<String>,
    pub client_version: Option<String>,
    pub ip: Option<String>,
    pub duration_ms: i64,
    pub created_at: DateTime<Utc>,
}

/// The newest calls, the newest first.
pub async fn newest(db: &Db, limit: i64) -> Result<Vec<Row>> {
    Ok(sql("SELECT id, method, tool, ticket_id, outcome, message, client_name, client_version, ip, duration_ms, \
         created_at FROM mcp_calls ORDER BY created_at DESC, id DESC LIMIT ?")
    .bind(limit)
    .fetch_all(db)
    .await?)
}

/// Deletes calls older than 90 days.
pub async fn purge(run: Run) -> Result<(), JobError> {
    let mut tx = run.begin().await?;
    tx.housekeeping();
    let old = run.now() - TimeDelta::days(90);
    sql("DELETE FROM mcp_calls WHERE created_at < ?").bind(old).execute(&mut tx).await?;
    Ok(tx.commit().await?)
}
