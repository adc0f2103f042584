//! One conversation with a mail server, cut in two where the doubt begins.
//!
//! Until the text is handed over, a mail has certainly not been sent; from then on until the server's
//! answer nobody knows. The caller writes down in between that it is in doubt, so that a process that is
//! killed at any other moment loses nothing and sends nothing twice.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lettre::address::Envelope;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use tokio::sync::Mutex;

use super::transport::{SendError, SmtpSettings, Tls};

/// Each half of the conversation takes no longer, unless the setting says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Servers close connections that say nothing; ours are given up before that.
const KEPT_FOR: Duration = Duration::from_secs(30);

type SmtpError = lettre::transport::smtp::Error;

/// A mail server, and the connection kept to it for the next mail.
#[derive(Clone)]
pub struct Smtp {
    settings: Arc<SmtpSettings>,
    timeout: Duration,
    kept: Arc<Mutex<Option<(Instant, AsyncSmtpConnection)>>>,
}

/// A mail whose recipients the server has taken; it waits for the text.
pub struct Announced {
    connection: AsyncSmtpConnection,
    text: Vec<u8>,
    smtp: Smtp,
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Smtp").field(&self.settings).finish()
    }
}

impl fmt::Debug for Announced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Announced({} bytes)", self.text.len())
    }
}

impl Smtp {
    /// Takes the settings; the first mail connects.
    pub(super) fn new(settings: SmtpSettings) -> Self {
        Self::within(settings, TIMEOUT)
    }

    /// The same with another limit on each half of the conversation.
    pub(super) fn within(settings: SmtpSettings, timeout: Duration) -> Self {
        Self { settings: Arc::new(settings), timeout, kept: Arc::default() }
    }

    /// Speaks with the server up to its "go ahead".
    pub(super) async fn announce(&self, mail: &lettre::Message) -> Result<Announced, SendError> {
        let text = mail.formatted();
        let connection = in_time(self.timeout, self.begin(mail.envelope(), text.is_ascii())).await?;
        Ok(Announced { connection, text, smtp: self.clone() })
    }

    async fn begin(&self, envelope: &Envelope, is_ascii: bool) -> Result<AsyncSmtpConnection, SmtpError> {
        let mut connection = match self.take_kept().await {
            Some(connection) => connection,
            None => open(&self.settings, self.timeout).await?,
        };
        let mut options = Vec::new();
        if is_international(envelope) {
            options.push(MailParameter::SmtpUtfEight);
        }
        if !is_ascii && connection.server_info().supports_feature(Extension::EightBitMime) {
            options.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        connection.command(Mail::new(envelope.from().cloned(), options)).await?;
        for to in envelope.to() {
            connection.command(Rcpt::new(to.clone(), Vec::new())).await?;
        }
        connection.command(Data).await?;
        Ok(connection)
    }

    async fn take_kept(&self) -> Option<AsyncSmtpConnection> {
        let (since, mut connection) = self.kept.lock().await.take()?;
        let is_good = since.elapsed() < KEPT_FOR && connection.test_connected().await;
        is_good.then_some(connection)
    }
}

impl Announced {
    /// Hands over the text; the server's answer says whether it is responsible for the mail now.
    pub(super) async fn deliver(mut self) -> Result<(), SendError> {
        in_time(self.smtp.timeout, async { self.connection.message(&self.text).await.map(drop) }).await?;
        *self.smtp.kept.lock().await = Some((Instant::now(), self.connection));
        Ok(())
    }
}

/// Addresses beyond ASCII need the server's consent (RFC 6531).
fn is_international(envelope: &Envelope) -> bool {
    envelope.from().into_iter().chain(envelope.to()).any(|address| !address.to_string().is_ascii())
}

async fn open(settings: &SmtpSettings, timeout: Duration) -> Result<AsyncSmtpConnection, SmtpError> {
    let tls = || TlsParameters::new(settings.host.clone());
    let server = (settings.host.as_str(), settings.port);
    let hello = ClientId::default();
    let wrapper = if settings.tls == Tls::FromTheStart { Some(tls()?) } else { None };
    let mut connection = AsyncSmtpConnection::connect_tokio1(server, Some(timeout), &hello, wrapper, None).await?;
    if settings.tls == Tls::Upgraded {
        connection.starttls(tls()?, &hello).await?;
    }
    if let Some(user) = settings.user.clone() {
        let login = Credentials::new(user, settings.password.clone().unwrap_or_default());
        connection.auth(DEFAULT_MECHANISMS, &login).await?;
    }
    Ok(connection)
}

async fn in_time<T>(limit: Duration, half: impl Future<Output = Result<T, SmtpError>>) -> Result<T, SendError> {
    match tokio::time::timeout(limit, half).await {
        Ok(answer) => answer.map_err(|error| explain(&error)),
        Err(_) => Err(SendError::Temporary(format!("no answer within {} seconds", limit.as_secs()))),
    }
}

/// An error of the connection is named once, though it is wrapped in another of its kind.
fn explain(error: &SmtpError) -> SendError {
    let twice = "Connection error: Connection error: ";
    let text = error.to_string().replace(twice, "Connection error: ");
    if error.is_permanent() || error.is_client() { SendError::Permanent(text) } else { SendError::Temporary(text) }
}
