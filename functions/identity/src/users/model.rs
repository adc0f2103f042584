//! People as administrators and programs see and change them: filters, bodies and what they must keep to.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::accounts::users::{self, User};
use shared::error::Invalid;
use shared::passwords;
use shared::web::Patch;
use utoipa::{IntoParams, ToSchema};

/// Filters and order of the list of users.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UserQuery {
    /// Words of the name or the address, at most 255 characters.
    #[param(example = "ana", max_length = 255)]
    pub search: Option<String>,
    /// The same as `search`, as the page names it.
    pub q: Option<String>,
    /// People of this company.
    #[param(example = 4)]
    pub company_id: Option<i64>,
    /// Super administrators, or everybody else.
    pub is_super_admin: Option<bool>,
    /// People who may sign in, or those who may not.
    pub is_active: Option<bool>,
    /// People with an authenticator, or those without.
    pub has_totp: Option<bool>,
    /// `active`, `disabled`, `invited` or `unverified`.
    pub status: Option<String>,
    /// `id`, `email`, `last_name`, `created_at` or `last_login_at`; a leading `-` means descending.
    #[param(example = "-created_at")]
    pub sort: Option<String>,
    /// `asc` or `desc`.
    pub direction: Option<String>,
}

/// Where a person stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// May sign in.
    Active,
    /// May not sign in.
    #[serde(rename = "inactive")]
    Disabled,
    /// Has not chosen a password yet.
    Invited,
    /// Has not confirmed the address.
    Unverified,
}

impl Standing {
    /// From what is stored about a person.
    pub fn of(is_active: bool, has_password: bool, verified: Option<DateTime<Utc>>) -> Self {
        match (is_active, has_password, verified) {
            (false, _, _) => Self::Disabled,
            (true, false, _) => Self::Invited,
            (true, true, None) => Self::Unverified,
            (true, true, Some(_)) => Self::Active,
        }
    }

    /// As addresses name it.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "active" => Some(Self::Active),
            "disabled" | "inactive" => Some(Self::Disabled),
            "invited" => Some(Self::Invited),
            "unverified" => Some(Self::Unverified),
            _ => None,
        }
    }

    /// As people read it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Disabled => "Disabled",
            Self::Invited => "Invited",
            Self::Unverified => "Email not confirmed",
        }
    }
}

/// What the list is sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "columns of users")]
pub enum Sort {
    Id,
    Email,
    LastName,
    #[default]
    CreatedAt,
    LastLoginAt,
}

impl Sort {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "id" => Some(Self::Id),
            "email" => Some(Self::Email),
            "last_name" => Some(Self::LastName),
            "created_at" => Some(Self::CreatedAt),
            "last_login_at" => Some(Self::LastLoginAt),
            _ => None,
        }
    }

    /// As addresses name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Email => "email",
            Self::LastName => "last_name",
            Self::CreatedAt => "created_at",
            Self::LastLoginAt => "last_login_at",
        }
    }
}

/// A selection of users in an order.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "the fields of UserQuery, read")]
pub struct Filter {
    pub search: String,
    pub company_id: Option<i64>,
    pub is_super_admin: Option<bool>,
    pub is_active: Option<bool>,
    pub has_totp: Option<bool>,
    pub standing: Option<Standing>,
    pub sort: Sort,
    pub descending: bool,
    /// Nobody outside this company, for keys that are limited to one.
    pub within: Option<i64>,
}

impl UserQuery {
    /// Reads the query; unknown names of an order mean the newest first.
    pub fn filter(&self, within: Option<i64>) -> Filter {
        let wanted = self.sort.as_deref().unwrap_or_default();
        let (name, minus) = wanted.strip_prefix('-').map_or((wanted, false), |name| (name, true));
        let (sort, descending) = match (Sort::parse(name), self.direction.as_deref()) {
            (None, _) => (Sort::CreatedAt, true),
            (Some(sort), Some("desc")) => (sort, true),
            (Some(sort), Some("asc")) => (sort, false),
            (Some(sort), _) => (sort, minus),
        };
        let search = self.search.as_ref().or(self.q.as_ref());
        Filter {
            search: search.map(|text| text.chars().take(255).collect()).unwrap_or_default(),
            company_id: self.company_id,
            is_super_admin: self.is_super_admin,
            is_active: self.is_active,
            has_totp: self.has_totp,
            standing: self.status.as_deref().and_then(Standing::parse),
            sort,
            descending,
            within,
        }
    }
}

impl Filter {
    /// As the list's address and its heads name it.
    pub fn order(&self) -> String {
        format!("{}{}", if self.descending { "-" } else { "" }, self.sort.name())
    }
}

/// A user, as the API shows one. People see the first ten fields of themselves; the last four are for super
/// administrators and keys.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"id": 42, "email": "ana@example.com", "first_name": "Ana", "last_name": "Ruiz",
    "mobile_phone": "+442079460000", "company_id": 4, "is_super_admin": false, "force_password_change": false,
    "created_at": "2026-11-03T09:12:00Z", "updated_at": "2026-11-23T09:12:00Z", "is_active": true,
    "email_verified_at": "2026-11-03T09:30:00Z", "last_login_at": null, "totp_enabled": true}))]
