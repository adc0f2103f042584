//! `/events/stream` of a running server: a reply is told within a second, to those who may see it and as long as
//! they may, and stopping the server does not wait for pages that are open.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use http::Method;
use serde_json::{Value, json};
use shared::audit::Stamp;
use shared::db::{Db, PoolSize, Sql, sql};

use crate::process::{Client, Scratch, Server, database, drop_database, free_port};

/// A server with a technician and a requester who has raised a ticket.
struct House {
    server: Server,
    db: Db,
    url: String,
    _folder: Scratch,
    tom: Client,
    ana: Client,
    ticket: i64,
}

async fn house() -> House {
    let folder = Scratch::new("live");
    let url = database(&folder.0).await;
    let settings = BTreeMap::from([
        ("DATA_DIR", folder.0.display().to_string()),
        ("DATABASE_URL", url.clone()),
        ("LISTEN", format!("127.0.0.1:{}", free_port())),
        ("TRUSTED_PROXIES", "127.0.0.1/32".to_owned()),
        ("REQUIRE_EMAIL_VERIFICATION", "false".to_owned()),
    ]);
    let server = Server::start(&settings).await;
    let db = Db::connect(&url, PoolSize { connections: 2 }).await.unwrap();
    let mut tom = register(&server, "tom", "10.0.0.1").await;
    let mut ana = register(&server, "ana", "10.0.0.2").await;
    let raised = json!({ "subject": "Printer jams" });
    let (status, ticket) = ana.send(Method::POST, "/api/tickets", &raised, None).await.unwrap();
    assert_eq!(status, 201, "{ticket}");
    let ticket = ticket["id"].as_i64().unwrap();
    // The first person is super administrator, and so works at the desk.
    let (status, _) = tom.send(Method::GET, &format!("/api/tickets/{ticket}"), &Value::Null, None).await.unwrap();
    assert_eq!(status, 200);
    House { server, db, url, _folder: folder, tom, ana, ticket }
}

async fn register(server: &Server, name: &str, address: &str) -> Client {
    let mut client = Client::new(&server.base, address);
    let form = json!({"email": format!("{name}@example.com"), "password": "correct horse battery",
        "first_name": name, "last_name": "Example", "company_name": "Northstar"});
    let answer = client.send(Method::POST, "/auth/register", &form, None).await;
    assert!(matches!(answer, Some((201, _))), "{answer:?}");
    client
}

