//! The places of a worker: which of the jobs that wait may join those that run.

use std::collections::{BTreeMap, BTreeSet};

use super::Jobs;

/// Fills the free places with jobs that are offered in the order of their turn.
#[derive(Debug, Clone)]
pub(super) struct Choice<'a> {
    jobs: &'a Jobs,
    places: usize,
    free: usize,
    /// How many may be taken beyond the free places.
    ahead: usize,
    /// Jobs that run here: one whose claim was lost may be waiting again.
    running: BTreeSet<i64>,
    /// How many run or were chosen, by kind.
    counts: BTreeMap<String, usize>,
    chosen: Vec<i64>,
}

impl<'a> Choice<'a> {
    /// For a worker with so many places, of which `free` are free; `running` are its jobs and their kinds.
    pub fn new<'r>(jobs: &'a Jobs, places: usize, free: usize, running: impl Iterator<Item = (i64, &'r str)>) -> Self {
        let mut choice = Self {
            jobs,
            places,
            free,
            ahead: 0,
            running: BTreeSet::new(),
            counts: BTreeMap::new(),
            chosen: Vec::new(),
        };
        for (id, kind) in running {
            choice.running.insert(id);
            *choice.counts.entry(kind.to_owned()).or_default() += 1;
        }
        choice
    }

    /// Takes so many beyond the free places, of kinds that have no limit of their own.
    pub fn ahead(mut self, ahead: usize) -> Self {
        self.ahead = ahead;
        self
    }

    /// How many more may be taken.
    pub fn left(&self) -> usize {
        (self.free + self.ahead).saturating_sub(self.chosen.len())
    }

    fn most(&self, kind: &str) -> usize {
        let ahead = if self.jobs.is_limited(kind) { 0 } else { self.ahead };
        self.jobs.most(kind, self.places) + ahead
    }

    /// Kinds of which no more may begin.
    pub fn full_kinds(&self) -> Vec<String> {
        let is_full = |(kind, count): &(&String, &usize)| **count >= self.most(kind);
        self.counts.iter().filter(is_full).map(|(kind, _)| kind.clone()).collect()
    }

    /// Takes the job if it may begin.
    pub fn offer(&mut self, id: i64, kind: String) {
        let (most, left) = (self.most(&kind), self.left());
        let count = self.counts.entry(kind).or_default();
        if left > 0 && *count < most && !self.running.contains(&id) {
            *count += 1;
            self.chosen.push(id);
        }
    }

    /// The jobs that were taken.
    pub fn chosen(self) -> Vec<i64> {
        self.chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_kind_takes_more_than_its_share() {
        let jobs = Jobs::none().at_most("alone", 1);
        let mut choice = Choice::new(&jobs, 8, 7, [(1, "alone")].into_iter());
        assert_eq!(choice.full_kinds(), ["alone"]);
        choice.offer(2, "alone".to_owned());
        (10..20).for_each(|id| choice.offer(id, "mail".to_owned()));
        assert_eq!(choice.full_kinds(), ["alone", "mail"]);
        assert_eq!(choice.left(), 3);
        choice.offer(30, "other".to_owned());
        assert_eq!(choice.chosen(), [10, 11, 12, 13, 30], "half of the places for a kind");
    }

    #[test]
    fn quick_jobs_are_claimed_ahead_but_not_those_that_run_alone() {
        let jobs = Jobs::none().at_most("alone", 1);
        let mut choice = Choice::new(&jobs, 8, 8, std::iter::empty()).ahead(10);
        (0..5).for_each(|id| choice.offer(id, "alone".to_owned()));
        (10..40).for_each(|id| choice.offer(id, "mail".to_owned()));
        assert_eq!(choice.chosen().len(), 1 + 4 + 10);
    }

    #[test]
    fn one_place_is_enough_for_every_kind() {
        let jobs = Jobs::none();
        let mut choice = Choice::new(&jobs, 1, 1, std::iter::empty());
        choice.offer(5, "any".to_owned());
        choice.offer(6, "any".to_owned());
        assert_eq!(choice.chosen(), [5]);
        let mut choice = Choice::new(&jobs, 8, 8, [(5, "any")].into_iter());
        choice.offer(5, "any".to_owned());
        assert!(choice.chosen().is_empty(), "it runs here although its claim was lost");
    }
}
