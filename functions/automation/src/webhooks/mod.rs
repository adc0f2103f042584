//! The queue of outgoing webhooks, its monitor, and the endpoints that customers registered (automation 4).

mod actions;
mod api;
mod cleanup;
mod endpoint_api;
mod endpoint_pages;
mod endpoints;
mod fan_out;
mod masks;
mod model;
mod pages;
mod store;

pub use endpoint_pages::{EndpointDelete, EndpointList, EndpointNew, EndpointShow};
pub use pages::{EventDelete, EventList, EventShow};

use chrono::TimeDelta;
use shared::jobs::Jobs;
use shared::routes::Routes;
use shared::webhooks;

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    let routes = routes
        .page("/admin/webhooks", pages::list)
        .form("/admin/webhooks/retry", pages::retry_many)
        .page("/admin/webhooks/endpoints", endpoint_pages::list)
        .page("/admin/webhooks/endpoints/new", endpoint_pages::new)
        .form("/admin/webhooks/endpoints", endpoint_pages::create)
        .page("/admin/webhooks/endpoints/{id}", endpoint_pages::show)
        .form("/admin/webhooks/endpoints/{id}", endpoint_pages::update)
        .form("/admin/webhooks/endpoints/{id}/status", endpoint_pages::switch)
        .form("/admin/webhooks/endpoints/{id}/rotate", endpoint_pages::rotate)
        .form("/admin/webhooks/endpoints/{id}/ping", endpoint_pages::ping)
        .page("/admin/webhooks/endpoints/{id}/delete", endpoint_pages::confirm_delete)
        .form("/admin/webhooks/endpoints/{id}/delete", endpoint_pages::delete)
        .page("/admin/webhooks/{id}", pages::show)
        .form("/admin/webhooks/{id}/retry", pages::retry)
        .form("/admin/webhooks/{id}/cancel", pages::cancel)
        .page("/admin/webhooks/{id}/delete", pages::confirm_delete)
        .form("/admin/webhooks/{id}/delete", pages::delete);
    routes
        .scope("webhooks")
        .api(shared::api!(api::list_webhooks))
        .api(shared::api!(api::get_webhook))
        .api(shared::api!(api::list_attempts))
        .api(shared::api!(api::retry_webhook))
        .api(shared::api!(api::cancel_webhook))
        .api(shared::api!(api::delete_webhook))
        .api(shared::api!(api::bulk_webhooks))
        .api(shared::api!(endpoint_api::list_endpoints))
        .api(shared::api!(endpoint_api::create_endpoint))
        .api(shared::api!(endpoint_api::get_endpoint))
        .api(shared::api!(endpoint_api::update_endpoint))
        .api(shared::api!(endpoint_api::delete_endpoint))
        .api(shared::api!(endpoint_api::rotate_secret))
        .api(shared::api!(endpoint_api::test_endpoint))
        .no_scope()
}

/// The work.
pub fn jobs() -> Jobs {
    Jobs::none()
        .on(webhooks::JOB, webhooks::deliver_job)
        // Each looks at everything that is due and delivers it side by side.
        .at_most(webhooks::JOB, 1)
        .on(fan_out::JOB, fan_out::run)
        .on_wanted_events(fan_out::JOB, fan_out::wanted)
        .every("webhooks.rescue", TimeDelta::minutes(5), webhooks::rescue)
        .cleanup("webhooks", cleanup::clean_up)
}
