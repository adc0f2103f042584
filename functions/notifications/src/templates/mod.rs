//! `/admin/email-templates`: the words of outgoing mails, with a look before saving, a test and the way
//! back to the default (decisions 11.18).

pub mod catalogue;
pub mod pages;
pub mod store;

use shared::routes::Routes;

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes
        .page("/admin/email-templates", pages::list)
        .page("/admin/email-templates/{name}", pages::show)
        .form("/admin/email-templates/{name}", pages::change)
}
