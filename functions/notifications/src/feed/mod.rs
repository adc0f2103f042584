//! The feed: `/notifications` for people, `/api/notifications` for programs (notifications-forms 4 and 6).

pub mod actions;
pub mod api;
pub mod filter;
pub mod marks;
pub mod pages;
pub mod store;

use shared::routes::Routes;

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes
        .page("/notifications", pages::list)
        .page("/notifications/{id}/open", actions::open)
        .page("/notifications/export.csv", pages::export)
        .form("/notifications/read", actions::change)
        .form("/notifications/undo", actions::undo)
        .no_scope()
        .api(shared::api!(api::list_notifications))
        .api(shared::api!(api::summarise_notifications))
        .api(shared::api!(api::list_event_types))
        .api(shared::api!(marks::mark_read))
        .api(shared::api!(marks::mark_unread))
        .api(shared::api!(marks::acknowledge))
        .api(shared::api!(marks::mark_all_read))
        .api(shared::api!(marks::hide_notification))
}