pub struct UserRecord {
    /// The user.
    pub id: i64,
    /// Lower-case address.
    pub email: String,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Number in E.164 form.
    pub mobile_phone: Option<String>,
    /// Home company.
    pub company_id: Option<i64>,
    /// Passes every permission check.
    pub is_super_admin: bool,
    /// Must choose a new password first.
    pub force_password_change: bool,
    /// When the account was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// May sign in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_active: Option<bool>,
    /// When the address was confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<DateTime<Utc>>)]
    pub email_verified_at: Option<Option<DateTime<Utc>>>,
    /// The latest sign-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<DateTime<Utc>>)]
    pub last_login_at: Option<Option<DateTime<Utc>>>,
    /// Has an authenticator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub totp_enabled: Option<bool>,
}

/// A new user.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[schema(example = json!({"email": "ana@example.com", "first_name": "Ana", "last_name": "Ruiz",
    "mobile_phone": "+44 20 7946 0000", "company_id": 4}))]
pub struct NewUserBody {
    /// Address, at most 255 characters; stored in lower case.
    pub email: String,
    /// At least 12 characters. Left out: an invitation is sent, with which the person chooses one.
    pub password: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Number with country code; spaces, hyphens and brackets are removed.
    pub mobile_phone: Option<String>,
    /// Home company, in which the person becomes an active member.
    pub company_id: Option<i64>,
    /// The address is known to be theirs.
    pub email_verified: Option<bool>,
    /// The person must choose a new password at the first sign-in.
    pub force_password_change: Option<bool>,
}

/// A person to be added, checked.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "the fields of NewUserBody, checked")]
pub struct NewPerson {
    pub email: String,
    pub password: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub mobile_phone: Option<String>,
    pub company_id: Option<i64>,
    pub email_verified: bool,
    pub force_password_change: bool,
}

impl NewUserBody {
    /// Checks every field; the portal's name is no password.
    pub fn parse(&self, app_name: &str) -> Result<NewPerson, Invalid> {
        let mut bad = Invalid::none();
        let email = bad.check("email", users::parse_email(&self.email)).unwrap_or_default();
        let password = self.password.clone().filter(|text| !text.is_empty());
        if let Some(password) = &password {
            bad.check("password", passwords::check(password, &email, app_name).map_err(passwords::Weakness::message));
        }
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let first = bad.check("first_name", users::parse_optional_name(&text(&self.first_name)));
        let last = bad.check("last_name", users::parse_optional_name(&text(&self.last_name)));
        let mobile = bad.check("mobile_phone", users::parse_mobile(&text(&self.mobile_phone)));
        bad.finish()?;
        Ok(NewPerson {
            email,
            force_password_change: password.is_some() && self.force_password_change == Some(true),
            email_verified: password.is_some() && self.email_verified == Some(true),
            password,
            first_name: first.flatten(),
            last_name: last.flatten(),
            mobile_phone: mobile.flatten(),
            company_id: self.company_id,
        })
    }
}

/// Changes of a user. People may change the first three fields of themselves; the rest is for super
/// administrators.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[schema(example = json!({"first_name": "Ana", "mobile_phone": null}))]
pub struct UserPatch {
    /// First name; null clears it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub first_name: Patch<String>,
    /// Last name; null clears it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub last_name: Patch<String>,
    /// Number with country code; null clears it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub mobile_phone: Patch<String>,
    /// A new address counts as not confirmed, unless `email_verified` says otherwise.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub email: Patch<String>,
    /// The address is known to be theirs.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    pub email_verified: Patch<bool>,
    /// Home company; null clears it.
    #[serde(default)]
    #[schema(value_type = Option<i64>)]
    pub company_id: Patch<i64>,
    /// Grants or takes away every permission; ends the person's sessions. Wants a confirmed password.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    pub is_super_admin: Patch<bool>,
    /// False ends the person's sessions at once.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    pub is_active: Patch<bool>,
    /// Must choose a new password first.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    pub force_password_change: Patch<bool>,
}

/// What is to change; none leaves a field.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "the fields of UserPatch, checked")]
pub struct Changes {
    pub first_name: Option<Option<String>>,
    pub last_name: Option<Option<String>>,
    pub mobile_phone: Option<Option<String>>,
    pub email: Option<String>,
    pub email_verified: Option<bool>,
    pub company_id: Option<Option<i64>>,
    pub is_super_admin: Option<bool>,
    pub is_active: Option<bool>,
    pub force_password_change: Option<bool>,
}

impl UserPatch {
    /// True when a field is sent that only super administrators may set.
    pub fn wants_administrator(&self) -> bool {
        let is_free = self.email.is_absent()
            && self.email_verified.is_absent()
            && self.company_id.is_absent()
            && self.is_super_admin.is_absent()
            && self.is_active.is_absent()
            && self.force_password_change.is_absent();
        !is_free
    }

