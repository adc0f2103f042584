//! The SQL of what several areas write: people, sessions, password tokens, companies, memberships
//! (decisions 11.5). Routes, pages and rules over them belong to the areas.

pub mod by_company;
pub mod companies;
pub mod desk;
pub mod invitations;
pub mod memberships;
pub mod password_tokens;
pub mod preferences;
pub mod sessions;
pub mod staff;
pub mod users;
