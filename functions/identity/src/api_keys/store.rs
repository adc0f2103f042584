//! Rows of `api_keys` and `api_key_usage`.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use shared::db::{At, Db, MAX_IN, Sql, sql};
use shared::error::Result;
use shared::search::escape_like;

use super::model::{Filter, KeyRecord, Order, Usage};

/// A key as stored, with its sums.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) key_prefix: String,
    pub(super) description: Option<String>,
    pub(super) expiry_date: Option<NaiveDate>,
    scopes: String,
    pub(super) company_id: Option<i64>,
    allowed_ips: Option<String>,
    created_by: Option<i64>,
    pub(super) created_at: DateTime<Utc>,
    last_used_at: Option<DateTime<Utc>>,
    pub(super) revoked_at: Option<DateTime<Utc>>,
    pub(super) company_name: Option<String>,
    pub(super) creator_email: Option<String>,
    usage_count: i64,
    usage_addresses: i64,
    seen_at: Option<DateTime<Utc>>,
    counted: i64,
}

impl Row {
    /// The first characters, for people to tell keys apart.
    pub(super) fn preview(&self) -> String {
        format!("{}••••", self.key_prefix)
    }

    /// What people call the key.
    pub(super) fn label(&self) -> String {
        self.description.clone().unwrap_or_else(|| self.preview())
    }

    /// Its scopes.
    pub(super) fn scopes(&self) -> Vec<String> {
        serde_json::from_str(&self.scopes).unwrap_or_default()
    }

    /// Where it may come from.
    pub(super) fn allowed_ips(&self) -> Option<Vec<String>> {
        self.allowed_ips.as_deref().and_then(|text| serde_json::from_str(text).ok())
    }

    /// Its last day has passed.
    pub(super) fn is_expired(&self, now: DateTime<Utc>) -> bool {
        self.expiry_date.is_some_and(|day| day < now.date_naive())
    }

    /// It was revoked, and the grace is over.
    pub(super) fn is_revoked(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_some_and(|at| at <= now)
    }

    /// As the API shows it.
    pub(super) fn record(self, usage: Vec<Usage>, now: DateTime<Utc>) -> KeyRecord {
        KeyRecord {
            id: self.id,
            key_preview: self.preview(),
            is_expired: self.is_expired(now),
            scopes: self.scopes(),
            allowed_ips: self.allowed_ips(),
            description: self.description,
            expiry_date: self.expiry_date,
            created_at: self.created_at,
            last_used_at: self.last_used_at,
            last_seen_at: self.last_used_at.max(self.seen_at),
            usage_count: self.usage_count,
            usage,
            usage_addresses: self.usage_addresses,
            company_id: self.company_id,
            created_by: self.created_by,
            revoked_at: self.revoked_at,
        }
    }
}

const SELECT: &str = "SELECT k.id, k.key_prefix, k.description, k.expiry_date, k.scopes, k.company_id, k.allowed_ips, \
    k.created_by, k.created_at, k.last_used_at, k.revoked_at, c.name AS company_name, u.email AS creator_email, \
    CAST(COALESCE(s.total, 0) AS SIGNED) AS usage_count, COALESCE(s.addresses, 0) AS usage_addresses, s.seen_at, \
    COUNT(*) OVER () AS counted FROM api_keys k LEFT JOIN companies c ON c.id = k.company_id \
    LEFT JOIN users u ON u.id = k.created_by \
    LEFT JOIN (SELECT api_key_id, SUM(usage_count) AS total, COUNT(*) AS addresses, MAX(last_used_at) AS seen_at \
        FROM api_key_usage GROUP BY api_key_id) s ON s.api_key_id = k.id WHERE 1 = 1";

fn conditions(filter: &Filter, now: DateTime<Utc>) -> Sql {
    let mut query = sql("");
    let search = filter.search.trim().to_lowercase();
    if !search.is_empty() {
        let pattern = escape_like(&search);
        query = query
            .push(" AND (LOWER(k.description) LIKE ? ESCAPE '!' OR k.key_prefix LIKE ? ESCAPE '!')")
            .bind(format!("%{pattern}%"))
            .bind(format!("{pattern}%"));
    }
    if !filter.include_expired {
        query = query
            .push(" AND (k.expiry_date IS NULL OR k.expiry_date >= ?) AND (k.revoked_at IS NULL OR k.revoked_at > ?)")
            .bind(now.date_naive())
            .bind(now);
    }
    query
}

