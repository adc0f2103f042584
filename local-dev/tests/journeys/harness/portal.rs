//! The server under test: the real binary, with a data folder, a port and a database of its own.

use std::fs::File;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use shared::testing::sink::SmtpSink;
use sqlx::{Connection as _, Executor as _};

use super::mails::Mail;
use super::{Findings, scratch, wait_for};

/// A running server.
#[derive(Debug)]
pub struct Portal {
    address: String,
    folder: PathBuf,
    child: Mutex<Child>,
    schema: Option<Schema>,
    sink: Option<SmtpSink>,
}

/// A schema of its own on the server that `TEST_DATABASE_URL` names.
#[derive(Debug)]
struct Schema {
    server: String,
    name: String,
}

impl Portal {
    /// Starts it and waits until it says that it is ready.
    pub async fn start(mail: Mail) -> Self {
        let folder = scratch("journey");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("http://127.0.0.1:{port}");
        let schema = Schema::create().await;
        let sink = match mail {
            Mail::Mailbox => None,
            Mail::Smtp => Some(SmtpSink::start(&[]).await.unwrap()),
        };
        let log = File::create(folder.join("server.log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_myportal"));
        command.current_dir(&folder).env_clear().env("LISTEN", format!("127.0.0.1:{port}"));
        command.env("DATA_DIR", folder.join("data"));
        // A journey opens in a minute what people open in an hour, all from one address.
        command.env("RATE_LIMIT_ANONYMOUS", "20000").env("RATE_LIMIT_SIGNED_IN", "20000");
        for name in ["PATH", "HOME", "TEMPLATES_DIR", "LOG"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        if let Some(schema) = &schema {
            command.env("DATABASE_URL", schema.url());
        }
        if let Some(sink) = &sink {
            command.env("SMTP_HOST", "127.0.0.1").env("SMTP_PORT", sink.port().to_string());
            command.env("SMTP_SECURE", "false").env("SMTP_FROM", "portal@example.com");
            command.env("PORTAL_URL", &address);
        }
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let child = command.spawn().expect("the server starts");
        let portal = Self { address, folder, child: Mutex::new(child), schema, sink };
        portal.until_ready().await;
        portal
    }

    /// Its address without a trailing slash.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// True when a database server holds the data, not a file.
    pub fn is_on_server(&self) -> bool {
        self.schema.is_some()
    }

    /// The mail server, when mails go to one.
    pub fn sink(&self) -> Option<&SmtpSink> {
        self.sink.as_ref()
    }

    async fn until_ready(&self) {
        let url = format!("{}/health/ready", self.address);
        let ready = wait_for(async || {
            let ended = self.child.lock().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "the server ended at once\n{}", self.log_end(40));
            let answer = reqwest::get(&url).await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
        assert!(ready.is_some(), "the server does not get ready\n{}", self.log_end(40));
    }

    /// The last lines of its log.
    pub fn log_end(&self, lines: usize) -> String {
        let text = std::fs::read_to_string(self.folder.join("server.log")).unwrap_or_default();
        let all: Vec<&str> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }

    /// Stops it as Ctrl-C does; whatever it complained about is a finding.
    pub async fn stop(&self, findings: &Findings) {
        let id = self.child.lock().unwrap().id();
        Command::new("kill").args(["-s", "INT", &id.to_string()]).status().unwrap();
        let begun = Instant::now();
        let ended = loop {
            let status = self.child.lock().unwrap().try_wait().unwrap();
            if status.is_some() || begun.elapsed() > Duration::from_secs(20) {
                break status;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        match ended {
            Some(status) if status.success() => {}
            Some(status) => findings.add(format!("the server ended with {status}")),
            None => findings.add("the server did not end within 20 s".to_owned()),
        }
        let text = std::fs::read_to_string(self.folder.join("server.log")).unwrap_or_default();
        // Failed sign-ins are told at this level too, and are none of the server's faults.
        let is_fault =
            |line: &&str| line.contains("panicked") || (line.contains("ERROR") && !line.contains(" auth: AUTH "));
        for line in text.lines().filter(is_fault) {
            findings.add(format!("the server logged: {line}"));
        }
        if let Some(schema) = &self.schema {
            schema.drop().await;
        }
        drop(std::fs::remove_dir_all(self.folder.join("data")));
    }
}

impl Drop for Portal {
    fn drop(&mut self) {
        if let Ok(child) = self.child.get_mut() {
            end(child);
        }
    }
}

/// Ends a process that may have ended already.
pub fn end(child: &mut Child) {
    drop(child.kill());
    drop(child.wait());
}

impl Schema {
    async fn create() -> Option<Self> {
        let server = std::env::var("TEST_DATABASE_URL").ok().filter(|url| !url.is_empty())?;
        let name = format!("journey_{}", shared::tokens::random_hex(8));
        let schema = Self { server, name };
        schema.run(&format!("CREATE DATABASE {} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", schema.name)).await;
        Some(schema)
    }

    fn url(&self) -> String {
        format!("{}/{}", self.server.trim_end_matches('/'), self.name)
    }

    async fn drop(&self) {
        self.run(&format!("DROP DATABASE {}", self.name)).await;
    }

    async fn run(&self, statement: &str) {
        let mut connection = sqlx::MySqlConnection::connect(&self.server).await.unwrap();
        connection.execute(sqlx::AssertSqlSafe(statement.to_owned())).await.unwrap();
        connection.close().await.unwrap();
    }
}
