//! What surrounds the other areas: the dashboard, the administration's overview, outgoing mail, the
//! audit trail, search, help, the files of the front end, the API reference and the health checks.

pub mod access;
pub mod admin;
pub mod audit;
pub mod dashboard;
pub mod docs;
pub mod email;
pub mod figures;
pub mod health;
pub mod help;
pub mod keyset;
pub mod live;
pub mod search;
pub mod settings;
pub mod setup;
pub mod static_files;
pub mod variables;

use shared::routes::Routes;

/// All routes of the area. `/` and `/admin` are exactly those two pages; whatever no other area has
/// declared below them comes here as well and is answered with 404.
pub fn routes() -> Routes {
    let routes = Routes::area(
        "site",
        &[
            "/",
            "/static",
            "/docs",
            "/internal/openapi.json",
            "/health",
            "/help",
            "/search",
            "/palette",
            "/events/poll",
            "/admin",
            "/admin/setup",
            "/admin/email",
            "/admin/audit-logs",
            "/audit-logs",
            "/admin/access-review",
            "/api/access-review",
            "/api/dashboard",
            "/api/template-variables",
            "/admin/site-settings",
            "/api/site-settings",
            "/branding",
        ],
    );
    let routes = static_files::add(routes);
    let routes = health::add(routes);
    let routes = docs::add(routes);
    let routes = dashboard::add(routes);
    let routes = admin::add(routes);
    let routes = email::add(routes);
    let routes = audit::add(routes);
    let routes = access::add(routes);
    let routes = settings::add(routes);
    let routes = variables::add(routes);
    let routes = help::add(routes);
    let routes = search::add(routes);
    live::add(routes)
}
