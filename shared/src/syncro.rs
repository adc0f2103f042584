//! Syncro, as far as its API is documented: `GET` of JSON, at most 180 calls a minute over everything we
//! do with it (tickets 9.3). Nothing here sleeps: whoever has to wait is told how long, and goes on by a job.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, NaiveDateTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::app::App;
use crate::context::encode_component;
use crate::error::{Error, Result};
use crate::modules::{self, Slug, settings};
use crate::outbound::{Allow, OutboundError, Request, Response};
use crate::outbound_slots::{self, Bucket};

/// What Syncro allows an account.
pub const LIMIT: Bucket = Bucket { name: "syncro", per_minute: 180 };

/// Tickets in a page.
pub const PAGE: i64 = 25;

/// A page of tickets with long comments.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// A file of a ticket may take so long.
const FILE_TIMEOUT: Duration = Duration::from_mins(1);

/// A file may be kept so many redirects away.
const HOPS: usize = 3;

/// Waits after a refusal for too many calls end here, whatever the other side says.
const LONGEST_WAIT: TimeDelta = TimeDelta::minutes(10);

/// An account.
#[derive(Clone)]
pub struct Syncro {
    base: String,
    key: String,
    allow: Allow,
}

impl std::fmt::Debug for Syncro {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Syncro").field("base", &self.base).finish_non_exhaustive()
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Fault {
    /// Our own limit is reached: call again after this time. Nothing was sent.
    Full(TimeDelta),
    /// Syncro asks to wait so long.
    Limited(TimeDelta),
    /// Another try may succeed.
    Temporary(String),
    /// The key or its rights are wrong.
    Denied(String),
    /// No further try can help.
    Failed(String),
    /// Our fault.
    Internal(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Internal(error)
    }
}

impl Fault {
    /// One line for people.
    pub fn text(&self) -> String {
        match self {
            Self::Full(_) => "The limit of 180 calls a minute is reached".to_owned(),
            Self::Limited(_) => "Syncro refused more calls for now".to_owned(),
            Self::Temporary(text) | Self::Denied(text) | Self::Failed(text) => text.clone(),
            Self::Internal(error) => error.detail().into_owned(),
        }
    }
}

/// How often a call was tried; kept in the job that waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Patience {
    limited: u8,
    failed: u8,
}

impl Patience {
    /// How long to wait before the same call is tried again; none to give up. 429 is waited for five times,
    /// faults of the other side are tried again after 2, 8 and 30 seconds.
    pub fn after(&mut self, fault: &Fault) -> Option<TimeDelta> {
        match fault {
            Fault::Full(wait) => Some(*wait),
            Fault::Limited(wait) => {
                self.limited += 1;
                (self.limited <= 5).then_some(*wait)
            }
            Fault::Temporary(_) => {
                self.failed += 1;
                [2, 8, 30].get(usize::from(self.failed) - 1).map(|seconds| TimeDelta::seconds(*seconds))
            }
            Fault::Denied(_) | Fault::Failed(_) | Fault::Internal(_) => None,
        }
    }
}

impl Syncro {
    /// The account of the Syncro module; none when it is off or not set up.
    pub async fn of_module(app: &App) -> Result<Option<Self>> {
        let module = modules::find(app, app.db(), Slug::Syncro).await?;
        if !module.is_ready(app)? {
            return Ok(None);
        }
        let set: settings::Syncro = module.settings()?;
        let key = module.secret(app, "api_key")?.unwrap_or_default();
        Ok(Some(Self { base: set.api(), key, allow: module.allow() }))
    }

    /// Another account, as some companies have.
    pub fn of_account(base_url: &str, key: &str) -> Self {
        let base = settings::Syncro { base_url: base_url.to_owned() }.api();
        Self { base, key: key.to_owned(), allow: Allow::PublicOnly }
    }

