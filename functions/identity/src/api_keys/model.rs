//! What a key is: its bodies, its scopes, the addresses it may come from, and how lists are ordered.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use shared::error::Invalid;
use utoipa::{IntoParams, ToSchema};

/// The areas that scopes name.
pub const AREAS: [(&str, &str); 21] = [
    ("companies", "Companies"),
    ("memberships", "Memberships"),
    ("users", "Users"),
    ("roles", "Roles"),
    ("staff", "Staff"),
    ("assets", "Assets"),
    ("licenses", "Licences"),
    ("invoices", "Invoices"),
    ("forms", "Forms"),
    ("shop", "Shop"),
    ("orders", "Orders"),
    ("ports", "Ports"),
    ("notifications", "Notifications"),
    ("knowledge_base", "Knowledge base"),
    ("tickets", "Tickets"),
    ("automations", "Automations"),
    ("modules", "Modules"),
    ("scheduler", "Scheduled tasks"),
    ("webhooks", "Webhooks"),
    ("audit_logs", "Audit trail"),
    ("m365", "Microsoft 365"),
];

/// What a key may do when nobody says.
pub const READ_ALL: &str = "*:read";

/// Everything.
pub const ALL: &str = "*:*";

/// The longest description.
const LONGEST: usize = 255;

/// Addresses and ranges of one key.
const MOST_ADDRESSES: usize = 50;

/// Filters and order of the list of keys.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct KeyQuery {
    /// Part of the description, or the first characters of the key.
    #[param(example = "backup", max_length = 255)]
    pub search: Option<String>,
    /// The same as `search`, as the page names it.
    pub q: Option<String>,
    /// Also those that have expired or were revoked.
    pub include_expired: Option<bool>,
    /// `created_at`, `description`, `expiry_date`, `usage_count` or `last_used_at`.
    #[param(example = "created_at")]
    pub order_by: Option<String>,
    /// `desc` (default) or `asc`.
    #[param(example = "desc")]
    pub order_direction: Option<String>,
}

/// What the list is sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "columns of the list")]
pub enum Order {
    #[default]
    CreatedAt,
    Description,
    ExpiryDate,
    UsageCount,
    LastUsedAt,
}

impl Order {
    fn parse(name: &str) -> Self {
        match name {
            "description" => Self::Description,
            "expiry_date" => Self::ExpiryDate,
            "usage_count" => Self::UsageCount,
            "last_used_at" => Self::LastUsedAt,
            _ => Self::CreatedAt,
        }
    }

    /// As addresses name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::CreatedAt => "created_at",
            Self::Description => "description",
            Self::ExpiryDate => "expiry_date",
            Self::UsageCount => "usage_count",
            Self::LastUsedAt => "last_used_at",
        }
    }
}

/// A selection of keys in an order.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "the fields of KeyQuery, read")]
pub struct Filter {
    pub search: String,
    pub include_expired: bool,
    pub order: Order,
    pub descending: bool,
}

impl KeyQuery {
    /// Reads the query; an unknown order is the default one. The heads of the page's table sort by a name
    /// with a leading `-`, or by a bare one for ascending, which `sorted_by_head` says.
    pub fn filter(&self, sorted_by_head: bool) -> Filter {
        let wanted = self.order_by.as_deref().unwrap_or_default();
        let (name, minus) = wanted.strip_prefix('-').map_or((wanted, false), |name| (name, true));
        let descending = match self.order_direction.as_deref() {
            Some("asc") => false,
            Some("desc") => true,
            _ => minus || !sorted_by_head || wanted.is_empty(),
        };
        let search = self.search.as_ref().or(self.q.as_ref());
        Filter {
            search: search.map(|text| text.chars().take(LONGEST).collect()).unwrap_or_default(),
            include_expired: self.include_expired.unwrap_or(false),
            order: Order::parse(name),
            descending,
        }
    }
}

