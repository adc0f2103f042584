//! The organisations that use the portal: companies, who belongs to them and what they may do, and which
//! one a person works for now. The rules are in `organisation.md` of the specification.

pub mod business_information;
pub mod companies;
pub mod domains;
pub mod members;
pub mod roles;
pub mod staff;
pub mod switch;

use shared::jobs::Jobs;
use shared::routes::Routes;

/// All routes of the area.
pub fn routes() -> Routes {
    let routes = Routes::area(
        "companies",
        &[
            "/companies",
            "/memberships",
            "/roles",
            "/switch-company",
            "/admin/companies",
            "/admin/roles",
            "/api/companies",
            "/api/business-information",
            "/business-information",
            "/staff",
            "/api/staff",
            "/admin/syncro/import-contacts",
        ],
    );
    let routes = companies::add(routes);
    let routes = members::add(routes);
    let routes = domains::add(routes);
    let routes = roles::add(routes);
    let routes = switch::add(routes);
    let routes = staff::add(routes);
    business_information::add(routes)
}

/// All background work of the area.
pub fn jobs() -> Jobs {
    staff::jobs::add(domains::add_jobs(members::jobs::add(Jobs::none())))
}
