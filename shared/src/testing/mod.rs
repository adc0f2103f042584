//! The harness of the areas' tests: a portal of its own for each test, with a database, a bucket and a
//! clock that nobody else touches, and actors who use it as browsers and programs do.

mod actor;
mod database;
mod reply;
pub mod sink;
pub mod web;

use std::sync::{Arc, Mutex};

use axum::Router;
use chrono::{DateTime, TimeDelta, Utc};

use crate::accounts::companies::{self, NewCompany};
use crate::accounts::memberships::{self, NewMembership, Status};
use crate::accounts::users::{self, NewUser};
use crate::app::{App, Parts};
use crate::audit::{Change, Stamp};
use crate::caller::Company;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::{Db, Row, Sql, Tx, sql};
use crate::embedded_s3::EmbeddedS3;
use crate::jobs::{Counts, Jobs, Worker};
use crate::mail::transport::{Backend, Message};
use crate::routes::Routes;
use crate::serve;

pub use actor::{Actor, PASSWORD};
pub use reply::Reply;

use database::TestDatabase;

/// A whole portal for one test.
#[derive(Debug)]
pub struct TestApp {
    router: Router,
    app: App,
    jobs: Jobs,
    mails: Arc<Mutex<Vec<Message>>>,
    database: TestDatabase,
    bucket: Option<EmbeddedS3>,
    folder: std::path::PathBuf,
    leaves_work: bool,
}

/// When tests begin.
pub fn monday() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_425_120, 0).unwrap_or_default()
}

/// Settings as tests want them; tests change what they are about.
pub fn config() -> Config {
    let mut config = Config::from_source(|name| match name {
        "SESSION_SECRET" => Some("test-session-secret-0123456789-abcdef".to_owned()),
        "TOTP_ENCRYPTION_KEY" => Some("test-encryption-key-0123456789-abcdef".to_owned()),
        "PORTAL_URL" => Some("http://portal.test".to_owned()),
        "UPLOADS_BUCKET" => Some("uploads".to_owned()),
        "S3_ACCESS_KEY" => Some("test".to_owned()),
        "S3_SECRET_KEY" => Some("test-secret".to_owned()),
        _ => None,
    })
    .unwrap_or_else(|error| panic!("{error}"));
    // Whether anything is limited is what the tests of limits are about.
    config.limits = crate::config::GeneralLimits { coarse: 0, anonymous: 0, signed_in: 0 };
    config
}

impl TestApp {
    /// A portal with these routes and this work.
    pub async fn new(routes: Routes, jobs: Jobs) -> Self {
        Self::with(config(), routes, jobs).await
    }

    /// A portal with changed settings.
    pub async fn with(config: Config, routes: Routes, jobs: Jobs) -> Self {
        Box::pin(Self::build(config, routes, jobs, true)).await
    }

    /// A portal without a mail server.
    pub async fn without_mail(routes: Routes, jobs: Jobs) -> Self {
        Box::pin(Self::build(config(), routes, jobs, false)).await
    }

    async fn build(mut config: Config, routes: Routes, jobs: Jobs, has_mail: bool) -> Self {
        let database = TestDatabase::create().await;
        let folder = std::env::temp_dir().join(format!("myportal-test-{}", crate::tokens::random_hex(8)));
        let bucket = if external_bucket(&mut config) { None } else { Some(own_bucket(&mut config, &folder).await) };
        let mails = Arc::new(Mutex::new(Vec::new()));
        let parts = Parts {
            db: database.db().clone(),
            clock: Clock::frozen(monday()),
            mail: if has_mail { Backend::Memory(Arc::clone(&mails)) } else { Backend::Off },
        };
        let app = App::new(config, routes.table(), parts);
        app.blobs().ensure_bucket().await.unwrap_or_else(|error| panic!("the bucket: {error}"));
        let router = serve::assemble(routes, app.clone());
        Self { router, app, jobs, mails, database, bucket, folder, leaves_work: false }
    }

    /// The app.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// The router, for tests that make their own requests.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// The database.
    pub fn db(&self) -> &Db {
        self.app.db()
    }

    /// Moves the clock.
    pub fn advance(&self, by: TimeDelta) {
        self.app.clock().advance(by);
    }

    /// Says that this test leaves jobs behind on purpose.
    pub fn leave_work(&mut self) {
        self.leaves_work = true;
    }

