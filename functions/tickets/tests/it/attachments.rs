//! Files: both ways in, pictures, and what is never shown (decisions 6, 11.14).

use http::Method;
use serde_json::{Value, json};
use shared::db::sql;
use shared::testing::Actor;

use crate::help::{Desk, desk, note, png, read};

/// Follows a download to the bucket.
async fn fetch(who: &Actor, path: &str) -> (Vec<u8>, String, String) {
    let reply = who.get(path).await.is(302);
    let response = http_client().get(reply.header("location")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let header = |name: &str| response.headers().get(name).unwrap().to_str().unwrap().to_owned();
    let (kind, disposition) = (header("content-type"), header("content-disposition"));
    (response.bytes().await.unwrap().to_vec(), kind, disposition)
}

#[expect(clippy::disallowed_methods, reason = "the test is the browser that talks to the bucket")]
fn http_client() -> reqwest::Client {
    reqwest::Client::new()
}

async fn begin(who: &Actor, ticket: i64, name: &str, size: usize) -> Value {
    let body = json!({ "file_name": name, "file_size": size, "content_type": "image/png" });
    who.json(Method::POST, &format!("/api/tickets/{ticket}/attachments"), body).await.is(201).value()
}

async fn put(upload: &Value, content: &[u8]) -> u16 {
    let mut request = http_client().put(upload["url"].as_str().unwrap()).body(content.to_vec());
    for (name, value) in upload["headers"].as_object().unwrap() {
        request = request.header(name, value.as_str().unwrap());
    }
    request.send().await.unwrap().status().as_u16()
}

async fn complete(who: &Actor, ticket: i64, upload: &Value, body: Value) -> shared::testing::Reply {
    let path = format!("/api/tickets/{ticket}/attachments/{}/complete", upload["upload_id"]);
    who.json(Method::POST, &path, body).await
}

async fn raise_with(desk: &Desk, files: &[(&str, &str, &str, &[u8])]) -> i64 {
    let reply = desk.ana.upload("/tickets", &[("subject", "With files")], files).await.is(303);
    reply.header("location").trim_start_matches("/tickets/").parse().unwrap()
}

#[tokio::test]
async fn files_of_a_form_arrive_with_ticket_and_reply() {
    let desk = desk().await;
    let picture = png(2000, 1000);
    let files = [
        ("files", "tray.png", "application/x-nonsense", picture.as_slice()),
        ("files", "log.txt", "text/plain", b"one\ntwo".as_slice()),
    ];
    let id = raise_with(&desk, &files).await;
    let detail = read(&desk.ana, id).await;
    let (first, second) = (&detail["attachments"][0], &detail["attachments"][1]);
    assert_eq!(
        (&first["name"], &first["content_type"], &first["is_picture"]),
        (&json!("tray.png"), &json!("image/png"), &json!(true))
    );
    assert_eq!((&second["content_type"], &second["size"]), (&json!("text/plain"), &json!(7)));
    let page = desk.ana.get(&format!("/tickets/{id}")).await.is(200);
    page.shows("width=\"320\" height=\"160\" alt=\"Picture tray.png\"").shows("log.txt");
    let (content, kind, disposition) = fetch(&desk.ana, second["url"].as_str().unwrap()).await;
    assert_eq!(content, b"one\ntwo");
    assert!(kind.starts_with("text/plain") && disposition.starts_with("attachment"), "{kind} {disposition}");
    let path = format!("/tickets/{id}/replies");
    let reply = desk.ana.upload(&path, &[("body", "See file")], &[("files", "a.txt", "text/plain", b"x")]).await;
    let _ = reply.is(303);
    let detail = read(&desk.tom, id).await;
    assert_eq!(detail["attachments"][2]["reply_id"], detail["replies"][0]["id"]);
    desk.finish().await;
}

#[tokio::test]
async fn a_picture_is_shown_as_the_portal_drew_it_anew() {
    let desk = desk().await;
    let mut picture = png(2000, 1000);
    picture.extend_from_slice(b"<script>alert(1)</script>");
    let id = raise_with(&desk, &[("files", "tray.png", "image/png", &picture)]).await;
    let url = read(&desk.ana, id).await["attachments"][0]["url"].as_str().unwrap().to_owned();
    let shown = desk.ana.get(&url).await.is(200);
    assert_eq!(shown.header("content-type"), "image/png");
    assert_eq!(shown.header("x-content-type-options"), "nosniff");
    let image = image::load_from_memory(&shown.bytes).unwrap();
    assert_eq!((image.width(), image.height()), (1600, 800));
    assert!(!shown.bytes.windows(8).any(|part| part == b"<script>"));
    let (original, _, disposition) = fetch(&desk.ana, &format!("{url}?download=1")).await;
    assert_eq!(original, picture);
    assert!(disposition.starts_with("attachment"), "{disposition}");
    if desk.app.bucket_is_strict() {
        assert!(disposition.contains("tray.png"), "{disposition}");
    }
    desk.finish().await;
}

#[tokio::test]
async fn markup_and_scripts_are_only_ever_downloaded() {
    let desk = desk().await;
    for (name, kind, content) in [
        ("page.html", "text/html", &b"<html><script>alert(1)</script>"[..]),
        ("photo.png", "image/png", b"<!doctype html><script>alert(1)</script>"),
        ("logo.svg", "image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("run.sh", "text/plain", b"#!/bin/sh\nrm -rf /"),
        ("broken.png", "image/png", b"\x89PNG\r\n\x1a\nnot a picture"),
    ] {
        let id = raise_with(&desk, &[("files", name, kind, content)]).await;
        let file = read(&desk.ana, id).await["attachments"][0].clone();
        assert_eq!(file["is_picture"], false, "{name}");
        desk.ana.get(&format!("/tickets/{id}")).await.is(200).hides("<img");
        let (got, _, disposition) = fetch(&desk.ana, file["url"].as_str().unwrap()).await;
        assert_eq!(got, content);
        assert!(disposition.starts_with("attachment"), "{name}: {disposition}");
    }
    desk.finish().await;
}

#[tokio::test]
async fn names_with_paths_and_tricks_lose_them() {
    let desk = desk().await;
    for (name, shown) in [
        ("../../etc/passwd", "passwd"),
        ("..\\\\..\\\\windows\\\\system32\\\\evil.exe", "evil.exe"),
        ("/absolute/report.pdf", "report.pdf"),
        ("a\u{202e}gpj.exe", "agpj.exe"),
        ("<img src=x onerror=alert(1)>.txt", "<img src=x onerror=alert(1)>.txt"),
    ] {
        let id = raise_with(&desk, &[("files", name, "text/plain", b"x")]).await;
        let file = read(&desk.ana, id).await["attachments"][0].clone();
        assert_eq!(file["name"], shown);
        desk.ana.get(&format!("/tickets/{id}")).await.is(200).hides("<img src=x");
        fetch(&desk.ana, file["url"].as_str().unwrap()).await;
    }
    let keys: Vec<(String,)> = desk.app.rows(sql("SELECT storage_key FROM files LIMIT 100")).await;
    assert!(keys.iter().all(|(key,)| key.starts_with("tickets/202611/") && !key.contains("..")), "{keys:?}");
    desk.finish().await;
}

#[tokio::test]
async fn a_file_goes_straight_to_the_bucket_with_a_signed_address() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    let picture = png(40, 20);
    let upload = begin(&desk.ana, id, "../tray.html", picture.len()).await;
    complete(&desk.ana, id, &upload, json!({})).await.is(409);
    assert_eq!(read(&desk.ana, id).await["attachments"], json!([]), "nothing shows before it is complete");
    assert_eq!(put(&upload, &picture).await, 200);
    let file = complete(&desk.ana, id, &upload, json!({})).await.is(201).value();
    assert_eq!((&file["name"], &file["content_type"]), (&json!("tray.html"), &json!("image/png")));
    let again = complete(&desk.ana, id, &upload, json!({})).await.is(200).value();
    assert_eq!(again["id"], file["id"]);
    let shown = desk.ana.get(file["url"].as_str().unwrap()).await.is(200);
    assert_eq!(shown.header("content-type"), "image/png");
    let (content, _, disposition) = fetch(&desk.ana, &format!("{}?download=1", file["url"].as_str().unwrap())).await;
    assert_eq!(content, picture);
    assert!(disposition.starts_with("attachment"));
    desk.finish().await;
}

#[tokio::test]
async fn an_upload_keeps_its_length_its_owner_and_its_ticket() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    let other = desk.ticket(&desk.kim, "Other").await;
    for size in [json!(0), json!(-1), json!("x")] {
        let body = json!({ "file_name": "a", "file_size": size });
        desk.ana.json(Method::POST, &format!("/api/tickets/{id}/attachments"), body).await.refuses("file_size");
    }
    let body = json!({ "file_name": "a", "file_size": 15 * 1024 * 1024 + 1 });
    desk.ana.json(Method::POST, &format!("/api/tickets/{id}/attachments"), body).await.is(413);
    let upload = begin(&desk.ana, id, "a.txt", 5).await;
    if desk.app.bucket_is_strict() {
        assert_ne!(put(&upload, b"much too long").await, 200, "another length than announced is refused");
    }
    assert_eq!(put(&upload, b"hello").await, 200);
    complete(&desk.tom, id, &upload, json!({})).await.is(404);
    complete(&desk.kim, other, &upload, json!({})).await.is(404);
    complete(&desk.ana, other, &upload, json!({})).await.is(404);
    desk.app.advance(chrono::TimeDelta::minutes(61));
    let ana = desk.app.sign_in(desk.ana.id).await;
    complete(&ana, id, &upload, json!({})).await.is(404);
    desk.finish().await;
}

