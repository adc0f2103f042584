//! The SQL layer, alike on both engines.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::json;
use shared::audit::{Change, Stamp};
use shared::db::{Db, PoolSize, Value, is_unique_violation, sql, sql_by_engine};
use shared::jobs::Jobs;
use shared::routes::Routes;
use shared::testing::{TestApp, monday};

use crate::begin;

async fn portal() -> TestApp {
    TestApp::new(Routes::area("test", &["/"]), Jobs::none()).await
}

/// A table with a column of every kind.
async fn portal_with_bag() -> TestApp {
    let app = portal().await;
    app.execute(sql_by_engine(
        "CREATE TABLE bag (id INTEGER PRIMARY KEY AUTOINCREMENT, flag BOOLEAN, amount BIGINT, ratio DOUBLE, \
         words MEDIUMTEXT, raw BLOB, moment DATETIME(6), born DATE)",
        "CREATE TABLE bag (id BIGINT PRIMARY KEY AUTO_INCREMENT, flag BOOLEAN, amount BIGINT, ratio DOUBLE, \
         words MEDIUMTEXT, raw LONGBLOB, moment DATETIME(6), born DATE) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin",
    ))
    .await;
    app
}

#[derive(Debug, Clone, Default, PartialEq, sqlx::FromRow)]
struct Bag {
    flag: Option<bool>,
    amount: Option<i64>,
    ratio: Option<f64>,
    words: Option<String>,
    raw: Option<Vec<u8>>,
    moment: Option<DateTime<Utc>>,
    born: Option<NaiveDate>,
}

async fn keep(app: &TestApp, bag: &Bag) -> i64 {
    let mut tx = begin(app).await;
    let id = sql("INSERT INTO bag (flag, amount, ratio, words, raw, moment, born) VALUES (?, ?, ?, ?, ?, ?, ?)")
        .bind(bag.flag)
        .bind(bag.amount)
        .bind(bag.ratio)
        .bind(bag.words.clone())
        .bind(bag.raw.clone())
        .bind(bag.moment)
        .bind(bag.born)
        .insert(&mut tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

fn full() -> Bag {
    Bag {
        flag: Some(true),
        amount: Some(i64::MIN),
        ratio: Some(-0.1),
        words: Some("Zażółć 😀 'quoted' \\ %_ \u{1F469}\u{200D}\u{1F680}\n\ttail  ".to_owned()),
        raw: Some((0..=255).collect()),
        moment: Some(monday() + TimeDelta::microseconds(123_456)),
        born: NaiveDate::from_ymd_opt(2024, 2, 29),
    }
}

#[tokio::test]
async fn every_kind_of_value_comes_back_as_it_went() {
    let app = portal_with_bag().await;
    let long = Bag { words: Some("é".repeat(100_000)), amount: Some(i64::MAX), flag: Some(false), ..full() };
    for bag in [full(), Bag::default(), long] {
        let id = keep(&app, &bag).await;
        let found: Vec<Bag> =
            app.rows(sql("SELECT flag, amount, ratio, words, raw, moment, born FROM bag WHERE id = ?").bind(id)).await;
        assert_eq!(found, [bag]);
    }
    app.finish().await;
}

#[tokio::test]
async fn values_are_found_by_equality_to_the_microsecond() {
    let app = portal_with_bag().await;
    keep(&app, &full()).await;
    let count = |text: &'static str, value: Value| {
        let query = sql(text).bind(value);
        async { app.number(query).await }
    };
    let at = monday() + TimeDelta::microseconds(123_456);
    assert_eq!(count("SELECT COUNT(*) FROM bag WHERE moment = ?", at.into()).await, 1);
    assert_eq!(count("SELECT COUNT(*) FROM bag WHERE moment < ?", at.into()).await, 0);
    let next = at + TimeDelta::microseconds(1);
    assert_eq!(count("SELECT COUNT(*) FROM bag WHERE moment < ?", next.into()).await, 1);
    assert_eq!(count("SELECT COUNT(*) FROM bag WHERE moment > ?", monday().into()).await, 1);
    assert_eq!(count("SELECT COUNT(*) FROM bag WHERE words = ?", full().words.into()).await, 1);
    assert_eq!(
        count("SELECT COUNT(*) FROM bag WHERE words = ?", full().words.map(|w| w.to_lowercase()).into()).await,
        0
    );
    assert_eq!(count("SELECT COUNT(*) FROM bag WHERE flag = ?", true.into()).await, 1);
    assert_eq!(count("SELECT COUNT(*) FROM bag WHERE flag = TRUE AND born = ?", full().born.into()).await, 1);
    assert_eq!(count("SELECT COUNT(*) FROM bag WHERE born < ?", NaiveDate::from_ymd_opt(2024, 3, 1).into()).await, 1);
    app.finish().await;
}

#[tokio::test]
async fn times_sort_as_time_goes() {
    let app = portal_with_bag().await;
    let steps = [0, 1, 10, 500_000, 500_001, 999_999, 1_000_000, 60_000_000];
    for (amount, micros) in steps.iter().enumerate().rev() {
        let moment = Some(monday() + TimeDelta::microseconds(*micros));
        keep(&app, &Bag { moment, amount: i64::try_from(amount).ok(), ..Bag::default() }).await;
    }
    let found: Vec<(i64,)> = app.rows(sql("SELECT amount FROM bag ORDER BY moment LIMIT 100")).await;
    assert_eq!(found.iter().map(|row| row.0).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6, 7]);
    let latest: DateTime<Utc> = sql("SELECT MAX(moment) FROM bag").fetch_value(app.db()).await.unwrap();
    assert_eq!(latest, monday() + TimeDelta::minutes(1));
    app.finish().await;
}

