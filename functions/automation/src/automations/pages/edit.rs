//! The builder: when, only if, then; in words, tried on a ticket, saved.

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use shared::Flash;
use shared::caller::SuperAdmin;
use shared::config::Config;
use shared::context::By;
use shared::error::{Error, Invalid, Result};
use shared::page::Page;
use shared::web::{Form, FormState, Path};

use super::{in_words, sample, sample_time};
use crate::automations::builder::{Blank, Builder, CUSTOM, Row};
use crate::automations::examples::{self, Variable};
use crate::automations::filters::{OPERATORS, Tried};
use crate::automations::model::{Automation, Draft, Sample};
use crate::automations::modules::{self, Module};
use crate::automations::work::{self, Rendered};
use crate::automations::{events, runs, store};
use crate::scheduler::pages::edit::{Choice, Shown};
use crate::scheduler::zones;

/// What a trial found.
#[derive(Debug, Serialize)]
pub struct Trial {
    about: String,
    matched: bool,
    conditions: Vec<Tried>,
    actions: Vec<TriedAction>,
}

/// An action as it would be sent.
#[derive(Debug, Serialize)]
pub struct TriedAction {
    label: String,
    payload: String,
    unknown: Vec<String>,
    /// The module is off, so that the step would be left out.
    is_off: bool,
}

impl TriedAction {
    fn of(rendered: Rendered, off: &[String]) -> Self {
        Self {
            is_off: off.contains(&rendered.module),
            label: modules::find(&rendered.module).map_or(rendered.module, |module| module.label.to_owned()),
            payload: serde_json::to_string_pretty(&rendered.payload).unwrap_or_default(),
            unknown: rendered.unknown,
        }
    }
}

/// A row of an action with its form.
#[derive(Debug, Serialize)]
pub struct Shape {
    /// None for a module that is not known.
    module: Option<&'static Module>,
}

/// A group of conditions with the fields that each may name.
#[derive(Debug, Serialize)]
pub struct GroupShape {
    row_fields: Vec<Vec<Choice>>,
}

/// The builder on its page.
#[derive(Debug, Serialize)]
pub struct AutomationEdit {
    id: Option<i64>,
    title: String,
    state: &'static str,
    version: String,
    form: FormState,
    rows: usize,
    shapes: Vec<Shape>,
    modules: Vec<Choice>,
    events: Vec<Choice>,
    fields: Vec<Choice>,
    row_fields: Vec<Vec<Choice>>,
    groups: Vec<GroupShape>,
    operators: Vec<Choice>,
    variables: Vec<Variable>,
    /// The ticket that the values of the variables are from; none when they are made up.
    example_of: Option<String>,
    zones: Vec<Choice>,
    tickets: Vec<Choice>,
    words: Option<String>,
    /// What keeps it from being said in words.
    problems: Vec<String>,
    timetable: Option<Shown>,
    next: Option<DateTime<Utc>>,
    trial: Option<Trial>,
    say: Option<String>,
}

/// What the builder needs from the portal.
struct Around<'a> {
    config: &'a Config,
    now: DateTime<Utc>,
    tickets: Vec<(i64, String)>,
    /// An event as it might be, for the values of the variables, and the ticket that it is about.
    example: Value,
    example_of: Option<String>,
}

impl AutomationEdit {
    fn new(around: Around<'_>, stored: Option<&Automation>, builder: &Builder, bad: &Invalid) -> Self {
        let known = events::fields(event(builder));
        let fields: Vec<Choice> = known.iter().map(|(path, label)| Choice::new(*path, *label)).collect();
        let with = |field: &str| {
            let mut all = fields.clone();
            if !field.is_empty() && known.iter().all(|(path, _)| *path != field) {
                all.push(Choice::new(field, field));
            }
            all
        };
        let with_fields = |rows: &[Row]| rows.iter().map(|row| with(&row.field)).collect::<Vec<_>>();
        let (draft, wrong) = builder.draft().map_or_else(|wrong| (None, wrong), |draft| (Some(draft), bad.clone()));
        let is_event = builder.kind != "scheduled";
        let is_cron = !is_event && !builder.cron_expression.trim().is_empty();
        let next = draft.as_ref().and_then(|draft| draft.timetable(around.now)?.next_after(around.now));
        Self {
            id: stored.map(|row| row.id),
            title: stored.map_or_else(|| "New automation".to_owned(), |row| row.name.clone()),
            state: stored.map_or("inactive", Automation::state),
            version: builder.version.clone(),
            form: builder.state().refused(bad),
            rows: builder.rows.len(),
            row_fields: with_fields(&builder.rows),
            groups: builder.groups.iter().map(|g| GroupShape { row_fields: with_fields(&g.rows) }).collect(),
            problems: wrong.iter().map(|(_, text)| text.to_owned()).collect(),
            shapes: builder.actions.iter().map(|row| Shape { module: modules::find(&row.module) }).collect(),
            modules: modules::MODULES.iter().map(|module| Choice::new(module.slug, module.label)).collect(),
            events: event_choices(),
            operators: OPERATORS.iter().map(|(name, words)| Choice::new(*name, *words)).collect(),
            variables: examples::variables(if is_event { known } else { &[] }, &around.example),
            example_of: around.example_of,
            fields,
            zones: zones().into_iter().map(|name| Choice::new(name, name)).collect(),
            tickets: around
                .tickets
                .into_iter()
                .map(|(id, subject)| Choice::new(id.to_string(), format!("#{id} {subject}")))
                .collect(),
            words: draft.map(|draft| in_words(&draft, around.now)),
            timetable: is_cron
                .then(|| Shown::of(&builder.cron_expression, &builder.timezone, around.config, around.now)),
            next,
            trial: None,
            say: None,
        }
    }

