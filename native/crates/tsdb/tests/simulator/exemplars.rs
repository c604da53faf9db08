//! What is promised of exemplars.
//!
//! An exemplar that was taken is shown until as many others came after it as are kept; the log has it, so that the death
//! of the process changes nothing. A compaction may take the series of an exemplar with it. The series may come back, and
//! take exemplars older than those, of which a start may find the newer ones in the log: then it passes over the others.

use std::collections::{BTreeSet, VecDeque};

use crate::write::{SeriesNumber, Value, Write, has_exemplar};

/// An exemplar: its series, its time, its value.
pub type ExemplarKey = (SeriesNumber, i64, Value);

/// The exemplars that were sent.
pub struct ExemplarModel {
    /// How many are kept.
    most: usize,
    sent: BTreeSet<ExemplarKey>,
    /// Those that must be there, oldest first.
    kept: VecDeque<ExemplarKey>,
    /// The last request was sent for the first time.
    is_new: bool,
    /// The medium lies: exemplars may be missing.
    damaged: bool,
}

impl ExemplarModel {
    pub fn new(most: usize, damaged: bool) -> Self {
        Self { most, sent: BTreeSet::new(), kept: VecDeque::new(), is_new: true, damaged }
    }

    /// A request is sent.
    pub fn send(&mut self, writes: &[Write]) {
        self.is_new = exemplars_of(writes).all(|key| !self.sent.contains(&key));
        self.sent.extend(exemplars_of(writes));
    }

    /// The request was answered, so many of its exemplars being taken, after which these are shown.
    pub fn acknowledge(&mut self, writes: &[Write], taken: usize, shown: &[ExemplarKey]) -> Result<(), String> {
        if !self.is_new {
            // Some may be there from the first time, in whatever place.
            self.doubt();
            return self.check(shown);
        }
        let there: Vec<ExemplarKey> = exemplars_of(writes).filter(|key| shown.contains(key)).collect();
        if there.len() < taken.min(self.most) {
            return Err(format!("{taken} exemplars of a request were taken, {} are there", there.len()));
        }
        for key in there {
            // Others of its series may have come before it that are newer.
            if self.sent.range((key.0, key.1 + 1, 0)..(key.0 + 1, i64::MIN, 0)).next().is_some() {
                self.kept.clear();
            } else {
                self.kept.push_back(key);
            }
        }
        self.kept.drain(..self.kept.len().saturating_sub(self.most));
        self.check(shown)
    }

    /// Which ones there are is not known any more.
    pub fn doubt(&mut self) {
        self.kept.clear();
    }

    /// All exemplars that a database shows, by series, each series' in the order of time.
    pub fn check(&self, shown: &[ExemplarKey]) -> Result<(), String> {
        if shown.len() > self.most {
            return Err(format!("{} exemplars are shown, {} are kept", shown.len(), self.most));
        }
        if shown.windows(2).any(|pair| pair[0].0 == pair[1].0 && pair[0].1 > pair[1].1) {
            return Err(format!("exemplars that do not ascend: {shown:?}"));
        }
        if let Some(invented) = shown.iter().find(|key| !self.sent.contains(key)) {
            return Err(format!("invented: exemplar {invented:?}"));
        }
        match self.kept.iter().find(|key| !shown.contains(key)) {
            Some(lost) if !self.damaged => Err(format!("lost: exemplar {lost:?}")),
            _ => Ok(()),
        }
    }
}

fn exemplars_of(writes: &[Write]) -> impl Iterator<Item = ExemplarKey> {
    let with = writes.iter().filter(|write| has_exemplar(write.series));
    with.map(|write| (write.series, write.t, write.value))
}