#[tokio::test]
async fn sums_and_counts_are_whole_numbers() {
    let app = portal_with_bag().await;
    assert_eq!(app.number(sql("SELECT CAST(COALESCE(SUM(amount), 0) AS SIGNED) FROM bag")).await, 0);
    for amount in [2, 3] {
        keep(&app, &Bag { amount: Some(amount), ..Bag::default() }).await;
    }
    assert_eq!(app.number(sql("SELECT CAST(COALESCE(SUM(amount), 0) AS SIGNED) FROM bag")).await, 5);
    let capped = sql("SELECT COUNT(*) FROM (SELECT 1 AS one FROM bag LIMIT 1) c");
    assert_eq!(app.number(capped).await, 1);
    app.finish().await;
}

#[tokio::test]
async fn lists_of_any_length_are_padded_and_match_only_their_values() {
    let app = portal_with_bag().await;
    let mut tx = begin(&app).await;
    let mut ids = Vec::new();
    for _ in 0..205 {
        ids.push(sql("INSERT INTO bag (flag) VALUES (?)").bind(true).insert(&mut tx).await.unwrap());
    }
    tx.commit().await.unwrap();
    for length in [0, 1, 2, 9, 10, 11, 50, 51, 199, 200] {
        let query = sql("SELECT COUNT(*) FROM bag WHERE flag = ?").bind(true).push_in(" AND id IN", &ids[..length]);
        let query = query.push(" AND id > ?").bind(0_i64);
        assert_eq!(app.number(query).await, i64::try_from(length).unwrap(), "{length}");
    }
    app.finish().await;
}

#[tokio::test]
async fn values_by_engine_stay_in_their_place() {
    let app = portal_with_bag().await;
    keep(&app, &Bag { amount: Some(1), words: Some("sqlite".to_owned()), ..Bag::default() }).await;
    keep(&app, &Bag { amount: Some(1), words: Some("mysql".to_owned()), ..Bag::default() }).await;
    let part = sql(" AND words = ?").bind_by_engine("sqlite", "mysql").push(" AND amount < ?").bind(2_i64);
    let query = sql("SELECT words FROM bag WHERE amount = ?").bind(1_i64).append(part);
    let query = query.push_if(" AND amount > ?", None::<i64>).push_if(" AND amount > ?", Some(0_i64));
    let found: Vec<(String,)> = app.rows(query.push(" LIMIT 10")).await;
    assert_eq!(found, [(if app.db().is_sqlite() { "sqlite" } else { "mysql" }.to_owned(),)]);
    app.finish().await;
}

#[tokio::test]
async fn unique_violations_are_told_from_other_errors() {
    let app = portal().await;
    let mut tx = begin(&app).await;
    let insert = || {
        sql("INSERT INTO companies (name, name_key, created_at, updated_at) VALUES ('A', 'a', ?, ?)")
            .bind(monday())
            .bind(monday())
    };
    insert().insert(&mut tx).await.unwrap();
    let error = insert().insert(&mut tx).await.unwrap_err();
    assert!(is_unique_violation(&error, "companies_name_key", "companies.name_key"));
    assert!(!is_unique_violation(&error, "companies_syncro", "companies.syncro_company_id"));
    let orphan = sql("INSERT INTO user_preferences (user_id, name, value, updated_at) VALUES (999, 'a', 'b', ?)");
    let error = orphan.bind(monday()).execute(&mut tx).await.unwrap_err();
    assert!(!is_unique_violation(&error, "", ""), "{error}");
    // The transaction goes on after both.
    tx.commit().await.unwrap();
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM companies")).await, 1);
    app.finish().await;
}

