//! One person: what is known of them, and the steps that begin there (organisation 10.1, 10.2).

use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use shared::accounts::invitations;
use shared::caller::{Member, SuperAdmin};
use shared::error::{Error, Invalid, Result};
use shared::page::Page;
use shared::rate_limit::{self, INVITE};
use shared::web::{Form, FormState, Input, Json, Path};
use shared::{Flash, Tone};

use super::field::{Field, Wish};
use super::list::May;
use super::model::{OFFBOARD_APPROVED, OFFBOARD_REQUESTED, Staff, Values};
use super::scope::{Directory, Viewer};
use super::{change, invite, store, verify};

/// The page.
#[derive(Debug, Serialize)]
pub struct StaffShow {
    staff: Staff,
    name: String,
    may: May,
    is_leaving: bool,
    /// A manager has asked for the end, and a super administrator decides.
    is_requested: bool,
    code_expires_at: Option<chrono::DateTime<chrono::Utc>>,
    /// Seconds that the code is still valid.
    code_left: i64,
    /// The form for the code that the caller reads out.
    form: FormState,
}

impl Page for StaffShow {
    const TEMPLATE: &'static str = "staff/show.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("staff-code", "staff/_code.html")];

    fn samples() -> Vec<Self> {
        let page = |level, action: Option<&str>, code: bool| {
            let mut staff = sample();
            staff.values.account_action = action.map(str::to_owned);
            staff.values.mobile_phone = (level > 1).then(|| "+447700900123".to_owned());
            staff.user_id = (level == 3).then_some(7);
            staff.verification_code = code.then(|| "418203".to_owned());
            staff.verification_admin_name = code.then(|| "Olivia Grant".to_owned());
            staff.code_expires_at = code.then_some(staff.created_at);
            Self::new(&Viewer::sample(level), staff, sample().created_at)
        };
        vec![
            page(4, Some(OFFBOARD_REQUESTED), true),
            page(4, None, false),
            page(3, Some(OFFBOARD_APPROVED), false),
            page(2, Some("Onboarded"), false),
            page(1, None, false),
        ]
    }
}

/// A believable person, for samples.
pub(super) fn sample() -> Staff {
    let at = chrono::DateTime::from_timestamp(1_794_990_000, 0).unwrap_or_default();
    Staff {
        id: 12,
        company_id: 4,
        user_id: None,
        values: Values {
            first_name: "Ana".to_owned(),
            last_name: "Ruiz".to_owned(),
            email: Some("ana@dental.example.com".to_owned()),
            date_onboarded: Some(at),
            date_offboarded: Some(at),
            enabled: true,
            department: Some("Reception".to_owned()),
            job_title: Some("Receptionist".to_owned()),
            street: Some("12 Mill Lane".to_owned()),
            city: Some("Leeds".to_owned()),
            ..Values::default()
        },
        syncro_contact_id: Some("88121".to_owned()),
        created_at: at,
        updated_at: at,
        company_name: "Northwind Dental".to_owned(),
        sealed_code: None,
        code_by: None,
        code_expires_at: None,
        verification_code: None,
        verification_admin_name: None,
    }
}

impl StaffShow {
    fn new(viewer: &Viewer, staff: Staff, now: chrono::DateTime<chrono::Utc>) -> Self {
        let ends = staff.code_expires_at.filter(|_| staff.verification_code.is_some());
        Self {
            name: staff.name(),
            may: May::from(viewer),
            is_leaving: staff.is_leaving(),
            is_requested: staff.values.account_action.as_deref() == Some(OFFBOARD_REQUESTED),
            code_expires_at: ends,
            code_left: ends.map_or(0, |at| (at - now).num_seconds().max(0)),
            staff,
            form: FormState::blank(),
        }
    }
}

/// The page.
pub async fn show(by: Member<Directory>, Path(id): Path<i64>) -> Result<Response> {
    let viewer = Viewer::of_one(&by).await?;
    let staff = store::find(by.db(), &viewer, id, by.now()).await?;
    by.page(&StaffShow::new(&viewer, viewer.show(&by, staff), by.now())).await
}

/// Which person, and whether they are enabled.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Enabled {
    #[serde(alias = "staffId")]
    staff_id: String,
    enabled: String,
    /// Where to go afterwards: the person's page, else the list.
    back: String,
}

/// Enables or disables a person.
pub async fn enabled(by: Member<Directory>, form: Form<Enabled>) -> Result<Response> {
    let viewer = Viewer::of_one(&by).await?;
    let id: Option<i64> = form.staff_id.trim().parse().ok().filter(|id| *id > 0);
    let id = id.ok_or_else(|| Error::bad_request("Invalid staff identifier"))?;
    let staff = change::update(&by, &viewer, id, &Wish::one(Field::Enabled, form.enabled.clone())).await?;
    let word = if staff.values.enabled { "enabled" } else { "disabled" };
    let to = if form.back == "person" { format!("/staff/{id}") } else { "/staff".to_owned() };
    by.see(to, Flash::done(format!("{} {word}", staff.name()))).await
}

