//! Mail over TLS from the first byte: a real TLS server stands before the sink, with a certificate of its own.
//!
//! Which certificates are trusted is read from the process's environment, so each conversation is held by a
//! process of its own: this very binary, told to run the one test below that is otherwise left out.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use shared::mail::transport::{Backend, Message, SmtpSettings, Tls};
use shared::testing::sink::SmtpSink;

/// Takes TLS connections and passes what they say on to a port of this machine.
const SERVER: &str = r#"
import socket, ssl, sys, threading
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
bound = socket.create_server(("127.0.0.1", 0))
print(bound.getsockname()[1], flush=True)
def pump(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    try:
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass
def converse(plain):
    try:
        outer = context.wrap_socket(plain, server_side=True)
    except (ssl.SSLError, OSError):
        return
    inner = socket.create_connection(("127.0.0.1", int(sys.argv[3])))
    threading.Thread(target=pump, args=(inner, outer), daemon=True).start()
    pump(outer, inner)
while True:
    plain, _ = bound.accept()
    threading.Thread(target=converse, args=(plain,), daemon=True).start()
"#;

fn certificate(folder: &Path) -> (PathBuf, PathBuf) {
    let (certificate, key) = (folder.join("server.pem"), folder.join("server.key"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-addext", "extendedKeyUsage=serverAuth"])
        .arg("-out")
        .arg(&certificate)
        .arg("-keyout")
        .arg(&key)
        .output();
    let made = made.expect("install openssl");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    (certificate, key)
}

/// The server in front of the sink.
struct Server {
    process: Child,
    port: String,
}

impl Server {
    fn before(sink: &SmtpSink, certificate: &Path, key: &Path) -> Self {
        let mut process = Command::new("python3")
            .args(["-c", SERVER])
            .args([certificate, key])
            .arg(sink.port().to_string())
            .stdout(Stdio::piped())
            .spawn()
            .expect("install python3");
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Self { process, port: port.trim().to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Sends one mail from a process that trusts what this file holds; gives what it said when that failed.
async fn send(port: &str, trusted: &Path) -> Result<(), String> {
    let mut other = Command::new(std::env::current_exe().unwrap());
    other
        .args(["smtp_tls::one_mail", "--exact", "--ignored", "--nocapture"])
        .env("SMTP_TLS_PORT", port)
        .env("SSL_CERT_FILE", trusted);
    // The sink lives in this process and must go on meanwhile.
    let done = tokio::task::spawn_blocking(move || other.output()).await.unwrap().unwrap();
    let said = [done.stdout, done.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(said.contains("running 1 test"), "{said}");
    if done.status.success() { Ok(()) } else { Err(said) }
}

#[tokio::test]
#[ignore = "the other half of the test below, in a process of its own"]
async fn one_mail() {
    let settings = SmtpSettings {
        host: "localhost".to_owned(),
        port: std::env::var("SMTP_TLS_PORT").unwrap().parse().unwrap(),
        user: Some("desk".to_owned()),
        password: Some("secret".to_owned()),
        tls: Tls::FromTheStart,
    };
    let message = Message {
        message_id: "<1.tls@portal.example.com>".to_owned(),
        to: vec!["ann@example.com".to_owned()],
        from: "desk@portal.example.com".to_owned(),
        subject: "Over TLS".to_owned(),
        text: "Hello".to_owned(),
        ..Message::default()
    };
    let sent = Backend::smtp(settings).send(&message).await;
    assert!(sent.is_ok(), "{sent:?}");
}

#[tokio::test]
async fn a_mail_is_sent_over_tls_from_the_first_byte_to_a_server_that_is_trusted() {
    let folder = std::env::temp_dir().join(format!("myportal-tls-{}", shared::tokens::random_hex(8)));
    std::fs::create_dir_all(&folder).unwrap();
    let (own, key) = certificate(&folder);
    let sink = SmtpSink::start(&[]).await.unwrap();
    let server = Server::before(&sink, &own, &key);
    send(&server.port, &own).await.unwrap();
    let [mail] = &sink.mails()[..] else { panic!("one mail expected: {:?}", sink.mails()) };
    assert_eq!((mail.to.as_slice(), mail.login.is_some()), (["ann@example.com".to_owned()].as_slice(), true));
    // A certificate that nobody vouches for gets neither password nor mail.
    std::fs::create_dir_all(folder.join("other")).unwrap();
    let (other, _) = certificate(&folder.join("other"));
    let refused = send(&server.port, &other).await.unwrap_err();
    assert!(refused.contains("certificate"), "{refused}");
    // Nor does a server that speaks plainly.
    send(&sink.port().to_string(), &own).await.unwrap_err();
    assert_eq!(sink.mails().len(), 1);
    drop(server);
    std::fs::remove_dir_all(folder).unwrap();
}
