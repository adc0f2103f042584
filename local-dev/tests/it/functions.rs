//! The functions as they are deployed: their binaries under an emulator of the Lambda runtime, on the
//! database and the bucket of a running local server.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use shared::db::{Db, PoolSize, sql};
use shared::embedded_s3::EmbeddedS3;
use shared::testing::sink::SmtpSink;
use tokio::process::{Child, Command};
use tokio::sync::{Notify, oneshot};

use crate::gateway::event;
use crate::process::{Client, Scratch, Server, database, drop_database, free_port};

#[derive(Default)]
struct Queue {
    events: Mutex<VecDeque<(String, Value)>>,
    answers: Mutex<HashMap<String, oneshot::Sender<Value>>>,
    more: Notify,
}

type Runtime = Arc<Queue>;

/// The next event, waited for as the real runtime lets a function wait.
async fn next(State(queue): State<Runtime>) -> Response {
    loop {
        let taken = queue.events.lock().unwrap().pop_front();
        let Some((id, event)) = taken else {
            queue.more.notified().await;
            continue;
        };
        let deadline =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap() + Duration::from_secs(30);
        let headers = [
            ("lambda-runtime-aws-request-id", id),
            ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
            ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-west-2:123456789012:function:it".to_owned()),
        ];
        return (headers, event.to_string()).into_response();
    }
}

async fn take(State(queue): State<Runtime>, Path((id, kind)): Path<(String, String)>, body: Bytes) -> StatusCode {
    let value: Value = serde_json::from_slice(&body).unwrap_or_default();
    let value = if kind == "response" { value } else { json!({ "error": value }) };
    if let Some(waiting) = queue.answers.lock().unwrap().remove(&id) {
        drop(waiting.send(value));
    }
    StatusCode::ACCEPTED
}

/// `Invoke` of the Lambda API for an event: it is queued for the function, and nobody waits for it.
async fn invoke_later(State(queue): State<Runtime>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let authorization = headers["authorization"].to_str().unwrap();
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=it/"), "{authorization}");
    assert!(authorization.contains("/eu-west-2/lambda/aws4_request"), "{authorization}");
    assert!(authorization.contains("x-amz-invocation-type"), "{authorization}");
    assert_eq!(headers["x-amz-invocation-type"], "Event");
    let event: Value = serde_json::from_slice(&body).unwrap();
    let mut events = queue.events.lock().unwrap();
    let id = format!("event-{}", events.len());
    events.push_back((id, event));
    queue.more.notify_one();
    StatusCode::ACCEPTED
}

async fn emulator() -> (Runtime, String) {
    let queue = Runtime::default();
    let routes = Router::new()
        .route("/2015-03-31/functions/worker/invocations", post(invoke_later))
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/{kind}", post(take))
        .with_state(Arc::clone(&queue));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (queue, address)
}

/// One instance of a function.
struct Function {
    queue: Runtime,
    /// Where its runtime and its part of the Lambda API are.
    address: String,
    _child: Child,
    started: Instant,
    count: u64,
    /// The browser behind the gateway.
    cookies: BTreeMap<String, String>,
}

impl Function {
    async fn start(name: &str, settings: &BTreeMap<&str, String>) -> Self {
        let (queue, address) = emulator().await;
        let log = std::fs::File::create(PathBuf::from(&settings["DATA_DIR"]).join(format!("{name}.log"))).unwrap();
        let child = Command::new(binary(name))
            .env_clear()
            .envs(settings)
            .envs([
                ("AWS_LAMBDA_RUNTIME_API", address.as_str()),
                ("AWS_LAMBDA_FUNCTION_NAME", name),
                ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
                ("DATABASE_CONNECTIONS", "2"),
            ])
            .stdout(Stdio::from(log.try_clone().unwrap()))
            .stderr(Stdio::from(log))
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self { queue, address, _child: child, started: Instant::now(), count: 0, cookies: BTreeMap::new() }
    }

    async fn invoke(&mut self, event: Value) -> Value {
        self.count += 1;
        let id = format!("request-{}", self.count);
        let (sender, answer) = oneshot::channel();
        self.queue.answers.lock().unwrap().insert(id.clone(), sender);
        self.queue.events.lock().unwrap().push_back((id, event));
        self.queue.more.notify_one();
        let answer =
            tokio::time::timeout(Duration::from_secs(40), answer).await.expect("the function answers").unwrap();
        if self.count == 1 {
            println!("start to first answer: {:?}", self.started.elapsed());
        }
        answer
    }

