//! Addresses that open one object for one purpose and a short time.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::error::explain;
use super::{BlobError, Blobs};

/// What stays as it is in the key of a copy source.
pub(super) const KEY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What stays as it is in an extended parameter value (RFC 8187, `attr-char`).
const ATTR: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// A signed request that a browser makes by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presigned {
    /// `GET` or `PUT`.
    pub method: &'static str,
    /// The address, signature included.
    pub url: String,
    /// Headers that must be sent as given; the browser adds the length by itself.
    pub headers: Vec<(String, String)>,
}

/// How a browser treats a download.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition<'a> {
    /// Saved, never shown.
    Attachment,
    /// Shown, as the type that was found in the content, whatever its uploader said.
    Inline {
        /// The type found in the content.
        content_type: &'a str,
    },
}

impl Blobs {
    /// Lets the holder store one object of exactly this length and type.
    pub async fn presigned_put(
        &self,
        key: &str,
        content_length: u64,
        content_type: &str,
        expires: Duration,
    ) -> Result<Presigned, BlobError> {
        let length = i64::try_from(content_length).map_err(|error| BlobError::Content(error.to_string()))?;
        let put = self.client().await.put_object().bucket(self.bucket()).key(key);
        let put = put.content_length(length).content_type(content_type);
        let signed = put.presigned(config(expires)?).await.map_err(explain)?;
        let headers = signed.headers().filter(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(Presigned { method: "PUT", url: signed.uri().to_owned(), headers })
    }

    /// Lets the holder read one object under the file name given.
    pub async fn presigned_get(
        &self,
        key: &str,
        file_name: &str,
        expires: Duration,
        disposition: Disposition<'_>,
    ) -> Result<Presigned, BlobError> {
        let get = self.client().await.get_object().bucket(self.bucket()).key(key);
        let get = get.response_content_disposition(content_disposition(disposition, file_name));
        let get = match disposition {
            Disposition::Attachment => get,
            Disposition::Inline { content_type } => get.response_content_type(content_type),
        };
        let signed = get.presigned(config(expires)?).await.map_err(explain)?;
        Ok(Presigned { method: "GET", url: signed.uri().to_owned(), headers: Vec::new() })
    }
}

fn config(expires: Duration) -> Result<PresigningConfig, BlobError> {
    PresigningConfig::expires_in(expires).map_err(|error| BlobError::Content(error.to_string()))
}

/// The header that names a download: plain ASCII for old programs, the real name for the others.
pub fn content_disposition(disposition: Disposition<'_>, file_name: &str) -> String {
    let kind = match disposition {
        Disposition::Attachment => "attachment",
        Disposition::Inline { .. } => "inline",
    };
    let name: String = file_name.chars().filter(|c| !c.is_control()).collect();
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    if plain == name {
        return format!("{kind}; filename=\"{plain}\"");
    }
    format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{}", utf8_percent_encode(&name, ATTR))
}

/// Quotes and backslashes end the quoted text early in some programs; others decode percent signs.
fn is_plain(c: char) -> bool {
    matches!(c, ' '..='~') && !matches!(c, '"' | '\\' | '%' | '/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_and_encoded() {
        for (name, header) in [
            ("report.pdf", "attachment; filename=\"report.pdf\""),
            ("my report.pdf", "attachment; filename=\"my report.pdf\""),
            ("a\"b.pdf", "attachment; filename=\"a_b.pdf\"; filename*=UTF-8''a%22b.pdf"),
            ("Gr\u{fc}\u{df}e.pdf", "attachment; filename=\"Gr__e.pdf\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe.pdf"),
            ("100%.txt", "attachment; filename=\"100_.txt\"; filename*=UTF-8''100%25.txt"),
            ("\u{20ac} (1).txt", "attachment; filename=\"_ (1).txt\"; filename*=UTF-8''%E2%82%AC%20%281%29.txt"),
            ("a\r\nSet-Cookie: x.txt", "attachment; filename=\"aSet-Cookie: x.txt\""),
        ] {
            assert_eq!(content_disposition(Disposition::Attachment, name), header);
        }
        let inline = Disposition::Inline { content_type: "image/png" };
        assert_eq!(content_disposition(inline, "a.png"), "inline; filename=\"a.png\"");
    }

    #[test]
    fn an_address_lives_a_week_at_most() {
        assert!(config(Duration::from_mins(1)).is_ok());
        assert!(matches!(config(Duration::from_hours(8 * 24)), Err(BlobError::Content(_))));
    }
}
