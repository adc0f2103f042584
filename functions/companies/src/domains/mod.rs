//! Email domains of a company: who registers with such an address may join (organisation 12).

pub mod api;
pub mod model;
pub mod pages;
pub mod store;

use shared::jobs::Jobs;
use shared::routes::Routes;

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes
        .scope("companies")
        .api(shared::api!(api::list_domains))
        .api(shared::api!(api::create_domain))
        .api(shared::api!(api::update_domain))
        .api(shared::api!(api::delete_domain))
        .no_scope()
        .page("/admin/companies/{id}/domains", pages::show)
        .form("/admin/companies/{id}/domains", pages::create)
        .form("/admin/companies/{id}/domains/{domain}/auto-join", pages::set_auto_join)
        .form("/admin/companies/{id}/domains/{domain}/remove", pages::remove)
        .form("/admin/companies/{id}/domains/people", pages::add_person)
}

/// Adds the work.
pub fn add_jobs(jobs: Jobs) -> Jobs {
    jobs.on("companies.domain_proposed", store::tell_proposal)
}
