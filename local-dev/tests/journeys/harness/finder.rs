//! Finds things on a page as people name them.

use serde_json::{Value, json};
use thirtyfour::WebElement;

use super::{Person, wait_for};

const SCRIPT: &str = include_str!("finder.js");

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something to fill in, by its label.
    Field,
    /// Something to press, by its words.
    Button,
    /// Something to follow, by its words.
    Link,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Field => "field",
            Self::Button => "button",
            Self::Link => "link",
        }
    }
}

impl Person {
    /// The visible thing of this name, in the dialog when one is open.
    pub(super) async fn see(&self, kind: Kind, name: &str) -> Option<WebElement> {
        let arguments = vec![json!(kind.word()), json!(name)];
        let found = self.page.execute(SCRIPT, arguments).await.ok()?;
        if found.json() == &Value::Null { None } else { found.element().ok() }
    }

    /// The same, waited for.
    pub(super) async fn find(&self, kind: Kind, name: &str) -> WebElement {
        let found = wait_for(async || self.see(kind, name).await).await;
        match found {
            Some(found) => found,
            None => self.stuck(&format!("there is no {} \"{name}\"", kind.word())).await,
        }
    }
}
