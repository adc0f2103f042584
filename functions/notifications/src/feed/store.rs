//! Rows that one person sees: own ones, those of their companies and broadcasts, each with the
//! person's own state (notifications-forms 2).

use chrono::{DateTime, Utc};
use shared::caller::Person;
use shared::db::{At, Db, MAX_IN, Sql, Tx, sql, sql_by_engine};
use shared::error::Result;
use shared::search::escape_like;

use super::filter::{Filter, Order, ReadState, Sort};

/// Whose feed it is.
#[derive(Debug, Clone)]
pub struct Reader {
    id: i64,
    joined: DateTime<Utc>,
    companies: Vec<i64>,
    now: DateTime<Utc>,
}

impl Reader {
    /// The feed of a person.
    pub fn of(person: &Person, now: DateTime<Utc>) -> Self {
        let companies = person.memberships.iter().map(|m| m.company.id).take(MAX_IN).collect();
        Self { id: person.id(), joined: person.user.created_at, companies, now }
    }

    /// The person.
    pub fn id(&self) -> i64 {
        self.id
    }

    /// Everything in the feed, as the end of a statement.
    fn visible(&self) -> Sql {
        sql(" FROM notifications n LEFT JOIN notification_states s ON s.notification_id = n.id AND s.user_id = ? \
             WHERE n.in_app = TRUE AND (n.expires_at IS NULL OR n.expires_at > ?) AND s.dismissed_at IS NULL \
             AND (n.user_id = ? OR n.audience = 'all'")
        .bind(self.id)
        .bind(self.now)
        .bind(self.id)
        .push_in(" OR n.company_id IN", &self.companies)
        .push(
            ") AND (n.audience = 'user' OR n.ignores_preferences = TRUE OR NOT EXISTS (SELECT 1 \
             FROM notification_preferences p WHERE p.user_id = ? AND p.event_type = n.event_type \
             AND p.channel_in_app = FALSE))",
        )
        .bind(self.id)
    }

    /// A broadcast from before the account existed counts as read.
    fn read_state(&self, state: ReadState) -> Sql {
        match state {
            ReadState::All => sql(""),
            ReadState::Unread => {
                sql(" AND s.read_at IS NULL AND (n.audience = 'user' OR n.created_at >= ?)").bind(self.joined)
            }
            ReadState::Read => {
                sql(" AND (s.read_at IS NOT NULL OR (n.audience <> 'user' AND n.created_at < ?))").bind(self.joined)
            }
        }
    }

    fn narrowed(&self, filter: &Filter, state: ReadState) -> Sql {
        let query = self.visible().append(self.read_state(state));
        let query =
            if filter.events.is_empty() { query } else { query.push_in(" AND n.event_type IN", &filter.events) };
        let query = query.push_if(" AND n.created_at >= ?", filter.from).push_if(" AND n.created_at < ?", filter.until);
        let part = filter.search.as_ref().map(|text| format!("%{}%", escape_like(text)));
        query.push_if(" AND COALESCE(n.search_text, LOWER(n.message)) LIKE ? ESCAPE '!'", part)
    }

    fn columns(&self) -> Sql {
        sql("SELECT n.id, n.audience, n.user_id, n.company_id, n.event_type, n.message, n.metadata, n.link, \
             n.created_at, COALESCE(s.read_at, CASE WHEN n.audience <> 'user' AND n.created_at < ? \
             THEN n.created_at END) AS read_at")
        .bind(self.joined)
    }
}

/// A notification as its reader sees it.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "columns of notifications")]
pub struct Row {
    pub id: i64,
    pub audience: String,
    pub user_id: Option<i64>,
    pub company_id: Option<i64>,
    pub event_type: String,
    pub message: String,
    pub metadata: Option<String>,
    pub link: Option<String>,
    pub created_at: DateTime<Utc>,
    pub read_at: Option<DateTime<Utc>>,
}

/// A place in the feed, the newest first: time and number of the row before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    at: DateTime<Utc>,
    id: i64,
}

impl Place {
    /// Behind this row.
    pub fn of(row: &Row) -> Self {
        Self { at: row.created_at, id: row.id }
    }

    /// As it stands in addresses.
    pub fn text(self) -> String {
        format!("{}-{}", self.at.timestamp_micros(), self.id)
    }

    /// Reads what [`Place::text`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let (micros, id) = text.split_once('-')?;
        Some(Self { at: DateTime::from_timestamp_micros(micros.parse().ok()?)?, id: id.parse().ok()? })
    }
}

