//! A web server for tests: it keeps what it is sent and answers as its script says, faults included.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::ok;

/// A request as it came over the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// The method.
    pub method: String,
    /// Path and query, exactly as sent.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Received {
    /// The first value of a header, empty when there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub enum Answer {
    /// A status with JSON.
    Json(u16, Value),
    /// A status, headers and a body.
    Full(u16, Vec<(&'static str, String)>, String),
    /// These bytes, whatever they are, then the end of the connection.
    Raw(&'static str),
    /// The end of the connection without an answer.
    Cut,
    /// Nothing for so long, then the end of the connection.
    Silence(Duration),
}

impl Answer {
    /// A status with nothing.
    pub fn status(status: u16) -> Self {
        Self::Full(status, Vec::new(), String::new())
    }
}

type Script = Arc<dyn Fn(&Received) -> Answer + Send + Sync>;

/// A running server; it stops when this is dropped.
pub struct Server {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    task: JoinHandle<()>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Server({})", self.address)
    }
}

impl Server {
    /// Listens on a free port of the loopback address.
    pub async fn start(script: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Self {
        let bound = ok(TcpListener::bind("127.0.0.1:0").await);
        let address = ok(bound.local_addr());
        let received = Arc::new(Mutex::new(Vec::new()));
        let (kept, script): (_, Script) = (Arc::clone(&received), Arc::new(script));
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = bound.accept().await {
                tokio::spawn(converse(socket, Arc::clone(&kept), Arc::clone(&script)));
            }
        });
        Self { address, received, task }
    }

    /// Answers one after the other as listed, the last for ever.
    pub async fn with(answers: Vec<Answer>) -> Self {
        let next = Mutex::new(0);
        Self::start(move |_| {
            let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
            let answer = answers.get(*next).or(answers.last()).cloned().unwrap_or(Answer::Cut);
            *next += 1;
            answer
        })
        .await
    }

    /// Its address without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.received).clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(list: &Mutex<Vec<Received>>) -> MutexGuard<'_, Vec<Received>> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn converse(mut socket: TcpStream, kept: Arc<Mutex<Vec<Received>>>, script: Script) {
    let Some(request) = read(&mut socket).await else { return };
    let answer = script(&request);
    lock(&kept).push(request);
    let (status, headers, body) = match answer {
        Answer::Json(status, value) => {
            (status, vec![("content-type", "application/json".to_owned())], value.to_string())
        }
        Answer::Full(status, headers, body) => (status, headers, body),
        Answer::Raw(text) => return drop(socket.write_all(text.as_bytes()).await),
        Answer::Cut => return,
        Answer::Silence(time) => return tokio::time::sleep(time).await,
    };
    let start = format!("HTTP/1.1 {status} Status\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    let lines = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
    let text = std::iter::once(start).chain(lines).collect::<String>();
    drop(socket.write_all(format!("{text}\r\n{body}").as_bytes()).await);
}

/// Head and body; bodies of our client always have a length.
async fn read(socket: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let mut request = Received { method, target, headers, body: bytes.split_off(end + 4) };
    let length: usize = request.header("content-length").parse().unwrap_or(0);
    while request.body.len() < length {
        if socket.read_buf(&mut request.body).await.ok()? == 0 {
            return None;
        }
    }
    Some(request)
}
