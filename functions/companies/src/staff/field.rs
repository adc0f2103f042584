//! The fields of a staff member, and the names under which forms, programs and files know them.

use serde::Serialize;

/// A field that can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "columns of staff, organisation 3.4")]
pub enum Field {
    FirstName,
    LastName,
    Email,
    MobilePhone,
    DateOnboarded,
    DateOffboarded,
    Enabled,
    Street,
    City,
    State,
    Postcode,
    Country,
    Department,
    JobTitle,
    OrgCompany,
    ManagerName,
    AccountAction,
}

impl Field {
    /// In the order of files.
    pub const ALL: [Self; 17] = [
        Self::FirstName,
        Self::LastName,
        Self::Email,
        Self::MobilePhone,
        Self::Department,
        Self::JobTitle,
        Self::ManagerName,
        Self::OrgCompany,
        Self::Enabled,
        Self::AccountAction,
        Self::DateOnboarded,
        Self::DateOffboarded,
        Self::Street,
        Self::City,
        Self::State,
        Self::Postcode,
        Self::Country,
    ];

    /// As stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::FirstName => "first_name",
            Self::LastName => "last_name",
            Self::Email => "email",
            Self::MobilePhone => "mobile_phone",
            Self::DateOnboarded => "date_onboarded",
            Self::DateOffboarded => "date_offboarded",
            Self::Enabled => "enabled",
            Self::Street => "street",
            Self::City => "city",
            Self::State => "state",
            Self::Postcode => "postcode",
            Self::Country => "country",
            Self::Department => "department",
            Self::JobTitle => "job_title",
            Self::OrgCompany => "org_company",
            Self::ManagerName => "manager_name",
            Self::AccountAction => "account_action",
        }
    }

    /// As shown.
    pub fn label(self) -> &'static str {
        match self {
            Self::FirstName => "First name",
            Self::LastName => "Last name",
            Self::Email => "Email",
            Self::MobilePhone => "Mobile",
            Self::DateOnboarded => "Started",
            Self::DateOffboarded => "Leaves",
            Self::Enabled => "Enabled",
            Self::Street => "Street",
            Self::City => "Town",
            Self::State => "County or state",
            Self::Postcode => "Postcode",
            Self::Country => "Country",
            Self::Department => "Department",
            Self::JobTitle => "Job title",
            Self::OrgCompany => "Organisation",
            Self::ManagerName => "Manager",
            Self::AccountAction => "Account action",
        }
    }

    /// The field of a name in any of its spellings: `first_name`, `firstName`, `First name`; `company` is
    /// the organisation of the original's forms.
    pub fn named(name: &str) -> Option<Self> {
        let bare = |text: &str| text.to_lowercase().replace(['_', ' ', '-', '\u{a0}'], "");
        let wanted = bare(name.trim());
        let others = [
            ("company", Self::OrgCompany),
            ("mobile", Self::MobilePhone),
            ("phone", Self::MobilePhone),
            ("emailaddress", Self::Email),
            ("title", Self::JobTitle),
            ("manager", Self::ManagerName),
            ("onboarded", Self::DateOnboarded),
            ("offboarded", Self::DateOffboarded),
            ("zip", Self::Postcode),
        ];
        let own = Self::ALL.into_iter().find(|field| bare(field.name()) == wanted || bare(field.label()) == wanted);
        own.or_else(|| others.iter().find(|(other, _)| *other == wanted).map(|(_, field)| *field))
    }
}

/// What somebody wants to write: field and text, blank to clear. What is not named stays.
#[derive(Debug, Clone, Default)]
pub struct Wish(Vec<(Field, String)>);

impl Wish {
    /// One field.
    pub fn one(field: Field, text: impl Into<String>) -> Self {
        Self(vec![(field, text.into())])
    }

    /// Adds a field; the first text of a field counts.
    pub fn add(&mut self, field: Field, text: impl Into<String>) {
        if !self.names(field) {
            self.0.push((field, text.into()));
        }
    }

    /// Whether a field is named.
    pub fn names(&self, field: Field) -> bool {
        self.0.iter().any(|(named, _)| *named == field)
    }

    /// The text for a field, trimmed; empty when it is not named.
    pub fn text(&self, field: Field) -> &str {
        self.0.iter().find(|(named, _)| *named == field).map_or("", |(_, text)| text.trim())
    }

    /// Field and text.
    pub fn iter(&self) -> impl Iterator<Item = (Field, &str)> {
        self.0.iter().map(|(field, text)| (*field, text.as_str()))
    }
}

impl<'p> FromIterator<(&'p str, &'p str)> for Wish {
    /// From the names of a form; what names no field is left out.
    fn from_iter<I: IntoIterator<Item = (&'p str, &'p str)>>(pairs: I) -> Self {
        let mut wish = Self::default();
        for (name, text) in pairs {
            if let Some(field) = Field::named(name) {
                wish.add(field, text);
            }
        }
        wish
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_in_every_spelling() {
        for field in Field::ALL {
            assert_eq!(Field::named(field.name()), Some(field));
            assert_eq!(Field::named(field.label()), Some(field));
        }
        assert_eq!(Field::named("firstName"), Some(Field::FirstName));
        assert_eq!(Field::named(" E-Mail "), Some(Field::Email));
        assert_eq!(Field::named("company"), Some(Field::OrgCompany));
        assert_eq!(Field::named("salary"), None);
    }

    #[test]
    fn the_first_text_of_a_field_counts() {
        let wish: Wish = [("city", "Leeds"), ("City", "York"), ("other", "x")].into_iter().collect();
        assert_eq!(wish.text(Field::City), "Leeds");
        assert_eq!(wish.iter().count(), 1);
        assert!(!wish.names(Field::Street));
    }
}
