//! The list of mails and the page of each.

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::Flash;
use shared::audit::Change;
use shared::caller::SuperAdmin;
use shared::error::{Error, Invalid, Result};
use shared::mail::{self, Draft};
use shared::page::{Page, Templates};
use shared::rate_limit::{self, Limit};
use shared::web::{Form, FormState, Path};

use super::catalogue::{self, TEMPLATES, Template};
use super::store;

/// Test mails of one person.
const TESTS: Limit =
    Limit { bucket: "email_template_test", max: 20, window: 3600, detail: "Too many test mails. Try again later" };

/// The list.
#[derive(Debug, Serialize)]
pub struct TemplateList {
    items: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Line {
    name: String,
    label: String,
    changed_at: Option<DateTime<Utc>>,
    editor: Option<String>,
}

impl Page for TemplateList {
    const TEMPLATE: &'static str = "notifications/templates.html";

    fn samples() -> Vec<Self> {
        let line = |changed_at| Line {
            name: "notice".to_owned(),
            label: "Every other notification".to_owned(),
            changed_at,
            editor: Some("olivia@example.com".to_owned()),
        };
        vec![Self { items: vec![line(None), line(DateTime::from_timestamp(1_794_990_000, 0))] }]
    }
}

/// The list of mails.
pub async fn list(by: SuperAdmin) -> Result<Response> {
    let changed = store::all(by.db()).await?;
    let line = |template: &Template| {
        let own = changed.iter().find(|own| own.name == template.name);
        Line {
            name: template.name.to_owned(),
            label: template.label.to_owned(),
            changed_at: own.map(|own| own.updated_at),
            editor: own.and_then(|own| own.editor.clone()),
        }
    };
    by.page(&TemplateList { items: TEMPLATES.iter().map(line).collect() }).await
}

/// One mail: its words and how it looks.
#[derive(Debug, Serialize)]
pub struct TemplateShow {
    name: &'static str,
    label: &'static str,
    fields: Vec<&'static str>,
    form: FormState,
    is_changed: bool,
    preview: Option<Preview>,
}

#[derive(Debug, Serialize)]
struct Preview {
    subject: String,
    text: String,
}

impl Page for TemplateShow {
    const TEMPLATE: &'static str = "notifications/template.html";

    fn samples() -> Vec<Self> {
        let page = |form: FormState, preview, is_changed| Self {
            name: "notice",
            label: "Every other notification",
            fields: vec!["label", "message", "link"],
            form,
            is_changed,
            preview,
        };
        let form = || FormState::of([("subject", "{{ brand }}: {{ label }}"), ("body", "{{ message }}")]);
        let preview = Preview { subject: "Northstar IT: News".to_owned(), text: "Hello\nAna".to_owned() };
        let wrong = form().refused(&Invalid::field("body", "This cannot be filled in"));
        vec![page(form(), Some(preview), true), page(wrong, None, false)]
    }
}

fn known(name: &str) -> Result<&'static Template> {
    catalogue::find(name).ok_or_else(|| Error::not_found("There is no such mail"))
}

/// The words shipped with the product.
fn shipped(name: &str) -> (String, String) {
    let source = |file: &str| Templates::source(&format!("emails/{name}/{file}")).unwrap_or_default().trim().to_owned();
    (source("subject.txt"), source("body.txt"))
}

/// How the mail looks; or why it cannot be filled in, by field.
fn preview(by: &SuperAdmin, subject: &str, body: &str) -> Result<Preview, Invalid> {
    let config = by.app().config();
    let base = by.base_url().unwrap_or_default();
    let example = minijinja::Value::from(minijinja::value::Serde(catalogue::example(&config.app_name, &base)));
    let mut bad = Invalid::none();
    for (field, text) in [("subject", subject), ("body", body)] {
        if let Err(error) = by.app().templates().render_text(text, example.clone()) {
            let reason = match error {
                Error::Internal(error) => format!("{error:#}"),
                other => other.detail().into_owned(),
            };
            bad.add(field, format!("This cannot be filled in: {}", reason.lines().next().unwrap_or_default()));
        }
    }
    bad.finish()?;
    let (subject, text, _) = mail::rendered(by.app(), subject, body, example)
        .map_err(|_| Invalid::field("body", "This cannot be filled in"))?;
    Ok(Preview { subject, text })
}