#[tokio::test]
async fn a_change_without_an_audit_line_is_refused_and_taken_back() {
    let app = portal().await;
    let change = || sql("UPDATE site_settings SET company_name = 'Changed' WHERE id = 1");
    let mut tx = app.db().begin(Stamp::system(monday())).await.unwrap();
    assert_eq!(change().execute(&mut tx).await.unwrap(), 1);
    assert!(tx.commit().await.is_err());
    let mut tx = begin(&app).await;
    change().execute(&mut tx).await.unwrap();
    drop(tx);
    let changed = || sql("SELECT COUNT(*) FROM site_settings WHERE company_name = 'Changed'");
    assert_eq!(app.number(changed()).await, 0);
    let mut tx = app.db().begin(Stamp::system(monday())).await.unwrap();
    change().execute(&mut tx).await.unwrap();
    let inside: i64 = changed().fetch_value(&mut tx).await.unwrap();
    assert_eq!((inside, app.number(changed()).await), (1, 0), "seen inside, not yet outside");
    tx.audit(Change::new("settings.updated", "settings", 1));
    tx.commit().await.unwrap();
    assert_eq!(app.number(changed()).await, 1);
    app.finish().await;
}

#[tokio::test]
async fn an_update_that_changes_nothing_counts_its_row() {
    let app = portal().await;
    let mut tx = begin(&app).await;
    let same = || sql("UPDATE site_settings SET default_timezone = 'UTC' WHERE id = 1");
    assert_eq!(same().execute(&mut tx).await.unwrap(), 1);
    assert_eq!(same().execute(&mut tx).await.unwrap(), 1);
    tx.commit().await.unwrap();
    app.finish().await;
}

#[tokio::test]
async fn readers_of_sqlite_cannot_write() {
    let app = portal().await;
    if app.db().is_sqlite() {
        let write = sql("UPDATE site_settings SET company_name = 'x' WHERE id = 1");
        assert!(write.fetch_optional::<(i64,)>(app.db()).await.is_err());
    }
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM site_settings WHERE company_name = 'x'")).await, 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_transactions_that_read_and_then_write_all_succeed() {
    let app = Arc::new(portal_with_bag().await);
    let shared_row = keep(&app, &Bag { amount: Some(0), ..Bag::default() }).await;
    let tasks = (0..8).map(|_| {
        let app = Arc::clone(&app);
        tokio::spawn(async move {
            for _ in 0..50 {
                let mut tx = begin(&app).await;
                let read: i64 =
                    sql("SELECT amount FROM bag WHERE id = ?").bind(shared_row).fetch_value(&mut tx).await.unwrap();
                assert!(read >= 0);
                let add = sql("UPDATE bag SET amount = amount + 1 WHERE id = ?").bind(shared_row);
                assert_eq!(add.execute(&mut tx).await.unwrap(), 1);
                sql("INSERT INTO bag (amount) VALUES (?)").bind(read).insert(&mut tx).await.unwrap();
                tx.commit().await.unwrap();
            }
        })
    });
    for task in futures_util::future::join_all(tasks).await {
        task.unwrap();
    }
    assert_eq!(app.number(sql("SELECT amount FROM bag WHERE id = ?").bind(shared_row)).await, 400);
    assert_eq!(app.number(sql("SELECT COUNT(*) FROM bag")).await, 401);
    Arc::into_inner(app).unwrap().finish().await;
}