#[tokio::test]
async fn a_file_of_a_note_is_seen_by_the_desk_only() {
    let desk = desk().await;
    let id = desk.ticket(&desk.ana, "Printer").await;
    let secret = [("files", "prices.csv", "text/csv", b"a,b".as_slice())];
    let fields = [("body", "Our prices"), ("isInternal", "true")];
    desk.tom.upload(&format!("/tickets/{id}/replies"), &fields, &secret).await.is(303);
    let noted = note(&desk.tom, id, "Another note").await;
    let upload = begin(&desk.tom, id, "b.txt", 5).await;
    put(&upload, b"hello").await;
    complete(&desk.tom, id, &upload, json!({ "reply_id": noted })).await.is(201);
    let files = read(&desk.tom, id).await["attachments"].clone();
    assert_eq!(files.as_array().unwrap().len(), 2);
    assert_eq!(read(&desk.ana, id).await["attachments"], json!([]));
    for file in files.as_array().unwrap() {
        let url = file["url"].as_str().unwrap();
        desk.ana.get(url).await.is(404);
        desk.ana.get(&format!("{url}?download=1")).await.is(404);
        desk.ana.api(Method::DELETE, &format!("/api{url}")).await.is(404);
    }
    let own = begin(&desk.ana, id, "c.txt", 5).await;
    put(&own, b"hello").await;
    complete(&desk.ana, id, &own, json!({ "reply_id": noted })).await.is(404);
    desk.ana.get(&format!("/tickets/{id}")).await.is(200).hides("prices.csv");
    desk.finish().await;
}

