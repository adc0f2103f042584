//! Rows of `users`.

use chrono::{DateTime, Utc};

use crate::db::{At, Tx, is_unique_violation, sql};
use crate::error::{Error, Result};
use crate::search;

/// A person as stored, without secrets.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "columns of users, identity 4.1")]
pub struct User {
    pub id: i64,
    pub email: String,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub mobile_phone: Option<String>,
    pub company_id: Option<i64>,
    pub is_super_admin: bool,
    pub is_active: bool,
    pub is_self_registered: bool,
    pub force_password_change: bool,
    pub has_password: bool,
    pub email_verified_at: Option<DateTime<Utc>>,
    pub last_login_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl User {
    /// First and last name, or the address when there is none.
    pub fn name(&self) -> String {
        crate::caller::session::display_name(self.first_name.as_deref(), self.last_name.as_deref(), &self.email)
    }
}

/// What it takes to add a person.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "columns of users, identity 4.1")]
pub struct NewUser {
    pub email: String,
    pub password_hash: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub mobile_phone: Option<String>,
    pub company_id: Option<i64>,
    pub is_super_admin: bool,
    pub is_self_registered: bool,
    pub force_password_change: bool,
    pub email_verified_at: Option<DateTime<Utc>>,
}

/// Where the words of people are looked for; the table is `u`.
pub const SEARCH: search::Index = search::Index {
    sqlite: " AND u.id IN (SELECT rowid FROM users_search WHERE users_search MATCH ?)",
    mysql: " AND MATCH (u.search_text) AGAINST (? IN BOOLEAN MODE)",
    like: " AND CONCAT(' ', u.search_text) LIKE ? ESCAPE '!'",
};

/// The words of search over a person.
pub fn search_text(email: &str, first: Option<&str>, last: Option<&str>) -> String {
    search::fold(&format!("{} {} {email}", first.unwrap_or_default(), last.unwrap_or_default()))
        .chars()
        .take(1000)
        .collect()
}

/// Adds a person; 409 when the address is taken.
pub async fn insert(tx: &mut Tx, new: &NewUser, now: DateTime<Utc>) -> Result<i64> {
    let inserted = sql("INSERT INTO users (email, password_hash, first_name, last_name, mobile_phone, company_id, \
         is_super_admin, is_active, is_self_registered, force_password_change, search_text, email_verified_at, \
         password_changed_at, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, TRUE, ?, ?, ?, ?, ?, ?, ?)")
    .bind(&new.email)
    .bind(new.password_hash.clone())
    .bind(new.first_name.clone())
    .bind(new.last_name.clone())
    .bind(new.mobile_phone.clone())
    .bind(new.company_id)
    .bind(new.is_super_admin)
    .bind(new.is_self_registered)
    .bind(new.force_password_change)
    .bind(search_text(&new.email, new.first_name.as_deref(), new.last_name.as_deref()))
    .bind(new.email_verified_at)
    .bind(new.password_hash.as_ref().map(|_| now))
    .bind(now)
    .bind(now)
    .insert(tx)
    .await;
    inserted.map_err(email_taken)
}

/// 409 for a taken address, else the error itself.
pub fn email_taken(error: sqlx::Error) -> Error {
    if is_unique_violation(&error, "users_email", "users.email") {
        Error::conflict("Email already registered").code("email_taken")
    } else {
        error.into()
    }
}

const COLUMNS: &str = "SELECT id, email, first_name, last_name, mobile_phone, company_id, is_super_admin, is_active, \
    is_self_registered, force_password_change, password_hash IS NOT NULL AS has_password, email_verified_at, \
    last_login_at, created_at, updated_at FROM users";

/// By id.
pub async fn find(at: impl Into<At<'_>>, id: i64) -> Result<Option<User>> {
    Ok(sql(COLUMNS).push(" WHERE id = ?").bind(id).fetch_optional(at).await?)
}

/// By address, already normalised.
pub async fn find_by_email(at: impl Into<At<'_>>, email: &str) -> Result<Option<User>> {
    Ok(sql(COLUMNS).push(" WHERE email = ?").bind(email).fetch_optional(at).await?)
}

/// True when the first registration is still open.
pub async fn none_exists(at: impl Into<At<'_>>) -> Result<bool> {
    let found: Option<(i64,)> = sql("SELECT id FROM users LIMIT 1").fetch_optional(at).await?;
    Ok(found.is_none())
}

/// Addresses of all active super administrators, at most 200.
pub async fn super_admins(at: impl Into<At<'_>>) -> Result<Vec<User>> {
    let query = sql(COLUMNS).push(" WHERE is_super_admin = TRUE AND is_active = TRUE ORDER BY id LIMIT 200");
    Ok(query.fetch_all(at).await?)
}

/// Trims and lower-cases an address; the error is what to tell the person.
pub fn parse_email(text: &str) -> Result<String, &'static str> {
    let email = text.trim().to_lowercase();
    if email.is_empty() {
        return Err("Enter the email address");
    }
    let is_good = email.chars().count() <= 255
        && email.split_once('@').is_some_and(|(local, host)| is_local_part(local) && is_host(host));
    if is_good { Ok(email) } else { Err("Enter an email address such as ana@example.com") }
}

fn is_local_part(local: &str) -> bool {
    !local.is_empty()
        && local.len() <= 64
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && local.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c))
}

fn is_host(host: &str) -> bool {
    host.contains('.')
        && host.len() <= 253
        && host.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        })
        && host.rsplit('.').next().is_some_and(|top| top.chars().any(|c| c.is_ascii_alphabetic()))
}

/// A mobile number in E.164 form after spaces, hyphens and brackets are removed; blank is none.
pub fn parse_mobile(text: &str) -> Result<Option<String>, &'static str> {
    let number: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '\u{a0}')).collect();
    if number.is_empty() {
        return Ok(None);
    }
    let digits = number.strip_prefix('+').unwrap_or_default();
    let is_good =
        (7..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
    if is_good { Ok(Some(number)) } else { Err("Enter the number with its country code, such as +44 20 7946 0000") }
}

/// A name of 1 to 255 characters; the message names what is missing.
pub fn parse_name(text: &str, empty: &'static str) -> Result<String, &'static str> {
    let name = text.trim();
    if name.is_empty() {
        return Err(empty);
    }
    if name.chars().count() > 255 { Err("Use at most 255 characters") } else { Ok(name.to_owned()) }
}

/// An optional name of at most 255 characters.
pub fn parse_optional_name(text: &str) -> Result<Option<String>, &'static str> {
    if text.trim().is_empty() { Ok(None) } else { parse_name(text, "").map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_normalised_or_refused() {
        assert_eq!(parse_email("  Ana.Ruiz@Example.COM ").unwrap(), "ana.ruiz@example.com");
        for bad in [
            "",
            "ana",
            "ana@",
            "@example.com",
            "ana@example",
            "a b@example.com",
            "ana@ex ample.com",
            "ana@@example.com",
            "ana\r\nBcc: x@example.com",
            "ana@-x.com",
            ".a@example.com",
            "a..b@example.com",
        ] {
            assert!(parse_email(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn mobiles_are_e164() {
        assert_eq!(parse_mobile(" +44 (20) 7946-0000 ").unwrap().unwrap(), "+442079460000");
        assert_eq!(parse_mobile("  ").unwrap(), None);
        for bad in ["0400", "+0400000000", "+44", "442079460000", "+44x2079460000"] {
            assert!(parse_mobile(bad).is_err(), "{bad}");
        }
    }
}