/// The plan of somebody's end.
#[derive(Debug, Serialize)]
pub struct Offboard {
    id: i64,
    name: String,
    company: String,
    may: May,
    zone: String,
    has_date: bool,
    form: FormState,
}

impl Page for Offboard {
    const TEMPLATE: &'static str = "staff/offboard.html";

    fn samples() -> Vec<Self> {
        let page = |level, has_date, form| Self {
            id: 12,
            name: "Ana Ruiz".to_owned(),
            company: "Northwind Dental".to_owned(),
            may: May::from(&Viewer::sample(level)),
            zone: "Europe/London".to_owned(),
            has_date,
            form,
        };
        let bad = Invalid::field("date_offboarded", "Enter a time in the future");
        vec![
            page(2, false, FormState::blank()),
            page(3, false, FormState::blank().refused(&bad)),
            page(4, true, FormState::blank()),
        ]
    }
}

/// Who may plan, and for whom.
async fn planned(by: &Member<Directory>, id: i64) -> Result<(Viewer, Staff)> {
    let viewer = Viewer::of_one(by).await?;
    let staff = store::find(by.db(), &viewer, id, by.now()).await?;
    let to = format!("/staff/{id}");
    if !viewer.may_disable() {
        return Err(Error::forbidden("You can look at the staff of your department, but not change them").or_see(to));
    }
    if !viewer.may_change(&staff, Field::DateOffboarded) {
        let text = "The leaving date is decided. The helpdesk makes later changes: raise a ticket.";
        return Err(Error::forbidden(text).or_see(to));
    }
    Ok((viewer, staff))
}

fn plan(viewer: &Viewer, staff: &Staff, zone: String, form: FormState) -> Offboard {
    Offboard {
        id: staff.id,
        name: staff.name(),
        company: staff.company_name.clone(),
        may: May::from(viewer),
        zone,
        has_date: staff.values.date_offboarded.is_some(),
        form,
    }
}

/// The question, with what will happen.
pub async fn offboard(by: Member<Directory>, Path(id): Path<i64>) -> Result<Response> {
    let (viewer, staff) = planned(&by, id).await?;
    let zone = store::zone(by.db()).await?;
    by.page(&plan(&viewer, &staff, zone, FormState::blank())).await
}

/// When somebody leaves.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct When {
    #[serde(alias = "dateOffboarded")]
    date_offboarded: String,
    /// The date is taken back.
    clear: String,
}

/// Plans the end, or takes it back.
pub async fn plan_offboard(by: Member<Directory>, Path(id): Path<i64>, form: Form<When>) -> Result<Response> {
    let (viewer, before) = planned(&by, id).await?;
    let is_blank = form.date_offboarded.trim().is_empty() && form.clear.is_empty();
    let wish = if form.clear.is_empty() {
        Wish::one(Field::DateOffboarded, form.date_offboarded.clone())
    } else {
        taken_back(&viewer)
    };
    let outcome = if is_blank {
        Err(Error::field("date_offboarded", "Enter the day and the time when they leave"))
    } else {
        change::update(&by, &viewer, id, &wish).await
    };
    match outcome {
        Ok(staff) => {
            let text = match (&staff.values.date_offboarded, staff.is_leaving()) {
                (None, _) => format!("{} stays", staff.name()),
                (Some(_), true) => format!("The end of {} is scheduled", staff.name()),
                (Some(_), false) => format!("The helpdesk was asked to end the access of {}", staff.name()),
            };
            by.see(format!("/staff/{id}"), Flash::done(text)).await
        }
        Err(Error::Invalid(invalid)) => {
            let zone = store::zone(by.db()).await?;
            by.page_again(&plan(&viewer, &before, zone, form.refused(&invalid))).await
        }
        Err(error) => Err(error),
    }
}

/// No date; a super administrator also refuses what was asked for without one.
fn taken_back(viewer: &Viewer) -> Wish {
    let mut wish = Wish::one(Field::DateOffboarded, "");
    if viewer.is_super_admin {
        wish.add(Field::AccountAction, "");
    }
    wish
}

/// Approves the end that a manager has asked for.
pub async fn approve(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let viewer = Viewer::super_admin();
    let to = format!("/staff/{id}");
    let staff = store::find(by.db(), &viewer, id, by.now()).await?;
    if staff.values.account_action.as_deref() != Some(OFFBOARD_REQUESTED) {
        return Err(Error::conflict("Nobody asks for this any more").or_see(to));
    }
    let staff = change::update(&by, &viewer, id, &Wish::one(Field::AccountAction, OFFBOARD_APPROVED)).await?;
    by.see(to, Flash::done(format!("The end of {} is approved", staff.name()))).await
}

