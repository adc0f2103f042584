//! Which tickets a run fetches.

use serde_json::json;
use shared::db::sql;

use super::{bench, figures, ticket};

#[tokio::test]
async fn ranges_ask_for_each_id_and_missing_ones_are_skipped() {
    let bench = bench().await;
    bench.account().tickets = vec![ticket(10)];
    let (reply, ()) = tokio::join!(bench.post(json!({ "mode": "range", "start_id": 10, "endId": 11 })), async {
        while bench.app.run_jobs().await.succeeded == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    let run = reply.is(202).value();
    assert_eq!((figures(&run), run["status"].as_str()), ([1, 1, 0, 1, 0], Some("succeeded")));
    assert_eq!(run["mode"], "range");
    bench.finish().await;
}

#[tokio::test]
async fn numbers_are_found_exactly() {
    let bench = bench().await;
    bench.account().tickets = vec![ticket(11), ticket(101)];
    bench.account().tickets[0]["number"] = json!(21011);
    bench.account().tickets[1]["number"] = json!(1011);
    let run = bench.import(&[("mode", "single"), ("ticket_id", "1011"), ("lookup", "number")]).await;
    assert_eq!(figures(&run), [1, 1, 0, 0, 0]);
    assert_eq!(bench.app.number(sql("SELECT COUNT(*) FROM tickets WHERE external_reference = '101'")).await, 1);
    let run = bench.import(&[("mode", "single"), ("ticket_id", "5"), ("lookup", "number")]).await;
    assert_eq!(figures(&run), [0, 0, 0, 1, 0]);
    bench.finish().await;
}

#[tokio::test]
async fn all_pages_are_read_once_and_the_first_once_more() {
    let bench = bench().await;
    bench.account().tickets = (1..=61).map(ticket).collect();
    let run = bench.import(&[("mode", "all")]).await;
    assert_eq!((figures(&run), run["total_pages"].as_i64()), ([61, 61, 0, 0, 0], Some(3)));
    let pages: Vec<String> = bench.account().calls.iter().filter(|call| call.contains("page=")).cloned().collect();
    let wanted = [1, 2, 3, 1].map(|page| format!("/api/v1/tickets?page={page}&per_page=25"));
    assert_eq!(pages, wanted);
    bench.finish().await;
}
