//! One suite, against the embedded server and against any server named by `TEST_S3_ENDPOINT`.

use std::io;
use std::time::Duration;

use futures_util::{StreamExt, stream};

use super::*;
use crate::embedded_s3::EmbeddedS3;
use crate::tokens::random_hex;

const MINUTE: Duration = Duration::from_mins(1);

fn settings(endpoint: &str) -> BlobSettings {
    BlobSettings {
        endpoint: Some(endpoint.to_owned()),
        region: "us-east-1".to_owned(),
        bucket: "portal-uploads".to_owned(),
        access_key: Some("portal".to_owned()),
        secret_key: Some("portal-secret".to_owned()),
        force_path_style: true,
    }
}

async fn embedded() -> (EmbeddedS3, BlobSettings) {
    let folder = std::env::temp_dir().join(format!("portal-blobs-{}", random_hex(6)));
    let server = EmbeddedS3::start(folder, ([127, 0, 0, 1], 0).into(), "portal", "portal-secret", None).await.unwrap();
    let settings = settings(server.endpoint());
    (server, settings)
}

#[tokio::test]
async fn the_embedded_server_passes_the_suite() {
    let (_server, settings) = embedded().await;
    suite(settings, true).await;
}

/// Run by the full test command with a second, independent server.
#[tokio::test]
async fn another_server_passes_the_suite() {
    let Ok(endpoint) = std::env::var("TEST_S3_ENDPOINT") else {
        println!("skipped: TEST_S3_ENDPOINT names no server");
        return;
    };
    let other = |name: &str, or: Option<String>| std::env::var(name).ok().or(or);
    let mut settings = settings(&endpoint);
    settings.region = other("TEST_S3_REGION", None).unwrap_or(settings.region);
    settings.access_key = other("TEST_S3_ACCESS_KEY", settings.access_key);
    settings.secret_key = other("TEST_S3_SECRET_KEY", settings.secret_key);
    suite(settings, std::env::var("TEST_S3_CHECKS_SIGNATURES").is_ok()).await;
}

/// Everything the portal asks of a bucket.
async fn suite(settings: BlobSettings, checks_signatures: bool) {
    let blobs = Blobs::connect(settings.clone());
    blobs.ensure_bucket().await.unwrap();
    blobs.ensure_bucket().await.unwrap();
    blobs.ready().await.unwrap();
    for key in [format!("tickets/7/{}", random_hex(16)), format!("ports/\u{fc}n\u{ef}/a b+c {}", random_hex(4))] {
        whole_life(&blobs, &key).await;
    }
    streams(&blobs).await;
    missing(&blobs).await;
    uploads_by_address(&blobs, checks_signatures).await;
    downloads_by_address(&blobs, checks_signatures).await;
    if checks_signatures {
        strangers(settings).await;
    }
}

async fn whole_life(blobs: &Blobs, key: &str) {
    blobs.put(key, "hello world", "text/plain").await.unwrap();
    let head = blobs.head(key).await.unwrap().unwrap();
    assert_eq!(head, Head { size: 11, content_type: Some("text/plain".to_owned()) });
    let object = blobs.get(key).await.unwrap();
    assert_eq!((object.length, object.content_type.as_deref()), (11, Some("text/plain")));
    assert_eq!(object.bytes(11).await.unwrap(), "hello world");
    assert_eq!(blobs.get(key).await.unwrap().bytes(10).await, Err(BlobError::TooLarge(10)));
    for (bytes, part) in [(0, ""), (1, "h"), (5, "hello"), (11, "hello world"), (4096, "hello world")] {
        assert_eq!(blobs.get_range(key, bytes).await.unwrap(), part);
    }
    let copy = format!("{key}-copy");
    blobs.copy(key, &copy, "text/plain").await.unwrap();
    blobs.delete(key).await.unwrap();
    assert_eq!(blobs.head(key).await.unwrap(), None);
    assert_eq!(blobs.head(&copy).await.unwrap(), Some(head));
    blobs.put(&copy, "other", "text/plain").await.unwrap();
    assert_eq!(blobs.get(&copy).await.unwrap().bytes(100).await.unwrap(), "other");
    blobs.delete(&copy).await.unwrap();
}

async fn streams(blobs: &Blobs) {
    let key = random_hex(16);
    let pieces = |count: usize| stream::iter((0..count).map(|_| Ok(Bytes::from(vec![7; 1024]))));
    blobs.put(&key, Content::stream(1024 * 1024, pieces(1024)), "application/octet-stream").await.unwrap();
    let object = blobs.get(&key).await.unwrap();
    assert_eq!(object.length, 1024 * 1024);
    let sizes: Vec<usize> = object.into_stream().map(|piece| piece.unwrap().len()).collect().await;
    assert_eq!(sizes.iter().sum::<usize>(), 1024 * 1024);
    blobs.delete(&key).await.unwrap();

    for announced in [1023, 1025, 4096] {
        let wrong = Content::stream(announced, pieces(1));
        assert!(blobs.put(&key, wrong, "text/plain").await.is_err(), "announced {announced}");
    }
    let broken = stream::iter([Ok(Bytes::from_static(b"abc")), Err(io::Error::other("cut"))]);
    assert!(blobs.put(&key, Content::stream(6, broken), "text/plain").await.is_err());
    assert_eq!(blobs.head(&key).await.unwrap(), None);

    blobs.put(&key, "", "text/plain").await.unwrap();
    assert_eq!(blobs.get_range(&key, 16).await.unwrap(), "");
    assert_eq!(blobs.get(&key).await.unwrap().bytes(0).await.unwrap(), "");
    blobs.delete(&key).await.unwrap();
}

