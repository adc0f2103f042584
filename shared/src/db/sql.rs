//! One SQL text for both engines, with values bound to `?`.

use sqlx::AssertSqlSafe;
use sqlx::mysql::MySqlRow;
use sqlx::sqlite::SqliteRow;

use super::value::{Value, mysql_arguments, sqlite_arguments};
use super::{At, Db, Pools, Tx, TxInner};

/// A row type that both engines can fill; `#[derive(sqlx::FromRow)]` and tuples do.
pub trait Row: for<'r> sqlx::FromRow<'r, SqliteRow> + for<'r> sqlx::FromRow<'r, MySqlRow> + Send + Unpin {}

impl<T> Row for T where T: for<'r> sqlx::FromRow<'r, SqliteRow> + for<'r> sqlx::FromRow<'r, MySqlRow> + Send + Unpin {}

/// A statement under construction. Its text is made of static parts only.
#[derive(Debug, Clone)]
#[must_use]
pub struct Sql {
    sqlite: String,
    mysql: String,
    values: Vec<Value>,
    /// Values that replace one of `values` on MySQL, by position.
    mysql_values: Vec<(usize, Value)>,
}

/// One text for both engines.
pub fn sql(text: &'static str) -> Sql {
    sql_by_engine(text, text)
}

/// Two texts with the same binds, for the rare statement that cannot be one: upserts.
pub fn sql_by_engine(sqlite: &'static str, mysql: &'static str) -> Sql {
    Sql { sqlite: sqlite.to_owned(), mysql: mysql.to_owned(), values: Vec::new(), mysql_values: Vec::new() }
}

/// IN lists come in these lengths only, so that the statement cache stays small.
const IN_LENGTHS: [usize; 4] = [1, 10, 50, 200];

/// The longest IN list; longer ones are cut into several statements by the caller.
pub const MAX_IN: usize = 200;

impl Sql {
    /// Binds the next `?`.
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Binds the next `?` to one value on SQLite and another on MySQL, as search terms need.
    pub fn bind_by_engine(mut self, sqlite: impl Into<Value>, mysql: impl Into<Value>) -> Self {
        self.mysql_values.push((self.values.len(), mysql.into()));
        self.values.push(sqlite.into());
        self
    }

    fn for_mysql(&mut self) -> Vec<Value> {
        let mut values = std::mem::take(&mut self.values);
        for (at, value) in self.mysql_values.drain(..) {
            if let Some(slot) = values.get_mut(at) {
                *slot = value;
            }
        }
        values
    }

    /// Appends more text.
    pub fn push(self, text: &'static str) -> Self {
        self.push_by_engine(text, text)
    }

    /// Appends more text, one per engine.
    pub fn push_by_engine(mut self, sqlite: &'static str, mysql: &'static str) -> Self {
        self.sqlite.push_str(sqlite);
        self.mysql.push_str(mysql);
        self
    }

