//! Replacing a key.

use axum::response::Response;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use shared::Flash;
use shared::caller::{Fresh, SuperAdmin};
use shared::context::By;
use shared::error::{Error, Invalid, Result};
use shared::page::Page;
use shared::web::{Form, FormState, Path, Query};

use super::{From, key_id, list_path, unknown_to_list};
use crate::api_keys::change::{self, Shown, not_found};
use crate::api_keys::model::RotateBody;
use crate::api_keys::store;

/// The form as the template draws it.
#[derive(Debug, Serialize)]
pub struct RotateKeyPage {
    id: i64,
    label: String,
    preview: String,
    expiry_date: Option<NaiveDate>,
    today: String,
    form: FormState,
    list: String,
    back: String,
}

impl Page for RotateKeyPage {
    const TEMPLATE: &'static str = "identity/api_key_rotate.html";

    fn samples() -> Vec<Self> {
        let wrong = Invalid::field("expiry_date", "Enter an expiry date in YYYY-MM-DD format.");
        let sample = |form: FormState, expiry_date| Self {
            id: 3,
            label: "Backup reports".to_owned(),
            preview: "0a1b2c3d••••".to_owned(),
            expiry_date,
            today: "2026-11-23".to_owned(),
            form,
            list: String::new(),
            back: "/admin/api-keys".to_owned(),
        };
        vec![
            sample(FormState::of([("retire_previous", "true")]), None),
            sample(FormState::of([("expiry_date", "soon")]).refused(&wrong), Some(NaiveDate::default())),
        ]
    }
}

async fn page(by: &By, id: i64, form: FormState, list: &str) -> Result<RotateKeyPage> {
    let row = store::find(by.db(), id).await?.ok_or_else(not_found)?;
    Ok(RotateKeyPage {
        id,
        label: row.label(),
        preview: row.preview(),
        expiry_date: row.expiry_date,
        today: by.now().date_naive().to_string(),
        form,
        back: list_path(list),
        list: list.to_owned(),
    })
}

/// The form.
pub(in crate::api_keys) async fn ask(
    by: Fresh<SuperAdmin>,
    Path(id): Path<i64>,
    from: Query<From>,
) -> Result<Response> {
    let row = store::find(by.db(), id).await?.ok_or_else(not_found)?;
    let description = row.description.unwrap_or_default();
    let form = FormState::of([("description", description.as_str()), ("retire_previous", "true")]);
    let page = page(&by, id, form, &from.list).await?;
    by.page(&page).await
}

/// How a key is replaced, as typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::api_keys) struct RotateForm {
    api_key_id: String,
    description: String,
    expiry_date: String,
    retire_previous: String,
    grace_hours: String,
    list: String,
}

impl RotateForm {
    fn body(&self) -> Result<RotateBody, Invalid> {
        let hours = match self.grace_hours.trim() {
            "" => None,
            text => {
                let hours = text.parse();
                Some(hours.map_err(|_| Invalid::field("grace_hours", "Enter a number of hours from 0 to 168"))?)
            }
        };
        Ok(RotateBody {
            description: Some(self.description.clone()),
            expiry_date: Some(self.expiry_date.clone()),
            retire_previous: Some(self.retire_previous == "true"),
            grace_hours: hours,
        })
    }
}

/// Makes the new key; the list shows it once.
pub(in crate::api_keys) async fn rotate(by: Fresh<SuperAdmin>, form: Form<RotateForm>) -> Result<Response> {
    let id = key_id(&form.api_key_id, &form.list)?;
    let made = match form.body().and_then(|body| body.parse(by.now().date_naive())) {
        Ok(rotation) => change::rotate(&by, id, &rotation, Shown::OnNextPage).await,
        Err(invalid) => Err(invalid.into()),
    };
    match made {
        Ok(_) => by.see(list_path(&form.list), Flash::done("API key rotated")).await,
        Err(Error::Invalid(invalid)) => {
            // A box that was not sent was not ticked.
            let mut state = form.refused(&invalid);
            state.fields.entry("retire_previous".to_owned()).or_default();
            let page = page(&by, id, state, &form.list).await.map_err(|e| unknown_to_list(e, &form.list))?;
            by.page_again(&page).await
        }
        Err(error) if error.status() == http::StatusCode::CONFLICT => Err(error.or_see(list_path(&form.list))),
        Err(error) => Err(unknown_to_list(error, &form.list)),
    }
}