fn order(filter: &Filter) -> &'static str {
    match (filter.order, filter.descending) {
        (Order::CreatedAt, true) => " ORDER BY k.created_at DESC, k.id",
        (Order::CreatedAt, false) => " ORDER BY k.created_at, k.id",
        (Order::Description, true) => " ORDER BY k.description IS NULL, k.description DESC, k.id",
        (Order::Description, false) => " ORDER BY k.description IS NULL, k.description, k.id",
        (Order::ExpiryDate, true) => " ORDER BY k.expiry_date IS NULL, k.expiry_date DESC, k.id",
        (Order::ExpiryDate, false) => " ORDER BY k.expiry_date IS NULL, k.expiry_date, k.id",
        (Order::UsageCount, true) => " ORDER BY usage_count DESC, k.id",
        (Order::UsageCount, false) => " ORDER BY usage_count, k.id",
        (Order::LastUsedAt, true) => " ORDER BY k.last_used_at IS NULL, k.last_used_at DESC, k.id",
        (Order::LastUsedAt, false) => " ORDER BY k.last_used_at IS NULL, k.last_used_at, k.id",
    }
}

/// One page of a selection, and how many there are in all.
pub(super) async fn list(
    db: &Db,
    filter: &Filter,
    limit: i64,
    offset: i64,
    now: DateTime<Utc>,
) -> Result<(Vec<Row>, i64)> {
    let query = sql(SELECT).append(conditions(filter, now)).push(order(filter));
    let rows: Vec<Row> = query.push(" LIMIT ? OFFSET ?").bind(limit).bind(offset).fetch_all(db).await?;
    let counted = match rows.first() {
        Some(row) => row.counted,
        None if offset == 0 => 0,
        None => {
            let query = sql("SELECT COUNT(*) FROM api_keys k WHERE 1 = 1").append(conditions(filter, now));
            query.fetch_value(db).await?
        }
    };
    Ok((rows, counted))
}

/// One key.
pub(super) async fn find(at: impl Into<At<'_>>, id: i64) -> Result<Option<Row>> {
    Ok(sql(SELECT).push(" AND k.id = ?").bind(id).fetch_optional(at).await?)
}

#[derive(sqlx::FromRow)]
struct UsageRow {
    api_key_id: i64,
    ip_address: String,
    usage_count: i64,
    last_used_at: DateTime<Utc>,
}

/// The addresses of some keys, most used first, at most `most` of each.
pub(super) async fn usage(db: &Db, keys: &[i64], most: i64) -> Result<HashMap<i64, Vec<Usage>>> {
    let mut map: HashMap<i64, Vec<Usage>> = HashMap::new();
    for chunk in keys.chunks(MAX_IN) {
        let query = sql("SELECT api_key_id, ip_address, usage_count, last_used_at FROM (SELECT api_key_id, \
             ip_address, usage_count, last_used_at, ROW_NUMBER() OVER (PARTITION BY api_key_id \
             ORDER BY usage_count DESC, last_used_at DESC, ip_address) AS place FROM api_key_usage")
        .push_in(" WHERE api_key_id IN", chunk)
        .push(") ranked WHERE place <= ? ORDER BY api_key_id, place LIMIT 100000")
        .bind(most);
        let rows: Vec<UsageRow> = query.fetch_all(db).await?;
        for row in rows {
            map.entry(row.api_key_id).or_default().push(Usage {
                ip_address: row.ip_address,
                usage_count: row.usage_count,
                last_used_at: row.last_used_at,
            });
        }
    }
    Ok(map)
}

/// How many keys there are, and whether a token waits to be shown.
#[derive(Debug, Clone, Copy, Default, serde::Serialize, sqlx::FromRow)]
pub(super) struct Figures {
    pub(super) total: i64,
    pub(super) active: i64,
    pub(super) waiting: i64,
}

/// The figures above the list.
pub(super) async fn figures(db: &Db, session_id: i64, now: DateTime<Utc>) -> Result<Figures> {
    Ok(sql("SELECT COUNT(*) AS total, CAST(COALESCE(SUM(CASE WHEN (expiry_date IS NULL OR expiry_date >= ?) \
         AND (revoked_at IS NULL OR revoked_at > ?) THEN 1 ELSE 0 END), 0) AS SIGNED) AS active, \
         (SELECT COUNT(*) FROM session_notes WHERE session_id = ? AND kind = 'api_key') AS waiting FROM api_keys")
    .bind(now.date_naive())
    .bind(now)
    .bind(session_id)
    .fetch_one(db)
    .await?)
}

/// A key that comes to its last day.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Expiring {
    pub(super) id: i64,
    pub(super) key_prefix: String,
    pub(super) description: Option<String>,
    pub(super) expiry_date: NaiveDate,
    pub(super) created_at: DateTime<Utc>,
}

/// The keys in force whose last day is between two days.
pub(super) async fn expiring(db: &Db, from: NaiveDate, to: NaiveDate, now: DateTime<Utc>) -> Result<Vec<Expiring>> {
    Ok(sql("SELECT id, key_prefix, description, expiry_date, created_at FROM api_keys \
         WHERE expiry_date BETWEEN ? AND ? AND (revoked_at IS NULL OR revoked_at > ?) ORDER BY id LIMIT 1000")
    .bind(from)
    .bind(to)
    .bind(now)
    .fetch_all(db)
    .await?)
}
