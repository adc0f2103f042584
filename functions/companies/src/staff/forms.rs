//! Adding and editing a person by form (organisation 10.2).

use std::collections::BTreeMap;

use axum::response::Response;
use serde::Serialize;
use shared::Flash;
use shared::caller::Member;
use shared::error::{Error, Invalid, Result};
use shared::page::Page;
use shared::web::{Form, FormState, Path};

use super::change;
use super::field::{Field, Wish};
use super::list::{Choice, May, action_choices};
use super::model::{Staff, Values};
use super::scope::{Directory, Viewer};
use super::store;

/// The fields of a form as they came.
pub type Fields = BTreeMap<String, String>;

/// The form of a new person.
#[derive(Debug, Serialize)]
pub struct NewStaff {
    company: String,
    may: May,
    actions: Vec<Choice>,
    is_leaving: bool,
    form: FormState,
}

impl Page for NewStaff {
    const TEMPLATE: &'static str = "staff/new.html";

    fn samples() -> Vec<Self> {
        let page = |level, form| Self {
            company: "Northwind Dental".to_owned(),
            may: May::from(&Viewer::sample(level)),
            actions: action_choices("None"),
            is_leaving: false,
            form,
        };
        let bad = Invalid::field("email", "Enter the email address");
        vec![page(3, FormState::blank()), page(4, FormState::of([("first_name", "Ana")]).refused(&bad))]
    }
}

/// Nobody but who may edit gets a form.
fn editor(viewer: Viewer) -> Result<Viewer> {
    if viewer.may_edit() { Ok(viewer) } else { Err(Error::forbidden("Access denied").or_see("/staff")) }
}

fn new_page(by: &Member<Directory>, viewer: &Viewer, form: FormState) -> NewStaff {
    NewStaff {
        company: by.company().name.clone(),
        may: May::from(viewer),
        actions: action_choices("None"),
        is_leaving: false,
        form,
    }
}

/// The form.
pub async fn new(by: Member<Directory>) -> Result<Response> {
    let viewer = editor(Viewer::of(&by).await?)?;
    by.page(&new_page(&by, &viewer, FormState::of([("enabled", "true")]))).await
}

/// Adds a person to the active company.
pub async fn create(by: Member<Directory>, form: Form<Fields>) -> Result<Response> {
    let viewer = editor(Viewer::of(&by).await?)?;
    let wish = wish(&form);
    let refused = match missing(&wish) {
        Some(bad) => bad,
        None => match faults(change::create(&by, &viewer, by.company().id, &wish).await)? {
            Ok(staff) => {
                return by.see("/staff", Flash::done(format!("{} added", staff.name()))).await;
            }
            Err(bad) => bad,
        },
    };
    let page = new_page(&by, &viewer, typed(&wish).refused(&refused.invalid));
    by.page_with(refused.status, &page).await
}

/// Why a form is shown again.
struct Refused {
    status: http::StatusCode,
    invalid: Invalid,
}

/// The specification wants 400 when one of the three is missing.
fn missing(wish: &Wish) -> Option<Refused> {
    let texts = [
        (Field::FirstName, "Enter the first name"),
        (Field::LastName, "Enter the last name"),
        (Field::Email, "Enter the email address"),
    ];
    let mut invalid = Invalid::none();
    for (field, text) in texts {
        if wish.text(field).is_empty() {
            invalid.add(field.name(), text);
        }
    }
    if invalid.is_empty() {
        return None;
    }
    invalid.add("", change::REQUIRED);
    Some(Refused { status: http::StatusCode::BAD_REQUEST, invalid })
}

/// Faults of fields, and an address that another has, lead back to the form; all else is an error.
fn faults<T>(outcome: Result<T>) -> Result<Result<T, Refused>> {
    match outcome {
        Ok(done) => Ok(Ok(done)),
        Err(Error::Invalid(invalid)) => Ok(Err(Refused { status: http::StatusCode::UNPROCESSABLE_ENTITY, invalid })),
        Err(error) if error.status() == http::StatusCode::CONFLICT => {
            let invalid = Invalid::field(Field::Email.name(), error.detail());
            Ok(Err(Refused { status: http::StatusCode::CONFLICT, invalid }))
        }
        Err(error) => Err(error),
    }
}

/// What was typed, under our names whichever were used.
fn typed(wish: &Wish) -> FormState {
    FormState::of(wish.iter().map(|(field, text)| (field.name(), text)))
}

fn wish(form: &Form<Fields>) -> Wish {
    form.value.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect()
}

/// The form of a person.
#[derive(Debug, Serialize)]
pub struct EditStaff {
    id: i64,
    name: String,
    company: String,
    may: May,
    actions: Vec<Choice>,
    is_leaving: bool,
    form: FormState,
}

impl Page for EditStaff {
    const TEMPLATE: &'static str = "staff/edit.html";

    fn samples() -> Vec<Self> {
        let page = |level, is_leaving, form| Self {
            id: 12,
            name: "Ana Ruiz".to_owned(),
            company: "Northwind Dental".to_owned(),
            may: May::from(&Viewer::sample(level)),
            actions: action_choices("None"),
            is_leaving,
            form,
        };
        let bad = Invalid::field("postcode", "Use at most 20 characters");
        let form = || FormState::of([("first_name", "Ana"), ("account_action", "Onboarded")]);
        vec![page(3, true, form()), page(4, false, form()), page(4, true, form().refused(&bad))]
    }
}

impl EditStaff {
    fn new(viewer: &Viewer, staff: &Staff, form: FormState) -> Self {
        Self {
            id: staff.id,
            name: staff.name(),
            company: staff.company_name.clone(),
            may: May::from(viewer),
            actions: action_choices("None"),
            is_leaving: staff.is_leaving(),
            form,
        }
    }
}

/// Forms take days; the time of a day stays as it is while the day is not changed.
fn shown(values: &Values, field: Field) -> String {
    let text = values.text(field);
    if field == Field::DateOnboarded { text.chars().take(10).collect() } else { text }
}

/// The form.
pub async fn edit(by: Member<Directory>, Path(id): Path<i64>) -> Result<Response> {
    let viewer = editor(Viewer::of_one(&by).await?)?;
    let staff = store::find(by.db(), &viewer, id, by.now()).await?;
    let form = FormState::of(Field::ALL.map(|field| (field.name(), shown(&staff.values, field))));
    by.page(&EditStaff::new(&viewer, &staff, form)).await
}

/// Saves the form.
pub async fn save(by: Member<Directory>, Path(id): Path<i64>, form: Form<Fields>) -> Result<Response> {
    let viewer = editor(Viewer::of_one(&by).await?)?;
    let before = store::find(by.db(), &viewer, id, by.now()).await?;
    let wish = wish(&form);
    let mut changes = Wish::default();
    for (field, text) in wish.iter().filter(|(field, text)| shown(&before.values, *field) != *text) {
        changes.add(field, text);
    }
    match faults(change::update(&by, &viewer, id, &changes).await)? {
        Ok(staff) => by.see(format!("/staff/{id}"), Flash::done(format!("{} saved", staff.name()))).await,
        Err(refused) => {
            let page = EditStaff::new(&viewer, &before, typed(&wish).refused(&refused.invalid));
            by.page_with(refused.status, &page).await
        }
    }
}