impl Filter {
    /// As the heads of the table name it.
    pub fn sort(&self) -> String {
        format!("{}{}", if self.descending { "-" } else { "" }, self.order.name())
    }
}

/// A new key.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(example = json!({"description": "Backup reports", "expiry_date": "2027-12-31",
    "scopes": ["companies:read", "assets:write"], "company_id": null, "allowed_ips": ["203.0.113.0/24"]}))]
pub struct NewKeyBody {
    /// What it is for, at most 255 characters.
    pub description: Option<String>,
    /// The last day on which it works, today or later.
    pub expiry_date: Option<String>,
    /// `<area>:read`, `<area>:write`, `*:read` or `*:*`; `["*:read"]` when left out.
    pub scopes: Option<Vec<String>>,
    /// The only company it may reach.
    pub company_id: Option<i64>,
    /// Addresses and ranges it may come from; any when left out.
    pub allowed_ips: Option<Vec<String>>,
}

/// A key to be made, checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the fields of NewKeyBody, checked")]
pub struct NewKey {
    pub description: Option<String>,
    pub expiry_date: Option<NaiveDate>,
    pub scopes: Vec<String>,
    pub company_id: Option<i64>,
    pub allowed_ips: Option<Vec<String>>,
}

impl NewKeyBody {
    /// Checks every field.
    pub fn parse(&self, today: NaiveDate) -> Result<NewKey, Invalid> {
        let mut bad = Invalid::none();
        let description = bad.check("description", parse_description(self.description.as_deref()));
        let expiry = bad.check("expiry_date", parse_expiry(self.expiry_date.as_deref(), today));
        let scopes = bad.check("scopes", parse_scopes(self.scopes.as_deref()));
        let allowed = bad.check("allowed_ips", parse_addresses(self.allowed_ips.as_deref().unwrap_or_default()));
        bad.finish()?;
        Ok(NewKey {
            description: description.flatten(),
            expiry_date: expiry.flatten(),
            scopes: scopes.unwrap_or_default(),
            company_id: self.company_id,
            allowed_ips: allowed.flatten(),
        })
    }
}

fn parse_description(text: Option<&str>) -> Result<Option<String>, &'static str> {
    let text = text.unwrap_or_default().trim();
    if text.chars().count() > LONGEST || text.chars().any(char::is_control) {
        return Err("Use at most 255 characters, on one line");
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

fn parse_expiry(text: Option<&str>, today: NaiveDate) -> Result<Option<NaiveDate>, &'static str> {
    let text = text.unwrap_or_default().trim();
    if text.is_empty() {
        return Ok(None);
    }
    // chrono alone would also take 2027-1-5.
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|day| day.to_string() == text);
    let day = day.ok_or("Enter an expiry date in YYYY-MM-DD format.")?;
    if day < today { Err("Enter today or a later day") } else { Ok(Some(day)) }
}

fn parse_scopes(scopes: Option<&[String]>) -> Result<Vec<String>, String> {
    let Some(scopes) = scopes else { return Ok(vec![READ_ALL.to_owned()]) };
    let mut parsed: Vec<String> = Vec::new();
    for scope in scopes.iter().map(|scope| scope.trim()) {
        if !is_scope(scope) {
            return Err(format!("{scope:?} is no scope. Use an area with :read or :write, *:read or *:*"));
        }
        if !parsed.iter().any(|known| known == scope) {
            parsed.push(scope.to_owned());
        }
    }
    if parsed.is_empty() { Err("Choose at least one scope".to_owned()) } else { Ok(parsed) }
}

fn is_scope(scope: &str) -> bool {
    if scope == READ_ALL || scope == ALL {
        return true;
    }
    let (area, verb) = scope.split_once(':').unwrap_or_default();
    matches!(verb, "read" | "write") && AREAS.iter().any(|(name, _)| *name == area)
}

