//! Files on their way into the bucket, out of it and away.

use std::io::Cursor;

use axum::response::Response;
use chrono::TimeDelta;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use shared::api;
use shared::audit::Change;
use shared::caller::{Keyed, User};
use shared::db::sql;
use shared::error::{Error, Result};
use shared::files::{self, Announced, Home};
use shared::flash::Flash;
use shared::jobs::Jobs;
use shared::routes::Routes;
use shared::testing::{Actor, Reply, TestApp, config};
use shared::web::{Json, Multipart, Path};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{begin, insert_key};

const HOME: Home = Home { area: "test", category: "attachment" };
const LIMIT: usize = 15 * 1024 * 1024;

async fn take(by: User, form: Multipart) -> Result<Response> {
    let mut ids = Vec::new();
    for file in form.files {
        ids.push(files::receive(&by, HOME, file).await?);
    }
    let mut tx = by.begin().await?;
    for id in ids {
        files::attach(&mut tx, id, 1).await?;
        tx.audit(Change::new("file.attached", "file", id));
    }
    tx.commit().await?;
    by.see("/done", Flash::done("Saved")).await
}

async fn found(by: &User, id: i64) -> Result<files::File> {
    files::find(by.db(), id).await?.ok_or_else(|| Error::not_found("File not found"))
}

async fn get(by: User, Path(id): Path<i64>) -> Result<Response> {
    files::download(&by, &found(&by, id).await?).await
}

async fn show(by: User, Path(id): Path<i64>) -> Result<Response> {
    files::show(&by, &found(&by, id).await?).await
}

/// Begins an upload.
#[utoipa::path(post, path = "/api/uploads", responses((status = 201)))]
async fn begin_upload(by: Keyed<User>, body: Json<Announced>) -> Result<(StatusCode, Json<files::Upload>)> {
    Ok((StatusCode::CREATED, Json(files::begin_upload(&by, HOME, &body).await?)))
}

/// Ends an upload.
#[utoipa::path(post, path = "/api/uploads/{id}/complete", responses((status = 200)))]
async fn complete(by: Keyed<User>, Path(id): Path<i64>) -> Result<Json<files::File>> {
    files::complete_upload(&by, HOME, id).await.map(Json)
}

