//! Which tickets a list shows, and in which order (tickets 4.2).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Priority, Status};

/// Whose work is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Assigned {
    /// Nobody's.
    Nobody,
    /// One person's.
    Person(i64),
}

impl Assigned {
    /// `me`, `none` or an id; `me` of a machine is nobody in particular and finds nothing.
    pub fn parse(text: &str, me: Option<i64>) -> Result<Self, &'static str> {
        match text.trim() {
            "none" => Ok(Self::Nobody),
            "me" => Ok(Self::Person(me.unwrap_or(0))),
            id => id.parse().ok().filter(|id| *id >= 1).map(Self::Person).ok_or("Enter me, none or an ID"),
        }
    }
}

/// What lists sort by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Sort {
    /// Last change.
    #[default]
    Updated,
    /// Age.
    Created,
    /// Rank, not alphabet.
    Priority,
    /// Word.
    Status,
    /// Number.
    Id,
}

impl Sort {
    /// As addresses name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Updated => "updated_at",
            Self::Created => "created_at",
            Self::Priority => "priority",
            Self::Status => "status",
            Self::Id => "id",
        }
    }

    /// Reads what was sent; `updated` and `created` are fine.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        match text.trim() {
            "updated_at" | "updated" => Ok(Self::Updated),
            "created_at" | "created" => Ok(Self::Created),
            "priority" => Ok(Self::Priority),
            "status" => Ok(Self::Status),
            "id" => Ok(Self::Id),
            _ => Err("Choose updated_at, created_at, priority, status or id"),
        }
    }
}

/// Which tickets, in which order.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TicketFilter {
    /// Any of these; empty means all.
    pub statuses: Vec<Status>,
    /// Any of these; empty means all.
    pub priorities: Vec<Priority>,
    /// Filed under a module.
    pub module_slug: Option<String>,
    /// Any of these; empty means all.
    pub companies: Vec<i64>,
    /// Whose work.
    pub assigned: Option<Assigned>,
    /// Who asked.
    pub requester: Option<i64>,
    /// The customer spoke last, or nobody has answered yet.
    pub waits_for_us: bool,
    /// Any of these; empty means all.
    pub tags: Vec<String>,
    /// Words or a number.
    pub search: Option<String>,
    /// Changed at or after.
    pub updated_since: Option<DateTime<Utc>>,
    /// Raised at or after.
    pub created_from: Option<DateTime<Utc>>,
    /// Raised at or before.
    pub created_to: Option<DateTime<Utc>>,
    /// What it is sorted by.
    pub sort: Sort,
    /// Smallest first.
    pub is_ascending: bool,
}

impl TicketFilter {
    /// The same without what only the desk may filter by.
    #[must_use]
    pub fn for_requester(self) -> Self {
        Self { module_slug: None, companies: Vec::new(), assigned: None, requester: None, tags: Vec::new(), ..self }
    }

    /// The same as filters of at most one status and one priority each.
    pub fn runs(&self) -> Vec<Self> {
        let narrowed = |filter: &Self, status: Option<Status>, priority: Option<Priority>| Self {
            statuses: status.into_iter().collect(),
            priorities: priority.into_iter().collect(),
            ..filter.clone()
        };
        let statuses = one_by_one(&self.statuses);
        let priorities = one_by_one(&self.priorities);
        statuses
            .iter()
            .flat_map(|status| priorities.iter().map(|priority| narrowed(self, *status, *priority)))
            .collect()
    }
}

/// Each of what is asked for, or nothing once.
fn one_by_one<T: Copy>(all: &[T]) -> Vec<Option<T>> {
    if all.is_empty() { vec![None] } else { all.iter().copied().map(Some).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_falls_into_runs_of_one_status_and_one_priority() {
        assert_eq!(TicketFilter::default().runs().len(), 1);
        let filter = TicketFilter {
            statuses: vec![Status::Open, Status::Pending],
            priorities: vec![Priority::High, Priority::Urgent],
            ..TicketFilter::default()
        };
        let runs: Vec<_> = filter.runs().iter().map(|run| (run.statuses[0], run.priorities[0])).collect();
        assert_eq!(runs[1], (Status::Open, Priority::Urgent));
        assert_eq!((runs.len(), runs[2]), (4, (Status::Pending, Priority::High)));
    }

    #[test]
    fn assignees_are_me_none_or_an_id() {
        assert_eq!(Assigned::parse("me", Some(4)), Ok(Assigned::Person(4)));
        assert_eq!(Assigned::parse("none", Some(4)), Ok(Assigned::Nobody));
        assert_eq!(Assigned::parse("8", None), Ok(Assigned::Person(8)));
        assert_eq!(Assigned::parse("me", None), Ok(Assigned::Person(0)));
        for bad in ["", "0", "-1", "you", "1 OR 1=1"] {
            assert!(Assigned::parse(bad, Some(4)).is_err(), "{bad}");
        }
    }
}