    /// Somebody who is not signed in.
    pub fn stranger(&self) -> Actor {
        Actor::stranger(self.router.clone(), self.app.config().session_cookie_name.clone())
    }

    /// A super administrator, signed in.
    pub async fn super_admin(&self, name: &str) -> Actor {
        let user = self.user(name, |new| new.is_super_admin = true).await;
        self.sign_in(user).await
    }

    /// A person without a company, signed in.
    pub async fn requester(&self, name: &str) -> Actor {
        let user = self.user(name, |_| ()).await;
        self.sign_in(user).await
    }

    /// A person with a plain membership of the company, signed in.
    pub async fn member(&self, name: &str, company: &Company) -> Actor {
        self.member_as(name, company, "Member").await
    }

    /// A company admin, signed in.
    pub async fn company_admin(&self, name: &str, company: &Company) -> Actor {
        self.member_as(name, company, "Owner").await
    }

    /// A technician of the provider, signed in.
    pub async fn technician(&self, name: &str, provider: &Company) -> Actor {
        self.member_as(name, provider, "Helpdesk technician").await
    }

    async fn member_as(&self, name: &str, company: &Company, role: &'static str) -> Actor {
        let user = self.user(name, |new| new.company_id = Some(company.id)).await;
        let new = NewMembership {
            company_id: company.id,
            user_id: user,
            role,
            status: Status::Active,
            is_owner: role == "Owner",
        };
        let mut tx = self.begin().await;
        ok(memberships::insert(&mut tx, &new, self.app.now()).await);
        ok(tx.commit().await);
        self.sign_in(user).await
    }

    /// A company that is a customer.
    pub async fn company(&self, name: &str) -> Company {
        self.insert_company(name, false).await
    }

    /// The provider's own company.
    pub async fn provider(&self, name: &str) -> Company {
        self.insert_company(name, true).await
    }

    async fn insert_company(&self, name: &str, is_provider: bool) -> Company {
        let new = NewCompany { name: name.to_owned(), is_provider, ..NewCompany::default() };
        let mut tx = self.begin().await;
        let id = ok(companies::insert(&mut tx, &new, self.app.now()).await);
        ok(tx.commit().await);
        Company { id, name: name.to_owned(), is_provider, syncro_company_id: None }
    }

    /// A row of `users` with the address `<name>@example.com` and no session.
    pub async fn user(&self, name: &str, change: impl FnOnce(&mut NewUser)) -> i64 {
        let mut new = NewUser {
            email: format!("{}@example.com", name.to_lowercase()),
            password_hash: Some(actor::password_hash().await),
            first_name: Some(name.to_owned()),
            last_name: Some("Example".to_owned()),
            email_verified_at: Some(self.app.now()),
            ..NewUser::default()
        };
        change(&mut new);
        let mut tx = self.begin().await;
        let id = ok(users::insert(&mut tx, &new, self.app.now()).await);
        ok(tx.commit().await);
        id
    }

