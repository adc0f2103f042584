//! Where a ticket stands in the list it was opened from: the way back, the one before, the one after.

use serde::Serialize;
use shared::context::By;
use shared::error::Result;

use super::filter::ListState;
use crate::scope::Scope;
use crate::store::{self, Plan};

/// The list around a ticket.
#[derive(Debug, Default, Serialize)]
pub(super) struct Place {
    /// The list.
    back: String,
    previous: Option<String>,
    next: Option<String>,
    /// Goes behind the addresses of forms, so that the place is not lost.
    pub(super) suffix: String,
}

impl Place {
    /// Reads the neighbours. A search is not walked: it would be searched again for every ticket.
    pub(super) async fn find(by: &By, scope: Scope, state: &ListState, id: i64, with_neighbours: bool) -> Result<Self> {
        let mut place = Self { back: state.address(&[], &[]), suffix: state.suffix(), ..Self::default() };
        let Some(n) = state.number.filter(|_| with_neighbours && state.filter.search.is_none()) else {
            return Ok(place);
        };
        let first = (n - 2).max(0);
        let lines = store::page(scope, by.db(), &state.filter, Plan::List, (3, first)).await?;
        let Some(at) = lines.iter().position(|line| line.id == id) else { return Ok(place) };
        let number = |index: usize| first + i64::try_from(index).unwrap_or(0) + 1;
        let link = |index: usize| lines.get(index).map(|line| state.ticket(line.id, number(index)));
        place.previous = at.checked_sub(1).and_then(link);
        place.next = link(at + 1);
        Ok(place)
    }

    /// In the middle of a list, for sample pages.
    pub(super) fn sample() -> Self {
        Self {
            back: "/tickets?state=open".to_owned(),
            previous: Some("/tickets/10433?state=open&n=1".to_owned()),
            next: None,
            suffix: "?state=open&n=2".to_owned(),
        }
    }

    /// Without a list.
    pub(super) fn none() -> Self {
        Self { back: "/tickets".to_owned(), ..Self::default() }
    }
}
