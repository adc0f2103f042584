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
    /// One's own everywhere, and everybody's in one company.
    Colleague {
        person: i64,
        company: i64,
    },
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

    /// The scope that somebody has while they are away, from what the database says of them now.
    pub fn of_absent(user_id: i64, is_desk: bool, company: Option<i64>) -> Self {
        match (is_desk, company) {
            (true, _) => Self { reach: Reach::All, sees_desk: true },
            (false, Some(company)) => Self { reach: Reach::Company(company), sees_desk: false },
            (false, None) => Self { reach: Reach::Own(user_id), sees_desk: false },
        }
    }

    /// The scope of a requester, for sample pages.
    pub fn sample_own() -> Self {
        Self { reach: Reach::Own(1), sees_desk: false }
    }

    /// The scope of somebody, also outside a request.
    pub fn of_person(person: &Person) -> Self {
        if person.is_technician {
            Self { reach: Reach::All, sees_desk: true }
        } else if let Some(company) = person.company_tickets() {
            Self { reach: Reach::Colleague { person: person.id(), company }, sees_desk: false }
        } else {
            Self { reach: Reach::Own(person.id()), sees_desk: false }
        }
    }

    /// For a list: one's own tickets, or those of the company where they are wanted and in reach. Each is
    /// one run of one index.
    #[must_use]
    pub fn listed(self, wants_company: bool) -> Self {
        match self.reach {
            Reach::Colleague { company, .. } if wants_company => Self { reach: Reach::Company(company), ..self },
            Reach::Colleague { person, .. } => Self { reach: Reach::Own(person), ..self },
            _ => self,
        }
    }

    /// The company whose people's tickets a person of a customer may read, answer and raise.
    pub fn colleagues(self) -> Option<i64> {
        match self.reach {
            Reach::Colleague { company, .. } => Some(company),
            _ => None,
        }
    }

    /// The scope of somebody who may see the tickets of their company, for sample pages.
    pub fn sample_colleague() -> Self {
        Self { reach: Reach::Colleague { person: 1, company: 1 }, sees_desk: false }
    }

    /// Internal notes, watchers, activity and AI fields show.
    pub fn sees_desk(self) -> bool {
        self.sees_desk
    }

    /// A person of a customer: what only the desk chooses is given.
    pub fn is_own(self) -> bool {
        matches!(self.reach, Reach::Own(_) | Reach::Colleague { .. })
    }

    /// The one company that is reached, if there is such a limit.
    pub fn company(self) -> Option<i64> {
        match self.reach {
            Reach::Company(id) => Some(id),
            Reach::All | Reach::Own(_) | Reach::Colleague { .. } => None,
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
            Reach::Colleague { person, company } => {
                sql(" AND (t.requester_id = ? OR t.company_id = ?)").bind(person).bind(company)
            }
        }
    }
}

impl Scope {
    /// The condition on `tickets t` where one ticket is read: who asked on a ticket that became part of
    /// another goes on reading there.
    pub fn reading(self) -> Sql {
        let (person, own) = match self.reach {
            Reach::All | Reach::Company(_) => return self.condition(),
            Reach::Own(id) => (id, sql(" AND (t.requester_id = ?").bind(id)),
            Reach::Colleague { person, company } => {
                (person, sql(" AND (t.requester_id = ? OR t.company_id = ?").bind(person).bind(company))
            }
        };
        own.push(
            " OR t.id IN (SELECT z.target_id FROM ticket_merges z JOIN tickets o ON o.id = z.ticket_id \
             WHERE o.requester_id = ?))",
        )
        .bind(person)
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
