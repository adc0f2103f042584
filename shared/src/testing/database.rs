//! A throw-away database for each test: a copied SQLite file, or a schema of its own on the server that
//! `TEST_DATABASE_URL` names.

use std::path::PathBuf;
use std::sync::OnceLock;

use sqlx::{Connection as _, Executor as _, MySqlConnection};
use tokio::sync::Mutex;

use super::ok;
use crate::db::{Db, PoolSize};
use crate::tokens;

#[derive(Debug)]
pub(super) struct TestDatabase {
    db: Db,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    File(PathBuf),
    Schema { server: String, name: String },
}

/// The migrated file that every SQLite test copies.
static TEMPLATE: OnceLock<Mutex<Option<PathBuf>>> = OnceLock::new();

/// The statements that copy a migrated schema: a fifth of the time that the migrations take.
static SCRIPT: OnceLock<Mutex<Option<String>>> = OnceLock::new();

impl TestDatabase {
    pub(super) async fn create() -> Self {
        match std::env::var("TEST_DATABASE_URL").ok().filter(|url| !url.is_empty()) {
            Some(server) => Self::schema(server).await,
            None => Self::file().await,
        }
    }

    pub(super) fn db(&self) -> &Db {
        &self.db
    }

    async fn file() -> Self {
        let path = std::env::temp_dir().join(format!("myportal-{}.sqlite", tokens::random_hex(8)));
        ok(std::fs::copy(template().await, &path));
        let db = ok(Db::connect(&format!("sqlite:{}", path.display()), PoolSize { connections: 4 }).await);
        Self { db, kind: Kind::File(path) }
    }

    async fn schema(server: String) -> Self {
        let script = script(&server).await;
        let name = format!("test_{}", tokens::random_hex(8));
        let mut connection = ok(MySqlConnection::connect(&server).await);
        run(&mut connection, create_schema(&name)).await;
        run(&mut connection, format!("USE {name}; {script}")).await;
        ok(connection.close().await);
        let db = ok(Db::connect(&url(&server, &name), PoolSize { connections: 8 }).await);
        Self { db, kind: Kind::Schema { server, name } }
    }

    pub(super) async fn drop(self) {
        self.db.close().await;
        match self.kind {
            Kind::File(path) => {
                for ending in ["", "-wal", "-shm"] {
                    drop(std::fs::remove_file(format!("{}{ending}", path.display())));
                }
            }
            Kind::Schema { server, name } => {
                let mut connection = ok(MySqlConnection::connect(&server).await);
                // What was cut off may hold a lock; a schema more is no harm where all is thrown away.
                let remove = format!("SET lock_wait_timeout = 10; DROP DATABASE {name}");
                drop(connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(remove))).await);
                ok(connection.close().await);
            }
        }
    }
}

async fn template() -> PathBuf {
    let mut slot = TEMPLATE.get_or_init(Mutex::default).lock().await;
    if let Some(path) = slot.as_ref() {
        return path.clone();
    }
    let path = std::env::temp_dir().join(format!("myportal-template-{}.sqlite", tokens::random_hex(8)));
    let db = ok(Db::connect(&format!("sqlite:{}", path.display()), PoolSize { connections: 1 }).await);
    ok(db.migrate().await);
    db.close().await;
    *slot = Some(path.clone());
    path
}

fn create_schema(name: &str) -> String {
    format!("CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
}

fn url(server: &str, schema: &str) -> String {
    format!("{}/{schema}", server.trim_end_matches('/'))
}

/// Several statements in one go.
async fn run(connection: &mut MySqlConnection, statements: String) {
    ok(connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(statements))).await);
}

/// Migrates a schema, for this process only, and reads off how to copy it.
async fn script(server: &str) -> String {
    let mut slot = SCRIPT.get_or_init(Mutex::default).lock().await;
    if let Some(script) = slot.as_ref() {
        return script.clone();
    }
    let name = format!("template_{}", tokens::random_hex(8));
    let mut connection = ok(MySqlConnection::connect(server).await);
    run(&mut connection, create_schema(&name)).await;
    let db = ok(Db::connect(&url(server, &name), PoolSize { connections: 1 }).await);
    ok(db.migrate().await);
    db.close().await;
    let mut script = "SET foreign_key_checks = 0; SET unique_checks = 0;".to_owned();
    let tables = sqlx::query_as("SELECT table_name FROM information_schema.tables WHERE table_schema = ?");
    let tables: Vec<(String,)> = ok(tables.bind(&name).fetch_all(&mut connection).await);
    for (table,) in tables {
        script.push_str(&copy(&mut connection, &name, &table).await);
    }
    ok(connection.close().await);
    slot.insert(script).clone()
}

/// The statements that make one table again, with the rows that the migrations put there.
async fn copy(connection: &mut MySqlConnection, schema: &str, table: &str) -> String {
    let show = sqlx::AssertSqlSafe(format!("SHOW CREATE TABLE {schema}.{table}"));
    let (_, create): (String, String) = ok(sqlx::query_as(show).fetch_one(&mut *connection).await);
    let columns = "SELECT GROUP_CONCAT(CONCAT('`', column_name, '`') SEPARATOR ', ') FROM information_schema.columns \
        WHERE table_schema = ? AND table_name = ? AND COALESCE(generation_expression, '') = ''";
    let columns = sqlx::query_as(columns).bind(schema).bind(table);
    let (columns,): (String,) = ok(columns.fetch_one(&mut *connection).await);
    let any = sqlx::AssertSqlSafe(format!("SELECT EXISTS (SELECT 1 FROM {schema}.{table})"));
    let (has_rows,): (i64,) = ok(sqlx::query_as(any).fetch_one(connection).await);
    if has_rows == 0 {
        return format!("{create};\n");
    }
    format!("{create}; INSERT INTO {table} ({columns}) SELECT {columns} FROM {schema}.{table};\n")
}
