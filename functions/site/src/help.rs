//! `/help`: whom to turn to, and the keys that work.

use axum::response::Response;
use serde::Serialize;
use shared::caller::Anyone;
use shared::error::Result;
use shared::page::Page;
use shared::routes::Routes;

/// Adds the routes.
pub fn add(routes: Routes) -> Routes {
    routes.page("/help", help).page("/help/shortcuts", shortcuts)
}

/// Help and contact.
#[derive(Debug, Serialize)]
pub struct Help {}

impl Page for Help {
    const TEMPLATE: &'static str = "site/help.html";

    fn samples() -> Vec<Self> {
        vec![Self {}]
    }
}

/// The page.
pub async fn help(by: Anyone) -> Result<Response> {
    by.page(&Help {}).await
}

/// Keys and what they do.
#[derive(Debug, Serialize)]
pub struct Shortcuts {
    groups: Vec<Group>,
}

/// Keys of one kind of page.
#[derive(Debug, Serialize)]
pub struct Group {
    title: &'static str,
    keys: &'static [(&'static str, &'static str)],
}

/// Each presses a control that is on the page, so a key whose control is missing does nothing.
const GROUPS: [(&str, &[(&str, &str)]); 3] = [
    (
        "Anywhere",
        &[
            ("Ctrl K", "Search or jump to"),
            ("/", "Search field of the page"),
            ("c", "New ticket"),
            ("g h", "Dashboard"),
            ("g t", "Tickets"),
            ("?", "Shortcuts"),
            ("Esc", "Close what is open"),
            ("F8", "Messages, and back"),
        ],
    ),
    (
        "Lists",
        &[
            ("j / k", "Next and previous row"),
            ("Enter", "Open the row"),
            ("x", "Select the row"),
            ("Home / End", "First and last row"),
        ],
    ),
    ("Ticket", &[("r", "Reply"), ("n", "Internal note"), ("i", "Assign to me"), ("Ctrl Enter", "Send")]),
];

fn groups() -> Vec<Group> {
    GROUPS.iter().map(|(title, keys)| Group { title, keys }).collect()
}

impl Page for Shortcuts {
    const TEMPLATE: &'static str = "site/shortcuts.html";

    fn samples() -> Vec<Self> {
        vec![Self { groups: groups() }]
    }
}

/// The page.
pub async fn shortcuts(by: Anyone) -> Result<Response> {
    by.page(&Shortcuts { groups: groups() }).await
}
