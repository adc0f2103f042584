//! The form for several addresses, what it would do, and what became of each.

use axum::response::Response;
use serde::{Deserialize, Serialize};
use shared::accounts::invitations;
use shared::caller::{Member, User};
use shared::context::By;
use shared::error::{Error, Invalid, Result};
use shared::page::Page;
use shared::web::{Form, FormState, Path, Query};

use super::model::{self, AGAIN, Line, MOST};
use super::store::{self, Batch, Row, Terms};
use crate::companies::model::Company;
use crate::companies::store as companies;
use crate::members::access::Flags;
use crate::members::manager::{Manager, Role};
use crate::members::model::{Choice, Fields, Tick, blank, level_choices, role_choices, ticked, ticks};
use crate::members::pages::managed;
use crate::members::record::INVITED_FOR;
use crate::members::store as members;
use crate::staff::scope::Directory;

/// One address and what becomes of it.
#[derive(Debug, Clone, Serialize)]
pub struct Told {
    typed: String,
    email: Option<String>,
    state: String,
    words: &'static str,
    tone: &'static str,
}

impl Told {
    fn new(typed: &str, email: Option<String>, state: &str) -> Self {
        let (words, tone) = model::words(state);
        Self { typed: typed.to_owned(), email, state: state.to_owned(), words, tone }
    }
}

/// The form.
#[derive(Debug, Serialize)]
pub struct InviteSeveral {
    company: Company,
    roles: Vec<Choice>,
    levels: Vec<Choice>,
    sections: Vec<Tick>,
    is_super_admin: bool,
    most: usize,
    form: FormState,
    /// What the list would do, once it was checked.
    checked: Vec<Told>,
    /// How many of it would be invited.
    ready: usize,
}

impl InviteSeveral {
    fn new(manager: &Manager, company: Company, roles: &[Role], flags: &Flags, form: FormState) -> Self {
        Self {
            company,
            roles: role_choices(roles),
            levels: level_choices(manager),
            sections: ticks(manager, flags),
            is_super_admin: manager.is_super_admin,
            most: MOST,
            form,
            checked: Vec::new(),
            ready: 0,
        }
    }

    fn sample(is_super_admin: bool, form: FormState, checked: Vec<Told>) -> Self {
        let tick = Tick { name: "can_access_shop", label: "Shop", hint: "Looks.", on: true, locked: false };
        Self {
            company: crate::companies::pages::sample(),
            roles: vec![Choice { value: 3, label: "Member".to_owned() }],
            levels: vec![Choice { value: 0, label: "No staff access".to_owned() }],
            sections: vec![tick],
            is_super_admin,
            most: MOST,
            form,
            ready: checked.len(),
            checked,
        }
    }
}

fn sample_rows() -> Vec<Told> {
    let states = ["waiting", "ready", "invited", "unsent", "added", "member", "already", "suspended", "invalid"];
    let more = ["repeated", "no_email", "limit", "failed"];
    states.iter().chain(&more).map(|state| Told::new("Ana Ruiz", Some("ana@example.com".to_owned()), state)).collect()
}

impl Page for InviteSeveral {
    const TEMPLATE: &'static str = "companies/invite_several.html";

    fn samples() -> Vec<Self> {
        let bad = Invalid::field("addresses", "Enter at least one email address");
        vec![
            Self::sample(true, FormState::of([("role", "3")]), Vec::new()),
            Self::sample(true, FormState::of([("addresses", "ana@example.com")]), sample_rows()),
            Self::sample(false, FormState::of([("addresses", "")]).refused(&bad), Vec::new()),
        ]
    }
}

/// What the form is opened with.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// A batch whose left-over addresses are filled in.
    from: String,
}

/// The form.
pub async fn new(by: User, Path(id): Path<i64>, asked: Query<Asked>) -> Result<Response> {
    let (manager, company) = managed(&by, id).await?;
    let roles = members::roles(&by, &manager, &company).await?;
    let mut form = blank(&roles);
    let mut flags = Flags::default();
    if let Ok(from) = asked.from.parse() {
        let batch = store::find(by.db(), from).await?.filter(|batch| batch.company_id == id && !batch.is_staff);
        let batch = batch.ok_or_else(companies::unknown)?;
        flags = batch.flags();
        let rows = store::rows(by.db(), from).await?;
        let again: Vec<&str> =
            rows.iter().filter(|row| AGAIN.contains(&row.state.as_str())).map(|row| row.typed.as_str()).collect();
        form = FormState::of([
            ("addresses", again.join("\n")),
            ("role", batch.role_id.map(|role| role.to_string()).unwrap_or_default()),
            ("staff_permission", batch.staff_permission.to_string()),
        ]);
    }
    by.page(&InviteSeveral::new(&manager, company, &roles, &flags, form)).await
}

/// What is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Several {
    #[serde(alias = "companyId")]
    company_id: String,
    addresses: String,
    role: String,
    staff_permission: String,
    /// `check` looks and does nothing.
    r#do: String,
}

impl Several {
    /// What they are given, and the lines; all faults at once.
    fn parse(
        &self,
        manager: &Manager,
        company_id: i64,
        roles: &[Role],
        flags: Flags,
    ) -> Result<(Terms, Vec<Line>), Invalid> {
        let mut bad = Invalid::none();
        let fields =
            Fields { role: self.role.clone(), staff_permission: self.staff_permission.clone(), ..Fields::default() };
        let granted = fields.grant(manager, roles, flags, &mut bad);
        let lines = model::read(&self.addresses);
        match lines.len() {
            0 => bad.add("addresses", "Enter at least one email address"),
            n if n > MOST => bad.add("addresses", format!("Enter at most {MOST} addresses at once. There are {n}.")),
            _ if lines.iter().all(|line| line.email.is_none()) => {
                bad.add("addresses", "None of this is an email address, such as ana@example.com");
            }
            _ => {}
        }
        bad.finish()?;
        let (role, staff_permission) = granted.ok_or_else(|| Invalid::field("role", "Choose a role"))?;
        Ok((Terms { company_id, is_staff: false, role_id: Some(role.id), flags, staff_permission }, lines))
    }
}

