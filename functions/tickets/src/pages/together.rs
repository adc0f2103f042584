//! Working together on a ticket: who has it open, and drafts that wait on the server.

use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::caller::{Technician, User};
use shared::error::{Error, Result};
use shared::page::Page;
use shared::web::{Form, Path};

use crate::scope::{Doer, Scope};
use crate::store::{self, Present};

/// Who else has a ticket open.
#[derive(Debug, Serialize)]
pub struct Presence {
    id: i64,
    sentence: String,
}

/// The form as it is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Sign {
    writing: String,
}

/// Says who else is here, and notes that the caller is.
pub async fn presence(by: Technician, Path(id): Path<i64>, form: Form<Sign>) -> Result<Response> {
    store::find(Scope::of(&by), by.db(), id).await?;
    let me = by.me().id();
    let mut tx = by.begin().await?;
    tx.housekeeping();
    store::be_present(&mut tx, id, me, !form.writing.is_empty()).await?;
    tx.commit().await?;
    let others = store::present(by.db(), id, me, by.now()).await?;
    by.page(&Presence { id, sentence: sentence(&others) }).await
}

/// "Ben is viewing · Grace is writing".
fn sentence(others: &[Present]) -> String {
    let one = |present: &Present| {
        format!("{} is {}", present.name, if present.is_writing { "writing a reply" } else { "viewing" })
    };
    others.iter().map(one).collect::<Vec<_>>().join(" · ")
}

impl Page for Presence {
    const TEMPLATE: &'static str = "tickets/presence.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("ticket-presence", "tickets/_presence.html")];

    fn samples() -> Vec<Self> {
        let people = [
            Present { name: "Ben Carter".to_owned(), is_writing: false },
            Present { name: "Grace Lin".to_owned(), is_writing: true },
        ];
        vec![Self { id: 10432, sentence: sentence(&people) }, Self { id: 10432, sentence: String::new() }]
    }
}

/// What is typed so far.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    body: String,
    is_internal: String,
}

/// Characters of a draft, as of a reply.
const LONGEST: usize = 50_000;

/// Keeps a draft; a blank one is forgotten.
pub async fn draft(by: User, Path(id): Path<i64>, form: Form<Typed>) -> Result<StatusCode> {
    if form.body.chars().count() > LONGEST {
        return Err(Error::field("body", "Use at most 50,000 characters"));
    }
    store::find(Scope::of(&by), by.db(), id).await?;
    let mut tx = by.begin().await?;
    tx.housekeeping();
    if form.body.trim().is_empty() {
        store::forget_draft(&mut tx, id, by.me().id()).await?;
    } else {
        let is_internal = form.is_internal == "true" && Doer::of(&by).is_desk;
        store::keep_draft(&mut tx, id, by.me().id(), &form.body, is_internal).await?;
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
