//! `/admin/modules`: the list, one module, its switch and its test (automation 5.2).

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::Flash;
use shared::caller::SuperAdmin;
use shared::context::By;
use shared::error::{Error, Result};
use shared::modules::{self, CATALOGUE, Edit, Module, Slug};
use shared::page::Page;
use shared::web::{Form, FormState, Path};
use shared::{Tone, flash, tokens};

use super::choices::Choice;
use super::form::{self, Drawn, Posted};
use super::model::slug;
use super::probe;

/// A secret that is shown once.
const NOTE: &str = "module_secret";

/// What the pages say about the last test.
#[derive(Debug, Clone, Serialize)]
pub struct Last {
    at: DateTime<Utc>,
    /// `running`, `ok`, `error` or `lost`.
    status: String,
    message: String,
}

/// A module as the pages draw it.
#[derive(Debug, Clone, Serialize)]
pub struct Card {
    slug: &'static str,
    name: &'static str,
    description: &'static str,
    icon: &'static str,
    documentation: &'static str,
    enabled: bool,
    /// `on`, `off` or `attention`.
    state: &'static str,
    /// Required settings that are not set.
    missing: Vec<&'static str>,
    is_unverified: bool,
    tests_when_off: bool,
    version: i64,
    last: Option<Last>,
}

impl Card {
    fn of(by: &By, module: &Module) -> Result<Self> {
        let missing: Vec<&'static str> = module.missing(by.app())?.iter().map(|field| field.label).collect();
        let last = module.tested.clone().map(|tested| {
            let is_lost = tested.status == "running" && by.now() - tested.at > probe::LOST_AFTER;
            let status = if is_lost { "lost".to_owned() } else { tested.status };
            Last { at: tested.at, status, message: tested.message }
        });
        let is_bad = !missing.is_empty() || last.as_ref().is_some_and(|last| last.status == "error");
        let entry = module.entry();
        Ok(Self {
            slug: module.slug.as_str(),
            name: entry.name,
            description: entry.description,
            icon: entry.icon,
            documentation: entry.documentation,
            enabled: module.enabled,
            state: match (module.enabled, is_bad) {
                (false, _) => "off",
                (true, true) => "attention",
                (true, false) => "on",
            },
            missing,
            is_unverified: module.value("verify_ssl") == false,
            tests_when_off: entry.tests_when_off,
            version: module.version,
            last,
        })
    }

    fn sample(index: usize, state: &'static str, last: Option<(&str, &str)>) -> Self {
        let entry = &CATALOGUE[index];
        let at = DateTime::from_timestamp(1_795_425_000, 0).unwrap_or_default();
        Self {
            slug: entry.slug.as_str(),
            name: entry.name,
            description: entry.description,
            icon: entry.icon,
            documentation: entry.documentation,
            enabled: state != "off",
            state,
            missing: if state == "attention" { vec!["API key"] } else { Vec::new() },
            is_unverified: state == "attention",
            tests_when_off: entry.tests_when_off,
            version: 3,
            last: last.map(|(status, message)| Last { at, status: status.to_owned(), message: message.to_owned() }),
        }
    }
}

/// All modules.
#[derive(Debug, Serialize)]
pub struct ModuleList {
    modules: Vec<Card>,
}

impl Page for ModuleList {
    const TEMPLATE: &'static str = "automation/modules/list.html";

    fn samples() -> Vec<Self> {
        let modules = vec![
            Card::sample(0, "off", None),
            Card::sample(1, "on", Some(("ok", "The server is healthy and took a test message."))),
            Card::sample(2, "attention", Some(("error", "No connection could be made"))),
            Card::sample(6, "on", Some(("running", ""))),
        ];
        vec![Self { modules }]
    }
}

/// The list.
pub async fn list(by: SuperAdmin) -> Result<Response> {
    let modules = modules::all(by.app(), by.db()).await?;
    let modules = modules.iter().map(|module| Card::of(&by, module)).collect::<Result<_>>()?;
    by.page(&ModuleList { modules }).await
}

/// One module.
#[derive(Debug, Serialize)]
pub struct ModuleShow {
    module: Card,
    fields: Vec<Drawn>,
    form: FormState,
    /// Where ChatGPT calls, on its page only.
    endpoint: Option<String>,
    /// A secret that was just made.
    new_secret: Option<String>,
}

impl Page for ModuleShow {
    const TEMPLATE: &'static str = "automation/modules/show.html";
    const REGIONS: &'static [(&'static str, &'static str)] = &[("module-test", "automation/modules/_test.html")];

