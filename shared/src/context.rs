//! What a caller carries: the request's facts, who acts, and the way to everything else.

use std::sync::{Arc, OnceLock};

use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::app::App;
use crate::audit::Stamp;
use crate::caller::{Access, Actor, FRESH_FOR, Person};
use crate::db::{Db, Tx};
use crate::error::{Error, Result};
use crate::flash::Flash;
use crate::page::Page;
use crate::routes::RouteFacts;

/// The request as handlers may know it.
#[derive(Debug, Clone)]
pub struct Request {
    pub(crate) id: String,
    pub(crate) ip: String,
    pub(crate) user_agent: String,
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) referer: Option<String>,
    pub(crate) origin: Option<String>,
    pub(crate) fetch_site: Option<String>,
    pub(crate) is_https: bool,
    pub(crate) host: String,
    pub(crate) htmx: Option<Htmx>,
    pub(crate) is_form: bool,
    pub(crate) accepts_html: bool,
    pub(crate) accepts_json: bool,
    pub(crate) nonce: String,
    pub(crate) notice: Option<String>,
    pub(crate) facts: Option<RouteFacts>,
}

/// A partial request of a page.
#[derive(Debug, Clone, Default)]
pub struct Htmx {
    /// Id of the element that will be replaced.
    pub target: String,
    /// The whole page is wanted.
    pub full: bool,
}

impl Request {
    /// Names the request in logs, errors and the audit trail.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The client's address, or `unknown`.
    pub fn ip(&self) -> &str {
        &self.ip
    }

    /// The browser, at most 255 characters, without control characters.
    pub fn user_agent(&self) -> &str {
        &self.user_agent
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Path and query.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The area whose API keys may call, if any.
    pub fn scope(&self) -> Option<&'static str> {
        self.facts.as_ref().and_then(|facts| facts.scope)
    }

    /// True where a machine shows a secret of its own, and cookies, keys and origins say nothing.
    pub(crate) fn wants_secret(&self) -> bool {
        self.facts.as_ref().is_some_and(|facts| matches!(facts.access.innermost(), Access::Secret(_)))
    }

    /// The `Origin` header, as browsers send it.
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// True when the answer goes to a person's browser and not to a program.
    pub fn wants_page(&self) -> bool {
        match self.facts.as_ref().map(|facts| facts.is_page) {
            Some(true) => true,
            Some(false) => self.is_form && !self.accepts_json,
            None => self.accepts_html && !self.accepts_json,
        }
    }

    /// True when cookies must carry `Secure` (identity 6).
    pub fn wants_secure_cookies(&self, app: &App) -> bool {
        let portal_is_plain = app.config().portal_url.as_ref().is_none_or(|url| url.scheme() == "http");
        self.is_https || !portal_is_plain
    }
}

/// The context of one request.
#[derive(Debug, Clone)]
pub struct By(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    app: App,
    request: Request,
    actor: Actor,
    /// Row of `idempotency_keys`, once the request holds one.
    claim: OnceLock<i64>,
}

impl By {
    pub(crate) fn new(app: App, request: Request, actor: Actor) -> Self {
        Self(Arc::new(Inner { app, request, actor, claim: OnceLock::new() }))
    }

    /// The app.
    pub fn app(&self) -> &App {
        &self.0.app
    }

    /// The request.
    pub fn request(&self) -> &Request {
        &self.0.request
    }

    /// Who acts.
    pub fn actor(&self) -> &Actor {
        &self.0.actor
    }

    /// The signed-in person, if any.
    pub fn person(&self) -> Option<&Arc<Person>> {
        match &self.0.actor {
            Actor::Person(person) => Some(person),
            _ => None,
        }
    }

    /// For reading.
    pub fn db(&self) -> &Db {
        self.0.app.db()
    }

    /// Now.
    pub fn now(&self) -> DateTime<Utc> {
        self.0.app.now()
    }

    /// The client's address.
    pub fn ip(&self) -> &str {
        &self.0.request.ip
    }

    /// For writing; the trail will name the caller.
    pub async fn begin(&self) -> Result<Tx> {
        Ok(self.db().begin(self.stamp()).await?.under_claim(self.0.claim.get().copied()))
    }

    /// What this request writes is the work of an idempotency key.
    pub(crate) fn works_under(&self, claim: i64) {
        // A request holds one key at most, so a second call changes nothing.
        self.0.claim.get_or_init(|| claim);
    }

    fn stamp(&self) -> Stamp {
        let mut stamp = Stamp::system(self.now());
        stamp.ip_address = Some(self.0.request.ip.clone());
        stamp.request_id = Some(self.0.request.id.clone());
        match &self.0.actor {
            Actor::Nobody => {}
            Actor::Person(person) => {
                stamp.user_id = Some(person.user.id);
                stamp.user_email = Some(person.user.email.clone());
                // A super administrator works on the whole portal, whichever company is chosen above.
                stamp.company_id = person.company.as_ref().filter(|_| !person.user.is_super_admin).map(|c| c.id);
            }
            Actor::Key(key) => {
                stamp.api_key_id = Some(key.id);
                stamp.api_key = Some(key.preview.clone());
                stamp.company_id = key.company_id;
            }
        }
        stamp
    }

