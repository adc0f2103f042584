//! The properties of a ticket as one form (tickets 5).

use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use shared::caller::Technician;
use shared::error::{Error, Invalid, Result};
use shared::web::{Form, FormState, Patch, Path, Query};
use shared::{Flash, Tone};

use super::conflict::Conflict;
use super::filter::{ListQuery, suffix};
use super::new::{filled, id as id_of};
use super::show::TicketShow;
use super::status::back;
use crate::actions::{self, Outcome};
use crate::model::{self, Change, Priority, Status};
use crate::store::Ticket;

/// The form as it is sent. Absent fields are never changes; blank ones clear.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    subject: Option<String>,
    status: Option<String>,
    priority: Option<String>,
    #[serde(alias = "assignedUserId")]
    assigned_user_id: Option<String>,
    #[serde(alias = "requesterId")]
    requester_id: Option<String>,
    #[serde(alias = "companyId")]
    company_id: Option<String>,
    category: Option<String>,
    #[serde(alias = "externalReference")]
    external_reference: Option<String>,
    #[serde(alias = "moduleSlug")]
    module_slug: Option<String>,
    version: String,
    #[serde(alias = "returnUrl")]
    return_url: String,
}

fn id(bad: &mut Invalid, field: &str, text: Option<&str>) -> Patch<i64> {
    let Some(text) = text else { return Patch::Absent };
    id_of(bad, field, text).map_or(Patch::Null, Patch::Value)
}

/// Reads a text that is blank when it was cleared.
fn short(
    bad: &mut Invalid,
    field: &str,
    text: Option<&str>,
    parse: impl Fn(Option<&str>) -> Result<Option<String>, &'static str>,
) -> Patch<String> {
    if text.is_none() {
        return Patch::Absent;
    }
    bad.check(field, parse(text)).flatten().map_or(Patch::Null, Patch::Value)
}

impl Fields {
    fn change(&self) -> Result<Change, Invalid> {
        let mut bad = Invalid::none();
        let company_id = id(&mut bad, "company_id", self.company_id.as_deref());
        let requester_id = id(&mut bad, "requester_id", self.requester_id.as_deref());
        // Without a company there is no list to choose from: what is blank then was not chosen.
        let is_chosen = matches!(requester_id, Patch::Value(_)) || matches!(company_id, Patch::Value(_));
        let version = filled(self.version.clone());
        let change = Change {
            subject: self.subject.as_deref().and_then(|text| bad.check("subject", model::subject(text))),
            description: Patch::Absent,
            status: self.status.as_deref().and_then(|text| bad.check("status", Status::parse(text))),
            priority: self.priority.as_deref().and_then(|text| bad.check("priority", Priority::parse(text))),
            category: short(&mut bad, "category", self.category.as_deref(), model::category),
            module_slug: short(&mut bad, "module_slug", self.module_slug.as_deref(), model::module),
            company_id,
            requester_id: if is_chosen { requester_id } else { Patch::Absent },
            assigned_user_id: id(&mut bad, "assigned_user_id", self.assigned_user_id.as_deref()),
            external_reference: short(
                &mut bad,
                "external_reference",
                self.external_reference.as_deref(),
                model::reference,
            ),
            tags: None,
            version: version.and_then(|v| bad.check("version", v.parse().map_err(|_| "Reload the page"))),
        };
        bad.finish()?;
        Ok(change)
    }
}

/// Saves the properties, or shows the form again with what is wrong.
pub async fn save(
    by: Technician,
    Path(id): Path<i64>,
    query: Query<ListQuery>,
    form: Form<Fields>,
) -> Result<Response> {
    let typed = form.state();
    let change = match form.value.change() {
        Ok(change) => change,
        Err(invalid) => return again(&by, id, &query, typed.refused(&invalid)).await,
    };
    match actions::update(&by, id, change).await {
        Ok(Outcome::Saved(_)) => {
            let to = match (query.back.as_deref(), form.return_url.as_str()) {
                (None, "") => format!("/tickets/{id}{}", suffix(&query)),
                (Some(list), "") => back(list, id),
                (_, wish) => back(wish, id),
            };
            by.see(to, Flash::done("Details saved")).await
        }
        Ok(Outcome::Conflict(current)) => ask(&by, &query, typed, &current).await,
        Err(Error::Invalid(invalid)) => again(&by, id, &query, typed.refused(&invalid)).await,
        Err(error) if error.status() == StatusCode::BAD_REQUEST => {
            again(&by, id, &query, typed.complain(error.detail())).await
        }
        Err(error) if error.status() == StatusCode::CONFLICT => {
            by.see(format!("/tickets/{id}{}", suffix(&query)), Flash::new(Tone::Error, error.detail())).await
        }
        Err(error) => Err(error),
    }
}

async fn again(by: &Technician, id: i64, query: &Query<ListQuery>, typed: FormState) -> Result<Response> {
    let mut page = TicketShow::load(by, id, query).await?;
    page.has_errors = !typed.errors.is_empty();
    page.take(typed);
    by.page_with(StatusCode::UNPROCESSABLE_ENTITY, &page).await
}

/// Somebody else was quicker: shows what both want, field by field.
async fn ask(by: &Technician, query: &Query<ListQuery>, typed: FormState, current: &Ticket) -> Result<Response> {
    let mut page = TicketShow::load(by, current.id, query).await?;
    let who = page.last_changed_by();
    if let Some(panel) = &page.panel {
        page.conflict = Some(Conflict::of(&typed, current, panel, who));
    }
    page.take(typed);
    by.page_with(StatusCode::CONFLICT, &page).await
}
