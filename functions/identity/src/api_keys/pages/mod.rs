//! The pages of keys.

pub(super) mod create;
pub(super) mod list;
pub(super) mod record;
pub(super) mod rotate;

pub use create::NewKeyPage;
pub use list::KeysPage;
pub use record::{KeyPage, RevokeKeyPage};
pub use rotate::RotateKeyPage;

use serde::{Deserialize, Serialize};
use shared::context::safe_path;
use shared::error::{Error, Result};

use super::store::Row;

/// Where the list begins.
const PATH: &str = "/admin/api-keys";

/// The list with the filters that were in use; they come with every link and form as `list`.
fn list_path(query: &str) -> String {
    let path = format!("{PATH}?{query}");
    if query.is_empty() || safe_path(&path).is_none() { PATH.to_owned() } else { path }
}

/// The filters of the list from which somebody came.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct From {
    list: String,
}

/// The key that a form is about; whatever is wrong with it is said on the list.
fn key_id(text: &str, list: &str) -> Result<i64> {
    let id = text.trim().parse().ok().filter(|id: &i64| *id >= 1);
    id.ok_or_else(|| Error::bad_request("That is not an API key. Choose one from the list.").or_see(list_path(list)))
}

/// 404 becomes a message on the list.
fn unknown_to_list(error: Error, list: &str) -> Error {
    if error.status() == http::StatusCode::NOT_FOUND {
        return Error::not_found("That API key no longer exists").or_see(list_path(list));
    }
    error
}

/// Where a key stands, as its badge names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Standing {
    Active,
    /// Fourteen days are left, or a grace runs.
    Expiring,
    Expired,
    Revoked,
}

impl Standing {
    fn of(row: &Row, now: chrono::DateTime<chrono::Utc>) -> Self {
        let soon = now.date_naive() + chrono::TimeDelta::days(14);
        if row.is_revoked(now) {
            Self::Revoked
        } else if row.is_expired(now) {
            Self::Expired
        } else if row.revoked_at.is_some() || row.expiry_date.is_some_and(|day| day <= soon) {
            Self::Expiring
        } else {
            Self::Active
        }
    }
}

/// Scopes in words: "Reads everything", "Companies: read, Users: read and change".
fn scopes_in_words(scopes: &[String]) -> String {
    let words: Vec<String> = scopes.iter().map(|scope| scope_in_words(scope)).collect();
    words.join(", ")
}

fn scope_in_words(scope: &str) -> String {
    let (area, verb) = scope.split_once(':').unwrap_or((scope, ""));
    let verb = if verb == "read" { "read" } else { "read and change" };
    if area == "*" {
        return format!("Everything: {verb}");
    }
    let label = super::model::AREAS.iter().find(|(name, _)| *name == area).map_or(area, |(_, label)| label);
    format!("{label}: {verb}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_stays_on_the_list() {
        assert_eq!(list_path(""), "/admin/api-keys");
        assert_eq!(list_path("q=a&page=2"), "/admin/api-keys?q=a&page=2");
        assert_eq!(list_path("q=a\r\nSet-Cookie: x"), "/admin/api-keys");
    }

    #[test]
    fn scopes_read_as_words() {
        let scopes = ["*:read", "*:*", "m365:write"].map(str::to_owned);
        assert_eq!(
            scopes_in_words(&scopes),
            "Everything: read, Everything: read and change, Microsoft 365: read and change"
        );
    }
}