    /// A request through the gateway; cookies are kept as a browser keeps them.
    async fn request(&mut self, method: &Method, path: &str, body: Option<&Value>) -> (u16, Vec<u8>, Value) {
        let mut headers = json!({"host": "portal.example.com", "accept": "application/json, text/html"});
        if body.is_some() {
            headers["content-type"] = "application/json".into();
        }
        if let Some(csrf) = self.cookies.get("myportal_session_csrf") {
            headers["x-csrf-token"] = csrf.as_str().into();
        }
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let text = body.map(Value::to_string);
        let event = event(method.as_str(), path, &headers, &cookies, text.as_ref().map(String::as_bytes));
        let answer = self.invoke(event).await;
        assert!(answer["error"].is_null(), "{answer}");
        for cookie in answer["cookies"].as_array().into_iter().flatten() {
            let pair = cookie.as_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        let body = answer["body"].as_str().unwrap_or_default();
        let is_binary = answer["isBase64Encoded"] == json!(true);
        let bytes = if is_binary { STANDARD.decode(body).unwrap() } else { body.as_bytes().to_vec() };
        (u16::try_from(answer["statusCode"].as_u64().unwrap()).unwrap(), bytes, answer)
    }
}

/// The binaries that `cargo test --workspace` builds beside this test.
fn binary(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_BIN_EXE_myportal")).with_file_name(name);
    assert!(path.exists(), "{} is missing: run `cargo test --workspace`", path.display());
    path
}

/// One database, one bucket, for all processes.
fn settings(folder: &Scratch, database: &str, bucket: &str, mail_port: u16) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("DATA_DIR", folder.0.display().to_string()),
        ("DATABASE_URL", database.to_owned()),
        ("LISTEN", format!("127.0.0.1:{}", free_port())),
        ("SESSION_SECRET", "function-session-secret-0123456789abcdef".to_owned()),
        ("TOTP_ENCRYPTION_KEY", "function-encryption-key-0123456789abcdef".to_owned()),
        ("S3_ENDPOINT", bucket.to_owned()),
        ("S3_ACCESS_KEY", "it".to_owned()),
        ("S3_SECRET_KEY", "it-secret".to_owned()),
        ("UPLOADS_BUCKET", "uploads".to_owned()),
        ("REQUIRE_EMAIL_VERIFICATION", "false".to_owned()),
        ("SMTP_HOST", "127.0.0.1".to_owned()),
        ("SMTP_PORT", mail_port.to_string()),
        ("SMTP_SECURE", "false".to_owned()),
        ("SMTP_FROM", "portal@example.com".to_owned()),
        // The local server leaves the work to the worker function.
        ("WORKER_ENABLED", "false".to_owned()),
    ])
}

/// A picture of one colour, as a phone would send a much larger one.
fn picture() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let pixels = image::RgbImage::from_pixel(40, 30, image::Rgb([200, 30, 30]));
    pixels.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// Registers, raises a ticket and attaches a picture by the local server; gives the ticket's id.
async fn ticket_with_picture(base: &str) -> (i64, i64) {
    let mut ann = Client::new(base, "10.0.0.1");
    let form = json!({"email": "ann@example.com", "password": "correct horse battery", "first_name": "Ann",
        "last_name": "Admin", "company_name": "Northstar"});
    let answer = ann.send(Method::POST, "/auth/register", &form, None).await.unwrap();
    assert_eq!(answer.0, 201, "{answer:?}");
    let ticket = json!({"subject": "Printer in room 4 jams", "description": "On every second page."});
    let (status, created) = ann.send(Method::POST, "/api/tickets", &ticket, None).await.unwrap();
    assert_eq!(status, 201, "{created}");
    let id = created["id"].as_i64().unwrap();
    let file =
        ann.upload(&format!("/tickets/{id}/replies"), &[("body", "See the picture")], "room.png", picture()).await;
    assert!(matches!(file, 200 | 201 | 303), "upload: {file}");
    let (_, shown) = ann.send(Method::GET, &format!("/api/tickets/{id}"), &Value::Null, None).await.unwrap();
    let attachment = find_attachment(&shown).unwrap_or_else(|| panic!("no attachment in {shown}"));
    (id, attachment)
}

/// The id of the first attachment, wherever the answer carries it.
fn find_attachment(value: &Value) -> Option<i64> {
    match value {
        Value::Object(map) => map.iter().find_map(|(name, inner)| match name.as_str() {
            "attachments" => inner[0]["id"].as_i64(),
            _ => find_attachment(inner),
        }),
        Value::Array(list) => list.iter().find_map(find_attachment),
        _ => None,
    }
}

