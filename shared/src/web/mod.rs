//! HTTP as every area speaks it: the pipeline around handlers and the extractors in them.

pub(crate) mod csrf;
mod form;
mod headers;
mod idempotency;
mod json;
mod multipart;
mod paging;
pub(crate) mod pipeline;
mod query;
mod raw;

pub use form::{Form, FormState, Input};
pub use headers::{EndCookies, OwnPolicy, session_cookies};
pub use json::{Json, Patch};
pub(crate) use multipart::spool;
pub use multipart::{Multipart, Part, UploadedFile};
pub use paging::{COUNT_CAP, Limits, Listed, PageOf, Paging, csv_cell};
pub use query::{Path, Query};
pub use raw::Raw;
