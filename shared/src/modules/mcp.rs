//! The one secret that is kept as a digest: the shared secret of ChatGPT, with the one before it while a
//! rotation lasts (tickets 10.1).

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use super::field::{Field, Kind};
use super::{MASK, is_blank};

/// The digest as it is stored and as `Module::secret` gives it.
pub const SHARED_SECRET_HASH: &str = "shared_secret_hash";

/// The digest before, and until when it counts.
const PREVIOUS: &str = "previous_secret_hash";
const PREVIOUS_UNTIL: &str = "previous_secret_expires_at";

/// How long the former secret counts when the caller wants it to.
const OVERLAP: TimeDelta = TimeDelta::hours(24);

/// The name under which a secret is stored.
pub(super) fn stored_as(field: &Field) -> &'static str {
    if matches!(field.kind, Kind::Hashed(_)) { SHARED_SECRET_HASH } else { field.key }
}

/// Takes what concerns the digest out of the settings of an edit: a digest made by the caller, and whether
/// the former secret stays good for a day.
pub(super) fn take(settings: &mut Map<String, Value>) -> Result<(Option<String>, bool), String> {
    let keeps = settings.remove("keep_previous_secret").is_some_and(|value| value == true || value == "true");
    let is_hash = settings.remove("shared_secret_is_hash").is_some_and(|value| value == true || value == "true");
    let given = settings.remove(SHARED_SECRET_HASH).unwrap_or_default();
    if is_blank(&given) || given == MASK {
        return Ok((None, keeps));
    }
    let hash = given.as_str().unwrap_or_default().to_lowercase();
    let is_good = hash.len() == 64 && hash.chars().all(|c| c.is_ascii_hexdigit());
    if is_hash && is_good {
        Ok((Some(hash), keeps))
    } else {
        Err("Send 64 hexadecimal digits together with shared_secret_is_hash".to_owned())
    }
}

/// Puts a new digest in place of the former.
pub(super) fn rotate(secrets: &mut Map<String, Value>, former: Option<String>, keeps: bool, now: DateTime<Utc>) {
    secrets.remove(PREVIOUS);
    secrets.remove(PREVIOUS_UNTIL);
    if let (true, Some(former)) = (keeps, former) {
        secrets.insert(PREVIOUS.to_owned(), former.into());
        secrets.insert(PREVIOUS_UNTIL.to_owned(), (now + OVERLAP).to_rfc3339().into());
    }
}

impl super::Module {
    /// The digests that a caller's secret may have now: the current, and the former for a day after a
    /// rotation that kept it.
    pub fn accepted_secret_hashes(&self, app: &crate::app::App) -> crate::error::Result<Vec<String>> {
        let mut good: Vec<String> = self.secret(app, SHARED_SECRET_HASH)?.into_iter().collect();
        let until = self.secret(app, PREVIOUS_UNTIL)?.and_then(|text| DateTime::parse_from_rfc3339(&text).ok());
        if until.is_some_and(|until| until > app.now()) {
            good.extend(self.secret(app, PREVIOUS)?);
        }
        Ok(good)
    }
}
