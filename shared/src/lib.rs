//! What every area of the portal stands on. Start with `caller`, `routes`, `db` and `page`.

pub mod accounts;
pub mod app;
pub mod audit;
pub mod auth_log;
pub mod blobs;
pub mod branding;
pub mod caller;
pub mod client_ip;
pub mod clock;
pub mod commands;
pub mod config;
pub mod context;
pub mod db;
#[cfg(feature = "embedded-s3")]
pub mod embedded_s3;
pub mod error;
pub mod events;
pub mod files;
pub mod flash;
pub mod format;
pub mod jobs;
pub mod mail;
pub mod modules;
pub mod nav;
pub mod notify;
pub mod openapi;
pub mod outbound;
pub mod outbound_slots;
pub mod page;
pub mod passwords;
pub mod placeholders;
pub mod rate_limit;
pub mod routes;
pub mod sealed;
pub mod search;
pub mod serve;
pub mod syncro;
#[cfg(feature = "testing")]
pub mod testing;
pub mod ticket_search;
pub mod tokens;
pub mod web;
pub mod webhooks;
pub mod worker_call;

pub use flash::{Flash, Tone};
