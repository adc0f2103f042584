//! A person of the staff directory: what is kept, and what its fields may hold (organisation 3.4, 10.4).

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, TimeZone as _, Utc};
use serde::Serialize;
use shared::accounts::users::parse_email;
use shared::format;
use utoipa::ToSchema;

use super::field::Field;

/// How far somebody's account has come, as stored and shown.
pub const ACTIONS: [&str; 8] = [
    "Onboard Requested",
    "Onboard Approved",
    "Onboarding In Progress",
    "Onboarded",
    "Offboard Requested",
    OFFBOARD_APPROVED,
    OFFBOARD_SCHEDULED,
    OFFBOARDED,
];
/// A company announced a starter.
pub const ONBOARD_REQUESTED: &str = ACTIONS[0];
/// A manager asked for an end that a super administrator must approve.
pub const OFFBOARD_REQUESTED: &str = ACTIONS[4];
/// The end that was asked for is approved.
pub const OFFBOARD_APPROVED: &str = "Offboard Approved";
/// The end comes by itself.
pub const OFFBOARD_SCHEDULED: &str = "Offboard Scheduled";
/// It has come.
pub const OFFBOARDED: &str = "Offboarded";

/// What people write about a staff member.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, sqlx::FromRow, ToSchema)]
#[expect(missing_docs, reason = "columns of staff, organisation 3.4")]
pub struct Values {
    pub first_name: String,
    pub last_name: String,
    pub email: Option<String>,
    pub mobile_phone: Option<String>,
    pub date_onboarded: Option<DateTime<Utc>>,
    pub date_offboarded: Option<DateTime<Utc>>,
    pub enabled: bool,
    pub street: Option<String>,
    pub city: Option<String>,
    pub state: Option<String>,
    pub postcode: Option<String>,
    pub country: Option<String>,
    pub department: Option<String>,
    pub job_title: Option<String>,
    pub org_company: Option<String>,
    pub manager_name: Option<String>,
    pub account_action: Option<String>,
}

/// A staff member.
#[derive(Debug, Clone, Serialize, sqlx::FromRow, ToSchema)]
#[schema(as = StaffMember, example = json!({"id": 12, "company_id": 4, "user_id": null, "first_name": "Ana",
    "last_name": "Ruiz", "email": "ana@dental.example.com", "mobile_phone": "+447700900123",
    "date_onboarded": "2025-02-03T00:00:00Z", "date_offboarded": null, "enabled": true, "street": "12 Mill Lane",
    "city": "Leeds", "state": null, "postcode": "LS1 4AP", "country": "United Kingdom", "department": "Reception",
    "job_title": "Receptionist", "org_company": null, "manager_name": "Helen Marsh", "account_action": "Onboarded",
    "syncro_contact_id": "88121", "created_at": "2025-02-03T09:12:00Z", "updated_at": "2026-11-23T09:12:00Z"}))]
pub struct Staff {
    /// Number of the staff member.
    pub id: i64,
    /// The company.
    pub company_id: i64,
    /// The portal account of this person, if there is one.
    pub user_id: Option<i64>,
    /// What people write.
    #[sqlx(flatten)]
    #[serde(flatten)]
    pub values: Values,
    /// Number of the contact at Syncro.
    pub syncro_contact_id: Option<String>,
    /// When the row was added.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// For pages.
    #[serde(skip)]
    pub company_name: String,
    /// The sealed code, while it is valid.
    #[serde(skip)]
    pub sealed_code: Option<String>,
    /// Who sent it.
    #[serde(skip)]
    pub code_by: Option<String>,
    /// When it ends.
    #[serde(skip)]
    pub code_expires_at: Option<DateTime<Utc>>,
    /// The code on the phone of this person; only for super administrators, and only while it is valid.
    #[sqlx(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification_code: Option<String>,
    /// Who sent it.
    #[sqlx(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification_admin_name: Option<String>,
}

impl Staff {
    /// First and last name.
    pub fn name(&self) -> String {
        self.values.name()
    }

    /// The end is decided: only a super administrator moves it.
    pub fn is_leaving(&self) -> bool {
        let decided = [OFFBOARD_APPROVED, OFFBOARD_SCHEDULED, OFFBOARDED];
        self.values.account_action.as_deref().is_some_and(|action| decided.contains(&action))
    }
}

