//! What a caller may reach. Every read of the store takes a scope, and only callers make one.

use shared::audit::Change;
use shared::caller::{Actor, Person};
use shared::context::By;
use shared::db::{Sql, sql};

/// The tickets that a caller may reach, and whether the desk's side of them shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    reach: Reach,
    sees_desk: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    All,
    Company(i64),
    Own(i64),
}

impl Scope {
    /// The scope of whoever stands behind the request. Keys that are limited to a company see its
    /// tickets as customers do: such keys are given away.
    pub fn of(by: &By) -> Self {
        match by.actor() {
            Actor::Person(person) => Self::of_person(person),
            Actor::Key(key) => match key.company_id {
                None => Self { reach: Reach::All, sees_desk: true },
                Some(company) => Self { reach: Reach::Company(company), sees_desk: false },
            },
            // No row has this requester.
            Actor::Nobody => Self { reach: Reach::Own(0), sees_desk: false },
        }
    }

    /// Every ticket, for what the product itself reads after a change by somebody who was checked.
    pub fn everywhere() -> Self {
        Self { reach: Reach::All, sees_desk: true }
    }

    /// Every ticket without the desk's side of it, for machines that were not trusted with notes.
    pub fn everywhere_in_public() -> Self {
        Self { reach: Reach::All, sees_desk: false }
    }

    /// The scope of a requester, for sample pages.
    pub fn sample_own() -> Self {
        Self { reach: Reach::Own(1), sees_desk: false }
    }

    fn of_person(person: &Person) -> Self {
        if person.is_technician {
            Self { reach: Reach::All, sees_desk: true }
        } else {
            Self { reach: Reach::Own(person.id()), sees_desk: false }
        }
    }

    /// Internal notes, watchers, activity and AI fields show.
    pub fn sees_desk(self) -> bool {
        self.sees_desk
    }

    /// Only own tickets are reached.
    pub fn is_own(self) -> bool {
        matches!(self.reach, Reach::Own(_))
    }

    /// The one company that is reached, if there is such a limit.
    pub fn company(self) -> Option<i64> {
        match self.reach {
            Reach::Company(id) => Some(id),
            Reach::All | Reach::Own(_) => None,
        }
    }

    /// An index other than that of the whole list leads to what is reached.
    pub fn is_led(self) -> bool {
        self.reach != Reach::All
    }

    /// The condition on `tickets t`.
    pub fn condition(self) -> Sql {
        match self.reach {
            Reach::All => sql(""),
            Reach::Company(id) => sql(" AND t.company_id = ?").bind(id),
            Reach::Own(id) => sql(" AND t.requester_id = ?").bind(id),
        }
    }
}

/// Who acts, as activity and replies name them.
#[derive(Debug, Clone)]
pub struct Doer {
    /// The person; none for keys.
    pub id: Option<i64>,
    /// The name at the time.
    pub label: String,
    /// Works at the desk, or acts under its rules as keys do.
    pub is_desk: bool,
    /// `portal`, `api`, `mcp`, `automation`, `syncro`.
    pub source: &'static str,
}

impl Doer {
    /// Names in the audit trail who acts, where neither a person nor a key stands behind the request.
    pub fn named(&self, line: Change) -> Change {
        match self.source {
            "portal" | "api" => line,
            _ => line.meta("actor", self.label.clone()).meta("source", self.source),
        }
    }
}

impl Doer {
    /// Whoever stands behind the request.
    pub fn of(by: &By) -> Self {
        let source = if by.request().wants_page() { "portal" } else { "api" };
        match by.actor() {
            Actor::Person(person) => {
                Self { id: Some(person.id()), label: person.user.name(), is_desk: person.is_technician, source }
            }
            Actor::Key(key) => Self { id: None, label: format!("API key {}", key.preview), is_desk: true, source },
            Actor::Nobody => Self { id: None, label: "Unknown".to_owned(), is_desk: false, source },
        }
    }
}
