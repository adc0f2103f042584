//! The routes of the area, in process, each test with a portal of its own.

mod attachments;
mod create;
mod help;
mod keys;
mod lists;
mod mails;
mod pages;
mod replies;
mod scoping;
mod update;
