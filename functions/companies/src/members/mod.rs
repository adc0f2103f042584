//! Who belongs to a company: the list of members, invitations, and the companies a person may choose.

pub mod choose;
pub mod invitations;
pub mod model;
pub mod pages;
pub mod store;

use shared::routes::Routes;

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes
        .no_scope()
        .api(shared::api!(choose::company_options))
        .page("/companies/choose", choose::page)
        .page("/companies/invitations", invitations::page)
        .form("/companies/invitations/{id}/accept", invitations::accept)
        .form("/companies/invitations/{id}/decline", invitations::decline)
        .page("/admin/companies/{id}/invite", pages::invite)
        .page("/admin/companies/{id}/invite/link", pages::link)
        .form("/admin/companies/users/invite", pages::send)
}
