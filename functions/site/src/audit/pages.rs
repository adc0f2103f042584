//! The audit trail for people (organisation 9.3).

use axum::response::Response;
use chrono::DateTime;
use serde::Serialize;
use shared::caller::SuperAdmin;
use shared::error::{Error, Result};
use shared::page::Page;
use shared::web::{FormState, Path, Query};

use super::model::{self, FieldChange, Filter, Line, Narrowed, Row};
use super::store;
use crate::keyset::{self, Cursor, Feed, Walk};

/// The trail.
#[derive(Debug, Serialize)]
pub struct Trail {
    feed: Feed<Line>,
    form: FormState,
    actions: Vec<Choice>,
    entity_types: Vec<Choice>,
    /// How many filters are set.
    filters: usize,
}

/// One choice of a select.
#[derive(Debug, Clone, Serialize)]
pub struct Choice {
    value: String,
    label: String,
}

fn choices(all: &'static str, names: Vec<String>, label: impl Fn(&str) -> String) -> Vec<Choice> {
    let first = Choice { value: String::new(), label: all.to_owned() };
    let rest = names.into_iter().map(|name| Choice { label: label(&name), value: name });
    std::iter::once(first).chain(rest).collect()
}

impl Page for Trail {
    const TEMPLATE: &'static str = "site/audit/list.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("audit-list", "site/audit/_list.html")];

    fn samples() -> Vec<Self> {
        let line = Line {
            id: 812,
            created_at: DateTime::from_timestamp(1_794_990_000, 0).unwrap_or_default(),
            actor: "ana@example.com".to_owned(),
            action: "company.updated".to_owned(),
            entity: "company Northwind Dental".to_owned(),
            company: Some("Northwind Dental".to_owned()),
            ip_address: Some("203.0.113.10".to_owned()),
            fields: vec!["is_vip".to_owned(), "phone".to_owned()],
        };
        let actions = choices("All actions", vec!["company.updated".to_owned()], str::to_owned);
        let page = |items, filters: usize| Self {
            feed: Feed { items, newer: None, older: (filters > 0).then(|| "/admin/audit-logs?before=1-2".to_owned()) },
            form: FormState::of([("action", "company.updated"), ("actor", "ana")]),
            actions: actions.clone(),
            entity_types: actions.clone(),
            filters,
        };
        vec![page(vec![line], 2), page(Vec::new(), 1), page(Vec::new(), 0)]
    }
}

/// The filters as the form shows them and as links carry them.
fn typed(filter: &Filter) -> Vec<(&'static str, String)> {
    let number = |id: Option<i64>| id.map(|id| id.to_string());
    let all = [
        ("q", filter.q.clone()),
        ("actor", filter.actor.clone()),
        ("action", filter.action.clone()),
        ("entity_type", filter.entity_type.clone()),
        ("entity_id", number(filter.entity_id)),
        ("user_id", number(filter.user_id)),
        ("company_id", number(filter.company_id)),
        ("api_key_id", number(filter.api_key_id)),
        ("ip", filter.ip.clone()),
        ("from", filter.from.clone()),
        ("to", filter.to.clone()),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// The list. A filter that means nothing is said at its field and left out.
pub async fn list(by: SuperAdmin, filter: Query<Filter>, walk: Query<Walk>) -> Result<Response> {
    let typed = typed(&filter.value);
    let form = FormState::of(typed.iter().map(|(name, value)| (*name, value.as_str())));
    let (narrowed, form) = match filter.value.clone().narrowed() {
        Ok(narrowed) => (narrowed, form),
        Err(invalid) => (Narrowed::default(), form.refused(&invalid)),
    };
    let rows = store::list(&by, &narrowed, None, walk.tail()).await?;
    let kept: Vec<(&str, &str)> = typed.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let url = keyset::address("/admin/audit-logs", &kept);
    let lines: Vec<Line> = rows.into_iter().map(Line::from).collect();
    let page = Trail {
        feed: walk.page(lines, &url, |line| Cursor::at(line.created_at, line.id)),
        actions: choices("All actions", store::actions(&by).await?, str::to_owned),
        entity_types: choices("All things", store::entity_types(&by).await?, |name| name.replace('_', " ")),
        filters: typed.len(),
        form,
    };
    by.page(&page).await
}

/// One line, field by field.
#[derive(Debug, Serialize)]
pub struct TrailLine {
    line: Line,
    entity_type: Option<String>,
    entity_id: Option<i64>,
    user_id: Option<i64>,
    request_id: Option<String>,
    changes: Vec<FieldChange>,
    raw: Option<String>,
}

impl From<Row> for TrailLine {
    fn from(row: Row) -> Self {
        Self {
            changes: model::changes(&row),
            raw: raw(&row),
            entity_type: row.entity_type.clone(),
            entity_id: row.entity_id,
            user_id: row.user_id,
            request_id: row.request_id.clone(),
            line: row.into(),
        }
    }
}

/// Everything that was kept with the line, as it was kept.
fn raw(row: &Row) -> Option<String> {
    let kept = [&row.previous_value, &row.new_value, &row.metadata];
    let names = ["previous_value", "new_value", "metadata"];
    let values = names.iter().zip(kept).filter_map(|(name, text)| {
        let value: serde_json::Value = serde_json::from_str(text.as_ref()?).ok()?;
        Some(((*name).to_owned(), value))
    });
    let map: serde_json::Map<String, serde_json::Value> = values.collect();
    if map.is_empty() { None } else { serde_json::to_string_pretty(&map).ok() }
}

impl Page for TrailLine {
    const TEMPLATE: &'static str = "site/audit/show.html";

    fn samples() -> Vec<Self> {
        let lines = Trail::samples().into_iter().flat_map(|page| page.feed.items);
        let change = |field: &str, before: Option<&str>, after: Option<&str>| FieldChange {
            field: field.to_owned(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        };
        let with = |line: Line, changes| Self {
            line,
            entity_type: Some("company".to_owned()),
            entity_id: Some(4),
            user_id: Some(1),
            request_id: Some("0192f3c1".to_owned()),
            changes,
            raw: Some("{\n  \"new_value\": {\"is_vip\": true}\n}".to_owned()),
        };
        let changes = vec![change("is_vip", Some("No"), Some("Yes")), change("phone", None, Some("+44 20 7946 0000"))];
        lines.flat_map(|line| [with(line.clone(), changes.clone()), with(line, Vec::new())]).collect()
    }
}

/// The page.
pub async fn show(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let row = store::find(&by, id, None).await?.ok_or_else(|| Error::not_found("Audit log not found"))?;
    by.page(&TrailLine::from(row)).await
}