    /// Asks for JSON below `/api/v1`; none when Syncro has nothing there.
    pub async fn get(&self, app: &App, path: &str, query: &[(&str, &str)]) -> Result<Option<Value>, Fault> {
        let mut headers = self.allowed(app).await?;
        let pairs: Vec<String> = query.iter().map(|(n, v)| format!("{n}={}", encode_component(v))).collect();
        let mark = if pairs.is_empty() { "" } else { "?" };
        let url = format!("{}{path}{mark}{}", self.base, pairs.join("&"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let request = Request {
            headers,
            timeout: Duration::from_secs(15),
            max_bytes: MAX_BYTES,
            allow: self.allow.clone(),
            ..Request::new(Method::GET, url)
        };
        let response = app.outbound().send(request).await.map_err(|error| unanswered(&error))?;
        let Some(body) = read(response, app.now())? else { return Ok(None) };
        let json = serde_json::from_slice(&body);
        json.map(Some).map_err(|_| Fault::Temporary("Syncro answered something that is no JSON".to_owned()))
    }

    /// Fetches a file that a record names: from the account with the key and within its limit, from wherever
    /// else Syncro keeps it without. None when it is gone.
    pub async fn file(&self, app: &App, address: &str, max_bytes: usize) -> Result<Option<Sent>, Fault> {
        let unreadable = |_| Fault::Failed("The address of the file cannot be read".to_owned());
        let account = Url::parse(&self.base).map_err(unreadable)?;
        let mut url = account.join(address).map_err(unreadable)?;
        for _ in 0..=HOPS {
            let is_own = url.origin() == account.origin();
            let headers = if is_own { self.allowed(app).await? } else { HeaderMap::new() };
            let allow = if is_own { self.allow.clone() } else { Allow::PublicOnly };
            let plain = Request::new(Method::GET, url.as_str());
            let request = Request { headers, timeout: FILE_TIMEOUT, max_bytes, allow, ..plain };
            let response = app.outbound().send(request).await.map_err(|error| unanswered(&error))?;
            let text = |name| response.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
            if response.status.is_redirection() {
                url = url.join(&text(header::LOCATION).unwrap_or_default()).map_err(unreadable)?;
                continue;
            }
            if !is_own && matches!(response.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
                return Err(Fault::Failed("The address of the file is no longer valid".to_owned()));
            }
            let content_type = text(header::CONTENT_TYPE);
            return Ok(read(response, app.now())?.map(|content| Sent { content_type, content }));
        }
        Err(Fault::Failed("The address of the file leads on and on".to_owned()))
    }

    /// Takes a call and gives the headers that open the account.
    async fn allowed(&self, app: &App) -> Result<HeaderMap, Fault> {
        if let Err(wait) = outbound_slots::take(app, &LIMIT).await? {
            return Err(Fault::Full(wait));
        }
        let bearer = HeaderValue::from_str(&format!("Bearer {}", self.key));
        let mut bearer = bearer.map_err(|_| Fault::Denied("The Syncro key holds characters no key has".to_owned()))?;
        bearer.set_sensitive(true);
        Ok(HeaderMap::from_iter([(header::AUTHORIZATION, bearer)]))
    }
}

/// A file as it came.
#[derive(Debug)]
pub struct Sent {
    /// What the other side takes it for.
    pub content_type: Option<String>,
    /// The whole of it.
    pub content: Bytes,
}

fn unanswered(error: &OutboundError) -> Fault {
    if error.is_temporary() {
        Fault::Temporary(format!("Syncro did not answer: {error}"))
    } else {
        Fault::Failed(format!("Syncro cannot be asked: {error}"))
    }
}

/// The body of a good answer; none for what is not there.
fn read(response: Response, now: DateTime<Utc>) -> Result<Option<Bytes>, Fault> {
    match response.status {
        StatusCode::NOT_FOUND | StatusCode::GONE => Ok(None),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Err(Fault::Denied("Syncro refused the key: check it and its permissions in the Syncro module".to_owned()))
        }
        StatusCode::TOO_MANY_REQUESTS => Err(Fault::Limited(retry_after(&response.headers, now))),
        status if status.is_server_error() => Err(Fault::Temporary(format!("Syncro answered {}", status.as_u16()))),
        status if status.is_success() => Ok(Some(response.body)),
        status => Err(Fault::Failed(format!("Syncro answered {}", status.as_u16()))),
    }
}

/// Seconds or a date; a minute when nothing can be read.
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> TimeDelta {
    let text = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()).unwrap_or_default().trim();
    let wait = match text.parse::<i64>() {
        Ok(seconds) => TimeDelta::seconds(seconds.clamp(1, 86_400)),
        Err(_) => DateTime::parse_from_rfc2822(text).map_or(TimeDelta::seconds(60), |at| at.to_utc() - now),
    };
    wait.clamp(TimeDelta::seconds(1), LONGEST_WAIT)
}