impl House {
    async fn execute(&self, query: Sql) {
        let mut tx = self.db.begin(Stamp::system(shared::clock::Clock::Machine.now())).await.unwrap();
        tx.housekeeping();
        query.execute(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn reply(&mut self, body: Value) {
        let path = format!("/api/tickets/{}/replies", self.ticket);
        let answer = self.tom.send(Method::POST, &path, &body, None).await;
        assert!(matches!(answer, Some((201, _))), "{answer:?}");
    }

    async fn listen(&self, who: &Client) -> Stream {
        let path = format!("/events/stream?topic=ticket-{}", self.ticket);
        Stream::open(who, &path).await.unwrap_or_else(|status| panic!("{status}"))
    }

    async fn end(self) {
        assert_eq!(self.server.stop().await, Some(0));
        self.db.close().await;
        drop_database(&self.url).await;
    }
}

/// An open page.
struct Stream {
    body: std::pin::Pin<Box<dyn futures_util::Stream<Item = reqwest::Result<bytes::Bytes>> + Send>>,
    text: String,
}

impl Stream {
    /// Status where there is no stream.
    async fn open(who: &Client, path: &str) -> Result<Self, u16> {
        let response = who.raw(path).await;
        if response.status() != 200 {
            return Err(response.status().as_u16());
        }
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Ok(Self { body: response.bytes_stream().boxed(), text: String::new() })
    }

    /// Waits for words; gives how long it took, or nothing when they did not come.
    async fn hears(&mut self, words: &str, patience: Duration) -> Option<Duration> {
        let began = Instant::now();
        while !self.text.contains(words) {
            let left = patience.checked_sub(began.elapsed())?;
            let piece = tokio::time::timeout(left, self.body.next()).await.ok()??.ok()?;
            self.text.push_str(&String::from_utf8_lossy(&piece));
        }
        Some(began.elapsed())
    }

    /// Waits for the end.
    async fn ends(&mut self, patience: Duration) -> bool {
        let end = async { while let Some(Ok(_)) = self.body.next().await {} };
        tokio::time::timeout(patience, end).await.is_ok()
    }
}

const SOON: Duration = Duration::from_secs(6);

#[tokio::test]
async fn a_reply_is_told_within_a_second_and_a_note_to_the_desk_only() {
    let mut house = house().await;
    let (mut ana, mut tom) = (house.listen(&house.ana).await, house.listen(&house.tom).await);
    ana.hears(":", SOON).await.unwrap();
    tom.hears(":", SOON).await.unwrap();
    house.reply(json!({ "body": "Only for us", "is_internal": true })).await;
    let news = format!("\"id\":{}", house.ticket);
    tom.hears(&news, SOON).await.unwrap();
    assert!(
        ana.hears("data:", Duration::from_secs(3)).await.is_none(),
        "a note is nothing to a requester: {}",
        ana.text
    );
    let began = Instant::now();
    house.reply(json!({ "body": "Is it plugged in?" })).await;
    ana.hears(&news, SOON).await.unwrap();
    let took = began.elapsed();
    println!("told after {took:?}");
    assert!(took < Duration::from_secs(3), "{took:?}");
    assert!(!ana.text.contains("plugged"), "events carry no content");
    house.end().await;
}

#[tokio::test]
async fn a_stream_ends_with_the_session_and_with_the_right() {
    let mut house = house().await;
    let mut tom = house.listen(&house.tom).await;
    let mut ana = house.listen(&house.ana).await;
    ana.hears(":", SOON).await.unwrap();
    let out = house.ana.send(Method::POST, "/auth/logout", &json!({}), None).await;
    assert!(matches!(out, Some((200..=204, _))), "{out:?}");
    ana.hears("event: end", SOON).await.unwrap();
    assert!(ana.ends(SOON).await);
    tom.hears(":", SOON).await.unwrap();
    let demote = sql("UPDATE users SET is_super_admin = FALSE WHERE email = 'tom@example.com'");
    house.execute(demote).await;
    tom.hears("event: end", SOON).await.unwrap();
    assert!(tom.ends(SOON).await);
    house.end().await;
}

#[tokio::test]
async fn only_ones_own_tickets_only_so_many_streams_and_none_for_strangers() {
    let house = house().await;
    let path = format!("/events/stream?topic=ticket-{}", house.ticket);
    let stranger = register(&house.server, "kim", "10.0.0.3").await;
    assert_eq!(Stream::open(&stranger, &path).await.err(), Some(204), "what one may not see is not there");
    assert_eq!(Stream::open(&stranger, "/events/stream").await.err(), Some(204));
    let nobody = Client::new(&house.server.base, "10.0.0.4");
    assert_eq!(Stream::open(&nobody, &path).await.err(), Some(303));
    let mut open = Vec::new();
    for _ in 0..6 {
        let mut stream = house.listen(&house.ana).await;
        stream.hears(":", SOON).await.unwrap();
        open.push(stream);
    }
    assert_eq!(Stream::open(&house.ana, &path).await.err(), Some(503));
    drop(open);
    let again = async {
        while Stream::open(&house.ana, &path).await.is_err() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), again).await.expect("a seat that was left is free again");
    // What happened since the page was made is told at once.
    let old = format!("{path}&since=ticket-{}:0.0", house.ticket);
    Stream::open(&house.tom, &old).await.ok().unwrap().hears("data:", SOON).await.unwrap();
    house.end().await;
}

#[tokio::test]
async fn the_server_stops_at_once_with_pages_open() {
    let house = house().await;
    let mut ana = house.listen(&house.ana).await;
    ana.hears(":", SOON).await.unwrap();
    let House { server, db, url, _folder, .. } = house;
    let began = Instant::now();
    assert_eq!(server.stop().await, Some(0));
    let took = began.elapsed();
    assert!(took < Duration::from_secs(8), "{took:?}; running requests may take 20 s");
    assert!(ana.ends(SOON).await);
    db.close().await;
    drop_database(&url).await;
}
