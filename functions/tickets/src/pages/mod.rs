//! The pages of people and of the desk, and the forms on them (tickets 5 and 6).

mod bulk;
mod choose;
mod columns;
mod conflict;
mod delete;
mod details;
mod files;
mod filter;
mod links;
mod list;
mod merge;
mod moved;
mod narrow;
mod new;
mod place;
mod reply;
mod samples;
mod show;
mod split;
mod status;
mod tags;
mod templates;
mod timeline;
mod together;
mod undo;
mod views;
mod watchers;

use shared::caller::User;
use shared::routes::Routes;

use crate::model::TicketFilter;
pub use views::kept_query;

/// What narrows a list by the names of its address, whether it is that of a company, and its address.
pub(crate) fn list_of(by: &User, all: impl Fn(&str) -> Vec<String>) -> (TicketFilter, bool, String) {
    let state = bulk::list_state(by, by.me().id(), all);
    (state.filter.clone(), state.of_company, state.address(&[], &[]))
}

/// Adds the pages.
pub fn add(routes: Routes) -> Routes {
    routes
        .page("/tickets", list::list)
        .upload_form("/tickets", new::create)
        .page("/tickets/new", new::blank)
        .form("/tickets/bulk", bulk::change)
        .form("/tickets/undo/{id}", undo::undo)
        .page("/tickets/templates", templates::list)
        .form("/tickets/templates", templates::create)
        .page("/tickets/templates/{id}", templates::edit)
        .form("/tickets/templates/{id}", templates::update)
        .form("/tickets/templates/{id}/delete", templates::delete)
        .page("/tickets/views", views::list)
        .form("/tickets/views", views::create)
        .page("/tickets/views/{id}", views::edit)
        .form("/tickets/views/{id}", views::change)
        .form("/tickets/views/{id}/delete", views::delete)
        .form("/tickets/views/{id}/default", views::make_default)
        .page("/tickets/columns", columns::show)
        .form("/tickets/columns", columns::save)
        .page("/tickets/merge", merge::ask_ticked)
        .form("/tickets/merge", merge::merge_ticked)
        .page("/tickets/{id}", show::show)
        .page("/tickets/{id}/merge", merge::ask)
        .form("/tickets/{id}/merge", merge::merge)
        .form("/tickets/{id}/unmerge", merge::unmerge)
        .page("/tickets/{id}/replies/{reply_id}/split", split::ask)
        .form("/tickets/{id}/replies/{reply_id}/split", split::split)
        .form("/tickets/{id}/links", links::change)
        .upload_form("/tickets/{id}/replies", reply::reply)
        .form("/tickets/{id}/details", details::save)
        .form("/tickets/{id}/status", status::set)
        .form("/tickets/{id}/tags", tags::change)
        .form("/tickets/{id}/watchers", watchers::change)
        .form("/tickets/{id}/presence", together::presence)
        .form("/tickets/{id}/draft", together::draft)
        .form("/tickets/{id}/close", status::close)
        .form("/tickets/{id}/reopen", status::reopen)
        .page("/tickets/{id}/delete", delete::ask)
        .form("/tickets/{id}/delete", delete::delete)
        .page("/tickets/{id}/attachments.zip", files::open_all)
        .page("/tickets/{id}/attachments/{attachment_id}", files::open)
        .page("/admin/tickets", moved::moved)
        .upload_form("/admin/tickets", moved::moved)
        .page("/admin/tickets/{id}", moved::moved)
        .page("/admin/tickets/{id}/{*rest}", moved::moved)
        .upload_form("/admin/tickets/{id}/{*rest}", moved::moved)
}

#[cfg(test)]
mod tests {
    use shared::testing::render_samples;

    #[test]
    fn every_page_renders_with_every_sample() {
        render_samples::<super::list::TicketList>();
        render_samples::<super::new::TicketNew>();
        render_samples::<super::show::TicketShow>();
        render_samples::<super::delete::TicketDelete>();
        render_samples::<super::bulk::TicketsDelete>();
        render_samples::<super::templates::TemplatesPage>();
        render_samples::<super::together::Presence>();
        render_samples::<super::views::ViewsPage>();
        render_samples::<super::merge::TicketMerge>();
        render_samples::<super::split::TicketSplit>();
        render_samples::<super::columns::ColumnsPage>();
    }
}
