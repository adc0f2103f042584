//! The section flags and the staff level of a membership (organisation 4.1, 4.2).

use serde::Serialize;
use shared::caller::access::Rights;
use utoipa::ToSchema;

/// One section flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the rows of organisation 4.1")]
pub enum Field {
    Shop,
    Cart,
    Orders,
    Forms,
    Assets,
    Licenses,
    OrderLicenses,
    Invoices,
    OfficeGroups,
    Admin,
}

impl Field {
    /// In the order in which the matrix shows them.
    pub const ALL: [Self; 10] = [
        Self::Shop,
        Self::Cart,
        Self::Orders,
        Self::Forms,
        Self::Assets,
        Self::Licenses,
        Self::OrderLicenses,
        Self::Invoices,
        Self::OfficeGroups,
        Self::Admin,
    ];

    /// As stored and as callers name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shop => "can_access_shop",
            Self::Cart => "can_access_cart",
            Self::Orders => "can_access_orders",
            Self::Forms => "can_access_forms",
            Self::Assets => "can_manage_assets",
            Self::Licenses => "can_manage_licenses",
            Self::OrderLicenses => "can_order_licenses",
            Self::Invoices => "can_manage_invoices",
            Self::OfficeGroups => "can_manage_office_groups",
            Self::Admin => "is_admin",
        }
    }

    /// As shown.
    pub fn label(self) -> &'static str {
        match self {
            Self::Shop => "Shop",
            Self::Cart => "Cart",
            Self::Orders => "Orders",
            Self::Forms => "Forms",
            Self::Assets => "Assets",
            Self::Licenses => "Licences",
            Self::OrderLicenses => "Order licences",
            Self::Invoices => "Invoices",
            Self::OfficeGroups => "Office groups",
            Self::Admin => "Company admin",
        }
    }

    /// One sentence.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Shop => "Looks at products and prices.",
            Self::Cart => "Fills the cart and places orders.",
            Self::Orders => "Follows the orders of the company.",
            Self::Forms => "Opens the forms of the company.",
            Self::Assets => "Sees and edits devices.",
            Self::Licenses => "Sees licences and Microsoft 365.",
            Self::OrderLicenses => "Orders and removes licences.",
            Self::Invoices => "Sees invoices and what is owed.",
            Self::OfficeGroups => "Keeps the office groups.",
            Self::Admin => "Manages the members of the company, and all of its staff.",
        }
    }

    /// The flag of a name; the original's forms send the same names.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }

    /// Whether somebody holds it, by flag or by role.
    pub fn of(self, rights: &Rights) -> bool {
        match self {
            Self::Shop => rights.can_access_shop,
            Self::Cart => rights.can_access_cart,
            Self::Orders => rights.can_access_orders,
            Self::Forms => rights.can_access_forms,
            Self::Assets => rights.can_manage_assets,
            Self::Licenses => rights.can_manage_licenses,
            Self::OrderLicenses => rights.can_order_licenses,
            Self::Invoices => rights.can_manage_invoices,
            Self::OfficeGroups => rights.can_manage_office_groups,
            Self::Admin => rights.is_admin,
        }
    }
}

/// The flags as stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, sqlx::FromRow, ToSchema)]
#[expect(missing_docs, reason = "the rows of organisation 4.1")]
#[expect(clippy::struct_excessive_bools, reason = "each is a column of its own")]
pub struct Flags {
    pub can_access_shop: bool,
    pub can_access_cart: bool,
    pub can_access_orders: bool,
    pub can_access_forms: bool,
    pub can_manage_assets: bool,
    pub can_manage_licenses: bool,
    pub can_order_licenses: bool,
    pub can_manage_invoices: bool,
    pub can_manage_office_groups: bool,
    pub is_admin: bool,
}

impl Flags {
    /// One of them.
    pub fn get(&self, field: Field) -> bool {
        match field {
            Field::Shop => self.can_access_shop,
            Field::Cart => self.can_access_cart,
            Field::Orders => self.can_access_orders,
            Field::Forms => self.can_access_forms,
            Field::Assets => self.can_manage_assets,
            Field::Licenses => self.can_manage_licenses,
            Field::OrderLicenses => self.can_order_licenses,
            Field::Invoices => self.can_manage_invoices,
            Field::OfficeGroups => self.can_manage_office_groups,
            Field::Admin => self.is_admin,
        }
    }

    /// Sets one of them.
    pub fn set(&mut self, field: Field, on: bool) {
        let flag = match field {
            Field::Shop => &mut self.can_access_shop,
            Field::Cart => &mut self.can_access_cart,
            Field::Orders => &mut self.can_access_orders,
            Field::Forms => &mut self.can_access_forms,
            Field::Assets => &mut self.can_manage_assets,
            Field::Licenses => &mut self.can_manage_licenses,
            Field::OrderLicenses => &mut self.can_order_licenses,
            Field::Invoices => &mut self.can_manage_invoices,
            Field::OfficeGroups => &mut self.can_manage_office_groups,
            Field::Admin => &mut self.is_admin,
        };
        *flag = on;
    }

    /// The labels of those that are on.
    pub fn labels(&self) -> Vec<&'static str> {
        Field::ALL.into_iter().filter(|field| self.get(*field)).map(Field::label).collect()
    }
}

/// Value and label of the staff levels (organisation 4.2).
pub const STAFF_LEVELS: [(i64, &str); 4] =
    [(0, "No staff access"), (1, "Department viewer"), (2, "Department manager"), (3, "Full staff manager")];

/// A staff level, if it is one.
pub fn staff_level(text: &str) -> Option<i64> {
    text.trim().parse().ok().filter(|level| (0..=3).contains(level))
}

/// What the original's forms call true.
pub fn is_true(text: &str) -> bool {
    matches!(text.trim().to_ascii_lowercase().as_str(), "1" | "true" | "t" | "yes" | "y" | "on")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_is_set_and_read_under_its_name() {
        for field in Field::ALL {
            let mut flags = Flags::default();
            flags.set(field, true);
            assert!(Field::ALL.into_iter().all(|other| flags.get(other) == (other == field)));
            let json = serde_json::to_value(flags).unwrap();
            assert_eq!(json[field.name()], true);
            assert_eq!(Field::parse(field.name()), Some(field));
            assert_eq!(flags.labels(), [field.label()]);
        }
        assert_eq!(Field::parse("can_manage_staff"), None);
    }

    #[test]
    fn levels_and_truths_are_read() {
        assert_eq!(
            [staff_level("0"), staff_level(" 3 "), staff_level("4"), staff_level("-1")],
            [Some(0), Some(3), None, None]
        );
        assert!(["1", "True", "t", "YES", "y", "on"].into_iter().all(is_true));
        assert!(!["", "0", "no", "off", "2"].into_iter().any(is_true));
    }
}
