//! The routes of the area, in process, each test with a portal of its own.

#![expect(unused_must_use, reason = "what a reply was expected to be is said by the call itself")]

mod ai;
mod attachments;
mod bulk;
mod colleagues;
mod create;
mod documentation;
mod exports;
mod help;
mod keys;
mod lists;
mod mails;
mod merging;
mod pages;
mod record;
mod replies;
mod scoping;
mod search;
mod syncro;
mod syncro_files;
mod tags;
mod together;
mod undo;
mod update;
mod uploads;
mod views;
