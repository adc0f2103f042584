//! How mail leaves the portal: SMTP, a folder (local server), memory (tests), or not at all.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::compose::compose;
use super::folder;
use super::smtp::{self, Smtp};

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
    /// Port.
    pub port: u16,
    /// Name to log in with, when the server wants a login.
    pub user: Option<String>,
    /// Its password.
    pub password: Option<String>,
    /// When the conversation becomes private.
    pub tls: Tls,
}

/// When a conversation with a mail server becomes private.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Never.
    Never,
    /// After STARTTLS; a server that has none gets nothing.
    Upgraded,
    /// Before the first word.
    FromTheStart,
}

impl Tls {
    /// What the settings mean: where TLS is wanted, port 465 begins with it.
    pub fn of(config: &crate::config::Smtp) -> Self {
        match (config.secure, config.port) {
            (false, _) => Self::Never,
            (true, 465) => Self::FromTheStart,
            (true, _) => Self::Upgraded,
        }
    }
}

impl fmt::Debug for SmtpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmtpSettings({}:{}, tls: {:?})", self.host, self.port, self.tls)
    }
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
        Self::Smtp(Smtp::new(settings))
    }

    /// The same with another limit on each half of the conversation.
    pub fn smtp_within(settings: SmtpSettings, timeout: std::time::Duration) -> Self {
        Self::Smtp(Smtp::within(settings, timeout))
    }

    /// Keeps mails in a list, empty at first.
    pub fn memory() -> Self {
        Self::Memory(Arc::default())
    }

    /// Gets a mail to the point from which on nobody can say whether it was sent; none when there is nobody
    /// to send it to.
    pub async fn announce(&self, message: &Message) -> Result<Option<Announced>, SendError> {
        if matches!(self, Self::Off) {
            tracing::warn!(mail.id = message.message_id, "mail is switched off; nothing was sent");
            return Ok(None);
        }
        let Some(mail) = compose(message).map_err(SendError::Permanent)? else {
            tracing::warn!(mail.id = message.message_id, "the mail has no recipient; nothing was sent");
            return Ok(None);
        };
        Ok(Some(match self {
            Self::Smtp(smtp) => Announced::Smtp(Box::new(Box::pin(smtp.announce(&mail)).await?)),
            Self::Folder(path) => Announced::Folder(path.clone(), message.message_id.clone(), mail.formatted()),
            Self::Memory(list) => Announced::Memory(Arc::clone(list), message.clone()),
            Self::Off => return Ok(None),
        }))
    }

    /// Sends a mail in one go.
    pub async fn send(&self, message: &Message) -> Result<Outcome, SendError> {
        let Some(announced) = self.announce(message).await? else { return Ok(Outcome::Skipped) };
        announced.deliver().await?;
        Ok(Outcome::Sent)
    }
}

/// A mail that only its text is missing of.
#[derive(Debug)]
pub enum Announced {
    /// The mail server waits for the text.
    Smtp(Box<smtp::Announced>),
    /// Folder, Message-ID, text.
    Folder(PathBuf, String, Vec<u8>),
    /// The list, and what comes to it.
    Memory(Arc<Mutex<Vec<Message>>>, Message),
}

impl Announced {
    /// Hands the text over.
    pub async fn deliver(self) -> Result<(), SendError> {
        match self {
            Self::Smtp(announced) => Box::pin(announced.deliver()).await?,
            Self::Folder(path, id, text) => {
                let written = folder::write(&path, &id, &text).await;
                written.map_err(|error| SendError::Temporary(format!("{}: {error}", path.display())))?;
            }
            Self::Memory(list, message) => list.lock().unwrap_or_else(PoisonError::into_inner).push(message),
        }
        Ok(())
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
#[path = "transport_tests.rs"]
mod tests;
