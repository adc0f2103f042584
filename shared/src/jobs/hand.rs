//! Jobs that a worker has claimed and not begun: of quick jobs it claims many at once, so that the claim
//! costs each of them little. Of slow ones it claims no more than it can begin.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::rows::Row;

/// A claim whose jobs were all begun within this time was of quick ones.
const QUICK: Duration = Duration::from_millis(250);

/// What has not begun by then goes back: somebody else may have a free place.
const HELD: Duration = Duration::from_secs(1);

/// Jobs claimed beyond the free places.
const MOST: usize = 56;

#[derive(Debug)]
pub(super) struct Hand {
    rows: VecDeque<Row>,
    since: Instant,
    ahead: usize,
    may_grow: bool,
}

impl Hand {
    /// An empty hand; a worker with one place takes one job at a time.
    pub fn new(places: usize) -> Self {
        Self { rows: VecDeque::new(), since: Instant::now(), ahead: 0, may_grow: places > 1 }
    }

    /// How many jobs may be claimed beyond the free places.
    pub fn ahead(&self) -> usize {
        self.ahead
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Takes what was claimed.
    pub fn fill(&mut self, rows: Vec<Row>) {
        self.since = Instant::now();
        self.rows = rows.into();
    }

    /// The next job that `may` begin.
    pub fn next(&mut self, may: impl Fn(&str) -> bool) -> Option<Row> {
        let at = self.rows.iter().position(|row| may(&row.kind))?;
        let row = self.rows.remove(at);
        if self.rows.is_empty() {
            let is_quick = self.may_grow && self.since.elapsed() < QUICK;
            self.ahead = if is_quick { (self.ahead * 2 + 4).min(MOST) } else { 0 };
        }
        row
    }

    /// When what is left goes back; none when nothing is.
    pub fn until(&self) -> Option<Instant> {
        (!self.rows.is_empty()).then(|| self.since + HELD)
    }

    /// Lays down what is left.
    pub fn lay_down(&mut self) -> Vec<i64> {
        self.ahead = 0;
        self.rows.drain(..).map(|row| row.id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(kinds: &[&str]) -> Vec<Row> {
        let row = |(id, kind): (usize, &&str)| Row {
            id: i64::try_from(id).unwrap(),
            kind: (*kind).to_owned(),
            payload: String::new(),
            schedule: String::new(),
            attempts: 1,
            max_attempts: 3,
        };
        kinds.iter().enumerate().map(row).collect()
    }

    #[test]
    fn a_hand_grows_while_jobs_are_quick_and_empties_when_they_are_not() {
        let mut hand = Hand::new(8);
        assert_eq!((hand.ahead(), hand.until()), (0, None));
        hand.fill(rows(&["a", "a"]));
        assert!(hand.next(|_| true).is_some() && hand.next(|_| true).is_some() && hand.next(|_| true).is_none());
        assert_eq!(hand.ahead(), 4);
        hand.fill(rows(&["a", "b"]));
        assert_eq!(hand.next(|kind| kind == "b").map(|row| row.id), Some(1));
        assert!(hand.next(|kind| kind == "b").is_none() && hand.until().is_some());
        assert_eq!((hand.lay_down(), hand.ahead()), (vec![0], 0));
    }

    #[test]
    fn one_place_means_one_job() {
        let mut hand = Hand::new(1);
        hand.fill(rows(&["a"]));
        assert!(hand.next(|_| true).is_some());
        assert_eq!(hand.ahead(), 0);
    }
}
