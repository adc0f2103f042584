//! What people of the demo were told about the month of tickets, and one announcement.

use chrono::{DateTime, TimeDelta, Utc};
use shared::db::{Tx, sql};
use shared::error::Result;

/// Fills the feeds: what is done was read, what is open was not.
pub async fn write(tx: &mut Tx, now: DateTime<Utc>) -> Result<()> {
    sql("INSERT INTO notifications (audience, user_id, event_type, message, link, in_app, owner_unread, created_at) \
         SELECT 'user', t.assigned_user_id, 'tickets.assigned', \
         CONCAT('#', t.id, ' was assigned to you: ', t.subject), CONCAT('/tickets/', t.id), TRUE, \
         CASE WHEN t.status = 'open' THEN TRUE ELSE FALSE END, t.created_at FROM tickets t \
         WHERE t.assigned_user_id IS NOT NULL")
    .execute(&mut *tx)
    .await?;
    sql("INSERT INTO notifications (audience, user_id, event_type, message, link, in_app, owner_unread, created_at) \
         SELECT 'user', t.requester_id, 'tickets.status_changed', \
         CONCAT('#', t.id, ' is now ', t.status, ': ', t.subject), CONCAT('/tickets/', t.id), TRUE, \
         CASE WHEN t.status = 'resolved' THEN TRUE ELSE FALSE END, t.updated_at FROM tickets t \
         WHERE t.requester_id IS NOT NULL AND t.status IN ('resolved', 'closed')")
    .execute(&mut *tx)
    .await?;
    sql("INSERT INTO notification_states (notification_id, user_id, read_at) \
         SELECT n.id, n.user_id, n.created_at FROM notifications n WHERE n.owner_unread = FALSE AND n.user_id IS NOT NULL")
    .execute(&mut *tx)
    .await?;
    sql("INSERT INTO notifications (audience, event_type, message, link, in_app, dedupe_key, created_at, expires_at) \
         VALUES ('all', 'general', ?, '/help', TRUE, 'announcement:demo', ?, ?)")
    .bind("On Sunday from 06:00 to 07:00 we move the portal to a new server. It can be read but not changed for that hour.")
    .bind(now - TimeDelta::hours(20))
    .bind(now + TimeDelta::days(7))
    .execute(tx)
    .await?;
    Ok(())
}
