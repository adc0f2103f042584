//! A staff member as programs write them, with the names of the original beside ours.

use serde::Deserialize;
use shared::web::Patch;
use utoipa::ToSchema;

use super::field::{Field, Wish};
use crate::companies::model::Flag;

/// The fields of a staff member. In changes, what is absent stays; null or blank clears.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[schema(example = json!({"company_id": 4, "first_name": "Ana", "last_name": "Ruiz",
    "email": "ana@dental.example.com", "mobile_phone": "+44 7700 900123", "department": "Reception",
    "date_onboarded": "2026-12-01", "enabled": true}))]
pub struct StaffBody {
    /// The company; only when a staff member is added.
    #[serde(default, alias = "companyId")]
    pub company_id: Option<i64>,
    /// First name.
    #[serde(default, alias = "firstName")]
    #[schema(value_type = Option<String>)]
    first_name: Patch<String>,
    /// Last name.
    #[serde(default, alias = "lastName")]
    #[schema(value_type = Option<String>)]
    last_name: Patch<String>,
    /// Unique in the company.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    email: Patch<String>,
    /// Kept as E.164 where that is clear.
    #[serde(default, alias = "mobilePhone")]
    #[schema(value_type = Option<String>)]
    mobile_phone: Patch<String>,
    /// A day, or a time; without an offset in the time zone of the portal.
    #[serde(default, alias = "dateOnboarded")]
    #[schema(value_type = Option<String>)]
    date_onboarded: Patch<String>,
    /// When the access ends by itself.
    #[serde(default, alias = "dateOffboarded")]
    #[schema(value_type = Option<String>)]
    date_offboarded: Patch<String>,
    /// Works there.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    enabled: Option<Flag>,
    /// Street and number.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    street: Patch<String>,
    /// Town.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    city: Patch<String>,
    /// County or state.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    state: Patch<String>,
    /// At most 20 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    postcode: Patch<String>,
    /// Country.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    country: Patch<String>,
    /// Department; what levels 1 and 2 go by.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    department: Patch<String>,
    /// Job title.
    #[serde(default, alias = "jobTitle")]
    #[schema(value_type = Option<String>)]
    job_title: Patch<String>,
    /// Organisation within the company; `company` is taken too.
    #[serde(default, alias = "orgCompany", alias = "company")]
    #[schema(value_type = Option<String>)]
    org_company: Patch<String>,
    /// Name of the manager.
    #[serde(default, alias = "managerName")]
    #[schema(value_type = Option<String>)]
    manager_name: Patch<String>,
    /// One of the eight account actions; super administrators and keys only.
    #[serde(default, alias = "accountAction")]
    #[schema(value_type = Option<String>)]
    account_action: Patch<String>,
}

impl StaffBody {
    /// What is to be written.
    pub fn wish(self) -> Wish {
        let mut wish = Wish::default();
        let texts = [
            (Field::FirstName, self.first_name),
            (Field::LastName, self.last_name),
            (Field::Email, self.email),
            (Field::MobilePhone, self.mobile_phone),
            (Field::DateOnboarded, self.date_onboarded),
            (Field::DateOffboarded, self.date_offboarded),
            (Field::Street, self.street),
            (Field::City, self.city),
            (Field::State, self.state),
            (Field::Postcode, self.postcode),
            (Field::Country, self.country),
            (Field::Department, self.department),
            (Field::JobTitle, self.job_title),
            (Field::OrgCompany, self.org_company),
            (Field::ManagerName, self.manager_name),
            (Field::AccountAction, self.account_action),
        ];
        for (field, patch) in texts {
            if let Some(text) = patch.change() {
                wish.add(field, text.unwrap_or_default());
            }
        }
        if let Some(Flag(enabled)) = self.enabled {
            wish.add(Field::Enabled, if enabled { "true" } else { "false" });
        }
        wish
    }
}
