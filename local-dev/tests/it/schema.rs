//! The schema is the same on both engines. Needs `TEST_DATABASE_URL`; without it there is nothing to compare.

use std::collections::{BTreeMap, BTreeSet};

use shared::db::{Db, PoolSize};
use shared::tokens::random_hex;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, MySqlConnection, SqliteConnection};

#[derive(Debug, Default, PartialEq, Eq)]
struct Table {
    /// Type and whether it may be null.
    columns: BTreeMap<String, (String, bool)>,
    /// Columns of each, `*` in front of the first where they are unique.
    indexes: BTreeSet<String>,
    /// Column, table, rule on delete.
    foreign_keys: BTreeSet<String>,
}

type Schema = BTreeMap<String, Table>;

/// One spelling for what the engines call differently.
fn kind(text: &str) -> String {
    match text.to_lowercase().as_str() {
        "boolean" => "tinyint(1)".to_owned(),
        "integer" | "bigint(20)" => "bigint".to_owned(),
        other => other.to_owned(),
    }
}

/// Full-text search is the one part that forks.
fn is_ours(table: &str) -> bool {
    !table.starts_with("sqlite_") && table != "_sqlx_migrations" && !table.contains("_search")
}

async fn sqlite() -> Schema {
    let path = std::env::temp_dir().join(format!("myportal-schema-{}.sqlite", random_hex(6)));
    let url = format!("sqlite:{}", path.display());
    let db = Db::connect(&url, PoolSize { connections: 1 }).await.unwrap();
    db.migrate().await.unwrap();
    db.close().await;
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    let tables: Vec<(String,)> =
        sqlx::query_as("SELECT name FROM sqlite_master WHERE type = 'table'").fetch_all(&mut connection).await.unwrap();
    let mut schema = Schema::new();
    for (name,) in tables.into_iter().filter(|(name,)| is_ours(name)) {
        schema.insert(name.clone(), sqlite_table(&mut connection, &name).await);
    }
    connection.close().await.unwrap();
    std::fs::remove_file(path).unwrap();
    schema
}

async fn sqlite_table(connection: &mut SqliteConnection, name: &str) -> Table {
    let mut table = Table::default();
    let columns: Vec<(String, String, bool, i64)> =
        // The long form of the pragma names generated columns too.
        rows(connection, format!("SELECT name, type, \"notnull\", pk FROM pragma_table_xinfo('{name}') ORDER BY cid"))
            .await;
    let mut key: Vec<(i64, String)> = Vec::new();
    for (column, kind_of, is_required, pk) in columns {
        if pk > 0 {
            key.push((pk, column.clone()));
        }
        table.columns.insert(column, (kind(&kind_of), !is_required && pk == 0));
    }
    key.sort();
    let key: Vec<String> = key.into_iter().map(|(_, column)| column).collect();
    table.indexes.insert(format!("*{}", key.join(",")));
    let indexes: Vec<(String, bool)> =
        rows(connection, format!("SELECT name, \"unique\" FROM pragma_index_list('{name}')")).await;
    for (index, is_unique) in indexes {
        let columns: Vec<(String,)> =
            rows(connection, format!("SELECT name FROM pragma_index_info('{index}') ORDER BY seqno")).await;
        let columns: Vec<String> = columns.into_iter().map(|(column,)| column).collect();
        table.indexes.insert(format!("{}{}", if is_unique { "*" } else { "" }, columns.join(",")));
    }
    let keys: Vec<(String, String, String)> =
        rows(connection, format!("SELECT \"from\", \"table\", on_delete FROM pragma_foreign_key_list('{name}')")).await;
    table.foreign_keys.extend(keys.into_iter().map(|(from, to, rule)| format!("{from} -> {to} {rule}")));
    table
}

async fn rows<T>(connection: &mut SqliteConnection, query: String) -> Vec<T>
where
    T: for<'r> sqlx::FromRow<'r, sqlx::sqlite::SqliteRow> + Send + Unpin,
{
    sqlx::query_as(AssertSqlSafe(query)).fetch_all(connection).await.unwrap()
}

async fn mysql(server: &str) -> Schema {
    let name = format!("test_{}", random_hex(8));
    let mut connection = MySqlConnection::connect(server).await.unwrap();
    let create = format!("CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
    connection.execute(AssertSqlSafe(create)).await.unwrap();
    let url = format!("{}/{name}", server.trim_end_matches('/'));
    let db = Db::connect(&url, PoolSize { connections: 2 }).await.unwrap();
    db.migrate().await.unwrap();
    db.close().await;
    let schema = mysql_schema(&mut connection, &name).await;
    connection.execute(AssertSqlSafe(format!("DROP DATABASE {name}"))).await.unwrap();
    connection.close().await.unwrap();
    schema
}

async fn mysql_schema(connection: &mut MySqlConnection, name: &str) -> Schema {
    let mut schema = Schema::new();
    let columns: Vec<(String, String, String, String)> = sqlx::query_as(
        "SELECT table_name, column_name, CAST(column_type AS CHAR), CAST(is_nullable AS CHAR) \
         FROM information_schema.columns WHERE table_schema = ?",
    )
    .bind(name)
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    for (table, column, kind_of, is_nullable) in columns.into_iter().filter(|(table, ..)| is_ours(table)) {
        schema.entry(table).or_default().columns.insert(column, (kind(&kind_of), is_nullable == "YES"));
    }
    let indexes: Vec<(String, String, i64, String)> = sqlx::query_as(
        "SELECT table_name, index_name, CAST(non_unique AS SIGNED), GROUP_CONCAT(column_name ORDER BY seq_in_index) \
         FROM information_schema.statistics WHERE table_schema = ? AND index_type <> 'FULLTEXT' \
         GROUP BY table_name, index_name, non_unique",
    )
    .bind(name)
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    for (table, _, non_unique, columns) in indexes.into_iter().filter(|(table, ..)| is_ours(table)) {
        let mark = if non_unique == 0 { "*" } else { "" };
        schema.entry(table).or_default().indexes.insert(format!("{mark}{columns}"));
    }
    let keys: Vec<(String, String, String, String)> = sqlx::query_as(
        "SELECT k.table_name, k.column_name, k.referenced_table_name, CAST(r.delete_rule AS CHAR) \
         FROM information_schema.key_column_usage k JOIN information_schema.referential_constraints r \
         ON r.constraint_schema = k.constraint_schema AND r.constraint_name = k.constraint_name \
         WHERE k.table_schema = ? AND k.referenced_table_name IS NOT NULL",
    )
    .bind(name)
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    for (table, column, to, rule) in keys {
        schema.entry(table).or_default().foreign_keys.insert(format!("{column} -> {to} {rule}"));
    }
    schema
}

#[tokio::test]
async fn both_engines_have_one_schema() {
    let Ok(server) = std::env::var("TEST_DATABASE_URL") else {
        println!("no TEST_DATABASE_URL: nothing to compare");
        return;
    };
    let (sqlite, mysql) = (sqlite().await, mysql(&server).await);
    let names = |schema: &Schema| schema.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&sqlite), names(&mysql));
    for (name, table) in &sqlite {
        assert_eq!(table.columns, mysql[name].columns, "columns of {name}");
        assert_eq!(table.indexes, mysql[name].indexes, "indexes of {name}");
        assert_eq!(table.foreign_keys, mysql[name].foreign_keys, "foreign keys of {name}");
    }
}
