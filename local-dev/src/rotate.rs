//! `secrets rotate`: stored secrets are opened with the key they were sealed under and sealed anew under
//! the current one. What lives for minutes only is deleted instead.

use anyhow::{Result, bail};
use shared::app::App;
use shared::audit::{Change, Stamp};
use shared::db::{Sql, Tx, sql};

use crate::plain;

/// A column of sealed values, with what names the row inside the seal.
struct Column {
    name: &'static str,
    rows: fn(after: i64) -> Sql,
    update: fn() -> Sql,
}

/// Rows are id, the id that the seal is bound to, and the sealed value.
const COLUMNS: [Column; 6] = [
    Column {
        name: "user_totp_authenticators.secret",
        rows: |after| {
            sql("SELECT id, user_id, secret FROM user_totp_authenticators WHERE id > ? ORDER BY id LIMIT 200")
                .bind(after)
        },
        update: || sql("UPDATE user_totp_authenticators SET secret = ? WHERE id = ? AND secret = ?"),
    },
    Column {
        name: "user_sessions.pending_totp_secret",
        rows: |after| {
            sql("SELECT id, user_id, pending_totp_secret FROM user_sessions \
                 WHERE id > ? AND pending_totp_secret IS NOT NULL ORDER BY id LIMIT 200")
            .bind(after)
        },
        update: || sql("UPDATE user_sessions SET pending_totp_secret = ? WHERE id = ? AND pending_totp_secret = ?"),
    },
    Column {
        name: "integration_modules.secrets",
        rows: |after| {
            sql("SELECT id, id AS owner_id, secrets FROM integration_modules \
                 WHERE id > ? AND secrets IS NOT NULL ORDER BY id LIMIT 200")
            .bind(after)
        },
        update: || sql("UPDATE integration_modules SET secrets = ? WHERE id = ? AND secrets = ?"),
    },
    Column {
        name: "webhook_endpoints.secret",
        rows: |after| {
            sql("SELECT id, id AS owner_id, secret FROM webhook_endpoints WHERE id > ? ORDER BY id LIMIT 200")
                .bind(after)
        },
        update: || sql("UPDATE webhook_endpoints SET secret = ? WHERE id = ? AND secret = ?"),
    },
    Column {
        name: "webhook_endpoints.previous_secret",
        rows: |after| {
            sql("SELECT id, id AS owner_id, previous_secret FROM webhook_endpoints \
                 WHERE id > ? AND previous_secret IS NOT NULL ORDER BY id LIMIT 200")
            .bind(after)
        },
        update: || sql("UPDATE webhook_endpoints SET previous_secret = ? WHERE id = ? AND previous_secret = ?"),
    },
    Column {
        name: "webhook_events.payload",
        rows: |after| {
            sql("SELECT id, id AS owner_id, payload FROM webhook_events \
                 WHERE id > ? AND is_sensitive = TRUE AND payload IS NOT NULL ORDER BY id LIMIT 200")
            .bind(after)
        },
        update: || sql("UPDATE webhook_events SET payload = ? WHERE id = ? AND payload = ?"),
    },
];

/// What became of the values of a column.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Sealed anew.
    pub sealed: u64,
    /// Under the current key already.
    pub current: u64,
    /// Could not be opened with any configured key.
    pub closed: u64,
}

/// Rotates everything and prints a line a column; fails when some values stay closed.
pub async fn run(app: &App) -> Result<()> {
    let mut closed = 0;
    for (name, outcome) in rotate(app).await.map_err(plain)? {
        println!("{name}: {} sealed anew, {} current, {} closed", outcome.sealed, outcome.current, outcome.closed);
        closed += outcome.closed;
    }
    if closed > 0 {
        bail!("{closed} values open with neither TOTP_ENCRYPTION_KEY nor TOTP_ENCRYPTION_KEY_PREVIOUS");
    }
    println!("Everything is sealed under the current key; TOTP_ENCRYPTION_KEY_PREVIOUS may be removed.");
    Ok(())
}

/// The same without printing.
pub async fn rotate(app: &App) -> shared::error::Result<Vec<(&'static str, Outcome)>> {
    let mut outcomes = Vec::new();
    for column in &COLUMNS {
        outcomes.push((column.name, rotate_column(app, column).await?));
    }
    let signed = shared::audit::sign_again(app).await?;
    let mut tx = app.db().begin(Stamp::system(app.now())).await?;
    // Messages for the next page and stored answers: minutes and hours old at most.
    for delete in [sql("DELETE FROM session_notes"), sql("DELETE FROM idempotency_keys")] {
        delete.execute(&mut tx).await?;
    }
    let sealed: u64 = outcomes.iter().map(|(_, outcome)| outcome.sealed).sum();
    tx.audit(Change::new("secrets.rotated", "secrets", 0).meta("sealed", sealed).meta("signed", signed));
    tx.commit().await?;
    Ok(outcomes)
}

async fn rotate_column(app: &App, column: &Column) -> shared::error::Result<Outcome> {
    let mut outcome = Outcome::default();
    let mut after = 0;
    loop {
        let rows: Vec<(i64, i64, String)> = (column.rows)(after).fetch_all(app.db()).await?;
        let Some((last, _, _)) = rows.last() else { return Ok(outcome) };
        after = *last;
        let mut tx = app.db().begin(Stamp::system(app.now())).await?;
        tx.housekeeping();
        for (id, owner, sealed) in rows {
            rotate_value(app, &mut tx, column, (id, owner, &sealed), &mut outcome).await?;
        }
        tx.commit().await?;
    }
}

async fn rotate_value(
    app: &App,
    tx: &mut Tx,
    column: &Column,
    (id, owner, old): (i64, i64, &str),
    outcome: &mut Outcome,
) -> shared::error::Result<()> {
    let keys = app.keyring();
    if keys.is_current(old) {
        outcome.current += 1;
        return Ok(());
    }
    let context = format!("{}:{owner}", column.name);
    let Ok(plain) = keys.open(&context, old) else {
        outcome.closed += 1;
        return Ok(());
    };
    let anew = keys.seal(&context, &plain).map_err(|error| shared::error::Error::Internal(error.into()))?;
    outcome.sealed += (column.update)().bind(anew).bind(id).bind(old).execute(tx).await?;
    Ok(())
}
