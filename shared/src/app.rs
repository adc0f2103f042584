//! What a process holds for its whole life; cheap to clone.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::auth_log::AuthLog;
use crate::blobs::{BlobSettings, Blobs};
use crate::clock::Clock;
use crate::config::Config;
use crate::db::{Db, PoolSize};
use crate::error::Result;
use crate::jobs::Shifts;
use crate::mail::transport::{Backend, SmtpSettings, Tls};
use crate::outbound::Outbound;
use crate::page::Templates;
use crate::rate_limit::General;
use crate::routes::Table;
use crate::sealed::Keyring;
use crate::tokens;

/// Everything that handlers reach through their caller.
#[derive(Clone, Debug)]
pub struct App(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: Config,
    db: Db,
    clock: Clock,
    templates: Templates,
    blobs: Blobs,
    mail: Backend,
    outbound: Outbound,
    keyring: Keyring,
    csrf_key: [u8; 32],
    auth_log: AuthLog,
    general: General,
    table: Table,
    shifts: Shifts,
}

/// The parts that differ between the product and its tests.
#[derive(Debug)]
pub struct Parts {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// Where mail goes.
    pub mail: Backend,
}

impl App {
    /// Connects to the database and prepares everything else; the network is not touched beyond that.
    pub async fn start(config: Config, table: Table) -> Result<Self> {
        let size = PoolSize {
            connections: if config.database_url.starts_with("sqlite:") { 4 } else { config.database_connections },
        };
        let db = Db::connect(&config.database_url, size).await?;
        let mail = backend(&config);
        Ok(Self::new(config, table, Parts { db, clock: Clock::Machine, mail }))
    }

    /// Puts an app together from its parts.
    pub fn new(config: Config, table: Table, parts: Parts) -> Self {
        let keyring = Keyring::new(&config.encryption_key, config.encryption_key_previous.as_deref());
        let general = General::new(config.limits);
        Self(Arc::new(Inner {
            db: parts.db,
            clock: parts.clock,
            mail: parts.mail,
            templates: Templates::new(config.templates_dir.as_deref()),
            blobs: Blobs::connect(blob_settings(&config)),
            outbound: Outbound::with_exceptions(config.outbound_exceptions.clone()),
            keyring,
            csrf_key: tokens::derive_key(&config.session_secret, "csrf"),
            auth_log: AuthLog::open(config.fail2ban_log_path.as_deref()),
            general,
            table,
            shifts: Shifts::default(),
            config,
        }))
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The database.
    pub fn db(&self) -> &Db {
        &self.0.db
    }

    /// Now, in UTC, cut to microseconds.
    pub fn now(&self) -> DateTime<Utc> {
        self.0.clock.now()
    }

    /// The clock itself.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The page templates.
    pub fn templates(&self) -> &Templates {
        &self.0.templates
    }

    /// The bucket.
    pub fn blobs(&self) -> &Blobs {
        &self.0.blobs
    }

    /// Outgoing mail.
    pub fn mail(&self) -> &Backend {
        &self.0.mail
    }

    /// Outbound HTTP.
    pub fn outbound(&self) -> &Outbound {
        &self.0.outbound
    }

    /// Seals and opens secrets at rest.
    pub fn keyring(&self) -> &Keyring {
        &self.0.keyring
    }

    /// The authentication log.
    pub fn auth_log(&self) -> &AuthLog {
        &self.0.auth_log
    }

    /// The merged route table of this process.
    pub fn table(&self) -> &Table {
        &self.0.table
    }

    /// Work that requests began and that outlives them.
    pub fn shifts(&self) -> &Shifts {
        &self.0.shifts
    }

    pub(crate) fn general(&self) -> &General {
        &self.0.general
    }

    /// The CSRF token of a session: constant for the life of its token, nothing to store.
    pub fn csrf_token(&self, session_token: &str) -> String {
        tokens::hmac_sha256_hex(&self.0.csrf_key, session_token.as_bytes())
    }
}

fn blob_settings(config: &Config) -> BlobSettings {
    BlobSettings {
        endpoint: text(&config.bucket.endpoint),
        region: config.bucket.region.clone(),
        bucket: config.bucket.name.clone(),
        access_key: text(&config.bucket.access_key),
        secret_key: text(&config.bucket.secret_key),
        force_path_style: !config.bucket.endpoint.is_empty(),
    }
}

fn text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// Without a mail server, development keeps mail in a folder that the local mailbox page shows.
fn backend(config: &Config) -> Backend {
    if let Some(folder) = &config.smtp.capture_dir {
        return Backend::Folder(folder.into());
    }
    if !config.smtp.host.is_empty() {
        let settings = SmtpSettings {
            host: config.smtp.host.clone(),
            port: config.smtp.port,
            user: text(&config.smtp.user),
            password: text(&config.smtp.pass),
            tls: Tls::of(&config.smtp),
        };
        return Backend::smtp_within(settings, std::time::Duration::from_secs(config.smtp.timeout_seconds.max(1)));
    }
    if config.is_production() { Backend::Off } else { Backend::Folder(mailbox_folder(config)) }
}

/// Where development keeps the mail it did not send.
pub fn mailbox_folder(config: &Config) -> std::path::PathBuf {
    std::path::Path::new(&config.data_dir).join("mailbox")
}
