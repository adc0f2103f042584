//! Several processes start on one empty database at once: all of them come up, every step ran once.

use std::process::Stdio;

use shared::db::{Db, PoolSize, sql};
use shared::tokens::random_hex;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, MySqlConnection};
use tokio::process::Command;

const PROCESSES: usize = 6;

async fn start_together(url: &str) {
    let folder = std::env::temp_dir().join(format!("myportal-start-{}", random_hex(6)));
    let running: Vec<_> = (0..PROCESSES)
        .map(|_| {
            Command::new(env!("CARGO_BIN_EXE_myportal"))
                .arg("migrate")
                .env("DATABASE_URL", url)
                .env("DATA_DIR", &folder)
                .env("LOG", "warn")
                .current_dir(std::env::temp_dir())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for process in running {
        let output = process.wait_with_output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let db = Db::connect(url, PoolSize { connections: 2 }).await.unwrap();
    assert!(db.is_migrated().await);
    // The steps that write rows show best whether one ran twice.
    assert_eq!(sql("SELECT COUNT(*) FROM roles").fetch_value::<i64>(&db).await.unwrap(), 4);
    assert_eq!(sql("SELECT COUNT(*) FROM site_settings").fetch_value::<i64>(&db).await.unwrap(), 1);
    db.close().await;
    drop(std::fs::remove_dir_all(folder));
}

#[tokio::test]
async fn on_sqlite() {
    let path = std::env::temp_dir().join(format!("myportal-start-{}.sqlite", random_hex(6)));
    start_together(&format!("sqlite:{}", path.display())).await;
    drop(std::fs::remove_file(path));
}

#[tokio::test]
async fn on_mysql() {
    let Ok(server) = std::env::var("TEST_DATABASE_URL") else {
        println!("no TEST_DATABASE_URL: not tried");
        return;
    };
    let name = format!("test_{}", random_hex(8));
    let mut connection = MySqlConnection::connect(&server).await.unwrap();
    connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    start_together(&format!("{}/{name}", server.trim_end_matches('/'))).await;
    connection.execute(AssertSqlSafe(format!("DROP DATABASE {name}"))).await.unwrap();
    connection.close().await.unwrap();
}
