//! A mail server for tests: it keeps what it is given and refuses what its script says.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A mail as it came over the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// The envelope's sender.
    pub from: String,
    /// The envelope's recipients.
    pub to: Vec<String>,
    /// Header and body, without the dots that the protocol doubles.
    pub raw: String,
    /// The arguments of the login, when there was one.
    pub login: Option<String>,
}

/// A refusal, used once: the first word of a command and the answer given to it.
///
/// The word `CUT` as answer closes the connection; the command `END` is the end of the data.
pub type Refusal = (&'static str, &'static str);

#[derive(Debug, Default)]
struct State {
    mails: Vec<Received>,
    script: VecDeque<Refusal>,
    connections: usize,
}

/// A running sink; it stops when this is dropped.
#[derive(Debug)]
pub struct SmtpSink {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl SmtpSink {
    /// Listens on a free port of the loopback address.
    pub async fn start(script: &[Refusal]) -> io::Result<Self> {
        let bound = TcpListener::bind("127.0.0.1:0").await?;
        let address = bound.local_addr()?;
        let state = Arc::new(Mutex::new(State { script: script.iter().copied().collect(), ..State::default() }));
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = bound.accept().await {
                lock(&shared).connections += 1;
                tokio::spawn(converse(socket, Arc::clone(&shared)));
            }
        });
        Ok(Self { address, state, task })
    }

    /// The port to send to on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The mails accepted so far.
    pub fn mails(&self) -> Vec<Received> {
        lock(&self.state).mails.clone()
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        lock(&self.state).connections
    }
}

impl Drop for SmtpSink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The next answer of the script, when it is about this command.
fn refusal(state: &Mutex<State>, command: &str) -> Option<&'static str> {
    lock(state).script.pop_front_if(|(word, _)| *word == command).map(|(_, answer)| answer)
}

async fn converse(mut socket: TcpStream, state: Arc<Mutex<State>>) -> io::Result<()> {
    let (read, mut write) = socket.split();
    let mut lines = BufReader::new(read).lines();
    let mut mail = Received::default();
    write.write_all(b"220 sink\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let word = word.to_ascii_uppercase();
        let mut answer = refusal(&state, &word).unwrap_or_else(|| note(&mut mail, &word, rest));
        if answer.starts_with("354") {
            write.write_all(b"354 go\r\n").await?;
            while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                mail.raw.push_str(line.strip_prefix('.').unwrap_or(&line));
                mail.raw.push_str("\r\n");
            }
            answer = refusal(&state, "END").unwrap_or("250 kept");
            let login = mail.login.clone();
            let whole = std::mem::replace(&mut mail, Received { login, ..Received::default() });
            if answer.starts_with("250") {
                lock(&state).mails.push(whole);
            }
        }
        if answer == "CUT" {
            break;
        }
        write.write_all(format!("{answer}\r\n").as_bytes()).await?;
        if word == "QUIT" {
            break;
        }
    }
    Ok(())
}

fn note(mail: &mut Received, word: &str, rest: &str) -> &'static str {
    let address = || rest.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
    match word {
        "EHLO" => return "250-sink\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN",
        "AUTH" => {
            mail.login = Some(rest.to_owned());
            return "235 welcome";
        }
        "MAIL" => mail.from = address(),
        "RCPT" => mail.to.push(address()),
        "RSET" => *mail = Received::default(),
        "DATA" => return "354 go",
        "QUIT" => return "221 bye",
        "NOOP" | "HELO" => {}
        _ => return "502 not known here",
    }
    "250 fine"
}
