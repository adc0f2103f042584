//! The forms in which a password hash may be stored, and how each is verified.

use std::str::FromStr;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordVerifier, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

/// Today's settings: 19 MiB, two passes, one lane.
pub(super) const MEMORY_KIB: u32 = 19_456;
pub(super) const PASSES: u32 = 2;
pub(super) const LANES: u32 = 1;

/// An imported hash that asks for more work than this is taken for damaged, not computed.
const MOST_MEMORY_KIB: u32 = 256 * 1024;
const MOST_PASSES: u32 = 16;
const MOST_BCRYPT_COST: u32 = 16;

/// A stored hash of a known form.
pub(super) enum Stored {
    /// Ours, or one made with other Argon2 settings.
    Argon2(Box<PasswordHash>),
    /// One of the Python portal's.
    Bcrypt { input: BcryptInput, hash: String },
}

/// What the Python portal gave to bcrypt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BcryptInput {
    /// The SHA-256 digest, which may hold NUL bytes.
    Digest,
    /// The base64 text of the digest.
    DigestText,
    /// The password, of which bcrypt reads 72 bytes.
    Password,
}

impl Stored {
    /// Reads a stored hash; nothing when it is in no known form or asks for absurd work.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.starts_with("$argon2") {
            return argon2_hash(text).map(|hash| Self::Argon2(Box::new(hash)));
        }
        if let Some(rest) = text.strip_prefix("bcrypt_sha256b64$") {
            return Self::bcrypt(BcryptInput::DigestText, rest);
        }
        match text.strip_prefix("bcrypt_sha256$") {
            Some(rest) => Self::bcrypt(BcryptInput::Digest, rest),
            None => Self::bcrypt(BcryptInput::Password, text),
        }
    }

    fn bcrypt(input: BcryptInput, text: &str) -> Option<Self> {
        let hash = format!("${}", text.strip_prefix('$').unwrap_or(text));
        let known = ["$2a$", "$2b$", "$2y$"].iter().any(|prefix| hash.starts_with(prefix));
        let cost = bcrypt::HashParts::from_str(&hash).ok()?.get_cost();
        (known && cost <= MOST_BCRYPT_COST).then_some(Self::Bcrypt { input, hash })
    }

    /// Whether the candidate is the password; nothing when the hash turns out to be damaged.
    pub(super) fn matches(&self, candidate: &str) -> Option<bool> {
        match self {
            Self::Argon2(hash) => {
                let candidate: String = candidate.nfc().collect();
                Some(Argon2::default().verify_password(candidate.as_bytes(), &**hash).is_ok())
            }
            Self::Bcrypt { input, hash } => input.matches(candidate, hash),
        }
    }

    /// Whether a right password is to be hashed anew.
    pub(super) fn is_dated(&self) -> bool {
        let Self::Argon2(hash) = self else { return true };
        let Ok(params) = Params::try_from(&**hash) else { return true };
        hash.algorithm != Algorithm::Argon2id.ident()
            || hash.version != Some(Version::V0x13.into())
            || params.m_cost() < MEMORY_KIB
            || params.t_cost() < PASSES
    }
}

fn argon2_hash(text: &str) -> Option<PasswordHash> {
    let hash = PasswordHash::new(text).ok()?;
    let params = Params::try_from(&hash).ok()?;
    let is_complete = hash.salt.is_some() && hash.hash.is_some();
    let is_sane = params.m_cost() <= MOST_MEMORY_KIB && params.t_cost() <= MOST_PASSES;
    (is_complete && is_sane).then_some(hash)
}

impl BcryptInput {
    /// The Python portal hashed what was typed; a browser may since send it composed differently.
    fn matches(self, candidate: &str, hash: &str) -> Option<bool> {
        if bcrypt::verify(self.bytes(candidate), hash).ok()? {
            return Some(true);
        }
        let composed: String = candidate.nfc().collect();
        if composed == candidate {
            return Some(false);
        }
        bcrypt::verify(self.bytes(&composed), hash).ok()
    }

    fn bytes(self, candidate: &str) -> Vec<u8> {
        match self {
            Self::Digest => Sha256::digest(candidate).to_vec(),
            Self::DigestText => STANDARD.encode(Sha256::digest(candidate)).into_bytes(),
            Self::Password => candidate.as_bytes().to_vec(),
        }
    }
}
