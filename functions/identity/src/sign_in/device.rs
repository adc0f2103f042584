//! An address and browser, as the audit trail remembers them.

use shared::audit::Change;
use shared::context::By;
use shared::tokens;

/// Names the client in a form that can be searched for and says nothing by itself.
pub(super) fn mark(by: &By) -> String {
    let digest = tokens::sha256_hex(format!("{}\n{}", by.ip(), by.request().user_agent()).as_bytes());
    digest.chars().take(32).collect()
}

/// Adds the client to an audit line.
pub(super) fn noted(change: Change, by: &By) -> Change {
    let agent: String = by.request().user_agent().chars().take(255).collect();
    change.meta("device", mark(by)).meta("user_agent", agent)
}
