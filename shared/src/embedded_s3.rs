//! An S3 server inside the process: objects are files in a folder, signatures are checked.
//!
//! The local server and the tests speak to it as to any bucket. It is not for production.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderValue, ORIGIN, VARY,
};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::Body;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// What a page may send in a preflighted upload.
const UPLOAD_HEADERS: &str = "content-type, content-disposition, x-amz-content-sha256, x-amz-date, authorization";

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedS3Error {
    /// The folder cannot be created or used.
    #[error("the folder {0} cannot hold the embedded bucket: {1}")]
    Folder(PathBuf, String),
    /// The address is taken or not ours.
    #[error("the embedded bucket cannot listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
    /// The origin cannot stand in a header.
    #[error("{0:?} is no origin such as http://127.0.0.1:8000")]
    Origin(String),
}

/// A running server; it stops when this is dropped.
#[derive(Debug)]
pub struct EmbeddedS3 {
    endpoint: String,
    task: JoinHandle<()>,
}

impl EmbeddedS3 {
    /// Starts the server on an address (port 0 takes a free one) over the objects of a folder.
    ///
    /// Pages of `allow_origin` may read and upload across origins.
    pub async fn start(
        folder: PathBuf,
        listen: SocketAddr,
        access_key: &str,
        secret_key: &str,
        allow_origin: Option<String>,
    ) -> Result<Self, EmbeddedS3Error> {
        let service = service(&folder, access_key, secret_key)?;
        let origin = allow_origin.map(origin).transpose()?;
        let bound = TcpListener::bind(listen).await.map_err(|error| EmbeddedS3Error::Listen(listen, error))?;
        let address = bound.local_addr().map_err(|error| EmbeddedS3Error::Listen(listen, error))?;
        let task = tokio::spawn(accept(bound, Arc::new(Server { service, origin })));
        Ok(Self { endpoint: format!("http://{address}"), task })
    }

    /// The address to configure as `S3_ENDPOINT`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}

impl Drop for EmbeddedS3 {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn service(folder: &PathBuf, access_key: &str, secret_key: &str) -> Result<S3Service, EmbeddedS3Error> {
    let unusable = |error: String| EmbeddedS3Error::Folder(folder.clone(), error);
    std::fs::create_dir_all(folder).map_err(|error| unusable(error.to_string()))?;
    let files = s3s_fs::FileSystem::new(folder).map_err(|error| unusable(format!("{error:?}")))?;
    let mut builder = S3ServiceBuilder::new(files);
    builder.set_auth(SimpleAuth::from_single(access_key, secret_key));
    Ok(builder.build())
}

fn origin(text: String) -> Result<HeaderValue, EmbeddedS3Error> {
    HeaderValue::from_str(text.trim_end_matches('/')).map_err(|_| EmbeddedS3Error::Origin(text))
}

/// What every connection needs.
struct Server {
    service: S3Service,
    origin: Option<HeaderValue>,
}

/// Connections belong to the set, so they end with the server.
async fn accept(bound: TcpListener, server: Arc<Server>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = bound.accept() => match accepted {
                Ok((socket, _)) => { connections.spawn(serve(socket, Arc::clone(&server))); }
                Err(error) => {
                    tracing::warn!(%error, "the embedded bucket could not accept a connection");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(socket: TcpStream, server: Arc<Server>) {
    let answer = service_fn(move |request| {
        let server = Arc::clone(&server);
        async move { Ok::<_, Infallible>(server.answer(request).await) }
    });
    let builder = Builder::new(TokioExecutor::new());
    if let Err(error) = builder.serve_connection(TokioIo::new(socket), answer).await {
        tracing::debug!(%error, "a connection to the embedded bucket ended early");
    }
}

impl Server {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let from = request.headers().get(ORIGIN).cloned();
        let mut response = if is_preflight(&request) {
            status(StatusCode::NO_CONTENT)
        } else {
            hyper::service::Service::call(&self.service, request).await.unwrap_or_else(|error| {
                tracing::error!(?error, "the embedded bucket could not answer");
                status(StatusCode::INTERNAL_SERVER_ERROR)
            })
        };
        if from.is_some() {
            self.share(from, response.headers_mut());
        }
        response
    }

    fn share(&self, from: Option<HeaderValue>, headers: &mut HeaderMap) {
        headers.append(VARY, HeaderValue::from_static("Origin"));
        if from.is_none() || from != self.origin {
            return;
        }
        headers.extend(from.map(|origin| (ACCESS_CONTROL_ALLOW_ORIGIN, origin)));
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, PUT"));
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(UPLOAD_HEADERS));
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("etag"));
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
}

fn is_preflight(request: &Request<Incoming>) -> bool {
    request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

fn status(code: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = code;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORTAL: &str = "http://127.0.0.1:8000";

    async fn server(name: &str) -> EmbeddedS3 {
        let folder = std::env::temp_dir().join(format!("portal-s3-{name}-{}", crate::tokens::random_hex(6)));
        let listen = ([127, 0, 0, 1], 0).into();
        EmbeddedS3::start(folder, listen, "key", "secret", Some(PORTAL.to_owned())).await.unwrap()
    }

    async fn preflight(server: &EmbeddedS3, origin: &str) -> reqwest::Response {
        reqwest::Client::new()
            .request(Method::OPTIONS, format!("{}/bucket/object", server.endpoint()))
            .header("Origin", origin)
            .header("Access-Control-Request-Method", "PUT")
            .send()
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn pages_of_the_portal_may_upload() {
        let server = server("cors").await;
        let answer = preflight(&server, PORTAL).await;
        assert_eq!(answer.status(), 204);
        assert_eq!(answer.headers()["access-control-allow-origin"], PORTAL);
        assert!(answer.headers()["access-control-allow-methods"].to_str().unwrap().contains("PUT"));
    }

    #[tokio::test]
    async fn other_pages_may_not() {
        let server = server("cors-other").await;
        for origin in ["https://example.com", "null", "http://127.0.0.1:80"] {
            let answer = preflight(&server, origin).await;
            assert!(!answer.headers().contains_key("access-control-allow-origin"), "{origin}");
        }
    }

    #[tokio::test]
    async fn nobody_reads_without_a_signature() {
        let server = server("anonymous").await;
        let answer = reqwest::get(format!("{}/bucket/object", server.endpoint())).await.unwrap();
        assert_eq!(answer.status(), 403);
    }

    #[tokio::test]
    async fn dropping_the_server_ends_it() {
        let server = server("drop").await;
        let address = server.endpoint().trim_start_matches("http://").to_owned();
        drop(server);
        tokio::task::yield_now().await;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn what_cannot_start_says_why() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (folder, address) = (std::env::temp_dir(), taken.local_addr().unwrap());
        let error = EmbeddedS3::start(folder, address, "key", "secret", None).await.unwrap_err();
        assert!(error.to_string().contains(&address.to_string()), "{error}");
        let error = EmbeddedS3::start("/dev/null/x".into(), address, "key", "secret", None).await.unwrap_err();
        assert!(error.to_string().contains("/dev/null/x"), "{error}");
    }
}