/// Areas whose pages a person opens once, by the function that serves them.
const PAGES: [(&str, &str); 5] = [
    ("site", "/admin/audit-logs"),
    ("companies", "/admin/companies"),
    ("automation", "/admin/automation"),
    ("notifications", "/notifications"),
    ("mcp", "/admin/mcp"),
];

/// Nobody ticks the worker: the request for a new password wakes it.
async fn mail_does_not_wait(identity: &mut Function, sink: &SmtpSink) {
    let forgot = json!({"email": "ann@example.com"});
    let (status, ..) = identity.request(&Method::POST, "/auth/password/forgot", Some(&forgot)).await;
    assert!(matches!(status, 200 | 202), "{status}");
    for _ in 0..200 {
        if sink.mails().iter().any(|mail| mail.raw.contains("Subject: Reset")) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no mail came");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn functions_and_local_server_share_one_portal() {
    let folder = Scratch::new("functions");
    let url = database(&folder.0).await;
    let any_port = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let bucket = EmbeddedS3::start(folder.0.join("bucket"), any_port, "it", "it-secret", None).await.unwrap();
    std::fs::create_dir_all(folder.0.join("bucket/uploads")).unwrap();
    let sink = SmtpSink::start(&[]).await.unwrap();
    let mut settings = settings(&folder, &url, bucket.endpoint(), sink.port());
    let server = Server::start(&settings).await;
    let (ticket, attachment) = ticket_with_picture(&server.base).await;
    let mut worker = Function::start("worker", &settings).await;
    settings.extend([
        ("WORKER_FUNCTION", "worker".to_owned()),
        ("AWS_ENDPOINT_URL", format!("http://{}", worker.address)),
        ("AWS_REGION", "eu-west-2".to_owned()),
        ("AWS_ACCESS_KEY_ID", "it".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "it-secret".to_owned()),
    ]);

    let mut identity = Function::start("identity", &settings).await;
    let login = json!({"email": "ann@example.com", "password": "correct horse battery"});
    let (status, body, answer) = identity.request(&Method::POST, "/auth/login", Some(&login)).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    assert_eq!(answer["cookies"].as_array().map_or(0, Vec::len), 2, "{answer}");
    let (status, ..) = identity.request(&Method::GET, "/auth/session", None).await;
    assert_eq!(status, 200);

    let mut tickets = Function::start("tickets", &settings).await;
    let (status, ..) = tickets.request(&Method::GET, &format!("/api/tickets/{ticket}"), None).await;
    assert_eq!(status, 401, "nobody is signed in here yet");
    tickets.cookies = identity.cookies.clone();
    let (status, body, _) = tickets.request(&Method::GET, &format!("/tickets/{ticket}"), None).await;
    let page = String::from_utf8_lossy(&body);
    assert!(status == 200 && page.contains("Printer in room 4 jams"), "{status} {page}");
    let path = format!("/tickets/{ticket}/attachments/{attachment}");
    let (status, bytes, answer) = tickets.request(&Method::GET, &path, None).await;
    let bytes = if status == 302 { fetch(&answer).await } else { bytes };
    assert_eq!(bytes[..4], *b"\x89PNG", "{status} {answer}");

    for (name, path) in PAGES {
        let mut function = Function::start(name, &settings).await;
        function.cookies = identity.cookies.clone();
        let (status, ..) = function.request(&Method::GET, path, None).await;
        assert_eq!(status, 200, "{name} {path}");
    }

    mail_does_not_wait(&mut identity, &sink).await;
    let tick = json!({"version": "0", "id": "1", "detail-type": "Scheduled Event", "source": "aws.scheduler",
        "time": "2026-11-23T09:12:00Z", "resources": [], "detail": {}});
    let counts = worker.invoke(tick).await;
    assert!(counts["succeeded"].is_u64(), "{counts}");

    let db = Db::connect(&url, PoolSize { connections: 1 }).await.unwrap();
    let sessions: i64 = sql("SELECT COUNT(*) FROM user_sessions").fetch_value(&db).await.unwrap();
    assert_eq!(sessions, 2, "one by the server, one by the function");
    db.close().await;
    assert_eq!(server.stop().await, Some(0));
    drop_database(&url).await;
}

/// Where a redirect of the gateway leads.
async fn fetch(answer: &Value) -> Vec<u8> {
    let to = answer["headers"]["location"].as_str().unwrap();
    reqwest::get(to).await.unwrap().bytes().await.unwrap().to_vec()
}
