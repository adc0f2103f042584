//! The one place that knows which engine is running.
//!
//! Areas write one SQL text for SQLite and MySQL, read through [`Db`] or [`Tx`], and write through
//! [`Tx`] only: on SQLite the read pool refuses writes, and every transaction is `BEGIN IMMEDIATE` on
//! the single writer, because a deferred one that reads first fails at once under load.

mod migrations;
mod sql;
mod value;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, MySql, MySqlConnection, MySqlPool, Sqlite, SqlitePool, Transaction};
use tokio::sync::Notify;

pub use migrations::{print_mysql, release};
pub use sql::{MAX_IN, Row, Sql, sql, sql_by_engine};
pub use value::Value;

use crate::audit::{Change, Stamp};
use crate::error::{Error, Result};

/// How long connections in use have to come back when the database is closed.
const CLOSING: Duration = Duration::from_secs(5);

/// The database, cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    pools: Pools,
    statements: Arc<AtomicU64>,
    work: Arc<Notify>,
}

#[derive(Clone, Debug)]
enum Pools {
    Sqlite { read: SqlitePool, write: SqlitePool },
    MySql(MySqlPool),
}

/// Where a read happens: on the pool, or inside a transaction that must see its own writes.
#[derive(Debug)]
pub enum At<'a> {
    /// The read pool.
    Db(&'a Db),
    /// An open transaction.
    Tx(&'a mut Tx),
}

impl<'a> From<&'a Db> for At<'a> {
    fn from(db: &'a Db) -> Self {
        At::Db(db)
    }
}

impl<'a> From<&'a mut Tx> for At<'a> {
    fn from(tx: &'a mut Tx) -> Self {
        At::Tx(tx)
    }
}

/// How many connections a process may hold, and how it opens them.
#[derive(Debug, Clone, Copy)]
pub struct PoolSize {
    /// MySQL connections, or SQLite readers.
    pub connections: u32,
}

impl Db {
    /// Connects by address: `sqlite:<path>` or `mysql://user:password@host/name`.
    pub async fn connect(url: &str, size: PoolSize) -> Result<Self> {
        let pools = if let Some(path) = url.strip_prefix("sqlite:") {
            sqlite_pools(path.trim_start_matches("//"), size).await?
        } else {
            Pools::MySql(mysql_pool(url, size).await?)
        };
        Ok(Self { pools, statements: Arc::default(), work: Arc::default() })
    }

    /// True on SQLite.
    pub fn is_sqlite(&self) -> bool {
        matches!(self.pools, Pools::Sqlite { .. })
    }

    /// Applies the migrations that are missing, under a lock that all processes share.
    pub async fn migrate(&self) -> Result<()> {
        migrations::apply(&self.pools).await
    }

    /// Opens a transaction; `stamp` says who will be named in the audit trail.
    pub async fn begin(&self, stamp: Stamp) -> Result<Tx> {
        let inner = match &self.pools {
            Pools::Sqlite { write, .. } => TxInner::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?),
            Pools::MySql(pool) => TxInner::MySql(pool.begin().await?),
        };
        let (changes, db) = (Vec::new(), self.clone());
        Ok(Tx { inner, db, stamp, changes, is_housekeeping: false, has_work: false, claim: None, depth: 0 })
    }

    /// How many statements were sent since the start; tests compare two readings.
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Waits until a transaction of this process has queued work.
    pub async fn work_queued(&self) {
        self.work.notified().await;
    }

    /// Wakes whoever waits in [`Db::work_queued`].
    pub fn wake(&self) {
        self.work.notify_one();
    }

    /// True when the newest migration of this program has been applied.
    pub async fn is_migrated(&self) -> bool {
        let newest: Result<i64, _> =
            sql("SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations WHERE success = TRUE").fetch_value(self).await;
        newest.is_ok_and(|version| version >= release())
    }

    /// Closes all connections. Those in use have a moment to come back; what was cut off in the middle of an
    /// answer never does.
    pub async fn close(&self) {
        if tokio::time::timeout(CLOSING, self.close_pools()).await.is_err() {
            tracing::warn!("connections in use were left to the database");
        }
    }

    async fn close_pools(&self) {
        match &self.pools {
            Pools::Sqlite { read, write } => {
                read.close().await;
                write.close().await;
            }
            Pools::MySql(pool) => pool.close().await,
        }
    }

    fn count(&self) {
        self.statements.fetch_add(1, Ordering::Relaxed);
    }
}

async fn sqlite_pools(path: &str, size: PoolSize) -> Result<Pools> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        .statement_cache_capacity(256);
    let write = sqlite_writer(&options).await?;
    let read = SqlitePoolOptions::new()
        .max_connections(size.connections)
        .test_before_acquire(false)
        .connect_lazy_with(options.create_if_missing(false).pragma("query_only", "1"));
    Ok(Pools::Sqlite { read, write })
}

/// Turning a new file to WAL answers "busy" at once, whatever the waiting time, when several processes do it.
async fn sqlite_writer(options: &SqliteConnectOptions) -> Result<SqlitePool> {
    let last_try = Instant::now() + Duration::from_secs(5);
    loop {
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(20))
            .test_before_acquire(false)
            .connect_with(options.clone())
            .await;
        match pool {
            Err(error) if is_retryable(&error) && Instant::now() < last_try => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            pool => return Ok(pool?),
        }
    }
}