/// The question before a person goes.
#[derive(Debug, Serialize)]
pub struct StaffDelete {
    id: i64,
    name: String,
    company: String,
}

impl Page for StaffDelete {
    const TEMPLATE: &'static str = "staff/delete.html";

    fn samples() -> Vec<Self> {
        vec![Self { id: 12, name: "Ana Ruiz".to_owned(), company: "Northwind Dental".to_owned() }]
    }
}

/// The question.
pub async fn confirm_delete(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let staff = store::find(by.db(), &Viewer::super_admin(), id, by.now()).await?;
    by.page(&StaffDelete { id, name: staff.name(), company: staff.company_name }).await
}

/// Deletes a person for good.
pub async fn delete(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let staff = change::delete(&by, &Viewer::super_admin(), id).await?;
    by.see("/staff", Flash::done(format!("{} deleted", staff.name()))).await
}

/// Sends a code to the mobile on record.
#[utoipa::path(post, path = "/staff/{id}/verify", params(("id" = i64, Path, description = "Number of the staff member")),
    responses((status = 200, description = "The code, and whether the gateway took it", body = verify::Sent),
    (status = 400, description = "No mobile phone for staff member"),
    (status = 404, description = "Staff not found"),
    (status = 503, description = "Verification delivery is not configured")))]
pub async fn send_code(by: SuperAdmin, Path(id): Path<i64>, input: Input<Nothing>) -> Result<Response> {
    let to = format!("/staff/{id}");
    let staff = verify::one(&by, id).await?;
    let sent = verify::send(&by, &staff).await.map_err(|error| error.or_see(to.clone()))?;
    if input.form.is_none() {
        return Ok(Json(sent).into_response());
    }
    let flash = if sent.success {
        Flash::done("Code sent. Ask the caller to read it to you.")
    } else {
        Flash::new(Tone::Error, "The gateway did not take the code. Check the delivery under Webhooks.")
    };
    by.see(to, flash).await
}

/// No fields.
#[derive(Debug, Default, Deserialize)]
pub struct Nothing {}

/// Compares what the caller on the phone reads out.
#[utoipa::path(post, path = "/staff/{id}/verify/check", request_body = verify::Heard,
    params(("id" = i64, Path, description = "Number of the staff member")),
    responses((status = 200, description = "Whether it is the code", body = verify::Checked),
    (status = 404, description = "Staff not found"),
    (status = 409, description = "No code is valid, or five were tried")))]
pub async fn check_code(by: SuperAdmin, Path(id): Path<i64>, input: Input<verify::Heard>) -> Result<Response> {
    let staff = verify::one(&by, id).await?;
    let checked = verify::check(&by, &staff, &input.value.code).await?;
    if input.form.is_none() {
        return Ok(Json(checked).into_response());
    }
    let flash = if checked.matches {
        Flash::done(format!("The code matches: you are talking to {}", staff.name()))
    } else {
        Flash::new(Tone::Error, "The code does not match")
    };
    by.see(format!("/staff/{id}"), flash).await
}

/// Invites a person to the portal.
#[utoipa::path(post, path = "/staff/{id}/invite", params(("id" = i64, Path, description = "Number of the staff member")),
    responses((status = 200, description = "Invited; whether a mail leaves", body = invite::Invited),
    (status = 400, description = "No email for staff member"),
    (status = 403, description = "The caller manages a department only"),
    (status = 404, description = "Staff not found"),
    (status = 409, description = "The person uses the portal already, or was suspended")))]
pub async fn send_invite(by: Member<Directory>, Path(id): Path<i64>, input: Input<Nothing>) -> Result<Response> {
    let viewer = Viewer::of_one(&by).await?;
    let staff = store::find(by.db(), &viewer, id, by.now()).await?;
    let to = format!("/staff/{id}");
    if !viewer.may_edit() {
        return Err(Error::forbidden("Access denied").or_see(to));
    }
    if by.base_url().is_none() {
        return Err(invitations::missing_base().or_see(to));
    }
    rate_limit::hit(by.app(), &INVITE, &format!("u{}", by.me().id())).await?;
    let invited = invite::invite(&by, &staff).await.map_err(|error| error.or_see(to.clone()))?;
    if input.form.is_none() {
        return Ok(Json(invited).into_response());
    }
    let flash = if invited.email_sent {
        Flash::done(format!("Invitation sent to {}", staff.values.email.unwrap_or_default()))
    } else {
        Flash::new(Tone::Warning, "Invited, but no mail server is set up, so no mail was sent.")
    };
    by.see(to, flash).await
}
