//! `/admin/roles`: the roles, the check list of one, who has it (organisation 8).

use axum::response::Response;
use serde::{Deserialize, Serialize};
use shared::Flash;
use shared::caller::SuperAdmin;
use shared::context::By;
use shared::error::{Error, Invalid, Result};
use shared::page::Page;
use shared::web::{Form, FormState, PageOf, Paging, Path, Query};

use super::model::{Fields, Permission, Role, catalogue};
use super::store::{self, Done};
use crate::members::record::{self, Keys};

/// All roles.
#[derive(Debug, Serialize)]
pub struct RoleList {
    roles: Vec<Role>,
    catalogue: Vec<Permission>,
    q: String,
}

/// A believable role, for samples.
fn sample(is_system: bool) -> Role {
    let at = chrono::DateTime::from_timestamp(1_794_990_000, 0).unwrap_or_default();
    Role {
        id: if is_system { 1 } else { 7 },
        name: if is_system { "Owner" } else { "Bookkeeper" }.to_owned(),
        description: (!is_system).then(|| "Invoices and orders.".to_owned()),
        permissions: Keys(vec!["portal.access".to_owned(), "billing.manage".to_owned(), "gone.key".to_owned()]),
        is_system,
        member_count: if is_system { 12 } else { 0 },
        created_at: at,
        updated_at: at,
    }
}

impl Page for RoleList {
    const TEMPLATE: &'static str = "companies/roles.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("roles-list", "companies/_roles.html")];

    fn samples() -> Vec<Self> {
        let page = |roles, q: &str| Self { roles, catalogue: catalogue(), q: q.to_owned() };
        vec![page(vec![sample(true), sample(false)], ""), page(Vec::new(), "xyz")]
    }
}

/// What narrows the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    /// A role to begin a new one with.
    copy: Option<i64>,
}

/// The list.
pub async fn list(by: SuperAdmin, asked: Query<Asked>) -> Result<Response> {
    let roles = store::list(&by, &asked.q).await?;
    by.page(&RoleList { roles, catalogue: catalogue(), q: asked.q.clone() }).await
}

/// A key as a check box.
#[derive(Debug, Serialize)]
struct Tick {
    #[serde(flatten)]
    permission: Permission,
    on: bool,
}

fn ticks(keys: &[String]) -> Vec<Tick> {
    catalogue().into_iter().map(|p| Tick { on: keys.iter().any(|key| key == p.key), permission: p }).collect()
}

fn state(fields: &Fields) -> FormState {
    FormState::of([("name", fields.name.as_str()), ("description", &fields.description)])
}

/// The form of a new role.
#[derive(Debug, Serialize)]
pub struct NewRole {
    form: FormState,
    permissions: Vec<Tick>,
    copied: Option<String>,
}

impl Page for NewRole {
    const TEMPLATE: &'static str = "companies/roles_new.html";

    fn samples() -> Vec<Self> {
        let bad = Invalid::field("name", "Enter a name of 2 to 100 characters");
        vec![
            Self { form: FormState::blank(), permissions: ticks(&[]), copied: None },
            Self {
                form: FormState::blank().refused(&bad),
                permissions: ticks(&sample(false).permissions.0),
                copied: Some("Owner".to_owned()),
            },
        ]
    }
}

/// The form, filled from another role where one is named.
pub async fn new(by: SuperAdmin, asked: Query<Asked>) -> Result<Response> {
    let copied = match asked.copy {
        Some(id) => Some(store::find(by.db(), id).await?),
        None => None,
    };
    let mut fields = copied
        .as_ref()
        .map_or_else(|| Fields { permissions: vec!["portal.access".to_owned()], ..Fields::default() }, Fields::of);
    if let Some(role) = &copied {
        fields.name = format!("Copy of {}", role.name).chars().take(100).collect();
    }
    let page =
        NewRole { form: state(&fields), permissions: ticks(&fields.permissions), copied: copied.map(|role| role.name) };
    by.page(&page).await
}

/// The fields with the keys that were ticked.
fn typed(form: &Form<Fields>) -> Fields {
    Fields { permissions: form.all("permissions"), ..form.value.clone() }
}

/// Faults of fields, and a name that is taken, lead back to the form.
fn shown<T>(outcome: Result<T>, form: &Form<Fields>) -> Result<Result<T, FormState>> {
    let invalid = match outcome {
        Ok(done) => return Ok(Ok(done)),
        Err(Error::Invalid(invalid)) => invalid,
        Err(error) => match &*error.detail() {
            "Role name already exists" => Invalid::field("name", "Another role has this name. Choose another."),
            text @ "System roles cannot be renamed" => Invalid::field("name", text),
            _ => return Err(error),
        },
    };
    Ok(Err(form.refused(&invalid)))
}

