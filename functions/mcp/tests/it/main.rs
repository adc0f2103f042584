//! The endpoint and its page, in process, each test with a portal of its own.

#![expect(unused_must_use, reason = "what a reply was expected to be is said by the call itself")]

mod dialects;
mod documentation;
mod help;
mod pages;
mod tools;
mod transport;
