//! The form as it is sent, and as the template draws it.

use shared::web::{Form, FormState};

use super::actions::{ActionRow, read_action, with_module, write_action};
use super::conditions::{Group, read_rows, write_rows};
use super::{Builder, MOST_GROUPS};
use crate::automations::model::MOST_ACTIONS;

/// What a form may send; every field is looked up by its name.
#[derive(Debug, Clone, Default, serde::Deserialize)]
pub struct Blank {}

impl Builder {
    /// What was sent.
    pub fn read(form: &Form<Blank>) -> Self {
        let get = |name: &str| form.all(name).into_iter().next().unwrap_or_default();
        let groups = (0..MOST_GROUPS).map_while(|g| {
            let name = format!("groups.{g}.mode");
            form.has(&name).then(|| Group { mode: get(&name), rows: read_rows(form, &format!("groups.{g}.")) })
        });
        let actions: Vec<ActionRow> = (0..=MOST_ACTIONS).map_while(|n| read_action(form, n)).collect();
        let is_plain = actions.is_empty() && !get("actionPayload").trim().is_empty();
        Self {
            name: get("name"),
            description: get("description"),
            kind: get("kind"),
            status: if get("status").is_empty() { "inactive".to_owned() } else { get("status") },
            cadence: get("cadence"),
            cron_expression: get("cronExpression"),
            timezone: get("timezone"),
            trigger_event: get("triggerEvent"),
            custom_event: get("customEvent"),
            mode: get("mode"),
            rows: read_rows(form, ""),
            groups: groups.collect(),
            use_json: form.has("use_json") || is_plain,
            filters_json: get("triggerFilters"),
            actions_json: with_module(&get("actionModule"), get("actionPayload")),
            ticket: get("ticket"),
            version: get("version"),
            actions,
        }
    }

    /// As the template draws it.
    pub fn state(&self) -> FormState {
        let mut all: Vec<(String, String)> = [
            ("name", &self.name),
            ("description", &self.description),
            ("kind", &self.kind),
            ("status", &self.status),
            ("cadence", &self.cadence),
            ("cronExpression", &self.cron_expression),
            ("timezone", &self.timezone),
            ("triggerEvent", &self.trigger_event),
            ("customEvent", &self.custom_event),
            ("mode", &self.mode),
            ("triggerFilters", &self.filters_json),
            ("actionPayload", &self.actions_json),
            ("ticket", &self.ticket),
        ]
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .into();
        all.push(("use_json".to_owned(), flag(self.use_json)));
        write_rows("", &self.rows, &mut all);
        for (g, group) in self.groups.iter().enumerate() {
            all.push((format!("groups.{g}.mode"), group.mode.clone()));
            write_rows(&format!("groups.{g}."), &group.rows, &mut all);
        }
        for (n, row) in self.actions.iter().enumerate() {
            write_action(n, row, &mut all);
        }
        FormState::of(all)
    }
}

/// A ticked box is `true`, as a form sends it.
pub(super) fn flag(on: bool) -> String {
    if on { "true".to_owned() } else { String::new() }
}
