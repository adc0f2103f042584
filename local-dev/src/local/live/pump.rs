//! Reads what happened from the outbox of events, also what another process of this portal wrote.

use std::collections::HashSet;
use std::time::Duration;

use serde::Deserialize;
use shared::app::App;
use shared::db::{Db, sql};
use shared::error::Result;
use tokio::sync::watch;

use super::Hub;

/// A reply shows on the other side within a second; this is the larger part of it.
const PAUSE: Duration = Duration::from_millis(250);

/// Events that are committed later than younger ones are looked for that far back.
const OVERLAP: i64 = 50;

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    payload: String,
}

#[derive(Deserialize)]
struct Payload {
    ticket_id: i64,
}

/// Tells listeners of changes until the server stops; rests while nobody listens.
pub async fn pump(hub: Hub, app: App, mut stopped: watch::Receiver<bool>) {
    let mut known = HashSet::new();
    loop {
        tokio::select! {
            _ = stopped.wait_for(|is_over| *is_over) => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
        if hub.is_empty() {
            hub.go_on_from(None);
            known.clear();
            continue;
        }
        let Some(from) = hub.told() else { continue };
        if let Err(error) = tell(&hub, app.db(), from, &mut known).await {
            tracing::warn!(error = %error.detail(), "what happened could not be read");
        }
    }
}

/// One look; what was told before is not told again.
async fn tell(hub: &Hub, db: &Db, from: i64, known: &mut HashSet<i64>) -> Result<()> {
    let rows: Vec<Row> =
        sql("SELECT id, payload FROM event_outbox WHERE id > ? AND name LIKE 'tickets.%' ORDER BY id LIMIT 500")
            .bind(from - OVERLAP)
            .fetch_all(db)
            .await?;
    let mut newest = from;
    for row in rows {
        newest = newest.max(row.id);
        if known.insert(row.id)
            && let Ok(Payload { ticket_id }) = serde_json::from_str(&row.payload)
        {
            hub.tell(ticket_id);
        }
    }
    known.retain(|id| *id > newest - 2 * OVERLAP);
    hub.go_on_from(Some(newest));
    Ok(())
}
