//! Forgotten, reset and changed passwords (identity 12).

pub(super) mod change;
pub(super) mod forgot;
pub(super) mod reset;
mod store;

pub use change::change;