/// The page of a mail.
pub async fn show(by: SuperAdmin, Path(name): Path<String>) -> Result<Response> {
    let template = known(&name)?;
    let changed = store::find(by.db(), template.name).await?;
    let is_changed = changed.is_some();
    let (subject, body) = changed.map_or_else(|| shipped(template.name), |own| (own.subject, own.body));
    let shown = preview(&by, &subject, &body);
    let form = FormState::of([("subject", subject), ("body", body)]);
    by.page(&page(template, form, is_changed, shown)).await
}

fn page(template: &Template, form: FormState, is_changed: bool, shown: Result<Preview, Invalid>) -> TemplateShow {
    let (preview, form) = match shown {
        Ok(preview) => (Some(preview), form),
        Err(invalid) => (None, form.refused(&invalid)),
    };
    TemplateShow {
        name: template.name,
        label: template.label,
        fields: template.fields.to_vec(),
        form,
        is_changed,
        preview,
    }
}

/// The form as sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct TemplateForm {
    subject: String,
    body: String,
    /// `save`, `preview`, `test` or `reset`.
    r#do: String,
}

impl TemplateForm {
    fn check(&self, template: &Template) -> Result<(), Invalid> {
        let mut bad = Invalid::none();
        let subject = self.subject.trim();
        if !(1..=255).contains(&subject.chars().count()) || subject.contains('\n') {
            bad.add("subject", "Enter one line of at most 255 characters");
        }
        if !(1..=20_000).contains(&self.body.trim().chars().count()) {
            bad.add("body", "Enter 1 to 20,000 characters");
        } else if template.needs_link && !self.body.contains("link") {
            bad.add("body", "Keep {{ link }}: without it nobody can use the mail");
        }
        bad.finish()
    }
}

/// Saves, shows, tests or resets.
pub async fn change(by: SuperAdmin, Path(name): Path<String>, form: Form<TemplateForm>) -> Result<Response> {
    let template = known(&name)?;
    let here = format!("/admin/email-templates/{}", template.name);
    let note = |verb: &'static str| Change::new(verb, "email_template", 0).label(template.name);
    if form.r#do == "reset" {
        let mut tx = by.begin().await?;
        store::reset(&mut tx, template.name).await?;
        tx.audit(note("email_template.reset"));
        tx.commit().await?;
        return by.see(&here, Flash::done("The words of the product are back")).await;
    }
    let shown = form.check(template).and_then(|()| preview(&by, form.subject.trim(), &form.body));
    let shown = match (shown, form.r#do.as_str()) {
        (Ok(_), "save") => {
            let mut tx = by.begin().await?;
            store::save(&mut tx, template.name, form.subject.trim(), &form.body).await?;
            tx.audit(note("email_template.changed"));
            tx.commit().await?;
            return by.see(&here, Flash::done("Words saved")).await;
        }
        (Ok(shown), "test") => {
            rate_limit::hit(by.app(), &TESTS, &format!("user:{}", by.me().id())).await?;
            let mut tx = by.begin().await?;
            tx.housekeeping();
            let mut draft = Draft::own_words(by.app(), "template_test", &shown.subject, shown.text, None);
            draft.to(&by.me().user.email).queue(&mut tx).await?;
            tx.commit().await?;
            return by.see(&here, Flash::done(format!("Test mail to {} queued", by.me().user.email))).await;
        }
        (shown, _) => shown,
    };
    let is_refused = shown.is_err();
    let is_changed = store::find(by.db(), template.name).await?.is_some();
    let page = page(template, form.state(), is_changed, shown);
    if is_refused { by.page_again(&page).await } else { by.page(&page).await }
}
