//! What the desk of the demo did to sort its month: tags, and what a model suggests.

use chrono::{DateTime, Utc};
use shared::db::{Tx, sql};
use shared::error::Result;

/// A tag, and the subjects that have it contain one of the two words.
const TAGS: [(&str, &str, &str); 6] = [
    ("printer", "%rinter%", "%print%"),
    ("wi-fi", "%Wi-Fi%", "%wireless%"),
    ("starter", "%starter%", "%joiner%"),
    ("mailbox", "%mail%", "%Outlook%"),
    ("on-site", "%classroom%", "%room%"),
    ("laptop", "%laptop%", "%notebook%"),
];

/// Sorts the month.
pub async fn write(tx: &mut Tx, now: DateTime<Utc>) -> Result<()> {
    for (tag, one, other) in TAGS {
        sql("INSERT INTO ticket_tags (ticket_id, tag, created_at) SELECT t.id, ?, t.updated_at FROM tickets t \
             WHERE t.subject LIKE ? OR t.subject LIKE ?")
        .bind(tag)
        .bind(one)
        .bind(other)
        .execute(&mut *tx)
        .await?;
    }
    sql("INSERT INTO ticket_tag_words (word, used_at) SELECT DISTINCT g.tag, ? FROM ticket_tags g")
        .bind(now)
        .execute(&mut *tx)
        .await?;
    Ok(())
}
