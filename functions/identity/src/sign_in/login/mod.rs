//! Signing in: the page, the code step at the same address, and the JSON route.

pub(super) mod api;
mod flow;
mod model;
pub(super) mod pages;
mod store;
mod ticket;

pub(super) use model::read_factor;
