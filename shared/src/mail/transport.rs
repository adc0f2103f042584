//! How mail leaves the portal: SMTP, a folder (local server), memory (tests), or not at all.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use tokio::sync::OnceCell;

use super::compose::compose;
use super::folder;

/// The whole conversation with the mail server takes no longer.
const TIMEOUT: Duration = Duration::from_secs(30);

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// A mail ready to be sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// The Message-ID, fixed before the first try so that a repeat can be recognised.
    pub message_id: String,
    /// Recipients; trimmed and made distinct when sent.
    pub to: Vec<String>,
    /// Sender, `name@host` or `Name <name@host>`.
    pub from: String,
    /// Where answers go, when not to the sender.
    pub reply_to: Option<String>,
    /// Subject.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same as HTML.
    pub html: Option<String>,
    /// Further headers; only those of threads, lists and automatic mail are let through.
    pub headers: Vec<(String, String)>,
}

/// What became of a mail that was no failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The mail server took it.
    Sent,
    /// There was nobody to send it to, or no mail server is configured.
    Skipped,
}

/// Why a mail was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// It will never be accepted as it is.
    #[error("the mail was refused: {0}")]
    Permanent(String),
    /// Another try may succeed.
    #[error("the mail could not be sent now: {0}")]
    Temporary(String),
}

/// How the mail server is reached.
#[derive(Clone)]
pub struct SmtpSettings {
    /// Host name, which its certificate must carry.
    pub host: String,
    /// Port; 465 speaks TLS from the start.
    pub port: u16,
    /// Name to log in with, when the server wants a login.
    pub user: Option<String>,
    /// Its password.
    pub password: Option<String>,
    /// Whether TLS is required.
    pub secure: bool,
}

impl fmt::Debug for SmtpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmtpSettings({}:{}, secure: {})", self.host, self.port, self.secure)
    }
}

/// A mail server and the connections kept to it.
#[derive(Debug, Clone)]
pub struct Smtp {
    settings: Arc<SmtpSettings>,
    transport: Arc<OnceCell<Transport>>,
}

/// Where mail goes; cheap to clone.
#[derive(Debug, Clone)]
pub enum Backend {
    /// To a mail server.
    Smtp(Smtp),
    /// Into a folder, a file for each mail.
    Folder(PathBuf),
    /// Into a list that tests read.
    Memory(Arc<Mutex<Vec<Message>>>),
    /// Nowhere.
    Off,
}

impl Backend {
    /// Sends through a mail server; the first mail connects.
    pub fn smtp(settings: SmtpSettings) -> Self {
        Self::Smtp(Smtp { settings: Arc::new(settings), transport: Arc::default() })
    }

    /// Keeps mails in a list, empty at first.
    pub fn memory() -> Self {
        Self::Memory(Arc::default())
    }

    /// Sends a mail.
    pub async fn send(&self, message: &Message) -> Result<Outcome, SendError> {
        if matches!(self, Self::Off) {
            tracing::warn!(mail.id = message.message_id, "mail is switched off; nothing was sent");
            return Ok(Outcome::Skipped);
        }
        let Some(mail) = compose(message).map_err(SendError::Permanent)? else {
            tracing::warn!(mail.id = message.message_id, "the mail has no recipient; nothing was sent");
            return Ok(Outcome::Skipped);
        };
        match self {
            Self::Smtp(smtp) => smtp.send(mail).await?,
            Self::Folder(path) => {
                let written = folder::write(path, &message.message_id, &mail.formatted()).await;
                written.map_err(|error| SendError::Temporary(format!("{}: {error}", path.display())))?;
            }
            Self::Memory(list) => list.lock().unwrap_or_else(PoisonError::into_inner).push(message.clone()),
            Self::Off => {}
        }
        Ok(Outcome::Sent)
    }
}

impl Smtp {
    async fn send(&self, mail: lettre::Message) -> Result<(), SendError> {
        let transport = self.transport.get_or_try_init(|| async { open(&self.settings) });
        let transport = transport.await.map_err(|error| explain(&error))?;
        match tokio::time::timeout(TIMEOUT, transport.send(mail)).await {
            Ok(answer) => answer.map(drop).map_err(|error| explain(&error)),
            Err(_) => Err(SendError::Temporary(format!("no answer within {} seconds", TIMEOUT.as_secs()))),
        }
    }
}

fn open(settings: &SmtpSettings) -> Result<Transport, lettre::transport::smtp::Error> {
    let tls = match (settings.secure, settings.port) {
        (false, _) => Tls::None,
        (true, 465) => Tls::Wrapper(TlsParameters::new(settings.host.clone())?),
        (true, _) => Tls::Required(TlsParameters::new(settings.host.clone())?),
    };
    let builder = Transport::builder_dangerous(&settings.host)
        .port(settings.port)
        .tls(tls)
        .timeout(Some(TIMEOUT))
        .pool_config(PoolConfig::new().max_size(2).idle_timeout(TIMEOUT));
    let login = settings.user.clone().map(|user| Credentials::new(user, settings.password.clone().unwrap_or_default()));
    Ok(match login {
        Some(login) => builder.credentials(login).build(),
        None => builder.build(),
    })
}

/// An error of the connection is named once, though it is wrapped in another of its kind.
fn explain(error: &lettre::transport::smtp::Error) -> SendError {
    let twice = "Connection error: Connection error: ";
    let text = error.to_string().replace(twice, "Connection error: ");
    if error.is_permanent() || error.is_client() { SendError::Permanent(text) } else { SendError::Temporary(text) }
}

#[cfg(test)]
#[cfg(feature = "testing")]
#[path = "transport_tests.rs"]
mod tests;