/// Which rows of a list are wanted.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// Behind this place; with the newest first only.
    pub behind: Option<Place>,
    /// So many.
    pub limit: i64,
    /// After so many.
    pub offset: i64,
}

/// Some rows of the feed.
pub async fn list(db: &Db, reader: &Reader, filter: &Filter, order: Order, part: Part) -> Result<Vec<Row>> {
    let query = reader.columns().append(reader.narrowed(filter, filter.read));
    let query = match part.behind {
        Some(Place { at, id }) => {
            query.push(" AND n.created_at <= ? AND (n.created_at < ? OR n.id < ?)").bind(at).bind(at).bind(id)
        }
        None => query,
    };
    let query = match (order.by, order.is_descending) {
        (Sort::CreatedAt, true) => query.push(" ORDER BY n.created_at DESC, n.id DESC"),
        (Sort::CreatedAt, false) => query.push(" ORDER BY n.created_at, n.id DESC"),
        (Sort::EventType, true) => query.push(" ORDER BY n.event_type DESC, n.id DESC"),
        (Sort::EventType, false) => query.push(" ORDER BY n.event_type, n.id DESC"),
        (Sort::ReadAt, true) => query.push(" ORDER BY read_at DESC, n.id DESC"),
        (Sort::ReadAt, false) => query.push(" ORDER BY read_at, n.id DESC"),
    };
    Ok(query.push(" LIMIT ? OFFSET ?").bind(part.limit).bind(part.offset).fetch_all(db).await?)
}

/// Counts that stop at 10,001.
#[derive(Debug, Clone, Copy, Default, sqlx::FromRow)]
pub struct Counts {
    /// Rows that match.
    pub total: i64,
    /// Unread rows that match the filters other than the read state.
    pub filtered_unread: i64,
    /// All unread rows.
    pub global_unread: i64,
}

/// The counts, in one statement.
pub async fn counts(db: &Db, reader: &Reader, filter: &Filter) -> Result<Counts> {
    let capped = |query: Sql, condition: Sql, end: &'static str| {
        query.push("(SELECT COUNT(*) FROM (SELECT 1 AS one").append(condition).push(" LIMIT 10001) c) AS ").push(end)
    };
    let all = Filter::default();
    let query = capped(sql("SELECT "), reader.narrowed(filter, filter.read), "total, ");
    let query = capped(query, reader.narrowed(filter, ReadState::Unread), "filtered_unread, ");
    let query = capped(query, reader.narrowed(&all, ReadState::Unread), "global_unread");
    Ok(query.fetch_one(db).await?)
}

/// Those of these notifications that are in the feed.
pub async fn find(at: impl Into<At<'_>>, reader: &Reader, ids: &[i64]) -> Result<Vec<Row>> {
    let query = reader.columns().append(reader.visible()).push_in(" AND n.id IN", ids);
    Ok(query.push(" LIMIT 200").fetch_all(at).await?)
}

