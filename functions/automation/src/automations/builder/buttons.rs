//! Buttons that change the form and nothing else.

use super::actions::ActionRow;
use super::conditions::{Group, Row};
use super::{Builder, MOST_GROUPS, MOST_ROWS};
use crate::automations::model::MOST_ACTIONS;

impl Builder {
    /// A press of a button that changes the form: `add-condition`, `remove-condition-2`, `add-group`,
    /// `add-to-0`, `remove-in-0-2`, `remove-group-0`, `add-action`, `remove-action-0`, `up-1` or `down-1`. Gives
    /// what to say, if anything.
    pub fn apply(&mut self, op: &str) -> Option<String> {
        let (verb, number) = op.rsplit_once('-').map_or((op, None), |(verb, n)| (verb, n.parse::<usize>().ok()));
        match (op, verb, number) {
            ("add-condition", ..) if self.rows.len() < MOST_ROWS => {
                self.rows.push(Row::blank());
            }
            ("add-group", ..) if self.groups.len() < MOST_GROUPS => {
                self.groups.push(Group { mode: "any".to_owned(), rows: vec![Row::blank(), Row::blank()] });
            }
            (_, "remove-group", Some(n)) if n < self.groups.len() => drop(self.groups.remove(n)),
            (_, "add-to", Some(n)) => {
                if let Some(group) = self.groups.get_mut(n).filter(|group| group.rows.len() < MOST_ROWS) {
                    group.rows.push(Row::blank());
                }
            }
            ("add-action", ..) if self.actions.len() < MOST_ACTIONS => {
                self.actions.push(ActionRow { module: "ntfy".to_owned(), ..ActionRow::default() });
            }
            (_, "remove-condition", Some(n)) if n < self.rows.len() => drop(self.rows.remove(n)),
            (_, "remove-action", Some(n)) if n < self.actions.len() => drop(self.actions.remove(n)),
            (_, verb, Some(n)) if verb.starts_with("remove-in-") => {
                let group = verb.trim_start_matches("remove-in-").parse().ok();
                let group = group.and_then(|g: usize| self.groups.get_mut(g)).filter(|group| n < group.rows.len());
                if let Some(group) = group {
                    group.rows.remove(n);
                }
            }
            (_, "up", Some(n)) if n > 0 && n < self.actions.len() => return Some(self.swap(n, n - 1)),
            (_, "down", Some(n)) if n + 1 < self.actions.len() => return Some(self.swap(n, n + 1)),
            _ => {}
        }
        None
    }

    fn swap(&mut self, from: usize, to: usize) -> String {
        self.actions.swap(from, to);
        let way = if to < from { "up" } else { "down" };
        format!("Action {} moved {way}, now {} of {}", from + 1, to + 1, self.actions.len())
    }
}
