//! Automations (automation 3): what happens by itself, on a timetable or on an event.

pub mod api;
pub mod builder;
pub mod built_in;
pub mod cleanup;
pub mod events;
pub mod examples;
pub mod filters;
pub mod gallery;
pub mod model;
pub mod modules;
pub mod pages;
pub mod plan;
pub mod runs;
pub mod store;
pub mod timetable;
pub mod variables;
pub mod work;

use chrono::TimeDelta;
use shared::jobs::Jobs;
use shared::routes::Routes;

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes
        .scope("automations")
        .api(shared::api!(api::list_automations))
        .api(shared::api!(api::create_automation))
        .api(shared::api!(api::list_triggers))
        .api(shared::api!(api::report_event))
        .api(shared::api!(api::get_automation))
        .api(shared::api!(api::update_automation))
        .api(shared::api!(api::delete_automation))
        .api(shared::api!(api::list_automation_runs))
        .api(shared::api!(api::execute_automation))
        .api(shared::api!(api::dry_run_automation))
        .no_scope()
        .page("/admin/automations", pages::list::list)
        .form("/admin/automations", pages::edit::create)
        .page("/admin/automations/new", pages::edit::new)
        .form("/admin/automations/draft", pages::edit::change)
        .page("/admin/automations/gallery", pages::gallery::show)
        .form("/admin/automations/gallery/{slug}", pages::gallery::take)
        .form("/admin/automations/import", pages::gallery::import)
        .page("/admin/automations/{id}", pages::edit::edit)
        .form("/admin/automations/{id}", pages::edit::update)
        .form("/admin/automations/{id}/draft", pages::edit::change_of)
        .form("/admin/automations/{id}/status", pages::list::set_status)
        .form("/admin/automations/{id}/execute", pages::list::execute)
        .form("/admin/automations/{id}/duplicate", pages::list::duplicate)
        .page("/admin/automations/{id}/delete", pages::delete::ask)
        .form("/admin/automations/{id}/delete", pages::delete::delete)
        .page("/admin/automations/{id}/export.json", pages::export::automation)
        .page("/admin/automations/{id}/runs", pages::runs::list)
        .page("/admin/automations/{id}/runs/export.csv", pages::export::history)
        .page("/admin/automations/{id}/runs/{run}", pages::runs::show)
        .form("/admin/automations/{id}/runs/{run}/again", pages::runs::again)
}

/// Adds the work.
pub fn jobs() -> Jobs {
    Jobs::none()
        .every("automations.tick", TimeDelta::milliseconds(500), plan::tick)
        .on("automation.match", plan::match_event)
        .on_wanted_events("automation.match", store::wanted)
        .on("automation.run", work::run_automation)
        .cleanup("automation runs", cleanup::clean_up_runs)
}
