//! The questions, asked through the whole pipeline within the process, and their times.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

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
use tower::ServiceExt as _;

use super::fill::People;

/// A browser of one person.
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

    async fn send(&self, method: Method, path: &str, body: String) -> Result<Duration> {
        let kind = if path.starts_with("/api/") || path.starts_with("/audit-logs") || path.starts_with("/companies") {
            "application/json"
        } else {
            "text/html"
        };
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost")
            .header(header::COOKIE, &self.cookie)
            .header(header::ACCEPT, kind)
            .header("x-csrf-token", &self.csrf)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))?;
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 40_000))));
        let began = Instant::now();
        let Ok(response) = self.router.clone().oneshot(request).await;
        let status = response.status();
        axum::body::to_bytes(response.into_body(), 16 * 1024 * 1024).await.context("the answer broke off")?;
        let took = began.elapsed();
        if !status.is_success() && !status.is_redirection() {
            bail!("{path} answered {status}");
        }
        Ok(took)
    }
}

/// What is asked, by whom.
enum By {
    Admin,
    Manager,
    Member,
}

const QUESTIONS: [(&str, By, &str); 31] = [
    ("dashboard", By::Admin, "/"),
    ("dashboard", By::Manager, "/"),
    ("company list", By::Admin, "/admin/companies"),
    ("company list, page 50 of 100 rows", By::Admin, "/admin/companies?size=100&page=50"),
    ("company list, by name down", By::Admin, "/admin/companies?sort=-name"),
    ("company list, by age", By::Admin, "/admin/companies?sort=created_at"),
    ("company list, one common word", By::Admin, "/admin/companies?q=northwind"),
    ("company list, rare word", By::Admin, "/admin/companies?q=c4711"),
    ("company list, archived", By::Admin, "/admin/companies?archived=1"),
    ("companies for programs", By::Admin, "/companies?limit=100&offset=4000"),
    ("switcher, search", By::Admin, "/api/companies/options?search=har"),
    ("switcher, search", By::Member, "/api/companies/options?search=har"),
    ("members of a company", By::Manager, "/admin/companies/{company}"),
    ("matrix of all", By::Admin, "/admin/companies/matrix"),
    ("matrix of all, by company", By::Admin, "/admin/companies/matrix?sort=company"),
    ("matrix of all, last seen first", By::Admin, "/admin/companies/matrix?sort=-last_seen_at"),
    ("matrix of all, a name", By::Admin, "/admin/companies/matrix?q=okafor"),
    ("matrix of all, suspended", By::Admin, "/admin/companies/matrix?status=suspended"),
    ("search, a name", By::Admin, "/search?q=okafor"),
    ("palette, two words", By::Admin, "/palette?q=priya%20smi&at=/"),
    ("palette, company admin", By::Manager, "/palette?q=be&at=/"),
    ("business information", By::Member, "/business-information"),
    ("audit trail", By::Admin, "/admin/audit-logs"),
    ("audit trail, one company", By::Admin, "/admin/audit-logs?company_id={company}"),
    ("audit trail, one action", By::Admin, "/admin/audit-logs?action=role.updated"),
    ("audit trail, one kind", By::Admin, "/admin/audit-logs?entity_type=company"),
    ("audit trail, actor", By::Admin, "/admin/audit-logs?actor=okafor"),
    ("audit trail, words that are not there", By::Admin, "/admin/audit-logs?q=zebra"),
    ("audit trail for programs, by actor", By::Admin, "/audit-logs?sort=user_email&limit=200"),
    ("access review", By::Admin, "/admin/access-review"),
    ("current access", By::Admin, "/admin/access-review?tab=access"),
];

/// Asks everything so many times and prints a line for each.
pub async fn ask(app: &App, people: &People, requests: usize) -> Result<()> {
    let router = shared::serve::assemble(crate::all::routes(), app.clone());
    let admin = Browser::of(app, &router, people.admin).await?;
    let manager = Browser::of(app, &router, people.manager).await?;
    let member = Browser::of(app, &router, people.member).await?;
    println!("{:<44} {:>9} {:>9} {:>9}", "what", "p50 ms", "p99 ms", "worst ms");
    for (what, by, path) in QUESTIONS {
        let (who, browser) = match by {
            By::Admin => ("super admin", &admin),
            By::Manager => ("company admin", &manager),
            By::Member => ("member of 20", &member),
        };
        let path = path.replace("{company}", &people.company.to_string());
        let mut times = Vec::with_capacity(requests);
        for _ in 0..requests {
            times.push(browser.send(Method::GET, &path, String::new()).await?);
        }
        print(&format!("{what} ({who})"), times);
    }
    let mut times = Vec::with_capacity(requests);
    for n in 0..requests {
        let company = people.company + 9 + i64::try_from(n % 2)?;
        let body = format!("companyId={company}&returnUrl=/");
        times.push(member.send(Method::POST, "/switch-company", body).await?);
    }
    print("switch (member of 20)", times);
    Ok(())
}

fn print(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |percent: usize| {
        let index = (times.len().saturating_sub(1)) * percent / 100;
        times.get(index).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    };
    println!("{what:<44} {:>9.1} {:>9.1} {:>9.1}", at(50), at(99), at(100));
}
