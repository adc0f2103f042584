//! Where an automation may come from besides the empty builder: a ready-made one, or a file of another portal.

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::Flash;
use shared::caller::SuperAdmin;
use shared::config::Config;
use shared::error::{Error, Invalid, Result};
use shared::page::Page;
use shared::web::{Form, FormState, Path};

use super::{in_words, sample_time};
use crate::automations::gallery::{self, READY};
use crate::automations::model::{AutomationCreate, Draft};
use crate::automations::{modules, store};
use crate::scheduler::model::default_zone;

/// The longest file, in bytes: ten actions of the largest size.
const LONGEST: usize = 512 * 1024;

/// A ready-made automation as the page shows it.
#[derive(Debug, Serialize)]
pub struct Offer {
    slug: &'static str,
    name: &'static str,
    description: &'static str,
    words: String,
    module: String,
}

/// The page.
#[derive(Debug, Serialize)]
pub struct Gallery {
    offers: Vec<Offer>,
    form: FormState,
}

impl Gallery {
    fn new(zone: &str, now: DateTime<Utc>, form: FormState) -> Self {
        let offer = |ready: &gallery::Ready| {
            let draft = ready.draft(zone);
            let slug = draft.actions.first().map(|action| action.module.as_str()).unwrap_or_default();
            Offer {
                slug: ready.slug,
                name: ready.name,
                description: ready.description,
                words: in_words(&draft, now),
                module: modules::find(slug).map(|module| module.label.to_owned()).unwrap_or_default(),
            }
        };
        Self { offers: READY.iter().map(offer).collect(), form }
    }
}

impl Page for Gallery {
    const TEMPLATE: &'static str = "automations/gallery.html";

    fn samples() -> Vec<Self> {
        let bad = Invalid::field("file", "This is not JSON: look at line 2");
        let page = |form| Self::new("UTC", sample_time(), form);
        vec![page(FormState::blank()), page(FormState::blank().refused(&bad))]
    }
}

/// The page.
pub async fn show(by: SuperAdmin) -> Result<Response> {
    by.page(&Gallery::new(&default_zone(by.app().config()), by.now(), FormState::blank())).await
}

/// Makes an automation of a ready-made one; it is off, and the builder opens with it.
pub async fn take(by: SuperAdmin, Path(slug): Path<String>) -> Result<Response> {
    let ready = gallery::find(&slug).ok_or_else(|| Error::not_found("Automation not found"))?;
    let row = store::create(&by, ready.draft(&default_zone(by.app().config()))).await?;
    let text = "Automation added. It is off: look at it, then switch it on.";
    by.see(format!("/admin/automations/{}", row.id), Flash::done(text)).await
}

/// A pasted file.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Pasted {
    file: String,
}

/// Makes an automation of a file of this or another portal; it is off.
pub async fn import(by: SuperAdmin, form: Form<Pasted>) -> Result<Response> {
    let read = read(&form.file, by.app().config());
    let made = match read {
        Ok(draft) => store::create(&by, draft).await,
        Err(invalid) => Err(invalid.into()),
    };
    match made {
        Ok(row) => {
            let text = "Automation imported. It is off: look at it, then switch it on.";
            by.see(format!("/admin/automations/{}", row.id), Flash::done(text)).await
        }
        Err(Error::Invalid(invalid)) => {
            let form = form.refused(&in_one_field(&invalid));
            by.page_again(&Gallery::new(&default_zone(by.app().config()), by.now(), form)).await
        }
        Err(error) => Err(error),
    }
}

fn read(text: &str, config: &Config) -> Result<Draft, Invalid> {
    if text.trim().is_empty() {
        return Err(Invalid::field("file", "Paste what was exported"));
    }
    if text.len() > LONGEST {
        return Err(Invalid::field("file", "Use at most 512 KB"));
    }
    let body: AutomationCreate = serde_json::from_str(text).map_err(|error| {
        let text = if error.is_data() {
            "This is not an exported automation".to_owned()
        } else {
            format!("This is not JSON: look at line {}", error.line())
        };
        Invalid::field("file", text)
    })?;
    let draft = body.draft(config)?;
    Ok(Draft { status: "inactive".to_owned(), ..draft })
}

/// All that is wrong stands at the one field there is.
fn in_one_field(invalid: &Invalid) -> Invalid {
    let mut all = Invalid::none();
    for (field, text) in invalid.iter() {
        all.add("file", if field == "file" { text.to_owned() } else { format!("{field}: {text}") });
    }
    all
}
