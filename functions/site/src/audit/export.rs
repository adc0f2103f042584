//! The trail as a file: read and sent in pieces, so that its length costs no memory.

use std::collections::VecDeque;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use chrono::SecondsFormat;
use futures_util::stream;
use http::header;
use serde_json::{Map, Value};
use shared::audit::Change;
use shared::caller::{Auditor, Keyed};
use shared::context::By;
use shared::db::Db;
use shared::error::{Error, Result};
use shared::web::{Query, csv_cell};

use super::model::{AuditLog, Filter, Narrowed, Row};
use super::order::{Order, Place, Sorting};
use super::store::{self, Part, Scope};

/// Lines of an export at most.
const MOST: i64 = 100_000;

/// Lines read at a time.
const CHUNK: i64 = 500;

const HEAD: &str = "id,created_at,action,user_id,user_email,api_key,company_id,company,entity_type,entity_id,\
    entity_label,previous_value,new_value,metadata,ip_address,request_id\r\n";

/// Audit trail as CSV
///
/// The lines that the filter leaves, at most 100,000, times in UTC. Cells that a spreadsheet would take for a
/// formula begin with an apostrophe.
#[utoipa::path(get, path = "/audit-logs/export.csv", params(Filter, Sorting), responses(
    (status = 200, description = "The selection", content_type = "text/csv", body = String)))]
pub async fn export_audit_logs_csv(
    by: Keyed<Auditor>,
    filter: Query<Filter>,
    sorting: Query<Sorting>,
) -> Result<Response> {
    let walk = begin(&by, &filter, &sorting, Form::Csv).await?;
    Ok(file(&by, "csv", "text/csv; charset=utf-8", walk))
}

/// Audit trail as JSON
///
/// The same as a list of the objects that `/audit-logs` gives.
#[utoipa::path(get, path = "/audit-logs/export.json", params(Filter, Sorting), responses(
    (status = 200, description = "The selection", body = Vec<AuditLog>)))]
pub async fn export_audit_logs_json(
    by: Keyed<Auditor>,
    filter: Query<Filter>,
    sorting: Query<Sorting>,
) -> Result<Response> {
    let walk = begin(&by, &filter, &sorting, Form::Json).await?;
    Ok(file(&by, "json", "application/json", walk))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Csv,
    Json,
}

/// Where an export stands.
struct Walk {
    db: Db,
    narrowed: Narrowed,
    scope: Scope,
    order: Order,
    form: Form,
    behind: Option<Place>,
    written: i64,
    /// What is ready to be sent.
    ready: VecDeque<String>,
    is_done: bool,
}

/// Notes the export in the trail, before the first line leaves.
async fn begin(by: &Keyed<Auditor>, filter: &Query<Filter>, sorting: &Query<Sorting>, form: Form) -> Result<Walk> {
    let narrowed = filter.value.clone().narrowed()?;
    let order = sorting.value.order().map_err(|text| Error::field("sort", text))?;
    let scope = Scope::of(by.person(), by.key_company())?;
    let pairs = filter.pairs().iter().filter(|(_, value)| !value.is_empty());
    let filters: Map<String, Value> = pairs.map(|(name, value)| (name.clone(), value.clone().into())).collect();
    let mut tx = by.begin().await?;
    tx.audit(Change::of_many("audit.exported", "audit_log").meta("filters", filters));
    tx.commit().await?;
    let head = if form == Form::Csv { HEAD } else { "[" };
    Ok(Walk {
        db: by.db().clone(),
        narrowed,
        scope,
        order,
        form,
        behind: None,
        written: 0,
        ready: VecDeque::from([head.to_owned()]),
        is_done: false,
    })
}

impl Walk {
    /// The next piece of the file. A failure cuts the answer, so that nobody takes a part for the whole.
    async fn next(mut self) -> Result<Option<(String, Self)>, shared::error::Error> {
        if let Some(piece) = self.ready.pop_front() {
            return Ok(Some((piece, self)));
        }
        if self.is_done {
            return Ok(None);
        }
        let limit = CHUNK.min(MOST - self.written);
        let part = Part { order: self.order, behind: self.behind.as_ref(), limit, offset: 0 };
        let rows = store::list(&self.db, &self.narrowed, &self.scope, part).await?;
        self.behind = rows.last().map(|row| self.order.place(row));
        let read = i64::try_from(rows.len()).unwrap_or(CHUNK);
        let mut piece = String::new();
        for (row, number) in rows.into_iter().zip(self.written..) {
            self.push(&mut piece, row, number)?;
        }
        self.written += read;
        self.is_done = read < limit || self.written >= MOST;
        if self.is_done && self.form == Form::Json {
            piece.push(']');
        }
        Ok(Some((piece, self)))
    }

    fn push(&self, piece: &mut String, row: Row, number: i64) -> Result<()> {
        match self.form {
            Form::Csv => push_line(piece, &row),
            Form::Json => {
                piece.push_str(if number > 0 { ",\n" } else { "" });
                piece.push_str(&serde_json::to_string(&AuditLog::from(row))?);
            }
        }
        Ok(())
    }
}

fn push_line(out: &mut String, row: &Row) {
    let number = |id: Option<i64>| id.map(|id| id.to_string());
    let cells = [
        Some(row.id.to_string()),
        Some(row.created_at.to_rfc3339_opts(SecondsFormat::Micros, true)),
        Some(row.action.clone()),
        number(row.user_id),
        row.user_email.clone(),
        row.api_key.clone(),
        number(row.company_id),
        row.company_name.clone(),
        row.entity_type.clone(),
        number(row.entity_id),
        row.entity_label.clone(),
        row.previous_value.clone(),
        row.new_value.clone(),
        row.metadata.clone(),
        row.ip_address.clone(),
        row.request_id.clone(),
    ];
    let cells: Vec<String> = cells.into_iter().map(|cell| csv_cell(&cell.unwrap_or_default())).collect();
    out.push_str(&cells.join(","));
    out.push_str("\r\n");
}

fn file(by: &By, ending: &str, kind: &'static str, walk: Walk) -> Response {
    let name = format!("attachment; filename=\"audit-{}.{ending}\"", by.now().format("%Y-%m-%d"));
    let headers = [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, name)];
    let pieces = stream::try_unfold(walk, |walk| async move {
        walk.next().await.map_err(|error| {
            tracing::error!(?error, "the export of the audit trail was cut");
            std::io::Error::other("the export was cut")
        })
    });
    (headers, Body::from_stream(pieces)).into_response()
}
