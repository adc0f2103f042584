//! The JSON routes under `/api/tickets` (tickets 4).

mod attachments;
mod bodies;
mod bulk;
mod export;
mod list;
mod merges;
mod replies;
mod tags;
mod tickets;
mod uploads;
mod views;
mod watchers;

use shared::routes::Routes;

pub use list::{ListQuery, filter};

/// Adds the JSON routes.
pub fn add(routes: Routes) -> Routes {
    routes
        .api(shared::api!(list::list_tickets))
        .api(shared::api!(export::export_tickets))
        .api(shared::api!(bulk::change_tickets))
        .api(shared::api!(bulk::undo_tickets))
        .api(shared::api!(tickets::create_ticket))
        .api(shared::api!(tickets::read_ticket))
        .api(shared::api!(tickets::update_ticket))
        .api(shared::api!(tickets::delete_ticket))
        .api(shared::api!(tickets::close_ticket))
        .api(shared::api!(tickets::reopen_ticket))
        .api(shared::api!(replies::reply_to_ticket))
        .api(shared::api!(merges::merge_tickets))
        .api(shared::api!(merges::unmerge_ticket))
        .api(shared::api!(merges::split_ticket))
        .api(shared::api!(merges::list_links))
        .api(shared::api!(merges::link_ticket))
        .api(shared::api!(merges::unlink_ticket))
        .api(shared::api!(views::list_views))
        .api(shared::api!(views::create_view))
        .api(shared::api!(views::change_view))
        .api(shared::api!(views::delete_view))
        .api(shared::api!(tags::list_tags))
        .api(shared::api!(tags::change_tags))
        .api(shared::api!(watchers::replace_watchers))
        .api(shared::api!(watchers::list_activity))
        .api(shared::api!(uploads::begin_upload))
        .api(shared::api!(uploads::complete_upload))
        .api(shared::api!(uploads::cancel_upload))
        .api(shared::api!(uploads::read_attachments))
        .api(shared::api!(attachments::begin_attachment))
        .api(shared::api!(attachments::complete_attachment))
        .api(shared::api!(attachments::read_attachment))
        .api(shared::api!(attachments::delete_attachment))
}
