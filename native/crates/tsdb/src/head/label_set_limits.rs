//! Limits on the series that carry certain labels: `limits_per_label_set`.
//!
//! Source: Cortex `pkg/util/validation/limits.go` (`LimitsPerLabelSetsForSeries`) and `pkg/ingester/user_state.go`
//! (`labelSetCounter`). Cortex keeps counters that it has to bring up to date when limits change; the postings know the
//! counts at any time.

use neocortex_model::labels::Labels;

use super::label_sets::SeriesId;
use super::limits::{Limit, LimitExceeded, LimitScope};
use super::store::Store;
use crate::postings::ops::{intersect, union};

/// A limit on the series that have all of some labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelSetLimit {
    /// The labels. None at all stands for the series that no other label set of the tenant matches.
    pub labels: Labels,
    /// How many series.
    pub limit: Limit,
}

impl LabelSetLimit {
    fn is_default(&self) -> bool {
        self.labels.is_empty()
    }

    fn matches(&self, series: &Labels) -> bool {
        self.labels.iter().all(|(name, value)| series.get(name).unwrap_or("") == value)
    }
}

/// Places of the limits that a series counts for.
fn places_for(limits: &[LabelSetLimit], series: &Labels) -> Vec<usize> {
    let explicit = |(_, limit): &(usize, &LabelSetLimit)| !limit.is_default() && limit.matches(series);
    let found: Vec<usize> = limits.iter().enumerate().filter(explicit).map(|(place, _)| place).collect();
    if found.is_empty() { limits.iter().position(LabelSetLimit::is_default).into_iter().collect() } else { found }
}

/// Series of a request per label set: those that are there are counted once, when first asked for.
pub(super) struct LabelSetCounts<'a> {
    limits: &'a [LabelSetLimit],
    stored: Vec<Option<u64>>,
    planned: Vec<u64>,
}

impl<'a> LabelSetCounts<'a> {
    pub(super) fn new(limits: &'a [LabelSetLimit]) -> Self {
        Self { limits, stored: vec![None; limits.len()], planned: vec![0; limits.len()] }
    }

    /// Says whether one more series fits.
    pub(super) fn check(&mut self, store: &Store, series: &Labels) -> Result<(), LimitExceeded> {
        for place in places_for(self.limits, series) {
            let limit = &self.limits[place];
            let stored = *self.stored[place].get_or_insert_with(|| store.label_set_series(self.limits, place));
            if stored + self.planned[place] >= limit.limit.actual {
                let scope = LimitScope::LabelSet(limit.labels.clone());
                return Err(LimitExceeded { scope, limit: limit.limit, admin_message: String::new() });
            }
        }
        Ok(())
    }

    /// Counts a series that the request is going to create.
    pub(super) fn plan(&mut self, series: &Labels) {
        for place in places_for(self.limits, series) {
            self.planned[place] += 1;
        }
    }
}

impl Store {
    /// Number of series that count for one of the limits.
    pub(super) fn label_set_series(&self, limits: &[LabelSetLimit], place: usize) -> u64 {
        if !limits[place].is_default() {
            return self.with_labels(&limits[place].labels).len() as u64;
        }
        let explicit: Vec<Vec<SeriesId>> =
            limits.iter().filter(|limit| !limit.is_default()).map(|limit| self.with_labels(&limit.labels)).collect();
        (self.len() - union(explicit.iter().map(Vec::as_slice)).len()) as u64
    }

    /// The series that have all labels, ascending.
    fn with_labels(&self, labels: &Labels) -> Vec<SeriesId> {
        let mut lists: Vec<&[SeriesId]> = labels.iter().map(|(name, value)| self.list(name, value)).collect();
        lists.sort_unstable_by_key(|list| list.len());
        let mut lists = lists.into_iter();
        let first = lists.next().unwrap_or(&[]);
        let there = first.iter().copied().filter(|id| self.get(*id).is_some()).collect();
        lists.fold(there, |found: Vec<SeriesId>, list| intersect(&found, list))
    }
}