    async fn load(by: &By, stored: Option<&Automation>, builder: &Builder, bad: &Invalid) -> Result<Self> {
        let tickets = store::recent_tickets(by.db()).await?;
        let ticket = example_ticket(builder, &tickets);
        let name = if builder.name.is_empty() { "New automation" } else { &builder.name };
        let id = stored.map_or(0, |row| row.id);
        let event = example_event(by, builder, ticket.as_ref().map(|(id, _)| *id)).await?;
        let example = events::surround(&event, by.app(), (id, name), by.now());
        // A ticket that is not there gives no values.
        let example_of = ticket.filter(|_| event.get("ticket").is_some()).map(|(_, label)| label);
        let around = Around { config: by.app().config(), now: by.now(), tickets, example, example_of };
        Ok(Self::new(around, stored, builder, bad))
    }
}

/// The event that starts what is being built.
fn event(builder: &Builder) -> &str {
    if builder.trigger_event == CUSTOM { &builder.custom_event } else { &builder.trigger_event }
}

/// The ticket whose values stand beside the variables: the one to try it on, else the latest.
fn example_ticket(builder: &Builder, tickets: &[(i64, String)]) -> Option<(i64, String)> {
    if builder.kind == "scheduled" || !events::is_about_tickets(event(builder)) {
        return None;
    }
    let chosen = builder.ticket.parse::<i64>().ok();
    let id = chosen.or_else(|| tickets.first().map(|(id, _)| *id))?;
    let subject = tickets.iter().find(|(other, _)| *other == id).map_or("", |(_, subject)| subject);
    Some((id, format!("#{id} {subject}").trim_end().to_owned()))
}

/// An event as if whoever builds had just caused it.
async fn example_event(by: &By, builder: &Builder, ticket: Option<i64>) -> Result<Value> {
    let Some(ticket) = ticket else { return Ok(json!({})) };
    let mut payload = serde_json::Map::from_iter([("ticket_id".to_owned(), ticket.into())]);
    payload.insert("actor_id".to_owned(), by.person().map(|person| person.id()).into());
    events::describe(by.db(), None, event(builder), payload, by.now()).await
}

fn event_choices() -> Vec<Choice> {
    let known = events::triggers().into_iter().map(|trigger| Choice::new(trigger.value, trigger.label));
    known.chain([Choice::new(CUSTOM, "Custom event…")]).collect()
}

impl Page for AutomationEdit {
    const TEMPLATE: &'static str = "automations/edit.html";
    const REGIONS: &'static [(&'static str, &'static str)] =
        &[("builder", "automations/_builder.html"), ("preview", "automations/_preview.html")];

    fn samples() -> Vec<Self> {
        let Ok(config) = Config::from_source(|_| None) else { return Vec::new() };
        let around = || Around {
            config: &config,
            now: sample_time(),
            tickets: vec![(10432, "Printer in room 4 jams".to_owned())],
            example: json!({"ticket": {"id": 10432, "assigned": null}}),
            example_of: Some("#10432 Printer in room 4 jams".to_owned()),
        };
        let row = sample();
        let none = Invalid::none();
        let full = Self::new(around(), Some(&row), &Builder::of(&row.draft(), 2), &none);
        let conditions = row.draft().filters().explain(&Value::Null);
        let off = ["ntfy".to_owned()];
        let rehearsed = work::rehearse(&row.draft(), &Value::Null).into_iter();
        let actions = rehearsed.map(|action| TriedAction::of(action, &off)).collect();
        let trial = Trial { about: "#10432".to_owned(), matched: false, conditions, actions };
        let blank = Builder::of(&Draft::blank(&config), 0);
        let scheduled = Builder {
            kind: "scheduled".to_owned(),
            cron_expression: "0 0 30 2 *".to_owned(),
            use_json: true,
            ..blank.clone()
        };
        let mut grouped = blank.clone();
        for op in ["add-group", "add-group", "remove-in-1-1", "remove-in-1-0"] {
            grouped.apply(op);
        }
        vec![
            Self { trial: Some(trial), say: Some("Action 2 moved up, now 1 of 2".to_owned()), ..full },
            Self::new(around(), None, &blank, &Invalid::field("actionPayload", "Add at least one action")),
            Self { example_of: None, ..Self::new(around(), None, &scheduled, &none) },
            Self::new(around(), None, &grouped, &none),
        ]
    }
}

