//! Asks a clamd server about a file, by its INSTREAM command.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const TIME_LIMIT: Duration = Duration::from_mins(1);

/// What the scanner said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Clean,
    Infected,
}

/// Streams a file to the scanner and reads its verdict; anything but a clear one is an error.
pub(super) async fn ask(
    address: &str,
    content: impl Stream<Item = io::Result<Bytes>> + Unpin + Send,
) -> io::Result<Verdict> {
    tokio::time::timeout(TIME_LIMIT, converse(address, content))
        .await
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "the scanner did not answer"))?
}

async fn converse(
    address: &str,
    mut content: impl Stream<Item = io::Result<Bytes>> + Unpin + Send,
) -> io::Result<Verdict> {
    let mut scanner = TcpStream::connect(address).await?;
    scanner.write_all(b"zINSTREAM\0").await?;
    while let Some(chunk) = content.next().await {
        let chunk = chunk?;
        let length = u32::try_from(chunk.len()).map_err(io::Error::other)?;
        scanner.write_all(&length.to_be_bytes()).await?;
        scanner.write_all(&chunk).await?;
    }
    scanner.write_all(&[0; 4]).await?;
    let mut answer = String::new();
    scanner.take(1024).read_to_string(&mut answer).await?;
    let answer = answer.trim_end_matches('\0').trim();
    if answer.ends_with("OK") {
        Ok(Verdict::Clean)
    } else if answer.ends_with("FOUND") {
        Ok(Verdict::Infected)
    } else {
        Err(io::Error::other(format!("the scanner said: {answer}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;
    use tokio::net::TcpListener;

    async fn scanner(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut seen = Vec::new();
            let mut buffer = [0; 1024];
            while !seen.ends_with(&[0, 0, 0, 0]) {
                let n = socket.read(&mut buffer).await.unwrap();
                seen.extend_from_slice(&buffer[..n]);
            }
            socket.write_all(answer.as_bytes()).await.unwrap();
        });
        address
    }

    fn content() -> impl Stream<Item = io::Result<Bytes>> + Unpin + Send {
        stream::iter([Ok(Bytes::from_static(b"hello"))])
    }

    #[tokio::test]
    async fn verdicts_are_read_and_nothing_else_is_clean() {
        assert_eq!(ask(&scanner("stream: OK\0").await, content()).await.unwrap(), Verdict::Clean);
        assert_eq!(ask(&scanner("stream: Eicar FOUND\0").await, content()).await.unwrap(), Verdict::Infected);
        assert!(ask(&scanner("INSTREAM size limit exceeded. ERROR\0").await, content()).await.is_err());
        assert!(ask("127.0.0.1:1", content()).await.is_err());
    }
}
