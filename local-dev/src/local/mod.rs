//! Routes that only the local server has: the caught mail, the gallery of components, the tick, events as
//! they happen.

mod eml;
pub mod live;
mod pages;
mod tick;

use shared::routes::Routes;

pub use eml::{Mail, Part};
pub use pages::{Gallery, Letter, Mailbox};
pub use tick::Tick;

/// The routes; mail and gallery are for the developer's machine.
pub fn routes(is_production: bool, hub: live::Hub) -> Routes {
    let prefixes = ["/dev", "/events/stream", "/internal/gallery", "/internal/tick"];
    let routes = Routes::area("local", &prefixes).api(shared::api!(tick::run_due_work));
    let routes = live::add(routes, hub);
    if is_production {
        return routes;
    }
    routes
        .page("/dev/mailbox", pages::mailbox)
        .page("/dev/mailbox/{name}", pages::letter)
        .page("/internal/gallery", pages::gallery)
}
