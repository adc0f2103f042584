//! Rows of `ticket_texts`: the folded words of a ticket and its replies, which searches look through.

use shared::db::{Tx, sql};
use shared::error::Result;

/// A ticket's texts stop growing here; what is said later is read, but not found by its words.
const LONGEST: i64 = 1_000_000;

/// Begins the texts of a new ticket with its own words.
pub async fn begin(tx: &mut Tx, ticket_id: i64, folded: &str) -> Result<()> {
    write(tx, ticket_id, &format!(" {folded}"), "").await
}

/// Adds the words of a reply or note.
pub async fn append(tx: &mut Tx, ticket_id: i64, folded: &str, is_internal: bool) -> Result<()> {
    let update = if is_internal {
        sql(
            "UPDATE ticket_texts SET internal_text = CONCAT(internal_text, ?) WHERE id = ? AND LENGTH(internal_text) < ?",
        )
    } else {
        sql("UPDATE ticket_texts SET public_text = CONCAT(public_text, ?) WHERE id = ? AND LENGTH(public_text) < ?")
    };
    update.bind(format!(" {folded}")).bind(ticket_id).bind(LONGEST).execute(tx).await?;
    Ok(())
}

/// Reads the texts together again, after words of the ticket itself changed or replies moved.
pub async fn renew(tx: &mut Tx, ticket_id: i64) -> Result<()> {
    let own: Option<(String,)> =
        sql("SELECT search_text FROM tickets WHERE id = ?").bind(ticket_id).fetch_optional(&mut *tx).await?;
    let Some((mut public,)) = own else { return Ok(()) };
    public.insert(0, ' ');
    let mut internal = String::new();
    let replies: Vec<(String, bool)> = sql("SELECT search_text, is_internal FROM ticket_replies WHERE ticket_id = ? \
         ORDER BY created_at, id LIMIT 5000")
    .bind(ticket_id)
    .fetch_all(&mut *tx)
    .await?;
    for (text, is_internal) in replies {
        let into = if is_internal { &mut internal } else { &mut public };
        if i64::try_from(into.len()).unwrap_or(i64::MAX) < LONGEST {
            into.push(' ');
            into.push_str(&text);
        }
    }
    let update = sql("UPDATE ticket_texts SET public_text = ?, internal_text = ? WHERE id = ?");
    let known = update.bind(&public).bind(&internal).bind(ticket_id).execute(&mut *tx).await?;
    if known == 0 { write(tx, ticket_id, &public, &internal).await } else { Ok(()) }
}

async fn write(tx: &mut Tx, ticket_id: i64, public: &str, internal: &str) -> Result<()> {
    let insert = sql("INSERT INTO ticket_texts (id, public_text, internal_text) VALUES (?, ?, ?)");
    insert.bind(ticket_id).bind(public).bind(internal).insert(tx).await?;
    Ok(())
}
