//! The routes of the area, in process, each test with a portal of its own.

mod api;
mod documentation;
mod members;
mod pages;
mod switch;

use shared::jobs::Jobs;
use shared::testing::TestApp;

/// A portal with the routes of the area and the kernel's work.
async fn portal() -> TestApp {
    TestApp::new(companies::routes(), Jobs::kernel()).await
}
