//! Tickets for assistants that speak the Model Context Protocol: an endpoint with a secret of its own and
//! four tools. The rules are in `tickets.md` of the specification, section 10.

mod answer;
mod calls;
mod guard;
mod pages;
mod rpc;
mod settings;
mod tools;
mod transport;

use chrono::TimeDelta;
use shared::jobs::Jobs;
use shared::routes::Routes;

/// Bytes of a request.
const BODY: usize = 256 * 1024;

/// All routes of the area.
pub fn routes() -> Routes {
    let routes = Routes::area("mcp", &["/api/mcp", "/admin/mcp"]);
    pages::add(routes.api_limited(shared::api!(transport::call_mcp), BODY))
}

/// All background work of the area.
pub fn jobs() -> Jobs {
    Jobs::none().every("mcp.purge_calls", TimeDelta::days(1), calls::purge)
}
