//! The organisations that use the portal: companies, who belongs to them, and which one a person works
//! for now. The rules are in `organisation.md` of the specification.

pub mod business_information;
pub mod companies;
pub mod members;
pub mod switch;

use shared::routes::Routes;

/// All routes of the area.
pub fn routes() -> Routes {
    let routes = Routes::area(
        "companies",
        &["/companies", "/switch-company", "/admin/companies", "/api/companies", "/business-information"],
    );
    let routes = companies::add(routes);
    let routes = members::add(routes);
    let routes = switch::add(routes);
    business_information::add(routes)
}
