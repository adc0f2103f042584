//! The SQL of the area. Every read takes the caller's scope first.

mod activity;
mod attachments;
mod bulk;
mod desk;
mod links;
mod list;
mod merges;
mod people;
mod replies;
mod search;
mod stamps;
mod tags;
mod templates;
mod texts;
mod tickets;
mod undo;
mod views;
mod watchers;

pub use activity::{NewActivity, activity, record};
pub use attachments::{Attachment, attach, attach_one, attachment, attachment_of, attachments, count_of_entry, forget};
pub use bulk::{find_all, lock_all, record_all, save_all};
pub use desk::{Present, be_present, forget_absent, forget_draft, keep_draft, present};
pub use links::{Related, are_linked, count_links, link, related, unlink};
pub use list::{ExportRow, Found, Line, Tally, ViewCounts, export, export_after, full_page, page, view_counts};
pub use merges::{merge, merge_of, take_reply, unmerge};
pub use people::{
    Choice, Choices, active_person, choices, colleagues, company_exists, is_assignable, is_member_of_any,
    is_requester_of,
};
pub use replies::{Entry, entries, find_reply, insert_reply, repeated, replies};
pub use search::{Plan, Search, search};
pub use stamps::{Stamp, mark, stamps};
pub use tags::{tags_in_use, tidy_tags};
pub use templates::{Template, delete_template, insert_template, save_template, template, templates};
pub use texts::renew as renew_texts;
pub use tickets::{Ticket, Touch, delete, find, insert, lock, not_found, save, touch};
pub use undo::{forget_undos, insert_undo, restore_closed, take_undo};
pub use views::{
    ListSettings, View, count_views, delete_view, insert_view, list_settings, save_list_settings, save_view, view,
    views,
};
pub use watchers::{replace_watchers, unwatch, unwatchable, watch, watchers};
