//! Files that pages send ahead to the bucket, and all files of a ticket in one archive.

use std::io::{Cursor, Read as _};

use http::Method;
use serde_json::{Value, json};
use shared::db::sql;
use shared::testing::Actor;

use crate::help::{desk, note, png, raise, read};

#[expect(clippy::disallowed_methods, reason = "the test is the browser that talks to the bucket")]
async fn put(upload: &Value, content: &[u8]) {
    let mut request = reqwest::Client::new().put(upload["url"].as_str().unwrap()).body(content.to_vec());
    for (name, value) in upload["headers"].as_object().unwrap() {
        request = request.header(name, value.as_str().unwrap());
    }
    assert_eq!(request.send().await.unwrap().status(), 200);
}

async fn begin(who: &Actor, name: &str, size: usize) -> Value {
    let body = json!({ "file_name": name, "file_size": size, "content_type": null });
    who.json(Method::POST, "/api/tickets/uploads", body).await.is(201).value()
}

/// Sends a file ahead; gives its id.
async fn ahead(who: &Actor, name: &str, content: &[u8]) -> i64 {
    let upload = begin(who, name, content.len()).await;
    put(&upload, content).await;
    let id = upload["upload_id"].as_i64().unwrap();
    let path = format!("/api/tickets/uploads/{id}/complete");
    let file = who.json(Method::POST, &path, json!({})).await.is(200).value();
    assert_eq!((&file["id"], &file["name"]), (&json!(id), &json!(name)));
    who.json(Method::POST, &path, json!({})).await.is(200);
    id
}

#[tokio::test]
async fn files_that_were_sent_ahead_belong_to_the_ticket_and_the_reply_that_name_them() {
    let desk = desk().await;
    let picture = png(40, 20);
    let (a, b) = (ahead(&desk.ana, "tray.png", &picture).await, ahead(&desk.ana, "log.txt", b"one").await);
    let (a, b) = (a.to_string(), b.to_string());
    let fields = [("subject", "With files"), ("upload_ids", a.as_str()), ("upload_ids", b.as_str())];
    let plain = [("files", "more.txt", "text/plain", b"two".as_slice())];
    let to = desk.ana.upload("/tickets", &fields, &plain).await.is(303).header("location").to_owned();
    let id: i64 = to.trim_start_matches("/tickets/").parse().unwrap();
    let files = read(&desk.ana, id).await["attachments"].clone();
    let names: Vec<&str> = files.as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["tray.png", "log.txt", "more.txt"]);
    assert_eq!(files[0]["is_picture"], true);
    let c = ahead(&desk.tom, "answer.txt", b"three").await.to_string();
    desk.tom.post(&format!("{to}/replies"), &[("body", "See file"), ("upload_ids", &c)]).await.is(303);
    let d = ahead(&desk.tom, "api.txt", b"four").await;
    let body = json!({ "body": "By a program", "upload_ids": [d, d] });
    desk.tom.json(Method::POST, &format!("/api{to}/replies"), body).await.is(201);
    let detail = read(&desk.ana, id).await;
    assert_eq!(detail["attachments"][3]["reply_id"], detail["replies"][0]["id"]);
    assert_eq!(detail["attachments"][4]["reply_id"], detail["replies"][1]["id"]);
    desk.finish().await;
}

#[tokio::test]
async fn nobody_uses_the_upload_of_somebody_else_and_none_is_used_twice() {
    let desk = desk().await;
    let anas = ahead(&desk.ana, "a.txt", b"one").await;
    for who in [&desk.kim, &desk.tom] {
        let body = json!({ "subject": "x", "upload_ids": [anas] });
        who.json(Method::POST, "/api/tickets", body).await.refuses("files");
        who.api(Method::DELETE, &format!("/api/tickets/uploads/{anas}")).await.is(404);
        who.json(Method::POST, &format!("/api/tickets/uploads/{anas}/complete"), json!({})).await.is(404);
    }
    let id = raise(&desk.ana, json!({ "subject": "Mine", "upload_ids": [anas] })).await;
    assert_eq!(read(&desk.ana, id).await["attachments"].as_array().unwrap().len(), 1);
    desk.ana.json(Method::POST, "/api/tickets", json!({ "subject": "x", "upload_ids": [anas] })).await.refuses("files");
    let unsent = begin(&desk.ana, "b.txt", 5).await["upload_id"].clone();
    desk.ana
        .json(Method::POST, "/api/tickets", json!({ "subject": "x", "upload_ids": [unsent] }))
        .await
        .refuses("files");
    desk.ana.json(Method::POST, &format!("/api/tickets/uploads/{unsent}/complete"), json!({})).await.is(409);
    assert_eq!(desk.app.number(sql("SELECT COUNT(*) FROM tickets")).await, 1);
    desk.app.stranger().api(Method::POST, "/api/tickets/uploads").await.is(401);
    desk.finish().await;
}

