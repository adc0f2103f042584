//! A throw-away database for each test: a copied SQLite file, or a schema of its own on the server that
//! `TEST_DATABASE_URL` names.

use std::path::PathBuf;
use std::sync::OnceLock;

use sqlx::{Connection as _, Executor as _};
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
        let name = format!("test_{}", tokens::random_hex(8));
        let mut connection = ok(sqlx::MySqlConnection::connect(&server).await);
        let create = format!("CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
        ok(connection.execute(sqlx::AssertSqlSafe(create)).await);
        ok(connection.close().await);
        let url = format!("{}/{name}", server.trim_end_matches('/'));
        let db = ok(Db::connect(&url, PoolSize { connections: 8 }).await);
        ok(db.migrate().await);
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
                let mut connection = ok(sqlx::MySqlConnection::connect(&server).await);
                ok(connection.execute(sqlx::AssertSqlSafe(format!("DROP DATABASE {name}"))).await);
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
