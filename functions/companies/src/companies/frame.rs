//! What stands around every page of one company: its name, and the tabs that the viewer may open.

use serde::Serialize;
use shared::caller::{Person, User};
use shared::error::Result;

use super::model::Company;
use super::store;
use crate::members::manager::Manager;

/// One tab.
#[derive(Debug, Clone, Serialize)]
pub struct Tab {
    label: &'static str,
    href: String,
    current: bool,
}

/// The head of a page of one company.
#[derive(Debug, Clone, Serialize)]
pub struct Frame {
    /// The company.
    pub company: Company,
    /// Super administrators see and do everything.
    pub is_super_admin: bool,
    /// May add people.
    pub may_invite: bool,
    tabs: Vec<Tab>,
}

/// True for super administrators, company admins and holders of `company.manage` there.
pub fn may_edit(person: &Person, company_id: i64) -> bool {
    let holds = |key| person.memberships.iter().any(|m| m.company.id == company_id && m.rights.manages(key));
    person.user.is_super_admin || holds("company.manage")
}

impl Frame {
    /// The frame for somebody, on one of its tabs.
    pub fn new(person: &Person, company: Company, current: &'static str) -> Self {
        let manages = Manager::of(person, company.id).is_some();
        let (is_super_admin, may_edit) = (person.user.is_super_admin, may_edit(person, company.id));
        Self {
            tabs: tabs(company.id, current, [manages, may_edit, is_super_admin]),
            is_super_admin,
            may_invite: manages && company.archived_at.is_none(),
            company,
        }
    }

    /// For samples.
    pub fn sample(is_super_admin: bool, company: Company, current: &'static str) -> Self {
        let tabs = tabs(company.id, current, [true, true, is_super_admin]);
        Self { tabs, is_super_admin, may_invite: company.archived_at.is_none(), company }
    }
}

fn tabs(id: i64, current: &'static str, [manages, may_edit, is_super_admin]: [bool; 3]) -> Vec<Tab> {
    let all = [
        (manages, "Members", ""),
        (manages || may_edit, "Details", "/details"),
        (may_edit, "Email domains", "/domains"),
        (is_super_admin, "Linked records", "/records"),
    ];
    let shown = all.into_iter().filter(|(may, ..)| *may);
    shown
        .map(|(_, label, path)| Tab { label, href: format!("/admin/companies/{id}{path}"), current: label == current })
        .collect()
}

/// The company of a page that managers and those who edit the company may open; else it does not exist.
pub async fn visible(by: &User, id: i64) -> Result<Company> {
    if Manager::of(by.me(), id).is_none() && !may_edit(by.me(), id) {
        return Err(store::unknown());
    }
    store::find(by.db(), id).await
}
