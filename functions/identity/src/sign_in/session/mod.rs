//! The sessions of the signed-in person: the current one, the others, and signing out (identity 6, 11.3).

pub(super) mod api;
mod store;

pub use store::{LiveSession, end_one, end_others, live};
