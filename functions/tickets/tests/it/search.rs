//! Searching, with words that are rare and words that are everywhere (tickets 4.2).

use http::Method;
use serde_json::json;
use shared::db::sql;
use shared::testing::{Actor, Reply};

use crate::help::{Desk, desk, ids, note, put, raise, say};

async fn found(who: &Actor, query: &str) -> Reply {
    who.api(Method::GET, &format!("/api/tickets?{query}")).await.is(200)
}

fn is_capped(reply: &Reply) -> bool {
    reply.header("x-total-count-capped") == "true"
}

/// 4,096 tickets by doubling; every second one says `common`, the very first `needle`.
async fn crowd(desk: &Desk) -> i64 {
    let first = desk.ticket(&desk.ana, "First").await;
    for n in 0..12 {
        let double = sql("INSERT INTO tickets (subject, status, requester_id, search_text, created_at, updated_at) \
             SELECT subject, 'open', requester_id, '', created_at, updated_at FROM tickets LIMIT 5000");
        desk.app.execute(double).await;
        assert!(n < 12);
    }
    let texts = sql("INSERT INTO ticket_texts (id, public_text, internal_text) SELECT t.id, \
         CASE WHEN t.id % 2 = 0 THEN ' common words' ELSE ' other words' END, ' secret' FROM tickets t WHERE t.id <> ?");
    desk.app.execute(texts.bind(first)).await;
    desk.app.execute(sql("UPDATE ticket_texts SET public_text = ' needle' WHERE id = ?").bind(first)).await;
    first
}

#[tokio::test]
async fn rare_words_are_found_anywhere_and_common_ones_at_once() {
    let desk = desk().await;
    let first = crowd(&desk).await;
    let before = desk.app.db().statements();
    let reply = found(&desk.tom, "search=needle&limit=10").await;
    assert!(desk.app.db().statements() - before <= 8);
    assert_eq!((ids(&reply.value()), reply.value()["total"].clone()), (vec![first], json!(1)));
    assert!(!is_capped(&reply), "all there is was found");
    let reply = found(&desk.tom, "search=common&limit=500").await;
    let list = reply.value();
    assert!(is_capped(&reply), "more than the first of the list were not looked at");
    assert_eq!(ids(&list).len(), 500);
    assert!(list["total"].as_i64().unwrap() >= 1000, "{}", list["total"]);
    assert!(ids(&list).iter().all(|id| id % 2 == 0) && ids(&list).is_sorted_by(|a, b| a > b));
    let reply = found(&desk.tom, "search=words%20common&limit=5&offset=100").await;
    assert_eq!(ids(&reply.value()), ids(&list)[100..105]);
    assert!(ids(&found(&desk.tom, "search=common%20needle").await.value()).is_empty());
    // Too short for an index: looked for among the first of the list.
    assert!(!ids(&found(&desk.tom, "search=co&limit=3").await.value()).is_empty());
    let page = desk.tom.get("/tickets?q=common").await.is(200);
    let _ = page.shows("+</span> tickets");
    desk.finish().await;
}

#[tokio::test]
async fn a_narrow_list_is_searched_whole_however_common_the_words() {
    let desk = desk().await;
    crowd(&desk).await;
    let pend = sql("UPDATE tickets SET status = 'pending' WHERE id % 100 = 0");
    desk.app.execute(pend).await;
    let pending = desk.app.number(sql("SELECT COUNT(*) FROM tickets WHERE status = 'pending'")).await;
    for query in ["status=pending&search=common", "status=pending&status=resolved&search=common"] {
        let reply = found(&desk.tom, query).await;
        assert_eq!(reply.value()["total"], pending, "{query}");
        assert!(!is_capped(&reply));
    }
    let company = format!("company_id={}&search=common", desk.kestrel.id);
    assert_eq!(found(&desk.tom, &company).await.value()["total"], 0);
    desk.finish().await;
}

#[tokio::test]
async fn words_of_subject_and_replies_are_found_together_and_notes_by_the_desk_only() {
    let desk = desk().await;
    let body = json!({ "subject": "Drucker klemmt", "description": "Raum 4", "external_reference": "SYN-88121" });
    let id = raise(&desk.tom, body).await;
    let own = desk.ticket(&desk.ana, "Scanner").await;
    say(&desk.ana, own, "Été au café").await;
    note(&desk.tom, own, "Known fault of batch 77").await;
    let total = async |who: &Actor, words: &str| found(who, &format!("search={words}")).await.value()["total"].clone();
    for (words, count) in [("drucker%20raum", 1), ("syn%2088121", 1), ("klem", 1), ("lemmt", 0), ("%21%21", 0)] {
        assert_eq!(total(&desk.tom, words).await, count, "{words}");
    }
    for (words, desk_count, own_count) in
        [("scanner%20cafe", 1, 1), ("ete", 1, 1), ("fault", 1, 0), ("scanner%20batch", 1, 0)]
    {
        assert_eq!(total(&desk.tom, words).await, desk_count, "{words}");
        assert_eq!(total(&desk.ana, words).await, own_count, "{words}");
    }
    put(&desk.tom, id, json!({ "subject": "Plotter", "status": "pending" })).await.is(200);
    assert_eq!(total(&desk.tom, "drucker").await, 0);
    assert_eq!(total(&desk.tom, "plotter%20raum").await, 1);
    assert_eq!(ids(&found(&desk.tom, &format!("search=%23{id}")).await.value()), [id]);
    assert_eq!(total(&desk.ana, &format!("%23{id}")).await, 0);
    desk.finish().await;
}