/// Attaches an upload.
#[utoipa::path(post, path = "/api/uploads/{id}/attach", responses((status = 204)))]
async fn attach(by: Keyed<User>, Path(id): Path<i64>) -> Result<StatusCode> {
    let mut tx = by.begin().await?;
    files::attach(&mut tx, id, 1).await?;
    tx.audit(Change::new("file.attached", "file", id));
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes an upload back.
#[utoipa::path(delete, path = "/api/uploads/{id}", responses((status = 204)))]
async fn cancel(by: Keyed<User>, Path(id): Path<i64>) -> Result<StatusCode> {
    files::cancel_upload(&by, HOME, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn routes() -> Routes {
    Routes::area("test", &["/"])
        .upload_form("/files", take)
        .page("/files/{id}", get)
        .page("/files/{id}/shown", show)
        .scope("files")
        .api(api!(begin_upload))
        .api(api!(complete))
        .api(api!(attach))
        .api(api!(cancel))
}

async fn portal() -> TestApp {
    TestApp::new(routes(), Jobs::kernel()).await
}

async fn upload(actor: &Actor, name: &str, content: &[u8]) -> Reply {
    actor.upload("/files", &[], &[("files", name, "application/x-made-up", content)]).await
}

#[derive(Debug, sqlx::FromRow)]
struct Row {
    id: i64,
    storage_key: String,
    state: String,
    original_name: String,
    content_type: String,
    declared_content_type: Option<String>,
    size_bytes: i64,
    sha256: Option<String>,
    scan_status: String,
    uploaded_by_label: String,
}

async fn rows(app: &TestApp) -> Vec<Row> {
    app.rows(sql("SELECT id, storage_key, state, original_name, content_type, declared_content_type, size_bytes, \
         sha256, scan_status, uploaded_by_label FROM files ORDER BY id LIMIT 100"))
        .await
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let picture = image::RgbaImage::from_pixel(width, height, image::Rgba([200, 30, 30, 255]));
    picture.write_to(&mut Cursor::new(&mut bytes), image::ImageFormat::Png).unwrap();
    // What hides behind the picture's end must not be shown on.
    bytes.extend_from_slice(b"<script>alert(1)</script>");
    bytes
}

/// Reads what a signed address gives.
async fn fetch(url: &str) -> (u16, String, Vec<u8>) {
    let answer = reqwest::get(url).await.unwrap();
    let status = answer.status().as_u16();
    let name = answer.headers().get("content-disposition").map(|v| v.to_str().unwrap().to_owned());
    (status, name.unwrap_or_default(), answer.bytes().await.unwrap().to_vec())
}

async fn exists(app: &TestApp, key: &str) -> bool {
    app.app().blobs().head(key).await.unwrap().is_some()
}

#[tokio::test]
async fn a_file_arrives_through_the_portal_and_leads_to_a_signed_address() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let _ = upload(&ann, "../../Grüße <1>.txt", "Grüße".as_bytes()).await.goes_to("/done");
    let [row] = &rows(&app).await[..] else { panic!("one file expected") };
    assert_eq!((row.state.as_str(), row.scan_status.as_str()), ("ready", "not_scanned"));
    assert_eq!((row.size_bytes, row.content_type.as_str()), (7, "text/plain"));
    assert_eq!(row.declared_content_type.as_deref(), Some("application/x-made-up"));
    assert_eq!(row.sha256, Some(shared::tokens::sha256_hex("Grüße".as_bytes())));
    assert!(!row.original_name.contains(['/', '<']), "{}", row.original_name);
    assert!(row.storage_key.starts_with("test/202611/") && row.storage_key.len() > 40, "{}", row.storage_key);
    assert_eq!(row.uploaded_by_label, "ann Example <ann@example.com>");
    let reply = ann.get(&format!("/files/{}", row.id)).await.is(302);
    let (status, name, content) = fetch(reply.header("location")).await;
    assert_eq!((status, content.as_slice()), (200, "Grüße".as_bytes()));
    assert!(name.starts_with("attachment"), "{name}");
    if app.bucket_is_strict() {
        assert_eq!(name, "attachment; filename=\"Gr__e <1>.txt\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe%20%3C1%3E.txt");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_file_may_have_fifteen_megabytes_and_not_a_byte_more() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let _ = upload(&ann, "big.bin", &vec![7; LIMIT]).await.goes_to("/done");
    let _ = upload(&ann, "tray.mov", &vec![7; LIMIT + 1]).await.is(413).shows("tray.mov").shows("The limit is 15 MB");
    assert_eq!(rows(&app).await.len(), 1);
    assert_eq!(rows(&app).await[0].size_bytes, i64::try_from(LIMIT).unwrap());
    app.finish().await;
}

#[tokio::test]
async fn ten_files_at_once_and_no_more() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let files: Vec<(&str, &str, &str, &[u8])> = vec![("files", "a.txt", "text/plain", b"x"); 11];
    let _ = ann.upload("/files", &[], &files[..10]).await.goes_to("/done");
    let reply = ann.upload("/files", &[], &files).await.is(422);
    assert!(reply.text().contains("Send at most 10 files at once"));
    assert_eq!(rows(&app).await.len(), 10);
    app.finish().await;
}

#[tokio::test]
async fn a_picture_is_shown_encoded_anew() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let _ = upload(&ann, "photo.exe", &png(2000, 10)).await.goes_to("/done");
    let id = rows(&app).await[0].id;
    let shown = ann.get(&format!("/files/{id}/shown")).await.is(200);
    assert_eq!(shown.header("content-type"), "image/png");
    assert_eq!(shown.header("content-disposition"), "inline");
    assert_eq!(shown.header("cache-control"), "private, max-age=300");
    assert!(!shown.text().contains("<script>"), "only pixels are left");
    let picture = image::load_from_memory(&shown.bytes).unwrap();
    assert_eq!((picture.width(), picture.height()), (1600, 8));
    let broken = [&png(3, 3)[..40], &[0; 100]].concat();
    let _ = upload(&ann, "broken.png", &broken).await.goes_to("/done");
    let id = rows(&app).await[1].id;
    let _ = ann.get(&format!("/files/{id}/shown")).await.is(302);
    app.finish().await;
}

#[tokio::test]
async fn what_could_run_is_only_ever_downloaded() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    let _ = upload(&ann, "a.svg", svg).await.goes_to("/done");
    let _ = upload(&ann, "a.png", b"<!doctype html><script>alert(1)</script>").await.goes_to("/done");
    for row in rows(&app).await {
        let reply = ann.get(&format!("/files/{}/shown", row.id)).await.is(302);
        let (_, disposition, _) = fetch(reply.header("location")).await;
        assert!(disposition.starts_with("attachment"), "{disposition}");
    }
    app.finish().await;
}

