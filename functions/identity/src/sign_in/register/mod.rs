//! The first visit, and registration by oneself (identity 10).

pub(super) mod api;
mod model;
pub(super) mod pages;
mod store;

pub(super) use model::domain_of;