    fn samples() -> Vec<Self> {
        let field = |label: &'static str, control: &'static str| Drawn {
            name: format!("settings.{control}"),
            key: control,
            label,
            control,
            help: "One sentence.",
            value: "1".to_owned(),
            values: vec!["open".to_owned()],
            choices: vec![Choice::new("open", "Open"), Choice::new("closed", "Closed")],
            is_set: true,
            is_required: true,
            variable: "OLLAMA_MODEL",
        };
        let controls = ["text", "long", "url", "number", "switch", "choices", "people", "secret"];
        let page = |module: Card, form: FormState| Self {
            endpoint: (module.slug == "chatgpt-mcp").then(|| "https://portal.example.com/api/mcp/chatgpt".to_owned()),
            new_secret: (module.state == "off").then(|| "Zm9vYmFy".to_owned()),
            fields: controls.map(|control| field("Field", control)).to_vec(),
            module,
            form,
        };
        let bad = shared::error::Invalid::field("settings.url", "Enter an address that begins with https://");
        vec![
            page(Card::sample(0, "off", None), FormState::blank()),
            page(Card::sample(2, "on", Some(("ok", "Ollama 0.12.6 answers."))), FormState::blank()),
            page(
                Card::sample(6, "attention", Some(("error", "The key was refused."))),
                FormState::blank().refused(&bad),
            ),
            page(Card::sample(1, "on", Some(("running", ""))), FormState::blank()),
            page(Card::sample(1, "on", Some(("lost", ""))), FormState::blank()),
        ]
    }
}

async fn page(by: &By, module: &Module, form: FormState) -> Result<ModuleShow> {
    let is_mcp = module.slug == Slug::ChatGptMcp;
    Ok(ModuleShow {
        module: Card::of(by, module)?,
        fields: form::drawn(by.app(), module).await?,
        form,
        endpoint: by.base_url().filter(|_| is_mcp).map(|base| format!("{base}/api/mcp/chatgpt")),
        new_secret: None,
    })
}

/// One module.
pub async fn show(by: SuperAdmin, Path(name): Path<String>) -> Result<Response> {
    let module = modules::find(by.app(), by.db(), slug(&name)?).await?;
    let mut page = page(&by, &module, FormState::blank()).await?;
    if let (Slug::ChatGptMcp, Some(person)) = (module.slug, by.person()) {
        page.new_secret = flash::take_notes(&by, person.session.id, NOTE).await?.pop();
    }
    by.page(&page).await
}

/// Saves what was sent.
pub async fn save(by: SuperAdmin, Path(name): Path<String>, form: Form<Posted>) -> Result<Response> {
    let slug = slug(&name)?;
    let old = modules::find(by.app(), by.db(), slug).await?;
    let saved = apply(&by, slug, form::edit(&old, &form)).await;
    let new = match saved {
        Ok(new) => new,
        Err(Error::Invalid(invalid)) => {
            let state = form::refused(&old, &form, &invalid);
            return by.page_again(&page(&by, &old, state).await?).await;
        }
        Err(error) if error.status() == http::StatusCode::CONFLICT => {
            return by.see(format!("/admin/modules/{slug}"), Flash::new(Tone::Error, error.detail())).await;
        }
        Err(error) => return Err(error),
    };
    let text = match (old.enabled, new.enabled) {
        (false, true) => format!("{} switched on", new.entry().name),
        (true, false) => format!("{} switched off", new.entry().name),
        _ => format!("{} saved", new.entry().name),
    };
    let to = if form.from == "list" { "/admin/modules".to_owned() } else { format!("/admin/modules/{slug}") };
    by.see(to, Flash::done(text)).await
}

async fn apply(by: &By, slug: Slug, edit: Edit) -> Result<Module> {
    let mut tx = by.begin().await?;
    let module = modules::save(by.app(), &mut tx, slug, edit).await?;
    tx.commit().await?;
    Ok(module)
}

/// Queues a test; the page shows its result when it is there.
pub async fn test(by: SuperAdmin, Path(name): Path<String>) -> Result<Response> {
    let slug = slug(&name)?;
    let to = format!("/admin/modules/{slug}");
    match probe::start(&by, slug).await {
        Ok(()) => Ok(by.go(&format!("{to}#module-test"))),
        Err(error) if error.status() == http::StatusCode::CONFLICT => {
            by.see(to, Flash::new(Tone::Error, error.detail())).await
        }
        Err(error) => Err(error),
    }
}

/// Makes a shared secret of 256 bits and shows it once; the former one stays good for a day.
pub async fn generate(by: SuperAdmin, Path(name): Path<String>) -> Result<Response> {
    let slug = slug(&name)?;
    if slug != Slug::ChatGptMcp {
        return Err(Error::not_found("This module has no shared secret"));
    }
    let person = by.person().ok_or(Error::Unauthenticated)?;
    let secret = tokens::random_base64url(32);
    let mut settings = serde_json::Map::new();
    settings.insert("shared_secret".to_owned(), secret.clone().into());
    settings.insert("keep_previous_secret".to_owned(), true.into());
    let mut tx = by.begin().await?;
    modules::save(by.app(), &mut tx, slug, Edit { settings, ..Edit::default() }).await?;
    let shown_within = chrono::TimeDelta::minutes(10);
    flash::note(&by, &mut tx, person.session.id, NOTE, &secret, shown_within).await?;
    tx.commit().await?;
    by.see(format!("/admin/modules/{slug}"), Flash::done("Secret made. Copy it now: it is not shown again.")).await
}
