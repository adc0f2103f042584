//! The only way to other systems over HTTP: guarded addresses, short times, small answers, no redirects.

mod address;
mod error;
mod exceptions;
mod resolver;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, Method, StatusCode};
use reqwest::{Client, redirect};
use url::{Host, Url};

pub use error::OutboundError;
pub use exceptions::Exceptions;
use resolver::{Guard, Reach, Resolver};

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// Longest wait for a whole answer, unless the call says otherwise.
pub const TIMEOUT: Duration = Duration::from_secs(15);

/// Largest answer, unless the call says otherwise.
pub const MAX_BYTES: usize = 1024 * 1024;

/// Which hosts may lie in an internal network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Allow {
    /// None: the public internet only.
    #[default]
    PublicOnly,
    /// These, written `host` or `host:port`.
    Hosts(Vec<String>),
}

impl Allow {
    /// Admits hosts, written `host` or `host:port`.
    pub fn hosts<H: Into<String>>(hosts: impl IntoIterator<Item = H>) -> Self {
        Self::Hosts(hosts.into_iter().map(Into::into).collect())
    }

    fn admits(&self, url: &Url) -> bool {
        matches!(self, Self::Hosts(hosts) if hosts.iter().any(|entry| names(entry, url)))
    }
}

/// What to send.
#[derive(Debug, Clone)]
pub struct Request {
    /// Method.
    pub method: Method,
    /// An http or https address without user name.
    pub url: String,
    /// Headers; those that frame the message are ours.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
    /// Longest wait for the whole answer.
    pub timeout: Duration,
    /// Largest answer.
    pub max_bytes: usize,
    /// Cuts a larger answer instead of refusing it, where only the status matters.
    pub cut: bool,
    /// Which hosts may lie in an internal network.
    pub allow: Allow,
    /// Whether the certificate must be valid; false only where an administrator has said so.
    pub verify_tls: bool,
}

impl Request {
    /// A request with the usual limits, to the public internet.
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        Self {
            method,
            url: url.into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            timeout: TIMEOUT,
            max_bytes: MAX_BYTES,
            cut: false,
            allow: Allow::PublicOnly,
            verify_tls: true,
        }
    }
}

/// What came back; a redirect is an answer like any other.
#[derive(Debug, Clone)]
pub struct Response {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
    /// Whether the body was longer.
    pub is_cut: bool,
}

/// The client, cheap to clone. The first request sets it up.
#[derive(Clone, Default)]
pub struct Outbound {
    clients: Arc<Clients>,
    exceptions: Arc<Exceptions>,
    only: Option<Arc<Allow>>,
}

/// Set up by their first request.
type Lazy = OnceLock<Result<Client, String>>;

/// Apart, so that a connection kept open to an admitted host, or to one whose certificate nobody checked,
/// never serves another call.
#[derive(Default)]
struct Clients {
    public: Lazy,
    admitted: Lazy,
    public_unverified: Lazy,
    admitted_unverified: Lazy,
}

impl Outbound {
    /// A client for all calls of a process.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with the internal hosts and networks that the operator admits for every feature.
    pub fn with_exceptions(exceptions: Exceptions) -> Self {
        Self { exceptions: Arc::new(exceptions), ..Self::default() }
    }

    /// A client for tests: it reaches these hosts, wherever they are, and nothing else.
    #[cfg(any(test, feature = "testing"))]
    pub fn only<H: Into<String>>(hosts: impl IntoIterator<Item = H>) -> Self {
        Self { only: Some(Arc::new(Allow::hosts(hosts))), ..Self::default() }
    }

    /// Sends a request and reads the whole answer.
    pub async fn send(&self, request: Request) -> Result<Response, OutboundError> {
        let url = parse(&request.url)?;
        let reach = self.reach(&url, &request.allow)?;
        self.guard(reach).check_literal(&url)?;
        let client = self.client(reach, request.verify_tls)?;
        let (timeout, max, cut) = (request.timeout, request.max_bytes, request.cut);
        let (method, host) = (request.method.clone(), url.host_str().unwrap_or_default().to_owned());
        let sent = client.request(request.method, url).headers(own(request.headers)).body(request.body);
        let exchange = async {
            let response = sent.send().await.map_err(|error| OutboundError::of(error, timeout))?;
            read(response, max, cut, timeout).await
        };
        let started = Instant::now();
        let done = tokio::time::timeout(timeout, exchange).await.unwrap_or(Err(OutboundError::Timeout(timeout)));
        // Neither path nor query: both may be the secret of the other side.
        let status = done.as_ref().map(|answer| answer.status.as_u16()).unwrap_or_default();
        let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(%method, host, status, ms, "outbound");
        done
    }

