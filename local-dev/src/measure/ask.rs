//! Questions asked through the whole pipeline within the process at a steady rate, and their times.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use chrono::TimeDelta;
use http::{Method, Request, header};
use shared::app::App;
use shared::audit::Stamp;
use shared::db::sql;
use shared::tokens::Token;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tower::ServiceExt as _;

use super::Amounts;
use super::fill::People;

/// A browser of one person.
#[derive(Debug)]
struct Browser {
    router: Router,
    cookie: String,
    csrf: String,
}

impl Browser {
    async fn of(app: &App, router: &Router, user: i64) -> Result<Self> {
        let token = Token::new();
        let now = app.now();
        let mut tx = app.db().begin(Stamp::system(now)).await.map_err(crate::plain)?;
        tx.housekeeping();
        sql("INSERT INTO user_sessions (user_id, session_token_hash, created_at, expires_at, absolute_expires_at, \
             last_seen_at, reauthenticated_at) VALUES (?, ?, ?, ?, ?, ?, ?)")
        .bind(user)
        .bind(token.digest())
        .bind(now)
        .bind(now + TimeDelta::hours(8))
        .bind(now + TimeDelta::hours(8))
        .bind(now)
        .bind(now)
        .insert(&mut tx)
        .await?;
        tx.commit().await.map_err(crate::plain)?;
        let (name, csrf) = (&app.config().session_cookie_name, app.csrf_token(token.as_str()));
        let cookie = format!("{name}={}; {name}_csrf={csrf}", token.as_str());
        Ok(Self { router: router.clone(), cookie, csrf })
    }

    /// Asks, reads the whole answer, and says how long it took from `since`.
    async fn send(&self, asked: Asked, since: Instant) -> Result<Duration> {
        let Asked { method, path, body } = asked;
        let programs = ["/api/", "/audit-logs", "/companies"];
        let is_json = programs.iter().any(|start| path.starts_with(start));
        let mut request = Request::builder()
            .method(method)
            .uri(&path)
            .header(header::HOST, "localhost")
            .header(header::COOKIE, &self.cookie)
            .header(header::ACCEPT, if is_json { "application/json" } else { "text/html" })
            .header("x-csrf-token", &self.csrf)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))?;
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 40_000))));
        let Ok(response) = self.router.clone().oneshot(request).await;
        let status = response.status();
        axum::body::to_bytes(response.into_body(), 16 * 1024 * 1024).await.context("the answer broke off")?;
        let took = since.elapsed();
        if !status.is_success() && !status.is_redirection() {
            bail!("{path} answered {status}");
        }
        Ok(took)
    }
}

/// One request.
#[derive(Debug, Clone)]
pub struct Asked {
    method: Method,
    path: String,
    body: String,
}

impl Asked {
    /// A page or a list.
    pub fn get(path: String) -> Self {
        Self { method: Method::GET, path, body: String::new() }
    }

    /// A form.
    pub fn post(path: &str, body: String) -> Self {
        Self { method: Method::POST, path: path.to_owned(), body }
    }
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub enum By {
    /// A super administrator, who is also at the desk.
    Admin,
    /// The administrator of one company.
    Manager,
    /// Somebody who belongs to twenty companies.
    Member,
}

impl By {
    fn label(self) -> &'static str {
        match self {
            Self::Admin => "super admin",
            Self::Manager => "company admin",
            Self::Member => "member of 20",
        }
    }
}

/// Asks alone, a few times; the first time fills caches and does not count.
const ALONE: usize = 6;

/// What takes longer alone cannot be asked at the rate: the queue would never end.
const HOPELESS: Duration = Duration::from_millis(400);

/// Asks, and prints a line for each question.
#[derive(Debug)]
pub struct Asker {
    app: App,
    browsers: [Arc<Browser>; 3],
    amounts: Amounts,
}

impl Asker {
    /// Signs the three people in and prints the head of the table.
    pub async fn of(app: &App, people: &People, amounts: Amounts) -> Result<Self> {
        let router = shared::serve::assemble(crate::all::routes(), app.clone());
        let admin = Browser::of(app, &router, people.admin).await?;
        let manager = Browser::of(app, &router, people.manager).await?;
        let member = Browser::of(app, &router, people.member).await?;
        let engine = if app.db().is_sqlite() { "SQLite" } else { "MySQL" };
        println!("{engine}, {} requests a line at {} a second; times in ms", amounts.requests, amounts.rate);
        println!("| what | alone | p50 | p99 | worst | queries |\n|---|---:|---:|---:|---:|---:|");
        Ok(Self { app: app.clone(), browsers: [admin, manager, member].map(Arc::new), amounts })
    }

    /// One line of the table. `asked` makes the request of each number.
    pub async fn line(&self, what: &str, by: By, asked: impl Fn(usize) -> Asked) -> Result<()> {
        let [admin, manager, member] = &self.browsers;
        let browser = match by {
            By::Admin => admin,
            By::Manager => manager,
            By::Member => member,
        };
        let (mut alone, mut queries) = (Vec::new(), 0);
        for number in 0..ALONE {
            let before = self.app.db().statements();
            let took = browser.send(asked(number), Instant::now()).await?;
            if number > 0 {
                queries = queries.max(self.app.db().statements() - before);
                alone.push(took);
            }
        }
        let alone = at(&mut alone, 50);
        if alone > HOPELESS {
            println!("| {what} ({}) | {} | too slow for the rate | | | {queries} |", by.label(), ms(alone));
            return Ok(());
        }
        let mut times = self.at_the_rate(browser, asked).await?;
        let [p50, p99, worst] = [50, 99, 100].map(|percent| ms(at(&mut times, percent)));
        println!("| {what} ({}) | {} | {p50} | {p99} | {worst} | {queries} |", by.label(), ms(alone));
        Ok(())
    }

    /// Requests begin at their times whether or not those before are answered, and each is timed from when it
    /// should have begun: who waits in a queue waits.
    async fn at_the_rate(&self, browser: &Arc<Browser>, asked: impl Fn(usize) -> Asked) -> Result<Vec<Duration>> {
        let between = Duration::from_secs_f64(1.0 / f64::from(self.amounts.rate));
        let (mut due, mut under_way) = (Instant::now(), JoinSet::new());
        for number in 0..self.amounts.requests {
            tokio::time::sleep_until(due).await;
            let (browser, asked, since) = (browser.clone(), asked(number), due);
            under_way.spawn(async move { browser.send(asked, since).await });
            due += between;
        }
        under_way.join_all().await.into_iter().collect()
    }
}

/// The time within which so many of a hundred were answered.
fn at(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times.get(times.len().saturating_sub(1) * percent / 100).copied().unwrap_or_default()
}

fn ms(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_sorted_times() {
        let mut times: Vec<Duration> = (1..=201).rev().map(Duration::from_millis).collect();
        assert_eq!([0, 50, 99, 100].map(|p| at(&mut times, p).as_millis()), [1, 101, 199, 201]);
        assert_eq!(at(&mut [], 99), Duration::ZERO);
    }
}