    /// Refuses unless the password was confirmed within the last 15 minutes.
    pub fn require_fresh(&self) -> Result<()> {
        let Some(person) = self.person() else { return Ok(()) };
        if self.now() - person.session.reauthenticated_at <= FRESH_FOR {
            return Ok(());
        }
        let back = match self.0.request.method {
            Method::GET | Method::HEAD => self.0.request.target.clone(),
            _ => self.0.request.referer.clone().unwrap_or_else(|| "/".to_owned()),
        };
        Err(Error::forbidden("Confirm your password to continue")
            .code("reauthentication_required")
            .or_see(format!("/confirm-password?next={}", encode_component(&back))))
    }

    /// A whole page, or the region of it that a partial request names.
    pub async fn page<P: Page>(&self, page: &P) -> Result<Response> {
        crate::page::respond(self, page, StatusCode::OK).await
    }

    /// The page again with what was typed and what is wrong: 422.
    pub async fn page_again<P: Page>(&self, page: &P) -> Result<Response> {
        crate::page::respond(self, page, StatusCode::UNPROCESSABLE_ENTITY).await
    }

    /// A page with another status.
    pub async fn page_with<P: Page>(&self, status: StatusCode, page: &P) -> Result<Response> {
        crate::page::respond(self, page, status).await
    }

    /// After a change: on to another page, which shows the message once.
    pub async fn see(&self, to: impl AsRef<str>, flash: Flash) -> Result<Response> {
        let cookie = crate::flash::keep(self, flash).await?;
        let mut response = self.go(to.as_ref());
        if let Some(cookie) = cookie {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        Ok(response)
    }

    /// On to another page without a message.
    pub fn go(&self, to: &str) -> Response {
        if self.0.request.htmx.is_some()
            && let Ok(value) = HeaderValue::from_str(to)
        {
            let header = HeaderName::from_static("hx-redirect");
            return (StatusCode::NO_CONTENT, [(header, value)]).into_response();
        }
        Redirect::to(to).into_response()
    }

    /// The public address of the portal, or in development the one the browser used.
    pub fn base_url(&self) -> Option<String> {
        if let Some(base) = self.app().config().base_url() {
            return Some(base.to_owned());
        }
        if self.app().config().is_production() || self.0.request.host.is_empty() {
            return None;
        }
        let scheme = if self.0.request.is_https { "https" } else { "http" };
        Some(format!("{scheme}://{}", self.0.request.host))
    }
}

const COMPONENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'$')
    .add(b'%')
    .add(b'&')
    .add(b'+')
    .add(b',')
    .add(b'/')
    .add(b':')
    .add(b';')
    .add(b'<')
    .add(b'=')
    .add(b'>')
    .add(b'?')
    .add(b'@')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// As `encodeURIComponent` does.
pub fn encode_component(text: &str) -> String {
    utf8_percent_encode(text, COMPONENT).to_string()
}

/// A path on this site that is safe to send a browser to, or none (organisation 5.2).
pub fn safe_path(path: &str) -> Option<&str> {
    const NEVER: [&str; 4] = ["/login", "/logout", "/auth", "/switch-company"];
    let starts_well = path.starts_with('/') && !path.starts_with("//") && !path.starts_with("/\\");
    let is_clean = !path.contains('\\') && !path.chars().any(char::is_control) && path.chars().count() <= 2000;
    let bare = path.split(['?', '#']).next().unwrap_or_default();
    let loops =
        NEVER.iter().any(|never| bare == *never || bare.strip_prefix(never).is_some_and(|r| r.starts_with('/')));
    (starts_well && is_clean && !loops).then_some(path)
}

/// The first value of a header as text.
pub(crate) fn header_text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_local_paths_are_safe() {
        for good in ["/", "/tickets?status=open&page=2", "/tickets/1#reply-2", "/loginhelp"] {
            assert_eq!(safe_path(good), Some(good));
        }
        for bad in [
            "",
            "tickets",
            "//evil.example",
            "/\\evil.example",
            "/a\\b",
            "/a\r\nb",
            "/login",
            "/login?next=/",
            "/auth/x",
            "https://evil.example",
            "/switch-company",
            "/a\tb",
        ] {
            assert_eq!(safe_path(bad), None, "{bad:?}");
        }
        assert_eq!(safe_path(&format!("/{}", "a".repeat(2000))), None);
    }

    #[test]
    fn components_are_encoded_as_browsers_do() {
        assert_eq!(encode_component("a b&c=d/é!*'()"), "a%20b%26c%3Dd%2F%C3%A9!*'()");
    }
}
