//! One member of a company: what they may do there, and the steps that end it (organisation 4.6, 7.3).

use axum::response::Response;
use serde::{Deserialize, Serialize};
use shared::accounts::memberships::Status;
use shared::caller::User;
use shared::error::{Error, Result};
use shared::page::Page;
use shared::rate_limit::{self, INVITE};
use shared::web::{Form, Path, Query};
use shared::{Flash, Tone};

use super::access::{Field, Flags, staff_level};
use super::change::{self, Cause, Wish};
use super::manager::Manager;
use super::model::{self, Choice, Tick, level_choices, ticks};
use super::pages::{managed, message};
use super::record::{self, Record, Which};
use super::store;
use crate::companies::frame::Frame;
use crate::companies::model::Company;

/// Sets of sections that are given together.
const PRESETS: [(&str, &str, &[Field]); 3] = [
    ("buyer", "Buyer", &[Field::Shop, Field::Cart, Field::Orders]),
    ("it", "IT contact", &[Field::Assets, Field::Licenses, Field::OfficeGroups, Field::Forms]),
    ("bookkeeper", "Bookkeeper", &[Field::Orders, Field::Invoices]),
];

#[derive(Debug, Serialize)]
struct Preset {
    name: &'static str,
    label: &'static str,
}

/// The page.
#[derive(Debug, Serialize)]
pub struct Member {
    head: Frame,
    member: Record,
    name: String,
    is_expired: bool,
    role_id: i64,
    staff_permission: i64,
    roles: Vec<Choice>,
    levels: Vec<Choice>,
    sections: Vec<Tick>,
    presets: Vec<Preset>,
    colleagues: Vec<Choice>,
    /// What was filled in from, and is not saved yet.
    filled: Option<String>,
    /// Why the viewer may not change anything.
    why_not: Option<&'static str>,
}

impl Page for Member {
    const TEMPLATE: &'static str = "companies/member.html";

    fn samples() -> Vec<Self> {
        let choice = |value, label: &str| Choice { value, label: label.to_owned() };
        let page = |status: &str, why_not, is_expired| Self {
            head: Frame::sample(true, crate::companies::pages::sample(), "Members"),
            member: sample(status),
            name: "Ana Ruiz".to_owned(),
            is_expired,
            role_id: 3,
            staff_permission: 0,
            roles: vec![choice(3, "Member")],
            levels: vec![choice(0, "No staff access")],
            sections: vec![
                Tick { name: "can_access_shop", label: "Shop", hint: "Looks.", on: true, locked: false },
                Tick { name: "is_admin", label: "Company admin", hint: "Manages.", on: false, locked: true },
            ],
            presets: presets(),
            colleagues: vec![choice(9, "Ben")],
            filled: is_expired.then(|| "Buyer".to_owned()),
            why_not,
        };
        vec![
            page("active", None, false),
            page("invited", None, true),
            page("suspended", None, false),
            page("active", Some("You cannot change your own membership"), false),
        ]
    }
}

fn presets() -> Vec<Preset> {
    PRESETS.iter().map(|(name, label, _)| Preset { name, label }).collect()
}

/// A believable member, for samples.
pub(super) fn sample(status: &str) -> Record {
    let at = chrono::DateTime::from_timestamp(1_794_990_000, 0);
    Record {
        id: 31,
        company_id: 4,
        user_id: 7,
        role_id: 3,
        status: status.to_owned(),
        invited_by: None,
        invited_at: at,
        joined_at: at.filter(|_| status != "invited"),
        last_seen_at: None,
        user_email: "ana@example.com".to_owned(),
        first_name: Some("Ana".to_owned()),
        last_name: Some("Ruiz".to_owned()),
        role_name: "Member".to_owned(),
        permissions: record::Keys(vec!["portal.access".to_owned()]),
        staff_permission: 0,
        flags: Flags::default(),
        company_name: "Northwind Dental".to_owned(),
        is_provider: false,
        is_archived: false,
        has_password: true,
    }
}

/// What the form is filled from, before anything is saved.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// Name of a preset, or number of another membership.
    from: String,
}

