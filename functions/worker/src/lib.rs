//! The background work of every area, merged. It owns no table and no route.

use shared::jobs::Jobs;

/// Everything that may be queued, with who does it.
pub fn jobs() -> Jobs {
    Jobs::kernel()
        .merge(identity::jobs())
        .merge(companies::jobs())
        .merge(tickets::jobs())
        .merge(automation::jobs())
        .merge(mcp::jobs())
}
