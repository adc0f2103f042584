//! The builder as a form (interface 3.7): rows of conditions and actions with numbered fields, so that
//! adding, moving and removing work as plain submits that change nothing but the form.

mod actions;
mod buttons;
mod conditions;
mod form;
mod json;
#[cfg(test)]
mod tests;

use serde::Serialize;
use serde_json::Value;
use shared::error::Invalid;

pub use actions::ActionRow;
pub use conditions::{Group, Row};
pub use form::Blank;

use super::filters::Filters;
use super::model::{Draft, actions_of};
use actions::action_row;
use conditions::{conditions, one, said};
use json::{pretty, read_json};

/// Rows of conditions that a form may send.
const MOST_ROWS: usize = 50;

/// Groups of conditions that a form may send.
const MOST_GROUPS: usize = 10;

/// The whole form as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "fields of the form")]
pub struct Builder {
    pub name: String,
    pub description: String,
    pub kind: String,
    pub status: String,
    pub cadence: String,
    pub cron_expression: String,
    pub timezone: String,
    pub trigger_event: String,
    pub custom_event: String,
    /// `all` or `any`.
    pub mode: String,
    pub rows: Vec<Row>,
    pub groups: Vec<Group>,
    pub actions: Vec<ActionRow>,
    /// The JSON fields count, not the rows.
    pub use_json: bool,
    pub filters_json: String,
    pub actions_json: String,
    pub ticket: String,
    pub version: String,
}

/// The choice that opens the field for an event of one's own.
pub const CUSTOM: &str = "custom";

impl Builder {
    /// A stored draft, as the form shows it. Conditions that the rows cannot say appear as JSON.
    pub fn of(draft: &Draft, version: i64) -> Self {
        let filters = draft.filters();
        let said = said(&filters);
        let event = draft.trigger_event.clone().unwrap_or_default();
        let is_known = super::events::triggers().iter().any(|trigger| trigger.value == event);
        let mut builder = Self {
            name: draft.name.clone(),
            description: draft.description.clone().unwrap_or_default(),
            kind: draft.kind.clone(),
            status: draft.status.clone(),
            cadence: draft.cadence.clone().unwrap_or_default(),
            cron_expression: draft.cron_expression.clone().unwrap_or_default(),
            timezone: draft.timezone.clone(),
            trigger_event: if is_known || event.is_empty() { event.clone() } else { CUSTOM.to_owned() },
            custom_event: if is_known { String::new() } else { event },
            use_json: said.is_none(),
            actions: draft.actions.iter().map(action_row).collect(),
            version: version.to_string(),
            ..Self::default()
        };
        let (mode, rows, groups) = said.unwrap_or(("all", Vec::new(), Vec::new()));
        (builder.mode, builder.rows, builder.groups) = (mode.to_owned(), rows, groups);
        builder.write_json(draft);
        builder
    }

    /// The JSON fields say the same as the rows.
    fn write_json(&mut self, draft: &Draft) {
        self.filters_json = pretty(&draft.trigger_filters);
        self.actions_json = pretty(&serde_json::json!({ "actions": draft.actions }));
    }

    /// What the form means; what is wrong with its shape is named.
    pub fn draft(&self) -> Result<Draft, Invalid> {
        let mut bad = Invalid::none();
        let filters = if self.use_json {
            bad.check("triggerFilters", read_json(&self.filters_json))
        } else {
            Some(self.filters(&mut bad))
        };
        let actions = if self.use_json {
            let read = read_json(&self.actions_json).and_then(|value| actions_of(None, &value));
            bad.check("actionPayload", read)
        } else {
            Some(self.actions.iter().enumerate().map(|(n, row)| row.action(n, &mut bad)).collect())
        };
        bad.finish()?;
        let event = if self.trigger_event == CUSTOM { &self.custom_event } else { &self.trigger_event };
        Ok(Draft {
            name: self.name.clone(),
            description: Some(self.description.clone()),
            kind: self.kind.clone(),
            status: self.status.clone(),
            cadence: Some(self.cadence.clone()),
            cron_expression: Some(self.cron_expression.clone()),
            timezone: self.timezone.clone(),
            trigger_event: Some(event.trim().to_owned()),
            trigger_filters: filters.unwrap_or_default(),
            actions: actions.unwrap_or_default(),
        })
    }

    fn filters(&self, bad: &mut Invalid) -> Value {
        let is_any = self.mode == "any";
        let top = conditions("", "Condition", &self.rows, !is_any, bad);
        let mut groups = Vec::new();
        for (g, group) in self.groups.iter().enumerate() {
            if group.rows.is_empty() {
                let text = format!("Group {}: add a condition or remove the group", g + 1);
                bad.add(&format!("groups.{g}.mode"), text);
            }
            groups.push(group.filters(g, bad));
        }
        if is_any {
            let any = top.into_iter().map(one).chain(groups).collect();
            return Filters { any, ..Filters::default() }.json();
        }
        let modes: Vec<&str> = self.groups.iter().map(|group| group.mode.as_str()).collect();
        let filters = Filters::of(top);
        match modes[..] {
            // What the plain form can say is written in the plain form.
            ["any" | "not"] | ["any", "not"] => groups.into_iter().fold(filters, |filters, group| Filters {
                any: if group.any.is_empty() { filters.any } else { group.any },
                not: group.not.or(filters.not),
                ..filters
            }),
            _ => Filters { every: groups, ..filters },
        }
        .json()
    }
}