/// Sections and level to begin with, and where they come from.
async fn filled(by: &User, member: &Record, manager: &Manager, asked: &Asked) -> Result<(Flags, i64, Option<String>)> {
    let (wanted, level, from) = if let Some((_, label, fields)) = PRESETS.iter().find(|p| p.0 == asked.from) {
        let mut flags = Flags { is_admin: member.flags.is_admin, ..Flags::default() };
        fields.iter().for_each(|field| flags.set(*field, true));
        (flags, member.staff_permission, (*label).to_owned())
    } else if let Ok(id) = asked.from.parse() {
        let other = record::find(by.db(), member.company_id, Which::Row(id)).await?.ok_or_else(record::unknown)?;
        (other.flags, other.staff_permission, other.name())
    } else {
        return Ok((member.flags, member.staff_permission, None));
    };
    // What the viewer may not give stays as it is.
    let mut flags = member.flags;
    for field in Field::ALL {
        if !wanted.get(field) || manager.may_flag(field) {
            flags.set(field, wanted.get(field));
        }
    }
    let level = if manager.may_level(level) { level } else { member.staff_permission };
    Ok((flags, level, Some(from)))
}

/// The page.
pub async fn show(by: User, Path((id, member_id)): Path<(i64, i64)>, asked: Query<Asked>) -> Result<Response> {
    let (manager, company) = managed(&by, id).await?;
    let member = record::find(by.db(), id, Which::Row(member_id)).await?.ok_or_else(record::unknown)?;
    let roles = store::roles(&by, &manager, &company).await?;
    let (flags, staff_permission, filled) = filled(&by, &member, &manager, &asked).await?;
    let mut roles = model::role_choices(&roles);
    if !roles.iter().any(|role| role.value == member.role_id) {
        roles.push(Choice { value: member.role_id, label: member.role_name.clone() });
    }
    let mut levels = level_choices(&manager);
    if !levels.iter().any(|level| level.value == member.staff_permission) {
        let kept = super::access::STAFF_LEVELS.iter().filter(|(level, _)| *level == member.staff_permission);
        levels.extend(kept.map(|(value, label)| Choice { value: *value, label: (*label).to_owned() }));
    }
    by.page(&Member {
        colleagues: colleagues(&by, &member).await?,
        name: member.name(),
        is_expired: member.is_expired(by.now()),
        role_id: member.role_id,
        staff_permission,
        roles,
        levels,
        sections: ticks(&manager, &flags),
        presets: presets(),
        filled,
        why_not: manager.why_not(&member),
        head: Frame::new(by.me(), company, "Members"),
        member,
    })
    .await
}

/// Those whose permissions may be copied.
async fn colleagues(by: &User, member: &Record) -> Result<Vec<Choice>> {
    let filter = record::Filter {
        company_id: Some(member.company_id),
        status: Some("active".to_owned()),
        sort: Some("user".to_owned()),
        ..record::Filter::default()
    };
    let rows = record::list(by, &filter, 200, 0).await?.0;
    let others = rows.into_iter().filter(|row| row.id != member.id);
    Ok(others.map(|row| Choice { value: row.id, label: row.name() }).collect())
}

/// What the form sends.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    role: String,
    staff_permission: String,
    /// Where to go afterwards: `matrix`, or the member's page.
    back: String,
}

impl Fields {
    fn wish(&self, flags: Flags) -> Result<Wish> {
        let role = self.role.trim();
        let role_id = if role.is_empty() {
            None
        } else {
            Some(role.parse().map_err(|_| Error::bad_request("Invalid role selection"))?)
        };
        let level = match self.staff_permission.trim() {
            "" => None,
            text => Some(staff_level(text).ok_or_else(|| Error::bad_request("Invalid permission value"))?),
        };
        let flags = Field::ALL.into_iter().map(|field| (field, flags.get(field))).collect();
        Ok(Wish { role_id, status: None, staff_permission: level, flags })
    }
}

fn home(company_id: i64, member_id: i64) -> String {
    format!("/admin/companies/{company_id}/members/{member_id}")
}

/// A refusal is told where the person is, not on a page of its own.
async fn settle(
    by: &User,
    to: &str,
    outcome: Result<(Record, bool)>,
    done: impl FnOnce(&Record) -> String,
) -> Result<Response> {
    match outcome {
        Ok((record, true)) => by.see(to, Flash::done(done(&record))).await,
        Ok((_, false)) => by.see(to, Flash::new(Tone::Info, "Nothing was changed")).await,
        Err(error) => Err(error),
    }
}

