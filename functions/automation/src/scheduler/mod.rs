//! Scheduled tasks (automation 2): their timetable, their runs, their page.

pub mod api;
pub mod commands;
pub mod cron;
pub mod dashboard;
pub mod model;
pub mod pages;
pub mod plan;
pub mod runs;
pub mod store;
pub mod words;
pub mod work;

use chrono::TimeDelta;
use shared::jobs::Jobs;
use shared::routes::Routes;

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes
        .scope("scheduler")
        .api(shared::api!(api::list_tasks))
        .api(shared::api!(api::create_task))
        .api(shared::api!(api::get_task))
        .api(shared::api!(api::update_task))
        .api(shared::api!(api::delete_task))
        .api(shared::api!(api::activate_task))
        .api(shared::api!(api::run_task))
        .api(shared::api!(api::list_task_runs))
        .api(shared::api!(api::preview_cron))
        .no_scope()
        .page("/admin/automation", pages::list::list)
        .page("/admin/scheduler", pages::list::moved)
        .page("/admin/automation/runs", pages::runs::all)
        .page("/admin/automation/tasks/new", pages::edit::new)
        .form("/admin/automation/tasks", pages::edit::create)
        .form("/admin/automation/tasks/preview", pages::edit::preview)
        .page("/admin/automation/tasks/{id}", pages::edit::edit)
        .form("/admin/automation/tasks/{id}", pages::edit::update)
        .form("/admin/automation/tasks/{id}/preview", pages::edit::preview_of)
        .form("/admin/automation/tasks/{id}/activate", pages::list::activate)
        .form("/admin/automation/tasks/{id}/run", pages::list::start)
        .page("/admin/automation/tasks/{id}/runs", pages::runs::of_task)
        .page("/admin/automation/tasks/{id}/delete", pages::delete::ask)
        .form("/admin/automation/tasks/{id}/delete", pages::delete::delete)
}

/// The zones to choose from: one for each region and city, without the old abbreviations.
pub fn zones() -> Vec<&'static str> {
    let is_place = |name: &&str| name.contains('/') && !name.starts_with("Etc/") && !name.starts_with("US/");
    let mut all: Vec<&str> = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).filter(is_place).collect();
    all.insert(0, "UTC");
    all
}

/// Adds the work.
pub fn jobs() -> Jobs {
    Jobs::none()
        // Less than any pause between ticks: each tick plans.
        .every("scheduler.tick", TimeDelta::milliseconds(500), plan::tick)
        .on("task.run", work::run_task)
        .command("cleanup_history", commands::clean_up)
        .command("system_update", commands::upgrade)
        .cleanup("task runs", commands::clean_up_runs)
}