    /// Appends text and one bind, or nothing when there is no value.
    pub fn push_if(self, text: &'static str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.push(text).bind(value),
            None => self,
        }
    }

    /// Appends `before (?, ?, ...)` for at most [`MAX_IN`] values; an empty list matches nothing.
    /// The list is padded by repeating its last value.
    pub fn push_in<V: Into<Value> + Clone>(mut self, before: &'static str, values: &[V]) -> Self {
        let Some(last) = values.last() else {
            return self.push(before).push(" (NULL)");
        };
        let length = IN_LENGTHS.into_iter().find(|n| *n >= values.len()).unwrap_or(values.len());
        let marks = vec!["?"; length].join(", ");
        for text in [&mut self.sqlite, &mut self.mysql] {
            text.push_str(before);
            text.push_str(" (");
            text.push_str(&marks);
            text.push(')');
        }
        let padding = std::iter::repeat_n(last, length.saturating_sub(values.len()));
        self.values.extend(values.iter().chain(padding).cloned().map(Into::into));
        self
    }

    /// Appends another statement's text and binds, for shared conditions.
    pub fn append(mut self, other: Self) -> Self {
        self.sqlite.push_str(&other.sqlite);
        self.mysql.push_str(&other.mysql);
        let before = self.values.len();
        self.values.extend(other.values);
        self.mysql_values.extend(other.mysql_values.into_iter().map(|(at, value)| (before + at, value)));
        self
    }

    /// All rows. The text carries its own LIMIT.
    pub async fn fetch_all<T: Row>(mut self, at: impl Into<At<'_>>) -> Result<Vec<T>, sqlx::Error> {
        let at = at.into();
        at.db().count();
        macro_rules! run {
            ($text:ident, $arguments:expr, $executor:expr) => {{
                let arguments = $arguments?;
                sqlx::query_as_with(AssertSqlSafe(self.$text), arguments).fetch_all($executor).await
            }};
        }
        match at {
            At::Db(db) => match &db.pools {
                Pools::Sqlite { read, .. } => run!(sqlite, sqlite_arguments(self.values), read),
                Pools::MySql(pool) => run!(mysql, mysql_arguments(self.for_mysql()), pool),
            },
            At::Tx(tx) => match &mut tx.inner {
                TxInner::Sqlite(tx) => run!(sqlite, sqlite_arguments(self.values), &mut **tx),
                TxInner::MySql(tx) => run!(mysql, mysql_arguments(self.for_mysql()), &mut **tx),
            },
        }
    }

    /// The first row, if any.
    pub async fn fetch_optional<T: Row>(mut self, at: impl Into<At<'_>>) -> Result<Option<T>, sqlx::Error> {
        let at = at.into();
        at.db().count();
        macro_rules! run {
            ($text:ident, $arguments:expr, $executor:expr) => {{
                let arguments = $arguments?;
                sqlx::query_as_with(AssertSqlSafe(self.$text), arguments).fetch_optional($executor).await
            }};
        }
        match at {
            At::Db(db) => match &db.pools {
                Pools::Sqlite { read, .. } => run!(sqlite, sqlite_arguments(self.values), read),
                Pools::MySql(pool) => run!(mysql, mysql_arguments(self.for_mysql()), pool),
            },
            At::Tx(tx) => match &mut tx.inner {
                TxInner::Sqlite(tx) => run!(sqlite, sqlite_arguments(self.values), &mut **tx),
                TxInner::MySql(tx) => run!(mysql, mysql_arguments(self.for_mysql()), &mut **tx),
            },
        }
    }

    /// Exactly one row, as aggregates give.
    pub async fn fetch_one<T: Row>(self, at: impl Into<At<'_>>) -> Result<T, sqlx::Error> {
        self.fetch_optional(at).await?.ok_or(sqlx::Error::RowNotFound)
    }

    /// One column of one row, as counts give.
    pub async fn fetch_value<T>(self, at: impl Into<At<'_>>) -> Result<T, sqlx::Error>
    where
        (T,): Row,
    {
        Ok(self.fetch_one::<(T,)>(at).await?.0)
    }

    /// Writes; returns how many rows matched.
    pub async fn execute(mut self, tx: &mut Tx) -> Result<u64, sqlx::Error> {
        tx.db.count();
        match &mut tx.inner {
            TxInner::Sqlite(inner) => {
                let arguments = sqlite_arguments(self.values)?;
                let done = sqlx::query_with(AssertSqlSafe(self.sqlite), arguments).execute(&mut **inner).await?;
                Ok(done.rows_affected())
            }
            TxInner::MySql(inner) => {
                let arguments = mysql_arguments(self.for_mysql())?;
                let done = sqlx::query_with(AssertSqlSafe(self.mysql), arguments).execute(&mut **inner).await?;
                Ok(done.rows_affected())
            }
        }
    }

    /// Inserts one row; returns its id.
    pub async fn insert(mut self, tx: &mut Tx) -> Result<i64, sqlx::Error> {
        tx.db.count();
        match &mut tx.inner {
            TxInner::Sqlite(inner) => {
                let arguments = sqlite_arguments(self.values)?;
                let done = sqlx::query_with(AssertSqlSafe(self.sqlite), arguments).execute(&mut **inner).await?;
                Ok(done.last_insert_rowid())
            }
            TxInner::MySql(inner) => {
                let arguments = mysql_arguments(self.for_mysql())?;
                let done = sqlx::query_with(AssertSqlSafe(self.mysql), arguments).execute(&mut **inner).await?;
                i64::try_from(done.last_insert_id()).map_err(|e| sqlx::Error::Decode(e.into()))
            }
        }
    }
}

impl At<'_> {
    fn db(&self) -> &Db {
        match self {
            At::Db(db) => db,
            At::Tx(tx) => &tx.db,
        }
    }
}
