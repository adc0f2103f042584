//! What people want to be told of, where and when: `/notifications/settings` and the API
//! (notifications-forms 4.4 and 6), and the link in mails that ends mails of a kind.

pub mod api;
pub mod model;
pub mod pages;
pub mod store;
pub mod test_message;
pub mod times;
pub mod unsubscribe;

use shared::routes::Routes;

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes
        .page("/notifications/settings", pages::show)
        .form("/notifications/settings", pages::save)
        .form("/notifications/settings/times", times::save)
        .form("/notifications/settings/test", test_message::send)
        .page("/notifications/unsubscribe", unsubscribe::ask)
        .form("/notifications/unsubscribe", unsubscribe::confirm)
        .no_scope()
        .api(shared::api!(api::get_preferences))
        .api(shared::api!(api::put_preferences))
        .api(shared::api!(api::get_channels))
}
