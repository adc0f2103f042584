//! The product as a whole: what no area can see alone.

mod commands;
mod concurrent_start;
mod crates;
mod frame;
mod functions;
mod gateway;
mod hostile;
mod infra;
mod kill;
mod live;
mod permissions;
mod process;
mod readme;
mod reserved_words;
mod routes;
mod schema;
mod strangers;
mod support;
mod templates;
mod tick;
mod world;
