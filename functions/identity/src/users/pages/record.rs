//! The record of one user.

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::Flash;
use shared::caller::SuperAdmin;
use shared::context::By;
use shared::error::{Invalid, Result};
use shared::page::Page;
use shared::web::{Form, FormState, Patch, Path};

use super::{optional_id, record_path, shown_again};
use crate::totp::Authenticator;
use crate::users::change::{self, not_found};
use crate::users::model::{Changes, Standing, UserPatch};
use crate::users::store::{self, AuditRow, MembershipRow};

/// The record as the template draws it.
#[derive(Debug, Serialize)]
pub struct UserPage {
    user: UserView,
    form: FormState,
    companies: Vec<Choice>,
    memberships: Vec<MembershipView>,
    sessions: Vec<SessionView>,
    authenticators: Vec<Authenticator>,
    trail: Vec<TrailLine>,
}

#[derive(Debug, Serialize)]
struct UserView {
    id: i64,
    name: String,
    email: String,
    status: Standing,
    is_super_admin: bool,
    is_active: bool,
    has_password: bool,
    has_totp: bool,
    is_me: bool,
    email_verified_at: Option<DateTime<Utc>>,
    last_login_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

#[derive(Debug, Serialize)]
struct Choice {
    value: i64,
    label: String,
}

#[derive(Debug, Serialize)]
struct MembershipView {
    company_id: i64,
    company: String,
    role: String,
    status: String,
    sections: String,
}

#[derive(Debug, Serialize)]
struct SessionView {
    id: i64,
    browser: String,
    ip_address: Option<String>,
    created_at: DateTime<Utc>,
    last_seen_at: DateTime<Utc>,
    is_current: bool,
}

#[derive(Debug, Serialize)]
struct TrailLine {
    id: i64,
    at: DateTime<Utc>,
    action: String,
    entity: String,
    actor: String,
    ip_address: Option<String>,
}

impl Page for UserPage {
    const TEMPLATE: &'static str = "identity/user.html";

