//! Several people invited at once: pasted addresses, or rows of the staff directory. Each address has a
//! result of its own, and is worked on in the background (organisation 7.4).

pub mod model;
pub mod pages;
pub mod store;
pub mod work;

/// Kind of the job that works on a batch.
pub const JOB: &str = "memberships.invite_several";
