//! Secrets at rest: AES-256-GCM, bound to the row that holds the value.
//!
//! The stored form is `v1:<key id>:<nonce>:<tag>:<ciphertext>` in base64. The form of the Python
//! portal, `<nonce>:<tag>:<ciphertext>` without associated data, is read and never written.

use std::fmt;

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::tokens;

const NONCE: usize = 12;
const TAG: usize = 16;

/// Why a value could not be sealed or opened. None of them says anything about the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The text is in neither stored form.
    #[error("the stored secret is in no known form")]
    Form,
    /// The value was sealed under a key that is not configured.
    #[error("the stored secret was sealed under a key that is not configured")]
    UnknownKey,
    /// Wrong key, changed content, or a value copied from another row.
    #[error("the stored secret does not open: wrong key, changed value or another row's value")]
    Refused,
    /// The opened bytes were asked for as text and are none.
    #[error("the stored secret is not text")]
    NotText,
    /// The value could not be encrypted.
    #[error("the secret could not be sealed")]
    Seal,
}

/// The current key and, during rotation, the one before.
#[derive(Clone)]
pub struct Keyring {
    current: Key,
    previous: Option<Key>,
}

#[derive(Clone)]
struct Key {
    id: String,
    cipher: Aes256Gcm,
    signing: [u8; 32],
}

impl Keyring {
    /// Takes the configured key material; an empty previous one counts as none.
    pub fn new(current: &str, previous: Option<&str>) -> Self {
        let previous = previous.filter(|text| !text.trim().is_empty());
        Self { current: Key::new(current), previous: previous.map(Key::new) }
    }

    /// Encrypts a value for the row named by the context (`table.column:owner id`).
    pub fn seal(&self, context: &str, plain: &[u8]) -> Result<String, SealError> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| SealError::Seal)?;
        let payload = Payload { msg: plain, aad: context.as_bytes() };
        let sealed = self.current.cipher.encrypt(&nonce.into(), payload).map_err(|_| SealError::Seal)?;
        let (body, tag) = sealed.split_at(sealed.len() - TAG);
        let parts = [&nonce[..], tag, body].map(|part| STANDARD.encode(part)).join(":");
        Ok(format!("v1:{}:{parts}", self.current.id))
    }

    /// Decrypts a stored value for the row named by the context.
    pub fn open(&self, context: &str, sealed: &str) -> Result<Vec<u8>, SealError> {
        let parts: Vec<&str> = sealed.split(':').collect();
        match parts[..] {
            ["v1", id, nonce, tag, body] => {
                let key = self.keys().find(|key| key.id == id).ok_or(SealError::UnknownKey)?;
                key.open(context, &Stored::parse(nonce, tag, body)?)
            }
            [nonce, tag, body] => self.open_original(&Stored::parse(nonce, tag, body)?),
            _ => Err(SealError::Form),
        }
    }

    /// `seal` for text.
    pub fn seal_text(&self, context: &str, plain: &str) -> Result<String, SealError> {
        self.seal(context, plain.as_bytes())
    }

    /// `open` for text.
    pub fn open_text(&self, context: &str, sealed: &str) -> Result<String, SealError> {
        String::from_utf8(self.open(context, sealed)?).map_err(|_| SealError::NotText)
    }

    /// Whether a stored value is in today's form under today's key; others are due for rotation.
    pub fn is_current(&self, sealed: &str) -> bool {
        let id = sealed.strip_prefix("v1:").and_then(|rest| rest.split(':').next());
        id == Some(self.current.id.as_str())
    }

    /// Signs a statement of ours under the current key, as `<key id>:<digest>`.
    pub fn sign(&self, statement: &str) -> String {
        self.current.sign(statement)
    }

    /// Whether a statement was signed by us, under the current key or the one before.
    pub fn is_signed(&self, statement: &str, signature: &str) -> bool {
        self.keys().any(|key| tokens::constant_time_eq(&key.sign(statement), signature))
    }

    /// The id of the current key, as it stands in stored values.
    pub fn current_id(&self) -> &str {
        &self.current.id
    }

    /// The original wrote no key id: whichever key fits.
    fn open_original(&self, stored: &Stored) -> Result<Vec<u8>, SealError> {
        self.keys().find_map(|key| key.open("", stored).ok()).ok_or(SealError::Refused)
    }

    fn keys(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.current).chain(&self.previous)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring(..)")
    }
}

impl Key {
    fn new(material: &str) -> Self {
        let key: [u8; 32] = Sha256::digest(material.as_bytes()).into();
        let id = tokens::sha256_hex(&key)[..8].to_owned();
        Self { id, cipher: Aes256Gcm::new(&key.into()), signing: tokens::hmac_sha256(&key, b"signatures") }
    }

    fn sign(&self, statement: &str) -> String {
        format!("{}:{}", self.id, tokens::hmac_sha256_hex(&self.signing, statement.as_bytes()))
    }

    fn open(&self, context: &str, stored: &Stored) -> Result<Vec<u8>, SealError> {
        let payload = Payload { msg: &stored.body_and_tag, aad: context.as_bytes() };
        self.cipher.decrypt(&stored.nonce.into(), payload).map_err(|_| SealError::Refused)
    }
}

/// The decoded parts of a stored value.
struct Stored {
    nonce: [u8; NONCE],
    body_and_tag: Vec<u8>,
}

impl Stored {
    fn parse(nonce: &str, tag: &str, body: &str) -> Result<Self, SealError> {
        let nonce = decode(nonce)?.try_into().map_err(|_| SealError::Form)?;
        let tag = decode(tag)?;
        if tag.len() != TAG {
            return Err(SealError::Form);
        }
        let mut body_and_tag = decode(body)?;
        body_and_tag.extend_from_slice(&tag);
        Ok(Self { nonce, body_and_tag })
    }
}

