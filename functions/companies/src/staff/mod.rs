//! The staff directory: who works at a company, with or without an account (organisation 4.2, 10).

pub mod api;
pub mod body;
pub mod bulk;
pub mod change;
pub mod field;
pub mod forms;
pub mod import;
pub mod invite;
pub mod jobs;
pub mod list;
pub mod merge;
pub mod model;
pub mod scope;
pub mod show;
pub mod store;
pub mod verify;

use shared::routes::Routes;

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    let routes = routes
        .scope("staff")
        .api(shared::api!(api::list_staff))
        .api(shared::api!(api::create_staff))
        .api(shared::api!(api::get_staff))
        .api(shared::api!(api::update_staff))
        .api(shared::api!(api::delete_staff))
        .no_scope()
        .api(shared::api!(api::put_staff))
        .api(shared::api!(api::remove_staff))
        .api(shared::api!(show::send_code))
        .api(shared::api!(show::check_code))
        .api(shared::api!(show::send_invite))
        .page("/staff", list::show)
        .page("/staff/export.csv", list::export)
        .page("/staff/new", forms::new)
        .form("/staff", forms::create)
        .form("/staff/enabled", show::enabled)
        .form("/staff/bulk", bulk::run)
        .page("/staff/invited/{batch}", crate::members::batch::pages::show_staff)
        .page("/staff/{id}/merge", merge::choose)
        .form("/staff/{id}/merge", merge::merge)
        .page("/staff/{id}", show::show)
        .form("/staff/{id}", forms::save)
        .page("/staff/{id}/edit", forms::edit)
        .page("/staff/{id}/offboard", show::offboard)
        .form("/staff/{id}/offboard", show::plan_offboard)
        .form("/staff/{id}/approve", show::approve)
        .page("/staff/{id}/delete", show::confirm_delete)
        .form("/staff/{id}/delete", show::delete);
    import::add(routes)
}
