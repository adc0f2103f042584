//! Passwords: which are allowed, how they are hashed, and which stored forms still open an account.
//!
//! New hashes are Argon2id. Hashes of the Python portal are verified, never written.

mod stored;
#[cfg(test)]
mod tests;
mod weakness;

use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use tokio::sync::{Semaphore, SemaphorePermit};
use unicode_normalization::UnicodeNormalization;

use stored::{LANES, MEMORY_KIB, PASSES, Stored};
pub use weakness::{LENGTH, Weakness, check};

/// Each hash takes 19 MiB: two at once in a process, further ones wait.
static HASHING: Semaphore = Semaphore::const_new(2);

/// The hash of a random password that nobody knows: unknown people cost the same work.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$pLcBHsoa9zROsDkdcX1jJA$L1YY0QNTpDXyLZBswtozyx/7K8GYsvrLlwuRERHYVxU";

/// The password could not be hashed.
#[derive(Debug, thiserror::Error)]
#[error("the password could not be hashed: {0}")]
pub struct HashError(String);

/// What became of comparing a password with a stored hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Not the password, or no usable hash.
    Wrong,
    /// The password.
    Right,
    /// The password, but its hash is of an old form or weak settings: store a new one.
    RightButRehash,
}

impl Verdict {
    /// Whether it is the password.
    pub fn is_right(self) -> bool {
        self != Self::Wrong
    }
}

/// Hashes a password after Unicode NFC, in PHC form.
pub async fn hash(candidate: &str) -> Result<String, HashError> {
    let candidate: String = candidate.nfc().collect();
    let permit = HASHING.acquire().await.ok();
    let work = move || hash_now(&candidate, permit);
    tokio::task::spawn_blocking(work).await.map_err(|error| HashError(error.to_string()))?
}

/// Compares a password with what is stored; the work is the same when nothing usable is stored.
pub async fn verify(candidate: &str, stored: Option<&str>) -> Verdict {
    if candidate.len() > weakness::MAX_BYTES || candidate.nfc().count() > *LENGTH.end() {
        return Verdict::Wrong;
    }
    let (candidate, stored) = (candidate.to_owned(), stored.map(str::to_owned));
    let permit = HASHING.acquire().await.ok();
    let work = move || verify_now(&candidate, stored.as_deref(), permit);
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        tracing::error!(%error, "a password could not be verified");
        Verdict::Wrong
    })
}

/// A place among the two, held by the work itself: a request that goes away does not end it.
type Place = Option<SemaphorePermit<'static>>;

fn hash_now(candidate: &str, _place: Place) -> Result<String, HashError> {
    let failed = |error: String| HashError(error);
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| failed(error.to_string()))?;
    let hash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password(candidate.as_bytes());
    Ok(hash.map_err(|error| failed(error.to_string()))?.to_string())
}

fn verify_now(candidate: &str, stored: Option<&str>, _place: Place) -> Verdict {
    let stored = stored.and_then(Stored::parse);
    match stored.as_ref().and_then(|stored| stored.matches(candidate).map(|right| (stored, right))) {
        Some((stored, true)) if stored.is_dated() => Verdict::RightButRehash,
        Some((_, true)) => Verdict::Right,
        Some((_, false)) => Verdict::Wrong,
        None => {
            let nobody = Stored::parse(NOBODY);
            let _ = nobody.map(|nobody| nobody.matches(candidate));
            Verdict::Wrong
        }
    }
}