async fn mysql_pool(url: &str, size: PoolSize) -> Result<MySqlPool> {
    let options: MySqlConnectOptions = url.parse()?;
    let pool = MySqlPoolOptions::new()
        .max_connections(size.connections)
        .acquire_timeout(Duration::from_secs(5))
        .idle_timeout(Duration::from_mins(1))
        .test_before_acquire(false)
        .before_acquire(|connection, facts| {
            Box::pin(async move { if facts.idle_for < FRESH { Ok(true) } else { answers(connection).await } })
        })
        .after_release(|connection, _| Box::pin(answers(connection)))
        .after_connect(|connection, _| {
            Box::pin(async move {
                // The default locks the gaps between rows, over which workers fall into deadlocks.
                sqlx::Executor::execute(connection, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED").await?;
                Ok(())
            })
        })
        .connect_with(options.statement_cache_capacity(100))
        .await?;
    Ok(pool)
}

/// A connection that was used so short a time ago is taken without a question.
const FRESH: Duration = Duration::from_secs(1);

/// Whether a connection is at rest and answers. A query that was cut off while its statement was being
/// prepared leaves the driver waiting for answers that never come, or with answers to nothing: such a
/// connection would keep its place in the pool for ever.
async fn answers(connection: &mut MySqlConnection) -> Result<bool, sqlx::Error> {
    let asked = tokio::time::timeout(Duration::from_secs(2), connection.ping()).await;
    asked.map_err(|_| sqlx::Error::PoolTimedOut)?.map(|()| true)
}

/// An open transaction. Dropping it takes everything back.
#[derive(Debug)]
pub struct Tx {
    inner: TxInner,
    db: Db,
    stamp: Stamp,
    changes: Vec<Change>,
    is_housekeeping: bool,
    has_work: bool,
    /// Row of `idempotency_keys` whose work this is.
    claim: Option<i64>,
    depth: i64,
}

#[derive(Debug)]
enum TxInner {
    Sqlite(Transaction<'static, Sqlite>),
    MySql(Transaction<'static, MySql>),
}

impl Tx {
    /// Notes a change for the audit trail; the row is written at commit.
    pub fn audit(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// Declares a transaction that is not a change anyone looks for: session touches, leases, counters.
    pub fn housekeeping(&mut self) {
        self.is_housekeeping = true;
    }

    /// Who acts.
    pub fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    /// How many automations in a row have led to this change; 0 for what people and programs do.
    pub fn depth(&self) -> i64 {
        self.depth
    }

    /// Says that an automation causes the change: its events carry the depth, so that chains end.
    pub fn caused_at(&mut self, depth: i64) {
        self.depth = depth;
    }

    /// Marks that work was queued, so that the worker is woken after the commit.
    pub(crate) fn has_work(&mut self) {
        self.has_work = true;
    }

    /// Names the idempotency key under which the work is done.
    pub(crate) fn under_claim(mut self, claim: Option<i64>) -> Self {
        self.claim = claim;
        self
    }

    /// The work and the note that it was done become permanent together, so that a process that dies
    /// before it has answered does not make a repeat do the work again.
    async fn note_claim(&mut self) -> Result<()> {
        if let Some(id) = self.claim {
            let done = sql("UPDATE idempotency_keys SET state = 'committed' WHERE id = ? AND state = 'running'");
            done.bind(id).execute(self).await?;
        }
        Ok(())
    }

    /// Writes the audit rows and makes everything permanent.
    /// A transaction with neither an audit line nor [`Tx::housekeeping`] is a mistake and is refused.
    pub async fn commit(mut self) -> Result<()> {
        let changes = std::mem::take(&mut self.changes);
        if changes.is_empty() && !self.is_housekeeping {
            return Err(Error::Internal(anyhow::anyhow!("a transaction without an audit line")));
        }
        if !changes.is_empty() {
            self.note_claim().await?;
        }
        crate::audit::write(&mut self, changes).await?;
        match self.inner {
            TxInner::Sqlite(tx) => tx.commit().await?,
            TxInner::MySql(tx) => tx.commit().await?,
        }
        if self.has_work {
            self.db.wake();
        }
        Ok(())
    }
}

/// True when the error is a violation of the named unique constraint, or of any when the name is empty.
/// Neither engine reports the name apart, so it is looked for in the message: MySQL prints the
/// constraint, SQLite the columns as `table.column`.
pub fn is_unique_violation(error: &sqlx::Error, constraint: &str, column: &str) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    error.is_unique_violation() && (error.message().contains(constraint) || error.message().contains(column))
}

/// A short transaction that meets others over the same rows is tried so often.
pub const TRIES: u32 = 8;

/// Repeats a short transaction while the engine asks for it. Only for steps that begin and end their own,
/// where nobody would try again: work in the background, above all what follows on something sent out.
#[macro_export]
macro_rules! insist {
    ($step:expr) => {{
        let mut tries = 1;
        loop {
            match $step.await {
                Err($crate::error::Error::Busy) if tries < $crate::db::TRIES => {
                    $crate::db::pause(tries).await;
                    tries += 1;
                }
                done => break done,
            }
        }
    }};
}

/// The wait before [`insist!`](crate::insist) repeats a step for the given time, counted from 1.
#[doc(hidden)]
pub async fn pause(tries: u32) {
    tokio::time::sleep(std::time::Duration::from_millis(10) * tries).await;
}

/// True when the engine asks to try again: a deadlock, a lock wait, a write conflict of TiDB.
pub(crate) fn is_retryable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => {
            let number = error
                .try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>()
                .map(sqlx::mysql::MySqlDatabaseError::number);
            matches!(number, Some(1205 | 1213 | 8002 | 9007)) || error.message().contains("database is locked")
        }
        sqlx::Error::PoolTimedOut => true,
        _ => false,
    }
}
