//! What super administrators and their programs tell people (notifications-forms 4.2 and 6):
//! `POST /api/notifications` and `/admin/notifications`.

pub mod api;
pub mod model;
pub mod pages;
pub mod store;

use shared::routes::Routes;

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes
        .page("/admin/notifications", pages::list)
        .page("/admin/notifications/new", pages::new)
        .form("/admin/notifications/new", pages::send)
        .form("/admin/notifications/{id}/recall", pages::recall)
        .scope("notifications")
        .api(shared::api!(api::create_notification))
        .api(shared::api!(api::list_sent_notifications))
        .no_scope()
        .api(shared::api!(api::recall_notification))
}