    /// Checks every field that is sent.
    pub fn parse(self) -> Result<Changes, Invalid> {
        let mut bad = Invalid::none();
        let changes = Changes {
            first_name: text(&mut bad, "first_name", self.first_name, users::parse_optional_name),
            last_name: text(&mut bad, "last_name", self.last_name, users::parse_optional_name),
            mobile_phone: text(&mut bad, "mobile_phone", self.mobile_phone, users::parse_mobile),
            email: self
                .email
                .change()
                .and_then(|value| bad.check("email", users::parse_email(&value.unwrap_or_default()))),
            email_verified: flag(&mut bad, "email_verified", self.email_verified),
            company_id: self.company_id.change(),
            is_super_admin: flag(&mut bad, "is_super_admin", self.is_super_admin),
            is_active: flag(&mut bad, "is_active", self.is_active),
            force_password_change: flag(&mut bad, "force_password_change", self.force_password_change),
        };
        bad.finish()?;
        Ok(changes)
    }
}

type Parsed = Result<Option<String>, &'static str>;

fn text(bad: &mut Invalid, field: &str, patch: Patch<String>, parse: fn(&str) -> Parsed) -> Option<Option<String>> {
    let value = patch.change()?;
    bad.check(field, parse(&value.unwrap_or_default()))
}

#[expect(clippy::needless_pass_by_value, reason = "taken like its neighbours")]
fn flag(bad: &mut Invalid, field: &str, patch: Patch<bool>) -> Option<bool> {
    match patch {
        Patch::Absent => None,
        Patch::Value(value) => Some(value),
        Patch::Null => {
            bad.add(field, "Enter true or false");
            None
        }
    }
}

impl Changes {
    /// The person as they will be.
    pub fn apply(&self, user: &User, now: DateTime<Utc>) -> User {
        let mut user = user.clone();
        if let Some(email) = self.email.as_ref().filter(|email| **email != user.email) {
            user.email.clone_from(email);
            user.email_verified_at = None;
        }
        user.email_verified_at = match self.email_verified {
            Some(true) => user.email_verified_at.or(Some(now)),
            Some(false) => None,
            None => user.email_verified_at,
        };
        user.first_name = self.first_name.clone().unwrap_or(user.first_name);
        user.last_name = self.last_name.clone().unwrap_or(user.last_name);
        user.mobile_phone = self.mobile_phone.clone().unwrap_or(user.mobile_phone);
        user.company_id = self.company_id.unwrap_or(user.company_id);
        user.is_super_admin = self.is_super_admin.unwrap_or(user.is_super_admin);
        user.is_active = self.is_active.unwrap_or(user.is_active);
        user.force_password_change = self.force_password_change.unwrap_or(user.force_password_change);
        user
    }

    /// True when the change could take away the last person in charge.
    pub fn may_dethrone(&self) -> bool {
        self.is_active == Some(false) || self.is_super_admin == Some(false)
    }
}

/// What the trail keeps of a person's details.
pub fn details(user: &User) -> serde_json::Value {
    serde_json::json!({
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "mobile_phone": user.mobile_phone,
        "company_id": user.company_id,
        "force_password_change": user.force_password_change,
        "email_verified_at": user.email_verified_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(sort: &str, direction: &str) -> (Sort, bool) {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let filter = UserQuery { sort: text(sort), direction: text(direction), ..UserQuery::default() }.filter(None);
        (filter.sort, filter.descending)
    }

    #[test]
    fn orders_are_read_and_unknown_ones_are_newest_first() {
        assert_eq!(query("", ""), (Sort::CreatedAt, true));
        assert_eq!(query("password_hash", "asc"), (Sort::CreatedAt, true));
        assert_eq!(query("email", ""), (Sort::Email, false));
        assert_eq!(query("-email", ""), (Sort::Email, true));
        assert_eq!(query("email", "desc"), (Sort::Email, true));
        assert_eq!(query("-email", "asc"), (Sort::Email, false));
    }

    #[test]
    fn standing_follows_what_is_stored() {
        let now = DateTime::from_timestamp(0, 0);
        assert_eq!(Standing::of(false, true, now), Standing::Disabled);
        assert_eq!(Standing::of(true, false, now), Standing::Invited);
        assert_eq!(Standing::of(true, true, None), Standing::Unverified);
        assert_eq!(Standing::of(true, true, now), Standing::Active);
    }

    #[test]
    fn a_new_user_is_checked_as_a_whole() {
        let body = NewUserBody {
            email: "no".to_owned(),
            password: Some("short".to_owned()),
            mobile_phone: Some("0400".to_owned()),
            ..NewUserBody::default()
        };
        let invalid = body.parse("MyPortal").unwrap_err();
        let fields: Vec<&str> = invalid.iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["email", "password", "mobile_phone"]);
    }

    #[test]
    fn administrators_fields_are_told_from_own_ones() {
        let read = |text: &str| serde_json::from_str::<UserPatch>(text).unwrap();
        assert!(!read(r#"{"first_name": "Ana", "mobile_phone": null}"#).wants_administrator());
        assert!(read(r#"{"company_id": null}"#).wants_administrator());
        assert!(read(r#"{"is_super_admin": false}"#).wants_administrator());
        assert!(read(r#"{"is_active": null}"#).parse().is_err());
    }
}
