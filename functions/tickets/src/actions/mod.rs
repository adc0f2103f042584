//! What is done to tickets, whoever asks: one transaction per change, with activity, events and audit.
//! Pages and JSON routes both come here.

mod archive;
mod bulk;
mod checks;
mod create;
mod files;
mod link;
mod merge;
mod reply;
mod status;
mod tag;
mod undo;
mod update;
mod view;
mod watch;

pub use archive::archive;
pub use bulk::bulk;
pub use create::{create, wanted};
pub use files::{HOME, add_upload, distinct, gathered, remove_file, upload_ids};
pub use link::{link, unlink};
pub use merge::{MOST_MERGED, first_line, merge, split, splittable, unmerge};
pub use reply::{Sent, author_by_key, reply, reply_in};
pub use status::{close, delete, follow_up, reopen};
pub use tag::retag;
pub use undo::{Kept, keep, undo};
pub use update::{Outcome, update, update_in};
pub use view::{change_view, create_view, delete_view, find_view, keep_settings};
pub use watch::{unwatch, watch, watch_only};
