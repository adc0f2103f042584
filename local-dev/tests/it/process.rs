//! Programs under test as processes of their own, and a plain HTTP client for them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use http::Method;
use serde_json::Value;
use shared::tokens::random_hex;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, MySqlConnection};
use tokio::process::{Child, Command};

/// A folder that is gone afterwards.
#[derive(Debug)]
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("myportal-{name}-{}", random_hex(6)));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// A database for several processes: a file in the folder, or a schema where `TEST_DATABASE_URL` says so.
pub async fn database(folder: &Path) -> String {
    let Ok(server) = std::env::var("TEST_DATABASE_URL") else {
        return format!("sqlite:{}", folder.join("portal.sqlite").display());
    };
    let name = format!("test_{}", random_hex(8));
    let mut connection = MySqlConnection::connect(&server).await.unwrap();
    let create = format!("CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
    connection.execute(AssertSqlSafe(create)).await.unwrap();
    connection.close().await.unwrap();
    format!("{}/{name}", server.trim_end_matches('/'))
}

/// Removes what [`database`] made.
pub async fn drop_database(url: &str) {
    let Some((server, name)) = url.rsplit_once('/').filter(|_| url.starts_with("mysql:")) else { return };
    let mut connection = MySqlConnection::connect(server).await.unwrap();
    connection.execute(AssertSqlSafe(format!("DROP DATABASE {name}"))).await.unwrap();
    connection.close().await.unwrap();
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A running local server; it is killed when this is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    pub base: String,
}

impl Server {
    /// Starts it and waits until it answers.
    pub async fn start(settings: &BTreeMap<&str, String>) -> Self {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(Path::new(&settings["DATA_DIR"]).join("server.log"))
            .unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_myportal"))
            .env_clear()
            .envs(settings)
            .env("LOG", "warn")
            .current_dir(std::env::temp_dir())
            .stdout(Stdio::from(log.try_clone().unwrap()))
            .stderr(Stdio::from(log))
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let server = Self { child, base: format!("http://{}", settings["LISTEN"]) };
        server.ready().await;
        server
    }

    async fn ready(&self) {
        let until = Instant::now() + Duration::from_secs(30);
        while reqwest::get(format!("{}/health", self.base)).await.is_err() {
            assert!(Instant::now() < until, "the server does not answer");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// SIGKILL.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// SIGTERM, as a service manager stops it; gives the exit code.
    pub async fn stop(mut self) -> Option<i32> {
        let id = self.child.id().unwrap().to_string();
        Command::new("kill").args(["-TERM", &id]).status().await.unwrap();
        self.child.wait().await.unwrap().code()
    }
}

/// A person's program: it sends JSON and keeps its session.
#[derive(Debug, Clone, Default)]
pub struct Client {
    base: String,
    address: String,
    cookies: BTreeMap<String, String>,
}

/// Status and body, or nothing when the connection broke.
pub type Answer = Option<(u16, Value)>;

impl Client {
    /// `address` is where the client claims to be, for servers that trust this machine as a proxy.
    pub fn new(base: &str, address: &str) -> Self {
        Self { base: base.to_owned(), address: address.to_owned(), cookies: BTreeMap::new() }
    }

    /// Sends a body under a key that makes repeats harmless.
    pub async fn send(&mut self, method: Method, path: &str, body: &Value, key: Option<&str>) -> Answer {
        let csrf = self.cookies.get("myportal_session_csrf").cloned().unwrap_or_default();
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = reqwest::Client::new()
            .request(method, format!("{}{path}", self.base))
            .header("accept", "application/json")
            .header("x-forwarded-for", &self.address)
            .header("x-csrf-token", csrf)
            .header("cookie", cookies.join("; "))
            .timeout(Duration::from_secs(20));
        if !body.is_null() {
            request = request.json(body);
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let answer = request.send().await.ok()?;
        for cookie in answer.headers().get_all("set-cookie") {
            let pair = cookie.to_str().ok()?.split(';').next()?.to_owned();
            let (name, value) = pair.split_once('=')?;
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        let status = answer.status().as_u16();
        let text = answer.text().await.ok()?;
        Some((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    /// Asks for a page and leaves its body unread.
    pub async fn raw(&self, path: &str) -> reqwest::Response {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let request = client.get(format!("{}{path}", self.base)).header("cookie", cookies.join("; "));
        request.header("x-forwarded-for", &self.address).send().await.unwrap()
    }

    /// Sends a form with one file, as a page without script does; gives the status.
    pub async fn upload(&mut self, path: &str, fields: &[(&str, &str)], name: &str, content: Vec<u8>) -> u16 {
        let csrf = self.cookies.get("myportal_session_csrf").cloned().unwrap_or_default();
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut body = Vec::new();
        for (name, value) in [("_csrf", csrf.as_str())].iter().chain(fields) {
            let part = format!("--part\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
        let head = format!("--part\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{name}\"\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(&content);
        body.extend_from_slice(b"\r\n--part--\r\n");
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let request = client
            .post(format!("{}{path}", self.base))
            .header("content-type", "multipart/form-data; boundary=part")
            .header("cookie", cookies.join("; "))
            .body(body);
        request.send().await.unwrap().status().as_u16()
    }
}
