//! Who belongs to a company and what they may do there: members, invitations, the matrix, and the
//! companies a person may choose.

pub mod access;
pub mod api;
pub mod batch;
pub mod change;
pub mod choose;
pub mod forms;
pub mod host;
pub mod invitations;
pub mod jobs;
pub mod joining;
pub mod list;
pub mod manager;
pub mod matrix;
pub mod model;
pub mod pages;
pub mod person;
pub mod record;
pub mod store;
pub mod together;

use shared::routes::Routes;

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    let routes = routes
        .scope("memberships")
        .api(shared::api!(api::list_memberships))
        .api(shared::api!(api::create_membership))
        .api(shared::api!(api::update_membership))
        .api(shared::api!(api::delete_membership))
        .no_scope()
        .api(shared::api!(api::accept_membership))
        .api(shared::api!(api::decline_membership))
        .api(shared::api!(forms::set_permission))
        .api(shared::api!(forms::set_staff_permission))
        .api(shared::api!(forms::set_role))
        .api(shared::api!(forms::remove_assignment))
        .form("/admin/companies/assign", forms::assign);
    routes
        .api(shared::api!(choose::company_options))
        .page("/companies/choose", choose::page)
        .page("/companies/invitations", invitations::page)
        .form("/companies/invitations/{id}/accept", invitations::accept)
        .form("/companies/invitations/{id}/decline", invitations::decline)
        .form("/companies/join/{id}", invitations::join)
        .page("/admin/companies/matrix", matrix::show)
        .form("/admin/companies/matrix", matrix::change)
        .page("/admin/companies/{id}", list::show)
        .page("/admin/companies/{id}/members/{member}", person::show)
        .form("/admin/companies/{id}/members/{member}", person::save)
        .form("/admin/companies/{id}/members/{member}/suspend", person::suspend)
        .form("/admin/companies/{id}/members/{member}/restore", person::restore)
        .form("/admin/companies/{id}/members/{member}/resend", person::resend)
        .page("/admin/companies/{id}/members/{member}/remove", person::confirm_remove)
        .form("/admin/companies/{id}/members/{member}/remove", person::remove)
        .page("/admin/companies/{id}/invite", pages::invite)
        .page("/admin/companies/{id}/invite/link", pages::link)
        .form("/admin/companies/users/invite", pages::send)
        .page("/admin/companies/{id}/invite/several", batch::pages::new)
        .form("/admin/companies/users/invite-several", batch::pages::send)
        .page("/admin/companies/{id}/invite/several/{batch}", batch::pages::show)
        .form("/admin/companies/users/create", pages::create)
}