/// Saves role, level and sections at once.
pub async fn save(by: User, Path((id, member_id)): Path<(i64, i64)>, form: Form<Fields>) -> Result<Response> {
    let manager = Manager::of(by.me(), id).ok_or_else(crate::companies::store::unknown)?;
    let wish = form.wish(model::ticked(&form))?;
    let cause = Cause { manager: &manager, company_id: id, action: "membership.updated" };
    let outcome = change::change(&by, cause, Which::Row(member_id), &wish).await;
    let to = match form.back.as_str() {
        "matrix" => format!("/admin/companies/matrix?company_id={id}"),
        _ => home(id, member_id),
    };
    settle(&by, &to, outcome, |record| format!("Permissions of {} saved", record.name())).await
}

async fn set_status(by: &User, (id, member_id): (i64, i64), status: Status, action: &'static str) -> Result<Response> {
    let manager = Manager::of(by.me(), id).ok_or_else(crate::companies::store::unknown)?;
    let cause = Cause { manager: &manager, company_id: id, action };
    let wish = Wish { status: Some(status), ..Wish::default() };
    let outcome = change::change(by, cause, Which::Row(member_id), &wish).await;
    settle(by, &home(id, member_id), outcome, |record| match status {
        Status::Active => format!("{} works for {} again", record.name(), record.company_name),
        _ => format!("{} no longer works for {}", record.name(), record.company_name),
    })
    .await
}

/// Takes the access away and keeps what it was.
pub async fn suspend(by: User, Path(ids): Path<(i64, i64)>) -> Result<Response> {
    set_status(&by, ids, Status::Suspended, "membership.suspended").await
}

/// Gives it back.
pub async fn restore(by: User, Path(ids): Path<(i64, i64)>) -> Result<Response> {
    set_status(&by, ids, Status::Active, "membership.reactivated").await
}

/// Sends the invitation once more.
pub async fn resend(by: User, Path((id, member_id)): Path<(i64, i64)>) -> Result<Response> {
    let (manager, company) = managed(&by, id).await?;
    let member = record::find(by.db(), id, Which::Row(member_id)).await?.ok_or_else(record::unknown)?;
    rate_limit::hit(by.app(), &INVITE, &format!("u{}", by.me().id())).await?;
    let sent = store::resend(&by, &manager, &member).await?;
    if sent.link.is_some() {
        return Ok(by.go(&format!("/admin/companies/{id}/invite/link")));
    }
    by.see(format!("/admin/companies/{id}"), message(&sent, &member.user_email, &company)).await
}

/// The question before a member goes.
#[derive(Debug, Serialize)]
pub struct Removal {
    company: Company,
    member: Record,
    name: String,
}

impl Page for Removal {
    const TEMPLATE: &'static str = "companies/member_remove.html";

    fn samples() -> Vec<Self> {
        let page = |status: &str| Self {
            company: crate::companies::pages::sample(),
            member: sample(status),
            name: "Ana Ruiz".to_owned(),
        };
        vec![page("active"), page("invited")]
    }
}

/// The question.
pub async fn confirm_remove(by: User, Path((id, member_id)): Path<(i64, i64)>) -> Result<Response> {
    let (manager, company) = managed(&by, id).await?;
    let member = record::find(by.db(), id, Which::Row(member_id)).await?.ok_or_else(record::unknown)?;
    manager.may_touch(&member)?;
    by.page(&Removal { company, name: member.name(), member }).await
}

/// Removes the member, or withdraws the invitation.
pub async fn remove(by: User, Path((id, member_id)): Path<(i64, i64)>) -> Result<Response> {
    let manager = Manager::of(by.me(), id).ok_or_else(crate::companies::store::unknown)?;
    let cause = Cause { manager: &manager, company_id: id, action: "membership.deleted" };
    let gone = change::remove(&by, cause, Which::Row(member_id)).await?;
    let text = if gone.status == "invited" {
        format!("Invitation to {} withdrawn", gone.user_email)
    } else {
        format!("{} was removed from {}", gone.name(), gone.company_name)
    };
    by.see(format!("/admin/companies/{id}"), Flash::done(text)).await
}