#[tokio::test]
async fn files_of_another_ticket_are_not_reached_through_ones_own() {
    let desk = desk().await;
    let theirs = raise_with(&desk, &[("files", "a.txt", "text/plain", b"x")]).await;
    let own = desk.ticket(&desk.kim, "Mine").await;
    let url = read(&desk.ana, theirs).await["attachments"][0]["url"].as_str().unwrap().to_owned();
    let file = url.rsplit('/').next().unwrap();
    for id in [theirs, own] {
        desk.kim.get(&format!("/tickets/{id}/attachments/{file}")).await.is(404);
        desk.kim.api(Method::DELETE, &format!("/api/tickets/{id}/attachments/{file}")).await.is(404);
    }
    desk.tom.get(&format!("/tickets/{own}/attachments/{file}")).await.is(404);
    desk.app.stranger().get(&url).await.goes_to(&format!("/login?next={}", url.replace('/', "%2F")));
    desk.finish().await;
}

#[tokio::test]
async fn own_files_are_taken_off_and_their_objects_go() {
    let desk = desk().await;
    let id = raise_with(&desk, &[("files", "a.png", "image/png", &png(10, 10))]).await;
    let url = read(&desk.ana, id).await["attachments"][0]["url"].as_str().unwrap().to_owned();
    let fields = [("body", "Of Tom")];
    desk.tom
        .upload(&format!("/tickets/{id}/replies"), &fields, &[("files", "t.txt", "text/plain", b"x")])
        .await
        .is(303);
    let toms = read(&desk.ana, id).await["attachments"][1]["url"].as_str().unwrap().to_owned();
    desk.ana.api(Method::DELETE, &format!("/api{toms}")).await.is(403);
    desk.ana.api(Method::DELETE, &format!("/api{url}")).await.is(204);
    desk.ana.get(&url).await.is(404);
    desk.tom.api(Method::DELETE, &format!("/api{toms}")).await.is(204);
    desk.app.run_jobs().await;
    let keys: Vec<(String,)> = desk.app.rows(sql("SELECT storage_key FROM files LIMIT 10")).await;
    for (key,) in keys {
        assert!(desk.app.app().blobs().head(&key).await.unwrap().is_none());
    }
    desk.tom.get(&format!("/tickets/{id}")).await.is(200).shows("removed a.png");
    desk.finish().await;
}

#[tokio::test]
async fn eleven_files_and_files_over_fifteen_megabytes_are_refused_whole() {
    let desk = desk().await;
    let many: Vec<(&str, &str, &str, &[u8])> = vec![("files", "a.txt", "text/plain", b"x"); 11];
    desk.ana.upload("/tickets", &[("subject", "Eleven")], &many).await.is(422);
    let big = vec![b'x'; 15 * 1024 * 1024 + 1];
    let big = [("files", "big.txt", "text/plain", big.as_slice())];
    desk.ana.upload("/tickets", &[("subject", "Big")], &big).await.is(413);
    assert_eq!(desk.app.number(sql("SELECT COUNT(*) FROM tickets")).await, 0);
    raise_with(&desk, &many[..10]).await;
    assert_eq!(desk.app.number(sql("SELECT COUNT(*) FROM ticket_attachments")).await, 10);
    let id = desk.app.number(sql("SELECT MAX(id) FROM tickets")).await;
    let upload = begin(&desk.ana, id, "b.txt", 5).await;
    put(&upload, b"hello").await;
    complete(&desk.ana, id, &upload, json!({})).await.is(409);
    desk.finish().await;
}
