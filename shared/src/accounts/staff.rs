//! How far somebody sees into the staff directory of a company (organisation 4.2), for whoever counts its
//! people: what is counted is what the directory lists.

use crate::caller::Person;
use crate::db::{Sql, sql};

/// Goes behind `WHERE …` of `staff s`; nothing without a staff level in the company. Level 1 sees the own
/// department, level 2 also people without one, level 3 everybody.
pub fn within_reach(person: &Person, company_id: i64) -> Option<Sql> {
    let own = person.memberships.iter().find(|m| m.company.id == company_id).map_or(0, |m| m.rights.staff_level);
    let within = sql(" AND s.company_id = ?").bind(company_id);
    match own {
        _ if person.user.is_super_admin => Some(within),
        3.. => Some(within),
        2 => {
            Some(department(within.push(" AND (s.department_key IS NULL OR s.department_key"), person, company_id, ")"))
        }
        1 => Some(department(within.push(" AND s.department_key"), person, company_id, "")),
        _ => None,
    }
}

/// The department of the own record: the one linked to the account, else the one with the proven address.
fn department(query: Sql, person: &Person, company_id: i64, end: &'static str) -> Sql {
    let user = &person.user;
    let email = user.email_verified_at.is_some().then(|| user.email.to_lowercase());
    query
        .push(
            " = (SELECT own.department_key FROM staff own WHERE own.company_id = ? AND (own.user_id = ? \
             OR own.email = ?) ORDER BY CASE WHEN own.user_id = ? THEN 0 ELSE 1 END, own.id LIMIT 1)",
        )
        .bind(company_id)
        .bind(user.id)
        .bind(email)
        .bind(user.id)
        .push(end)
}
