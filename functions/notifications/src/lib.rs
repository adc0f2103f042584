//! What people are told: their feed, what they want to hear of and how, and what super administrators
//! announce. The rules are in `notifications-forms.md` of the specification; the rows are written by
//! `shared::notify`, which every area calls.

pub mod announcements;
pub mod feed;
pub mod preferences;
pub mod templates;

use shared::routes::Routes;

/// All routes of the area.
pub fn routes() -> Routes {
    let routes = Routes::area(
        "notifications",
        &["/notifications", "/api/notifications", "/admin/notifications", "/admin/email-templates"],
    );
    let routes = feed::add(routes);
    let routes = preferences::add(routes);
    let routes = announcements::add(routes);
    templates::add(routes)
}
