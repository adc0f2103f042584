//! The authentication log: one line for each attempt, in the words that Fail2ban's filter knows.
//!
//! Every line also goes to the normal log. The file is optional and never keeps the portal from starting.

use std::fmt::{self, Write as _};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};

/// The longest e-mail address in a line.
const LONGEST: usize = 255;

/// Why a login failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginFailure {
    /// Unknown address or wrong password.
    InvalidCredentials,
    /// The account is switched off.
    AccountDisabled,
    /// The account has no password yet.
    NoPassword,
    /// The password was right and a code is asked for: a normal step, not counted by the filter.
    TotpRequired,
    /// The authenticator's code was wrong.
    InvalidTotp,
    /// The recovery code was wrong.
    InvalidRecoveryCode,
    /// Too many tries.
    RateLimited,
}

/// Why an API key was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFailure {
    /// No such key.
    InvalidKey,
    /// Its time is over.
    Expired,
    /// It was revoked.
    Revoked,
    /// The address is not among those it may be used from.
    IpNotAllowed,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// Somebody failed to sign in.
    LoginFailed {
        /// The address as it was typed.
        email: &'a str,
        /// Where from.
        ip: &'a str,
        /// Why.
        reason: LoginFailure,
    },
    /// Somebody signed in.
    LoginSucceeded {
        /// The account's address.
        email: &'a str,
        /// The account.
        user_id: i64,
        /// Where from.
        ip: &'a str,
    },
    /// A link for a new password was not valid.
    ResetFailed {
        /// Where from.
        ip: &'a str,
    },
    /// An API key could not be used.
    ApiKeyFailed {
        /// Where from.
        ip: &'a str,
        /// Why.
        reason: KeyFailure,
    },
}

impl LoginFailure {
    /// The word in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidCredentials => "invalid_credentials",
            Self::AccountDisabled => "account_disabled",
            Self::NoPassword => "no_password",
            Self::TotpRequired => "totp_required",
            Self::InvalidTotp => "invalid_totp",
            Self::InvalidRecoveryCode => "invalid_recovery_code",
            Self::RateLimited => "rate_limited",
        }
    }
}

impl KeyFailure {
    /// The word in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidKey => "invalid_key",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::IpNotAllowed => "ip_not_allowed",
        }
    }
}

impl Event<'_> {
    /// Whether the filter is to count it.
    fn is_error(&self) -> bool {
        !matches!(self, Self::LoginSucceeded { .. } | Self::LoginFailed { reason: LoginFailure::TotpRequired, .. })
    }
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoginFailed { email, ip, reason } => {
                write!(f, "AUTH LOGIN FAIL email={} ip={} reason={}", safe(email), address(ip), reason.as_str())
            }
            Self::LoginSucceeded { email, user_id, ip } => {
                write!(f, "AUTH LOGIN SUCCESS email={} user_id={user_id} ip={}", safe(email), address(ip))
            }
            Self::ResetFailed { ip } => {
                write!(f, "AUTH RESET FAIL email=- ip={} reason=invalid_token", address(ip))
            }
            Self::ApiKeyFailed { ip, reason } => {
                write!(f, "AUTH APIKEY FAIL email=- ip={} reason={}", address(ip), reason.as_str())
            }
        }
    }
}

/// An address that can neither end the field nor the line: nobody can get another banned by it.
fn safe(email: &str) -> String {
    let mut text = String::new();
    for c in email.trim().to_lowercase().chars() {
        let mut piece = String::new();
        if c.is_ascii_graphic() && c != '|' {
            piece.push(c);
        } else {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(piece, "%{byte:02X}");
            }
        }
        if text.len() + piece.len() > LONGEST {
            break;
        }
        text.push_str(&piece);
    }
    if text.is_empty() { "-".to_owned() } else { text }
}

fn address(ip: &str) -> String {
    let parsed = ip.trim().parse::<IpAddr>();
    parsed.map_or_else(|_| crate::client_ip::UNKNOWN.to_owned(), |ip| ip.to_canonical().to_string())
}

/// The log, with its file when one is configured.
#[derive(Debug)]
pub struct AuthLog {
    file: Option<Mutex<LogFile>>,
}

impl AuthLog {
    /// Opens the file of `FAIL2BAN_LOG_PATH`; when that fails, a warning says so and the file is left out.
    pub fn open(path: Option<&str>) -> Self {
        let path = path.map(str::trim).filter(|path| !path.is_empty()).map(expanded);
        Self { file: path.and_then(LogFile::open).map(Mutex::new) }
    }

    /// Whether lines go to a file besides the normal log.
    pub fn has_file(&self) -> bool {
        self.file.is_some()
    }

    /// Writes an event to the normal log and to the file.
    pub fn record(&self, now: DateTime<Utc>, event: Event<'_>) {
        let level = if event.is_error() {
            tracing::error!(target: "auth", "{event}");
            "ERROR"
        } else {
            tracing::info!(target: "auth", "{event}");
            "INFO"
        };
        let Some(file) = &self.file else { return };
        let line = format!("{} | {level} | {event}\n", now.format("%Y-%m-%dT%H:%M:%S%.3f%z"));
        file.lock().unwrap_or_else(PoisonError::into_inner).append(&line);
    }
}

fn expanded(path: &str) -> PathBuf {
    let below_home = path.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/'));
    match (below_home, std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest.trim_start_matches('/')),
        _ => PathBuf::from(path),
    }
}

#[derive(Debug)]
struct LogFile {
    path: PathBuf,
    file: File,
    is_failing: bool,
}

impl LogFile {
    fn open(path: PathBuf) -> Option<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(Err(error)) = folder.map(std::fs::create_dir_all) {
            disabled("unable to create directory", &path, &error);
            return None;
        }
        match open(&path) {
            Ok(file) => Some(Self { path, file, is_failing: false }),
            Err(error) => {
                disabled("unable to open file", &path, &error);
                None
            }
        }
    }

    /// Looks at every line whether rotation has put another file in this one's place.
    fn append(&mut self, line: &str) {
        let written = self.follow().and_then(|()| self.file.write_all(line.as_bytes()));
        if let Err(error) = &written
            && !self.is_failing
        {
            tracing::warn!(%error, path = %self.path.display(), "the authentication log file cannot be written");
        }
        self.is_failing = written.is_err();
    }

    fn follow(&mut self) -> io::Result<()> {
        if !is_same(&self.file, &self.path) {
            self.file = open(&self.path)?;
        }
        Ok(())
    }
}

fn disabled(what: &str, path: &Path, error: &io::Error) {
    tracing::warn!("AUTH LOG FILE DISABLED - {what} path={} error={error}", path.display());
}

/// Appending needs no new handle after truncation: each write goes to the end there is.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
    options.open(path)
}

#[cfg(unix)]
fn is_same(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_same(_file: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
#[path = "auth_log_tests.rs"]
mod tests;
