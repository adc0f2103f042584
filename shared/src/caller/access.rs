//! Rights of a person in a company, and the names under which routes ask for them (organisation 4).

use std::fmt;

use http::HeaderMap;
use serde::Serialize;

use crate::config::Config;
use crate::context::By;
use crate::error::{Error, Result};
use crate::tokens;

/// Who may call a route, as the route table, the documentation and the permission walk read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Anyone,
    /// A signed-in person.
    User,
    /// A signed-in person, also one who must still confirm the address or change the password.
    Unsettled,
    /// A person to whom the named section of the active company is open.
    Member(&'static str),
    /// A person who holds the role key in the active company.
    CompanyManager(&'static str),
    /// A person who works on the tickets of every company.
    Technician,
    /// A super administrator, or a person who reads the audit trail of some company.
    Auditor,
    /// A super administrator.
    SuperAdmin,
    /// The inner caller, or an API key with the scope of the route.
    Keyed(&'static Access),
    /// The inner caller with a recently confirmed password.
    Fresh(&'static Access),
    /// A machine with the named secret.
    Secret(&'static str),
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anyone => f.write_str("anyone"),
            Self::User => f.write_str("user"),
            Self::Unsettled => f.write_str("unsettled user"),
            Self::Member(section) => write!(f, "member ({section})"),
            Self::CompanyManager(key) => write!(f, "company manager ({key})"),
            Self::Technician => f.write_str("technician"),
            Self::Auditor => f.write_str("auditor"),
            Self::SuperAdmin => f.write_str("super admin"),
            Self::Keyed(inner) => write!(f, "{inner} or API key"),
            Self::Fresh(inner) => write!(f, "{inner}, password confirmed"),
            Self::Secret(name) => write!(f, "secret ({name})"),
        }
    }
}

impl Access {
    /// True when an API key may call.
    pub fn admits_keys(&self) -> bool {
        match self {
            Self::Keyed(_) => true,
            Self::Fresh(inner) => inner.admits_keys(),
            _ => false,
        }
    }

    /// The caller without its wrappers.
    #[must_use]
    pub fn innermost(&self) -> Self {
        match self {
            Self::Keyed(inner) | Self::Fresh(inner) => inner.innermost(),
            other => *other,
        }
    }
}

/// What a person may do in the active company. All false without an active membership.
#[derive(Debug, Clone, Default, Serialize)]
#[expect(missing_docs, reason = "the names of organisation 4.1")]
pub struct Rights {
    pub is_member: bool,
    pub can_access_shop: bool,
    pub can_access_cart: bool,
    pub can_access_orders: bool,
    pub can_access_forms: bool,
    pub can_manage_assets: bool,
    pub can_manage_licenses: bool,
    pub can_manage_invoices: bool,
    pub can_manage_office_groups: bool,
    pub can_order_licenses: bool,
    pub is_admin: bool,
    /// 0 to 3.
    pub staff_level: i64,
    /// Keys of the role.
    pub keys: Vec<String>,
}

impl Rights {
    /// Everything, as super administrators have.
    pub fn all() -> Self {
        Self {
            is_member: true,
            can_access_shop: true,
            can_access_cart: true,
            can_access_orders: true,
            can_access_forms: true,
            can_manage_assets: true,
            can_manage_licenses: true,
            can_manage_invoices: true,
            can_manage_office_groups: true,
            can_order_licenses: true,
            is_admin: true,
            staff_level: 3,
            keys: PERMISSION_KEYS.iter().map(|key| key.key.to_owned()).collect(),
        }
    }

    /// True for holders of the role key and for company admins.
    pub fn manages(&self, key: &str) -> bool {
        self.is_member && (self.is_admin || self.keys.iter().any(|k| k == key))
    }
}

/// A role permission key (organisation 4.3).
#[derive(Debug, Clone, Copy, Serialize)]
pub struct PermissionKey {
    /// As stored in `roles.permissions`.
    pub key: &'static str,
    /// As shown in the role editor.
    pub label: &'static str,
    /// One sentence.
    pub description: &'static str,
    /// `company` or `global`.
    pub scope: &'static str,
}

/// The closed list of role keys.
pub const PERMISSION_KEYS: &[PermissionKey] = &[
    PermissionKey {
        key: "portal.access",
        label: "Use the portal",
        description: "Needed to use any section of the company.",
        scope: "company",
    },
    PermissionKey {
        key: "company.manage",
        label: "Manage the company",
        description: "Edits business information and email domains of the company.",
        scope: "company",
    },
    PermissionKey {
        key: "membership.manage",
        label: "Manage members",
        description: "Manages members like a company admin.",
        scope: "company",
    },
    PermissionKey { key: "billing.manage", label: "Manage billing", description: "Opens invoices.", scope: "company" },
    PermissionKey {
        key: "audit.view",
        label: "Read the audit trail",
        description: "Reads the audit rows of the company.",
        scope: "company",
    },
    PermissionKey {
        key: "tickets.company",
        label: "See the company's tickets",
        description: "Reads and answers the tickets of everybody in the company, and raises tickets for colleagues.",
        scope: "company",
    },
    PermissionKey {
        key: "helpdesk.technician",
        label: "Work on tickets",
        description: "Opens the ticket desk of all companies. Counts at the provider only.",
        scope: "global",
    },
];

/// A part of the portal that a membership opens.
pub trait Section: Send + Sync + 'static {
    /// The words for "You do not have access to …".
    const LABEL: &'static str;

    /// Whether the rights open it.
    fn opens(rights: &Rights) -> bool;
}

/// Any membership of the active company.
#[derive(Debug, Clone, Copy)]
pub struct AnySection;

impl Section for AnySection {
    const LABEL: &'static str = "the company";

    fn opens(rights: &Rights) -> bool {
        rights.is_member
    }
}

/// A company-scope role key as a type.
pub trait CompanyKey: Send + Sync + 'static {
    /// The key.
    const KEY: &'static str;
    /// The words for "You do not have access to …".
    const LABEL: &'static str;
}

/// `company.manage`.
#[derive(Debug, Clone, Copy)]
pub struct ManageCompany;

impl CompanyKey for ManageCompany {
    const KEY: &'static str = "company.manage";
    const LABEL: &'static str = "the business information of the company";
}

/// `membership.manage`.
#[derive(Debug, Clone, Copy)]
pub struct ManageMembers;

impl CompanyKey for ManageMembers {
    const KEY: &'static str = "membership.manage";
    const LABEL: &'static str = "the members of the company";
}

/// A machine's own secret as a type.
pub trait MachineSecret: Send + Sync + 'static {
    /// Its name in the route table.
    const NAME: &'static str;

    /// The secret; none means that the route does not exist.
    fn expected(config: &Config) -> Option<String>;

    /// Lets a machine in or refuses it. Machines whose secret is not a setting look it up here.
    fn admit(by: &By, headers: &HeaderMap) -> impl Future<Output = Result<()>> + Send {
        async move {
            let Some(expected) = Self::expected(by.app().config()) else { return Err(Error::not_found("Not found")) };
            if tokens::constant_time_eq(bearer(headers), &expected) { Ok(()) } else { Err(Error::Unauthenticated) }
        }
    }
}

/// What the `Authorization` header says after `Bearer`; empty when there is nothing.
pub fn bearer(headers: &HeaderMap) -> &str {
    let given = headers.get(http::header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match given.split_once(' ') {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => rest.trim(),
        _ => "",
    }
}