impl Values {
    /// First and last name.
    pub fn name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name).trim().to_owned()
    }

    /// Last name, then first name, folded: what lists are ordered by.
    pub fn sort_name(&self) -> String {
        cut(&shared::search::fold(&format!("{} {}", self.last_name, self.first_name)), 255)
    }

    /// The department as it is compared.
    pub fn department_key(&self) -> Option<String> {
        self.department.as_deref().map(department_key)
    }

    /// What the search looks through.
    pub fn search_text(&self) -> String {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let words = [
            self.name(),
            text(&self.email),
            text(&self.mobile_phone),
            text(&self.job_title),
            text(&self.department),
            text(&self.city),
        ];
        cut(&shared::search::fold(&words.join(" ")), 1000)
    }

    /// A field as text, as forms and files show it. Times are UTC.
    pub fn text(&self, field: Field) -> String {
        match field {
            Field::FirstName => self.first_name.clone(),
            Field::LastName => self.last_name.clone(),
            Field::DateOnboarded => time_text(self.date_onboarded),
            Field::DateOffboarded => time_text(self.date_offboarded),
            Field::Enabled => if self.enabled { "true" } else { "false" }.to_owned(),
            other => self.optional(other).map(str::to_owned).unwrap_or_default(),
        }
    }

    fn optional(&self, field: Field) -> Option<&str> {
        let value = match field {
            Field::Email => &self.email,
            Field::MobilePhone => &self.mobile_phone,
            Field::Street => &self.street,
            Field::City => &self.city,
            Field::State => &self.state,
            Field::Postcode => &self.postcode,
            Field::Country => &self.country,
            Field::Department => &self.department,
            Field::JobTitle => &self.job_title,
            Field::OrgCompany => &self.org_company,
            Field::ManagerName => &self.manager_name,
            _ => &self.account_action,
        };
        value.as_deref()
    }

    fn optional_mut(&mut self, field: Field) -> &mut Option<String> {
        match field {
            Field::Email => &mut self.email,
            Field::MobilePhone => &mut self.mobile_phone,
            Field::Street => &mut self.street,
            Field::City => &mut self.city,
            Field::State => &mut self.state,
            Field::Postcode => &mut self.postcode,
            Field::Country => &mut self.country,
            Field::Department => &mut self.department,
            Field::JobTitle => &mut self.job_title,
            Field::OrgCompany => &mut self.org_company,
            Field::ManagerName => &mut self.manager_name,
            _ => &mut self.account_action,
        }
    }

    /// Writes a field; blank clears it. The message says what to do instead.
    pub fn set(&mut self, field: Field, text: &str, zone: &str) -> Result<(), &'static str> {
        let text = text.trim();
        match field {
            Field::FirstName if text.is_empty() => return Err("Enter the first name"),
            Field::FirstName => self.first_name = limited(text, 255)?,
            Field::LastName => self.last_name = limited(text, 255)?,
            Field::DateOnboarded => self.date_onboarded = parse_time(text, zone)?,
            Field::DateOffboarded => self.date_offboarded = parse_time(text, zone)?,
            Field::Enabled => self.enabled = parse_switch(text)?,
            other if text.is_empty() => *self.optional_mut(other) = None,
            other => *self.optional_mut(other) = Some(other.parse(text)?),
        }
        Ok(())
    }
}

impl Field {
    fn parse(self, text: &str) -> Result<String, &'static str> {
        match self {
            Self::Email => parse_email(text),
            Self::MobilePhone => parse_mobile(text),
            Self::Postcode => limited(text, 20),
            Self::AccountAction => {
                let known = ACTIONS.iter().find(|action| action.eq_ignore_ascii_case(text));
                known.map(|action| (*action).to_owned()).ok_or("Choose an account action from the list")
            }
            _ => limited(text, 255),
        }
    }
}

/// The form in which departments are compared.
pub fn department_key(text: &str) -> String {
    text.trim().to_lowercase().chars().take(255).collect()
}

/// The first characters of a text.
pub fn cut(text: &str, length: usize) -> String {
    text.chars().take(length).collect()
}

fn limited(text: &str, length: usize) -> Result<String, &'static str> {
    match (text.chars().count() <= length, length) {
        (true, _) => Ok(text.to_owned()),
        (false, 20) => Err("Use at most 20 characters"),
        (false, _) => Err("Use at most 255 characters"),
    }
}

fn parse_switch(text: &str) -> Result<bool, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "y" | "on" | "enabled" => Ok(true),
        "" | "0" | "false" | "no" | "n" | "off" | "disabled" => Ok(false),
        _ => Err("Enter yes or no"),
    }
}

/// E.164 where it can be derived, else what was typed as long as it can be a number.
pub fn parse_mobile(text: &str) -> Result<String, &'static str> {
    if let Some(number) = shared::notify::number(text, "") {
        return Ok(number);
    }
    let is_number = text.chars().all(|c| c.is_ascii_digit() || " +-()./".contains(c));
    let digits = text.chars().filter(char::is_ascii_digit).count();
    if is_number && (4..=15).contains(&digits) && text.chars().count() <= 20 {
        return Ok(text.to_owned());
    }
    Err("Enter the number with its country code, such as +44 20 7946 0000")
}

