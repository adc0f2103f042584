//! Against a local server that misbehaves, and against addresses that must never be reached.

use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// What the server does once the request has been read.
#[derive(Clone, Copy)]
enum Behaviour {
    Answer(&'static str),
    Silence,
    Endless,
}

/// Serves one kind of behaviour on a free port of the loopback address.
async fn server(behaviour: Behaviour) -> u16 {
    let bound = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = bound.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = bound.accept().await {
            tokio::spawn(async move {
                let mut request = vec![0; 4096];
                let _ = socket.read(&mut request).await;
                match behaviour {
                    Behaviour::Answer(text) => drop(socket.write_all(text.as_bytes()).await),
                    Behaviour::Silence => tokio::time::sleep(Duration::from_mins(1)).await,
                    Behaviour::Endless => {
                        let _ = socket.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
                        while socket.write_all(&[b'x'; 1024]).await.is_ok() {}
                    }
                }
            });
        }
    });
    port
}

async fn get(url: &str, allow: Allow) -> Result<Response, OutboundError> {
    Outbound::new().send(Request { allow, timeout: Duration::from_secs(5), ..Request::new(Method::GET, url) }).await
}

async fn fault(behaviour: Behaviour, change: impl FnOnce(&mut Request)) -> Result<Response, OutboundError> {
    let url = format!("http://127.0.0.1:{}/secret-path", server(behaviour).await);
    let mut request = Request { allow: Allow::hosts(["127.0.0.1"]), ..Request::new(Method::POST, url) };
    change(&mut request);
    Outbound::new().send(request).await
}

const HELLO: &str = "HTTP/1.1 200 OK\r\nX-Answer: yes\r\nContent-Length: 5\r\n\r\nhello";

#[tokio::test]
async fn an_answer_has_status_headers_and_body() {
    let answer = fault(Behaviour::Answer(HELLO), |request| request.body = "{}".into()).await.unwrap();
    assert_eq!((answer.status, &answer.body[..], answer.is_cut), (StatusCode::OK, &b"hello"[..], false));
    assert_eq!(answer.headers["x-answer"], "yes");
}

#[tokio::test]
async fn inner_addresses_are_refused_however_they_are_written() {
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "017700000001",
        "0177.0.0.1",
        "127.0.0.1.",
        "0",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "10.0.0.1",
        "0xa.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "0xa9fea9fe",
        "2852039166",
        "[::ffff:a9fe:a9fe]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "[ff02::1]",
        "224.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "192.0.2.1",
        "203.0.113.1",
        "[2001:db8::1]",
        "[2001::1]",
        "%31%32%37.0.0.1",
        "\u{ff11}\u{ff12}\u{ff17}.0.0.1",
        "\u{2460}0.0.0.1",
        "LOCALHOST",
        "localhost",
    ] {
        let error = get(&format!("http://{host}:9/"), Allow::PublicOnly).await.unwrap_err();
        assert!(matches!(error, OutboundError::Refused(_)), "{host}: {error}");
    }
}

#[tokio::test]
async fn admitting_a_host_admits_no_other() {
    let port = server(Behaviour::Answer(HELLO)).await;
    let url = format!("http://localhost:{port}/");
    let right = format!("localhost:{port}");
    for entry in ["localhost", "LOCALHOST", "localhost.", &right, &format!("http://{right}/")] {
        assert!(get(&url, Allow::hosts([entry])).await.is_ok(), "{entry}");
    }
    for entry in ["", "127.0.0.1", "localhost:1", "example.com", "local", "*", "localhost.example.com", "host"] {
        let error = get(&url, Allow::hosts([entry])).await.unwrap_err();
        assert!(matches!(error, OutboundError::Refused(_)), "{entry}");
    }
    let metadata = get("http://169.254.169.254/", Allow::hosts(["169.254.169.254"])).await.unwrap_err();
    assert!(matches!(metadata, OutboundError::Refused(_)));
}

#[test]
fn entries_name_hosts_and_ports() {
    let url = |text: &str| Url::parse(text).unwrap();
    assert!(names("ollama.lan:443", &url("https://ollama.lan/x")));
    assert!(names("ollama.lan:80", &url("http://ollama.lan/x")));
    assert!(!names("ollama.lan:80", &url("https://ollama.lan/x")));
    assert!(names("[::1]:8080", &url("http://[::1]:8080/")));
    assert!(names("[::1]", &url("http://[::1]:8080/")));
    assert!(!names("[::1]:8081", &url("http://[::1]:8080/")));
    assert!(names("10.1", &url("http://10.0.0.1/")));
}