fn parse_addresses(list: &[String]) -> Result<Option<Vec<String>>, String> {
    let mut parsed: Vec<String> = Vec::new();
    for text in list.iter().map(|text| text.trim()).filter(|text| !text.is_empty()) {
        let address = text.parse::<std::net::IpAddr>().map(|ip| ip.to_canonical().to_string());
        let entry = address.or_else(|_| text.parse::<ipnet::IpNet>().map(|range| range.trunc().to_string()));
        let entry =
            entry.map_err(|_| format!("{text:?} is no address. Use one such as 203.0.113.10 or 203.0.113.0/24"))?;
        if !parsed.contains(&entry) {
            parsed.push(entry);
        }
    }
    match parsed.len() {
        0 => Ok(None),
        n if n > MOST_ADDRESSES => Err(format!("Use at most {MOST_ADDRESSES} addresses")),
        _ => Ok(Some(parsed)),
    }
}

/// How a key is replaced.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(example = json!({"expiry_date": "2028-12-31", "retire_previous": true, "grace_hours": 24}))]
pub struct RotateBody {
    /// A new description; blank keeps it.
    pub description: Option<String>,
    /// A new last day; blank keeps it.
    pub expiry_date: Option<String>,
    /// The old key stops working; true when left out.
    pub retire_previous: Option<bool>,
    /// Hours for which the old key still works, 0 to 168.
    #[schema(minimum = 0, maximum = 168)]
    pub grace_hours: Option<i64>,
}

/// How a key is replaced, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of RotateBody, checked")]
pub struct Rotation {
    pub description: Option<String>,
    pub expiry_date: Option<NaiveDate>,
    pub retire_previous: bool,
    pub grace_hours: i64,
}

impl RotateBody {
    /// Checks every field.
    pub fn parse(&self, today: NaiveDate) -> Result<Rotation, Invalid> {
        let mut bad = Invalid::none();
        let description = bad.check("description", parse_description(self.description.as_deref()));
        let expiry = bad.check("expiry_date", parse_expiry(self.expiry_date.as_deref(), today));
        let grace = self.grace_hours.unwrap_or(0);
        if !(0..=168).contains(&grace) {
            bad.add("grace_hours", "Enter a number of hours from 0 to 168");
        }
        bad.finish()?;
        Ok(Rotation {
            description: description.flatten(),
            expiry_date: expiry.flatten(),
            retire_previous: self.retire_previous.unwrap_or(true),
            grace_hours: grace,
        })
    }
}

/// Use of a key from one address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({"ip_address": "203.0.113.10", "usage_count": 41, "last_used_at": "2026-11-23T09:12:00Z"}))]
pub struct Usage {
    /// Where from; `other` gathers what came after 500 addresses.
    pub ip_address: String,
    /// How often.
    pub usage_count: i64,
    /// The latest time.
    pub last_used_at: DateTime<Utc>,
}

/// A key, without itself.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"id": 3, "description": "Backup reports", "expiry_date": "2027-12-31",
    "created_at": "2026-11-03T09:12:00Z", "last_used_at": null, "last_seen_at": null, "usage_count": 0,
    "key_preview": "0a1b2c3d••••", "usage": [], "usage_addresses": 0, "scopes": ["companies:read"],
    "company_id": null, "allowed_ips": null, "created_by": 1, "is_expired": false, "revoked_at": null}))]
