//! A company as callers write and read it, and what its fields may hold (organisation 3.1, 6.1).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};
use shared::accounts::companies::NewCompany;
use shared::accounts::users::{parse_email, parse_name};
use shared::error::Invalid;
use shared::web::{FormState, Patch};
use utoipa::{IntoParams, ToSchema};

/// A company.
#[derive(Debug, Clone, Serialize, sqlx::FromRow, ToSchema)]
#[schema(example = json!({"id": 4, "name": "Northwind Dental", "address": "12 Mill Lane\nLeeds LS1 4AP",
    "phone": "+44 20 7946 0000", "website": "https://dental.example.com", "contact_email": "office@dental.example.com",
    "is_vip": false, "is_provider": false, "syncro_company_id": "88121", "xero_id": null, "archived_at": null,
    "created_at": "2026-11-23T09:12:00Z", "updated_at": "2026-11-23T09:12:00Z"}))]
pub struct Company {
    /// Number of the company.
    pub id: i64,
    /// Name, unique among companies that are not archived.
    pub name: String,
    /// Free text with line breaks.
    pub address: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// Address of the website.
    pub website: Option<String>,
    /// Where to write to the company.
    pub contact_email: Option<String>,
    /// VIP prices in the shop.
    pub is_vip: bool,
    /// The provider's own company.
    pub is_provider: bool,
    /// Number of the customer at Syncro.
    pub syncro_company_id: Option<String>,
    /// Number of the contact at Xero.
    pub xero_id: Option<String>,
    /// When it was archived, if it was.
    pub archived_at: Option<DateTime<Utc>>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl Company {
    /// The fields that people type, for showing and for changing some of them.
    pub fn fields(&self) -> Fields {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        Fields {
            name: self.name.clone(),
            address: text(&self.address),
            phone: text(&self.phone),
            website: text(&self.website),
            contact_email: text(&self.contact_email),
            is_vip: Flag(self.is_vip),
            is_provider: Flag(self.is_provider),
            syncro_company_id: text(&self.syncro_company_id),
            xero_id: text(&self.xero_id),
        }
    }
}

/// Yes or no; callers also write 0 and 1, and forms send the text of a ticked box.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(value_type = bool)]
pub struct Flag(pub bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl serde::de::Visitor<'_> for Visitor {
            type Value = Flag;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a bool")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Flag, E> {
                Ok(Flag(value))
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Flag, E> {
                if value <= 1 { Ok(Flag(value == 1)) } else { Err(E::custom("not a bool")) }
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Flag, E> {
                match text.trim().to_ascii_lowercase().as_str() {
                    "1" | "true" | "yes" | "on" => Ok(Flag(true)),
                    "" | "0" | "false" | "no" | "off" => Ok(Flag(false)),
                    _ => Err(E::custom("not a bool")),
                }
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

/// What is typed about a company. The camel-case names are those of the original's forms.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Fields {
    /// Required.
    pub name: String,
    /// At most 1,000 characters.
    pub address: String,
    /// At most 64 characters.
    pub phone: String,
    /// An http or https address; the scheme may be left out.
    pub website: String,
    /// An address.
    #[serde(alias = "contactEmail")]
    pub contact_email: String,
    /// VIP prices.
    #[serde(alias = "isVip")]
    pub is_vip: Flag,
    /// The provider's own company.
    #[serde(alias = "isProvider")]
    pub is_provider: Flag,
    /// Unique when given.
    #[serde(alias = "syncroCompanyId")]
    pub syncro_company_id: String,
    /// Unique when given.
    #[serde(alias = "xeroId")]
    pub xero_id: String,
}

impl Fields {
    /// Checks everything at once.
    pub fn parse(&self) -> Result<NewCompany, Invalid> {
        let mut bad = Invalid::none();
        let name = bad.check("name", parse_name(&self.name, "Enter the company name"));
        let address = bad.check("address", optional(&self.address, 1000, "Use at most 1,000 characters"));
        let phone = bad.check("phone", optional(&self.phone, 64, "Use at most 64 characters"));
        let website = bad.check("website", parse_website(&self.website));
        let contact = bad.check("contact_email", parse_optional_email(&self.contact_email));
        let syncro = bad.check("syncro_company_id", optional(&self.syncro_company_id, 255, LONG));
        let xero = bad.check("xero_id", optional(&self.xero_id, 255, LONG));
        bad.finish()?;
        Ok(NewCompany {
            name: name.unwrap_or_default(),
            address: address.flatten(),
            phone: phone.flatten(),
            website: website.flatten(),
            contact_email: contact.flatten(),
            is_vip: self.is_vip.0,
            is_provider: self.is_provider.0,
            syncro_company_id: syncro.flatten(),
            xero_id: xero.flatten(),
        })
    }

    /// What was sent over what is stored: the table of companies sends a row only, and what a form does
    /// not hold stays. Boxes that are not ticked are not sent, so the first belongs to every form and the
    /// second to the whole form, which also has the address.
    #[must_use]
    pub fn over(self, stored: Self, has: impl Fn(&str) -> bool) -> Self {
        let keep = |names: [&str; 2], typed: String, stored: String| {
            if names.into_iter().any(&has) { typed } else { stored }
        };
        Self {
            name: keep(["name", "name"], self.name, stored.name),
            phone: keep(["phone", "phone"], self.phone, stored.phone),
            website: keep(["website", "website"], self.website, stored.website),
            contact_email: keep(["contact_email", "contactEmail"], self.contact_email, stored.contact_email),
            is_vip: self.is_vip,
            is_provider: if has("address") { self.is_provider } else { stored.is_provider },
            syncro_company_id: keep(
                ["syncro_company_id", "syncroCompanyId"],
                self.syncro_company_id,
                stored.syncro_company_id,
            ),
            xero_id: keep(["xero_id", "xeroId"], self.xero_id, stored.xero_id),
            address: keep(["address", "address"], self.address, stored.address),
        }
    }

    /// The fields as a form shows them.
    pub fn state(&self) -> FormState {
        let flag = |flag: Flag| if flag.0 { "true" } else { "" };
        FormState::of([
            ("name", self.name.as_str()),
            ("address", &self.address),
            ("phone", &self.phone),
            ("website", &self.website),
            ("contact_email", &self.contact_email),
            ("is_vip", flag(self.is_vip)),
            ("is_provider", flag(self.is_provider)),
            ("syncro_company_id", &self.syncro_company_id),
            ("xero_id", &self.xero_id),
        ])
    }
}

const LONG: &str = "Use at most 255 characters";

fn optional(text: &str, max: usize, long: &'static str) -> Result<Option<String>, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if text.chars().count() > max { Err(long) } else { Ok(Some(text.to_owned())) }
}

fn parse_optional_email(text: &str) -> Result<Option<String>, &'static str> {
    if text.trim().is_empty() { Ok(None) } else { parse_email(text).map(Some) }
}

/// Only http and https, because pages link to it.
fn parse_website(text: &str) -> Result<Option<String>, &'static str> {
    const WRONG: &str = "Enter an address such as https://example.com";
    let Some(text) = optional(text, 247, LONG)? else { return Ok(None) };
    let address = if text.contains("://") { text } else { format!("https://{text}") };
    let url = url::Url::parse(&address).map_err(|_| WRONG)?;
    let is_web = matches!(url.scheme(), "http" | "https");
    let has_host = url.host_str().is_some_and(|host| host.contains('.'));
    if is_web && has_host && url.username().is_empty() { Ok(Some(address)) } else { Err(WRONG) }
}

/// A new company.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(example = json!({"name": "Northwind Dental", "contact_email": "office@dental.example.com", "is_vip": true}))]
pub struct CompanyCreate {
    /// 1 to 255 characters.
    #[schema(required)]
    name: Option<String>,
    /// At most 1,000 characters.
    address: Option<String>,
    /// At most 64 characters.
    phone: Option<String>,
    /// An http or https address.
    website: Option<String>,
    /// An address.
    contact_email: Option<String>,
    /// VIP prices in the shop.
    is_vip: Option<Flag>,
    /// The provider's own company.
    is_provider: Option<Flag>,
    /// Number of the customer at Syncro.
    syncro_company_id: Option<String>,
    /// Number of the contact at Xero.
    xero_id: Option<String>,
}

impl From<CompanyCreate> for Fields {
    fn from(body: CompanyCreate) -> Self {
        Self {
            name: body.name.unwrap_or_default(),
            address: body.address.unwrap_or_default(),
            phone: body.phone.unwrap_or_default(),
            website: body.website.unwrap_or_default(),
            contact_email: body.contact_email.unwrap_or_default(),
            is_vip: body.is_vip.unwrap_or_default(),
            is_provider: body.is_provider.unwrap_or_default(),
            syncro_company_id: body.syncro_company_id.unwrap_or_default(),
            xero_id: body.xero_id.unwrap_or_default(),
        }
    }
}

/// A change of a company: what is absent stays, null or blank clears.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(example = json!({"phone": "+44 20 7946 0000", "website": null}))]
pub struct CompanyUpdate {
    /// May not be cleared.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    name: Patch<String>,
    /// At most 1,000 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    address: Patch<String>,
    /// At most 64 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    phone: Patch<String>,
    /// An http or https address.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    website: Patch<String>,
    /// An address.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    contact_email: Patch<String>,
    /// VIP prices in the shop.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    is_vip: Patch<Flag>,
    /// The provider's own company.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    is_provider: Patch<Flag>,
    /// Number of the customer at Syncro.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    syncro_company_id: Patch<String>,
    /// Number of the contact at Xero.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    xero_id: Patch<String>,
}

impl CompanyUpdate {
    /// The fields after the change.
    pub fn over(self, mut fields: Fields) -> Fields {
        set(&mut fields.name, self.name);
        set(&mut fields.address, self.address);
        set(&mut fields.phone, self.phone);
        set(&mut fields.website, self.website);
        set(&mut fields.contact_email, self.contact_email);
        set(&mut fields.is_vip, self.is_vip);
        set(&mut fields.is_provider, self.is_provider);
        set(&mut fields.syncro_company_id, self.syncro_company_id);
        set(&mut fields.xero_id, self.xero_id);
        fields
    }
}

fn set<T: Default>(field: &mut T, patch: Patch<T>) {
    if let Some(change) = patch.change() {
        *field = change.unwrap_or_default();
    }
}

/// What narrows the list of companies.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct Filter {
    /// Words that begin a word of the name, the website or the contact address.
    #[serde(alias = "q")]
    pub search: Option<String>,
    /// Only companies with or without VIP prices.
    #[param(value_type = Option<bool>)]
    pub is_vip: Option<Flag>,
    /// `0` (the default) leaves archived companies out, `1` gives only them, `all` gives both.
    #[param(example = "0")]
    pub archived: Option<String>,
    /// `name` or `created_at`; a leading `-` turns the order round.
    #[param(example = "name")]
    pub sort: Option<String>,
}