    fn reach(&self, url: &Url, allow: &Allow) -> Result<Reach, OutboundError> {
        match &self.only {
            Some(only) if only.admits(url) => Ok(Reach::Internal),
            Some(_) => Err(OutboundError::NotAllowed(url.host_str().unwrap_or_default().to_owned())),
            None if allow.admits(url) || self.exceptions.name(url) => Ok(Reach::Internal),
            None => Ok(Reach::Public),
        }
    }

    fn guard(&self, reach: Reach) -> Guard {
        Guard { reach, exceptions: Arc::clone(&self.exceptions) }
    }

    fn client(&self, reach: Reach, verify: bool) -> Result<&Client, OutboundError> {
        let lazy = match (reach, verify) {
            (Reach::Public, true) => &self.clients.public,
            (Reach::Internal, true) => &self.clients.admitted,
            (Reach::Public, false) => &self.clients.public_unverified,
            (Reach::Internal, false) => &self.clients.admitted_unverified,
        };
        let client = lazy.get_or_init(|| client(self.guard(reach), verify).map_err(|error| error.to_string()));
        client.as_ref().map_err(|error| OutboundError::Protocol(error.clone()))
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").field("only", &self.only).finish_non_exhaustive()
    }
}

/// Without the proxies of the environment: they would connect where the guard forbids it.
fn client(guard: Guard, verify: bool) -> reqwest::Result<Client> {
    Client::builder()
        .user_agent(concat!("MyPortal/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .redirect(redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .tls_danger_accept_invalid_certs(!verify)
        .dns_resolver(Resolver(guard))
        .build()
}

fn parse(text: &str) -> Result<Url, OutboundError> {
    let bad = |detail: &str| OutboundError::Url(detail.to_owned());
    let url = Url::parse(text.trim()).map_err(|error| OutboundError::Url(format!("It is wrong: {error}.")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad("Other kinds of address are not supported."));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("Leave out the user name and password."));
    }
    if url.host().is_none() || url.port() == Some(0) {
        return Err(bad("It names no host."));
    }
    Ok(url)
}

impl Guard {
    /// Addresses in place of names never meet the resolver; the parser has read every way to write them.
    fn check_literal(&self, url: &Url) -> Result<(), OutboundError> {
        match url.host() {
            Some(Host::Ipv4(address)) => self.check(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => self.check(IpAddr::V6(address)),
            _ => Ok(()),
        }
    }
}

/// Whether an entry of an allow-list names the host of an address, and its port if it has one.
fn names(entry: &str, url: &Url) -> bool {
    let entry = entry.split_once("://").map_or(entry, |(_, rest)| rest).trim().trim_end_matches('/');
    let Ok(read) = Url::parse(&format!("http://{entry}")) else { return false };
    let bare = |url: &Url| url.host_str().unwrap_or_default().trim_end_matches('.').to_owned();
    // Read from the text: the parser drops a port that is the usual one.
    let port = entry.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    bare(&read) == bare(url) && port.is_none_or(|port| Some(port) == url.port_or_known_default())
}

fn own(mut headers: HeaderMap) -> HeaderMap {
    for framing in [HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION, UPGRADE] {
        headers.remove(framing);
    }
    headers
}

async fn read(
    mut response: reqwest::Response,
    max: usize,
    cut: bool,
    timeout: Duration,
) -> Result<Response, OutboundError> {
    let announced = response.content_length().is_some_and(|length| length > max as u64);
    if announced && !cut {
        return Err(OutboundError::TooLarge(max));
    }
    let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
    let (mut body, mut is_cut) = (BytesMut::new(), false);
    while let Some(piece) = response.chunk().await.map_err(|error| OutboundError::of(error, timeout))? {
        body.extend_from_slice(&piece);
        if body.len() > max {
            if !cut {
                return Err(OutboundError::TooLarge(max));
            }
            body.truncate(max);
            is_cut = true;
            break;
        }
    }
    Ok(Response { status, headers, body: body.freeze(), is_cut })
}
