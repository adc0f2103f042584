//! Telling a person that what protects their sign-in has changed.

use minijinja::context;
use shared::app::App;
use shared::caller::Person;
use shared::context::Request;
use shared::db::Tx;
use shared::error::Result;
use shared::mail::Draft;
use shared::notify::{self, Notice, Recipient};

/// Who is told.
#[derive(Debug, Clone)]
pub(crate) struct To {
    pub(crate) user_id: i64,
    pub(crate) email: String,
    pub(crate) first_name: Option<String>,
}

impl To {
    pub(crate) fn person(person: &Person) -> Self {
        let user = &person.user;
        Self { user_id: user.id, email: user.email.clone(), first_name: user.first_name.clone() }
    }
}

/// Tells the person in one sentence, in the feed and by mail.
pub(super) async fn send(app: &App, tx: &mut Tx, to: &To, what: &str, request: &Request) -> Result<()> {
    let fields = context! {
        first_name => to.first_name.clone(),
        what,
        when => crate::sign_in::when(tx.stamp().at),
        ip => request.ip(),
        browser => crate::sign_in::browser_name(request.user_agent()),
    };
    let mail = Draft::template(app, &mut *tx, "mfa_changed", fields).await?;
    let recipient = Recipient { user_id: to.user_id, email: to.email.clone() };
    let notice = Notice {
        kind: notify::MFA_CHANGED,
        message: what.to_owned(),
        link: Some("/profile/security".to_owned()),
        dedupe: None,
    };
    notify::tell_with(app, tx, &recipient, &notice, mail).await
}
