//! What can go wrong on the way to another system, in words for the person who set it up.

use std::net::IpAddr;
use std::time::Duration;

/// Why there is no answer. No text repeats the path or the query, which may hold secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The address belongs to this machine or to a network that is not admitted.
    #[error("The address {0} is not public. Allow its host in the settings if it is meant.")]
    Refused(IpAddr),
    /// The host is not among those this client may reach at all.
    #[error("The host {0} is not allowed here.")]
    NotAllowed(String),
    /// The URL cannot be used.
    #[error("Enter an address that begins with https:// or http://. {0}")]
    Url(String),
    /// The name does not lead to an address.
    #[error("The host {0} was not found. Check the address for typing errors.")]
    Dns(String),
    /// The time was over.
    #[error("There was no complete answer within {} seconds.", .0.as_secs_f32())]
    Timeout(Duration),
    /// Nothing answers there, or its certificate is not valid.
    #[error("No connection could be made: {0}")]
    Connect(String),
    /// More than the caller takes.
    #[error("The answer is larger than {0} bytes.")]
    TooLarge(usize),
    /// The connection broke or the answer was no HTTP.
    #[error("The answer could not be read: {0}")]
    Protocol(String),
}

impl OutboundError {
    /// Whether another try may succeed without anybody changing a setting.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Dns(_) | Self::Timeout(_) | Self::Connect(_) | Self::Protocol(_))
    }

    pub(super) fn of(error: reqwest::Error, timeout: Duration) -> Self {
        let error = error.without_url();
        if let Some(own) = own_cause(&error) {
            return own;
        }
        if error.is_timeout() {
            Self::Timeout(timeout)
        } else if error.is_connect() {
            Self::Connect(innermost(&error))
        } else {
            Self::Protocol(innermost(&error))
        }
    }
}

/// What our own resolver said, some errors deeper.
fn own_cause(error: &reqwest::Error) -> Option<OutboundError> {
    causes(error).find_map(|cause| cause.downcast_ref::<OutboundError>().cloned())
}

fn innermost(error: &reqwest::Error) -> String {
    causes(error).last().map_or_else(|| error.to_string(), ToString::to_string)
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(std::error::Error::source(error), |cause| cause.source())
}
