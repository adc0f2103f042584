//! Confirming that an address belongs to the person who registered with it (identity 10.4).

pub(super) mod api;
pub(super) mod pages;
mod store;

pub(super) use store::{join_by_domain, send};
