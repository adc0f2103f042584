//! What went wrong with the bucket, sorted by what one can do about it.

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

/// Why an object could not be stored, read or signed for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// There is no such object (or, asked for the bucket, no such bucket).
    #[error("the file is not in the bucket")]
    Missing,
    /// The bucket cannot be reached or is overloaded: try again later.
    #[error("the bucket cannot be reached: {0}")]
    Unavailable(String),
    /// The bucket refuses: credentials, permissions or settings are wrong.
    #[error("the bucket refuses ({code}): {detail}")]
    Refused {
        /// The server's machine-readable code.
        code: String,
        /// The server's words.
        detail: String,
    },
    /// The object is larger than the caller allows.
    #[error("the file is larger than {0} bytes")]
    TooLarge(usize),
    /// The content cannot be sent as given.
    #[error("the file cannot be sent: {0}")]
    Content(String),
}

/// Sorts an error of the SDK.
pub(super) fn explain<E>(error: SdkError<E, HttpResponse>) -> BlobError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let status = error.raw_response().map(|raw| raw.status().as_u16());
    let code = error.code().unwrap_or_default().to_owned();
    match (status, code.as_str()) {
        (Some(404), "NoSuchBucket") => refused(code, "there is no bucket of this name"),
        (Some(404), _) => BlobError::Missing,
        (Some(status), _) if status < 500 && status != 429 => {
            let detail = error.message().map_or_else(|| format!("status {status}"), str::to_owned);
            refused(code, &detail)
        }
        _ => BlobError::Unavailable(DisplayErrorContext(error).to_string()),
    }
}

fn refused(code: String, detail: &str) -> BlobError {
    let code = if code.is_empty() { "no code".to_owned() } else { code };
    BlobError::Refused { code, detail: detail.to_owned() }
}