pub struct KeyRecord {
    /// The key.
    pub id: i64,
    /// What it is for.
    pub description: Option<String>,
    /// The last day on which it works.
    pub expiry_date: Option<NaiveDate>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// The latest use, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// The latest use from any address; null when it was never used.
    pub last_seen_at: Option<DateTime<Utc>>,
    /// Uses in all.
    pub usage_count: i64,
    /// The first characters.
    pub key_preview: String,
    /// Most used addresses first; at most 20 in lists.
    pub usage: Vec<Usage>,
    /// Addresses in all.
    pub usage_addresses: i64,
    /// What it may do.
    pub scopes: Vec<String>,
    /// The only company it may reach.
    pub company_id: Option<i64>,
    /// Where it may come from; null means anywhere.
    pub allowed_ips: Option<Vec<String>>,
    /// Who made it.
    pub created_by: Option<i64>,
    /// Its last day has passed.
    pub is_expired: bool,
    /// Since when it does not work, or from when it will not.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// A key that was just made, with the token that is shown this once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": 3, "description": "Backup reports", "expiry_date": "2027-12-31",
    "created_at": "2026-11-03T09:12:00Z", "last_used_at": null, "last_seen_at": null, "usage_count": 0,
    "key_preview": "0a1b2c3d••••", "usage": [], "usage_addresses": 0, "scopes": ["companies:read"],
    "company_id": null, "allowed_ips": null, "created_by": 1, "is_expired": false, "revoked_at": null,
    "api_key": "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9"}))]
pub struct CreatedKey {
    /// The key as lists show it.
    #[serde(flatten)]
    pub record: KeyRecord,
    /// 64 characters for the header `X-API-Key`. Only its digest is kept.
    pub api_key: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 23).unwrap()
    }

    #[test]
    fn a_key_without_fields_reads_everything() {
        let key = NewKeyBody::default().parse(today()).unwrap();
        assert_eq!(key, NewKey { scopes: vec!["*:read".to_owned()], ..NewKey::default() });
    }

    #[test]
    fn scopes_are_areas_with_a_verb() {
        for good in ["users:read", "m365:write", "*:read", "*:*"] {
            assert!(is_scope(good), "{good}");
        }
        for bad in ["", "users", "users:delete", "nothing:read", "*:write", "users:*", "Users:read", "users:read "] {
            assert!(!is_scope(bad), "{bad:?}");
        }
        assert!(parse_scopes(Some(&[])).is_err());
    }

    #[test]
    fn days_are_written_in_full_and_not_past() {
        assert_eq!(parse_expiry(Some(" 2026-11-23 "), today()).unwrap(), Some(today()));
        assert_eq!(parse_expiry(Some(""), today()).unwrap(), None);
        assert_eq!(parse_expiry(Some("2026-11-22"), today()).unwrap_err(), "Enter today or a later day");
        for bad in ["23/11/2026", "2026-11-31", "2027-1-5", "soon", "+2027-01-5"] {
            assert_eq!(parse_expiry(Some(bad), today()).unwrap_err(), "Enter an expiry date in YYYY-MM-DD format.");
        }
    }

    #[test]
    fn addresses_are_written_in_one_way() {
        let list: Vec<String> =
            ["203.0.113.10", " 203.0.113.77/24 ", "::ffff:203.0.113.10", "2001:DB8::1", ""].map(str::to_owned).to_vec();
        let parsed = parse_addresses(&list).unwrap().unwrap();
        assert_eq!(parsed, ["203.0.113.10", "203.0.113.0/24", "2001:db8::1"]);
        assert_eq!(parse_addresses(&[]).unwrap(), None);
        assert!(parse_addresses(&["203.0.113".to_owned()]).is_err());
    }

    #[test]
    fn orders_differ_between_programs_and_heads() {
        let query = |order: &str| KeyQuery { order_by: Some(order.to_owned()), ..KeyQuery::default() };
        assert_eq!(query("description").filter(false).sort(), "-description");
        assert_eq!(query("description").filter(true).sort(), "description");
        assert_eq!(query("-description").filter(true).sort(), "-description");
        assert_eq!(query("key_hash").filter(false).sort(), "-created_at");
        assert_eq!(KeyQuery::default().filter(true).sort(), "-created_at");
    }

    #[test]
    fn grace_lasts_a_week_at_most() {
        let body = |hours| RotateBody { grace_hours: Some(hours), ..RotateBody::default() };
        assert!(body(168).parse(today()).unwrap().retire_previous);
        assert!(body(169).parse(today()).is_err() && body(-1).parse(today()).is_err());
    }
}