#[tokio::test]
async fn what_was_sent_ahead_survives_a_mistake_in_the_form_and_can_be_taken_back() {
    let desk = desk().await;
    let a = ahead(&desk.ana, "tray.txt", b"one").await;
    let text = a.to_string();
    let page = desk.ana.post("/tickets", &[("subject", " "), ("upload_ids", &text)]).await.is(422);
    page.shows("Enter a subject").shows("tray.txt").shows(&format!("name=\"upload_ids\" value=\"{a}\" checked"));
    let id = desk.ticket(&desk.ana, "Printer").await;
    let page = desk.ana.post(&format!("/tickets/{id}/replies"), &[("body", ""), ("upload_ids", &text)]).await;
    page.is(422).shows("tray.txt");
    desk.ana.api(Method::DELETE, &format!("/api/tickets/uploads/{a}")).await.is(204);
    let page = desk.ana.post("/tickets", &[("subject", "x"), ("upload_ids", &text)]).await.is(422);
    page.shows("Attach it again").hides("tray.txt");
    desk.finish().await;
}

#[tokio::test]
async fn eleven_files_are_too_many_however_they_come() {
    let desk = desk().await;
    let a = ahead(&desk.ana, "a.txt", b"x").await.to_string();
    let ten: Vec<(&str, &str, &str, &[u8])> = vec![("files", "b.txt", "text/plain", b"x"); 10];
    let reply = desk.ana.upload("/tickets", &[("subject", "Eleven"), ("upload_ids", &a)], &ten).await.is(422);
    reply.shows("at most 10 files");
    let body = json!({ "subject": "x", "upload_ids": (1..=11).collect::<Vec<i64>>() });
    desk.ana.json(Method::POST, "/api/tickets", body).await.refuses("files");
    assert_eq!(desk.app.number(sql("SELECT COUNT(*) FROM tickets")).await, 0);
    desk.finish().await;
}

/// Names and contents of an archive.
fn unpack(bytes: Vec<u8>) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    (0..archive.len())
        .map(|index| {
            let mut file = archive.by_index(index).unwrap();
            let mut content = Vec::new();
            file.read_to_end(&mut content).unwrap();
            (file.name().unwrap().into_owned(), content)
        })
        .collect()
}

#[tokio::test]
async fn all_files_come_in_one_archive_with_what_the_caller_may_see() {
    let desk = desk().await;
    let big: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let files = [
        ("files", "big.bin", "application/octet-stream", big.as_slice()),
        ("files", "Gr\u{fc}\u{df}e.txt", "text/plain", b"one".as_slice()),
    ];
    let to = desk.ana.upload("/tickets", &[("subject", "Files")], &files).await.is(303).header("location").to_owned();
    let id: i64 = to.trim_start_matches("/tickets/").parse().unwrap();
    desk.ana.get(&to).await.is(200).shows("Download all 2 files").shows("attachments.zip");
    let secret = [("files", "big.bin", "text/plain", b"secret".as_slice())];
    desk.tom.upload(&format!("{to}/replies"), &[("body", "Note"), ("is_internal", "true")], &secret).await.is(303);
    note(&desk.tom, id, "No file").await;
    let reply = desk.ana.get(&format!("{to}/attachments.zip")).await.is(200);
    assert_eq!(reply.header("content-type"), "application/zip");
    assert!(reply.header("content-disposition").contains(&format!("ticket-{id}-files.zip")));
    assert_eq!(
        unpack(reply.bytes.to_vec()),
        [("big.bin".to_owned(), big.clone()), ("Gr\u{fc}\u{df}e.txt".to_owned(), b"one".to_vec())]
    );
    let desks = desk.tom.api(Method::GET, &format!("/api{to}/attachments.zip")).await.is(200);
    let desks = unpack(desks.bytes.to_vec());
    assert_eq!(desks[2], ("big (2).bin".to_owned(), b"secret".to_vec()));
    for path in [format!("{to}/attachments.zip"), format!("/api{to}/attachments.zip")] {
        desk.kim.get(&path).await.is(404);
    }
    let empty = desk.ticket(&desk.ana, "None").await;
    desk.ana.get(&format!("/tickets/{empty}/attachments.zip")).await.is(404);
    desk.ana.get(&format!("/tickets/{empty}")).await.is(200).hides("Download all");
    // What the scanner holds back is in no archive.
    desk.app.execute(sql("UPDATE files SET scan_status = 'pending' WHERE display_name = 'big.bin'")).await;
    let reply = desk.ana.get(&format!("{to}/attachments.zip")).await.is(200);
    assert_eq!(unpack(reply.bytes.to_vec()).len(), 1);
    desk.finish().await;
}