impl Filter {
    /// Refuses values that mean nothing.
    pub fn checked(self) -> Result<Self, Invalid> {
        let mut bad = Invalid::none();
        if !matches!(self.archived.as_deref(), None | Some("0" | "1" | "all")) {
            bad.add("archived", "Choose 0, 1 or all");
        }
        if !matches!(self.sort.as_deref().map(|sort| sort.trim_start_matches('-')), None | Some("name" | "created_at"))
        {
            bad.add("sort", "Choose name or created_at");
        }
        bad.finish()?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named() -> Fields {
        Fields { name: " Acme ".to_owned(), ..Fields::default() }
    }

    #[test]
    fn blanks_are_nothing_and_text_is_trimmed() {
        let company = Fields { phone: "  ".to_owned(), ..named() }.parse().unwrap();
        assert_eq!((company.name.as_str(), company.phone), ("Acme", None));
    }

    #[test]
    fn every_bad_field_is_named() {
        let fields = Fields {
            name: " ".to_owned(),
            address: "x".repeat(1001),
            website: "javascript://example.com/%0aalert(1)".to_owned(),
            contact_email: "ana".to_owned(),
            ..Fields::default()
        };
        let bad = fields.parse().unwrap_err();
        let names: Vec<&str> = bad.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["name", "address", "website", "contact_email"]);
    }

    #[test]
    fn websites_get_their_scheme() {
        assert_eq!(parse_website("dental.example.com").unwrap().unwrap(), "https://dental.example.com");
        for bad in ["ftp://example.com", "https://", "localhost", "https://a:b@example.com", "data:text/html,x"] {
            assert!(parse_website(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn flags_come_in_three_shapes() {
        let read = |text: &str| serde_json::from_str::<Flag>(text).map(|flag| flag.0).ok();
        assert_eq!(
            [read("true"), read("1"), read("0"), read("\"on\"")],
            [Some(true), Some(true), Some(false), Some(true)]
        );
        assert_eq!([read("2"), read("\"maybe\"")], [None, None]);
    }

    #[test]
    fn absent_fields_stay_and_null_clears() {
        let update: CompanyUpdate = serde_json::from_str(r#"{"phone": null, "is_vip": 1}"#).unwrap();
        let before = Fields { phone: "1".to_owned(), address: "a".to_owned(), ..named() };
        let after = update.over(before.clone());
        assert_eq!(after, Fields { phone: String::new(), is_vip: Flag(true), ..before });
    }
}