/// The builder of a new automation.
pub async fn new(by: SuperAdmin) -> Result<Response> {
    let mut builder = Builder::of(&Draft::blank(by.app().config()), 0);
    builder.apply("add-action");
    by.page(&AutomationEdit::load(&by, None, &builder, &Invalid::none()).await?).await
}

/// The builder of an automation that exists.
pub async fn edit(by: SuperAdmin, Path(id): Path<i64>) -> Result<Response> {
    let row = store::find(by.db(), id).await?;
    let builder = Builder::of(&row.draft(), row.version);
    by.page(&AutomationEdit::load(&by, Some(&row), &builder, &Invalid::none()).await?).await
}

/// A press of a button that changes the form, or tries it; nothing is saved.
pub async fn change(by: SuperAdmin, form: Form<Blank>) -> Result<Response> {
    changed(&by, None, &form).await
}

/// The same for an automation that exists.
pub async fn change_of(by: SuperAdmin, Path(id): Path<i64>, form: Form<Blank>) -> Result<Response> {
    let row = store::find(by.db(), id).await?;
    changed(&by, Some(&row), &form).await
}

async fn changed(by: &By, stored: Option<&Automation>, form: &Form<Blank>) -> Result<Response> {
    let mut builder = Builder::read(form);
    let op = form.all("op").into_iter().next().unwrap_or_default();
    let say = builder.apply(&op);
    let is_asked = op == "test";
    // A trial that stands beside the form follows what is typed.
    let trial = match builder.draft().and_then(|draft| draft.check(by.now())) {
        Ok(draft) if is_asked || form.has("tried") => Some(try_on(by, stored, &draft, &builder.ticket).await?),
        Err(bad) if is_asked => {
            return by.page_again(&AutomationEdit::load(by, stored, &builder, &bad).await?).await;
        }
        _ => None,
    };
    let page = AutomationEdit::load(by, stored, &builder, &Invalid::none()).await?;
    by.page(&AutomationEdit { trial, say, ..page }).await
}

/// The dry run of what stands in the form.
async fn try_on(by: &By, stored: Option<&Automation>, draft: &Draft, ticket: &str) -> Result<Trial> {
    let row = Automation { trigger_event: draft.trigger_event.clone(), ..stored.cloned().unwrap_or_else(sample) };
    let about = if ticket.is_empty() { "an empty event".to_owned() } else { format!("ticket #{ticket}") };
    let given = Sample { ticket_id: ticket.parse().ok(), event: None };
    let event = runs::sample_event(by.db(), &row, given, by.now()).await?;
    let id = stored.map_or(0, |row| row.id);
    let known = events::surround(&event, by.app(), (id, &draft.name), by.now());
    let filters = draft.filters();
    let off = store::modules_off(by.db()).await?;
    Ok(Trial {
        about,
        matched: filters.matches(&event),
        conditions: filters.explain(&event),
        actions: work::rehearse(draft, &known).into_iter().map(|a| TriedAction::of(a, &off)).collect(),
    })
}

/// What is wrong with what was typed; other errors pass.
fn refusal(error: Error) -> Result<Invalid> {
    match error {
        Error::Invalid(invalid) => Ok(invalid),
        error if error.status() == http::StatusCode::CONFLICT => Ok(Invalid::field("", error.detail().into_owned())),
        error => Err(error),
    }
}

/// Adds an automation.
pub async fn create(by: SuperAdmin, form: Form<Blank>) -> Result<Response> {
    let builder = Builder::read(&form);
    let made = match builder.draft() {
        Ok(draft) => store::create(&by, draft).await,
        Err(bad) => Err(bad.into()),
    };
    match made {
        Ok(row) => by.see("/admin/automations", Flash::done(format!("{} created", row.name))).await,
        Err(error) => by.page_again(&AutomationEdit::load(&by, None, &builder, &refusal(error)?).await?).await,
    }
}

/// Saves an automation.
pub async fn update(by: SuperAdmin, Path(id): Path<i64>, form: Form<Blank>) -> Result<Response> {
    let builder = Builder::read(&form);
    let saved = match builder.draft() {
        Ok(draft) => store::update(&by, id, builder.version.parse().ok(), |_| Ok(draft)).await,
        Err(bad) => Err(bad.into()),
    };
    match saved {
        Ok(row) => by.see("/admin/automations", Flash::done(format!("{} saved", row.name))).await,
        Err(error) => {
            let row = store::find(by.db(), id).await?;
            by.page_again(&AutomationEdit::load(&by, Some(&row), &builder, &refusal(error)?).await?).await
        }
    }
}