/// Six processes that start at once on an empty database.
async fn migrate_together(url: &str) {
    let tasks = (0..6).map(|_| {
        let url = url.to_owned();
        tokio::spawn(async move {
            let db = Db::connect(&url, PoolSize { connections: 2 }).await.unwrap();
            db.migrate().await.unwrap();
            assert!(db.is_migrated().await);
            db.close().await;
        })
    });
    for task in futures_util::future::join_all(tasks).await {
        task.unwrap();
    }
    let db = Db::connect(url, PoolSize { connections: 2 }).await.unwrap();
    let steps: i64 = sql("SELECT COUNT(*) FROM _sqlx_migrations WHERE success = TRUE").fetch_value(&db).await.unwrap();
    let settings: i64 = sql("SELECT COUNT(*) FROM site_settings").fetch_value(&db).await.unwrap();
    assert!(steps > 50 && settings == 1, "{steps} {settings}");
    db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_that_start_at_once_migrate_once() {
    use sqlx::{Connection as _, Executor as _};
    let name = format!("test_{}", shared::tokens::random_hex(8));
    let Ok(server) = std::env::var("TEST_DATABASE_URL") else {
        let path = std::env::temp_dir().join(format!("{name}.sqlite"));
        migrate_together(&format!("sqlite:{}", path.display())).await;
        return std::fs::remove_file(path).unwrap();
    };
    let mut connection = sqlx::MySqlConnection::connect(&server).await.unwrap();
    let create = format!("CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
    connection.execute(sqlx::AssertSqlSafe(create)).await.unwrap();
    migrate_together(&format!("{}/{name}", server.trim_end_matches('/'))).await;
    connection.execute(sqlx::AssertSqlSafe(format!("DROP DATABASE {name}"))).await.unwrap();
    connection.close().await.unwrap();
}

#[derive(Debug, sqlx::FromRow)]
struct Line {
    created_at: DateTime<Utc>,
    user_id: Option<i64>,
    user_email: Option<String>,
    company_id: Option<i64>,
    action: String,
    entity_type: Option<String>,
    entity_id: Option<i64>,
    entity_label: Option<String>,
    previous_value: Option<String>,
    new_value: Option<String>,
    metadata: Option<String>,
    api_key: Option<String>,
    ip_address: Option<String>,
    request_id: Option<String>,
}

async fn lines(app: &TestApp) -> Vec<Line> {
    app.rows(sql("SELECT created_at, user_id, user_email, company_id, action, entity_type, entity_id, entity_label, \
         previous_value, new_value, metadata, api_key, ip_address, request_id FROM audit_logs ORDER BY id LIMIT 10"))
        .await
}

#[tokio::test]
async fn the_trail_names_who_did_what_and_masks_secrets() {
    let app = portal().await;
    let stamp = Stamp {
        user_id: Some(7),
        user_email: Some("ann@example.com".to_owned()),
        company_id: Some(3),
        ip_address: Some("2001:db8::1".to_owned()),
        request_id: Some("abc".to_owned()),
        ..Stamp::system(monday())
    };
    let mut tx = app.db().begin(stamp).await.unwrap();
    let before = json!({"name": "Old", "phone": "1", "password": "a"});
    let after = json!({"name": "New", "phone": "1", "password": "b"});
    tx.audit(
        Change::new("company.updated", "company", 5).label("L".repeat(300)).changed(before, after).meta("token", "x"),
    );
    tx.audit(Change::new("company.archived", "company", 6).company(Some(6)).by(8, "ben@example.com"));
    tx.commit().await.unwrap();
    let [first, second] = &lines(&app).await[..] else { panic!("two lines expected") };
    assert_eq!((first.created_at, first.action.as_str()), (monday(), "company.updated"));
    assert_eq!((first.user_id, first.user_email.as_deref()), (Some(7), Some("ann@example.com")));
    assert_eq!((first.entity_type.as_deref(), first.entity_id), (Some("company"), Some(5)));
    assert_eq!((first.company_id, second.company_id), (Some(3), Some(6)));
    assert_eq!(first.entity_label.as_ref().map(|l| l.chars().count()), Some(255));
    assert_eq!(first.previous_value.as_deref(), Some(r#"{"name":"Old","password":"[redacted]"}"#));
    assert_eq!(first.new_value.as_deref(), Some(r#"{"name":"New","password":"[redacted]"}"#));
    assert_eq!(first.metadata.as_deref(), Some(r#"{"token":"[redacted]"}"#));
    assert_eq!((first.ip_address.as_deref(), first.request_id.as_deref()), (Some("2001:db8::1"), Some("abc")));
    assert_eq!((second.user_id, second.api_key.as_deref()), (Some(8), None));
    app.finish().await;
}

#[tokio::test]
async fn values_too_long_for_the_trail_are_cut_honestly() {
    let app = portal().await;
    app.note(Change::new("thing.created", "thing", 1).after(json!({"text": "x".repeat(70_000)}))).await;
    assert_eq!(lines(&app).await[0].new_value.as_deref(), Some(r#"{"_cut":"longer than 64 KiB"}"#));
    app.finish().await;
}

/// What a browser that goes away does to the queries of its request.
#[tokio::test]
async fn a_query_that_is_cut_off_costs_no_connection() {
    let app = portal().await;
    for round in 0..60_u32 {
        // Another text each time: the danger is while a statement is new to its connection.
        let query = sql("SELECT COUNT(*) FROM jobs WHERE id = 0");
        let mut read = Box::pin((0..round).fold(query, |q, _| q.push(" OR id = 1")).fetch_value::<i64>(app.db()));
        for _ in 0..=round % 8 {
            tokio::select! {
                biased;
                _ = &mut read => break,
                () = tokio::time::sleep(Duration::from_micros(100)) => {}
            }
        }
        drop(read);
    }
    let all = (0..8).map(|_| app.number(sql("SELECT COUNT(*) FROM jobs WHERE id = 0")));
    let answers = tokio::time::timeout(Duration::from_secs(4), futures_util::future::join_all(all)).await;
    assert_eq!(answers.unwrap_or_default(), [0; 8]);
    let begun = Instant::now();
    app.db().close().await;
    assert!(begun.elapsed() < Duration::from_secs(4), "a connection did not come back");
    app.finish_broken().await;
}
