//! One key with its addresses, and its end.

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::Flash;
use shared::caller::{Fresh, SuperAdmin};
use shared::error::Result;
use shared::page::Page;
use shared::web::{Form, Path, Query};

use super::{From, Standing, key_id, list_path, scopes_in_words, unknown_to_list};
use crate::api_keys::change::{self, not_found};
use crate::api_keys::model::{KeyRecord, READ_ALL};
use crate::api_keys::store;

/// The record as the template draws it.
#[derive(Debug, Serialize)]
pub struct KeyPage {
    key: KeyRecord,
    label: String,
    standing: Standing,
    scopes: String,
    company: Option<String>,
    creator: Option<String>,
    list: String,
    back: String,
}

impl Page for KeyPage {
    const TEMPLATE: &'static str = "identity/api_key.html";

    fn samples() -> Vec<Self> {
        let sample = |standing, used: bool| Self {
            key: sample_key(used),
            label: "Backup reports".to_owned(),
            standing,
            scopes: "Everything: read".to_owned(),
            company: used.then(|| "Northwind Dental".to_owned()),
            creator: used.then(|| "ana@example.com".to_owned()),
            list: String::new(),
            back: "/admin/api-keys".to_owned(),
        };
        vec![sample(Standing::Active, true), sample(Standing::Revoked, false)]
    }
}

fn sample_key(used: bool) -> KeyRecord {
    let at: DateTime<Utc> = DateTime::default();
    KeyRecord {
        id: 3,
        description: Some("Backup reports".to_owned()),
        expiry_date: used.then(|| at.date_naive()),
        created_at: at,
        last_used_at: used.then_some(at),
        last_seen_at: used.then_some(at),
        usage_count: i64::from(used),
        key_preview: "0a1b2c3d••••".to_owned(),
        usage: if used { vec![usage(at)] } else { Vec::new() },
        usage_addresses: i64::from(used),
        scopes: vec![READ_ALL.to_owned()],
        company_id: None,
        allowed_ips: used.then(|| vec!["203.0.113.0/24".to_owned()]),
        created_by: Some(1),
        is_expired: false,
        revoked_at: (!used).then_some(at),
    }
}

fn usage(at: DateTime<Utc>) -> crate::api_keys::model::Usage {
    crate::api_keys::model::Usage { ip_address: "203.0.113.10".to_owned(), usage_count: 1, last_used_at: at }
}

/// The record.
pub(in crate::api_keys) async fn show(by: SuperAdmin, Path(id): Path<i64>, from: Query<From>) -> Result<Response> {
    let row = store::find(by.db(), id).await?.ok_or_else(not_found)?;
    let mut usage = store::usage(by.db(), &[id], 1_000).await?;
    let (label, standing) = (row.label(), Standing::of(&row, by.now()));
    let (company, creator) = (row.company_name.clone(), row.creator_email.clone());
    let key = row.record(usage.remove(&id).unwrap_or_default(), by.now());
    let page = KeyPage {
        label,
        standing,
        scopes: scopes_in_words(&key.scopes),
        company,
        creator,
        key,
        back: list_path(&from.list),
        list: from.list.clone(),
    };
    by.page(&page).await
}

/// Whether a key is to be revoked.
#[derive(Debug, Serialize)]
pub struct RevokeKeyPage {
    id: i64,
    label: String,
    preview: String,
    usage_count: i64,
    last_seen_at: Option<DateTime<Utc>>,
    list: String,
    back: String,
}

impl Page for RevokeKeyPage {
    const TEMPLATE: &'static str = "identity/api_key_delete.html";

    fn samples() -> Vec<Self> {
        let sample = |last_seen_at: Option<DateTime<Utc>>| Self {
            id: 3,
            label: "Backup reports".to_owned(),
            preview: "0a1b2c3d••••".to_owned(),
            usage_count: last_seen_at.map_or(0, |_| 12_345),
            last_seen_at,
            list: "q=backup".to_owned(),
            back: "/admin/api-keys?q=backup".to_owned(),
        };
        vec![sample(Some(DateTime::default())), sample(None)]
    }
}

/// The question.
pub(in crate::api_keys) async fn ask_delete(
    by: Fresh<SuperAdmin>,
    Path(id): Path<i64>,
    from: Query<From>,
) -> Result<Response> {
    let row = store::find(by.db(), id).await?.ok_or_else(not_found)?;
    let (label, preview) = (row.label(), row.preview());
    let key = row.record(Vec::new(), by.now());
    let page = RevokeKeyPage {
        id,
        label,
        preview,
        usage_count: key.usage_count,
        last_seen_at: key.last_seen_at,
        back: list_path(&from.list),
        list: from.list.clone(),
    };
    by.page(&page).await
}

/// The key and the list from which somebody came.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::api_keys) struct DeleteForm {
    api_key_id: String,
    list: String,
}

/// Revokes a key.
pub(in crate::api_keys) async fn delete(by: Fresh<SuperAdmin>, form: Form<DeleteForm>) -> Result<Response> {
    let id = key_id(&form.api_key_id, &form.list)?;
    let label = change::delete(&by, id).await.map_err(|error| unknown_to_list(error, &form.list))?;
    by.see(list_path(&form.list), Flash::done(format!("{label} revoked"))).await
}
