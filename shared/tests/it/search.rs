//! Finding words: the same rows on every engine.

use shared::db::sql;
use shared::jobs::Jobs;
use shared::routes::Routes;
use shared::search::{Index, condition, fold, like_condition};
use shared::testing::{TestApp, monday};

use crate::begin;

const TICKETS: Index = Index {
    sqlite: " AND t.id IN (SELECT rowid FROM tickets_search WHERE tickets_search MATCH ?)",
    mysql: " AND MATCH (t.search_text) AGAINST (? IN BOOLEAN MODE)",
    like: " AND CONCAT(' ', t.search_text) LIKE ? ESCAPE '!'",
};

const TEXTS: [&str; 12] = [
    "Printer on floor 2 prints nothing",
    "Été à l'École: café closed",
    "The VPN is down with error 0x80072",
    "C++ and C# licences, 50% off_all!",
    "Where will the printers go?",
    "Straße gesperrt, Größe XL, İstanbul",
    "undefined is not a function",
    "e-mail from o'neil@example.com bounced",
    "Ticket #10432 re-opened (again)",
    "🚀 launch of the new 東京 office Ωmega",
    "Whether the withdrawal was wanted",
    "Supercalifragilistic",
];

async fn portal() -> (TestApp, Vec<i64>) {
    let app = TestApp::new(Routes::area("test", &["/"]), Jobs::none()).await;
    let mut ids = Vec::new();
    let mut tx = begin(&app).await;
    let long = format!("x{}", "y".repeat(120));
    for text in TEXTS.into_iter().chain([long.as_str()]) {
        let insert = sql("INSERT INTO tickets (subject, search_text, created_at, updated_at) VALUES (?, ?, ?, ?)");
        let insert = insert.bind(text).bind(fold(text)).bind(monday()).bind(monday());
        ids.push(insert.insert(&mut tx).await.unwrap());
    }
    tx.commit().await.unwrap();
    (app, ids)
}

/// Numbers of the texts found, from 0.
async fn find(app: &TestApp, ids: &[i64], query: &str) -> Vec<usize> {
    let statement = |part| sql("SELECT t.id FROM tickets t WHERE 1 = 1").append(part).push(" ORDER BY t.id LIMIT 100");
    let found: Vec<(i64,)> = app.rows(statement(condition(&TICKETS, query))).await;
    let by_like: Vec<(i64,)> = app.rows(statement(like_condition(TICKETS.like, query))).await;
    assert_eq!(found, by_like, "the index and LIKE differ for {query:?}");
    found.iter().map(|(id,)| ids.iter().position(|known| known == id).unwrap()).collect()
}

#[tokio::test]
async fn the_same_rows_are_found_on_every_engine() {
    let (app, ids) = portal().await;
    let longest = format!("x{}", "y".repeat(120));
    for (query, expected) in [
        ("printer", &[0, 4][..]),
        ("PRINTERS", &[4]),
        ("printer floor", &[0]),
        ("floor printer nothing", &[0]),
        ("printer vpn", &[]),
        ("inter", &[]),
        ("ete", &[1]),
        ("École été", &[1]),
        ("cafe", &[1]),
        ("strasse", &[]),
        ("straße", &[5]),
        ("grosse", &[]),
        ("größe xl", &[5]),
        ("istanbul", &[5]),
        ("2", &[0]),
        ("on", &[0]),
        ("is", &[2, 5, 6]),
        ("the", &[2, 4, 9, 10]),
        ("the printers", &[4]),
        ("whe", &[4, 10]),
        ("wheth", &[10]),
        ("wit", &[2, 10]),
        ("withd", &[10]),
        ("wil", &[4]),
        ("undefined", &[6]),
        ("undef", &[6]),
        ("0x8", &[2]),
        ("c++", &[1, 3, 7]),
        ("50%", &[3]),
        ("off_all", &[3]),
        ("%", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
        ("", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
        ("+printer -floor", &[0]),
        ("\"printer", &[0, 4]),
        ("printer*", &[0, 4]),
        ("(printer", &[0, 4]),
        ("~printer <floor> @2", &[0]),
        ("o'neil", &[7]),
        ("neil@example.com", &[7]),
        ("e-mail", &[7]),
        ("#10432", &[8]),
        ("104", &[8]),
        ("re-opened again", &[8]),
        ("東京", &[9]),
        ("東", &[9]),
        ("ωmega", &[9]),
        ("🚀", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
        ("NEAR(printer floor)", &[]),
        ("printer OR vpn", &[]),
        ("printer AND floor", &[]),
        ("supercali", &[11]),
        (longest.as_str(), &[12]),
    ] {
        assert_eq!(find(&app, &ids, query).await, expected, "{query:?}");
    }
    app.finish().await;
}

#[tokio::test]
async fn the_index_follows_changes() {
    let (app, ids) = portal().await;
    app.execute(sql("UPDATE tickets SET search_text = ? WHERE id = ?").bind(fold("Scanner broken")).bind(ids[0])).await;
    app.execute(sql("UPDATE tickets SET status = 'closed' WHERE id = ?").bind(ids[1])).await;
    app.execute(sql("DELETE FROM tickets WHERE id = ?").bind(ids[4])).await;
    assert_eq!(find(&app, &ids, "printer").await, Vec::<usize>::new());
    assert_eq!(find(&app, &ids, "scanner").await, [0]);
    assert_eq!(find(&app, &ids, "cafe").await, [1]);
    app.finish().await;
}

#[tokio::test]
async fn a_query_of_many_words_uses_the_first_eight() {
    let (app, ids) = portal().await;
    let query = format!("printer on floor 2 prints nothing {}", "printer ".repeat(50));
    assert_eq!(find(&app, &ids, &query).await, [0]);
    app.finish().await;
}
