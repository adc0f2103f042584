//! The builder as its template draws it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use shared::config::Config;
use shared::error::Invalid;
use shared::page::Page;
use shared::web::FormState;

use super::example::{Around, event};
use super::trial::Trial;
use crate::automations::builder::{Builder, CUSTOM, Row};
use crate::automations::events;
use crate::automations::examples::{self, Variable};
use crate::automations::filters::OPERATORS;
use crate::automations::model::{Automation, Draft};
use crate::automations::modules::{self, Module};
use crate::automations::pages::{in_words, sample, sample_time};
use crate::scheduler::pages::edit::{Choice, Shown};
use crate::scheduler::zones;

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

impl AutomationEdit {
    pub(super) fn new(around: Around<'_>, stored: Option<&Automation>, builder: &Builder, bad: &Invalid) -> Self {
        let (known, changes) = (events::fields(event(builder)), events::changes(event(builder)));
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
            variables: examples::variables(known.iter().chain(changes).filter(|_| is_event), &around.example),
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

    /// The same with what a trial found, and what is said aloud of the change.
    pub(super) fn told(self, trial: Option<Trial>, say: Option<String>) -> Self {
        Self { trial, say, ..self }
    }
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
        let trial = Trial::sample(&row.draft());
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