fn decode(text: &str) -> Result<Vec<u8>, SealError> {
    STANDARD.decode(text).map_err(|_| SealError::Form)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEXT: &str = "totp_authenticators.secret:7";
    // Both made by another implementation under the key text "original key".
    const ORIGINAL: &str = "AAECAwQFBgcICQoL:3+BL+aQf4HmnBWwu7SIhQA==:exJ4ZMIIk/V9FIBjMe88Kg==";
    const V1: &str = "v1:e7dbe549:AAECAwQFBgcICQoL:x0vaOjilQL2/h/3clBqE7A==:exJ4ZMIIk/V9FIBjMe88Kg==";

    fn keys() -> Keyring {
        Keyring::new("original key", None)
    }

    #[test]
    fn what_was_sealed_opens() {
        for plain in ["", "a", "JBSWY3DPEHPK3PXP", "Zo\u{eb} \u{1f511}", &"x".repeat(10_000)] {
            let sealed = keys().seal_text(CONTEXT, plain).unwrap();
            assert_eq!(keys().open_text(CONTEXT, &sealed).unwrap(), plain);
            assert!(keys().is_current(&sealed));
        }
    }

    #[test]
    fn the_form_has_five_parts_and_never_repeats() {
        let (a, b) = (keys().seal(CONTEXT, b"x").unwrap(), keys().seal(CONTEXT, b"x").unwrap());
        assert_ne!(a, b);
        let parts: Vec<&str> = a.split(':').collect();
        assert_eq!(parts.len(), 5);
        assert_eq!(parts[..2], ["v1", keys().current_id()]);
    }

    #[test]
    fn values_of_another_implementation_open() {
        assert_eq!(keys().open_text(CONTEXT, V1).unwrap(), "JBSWY3DPEHPK3PXP");
        assert_eq!(keys().open_text("anything", ORIGINAL).unwrap(), "JBSWY3DPEHPK3PXP");
        assert!(keys().is_current(V1));
        assert!(!keys().is_current(ORIGINAL));
    }

    #[test]
    fn a_value_of_another_row_is_refused() {
        assert_eq!(keys().open("totp_authenticators.secret:8", V1), Err(SealError::Refused));
        assert_eq!(keys().open("", V1), Err(SealError::Refused));
    }

    #[test]
    fn every_changed_part_is_refused() {
        for part in 2..5 {
            let mut parts: Vec<String> = V1.split(':').map(str::to_owned).collect();
            let mut bytes = STANDARD.decode(&parts[part]).unwrap();
            bytes[0] ^= 1;
            parts[part] = STANDARD.encode(bytes);
            assert_eq!(keys().open(CONTEXT, &parts.join(":")), Err(SealError::Refused));
        }
    }

    #[test]
    fn a_value_cannot_lose_its_context_by_changing_form() {
        let (_, original_form) = V1.split_at("v1:e7dbe549:".len());
        assert_eq!(keys().open(CONTEXT, original_form), Err(SealError::Refused));
    }

    #[test]
    fn rotation_reads_the_previous_key_and_writes_the_current() {
        let rotated = Keyring::new("next key", Some("original key"));
        assert_eq!(rotated.open_text(CONTEXT, V1).unwrap(), "JBSWY3DPEHPK3PXP");
        assert_eq!(rotated.open_text("", ORIGINAL).unwrap(), "JBSWY3DPEHPK3PXP");
        assert!(!rotated.is_current(V1));
        let sealed = rotated.seal_text(CONTEXT, "JBSWY3DPEHPK3PXP").unwrap();
        assert!(rotated.is_current(&sealed));
        assert_eq!(keys().open(CONTEXT, &sealed), Err(SealError::UnknownKey));
        let without = Keyring::new("next key", Some("  "));
        assert_eq!(without.open(CONTEXT, V1), Err(SealError::UnknownKey));
        assert_eq!(without.open("", ORIGINAL), Err(SealError::Refused));
    }

    #[test]
    fn garbage_is_an_error_and_never_plain_text() {
        let garbage = ["", "plain", "a:b", "a:b:c", "v1:e7dbe549:::", "v2:e7dbe549:AA==:AA==:AA==", "::"];
        for text in garbage {
            assert_eq!(keys().open(CONTEXT, text), Err(SealError::Form), "{text}");
        }
        assert_eq!(keys().open(CONTEXT, "v1:00000000:a:b:c"), Err(SealError::UnknownKey));
        assert!(!keys().is_current("v1"));
    }

    #[test]
    fn bytes_that_are_no_text_are_said_to_be_none() {
        let sealed = keys().seal(CONTEXT, &[0xff, 0xfe]).unwrap();
        assert_eq!(keys().open_text(CONTEXT, &sealed), Err(SealError::NotText));
    }

    #[test]
    fn keys_do_not_show_in_logs() {
        assert_eq!(format!("{:?}", keys()), "Keyring(..)");
    }

    #[test]
    fn statements_are_signed_under_either_key_and_no_other() {
        let signature = keys().sign("position 7");
        assert!(keys().is_signed("position 7", &signature));
        assert!(Keyring::new("a newer key", Some("original key")).is_signed("position 7", &signature));
        assert!(!Keyring::new("a newer key", None).is_signed("position 7", &signature));
        assert!(!keys().is_signed("position 8", &signature));
        assert!(!keys().is_signed("position 7", ""));
    }
}