/// Types in the feed or in the person's preferences.
pub async fn event_types(db: &Db, reader: &Reader) -> Result<Vec<String>> {
    let query = sql("SELECT DISTINCT n.event_type").append(reader.visible());
    let query = query.push(" UNION SELECT p.event_type FROM notification_preferences p WHERE p.user_id = ? LIMIT 500");
    let rows: Vec<(String,)> = query.bind(reader.id).fetch_all(db).await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// Notes that these were read; what was read before keeps its time. The ids are checked by the caller.
pub async fn mark_read(tx: &mut Tx, reader: &Reader, ids: &[i64]) -> Result<()> {
    let query = sql("INSERT INTO notification_states (notification_id, user_id, read_at) SELECT n.id, ?, ? \
         FROM notifications n");
    let query = query.bind(reader.id).bind(reader.now).push_in(" WHERE n.id IN", ids);
    query.append(keep_first_time()).execute(&mut *tx).await?;
    settle(tx, reader, ids, false).await
}

fn keep_first_time() -> Sql {
    sql_by_engine(
        " ON CONFLICT (notification_id, user_id) DO UPDATE SET read_at = COALESCE(read_at, excluded.read_at)",
        " ON DUPLICATE KEY UPDATE read_at = COALESCE(notification_states.read_at, VALUES(read_at))",
    )
}

/// The state that stands on personal rows themselves.
async fn settle(tx: &mut Tx, reader: &Reader, ids: &[i64], is_unread: bool) -> Result<()> {
    sql("UPDATE notifications SET owner_unread = ? WHERE user_id = ?")
        .bind(is_unread)
        .bind(reader.id)
        .push_in(" AND id IN", ids)
        .execute(tx)
        .await?;
    Ok(())
}

/// Takes back that these were read.
pub async fn mark_unread(tx: &mut Tx, reader: &Reader, ids: &[i64]) -> Result<()> {
    sql("UPDATE notification_states SET read_at = NULL WHERE user_id = ?")
        .bind(reader.id)
        .push_in(" AND notification_id IN", ids)
        .execute(&mut *tx)
        .await?;
    settle(tx, reader, ids, true).await
}

/// Everything unread that matches; gives how many.
pub async fn mark_matching(tx: &mut Tx, reader: &Reader, filter: &Filter) -> Result<i64> {
    let unread = || reader.narrowed(filter, ReadState::Unread);
    if filter.read == ReadState::Read {
        return Ok(0);
    }
    let count = sql("SELECT COUNT(*)").append(unread()).fetch_value::<i64>(&mut *tx).await?;
    let query = sql("INSERT INTO notification_states (notification_id, user_id, read_at) SELECT v.id, ?, ? \
         FROM (SELECT n.id")
    .bind(reader.id)
    .bind(reader.now);
    query.append(unread()).push(") v WHERE TRUE").append(keep_first_time()).execute(&mut *tx).await?;
    sql("UPDATE notifications SET owner_unread = FALSE WHERE user_id = ? AND owner_unread = TRUE AND id IN \
         (SELECT s.notification_id FROM notification_states s WHERE s.user_id = ? AND s.read_at = ?)")
    .bind(reader.id)
    .bind(reader.id)
    .bind(reader.now)
    .execute(tx)
    .await?;
    Ok(count)
}

/// Takes these out of the person's feed.
pub async fn hide(tx: &mut Tx, reader: &Reader, ids: &[i64]) -> Result<()> {
    let query = sql("INSERT INTO notification_states (notification_id, user_id, read_at, dismissed_at) \
         SELECT n.id, ?, ?, ? FROM notifications n");
    let query = query.bind(reader.id).bind(reader.now).bind(reader.now).push_in(" WHERE n.id IN", ids);
    let query = query.append(sql_by_engine(
        " ON CONFLICT (notification_id, user_id) DO UPDATE SET read_at = COALESCE(read_at, excluded.read_at), \
         dismissed_at = excluded.dismissed_at",
        " ON DUPLICATE KEY UPDATE read_at = COALESCE(notification_states.read_at, VALUES(read_at)), \
         dismissed_at = VALUES(dismissed_at)",
    ));
    query.execute(&mut *tx).await?;
    settle(tx, reader, ids, false).await
}

/// What can be taken back: what was hidden, or marked as read, at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undo {
    /// Hidden.
    Hide,
    /// Marked as read.
    Read,
}

/// Takes back what the person did at this moment; gives how many rows it concerns.
pub async fn undo(tx: &mut Tx, reader: &Reader, what: Undo, at: DateTime<Utc>) -> Result<u64> {
    let of_then = match what {
        Undo::Hide => " AND s.dismissed_at = ?",
        Undo::Read => " AND s.dismissed_at IS NULL AND s.read_at = ?",
    };
    sql("UPDATE notifications SET owner_unread = TRUE WHERE user_id = ? AND id IN (SELECT s.notification_id \
         FROM notification_states s WHERE s.user_id = ? AND s.read_at = ?")
    .bind(reader.id)
    .bind(reader.id)
    .bind(at)
    .push(of_then)
    .bind(at)
    .push(")")
    .execute(&mut *tx)
    .await?;
    let query = match what {
        Undo::Hide => {
            sql("UPDATE notification_states SET read_at = CASE WHEN read_at = ? THEN NULL ELSE read_at END, \
             dismissed_at = NULL WHERE user_id = ? AND dismissed_at = ?")
            .bind(at)
            .bind(reader.id)
            .bind(at)
        }
        Undo::Read => sql("UPDATE notification_states SET read_at = NULL WHERE user_id = ? AND read_at = ? \
             AND dismissed_at IS NULL")
        .bind(reader.id)
        .bind(at),
    };
    Ok(query.execute(tx).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_back_whole() {
        let place = Place { at: DateTime::from_timestamp_micros(1_795_425_120_123_456).unwrap(), id: 42 };
        assert_eq!(Place::parse(&place.text()), Some(place));
        for bad in ["", "x", "1", "1-", "-1-2", "1-x"] {
            assert_eq!(Place::parse(bad), None, "{bad}");
        }
    }
}
