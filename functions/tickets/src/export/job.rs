//! Writing the file: the list in steps by number, so that its length costs neither memory nor time twice.

use serde::Deserialize;
use shared::db::Tx;
use shared::error::Result;
use shared::files::{Made, Making, attach_made};
use shared::format::plural;
use shared::jobs::{JobError, Run};
use shared::notify::{self, Notice, Recipient};

use super::store::{self, Export, Reader};
use super::{HOME, csv};
use crate::model::TicketFilter;
use crate::scope::Scope;
use crate::store as tickets;

/// Tickets read at once.
const STEP: i64 = 2_000;

#[derive(Deserialize)]
struct Payload {
    id: i64,
}

/// Writes an export and tells its person.
pub async fn write(run: Run) -> Result<(), JobError> {
    let Payload { id } = run.payload()?;
    let found = store::find(run.db(), id, run.now()).await?;
    let Some(export) = found.filter(|export| export.status == "queued") else { return Ok(()) };
    // What somebody may read is what they may read now, not when they asked.
    let Some(reader) = store::reader(run.db(), export.user_id, export.of_company_id).await? else {
        return Ok(fail(&run, &export).await?);
    };
    if export.of_company_id.is_some() && !reader.sees_company && !reader.is_desk {
        return Ok(fail(&run, &export).await?);
    }
    let (rows, made) = fill(&run, &export, &reader).await?;
    let mut tx = run.begin().await?;
    tx.housekeeping();
    attach_made(&mut tx, &made, export.id).await?;
    if store::finish(&mut tx, export.id, "ready", rows, Some(&made)).await? {
        tell(&run, &mut tx, &export, &reader, rows).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn fail(run: &Run, export: &Export) -> Result<()> {
    let mut tx = run.begin().await?;
    tx.housekeeping();
    store::finish(&mut tx, export.id, "failed", 0, None).await?;
    tx.commit().await
}

async fn fill(run: &Run, export: &Export, reader: &Reader) -> Result<(i64, Made)> {
    let filter: TicketFilter = serde_json::from_str(&export.list)?;
    let company = export.of_company_id.filter(|_| reader.sees_company);
    let scope = Scope::of_absent(export.user_id, reader.is_desk, company);
    let name = format!("tickets-{}.csv", run.now().format("%Y-%m-%d"));
    let mut file = Making::begin(run, HOME, &name, "text/csv; charset=utf-8", export.user_id).await?;
    file.write(csv::HEAD.as_bytes()).await?;
    let (mut rows, mut after) = (0, 0);
    loop {
        let part = tickets::export_after(scope, run.db(), &filter, after, STEP).await?;
        let Some(last) = part.last() else { break };
        after = last.line.id;
        rows += i64::try_from(part.len()).unwrap_or(0);
        let mut text = String::new();
        for row in &part {
            csv::push(&mut text, row, scope.sees_desk());
        }
        file.write(text.as_bytes()).await?;
    }
    Ok((rows, file.store(run).await?))
}

async fn tell(run: &Run, tx: &mut Tx, export: &Export, reader: &Reader, rows: i64) -> Result<()> {
    let to = Recipient { user_id: export.user_id, email: reader.email.clone() };
    let notice = Notice {
        kind: notify::TICKET_EXPORT,
        message: format!("Your export of {} is ready", plural(rows, "ticket")),
        link: Some(format!("/tickets/exports/{}", export.id)),
        dedupe: Some(&format!("export-{}", export.id)),
    };
    notify::tell(run.app(), tx, &to, &notice).await
}
