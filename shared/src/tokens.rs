//! Random tokens, digests and keys derived from the portal's secrets.

use std::fmt::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The block of SHA-256: keys up to this length enter the HMAC as they are (RFC 2104).
const BLOCK: usize = 64;

/// Random bytes of the operating system as lowercase hexadecimal text, two characters each.
///
/// # Panics
/// When the operating system has no random numbers, because nothing secret can be made then.
pub fn random_hex(bytes: usize) -> String {
    hex(&random(bytes))
}

/// Random bytes of the operating system.
///
/// # Panics
/// When the operating system has none.
pub fn random(bytes: usize) -> Vec<u8> {
    let mut buffer = vec![0; bytes];
    if let Err(error) = getrandom::fill(&mut buffer) {
        panic!("the operating system gives no random numbers: {error}");
    }
    buffer
}

/// The SHA-256 digest as lowercase hexadecimal text.
pub fn sha256_hex(data: &[u8]) -> String {
    hex(&Sha256::digest(data))
}

/// A SHA-256 digest taken piece by piece.
#[derive(Clone, Default)]
pub struct Hasher(Sha256);

impl Hasher {
    /// Nothing seen yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The digest of all pieces as lowercase hexadecimal text.
    pub fn finish(self) -> String {
        hex(&self.0.finalize())
    }
}

/// The HMAC-SHA256 of a message as lowercase hexadecimal text.
pub fn hmac_sha256_hex(key: &[u8], message: &[u8]) -> String {
    hex(&hmac_sha256(key, message))
}

/// The HMAC-SHA256 of a message.
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0; BLOCK];
    if key.len() > BLOCK {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// Compares two texts in a time that depends on their lengths only.
pub fn constant_time_eq(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

/// A key for one purpose, so that one configured secret never serves two.
pub fn derive_key(secret: &str, purpose: &str) -> [u8; 32] {
    hmac_sha256(secret.as_bytes(), purpose.as_bytes())
}

/// Bytes as lowercase hexadecimal text.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Random bytes in the base64 of addresses, without padding.
pub fn random_base64url(bytes: usize) -> String {
    URL_SAFE_NO_PAD.encode(random(bytes))
}

/// A secret of 256 random bits that a person or program carries: sessions, links in mails, keys.
///
/// Only its digest is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A new random token.
    pub fn new() -> Self {
        Self(random_hex(32))
    }

    /// The 64 characters that are handed out once.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The digest to store and to search by.
    pub fn digest(&self) -> String {
        sha256_hex(self.0.as_bytes())
    }
}

impl Default for Token {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_64_lowercase_hex_characters_and_differ() {
        let (a, b) = (Token::new(), Token::new());
        assert_eq!(a.as_str().len(), 64);
        assert!(a.as_str().chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')));
        assert_ne!(a, b);
        assert_eq!(a.digest(), sha256_hex(a.as_str().as_bytes()));
    }

    #[test]
    fn a_token_does_not_show_in_logs() {
        assert_eq!(format!("{:?}", Token::new()), "Token(..)");
    }

    #[test]
    fn random_text_has_the_length_asked_for() {
        assert_eq!(random_hex(0), "");
        assert_eq!(random_hex(4).len(), 8);
    }

    #[test]
    fn digests_match_published_values() {
        assert_eq!(sha256_hex(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(
            hmac_sha256_hex(b"key", b"The quick brown fox jumps over the lazy dog"),
            "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"
        );
    }

    #[test]
    fn a_key_longer_than_a_block_is_hashed_first() {
        assert_eq!(
            hmac_sha256_hex(&[b'k'; 100], b"x"),
            "8c1858bff6cf9cb73708b4b54f43bca6e1b8b4c3380760dc009001b265b64c6f"
        );
        assert_ne!(hmac_sha256_hex(&[1; 64], b"x"), hmac_sha256_hex(&[1; 65], b"x"));
    }

    #[test]
    fn comparison_sees_content_and_length() {
        assert!(constant_time_eq("same", "same"));
        assert!(!constant_time_eq("same", "sane"));
        assert!(!constant_time_eq("same", "same "));
        assert!(constant_time_eq("", ""));
    }

    #[test]
    fn keys_differ_by_secret_and_by_purpose() {
        assert_eq!(
            hex(&derive_key("secret", "csrf")),
            "a33e37c855ff0fd48638ca35f31ab33602e0dea7f25d83cfe523e0cbb6d3be17"
        );
        assert_ne!(derive_key("secret", "csrf"), derive_key("secret", "api-keys"));
        assert_ne!(derive_key("secret", "csrf"), derive_key("secret2", "csrf"));
    }
}
