//! Rows of `ticket_views` and `ticket_list_settings`: how the desk looks at its list.

use shared::db::{At, Sql, Tx, sql, sql_by_engine};
use shared::error::Result;

use crate::model::{Column, NewView};

/// A list that is kept under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Row of `ticket_views`.
    pub id: i64,
    /// What it is chosen by.
    pub name: String,
    /// As in the address of the list.
    pub query: String,
    /// The columns it shows; none for those that each person has chosen.
    pub columns: Option<Vec<Column>>,
    /// Everybody's at the desk.
    pub is_shared: bool,
}

/// How one person likes the list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListSettings {
    /// None for the usual ones.
    pub columns: Option<Vec<Column>>,
    /// A key with `-` for descending.
    pub sort: Option<String>,
    /// Rows of a page.
    pub size: Option<i64>,
    /// The view that the list begins with.
    pub default_view: Option<i64>,
}

/// Views that somebody is shown at most.
const MOST: i64 = 50;

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    name: String,
    query_text: String,
    shown_columns: Option<String>,
    owner_id: Option<i64>,
}

impl From<Row> for View {
    fn from(row: Row) -> Self {
        let is_shared = row.owner_id.is_none();
        Self::of(row.id, row.name, row.query_text, row.shown_columns.as_deref(), is_shared)
    }
}

impl View {
    /// A view from the columns of its row.
    pub(super) fn of(id: i64, name: String, query: String, columns: Option<&str>, is_shared: bool) -> Self {
        Self { id, name, query, columns: columns_of(columns), is_shared }
    }
}

impl ListSettings {
    /// Settings from the columns of their row.
    pub(super) fn of(columns: Option<&str>, sort: Option<String>, size: Option<&str>, view: Option<i64>) -> Self {
        let size = size.and_then(|size| size.parse().ok());
        Self { columns: columns_of(columns), sort, size, default_view: view }
    }
}

/// Columns from their text.
fn columns_of(text: Option<&str>) -> Option<Vec<Column>> {
    text.filter(|text| !text.is_empty()).map(|text| Column::list(text.split(',')))
}

fn mine(me: Option<i64>) -> Sql {
    sql("SELECT w.id, w.name, w.query_text, w.shown_columns, w.owner_id FROM ticket_views w \
         WHERE (w.owner_id IS NULL OR w.owner_id = ?)")
    .bind(me)
}

/// Those that somebody may use, by name; without a person those of the desk.
pub async fn views(at: impl Into<At<'_>>, me: Option<i64>) -> Result<Vec<View>> {
    let rows: Vec<Row> = mine(me).push(" ORDER BY w.name, w.id LIMIT ?").bind(MOST).fetch_all(at).await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// One that somebody may use.
pub async fn view(at: impl Into<At<'_>>, me: Option<i64>, id: i64) -> Result<Option<View>> {
    let row: Option<Row> = mine(me).push(" AND w.id = ?").bind(id).fetch_optional(at).await?;
    Ok(row.map(Into::into))
}

/// How many views somebody may use.
pub async fn count_views(tx: &mut Tx, me: Option<i64>) -> Result<i64> {
    let query = sql("SELECT COUNT(*) FROM ticket_views WHERE owner_id IS NULL OR owner_id = ?");
    Ok(query.bind(me).fetch_value(tx).await?)
}

/// Adds one.
pub async fn insert_view(tx: &mut Tx, me: Option<i64>, new: &NewView) -> Result<i64> {
    let now = tx.stamp().at;
    let insert = sql("INSERT INTO ticket_views (owner_id, name, query_text, shown_columns, created_at, updated_at) \
         VALUES (?, ?, ?, ?, ?, ?)");
    let insert = insert.bind(me.filter(|_| !new.is_shared)).bind(&new.name).bind(&new.query);
    Ok(insert.bind(new.columns.as_deref().map(Column::join)).bind(now).bind(now).insert(tx).await?)
}

/// Writes one anew.
pub async fn save_view(tx: &mut Tx, me: Option<i64>, id: i64, new: &NewView) -> Result<()> {
    let now = tx.stamp().at;
    let update = sql("UPDATE ticket_views SET owner_id = ?, name = ?, query_text = ?, shown_columns = ?, \
         updated_at = ? WHERE id = ?");
    let update = update.bind(me.filter(|_| !new.is_shared)).bind(&new.name).bind(&new.query);
    update.bind(new.columns.as_deref().map(Column::join)).bind(now).bind(id).execute(tx).await?;
    Ok(())
}

/// Removes one; lists that began with it begin with everything.
pub async fn delete_view(tx: &mut Tx, id: i64) -> Result<()> {
    sql("DELETE FROM ticket_views WHERE id = ?").bind(id).execute(tx).await?;
    Ok(())
}

/// A row of `ticket_list_settings`: columns, sort, page size, first view.
type SettingsRow = (Option<String>, Option<String>, Option<String>, Option<i64>);

/// How somebody likes the list.
pub async fn list_settings(at: impl Into<At<'_>>, me: i64) -> Result<ListSettings> {
    let row: Option<SettingsRow> =
        sql("SELECT shown_columns, sort_key, page_size, default_view_id FROM ticket_list_settings WHERE user_id = ?")
            .bind(me)
            .fetch_optional(at)
            .await?;
    let Some((columns, sort, size, default_view)) = row else { return Ok(ListSettings::default()) };
    Ok(ListSettings::of(columns.as_deref(), sort, size.as_deref(), default_view))
}

/// Keeps how somebody likes the list.
pub async fn save_list_settings(tx: &mut Tx, me: i64, settings: &ListSettings) -> Result<()> {
    let now = tx.stamp().at;
    sql_by_engine(
        "INSERT INTO ticket_list_settings (user_id, shown_columns, sort_key, page_size, default_view_id, updated_at) \
         VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (user_id) DO UPDATE SET shown_columns = excluded.shown_columns, \
         sort_key = excluded.sort_key, page_size = excluded.page_size, default_view_id = excluded.default_view_id, \
         updated_at = excluded.updated_at",
        "INSERT INTO ticket_list_settings (user_id, shown_columns, sort_key, page_size, default_view_id, updated_at) \
         VALUES (?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE shown_columns = VALUES(shown_columns), \
         sort_key = VALUES(sort_key), page_size = VALUES(page_size), default_view_id = VALUES(default_view_id), \
         updated_at = VALUES(updated_at)",
    )
    .bind(me)
    .bind(settings.columns.as_deref().map(Column::join))
    .bind(settings.sort.clone())
    .bind(settings.size.map(|size| size.to_string()))
    .bind(settings.default_view)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}
