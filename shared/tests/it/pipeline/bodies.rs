//! Bodies: their limits, their kinds, and how they arrive.

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::Method;
use serde_json::json;

use super::{FORM, JSON, portal};

/// A body of unknown length, in pieces.
fn chunked(pieces: Vec<Vec<u8>>) -> Body {
    Body::from_stream(stream::iter(pieces.into_iter().map(|piece| Ok::<_, std::io::Error>(Bytes::from(piece)))))
}

#[tokio::test]
async fn bodies_have_a_limit_announced_or_not() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let csrf = ann.csrf();
    let token = ("x-csrf-token", csrf.as_str());
    let too_long = [JSON, token, ("content-length", "1048577")];
    let _ = ann.send(Method::POST, "/api/things", &too_long, Body::empty()).await.is(413);
    let pieces = || chunked(vec![vec![b'x'; 600_000], vec![b'x'; 600_000]]);
    let _ = ann.send(Method::POST, "/api/things", &[JSON, token], pieces()).await.is(413);
    let reply = ann.send(Method::POST, "/save", &[FORM, token], pieces()).await.is(413);
    assert!(reply.header("content-type").starts_with("text/html"));
    let multipart = ("content-type", "multipart/form-data; boundary=b");
    let head = b"--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n".to_vec();
    let body = chunked(vec![head, vec![b'x'; 600_000], vec![b'x'; 600_000]]);
    let _ = ann.send(Method::POST, "/save", &[multipart, token], body).await.is(413);
    let fits = json!({ "text": "x".repeat(1_000_000) });
    let _ = ann.json(Method::POST, "/api/things", fits).await.is(201);
    app.finish().await;
}

#[tokio::test]
async fn text_fields_of_an_upload_have_the_limit_of_forms() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let long = "x".repeat(1_100_000);
    let _ = ann.upload("/take", &[("name", &long)], &[]).await.is(413);
    let half = "x".repeat(600_000);
    let _ = ann.upload("/take", &[("name", &half), ("more", &half)], &[]).await.is(413);
    let _ = ann.upload("/take", &[("name", &half)], &[]).await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn other_content_types_are_415() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let csrf = ann.csrf();
    let headers = [("content-type", "text/plain"), ("x-csrf-token", csrf.as_str())];
    for path in ["/api/things", "/save", "/take"] {
        let _ = ann.send(Method::POST, path, &headers, Body::from("{}")).await.is(415);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_file_passes_the_token_check_whole() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    // Longer than what the pipeline reads ahead, with text that looks like the form's own.
    let mut content = b"--another\r\nname=\"_csrf\"\r\n\r\nno\r\n".repeat(10_000);
    content.push(0xff);
    let hash = shared::tokens::sha256_hex(&content);
    let reply = ann.upload("/take", &[("name", "é")], &[("f", "a.bin", "text/plain", &content)]).await.is(200);
    assert_eq!(reply.text(), format!("é: a.bin {} {hash}", content.len()));
    let plain = ann.post("/take", &[("name", "no file"), ("new_password", "x")]).await.is(200);
    assert_eq!(plain.text(), "no file: ");
    let stranger = app.stranger();
    let _ = stranger.upload("/take", &[], &[("f", "a.bin", "text/plain", b"x")]).await.goes_to("/login");
    ann.set_cookie("myportal_session_csrf", "0");
    let _ = ann.upload("/take", &[], &[("f", "a.bin", "text/plain", b"x")]).await.is(403);
    app.finish().await;
}

#[tokio::test]
async fn a_body_in_tiny_pieces_is_read_in_time() {
    let app = portal().await;
    let ann = app.requester("ann").await;
    let csrf = ann.csrf();
    let mut body = b"--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\n".to_vec();
    body.extend(vec![b'x'; 80_000]);
    body.extend_from_slice(b"\r\n--b--\r\n");
    let headers = [("content-type", "multipart/form-data; boundary=b"), ("x-csrf-token", csrf.as_str())];
    let started = std::time::Instant::now();
    let body = chunked(body.into_iter().map(|byte| vec![byte]).collect());
    let _ = ann.send(Method::POST, "/take", &headers, body).await.is(200);
    assert!(started.elapsed().as_secs() < 10, "took {:?}", started.elapsed());
    app.finish().await;
}