    fn samples() -> Vec<Self> {
        let wrong = Invalid::field("email", "Enter an email address such as ana@example.com");
        vec![
            Self::sample(Standing::Active, true, FormState::blank()),
            Self::sample(Standing::Invited, false, FormState::blank()),
            Self::sample(Standing::Disabled, false, FormState::of([("email", "ana@")]).refused(&wrong)),
        ]
    }
}

impl UserPage {
    fn sample(status: Standing, whole: bool, form: FormState) -> Self {
        let at = DateTime::default();
        let membership = MembershipView {
            company_id: 4,
            company: "Northwind Dental".to_owned(),
            role: "Member".to_owned(),
            status: "active".to_owned(),
            sections: "Shop, Orders, Invoices".to_owned(),
        };
        let session = SessionView {
            id: 7,
            browser: "Firefox on Windows".to_owned(),
            ip_address: Some("203.0.113.10".to_owned()),
            created_at: at,
            last_seen_at: at,
            is_current: false,
        };
        let line = TrailLine {
            id: 9,
            at,
            action: "user.updated".to_owned(),
            entity: "ana@example.com".to_owned(),
            actor: "ben@example.com".to_owned(),
            ip_address: Some("203.0.113.10".to_owned()),
        };
        let device = Authenticator { id: 1, name: "Phone".to_owned(), created_at: at, last_used_at: None };
        Self {
            user: UserView {
                id: 42,
                name: "Ana Ruiz".to_owned(),
                email: "ana.ruiz@northwind.example".to_owned(),
                status,
                is_super_admin: whole,
                is_active: status != Standing::Disabled,
                has_password: status != Standing::Invited,
                has_totp: whole,
                is_me: false,
                email_verified_at: whole.then_some(at),
                last_login_at: whole.then_some(at),
                created_at: at,
                updated_at: at,
            },
            form,
            companies: vec![Choice { value: 4, label: "Northwind Dental".to_owned() }],
            memberships: if whole { vec![membership] } else { Vec::new() },
            sessions: if whole { vec![session] } else { Vec::new() },
            authenticators: if whole { vec![device] } else { Vec::new() },
            trail: if whole { vec![line] } else { Vec::new() },
        }
    }
}

/// The record.
pub(in crate::users) async fn show(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let page = read(&by, id, None).await?;
    by.page(&page).await
}

async fn read(by: &By, id: i64, typed: Option<FormState>) -> Result<UserPage> {
    let row = store::find(by.db(), id).await?.ok_or_else(not_found)?;
    let memberships = store::memberships(by.db(), id).await?;
    let sessions = store::sessions(by.db(), id, by.now()).await?;
    let authenticators = crate::totp::list(by.db(), id).await?;
    let trail = store::trail(by.db(), id).await?;
    let mine = by.person().map(|person| (person.id(), person.session.id));
    Ok(UserPage {
        form: typed.unwrap_or_else(|| form(&row)),
        companies: choices(&row, &memberships),
        memberships: memberships.into_iter().map(membership).collect(),
        sessions: sessions.into_iter().map(|session| session_view(session, mine)).collect(),
        authenticators,
        trail: trail.into_iter().map(trail_line).collect(),
        user: view(&row, mine.map(|(me, _)| me)),
    })
}

fn form(row: &store::Row) -> FormState {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    FormState::of([
        ("email", row.email.clone()),
        ("first_name", text(&row.first_name)),
        ("last_name", text(&row.last_name)),
        ("mobile_phone", text(&row.mobile_phone)),
        ("company_id", row.company_id.map(|id| id.to_string()).unwrap_or_default()),
        ("force_password_change", row.force_password_change.to_string()),
    ])
}

fn view(row: &store::Row, me: Option<i64>) -> UserView {
    UserView {
        id: row.id,
        name: row.name(),
        email: row.email.clone(),
        status: row.standing(),
        is_super_admin: row.is_super_admin,
        is_active: row.is_active,
        has_password: row.has_password,
        has_totp: row.totp_enabled,
        is_me: me == Some(row.id),
        email_verified_at: row.email_verified_at,
        last_login_at: row.last_login_at,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

/// A home company matters only where the person is a member, so only those are offered, and what is set.
fn choices(row: &store::Row, memberships: &[MembershipRow]) -> Vec<Choice> {
    let mut choices: Vec<Choice> = memberships
        .iter()
        .filter(|m| m.status != "suspended")
        .map(|m| Choice { value: m.company_id, label: m.company.clone() })
        .collect();
    if let Some(id) = row.company_id.filter(|id| choices.iter().all(|choice| choice.value != *id)) {
        choices.push(Choice { value: id, label: format!("Company {id} (not a member)") });
    }
    choices
}

fn membership(row: MembershipRow) -> MembershipView {
    MembershipView {
        company_id: row.company_id,
        sections: row.sections().join(", "),
        company: row.company,
        role: row.role,
        status: row.status,
    }
}

fn session_view(row: store::SessionRow, mine: Option<(i64, i64)>) -> SessionView {
    SessionView {
        id: row.id,
        browser: crate::sign_in::browser_name(row.user_agent.as_deref().unwrap_or_default()),
        ip_address: row.ip_address,
        created_at: row.created_at,
        last_seen_at: row.last_seen_at,
        is_current: mine.is_some_and(|(_, session)| session == row.id),
    }
}

fn trail_line(row: AuditRow) -> TrailLine {
    let actor = match (row.user_email, row.api_key) {
        (Some(email), _) => email,
        (None, Some(key)) => format!("API key {key}"),
        (None, None) => "System".to_owned(),
    };
    let entity = row.entity_label.or(row.entity_type).unwrap_or_default();
    TrailLine { id: row.id, at: row.created_at, action: row.action, entity, actor, ip_address: row.ip_address }
}

/// The details as typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::users) struct DetailsForm {
    email: String,
    first_name: String,
    last_name: String,
    mobile_phone: String,
    company_id: String,
    email_verified: String,
    force_password_change: String,
}

impl DetailsForm {
    fn changes(&self) -> Result<Changes, Invalid> {
        let patch = UserPatch {
            first_name: Patch::Value(self.first_name.clone()),
            last_name: Patch::Value(self.last_name.clone()),
            mobile_phone: Patch::Value(self.mobile_phone.clone()),
            email: Patch::Value(self.email.clone()),
            // Unticked says nothing: a mark is lost with the address, not with the box.
            email_verified: if self.email_verified == "true" { Patch::Value(true) } else { Patch::Absent },
            company_id: optional_id("company_id", &self.company_id)?.map_or(Patch::Null, Patch::Value),
            force_password_change: Patch::Value(self.force_password_change == "true"),
            ..UserPatch::default()
        };
        patch.parse()
    }
}

/// Saves the details.
pub(in crate::users) async fn save(by: SuperAdmin, Path(id): Path<i64>, form: Form<DetailsForm>) -> Result<Response> {
    let saved = match form.changes() {
        Ok(changes) => change::update(&by, id, &changes).await,
        Err(invalid) => Err(invalid.into()),
    };
    match saved {
        Ok(_) => by.see(record_path(id), Flash::done("User saved")).await,
        Err(error) => {
            let form = shown_again(form.state(), error)?;
            let page = read(&by, id, Some(form)).await?;
            by.page_again(&page).await
        }
    }
}