fn announce(name: &str, size: usize) -> Value {
    json!({ "file_name": name, "file_size": size, "content_type": "image/png" })
}

async fn put(upload: &Value, content: Vec<u8>) -> u16 {
    let mut request = reqwest::Client::new().put(upload["url"].as_str().unwrap());
    for (name, value) in upload["headers"].as_object().unwrap() {
        request = request.header(name, value.as_str().unwrap());
    }
    request.body(content).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_file_goes_straight_to_the_bucket() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let content = png(20, 10);
    let begun = ann.json(Method::POST, "/api/uploads", announce("p.png", content.len())).await.is(201).value();
    let id = begun["upload_id"].as_i64().unwrap();
    let path = |what: &str| format!("/api/uploads/{id}{what}");
    let early = ann.api(Method::POST, &path("/complete")).await.is(409);
    assert_eq!(early.value()["code"], "not_uploaded");
    let _ = ann.api(Method::POST, &path("/attach")).await.is(404);
    assert_eq!(put(&begun, content.clone()).await, 200);
    let _ = ann.api(Method::POST, &path("/attach")).await.is(404);
    let done = ann.api(Method::POST, &path("/complete")).await.is(200).value();
    assert_eq!((&done["content_type"], &done["width"]), (&json!("image/png"), &json!(20)));
    assert_eq!(done["sha256"], shared::tokens::sha256_hex(&content));
    let again = ann.api(Method::POST, &path("/complete")).await.is(200).value();
    assert_eq!(again, done);
    let _ = ann.api(Method::POST, &path("/attach")).await.is(204);
    let reply = ann.get(&format!("/files/{id}")).await.is(302);
    assert_eq!(fetch(reply.header("location")).await.2, content);
    app.finish().await;
}

#[tokio::test]
async fn what_was_looked_at_cannot_be_swapped_afterwards() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let begun = ann.json(Method::POST, "/api/uploads", announce("a.txt", 4)).await.is(201).value();
    let id = begun["upload_id"].as_i64().unwrap();
    assert_eq!(put(&begun, b"good".to_vec()).await, 200);
    let _ = ann.api(Method::POST, &format!("/api/uploads/{id}/complete")).await.is(200);
    put(&begun, b"evil".to_vec()).await;
    let _ = ann.api(Method::POST, &format!("/api/uploads/{id}/attach")).await.is(204);
    put(&begun, b"evil".to_vec()).await;
    let reply = ann.get(&format!("/files/{id}")).await.is(302);
    assert_eq!(fetch(reply.header("location")).await.2, b"good");
    app.finish().await;
}

#[tokio::test]
async fn only_the_announced_length_is_taken() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let begun = ann.json(Method::POST, "/api/uploads", announce("a.txt", 4)).await.is(201).value();
    if app.bucket_is_strict() {
        assert_eq!(put(&begun, b"longer".to_vec()).await, 403);
        assert_eq!(put(&begun, b"abc".to_vec()).await, 403);
    }
    let _ = ann.json(Method::POST, "/api/uploads", announce("a.txt", 0)).await.refuses("file_size");
    let _ = ann.json(Method::POST, "/api/uploads", announce("a.txt", LIMIT + 1)).await.is(413);
    let _ = ann.json(Method::POST, "/api/uploads", announce("a.txt", LIMIT)).await.is(201);
    app.finish().await;
}

