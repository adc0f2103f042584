//! What is asked about before it is done.

use axum::response::Response;
use serde::{Deserialize, Serialize};
use shared::Flash;
use shared::accounts::users::{self, User};
use shared::caller::{Fresh, SuperAdmin};
use shared::context::By;
use shared::error::{Invalid, Result};
use shared::format::plural;
use shared::page::Page;
use shared::web::{Form, FormState, Path};

use super::{back_to, done, record_path};
use crate::users::change::{self, not_found};
use crate::users::model::Changes;

/// A question with one button.
#[derive(Debug, Serialize)]
pub struct ConfirmUserPage {
    question: String,
    effect: String,
    label: &'static str,
    kind: &'static str,
    action: String,
    cancel: String,
    person: String,
    /// Field and value that say what the button does.
    field: Option<(&'static str, &'static str)>,
    /// What has to be typed.
    typed: Option<String>,
    form: FormState,
}

impl Page for ConfirmUserPage {
    const TEMPLATE: &'static str = "identity/user_confirm.html";

    fn samples() -> Vec<Self> {
        let wrong = FormState::blank().refused(&mistyped("ana@example.com"));
        let sample = |typed: bool, form: FormState| Self {
            question: "Delete Ana Ruiz?".to_owned(),
            effect: EFFECT_OF_DELETING.to_owned(),
            label: "Delete user",
            kind: "danger",
            action: "/admin/users/42/delete".to_owned(),
            cancel: "/admin/users/42".to_owned(),
            person: "Ana Ruiz".to_owned(),
            field: (!typed).then_some(("value", "true")),
            typed: typed.then(|| "ana@example.com".to_owned()),
            form,
        };
        vec![sample(true, FormState::blank()), sample(true, wrong), sample(false, FormState::blank())]
    }
}

const EFFECT_OF_DELETING: &str = "The account, its sessions, authenticators, memberships and preferences are deleted \
    at once. Tickets, replies, articles and orders stay without the name. This cannot be undone; disabling the \
    account can.";

impl ConfirmUserPage {
    fn new(user: &User, path: &str) -> Self {
        Self {
            question: String::new(),
            effect: String::new(),
            label: "",
            kind: "danger",
            action: format!("/admin/users/{}/{path}", user.id),
            cancel: record_path(user.id),
            person: user.name(),
            field: None,
            typed: None,
            form: FormState::blank(),
        }
    }

    fn delete(user: &User, form: FormState) -> Self {
        Self {
            question: format!("Delete {}?", user.name()),
            effect: EFFECT_OF_DELETING.to_owned(),
            label: "Delete user",
            typed: Some(user.email.clone()),
            form,
            ..Self::new(user, "delete")
        }
    }
}

async fn find(by: &By, id: i64) -> Result<User> {
    users::find(by.db(), id).await?.ok_or_else(not_found)
}

/// Asks whether the authenticators are to go.
pub(in crate::users) async fn ask_reset_mfa(by: Fresh<SuperAdmin>, Path(id): Path<i64>) -> Result<Response> {
    let user = find(&by, id).await?;
    let page = ConfirmUserPage {
        question: format!("Remove the authenticators of {}?", user.name()),
        effect: "Their recovery codes go too. They then sign in with the password alone until they add an \
            authenticator again. They are told by email."
            .to_owned(),
        label: "Remove authenticators",
        ..ConfirmUserPage::new(&user, "totp/delete")
    };
    by.page(&page).await
}

/// Takes the authenticators away.
pub(in crate::users) async fn reset_mfa(by: Fresh<SuperAdmin>, Path(id): Path<i64>) -> Result<Response> {
    let removed = change::reset_mfa(&by, id).await.map_err(|error| back_to(id, error))?;
    let removed = i64::try_from(removed).unwrap_or(0);
    done(&by, id, format!("{} removed", plural(removed, "authenticator"))).await
}

/// Asks whether super administration is to be given or taken.
pub(in crate::users) async fn ask_super_admin(by: Fresh<SuperAdmin>, Path(id): Path<i64>) -> Result<Response> {
    let user = find(&by, id).await?;
    let page = if user.is_super_admin {
        ConfirmUserPage {
            question: format!("Take super administrator rights from {}?", user.name()),
            effect: "They keep their memberships and are signed out everywhere. The other super administrators are \
                told."
                .to_owned(),
            label: "Take rights away",
            field: Some(("value", "false")),
            ..ConfirmUserPage::new(&user, "super-admin")
        }
    } else {
        ConfirmUserPage {
            question: format!("Make {} super administrator?", user.name()),
            effect: "They will see and change everything in every company. They are signed out everywhere and sign in \
                again. The other super administrators are told."
                .to_owned(),
            label: "Make super administrator",
            kind: "primary",
            field: Some(("value", "true")),
            ..ConfirmUserPage::new(&user, "super-admin")
        }
    };
    by.page(&page).await
}

/// Whether rights are given.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::users) struct Value {
    value: String,
}

/// Gives or takes super administration.
pub(in crate::users) async fn set_super_admin(
    by: Fresh<SuperAdmin>,
    Path(id): Path<i64>,
    form: Form<Value>,
) -> Result<Response> {
    let grants = form.value.value == "true";
    let changes = Changes { is_super_admin: Some(grants), ..Changes::default() };
    let user = change::update(&by, id, &changes).await.map_err(|error| back_to(id, error))?;
    let verb = if grants { "is now" } else { "is no longer" };
    done(&by, id, format!("{} {verb} super administrator", user.name())).await
}

/// Asks for the address of the person who is to be deleted.
pub(in crate::users) async fn ask_delete(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let user = find(&by, id).await?;
    by.page(&ConfirmUserPage::delete(&user, FormState::blank())).await
}

/// The address as typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::users) struct Typed {
    typed: String,
}

fn mistyped(email: &str) -> Invalid {
    Invalid::field("typed", format!("Type {email} to confirm"))
}

/// Deletes a user whose address was typed.
pub(in crate::users) async fn delete(by: SuperAdmin, Path(id): Path<i64>, form: Form<Typed>) -> Result<Response> {
    let user = find(&by, id).await?;
    if form.typed.trim().to_lowercase() != user.email {
        let state = form.refused(&mistyped(&user.email));
        return by.page_again(&ConfirmUserPage::delete(&user, state)).await;
    }
    let email = change::delete(&by, id).await.map_err(|error| back_to(id, error))?;
    by.see("/admin/users", Flash::done(format!("{email} was deleted"))).await
}
