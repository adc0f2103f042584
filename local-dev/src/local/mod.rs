//! Routes that only the local server has: the caught mail, the gallery of components, the tick.

mod eml;
mod pages;
mod tick;

use shared::routes::Routes;

pub use eml::{Mail, Part};
pub use pages::{Gallery, Letter, Mailbox};
pub use tick::Tick;

/// The routes; mail and gallery are for the developer's machine.
pub fn routes(is_production: bool) -> Routes {
    let routes =
        Routes::area("local", &["/dev", "/internal/gallery", "/internal/tick"]).api(shared::api!(tick::run_due_work));
    if is_production {
        return routes;
    }
    routes
        .page("/dev/mailbox", pages::mailbox)
        .page("/dev/mailbox/{name}", pages::letter)
        .page("/internal/gallery", pages::gallery)
}
