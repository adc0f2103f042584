//! Which passwords are refused when one is chosen.

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use zxcvbn::matching::patterns::{DictionaryPattern, MatchPattern};
use zxcvbn::zxcvbn;

/// Fewest and most characters of a password, counted after Unicode NFC.
pub const LENGTH: std::ops::RangeInclusive<usize> = 12..=128;

/// Longer input is refused before any work is spent on it: no 128 characters need as many bytes.
pub(super) const MAX_BYTES: usize = 8 * 1024;

/// How many entries of the list have to be refused.
const MOST_COMMON: usize = 10_000;

/// The longest entry of the list of common passwords has 20 characters.
const LONGEST_COMMON: usize = 20;

/// Why a password was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakness {
    /// Fewer than 12 characters.
    TooShort,
    /// More than 128 characters.
    TooLong,
    /// On the list of common passwords.
    Common,
    /// The e-mail address or the part before its @.
    Email,
    /// The portal's name.
    PortalName,
}

impl Weakness {
    /// What to tell the person who chose the password.
    pub fn message(self) -> &'static str {
        match self {
            Self::TooShort => "Enter a password of at least 12 characters",
            Self::TooLong => "Enter a password of at most 128 characters",
            Self::Common => "Many people use this password. Choose another.",
            Self::Email => "Choose a password other than your email address",
            Self::PortalName => "Choose a password other than the name of the portal",
        }
    }
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for Weakness {}

/// Checks a password that somebody chose; there are no rules of composition.
pub fn check(candidate: &str, email: &str, app_name: &str) -> Result<(), Weakness> {
    if candidate.len() > MAX_BYTES {
        return Err(Weakness::TooLong);
    }
    let candidate: String = candidate.nfc().collect();
    match candidate.chars().count() {
        length if length < *LENGTH.start() => return Err(Weakness::TooShort),
        length if length > *LENGTH.end() => return Err(Weakness::TooLong),
        _ => {}
    }
    let candidate = candidate.to_lowercase();
    let email = folded(email);
    let local_part = email.rsplit_once('@').map_or(email.as_str(), |(local, _)| local);
    if candidate == email || candidate == local_part {
        return Err(Weakness::Email);
    }
    if candidate == folded(app_name) {
        return Err(Weakness::PortalName);
    }
    if is_common(&candidate) { Err(Weakness::Common) } else { Ok(()) }
}

fn folded(text: &str) -> String {
    text.trim().nfc().collect::<String>().to_lowercase()
}

/// Whether the whole password stands on the estimator's list, which is ordered by frequency.
///
/// All of its first 10,000 entries are found, and most of the 20,000 behind them: where a sequence
/// of keys or digits explains one of those better, the estimator names that instead.
fn is_common(lowercase: &str) -> bool {
    if lowercase.chars().count() > LONGEST_COMMON {
        return false;
    }
    let estimate = zxcvbn(lowercase, &[]);
    let [whole] = estimate.sequence() else { return false };
    match &whole.pattern {
        MatchPattern::Repeat(twice) if twice.repeat_count == 2 => {
            matches!(&twice.base_matches[..], [base] if is_listed(&base.pattern, &twice.base_token))
        }
        pattern => is_listed(pattern, lowercase),
    }
}

/// A word that stands higher on a list of English words or names is named from there.
fn is_listed(pattern: &MatchPattern, word: &str) -> bool {
    let MatchPattern::Dictionary(entry) = pattern else { return false };
    let is_password = entry.dictionary_name == DictionaryPattern::default().dictionary_name;
    let is_word = entry.matched_word == word && !entry.l33t && !entry.reversed;
    is_word && (is_password || entry.rank <= MOST_COMMON)
}
