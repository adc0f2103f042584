//! The routes of identity, in process, each test with a portal of its own.

mod api_keys;
mod profile;
mod registration;
mod sign_in;
mod totp;
mod users;