#[tokio::test]
async fn for_others_an_upload_does_not_exist() {
    let app = portal().await;
    let (ann, ben) = (app.requester("ann").await, app.requester("ben").await);
    insert_key(&app, "first-machine", r#"["files:write"]"#).await;
    insert_key(&app, "other-machine", r#"["files:write"]"#).await;
    let (first, other) = (app.stranger().with_key("first-machine"), app.stranger().with_key("other-machine"));
    for (owner, others) in [(&ann, [&ben, &first, &other]), (&first, [&ann, &ben, &other])] {
        let begun = owner.json(Method::POST, "/api/uploads", announce("a.txt", 4)).await.is(201).value();
        assert_eq!(put(&begun, b"good".to_vec()).await, 200);
        let path = format!("/api/uploads/{}", begun["upload_id"]);
        for actor in others {
            let _ = actor.api(Method::POST, &format!("{path}/complete")).await.is(404);
            let _ = actor.api(Method::DELETE, &path).await.is(404);
        }
        let _ = owner.api(Method::POST, &format!("{path}/complete")).await.is(200);
    }
    app.finish().await;
}

#[tokio::test]
async fn an_upload_taken_back_leaves_nothing() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let begun = ann.json(Method::POST, "/api/uploads", announce("a.txt", 4)).await.is(201).value();
    assert_eq!(put(&begun, b"good".to_vec()).await, 200);
    let path = format!("/api/uploads/{}", begun["upload_id"]);
    let _ = ann.api(Method::POST, &format!("{path}/complete")).await.is(200);
    let key = rows(&app).await[0].storage_key.clone();
    assert!(exists(&app, &key).await);
    let _ = ann.api(Method::DELETE, &path).await.is(204);
    let _ = ann.api(Method::POST, &format!("{path}/attach")).await.is(404);
    let _ = ann.api(Method::DELETE, &path).await.is(404);
    app.run_jobs().await;
    assert!(!exists(&app, &key).await);
    app.finish().await;
}

#[tokio::test]
async fn uploads_that_nothing_came_of_are_removed() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let begun = ann.json(Method::POST, "/api/uploads", announce("a.txt", 4)).await.is(201).value();
    assert_eq!(put(&begun, b"good".to_vec()).await, 200);
    let _ = upload(&ann, "kept.txt", b"kept").await.goes_to("/done");
    let url = begun["url"].as_str().unwrap().split(['?']).next().unwrap().to_owned();
    let sent_key = url.split_once("/test/").map(|(_, key)| format!("test/{key}")).unwrap();
    app.run_jobs().await;
    assert!(exists(&app, &sent_key).await, "not before its time");
    app.advance(TimeDelta::minutes(61));
    let late = ann.api(Method::POST, &format!("/api/uploads/{}/complete", begun["upload_id"])).await;
    let _ = late.is(404);
    app.run_jobs().await;
    assert!(!exists(&app, &sent_key).await);
    let kept = rows(&app).await.pop().unwrap();
    assert!(exists(&app, &kept.storage_key).await);
    app.finish().await;
}

#[tokio::test]
async fn a_removed_file_loses_its_objects() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let _ = upload(&ann, "p.png", &png(10, 10)).await.goes_to("/done");
    let row = rows(&app).await.pop().unwrap();
    let shown = format!("{}-shown", row.storage_key);
    assert!(exists(&app, &row.storage_key).await && exists(&app, &shown).await);
    let mut tx = begin(&app).await;
    files::remove(&mut tx, row.id).await.unwrap();
    tx.commit().await.unwrap();
    let _ = ann.get(&format!("/files/{}", row.id)).await.is(404);
    app.run_jobs().await;
    assert!(!exists(&app, &row.storage_key).await && !exists(&app, &shown).await);
    app.finish().await;
}