#[tokio::test]
async fn a_connection_kept_open_serves_no_other_call() {
    let answer = "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n";
    let url = format!("http://localhost:{}/", server(Behaviour::Answer(answer)).await);
    let outbound = Outbound::new();
    let admitted = Request { allow: Allow::hosts(["localhost"]), ..Request::new(Method::GET, &url) };
    assert!(outbound.send(admitted).await.is_ok());
    let error = outbound.send(Request::new(Method::GET, &url)).await.unwrap_err();
    assert!(matches!(error, OutboundError::Refused(_)), "{error}");
}

#[tokio::test]
async fn redirects_are_answers() {
    let text = "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n";
    let answer = fault(Behaviour::Answer(text), |_| {}).await.unwrap();
    assert_eq!(answer.status, StatusCode::FOUND);
    assert_eq!(answer.headers["location"], "http://169.254.169.254/");
}

#[tokio::test]
async fn slow_servers_are_left() {
    let started = Instant::now();
    let timeout = Duration::from_millis(200);
    let error = fault(Behaviour::Silence, |request| request.timeout = timeout).await.unwrap_err();
    assert_eq!(error, OutboundError::Timeout(timeout));
    assert_eq!(error.to_string(), "There was no complete answer within 0.2 seconds.");
    assert!(started.elapsed() < Duration::from_secs(3));
    let text = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n";
    let cut = fault(Behaviour::Answer(text), |request| request.timeout = timeout).await.unwrap_err();
    assert!(matches!(cut, OutboundError::Protocol(_)), "{cut}");
}

#[tokio::test]
async fn broken_answers_are_protocol_errors_without_the_address() {
    for text in [
        "",
        "nonsense\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ] {
        let error = fault(Behaviour::Answer(text), |_| {}).await.unwrap_err();
        assert!(matches!(error, OutboundError::Protocol(_)), "{text:?}: {error:?}");
        assert!(error.is_temporary() && !error.to_string().contains("secret-path"), "{error}");
    }
}

#[tokio::test]
async fn large_answers_are_refused_or_cut() {
    let limit = |request: &mut Request| request.max_bytes = 10_000;
    assert_eq!(fault(Behaviour::Endless, limit).await.unwrap_err(), OutboundError::TooLarge(10_000));
    let announced = "HTTP/1.1 200 OK\r\nContent-Length: 10001\r\n\r\n";
    assert_eq!(fault(Behaviour::Answer(announced), limit).await.unwrap_err(), OutboundError::TooLarge(10_000));
    let cut = fault(Behaviour::Endless, |request| (request.max_bytes, request.cut) = (10_000, true)).await.unwrap();
    assert_eq!((cut.body.len(), cut.is_cut), (10_000, true));
    let exact = fault(Behaviour::Answer(HELLO), |request| request.max_bytes = 5).await.unwrap();
    assert_eq!((&exact.body[..], exact.is_cut), (&b"hello"[..], false));
}

#[tokio::test]
async fn nobody_there_is_a_connection_error() {
    let error = get("http://127.0.0.1:9/secret-path", Allow::hosts(["127.0.0.1"])).await.unwrap_err();
    assert!(matches!(error, OutboundError::Connect(_)), "{error:?}");
    assert!(error.is_temporary() && !error.to_string().contains("secret-path"), "{error}");
}

#[tokio::test]
async fn unknown_names_are_not_found() {
    let error = get("http://nowhere.invalid/", Allow::PublicOnly).await.unwrap_err();
    assert_eq!(error, OutboundError::Dns("nowhere.invalid".to_owned()));
}

#[tokio::test]
async fn only_plain_web_addresses_are_used() {
    for url in [
        "",
        "example.com",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "http://",
        "http://user@example.com/",
        "http://user:password@example.com/",
        "https://:443/",
        "http://example.com:99999/",
        "http://example.com:0/",
        "http://[::1",
        "http://exa mple.com/",
        "javascript:alert(1)",
    ] {
        let error = get(url, Allow::hosts(["example.com"])).await.unwrap_err();
        assert!(matches!(error, OutboundError::Url(_)), "{url}: {error:?}");
        assert!(!error.to_string().contains("password@"), "{error}");
    }
}

#[tokio::test]
async fn the_client_of_tests_reaches_its_own_servers_only() {
    let port = server(Behaviour::Answer(HELLO)).await;
    let outbound = Outbound::only([format!("127.0.0.1:{port}")]);
    let send = async |url: String| outbound.send(Request::new(Method::GET, url)).await;
    assert!(send(format!("http://127.0.0.1:{port}/")).await.is_ok());
    assert_eq!(
        send("https://example.com/".to_owned()).await.unwrap_err(),
        OutboundError::NotAllowed("example.com".to_owned())
    );
}

#[tokio::test]
async fn framing_headers_of_callers_are_dropped() {
    let mut headers = HeaderMap::new();
    for (name, value) in [("host", "inner"), ("transfer-encoding", "chunked"), ("content-length", "5"), ("x-a", "b")] {
        headers.insert(name, value.parse().unwrap());
    }
    assert_eq!(own(headers).len(), 1);
}