/// A time: with an offset it is converted, a day is its midnight in UTC, anything else is in the given zone.
pub fn parse_time(text: &str, zone: &str) -> Result<Option<DateTime<Utc>>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return in_range(at.to_utc());
    }
    if let Ok(day) = text.parse::<NaiveDate>() {
        return in_range(day.and_time(NaiveTime::MIN).and_utc());
    }
    let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"];
    let plain = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let plain = plain.ok_or("Enter a date such as 2026-11-30, or a date with a time such as 2026-11-30T17:00")?;
    // A time that a change of clocks skipped is taken as if there were none.
    let at = format::zone(zone).from_local_datetime(&plain).earliest();
    in_range(at.map_or_else(|| plain.and_utc(), |at| at.to_utc()))
}

fn in_range(at: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, &'static str> {
    let year = at.format("%Y").to_string().parse::<i64>().unwrap_or_default();
    if (1900..=2200).contains(&year) { Ok(Some(at)) } else { Err("Enter a year from 1900 to 2200") }
}

fn time_text(at: Option<DateTime<Utc>>) -> String {
    at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(field: Field, text: &str) -> Result<String, &'static str> {
        let mut values = Values::default();
        values.set(field, text, "Europe/London").map(|()| values.text(field))
    }

    #[test]
    fn times_are_converted_or_read_in_the_zone_of_the_portal() {
        let read = |text: &str| set(Field::DateOnboarded, text);
        assert_eq!(read("2026-07-01T09:00:00+02:00").unwrap(), "2026-07-01T07:00:00Z");
        assert_eq!(read("2026-07-01").unwrap(), "2026-07-01T00:00:00Z");
        assert_eq!(read("2026-07-01T09:00").unwrap(), "2026-07-01T08:00:00Z", "London is an hour ahead in July");
        assert_eq!(read("").unwrap(), "");
        assert!(read("tomorrow").is_err() && read("0099-01-01").is_err() && read("9999-01-01").is_err());
    }

    #[test]
    fn numbers_become_e164_where_that_is_clear() {
        assert_eq!(set(Field::MobilePhone, "+44 (7700) 900-123").unwrap(), "+447700900123");
        assert_eq!(set(Field::MobilePhone, "00447700900123").unwrap(), "+447700900123");
        assert_eq!(set(Field::MobilePhone, "07700 900123").unwrap(), "07700 900123", "the country is not known");
        for bad in ["call me", "+", "12", "077009001230770090012307700900123", "=cmd"] {
            assert!(set(Field::MobilePhone, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_the_eight_actions_are_taken() {
        assert_eq!(set(Field::AccountAction, "offboard approved").unwrap(), "Offboard Approved");
        assert!(set(Field::AccountAction, "Gone").is_err());
        assert_eq!(set(Field::AccountAction, " ").unwrap(), "");
    }

    #[test]
    fn long_and_wrong_values_are_refused_and_blank_ones_clear() {
        assert!(set(Field::FirstName, " ").is_err() && set(Field::LastName, "").is_ok());
        assert!(set(Field::City, &"x".repeat(256)).is_err() && set(Field::City, &"é".repeat(255)).is_ok());
        assert!(set(Field::Postcode, &"1".repeat(21)).is_err());
        assert_eq!(set(Field::Email, " Ana@Example.COM ").unwrap(), "ana@example.com");
        assert!(set(Field::Email, "ana").is_err());
        assert_eq!(
            (set(Field::Enabled, "Yes").unwrap(), set(Field::Enabled, "0").unwrap()),
            ("true".into(), "false".into())
        );
        assert!(set(Field::Enabled, "maybe").is_err());
    }

    #[test]
    fn every_field_is_written_and_read_under_itself() {
        for field in Field::ALL {
            let text = match field {
                Field::Email => "a@example.com",
                Field::MobilePhone => "+447700900123",
                Field::DateOnboarded | Field::DateOffboarded => "2026-01-02T00:00:00Z",
                Field::Enabled => "true",
                Field::AccountAction => "Onboarded",
                _ => "Text",
            };
            let mut values = Values::default();
            values.set(field, text, "UTC").unwrap();
            let set: Vec<_> =
                Field::ALL.into_iter().filter(|f| values.text(*f) != Values::default().text(*f)).collect();
            assert_eq!(set, [field]);
            assert_eq!(values.text(field), text);
        }
    }
}