/// A scanner that calls everything a virus that contains the word, and hangs up on `slow`.
async fn scanner() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
            while !seen.ends_with(&[0, 0, 0, 0]) {
                let read = socket.read(&mut buffer).await.unwrap();
                seen.extend_from_slice(&buffer[..read]);
            }
            let has = |word: &[u8]| seen.windows(word.len()).any(|window| window == word);
            let answer = if has(b"slow") {
                "ERROR\0"
            } else if has(b"virus") {
                "stream: X FOUND\0"
            } else {
                "stream: OK\0"
            };
            socket.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn files_wait_for_the_scanner() {
    let mut config = config();
    config.clamd_address = Some(scanner().await);
    let app = TestApp::with(config, routes(), Jobs::kernel()).await;
    let ann = app.requester("ann").await;
    let _ = upload(&ann, "a.txt", b"all is well").await.goes_to("/done");
    let _ = upload(&ann, "b.txt", b"a virus").await.goes_to("/done");
    let ids: Vec<i64> = rows(&app).await.iter().map(|row| row.id).collect();
    for id in &ids {
        let _ = ann.get(&format!("/files/{id}")).await.is(409).shows("being checked for viruses");
    }
    app.run_jobs().await;
    let _ = ann.get(&format!("/files/{}", ids[0])).await.is(302);
    let _ = ann.get(&format!("/files/{}", ids[1])).await.is(410).shows("held a virus");
    let states: Vec<(String, String)> = rows(&app).await.into_iter().map(|r| (r.state, r.scan_status)).collect();
    assert_eq!(states[0], ("ready".to_owned(), "clean".to_owned()));
    assert_eq!(states[1], ("quarantined".to_owned(), "infected".to_owned()));
    app.finish().await;
}

#[tokio::test]
async fn a_scanner_that_does_not_answer_is_asked_again_for_ever() {
    let mut config = config();
    config.clamd_address = Some(scanner().await);
    let mut app = TestApp::with(config, routes(), Jobs::kernel()).await;
    let ann = app.requester("ann").await;
    let _ = upload(&ann, "a.txt", b"slow").await.goes_to("/done");
    let id = rows(&app).await[0].id;
    for _ in 0..4 {
        app.run_jobs().await;
        app.advance(TimeDelta::minutes(3));
    }
    let failed = sql("SELECT COUNT(*) FROM jobs WHERE kind = 'file.scan' AND status = 'failed'");
    assert_eq!(app.number(failed).await, 1);
    let _ = ann.get(&format!("/files/{id}")).await.is(409);
    app.advance(TimeDelta::minutes(10));
    app.run_jobs().await;
    let asked = sql("SELECT COUNT(*) FROM jobs WHERE kind = 'file.scan'");
    assert_eq!(app.number(asked).await, 2, "what was not scanned is not forgotten");
    app.leave_work();
    app.finish().await;
}

#[tokio::test]
async fn without_the_bucket_nothing_is_lost_and_everyone_is_told() {
    let mut app = portal().await;
    let ann = app.requester("ann").await;
    let _ = upload(&ann, "p.png", &png(5, 5)).await.goes_to("/done");
    let id = rows(&app).await[0].id;
    if !app.stop_bucket().await {
        return app.finish().await;
    }
    let text = "Files cannot be reached at the moment. Nothing was saved. Try again.";
    let _ = upload(&ann, "a.txt", b"x").await.is(503).shows(text);
    let _ = ann.get(&format!("/files/{id}/shown")).await.is(503).shows(text);
    let begun = ann.json(Method::POST, "/api/uploads", announce("a.txt", 4)).await.is(201).value();
    let reply = ann.api(Method::POST, &format!("/api/uploads/{}/complete", begun["upload_id"])).await.is(503);
    assert_eq!(reply.value()["code"], "files_unavailable");
    let states: Vec<String> = rows(&app).await.into_iter().map(|row| row.state).collect();
    assert_eq!(states, ["ready", "pending", "pending"]);
    app.finish().await;
}

#[tokio::test]
async fn uploads_are_limited_by_person() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    app.execute(
        sql("INSERT INTO rate_limits (bucket, key_hash, window_start, hits) VALUES ('upload', ?, ?, 119)")
            .bind(shared::tokens::sha256_hex(ann.id.to_string().as_bytes()))
            .bind(app.app().now()),
    )
    .await;
    let _ = upload(&ann, "a.txt", b"x").await.goes_to("/done");
    assert_eq!(upload(&ann, "a.txt", b"x").await.is(429).header("retry-after"), "3600");
    app.finish().await;
}