async fn missing(blobs: &Blobs) {
    let key = random_hex(16);
    assert_eq!(blobs.head(&key).await.unwrap(), None);
    assert_eq!(blobs.get(&key).await.unwrap_err(), BlobError::Missing);
    assert_eq!(blobs.get_range(&key, 5).await.unwrap_err(), BlobError::Missing);
    assert_eq!(blobs.copy(&key, "elsewhere", "text/plain").await.unwrap_err(), BlobError::Missing);
    blobs.delete(&key).await.unwrap();
}

async fn upload(presigned: &Presigned, body: &'static str) -> u16 {
    let mut request = reqwest::Client::new().put(&presigned.url).body(body);
    for (name, value) in &presigned.headers {
        request = request.header(name, value);
    }
    request.send().await.unwrap().status().as_u16()
}

async fn uploads_by_address(blobs: &Blobs, checks_signatures: bool) {
    let key = random_hex(16);
    let presigned = blobs.presigned_put(&key, 5, "application/pdf", MINUTE).await.unwrap();
    assert_eq!(presigned.method, "PUT");
    assert_eq!(presigned.headers, [("content-type".to_owned(), "application/pdf".to_owned())]);
    if checks_signatures {
        assert_eq!(upload(&presigned, "too long").await, 403);
        assert_eq!(upload(&presigned, "abc").await, 403);
        let html = ("content-type".to_owned(), "text/html".to_owned());
        assert_eq!(upload(&Presigned { headers: vec![html], ..presigned.clone() }, "12345").await, 403);
        assert_eq!(blobs.head(&key).await.unwrap(), None);
    }
    assert_eq!(upload(&presigned, "12345").await, 200);
    let head = blobs.head(&key).await.unwrap().unwrap();
    assert_eq!(head, Head { size: 5, content_type: Some("application/pdf".to_owned()) });
    blobs.delete(&key).await.unwrap();
}

async fn downloads_by_address(blobs: &Blobs, checks_signatures: bool) {
    let key = random_hex(16);
    blobs.put(&key, "pixels", "text/html").await.unwrap();
    let attachment = blobs.presigned_get(&key, "Gr\u{fc}\u{df}e.png", MINUTE, Disposition::Attachment).await.unwrap();
    let answer = reqwest::get(&attachment.url).await.unwrap();
    assert_eq!(answer.status(), 200);
    let expected = "attachment; filename=\"Gr__e.png\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe.png";
    assert_eq!(answer.headers()["content-disposition"], expected);
    assert_eq!(answer.text().await.unwrap(), "pixels");

    let inline = Disposition::Inline { content_type: "image/png" };
    let inline = blobs.presigned_get(&key, "a.png", MINUTE, inline).await.unwrap();
    let answer = reqwest::get(&inline.url).await.unwrap();
    assert_eq!(answer.headers()["content-disposition"], "inline; filename=\"a.png\"");
    assert_eq!(answer.headers()["content-type"], "image/png");

    if checks_signatures {
        let as_html = inline.url.replace("image%2Fpng", "text%2Fhtml");
        assert_ne!(as_html, inline.url);
        assert_eq!(reqwest::get(as_html).await.unwrap().status(), 403);
        let brief = blobs.presigned_get(&key, "a.png", Duration::from_secs(1), Disposition::Attachment).await.unwrap();
        tokio::time::sleep(Duration::from_millis(2100)).await;
        let status = reqwest::get(brief.url).await.unwrap().status();
        assert!(status.is_client_error(), "an expired address answered {status}");
    }
    blobs.delete(&key).await.unwrap();
}

async fn strangers(settings: BlobSettings) {
    let wrong = BlobSettings { secret_key: Some("guessed".to_owned()), ..settings };
    let blobs = Blobs::connect(wrong);
    assert!(matches!(blobs.put("key", "x", "text/plain").await, Err(BlobError::Refused { .. })));
    assert!(matches!(blobs.head("key").await, Err(BlobError::Refused { .. })));
    assert!(matches!(blobs.ready().await, Err(BlobError::Refused { .. })));
}

#[tokio::test]
async fn without_its_bucket_the_portal_is_not_ready() {
    let (_server, mut settings) = embedded().await;
    settings.bucket = "nowhere".to_owned();
    let blobs = Blobs::connect(settings);
    assert_eq!(blobs.ready().await, Err(BlobError::Missing));
    assert!(blobs.get("key").await.is_err());
    blobs.ensure_bucket().await.unwrap();
    assert_eq!(blobs.ready().await, Ok(()));
}

#[tokio::test]
async fn without_a_server_the_bucket_is_unavailable_soon() {
    let blobs = Blobs::connect(settings("http://127.0.0.1:9"));
    let started = std::time::Instant::now();
    assert!(matches!(blobs.ready().await, Err(BlobError::Unavailable(_))));
    assert!(matches!(blobs.head("key").await, Err(BlobError::Unavailable(_))));
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn secrets_do_not_show_in_logs() {
    let shown = format!("{:?}", Blobs::connect(settings("http://127.0.0.1:9")));
    assert!(!shown.contains("portal-secret"), "{shown}");
}
