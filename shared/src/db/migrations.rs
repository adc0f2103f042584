//! One folder of portable SQL, rendered for the engine that runs.
//!
//! Statements are separated by a semicolon before a blank line (or the end of the file), and each is a
//! version of its own, because MySQL commits every schema change at once and a file half applied could
//! not be resumed. Two things are rewritten, nothing else: the auto-increment key, and the table options
//! of MySQL. A statement headed `-- only mysql` or `-- only sqlite` does nothing on the other engine.

use std::borrow::Cow;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Connection as _, MySqlPool, SqlSafeStr as _, SqlitePool};

use super::Pools;
use crate::error::{Error, Result};

include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

#[derive(Clone, Copy, PartialEq, Eq)]
enum Engine {
    Sqlite,
    MySql,
}

struct Statement {
    version: i64,
    name: &'static str,
    text: String,
}

/// How long one process waits for another that is migrating.
const LOCK_SECONDS: i64 = 60;

pub(super) async fn apply(pools: &Pools) -> Result<()> {
    match pools {
        Pools::Sqlite { write, .. } => apply_beside_file(write).await,
        Pools::MySql(pool) => apply_locked(pool).await,
    }
}

/// Several processes may start on one file: a file beside it is the lock, and the system gives it back
/// when a process ends, however it ends.
async fn apply_beside_file(write: &SqlitePool) -> Result<()> {
    let mut path = write.connect_options().get_filename().as_os_str().to_owned();
    path.push("-migrating");
    let taking = tokio::task::spawn_blocking(move || {
        let file = std::fs::File::create(path)?;
        file.lock()?;
        std::io::Result::Ok(file)
    });
    let held = taking.await.map_err(|error| Error::Internal(error.into()))?;
    let held = held.map_err(|error| Error::Internal(error.into()))?;
    let mut migrator = migrator(Engine::Sqlite);
    migrator.set_locking(false);
    let applied = migrator.run(write).await;
    drop(held);
    applied.map_err(|error| Error::Internal(error.into()))
}

/// sqlx asks for its lock with an endless wait, which `MariaDB` answers with NULL and no lock; so the
/// lock is ours, held by a connection of its own.
async fn apply_locked(pool: &MySqlPool) -> Result<()> {
    let mut holder = sqlx::MySqlConnection::connect_with(&pool.connect_options()).await?;
    let held: Option<i64> = sqlx::query_scalar("SELECT GET_LOCK(CONCAT('myportal_migrate_', DATABASE()), ?)")
        .bind(LOCK_SECONDS)
        .fetch_one(&mut holder)
        .await?;
    if held != Some(1) {
        return Err(Error::Internal(anyhow::anyhow!("another process is migrating the database")));
    }
    let mut migrator = migrator(Engine::MySql);
    migrator.set_locking(false);
    let applied = migrator.run(pool).await;
    holder.close().await?;
    applied.map_err(|error| Error::Internal(error.into()))
}

fn migrator(engine: Engine) -> Migrator {
    let steps = statements()
        .into_iter()
        .map(|statement| {
            let text = render(&statement.text, engine);
            Migration::new(
                statement.version,
                Cow::Borrowed(statement.name),
                MigrationType::Simple,
                sqlx::AssertSqlSafe(text).into_sql_str(),
                false,
            )
        })
        .collect();
    Migrator::with_migrations(steps)
}

/// The version of the newest statement that this program knows.
pub fn release() -> i64 {
    statements().last().map_or(0, |statement| statement.version)
}

/// The schema as MySQL reads it, for engines where it is applied another way.
pub fn print_mysql() -> String {
    let mut out = String::new();
    for statement in statements() {
        out.push_str(&render(&statement.text, Engine::MySql));
        out.push_str(";\n\n");
    }
    out
}

fn statements() -> Vec<Statement> {
    let mut all = Vec::new();
    for (name, text) in MIGRATIONS {
        let number: i64 = name.split('_').next().and_then(|n| n.parse().ok()).unwrap_or(0);
        let parts = text.split(";\n\n").map(|part| part.trim().trim_end_matches(';').trim());
        for (index, part) in (1_i64..).zip(parts.filter(|part| !part.is_empty())) {
            all.push(Statement { version: number * 1000 + index, name, text: part.to_owned() });
        }
    }
    all.sort_by_key(|statement| statement.version);
    all
}

fn render(text: &str, engine: Engine) -> String {
    let other = match engine {
        Engine::Sqlite => "-- only mysql",
        Engine::MySql => "-- only sqlite",
    };
    if text.lines().any(|line| line.trim() == other) {
        return "SELECT 1".to_owned();
    }
    let body: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    let body = body.join("\n");
    match engine {
        Engine::Sqlite => body.replace("BIGINT PRIMARY KEY AUTO_INCREMENT", "INTEGER PRIMARY KEY AUTOINCREMENT"),
        Engine::MySql if body.trim_start().starts_with("CREATE TABLE") => {
            format!("{body} ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin")
        }
        Engine::MySql => body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_unique_and_rising() {
        let versions: Vec<i64> = statements().iter().map(|s| s.version).collect();
        assert!(versions.is_sorted_by(|a, b| a < b), "two statements share a version");
        assert!(versions.len() > 20);
    }

    #[test]
    fn each_engine_gets_its_own_words() {
        let text = "-- A table.\nCREATE TABLE a (\n    id BIGINT PRIMARY KEY AUTO_INCREMENT\n)";
        assert_eq!(render(text, Engine::Sqlite), "CREATE TABLE a (\n    id INTEGER PRIMARY KEY AUTOINCREMENT\n)");
        assert!(render(text, Engine::MySql).ends_with("COLLATE=utf8mb4_bin"));
        assert_eq!(render("-- only mysql\nCREATE FULLTEXT INDEX x ON a (b)", Engine::Sqlite), "SELECT 1");
    }
}
