//! Somebody who uses the portal: a browser with its cookies, or a program with its key.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use http::{Method, Request, header};
use serde_json::Value;
use tokio::sync::OnceCell;
use tower::ServiceExt as _;

use super::{Reply, ok};

/// The password of every person that tests make.
pub const PASSWORD: &str = "correct horse battery";

static HASH: OnceCell<String> = OnceCell::const_new();

/// Hashing is slow on purpose, so tests share one hash.
pub(super) async fn password_hash() -> String {
    HASH.get_or_init(async || ok(crate::passwords::hash(PASSWORD).await)).await.clone()
}

/// Somebody who uses the portal. Cookies that it is given are kept and sent.
#[derive(Debug, Clone)]
pub struct Actor {
    router: Router,
    cookie_name: String,
    cookies: Arc<Mutex<Vec<(String, String)>>>,
    /// Row of `users`; 0 for strangers and programs.
    pub id: i64,
    key: Option<String>,
    ip: String,
    headers: Vec<(String, String)>,
}

impl Actor {
    pub(super) fn stranger(router: Router, cookie_name: String) -> Self {
        let ip = "203.0.113.7".to_owned();
        Self { router, cookie_name, cookies: Arc::default(), id: 0, key: None, ip, headers: Vec::new() }
    }

    pub(super) fn with_session(mut self, id: i64, token: &str, csrf: &str) -> Self {
        self.id = id;
        let name = self.cookie_name.clone();
        self.set_cookie(&name, token);
        self.set_cookie(&format!("{name}_csrf"), csrf);
        self
    }

    /// The same person at another address.
    #[must_use]
    pub fn at(mut self, ip: &str) -> Self {
        ip.clone_into(&mut self.ip);
        self
    }

    /// A program with this key, without cookies.
    #[must_use]
    pub fn with_key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self.cookies = Arc::default();
        self
    }

    /// The same browser with one more header on every request.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A second browser of the same person with copies of the cookies.
    #[must_use]
    pub fn copy(&self) -> Self {
        let mut copy = self.clone();
        let cookies = self.cookies.lock().map(|c| c.clone()).unwrap_or_default();
        copy.cookies = Arc::new(Mutex::new(cookies));
        copy
    }

    /// The value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let cookies = self.cookies.lock().ok()?;
        cookies.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone())
    }

    /// Plants or replaces a cookie; an empty value removes it.
    pub fn set_cookie(&self, name: &str, value: &str) {
        if let Ok(mut cookies) = self.cookies.lock() {
            cookies.retain(|(n, _)| n != name);
            if !value.is_empty() {
                cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    /// The CSRF token, as scripts read it.
    pub fn csrf(&self) -> String {
        self.cookie(&format!("{}_csrf", self.cookie_name)).unwrap_or_default()
    }

    /// Opens a page as a browser does.
    pub async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, &[("accept", "text/html")], Body::empty()).await
    }

    /// Asks for one region of a page, as a partial request does.
    pub async fn region(&self, path: &str, target: &str) -> Reply {
        let headers = [("accept", "text/html"), ("hx-request", "true"), ("hx-target", target)];
        self.send(Method::GET, path, &headers, Body::empty()).await
    }

    /// Submits a form as a browser without script does.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        self.submit(path, fields, &[]).await
    }

    /// Submits a form for one region of the page, as a partial request does.
    pub async fn post_region(&self, path: &str, target: &str, fields: &[(&str, &str)]) -> Reply {
        self.submit(path, fields, &[("hx-request", "true"), ("hx-target", target)]).await
    }

    async fn submit(&self, path: &str, fields: &[(&str, &str)], more: &[(&str, &str)]) -> Reply {
        let csrf = self.csrf();
        let mut pairs = vec![("_csrf", csrf.as_str())];
        pairs.extend_from_slice(fields);
        let body = serde_urlencoded::to_string(&pairs).unwrap_or_default();
        let headers = [
            ("accept", "text/html"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("origin", "http://portal.test"),
        ];
        let headers = [&headers[..], more].concat();
        self.send(Method::POST, path, &headers, Body::from(body)).await
    }

    /// Submits a form with files: field, file name, type, content.
    pub async fn upload(&self, path: &str, fields: &[(&str, &str)], files: &[(&str, &str, &str, &[u8])]) -> Reply {
        let csrf = self.csrf();
        let mut body = Vec::new();
        for (name, value) in [("_csrf", csrf.as_str())].iter().chain(fields) {
            let part = format!("--test-part\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
        for (field, name, kind, content) in files {
            let part = format!(
                "--test-part\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
                 Content-Type: {kind}\r\n\r\n"
            );
            body.extend_from_slice(part.as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--test-part--\r\n");
        let headers = [("accept", "text/html"), ("content-type", "multipart/form-data; boundary=test-part")];
        self.send(Method::POST, path, &headers, Body::from(body)).await
    }

    /// Calls the API without a body.
    pub async fn api(&self, method: Method, path: &str) -> Reply {
        let csrf = self.csrf();
        self.send(method, path, &[("accept", "application/json"), ("x-csrf-token", &csrf)], Body::empty()).await
    }

    /// Calls the API with a JSON body.
    pub async fn json(&self, method: Method, path: &str, body: Value) -> Reply {
        let csrf = self.csrf();
        let headers =
            [("accept", "application/json"), ("content-type", "application/json"), ("x-csrf-token", csrf.as_str())];
        self.send(method, path, &headers, Body::from(body.to_string())).await
    }

    /// Sends anything.
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Body) -> Reply {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, "portal.test");
        for (name, value) in headers.iter().copied().filter(|(_, value)| !value.is_empty()) {
            request = request.header(name, value);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(key) = &self.key {
            request = request.header("x-api-key", key);
        }
        let cookies = self.cookies.lock().map(|c| c.clone()).unwrap_or_default();
        if !cookies.is_empty() {
            let text: Vec<String> = cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
            request = request.header(header::COOKIE, text.join("; "));
        }
        let mut request = ok(request.body(body));
        let peer = ok(self.ip.parse::<std::net::IpAddr>());
        request.extensions_mut().insert(axum::extract::ConnectInfo(std::net::SocketAddr::new(peer, 40_000)));
        let request = crate::web::pipeline::strip_slash(request);
        let response = ok(self.router.clone().oneshot(request).await);
        let reply = Reply::read(response).await;
        for (name, value) in reply.cookies() {
            self.set_cookie(&name, &value);
        }
        reply
    }
}