/// A time as Syncro writes it: with an offset, or without one in the zone of the account.
pub fn time(text: &str, zone: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.to_utc());
    }
    let plain = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];
    let plain = plain.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    let plain = plain.or_else(|| text.parse::<chrono::NaiveDate>().ok()?.and_hms_opt(0, 0, 0))?;
    let zone: Tz = zone.parse().unwrap_or(Tz::UTC);
    // A time that a change of clocks skipped is taken as if there were none.
    let at = zone.from_local_datetime(&plain).earliest().map(|at| at.to_utc());
    Some(at.unwrap_or_else(|| plain.and_utc()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_has_an_end() {
        let mut patience = Patience::default();
        let waits: Vec<Option<i64>> =
            (0..4).map(|_| patience.after(&Fault::Temporary(String::new())).map(|w| w.num_seconds())).collect();
        assert_eq!(waits, [Some(2), Some(8), Some(30), None]);
        let limited = Fault::Limited(TimeDelta::seconds(60));
        assert_eq!((0..6).filter(|_| patience.after(&limited).is_some()).count(), 5);
        assert!((0..500).all(|_| patience.after(&Fault::Full(TimeDelta::seconds(9))).is_some()));
        assert_eq!(patience.after(&Fault::Denied(String::new())), None);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_within_bounds() {
        let now = DateTime::from_timestamp(1_795_425_120, 0).unwrap();
        let wait = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, text.parse().unwrap());
            retry_after(&headers, now).num_seconds()
        };
        assert_eq!((wait("7"), wait("0"), wait("-5"), wait("99999999999")), (7, 1, 1, 600));
        assert_eq!(wait(&(now + TimeDelta::seconds(90)).to_rfc2822()), 90);
        assert_eq!(wait(&(now - TimeDelta::seconds(90)).to_rfc2822()), 1);
        assert_eq!((wait("soon"), retry_after(&HeaderMap::new(), now).num_seconds()), (60, 60));
    }

    #[test]
    fn times_have_an_offset_or_the_zone_of_the_account() {
        let read = |text: &str| time(text, "America/New_York").map(|at| at.to_rfc3339());
        assert_eq!(read("2026-06-01T09:00:00.000-07:00").unwrap(), "2026-06-01T16:00:00+00:00");
        assert_eq!(read("2026-06-01T09:00:00Z").unwrap(), "2026-06-01T09:00:00+00:00");
        assert_eq!(read("2026-06-01 09:00:00").unwrap(), "2026-06-01T13:00:00+00:00");
        assert_eq!(read("2026-12-01").unwrap(), "2026-12-01T05:00:00+00:00");
        // Skipped and doubled by a change of clocks.
        assert!(read("2026-03-08 02:30:00").is_some() && read("2026-11-01 01:30:00").is_some());
        assert_eq!((read("yesterday"), read("")), (None, None));
        assert_eq!(time("2026-06-01 09:00:00", "Nowhere/Land").unwrap().to_rfc3339(), "2026-06-01T09:00:00+00:00");
    }
}