/// Invites them, or only says what that would do.
pub async fn send(by: User, form: Form<Several>) -> Result<Response> {
    let id = form.company_id.trim().parse().map_err(|_| Error::bad_request("Select a company."))?;
    let (manager, company) = managed(&by, id).await?;
    if company.archived_at.is_some() {
        return Err(Error::conflict("This company is archived. Open it again first.").code("archived"));
    }
    let roles = members::roles(&by, &manager, &company).await?;
    let flags = ticked(&form);
    let (terms, lines) = match form.parse(&manager, id, &roles, flags) {
        Ok(parsed) => parsed,
        Err(invalid) => {
            return by.page_again(&InviteSeveral::new(&manager, company, &roles, &flags, form.refused(&invalid))).await;
        }
    };
    if form.r#do == "check" {
        let mut page = InviteSeveral::new(&manager, company, &roles, &flags, form.state());
        page.checked = foresee(&by, id, &lines).await?;
        page.ready = page.checked.iter().filter(|told| told.state == "ready").count();
        return by.page(&page).await;
    }
    let base = by.base_url().ok_or_else(invitations::missing_base)?;
    let batch = store::add(&by, &terms, &base, &lines, manager.is_super_admin).await?;
    Ok(by.go(&format!("/admin/companies/{id}/invite/several/{batch}")))
}

/// What would become of each line: only what the members list of the company shows anyway.
async fn foresee(by: &By, company_id: i64, lines: &[Line]) -> Result<Vec<Told>> {
    let emails: Vec<String> = lines.iter().filter_map(|line| line.email.clone()).collect();
    let known = store::known(by.db(), company_id, &emails).await?;
    let state = |line: &Line| {
        let Some(email) = &line.email else { return line.state };
        match known.iter().find(|(known, ..)| known == email).map(|(_, status, at)| (status.as_str(), at)) {
            Some(("active", _)) => "member",
            Some(("invited", at)) if at.is_some_and(|at| by.now() - at <= INVITED_FOR) => "already",
            None | Some(("invited", _)) => "ready",
            Some(_) => "suspended",
        }
    };
    Ok(lines.iter().map(|line| Told::new(&line.typed, line.email.clone(), state(line))).collect())
}

/// What became of a batch.
#[derive(Debug, Serialize)]
pub struct Invited {
    company: String,
    company_id: i64,
    batch: i64,
    is_staff: bool,
    is_over: bool,
    manages: bool,
    is_super_admin: bool,
    rows: Vec<Told>,
    done: usize,
    again: usize,
    created_at: chrono::DateTime<chrono::Utc>,
}

impl Page for Invited {
    const TEMPLATE: &'static str = "companies/invited.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("invited", "companies/_invited.html")];

    fn samples() -> Vec<Self> {
        let page = |is_over, is_staff, again| Self {
            company: "Northwind Dental".to_owned(),
            company_id: 4,
            batch: 7,
            is_staff,
            is_over,
            manages: !is_staff,
            is_super_admin: is_over,
            rows: sample_rows(),
            done: 2,
            again,
            created_at: chrono::DateTime::from_timestamp(1_794_990_000, 0).unwrap_or_default(),
        };
        vec![page(false, false, 0), page(true, false, 3), page(true, true, 0)]
    }
}

async fn told(by: &By, company: String, batch: Batch, manages: bool, is_super_admin: bool) -> Result<Response> {
    let rows: Vec<Row> = store::rows(by.db(), batch.id).await?;
    let rows: Vec<Told> = rows.into_iter().map(|row| Told::new(&row.typed, row.email, &row.state)).collect();
    let count = |states: &[&str]| rows.iter().filter(|row| states.contains(&row.state.as_str())).count();
    by.page(&Invited {
        company,
        company_id: batch.company_id,
        batch: batch.id,
        is_staff: batch.is_staff,
        is_over: batch.finished_at.is_some(),
        manages,
        is_super_admin,
        done: count(&["invited", "added", "unsent"]),
        again: count(&AGAIN),
        created_at: batch.created_at,
        rows,
    })
    .await
}

/// The results, for who manages the members of the company.
pub async fn show(by: User, Path((id, batch)): Path<(i64, i64)>) -> Result<Response> {
    let (manager, company) = managed(&by, id).await?;
    let batch = store::find(by.db(), batch).await?.filter(|batch| batch.company_id == id);
    told(&by, company.name, batch.ok_or_else(companies::unknown)?, true, manager.is_super_admin).await
}

/// The same for who picked staff members: their own batches, as they need not manage members.
pub async fn show_staff(by: Member<Directory>, Path(batch): Path<i64>) -> Result<Response> {
    let me = by.me();
    let company = by.company();
    let batch = store::find(by.db(), batch).await?.filter(|batch| {
        batch.is_staff
            && batch.company_id == company.id
            && (me.user.is_super_admin || batch.requested_by_id == Some(me.id()))
    });
    told(&by, company.name.clone(), batch.ok_or_else(crate::staff::store::unknown)?, false, me.user.is_super_admin)
        .await
}