    /// Opens a session for a person without going through the sign-in page.
    pub async fn sign_in(&self, user_id: i64) -> Actor {
        let token = crate::tokens::Token::new();
        let now = self.app.now();
        let mut tx = self.begin().await;
        let company = ok(crate::accounts::sessions::first_company(&mut tx, user_id, None, false).await);
        let insert = sql("INSERT INTO user_sessions (user_id, active_company_id, session_token_hash, created_at, \
             expires_at, absolute_expires_at, last_seen_at, reauthenticated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(user_id)
        .bind(company)
        .bind(token.digest())
        .bind(now)
        .bind(now + TimeDelta::minutes(self.app.config().session_ttl_minutes))
        .bind(now + TimeDelta::hours(self.app.config().session_max_lifetime_hours))
        .bind(now)
        .bind(now);
        ok(insert.insert(&mut tx).await);
        ok(tx.commit().await);
        let csrf = self.app.csrf_token(token.as_str());
        self.stranger().with_session(user_id, token.as_str(), &csrf)
    }

    /// Runs all work that is due, one job after the other.
    pub async fn run_jobs(&self) -> Counts {
        let worker = Worker::new(self.app.clone(), self.jobs.clone(), "test").at_once(1);
        let (_keep, stop) = tokio::sync::watch::channel(false);
        ok(worker.tick(std::time::Duration::from_mins(1), &stop).await)
    }

    /// Every mail so far, oldest first.
    pub fn mails(&self) -> Vec<Message> {
        self.mails.lock().map(|mails| mails.clone()).unwrap_or_default()
    }

    /// Mails to one address, oldest first.
    pub fn mails_to(&self, address: &str) -> Vec<Message> {
        self.mails().into_iter().filter(|mail| mail.to.iter().any(|to| to == address)).collect()
    }

    /// The actions of the audit trail, oldest first.
    pub async fn audit(&self) -> Vec<String> {
        let rows: Vec<(String,)> = self.rows(sql("SELECT action FROM audit_logs ORDER BY id LIMIT 1000")).await;
        rows.into_iter().map(|(action,)| action).collect()
    }

    /// Reads rows.
    pub async fn rows<T: Row>(&self, query: Sql) -> Vec<T> {
        ok(query.fetch_all(self.db()).await)
    }

    /// Reads one number.
    pub async fn number(&self, query: Sql) -> i64 {
        ok(query.fetch_value::<i64>(self.db()).await)
    }

    /// Changes rows behind the portal's back.
    pub async fn execute(&self, query: Sql) {
        let mut tx = self.begin().await;
        ok(query.execute(&mut tx).await);
        ok(tx.commit().await);
    }

    async fn begin(&self) -> Tx {
        let mut tx = ok(self.db().begin(Stamp::system(self.app.now())).await);
        tx.housekeeping();
        tx
    }

    /// Writes an audit line, for tests of what reads them.
    pub async fn note(&self, change: Change) {
        let mut tx = self.begin().await;
        tx.audit(change);
        ok(tx.commit().await);
    }

    /// Ends the test: nothing may be left to do. Tests that expect a failure say [`TestApp::leave_work`].
    pub async fn finish(self) {
        if !self.leaves_work {
            let waiting: Vec<(String, String)> = self
                .rows(sql("SELECT kind, status FROM jobs WHERE status IN ('queued', 'running', 'failed') LIMIT 20"))
                .await;
            assert!(waiting.is_empty(), "jobs are left behind: {waiting:?}");
        }
        self.close().await;
    }

    /// Ends a test that has closed the database itself.
    pub async fn finish_broken(self) {
        self.close().await;
    }

    /// True when the bucket checks what an address was signed for. The independent server that the suite is
    /// also run against takes any length and keeps its own headers.
    pub fn bucket_is_strict(&self) -> bool {
        self.bucket.is_some()
    }

    /// Stops the bucket, as an outage does. False where the tests run against a server that is not theirs.
    pub async fn stop_bucket(&mut self) -> bool {
        let Some(bucket) = self.bucket.take() else { return false };
        drop(bucket);
        // The task ends when it is next looked at.
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        true
    }

    async fn close(self) {
        self.database.drop().await;
        drop(self.bucket);
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// Tests may be run against another S3 server, named by `TEST_S3_ENDPOINT`.
fn external_bucket(config: &mut Config) -> bool {
    let Ok(endpoint) = std::env::var("TEST_S3_ENDPOINT") else { return false };
    config.bucket.endpoint = endpoint;
    config.bucket.name = format!("test-{}", crate::tokens::random_hex(8));
    true
}

async fn own_bucket(config: &mut Config, folder: &std::path::Path) -> EmbeddedS3 {
    let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let started = EmbeddedS3::start(folder.to_owned(), any, "test", "test-secret", None).await;
    let server = started.unwrap_or_else(|error| panic!("the embedded bucket: {error}"));
    server.endpoint().clone_into(&mut config.bucket.endpoint);
    server
}

/// In tests an error ends the test.
pub(crate) fn ok<T, E: std::fmt::Debug>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("{error:?}"))
}

/// Every template of an area, rendered with every sample of its context, for people and visitors.
pub fn render_samples<P: crate::page::Page>() {
    let templates = crate::page::Templates::new(None);
    let samples = P::samples();
    assert!(!samples.is_empty(), "{} has no samples", P::TEMPLATE);
    for sample in &samples {
        let names = std::iter::once(P::TEMPLATE).chain(P::REGIONS.iter().map(|(_, template)| *template));
        for name in names {
            for signed_in in [true, false] {
                if let Err(error) = crate::page::render_sample(&templates, sample, name, signed_in) {
                    panic!("{name}: {error:?}");
                }
            }
        }
    }
}