/// Adds a role.
pub async fn create(by: SuperAdmin, form: Form<Fields>) -> Result<Response> {
    let fields = typed(&form);
    let created = match fields.parse() {
        Ok(new) => store::create(&by, &new).await,
        Err(invalid) => Err(invalid.into()),
    };
    match shown(created, &form)? {
        Ok(role) => by.see(format!("/admin/roles/{}", role.id), Flash::done(format!("{} created", role.name))).await,
        Err(form) => by.page_again(&NewRole { form, permissions: ticks(&fields.permissions), copied: None }).await,
    }
}

/// Somebody who has the role.
#[derive(Debug, Serialize)]
pub struct Holder {
    user_id: i64,
    name: String,
    email: String,
    company_id: i64,
    company: String,
    status: String,
}

/// One role with its check list and who has it.
#[derive(Debug, Serialize)]
pub struct RoleShow {
    role: Role,
    form: FormState,
    permissions: Vec<Tick>,
    holders: PageOf<Holder>,
    page_url: String,
}

impl Page for RoleShow {
    const TEMPLATE: &'static str = "companies/role.html";

    fn samples() -> Vec<Self> {
        let holder = |status: &str| Holder {
            user_id: 3,
            name: "Ana Ruiz".to_owned(),
            email: "ana@example.com".to_owned(),
            company_id: 4,
            company: "Northwind Dental".to_owned(),
            status: status.to_owned(),
        };
        let page = |role: Role, holders: Vec<Holder>| Self {
            form: state(&Fields::of(&role)),
            permissions: ticks(&role.permissions.0),
            page_url: format!("/admin/roles/{}?page=", role.id),
            holders: PageOf::new(holders, Paging::default(), role.member_count),
            role,
        };
        vec![page(sample(true), vec![holder("active"), holder("suspended")]), page(sample(false), Vec::new())]
    }
}

async fn holders(by: &By, id: i64, paging: Paging) -> Result<PageOf<Holder>> {
    let filter = record::Filter { role_id: Some(id), sort: Some("company".to_owned()), ..record::Filter::default() };
    let (rows, counted) = record::list(by, &filter, paging.size(), paging.offset()).await?;
    let holder = |row: record::Record| Holder {
        user_id: row.user_id,
        name: row.name(),
        email: row.user_email,
        company_id: row.company_id,
        company: row.company_name,
        status: row.status,
    };
    Ok(PageOf::new(rows, paging, counted).map(holder))
}

/// The page.
pub async fn show(by: SuperAdmin, Path(id): Path<i64>, paging: Query<Paging>) -> Result<Response> {
    let role = store::find(by.db(), id).await?;
    let page = RoleShow {
        form: state(&Fields::of(&role)),
        permissions: ticks(&role.permissions.0),
        holders: holders(&by, id, paging.value).await?,
        page_url: format!("/admin/roles/{id}?page="),
        role,
    };
    by.page(&page).await
}

/// Saves the role and says whom it reached.
pub async fn update(by: SuperAdmin, Path(id): Path<i64>, form: Form<Fields>) -> Result<Response> {
    let fields = typed(&form);
    let saved = match fields.parse() {
        Ok(_) => store::update(&by, id, |_| fields.clone(), |_, _| Ok(())).await,
        Err(invalid) => Err(invalid.into()),
    };
    match shown(saved, &form)? {
        Ok(done) => by.see(format!("/admin/roles/{id}"), Flash::done(words(&done))).await,
        Err(form) => {
            let page = RoleShow {
                role: store::find(by.db(), id).await?,
                form,
                permissions: ticks(&fields.permissions),
                holders: holders(&by, id, Paging::default()).await?,
                page_url: format!("/admin/roles/{id}?page="),
            };
            by.page_again(&page).await
        }
    }
}

fn words(done: &Done) -> String {
    let people = match done.role.member_count {
        1 => "1 person".to_owned(),
        count => format!("{count} people"),
    };
    match (done.added.len(), done.removed.len()) {
        (0, 0) => "Role saved. Its permissions are the same.".to_owned(),
        (added, removed) => format!("Role saved. {added} added, {removed} removed, {people} affected"),
    }
}

/// The question before a role goes.
#[derive(Debug, Serialize)]
pub struct RoleDelete {
    role: Role,
}

impl Page for RoleDelete {
    const TEMPLATE: &'static str = "companies/role_delete.html";

    fn samples() -> Vec<Self> {
        vec![Self { role: sample(false) }, Self { role: sample(true) }]
    }
}

/// The question.
pub async fn confirm_delete(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let role = store::find(by.db(), id).await?;
    if role.is_system {
        return Err(Error::bad_request("Cannot delete system role"));
    }
    by.page(&RoleDelete { role }).await
}

/// Deletes the role.
pub async fn delete(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let role = store::delete(&by, id).await?;
    by.see("/admin/roles", Flash::done(format!("{} deleted", role.name))).await
}
