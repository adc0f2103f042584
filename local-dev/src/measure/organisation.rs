//! The questions of `measure organisation`: companies, members, the trail and the switch between companies.

use anyhow::Result;
use shared::app::App;

use super::Amounts;
use super::ask::{Asked, Asker, By};
use super::fill::People;

const QUESTIONS: [(&str, By, &str); 31] = [
    ("dashboard", By::Admin, "/"),
    ("dashboard", By::Manager, "/"),
    ("company list", By::Admin, "/admin/companies"),
    ("company list, page 50 of 100 rows", By::Admin, "/admin/companies?size=100&page=50"),
    ("company list, by name down", By::Admin, "/admin/companies?sort=-name"),
    ("company list, by age", By::Admin, "/admin/companies?sort=created_at"),
    ("company list, one common word", By::Admin, "/admin/companies?q=northwind"),
    ("company list, rare word", By::Admin, "/admin/companies?q=c4711"),
    ("company list, archived", By::Admin, "/admin/companies?archived=1"),
    ("companies for programs", By::Admin, "/companies?limit=100&offset=4000"),
    ("switcher, search", By::Admin, "/api/companies/options?search=har"),
    ("switcher, search", By::Member, "/api/companies/options?search=har"),
    ("members of a company", By::Manager, "/admin/companies/{company}"),
    ("matrix of all", By::Admin, "/admin/companies/matrix"),
    ("matrix of all, by company", By::Admin, "/admin/companies/matrix?sort=company"),
    ("matrix of all, last seen first", By::Admin, "/admin/companies/matrix?sort=-last_seen_at"),
    ("matrix of all, a name", By::Admin, "/admin/companies/matrix?q=okafor"),
    ("matrix of all, suspended", By::Admin, "/admin/companies/matrix?status=suspended"),
    ("search, a name", By::Admin, "/search?q=okafor"),
    ("palette, two words", By::Admin, "/palette?q=priya%20smi&at=/"),
    ("palette, company admin", By::Manager, "/palette?q=be&at=/"),
    ("business information", By::Member, "/business-information"),
    ("audit trail", By::Admin, "/admin/audit-logs"),
    ("audit trail, one company", By::Admin, "/admin/audit-logs?company_id={company}"),
    ("audit trail, one action", By::Admin, "/admin/audit-logs?action=role.updated"),
    ("audit trail, one kind", By::Admin, "/admin/audit-logs?entity_type=company"),
    ("audit trail, actor", By::Admin, "/admin/audit-logs?actor=okafor"),
    ("audit trail, words that are not there", By::Admin, "/admin/audit-logs?q=zebra"),
    ("audit trail for programs, by actor", By::Admin, "/audit-logs?sort=user_email&limit=200"),
    ("access review", By::Admin, "/admin/access-review"),
    ("current access", By::Admin, "/admin/access-review?tab=access"),
];

/// Asks everything and prints a line for each.
pub async fn ask(app: &App, people: &People, amounts: Amounts) -> Result<()> {
    let asker = Asker::of(app, people, amounts).await?;
    for (what, by, path) in QUESTIONS {
        let path = path.replace("{company}", &people.company.to_string());
        asker.line(what, by, |_| Asked::get(path.clone())).await?;
    }
    let to = |n: usize| people.company + 9 + i64::from(n % 2 == 1);
    asker
        .line("switch", By::Member, |n| Asked::post("/switch-company", format!("companyId={}&returnUrl=/", to(n))))
        .await
}
