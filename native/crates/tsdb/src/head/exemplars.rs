//! The newest exemplars of a tenant, in a ring.
//!
//! Source: Prometheus `tsdb/exemplar.go`.

use hashbrown::HashMap;
use neocortex_model::sample::Exemplar;

use super::label_sets::SeriesId;

/// Characters that the labels of an exemplar may have together.
const MAX_LABEL_CHARS: usize = 128;

/// The most slots that are reserved before there is something to put in them.
const MAX_RESERVED: usize = 1024;

/// What is to be done with an exemplar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Take,
    /// Same as the newest of its series: nothing is to be done, and that is no error.
    Duplicate,
    OutOfOrder,
    LabelsTooLong,
}

struct Entry {
    series: SeriesId,
    exemplar: Exemplar,
    /// Slot of the next newer exemplar of the series.
    next: Option<usize>,
}

#[derive(Clone, Copy)]
struct Chain {
    oldest: usize,
    newest: usize,
}

/// A ring of exemplars; a new one takes the place of the oldest when it is full.
pub(crate) struct ExemplarRing {
    capacity: usize,
    /// Grows up to the capacity, then is written round and round from `next`.
    entries: Vec<Entry>,
    next: usize,
    chains: HashMap<SeriesId, Chain>,
}

impl ExemplarRing {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, entries: Vec::with_capacity(capacity.min(MAX_RESERVED)), next: 0, chains: HashMap::new() }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Number of series that have exemplars here.
    pub(crate) fn series(&self) -> usize {
        self.chains.len()
    }

    /// Time of the exemplar that came first of those that are here.
    pub(crate) fn oldest_t(&self) -> Option<i64> {
        self.in_order().next().map(|(_, exemplar)| exemplar.t)
    }

    /// What [`Self::add`] would do with an exemplar.
    pub(crate) fn check(&self, series: SeriesId, exemplar: &Exemplar) -> Verdict {
        let newest = self.chains.get(&series).map(|chain| &self.entries[chain.newest].exemplar);
        check(newest, exemplar)
    }

    /// Adds an exemplar unless [`Self::check`] objects; the ring must have a capacity.
    pub(crate) fn add(&mut self, series: SeriesId, exemplar: Exemplar) -> Verdict {
        let verdict = self.check(series, &exemplar);
        if verdict != Verdict::Take || self.capacity == 0 {
            return verdict;
        }
        let slot = self.next;
        self.next = (self.next + 1) % self.capacity;
        if slot < self.entries.len() {
            self.unlink_oldest(slot);
        }
        let entry = Entry { series, exemplar, next: None };
        if slot < self.entries.len() {
            self.entries[slot] = entry
        } else {
            self.entries.push(entry)
        }
        match self.chains.get_mut(&series) {
            Some(chain) => {
                let before = std::mem::replace(&mut chain.newest, slot);
                self.entries[before].next = Some(slot);
            }
            None => {
                self.chains.insert(series, Chain { oldest: slot, newest: slot });
            }
        }
        Verdict::Take
    }

    /// Changes the capacity; the newest that fit are kept.
    pub(crate) fn resize(&mut self, capacity: usize) {
        if capacity == self.capacity {
            return;
        }
        let full = self.entries.len() == self.capacity;
        let mut entries = std::mem::take(&mut self.entries);
        if full {
            entries.rotate_left(self.next);
        }
        let surplus = entries.len().saturating_sub(capacity);
        *self = Self::new(capacity);
        for entry in entries.into_iter().skip(surplus) {
            self.add(entry.series, entry.exemplar);
        }
    }

    /// Forgets the exemplars of series that are gone.
    pub(crate) fn forget(&mut self, is_gone: impl Fn(SeriesId) -> bool) {
        if !self.chains.keys().any(|series| is_gone(*series)) {
            return;
        }
        let mut entries = std::mem::take(&mut self.entries);
        if entries.len() == self.capacity {
            entries.rotate_left(self.next);
        }
        *self = Self::new(self.capacity);
        for entry in entries.into_iter().filter(|entry| !is_gone(entry.series)) {
            self.add(entry.series, entry.exemplar);
        }
    }

    /// All exemplars with their series, in the order in which they came.
    pub(super) fn in_order(&self) -> impl Iterator<Item = (SeriesId, &Exemplar)> {
        let oldest = if self.entries.len() == self.capacity { self.next } else { 0 };
        let (newer, older) = self.entries.split_at(oldest);
        older.iter().chain(newer).map(|entry| (entry.series, &entry.exemplar))
    }

    /// The exemplars with `mint <= t <= maxt` by series, each series' ascending; series in no order.
    pub(crate) fn select(&self, mint: i64, maxt: i64) -> Vec<(SeriesId, Vec<Exemplar>)> {
        let mut found = Vec::new();
        for (series, chain) in &self.chains {
            let mut exemplars = Vec::new();
            let mut slot = Some(chain.oldest);
            while let Some(entry) = slot.map(|slot| &self.entries[slot]) {
                if (mint..=maxt).contains(&entry.exemplar.t) {
                    exemplars.push(entry.exemplar.clone());
                }
                slot = entry.next;
            }
            if !exemplars.is_empty() {
                found.push((*series, exemplars));
            }
        }
        found
    }

    /// Takes the exemplar in `slot`, the oldest of all and so of its series, out of its series' chain.
    fn unlink_oldest(&mut self, slot: usize) {
        let Entry { series, next, .. } = &self.entries[slot];
        match next {
            Some(next) => {
                if let Some(chain) = self.chains.get_mut(series) {
                    chain.oldest = *next;
                }
            }
            None => {
                self.chains.remove(series);
            }
        }
    }
}

/// Judges an exemplar by the newest one of its series.
pub(crate) fn check(newest: Option<&Exemplar>, exemplar: &Exemplar) -> Verdict {
    let chars: usize = exemplar.labels.iter().map(|(n, v)| n.chars().count() + v.chars().count()).sum();
    if chars > MAX_LABEL_CHARS {
        return Verdict::LabelsTooLong;
    }
    let Some(newest) = newest else { return Verdict::Take };
    let same_time = exemplar.t == newest.t;
    if same_time && exemplar.v == newest.v && exemplar.labels == newest.labels {
        return Verdict::Duplicate;
    }
    let older = exemplar.t < newest.t
        || (same_time && exemplar.v < newest.v)
        || (same_time && exemplar.v == newest.v && exemplar.labels.hash64() < newest.labels.hash64());
    if older { Verdict::OutOfOrder } else { Verdict::Take }
}

#[cfg(test)]
mod tests {
    use neocortex_model::labels::Labels;

    use super::*;

    fn exemplar(t: i64, v: f64) -> Exemplar {
        Exemplar { labels: Labels::from_pairs([("trace_id", format!("{t}-{v}"))]), v, t }
    }

    fn times(ring: &ExemplarRing) -> Vec<(SeriesId, Vec<i64>)> {
        let mut found: Vec<_> = ring
            .select(i64::MIN, i64::MAX)
            .into_iter()
            .map(|(id, all)| (id, all.iter().map(|e| e.t).collect::<Vec<_>>()))
            .collect();
        found.sort();
        found
    }

    #[test]
    fn the_oldest_make_room() {
        let mut ring = ExemplarRing::new(3);
        for (series, t) in [(1, 10), (2, 5), (1, 20), (1, 30)] {
            assert_eq!(ring.add(series, exemplar(t, 1.0)), Verdict::Take);
        }
        assert_eq!(times(&ring), [(1, vec![20, 30]), (2, vec![5])]);
        ring.add(3, exemplar(1, 1.0));
        assert_eq!(times(&ring), [(1, vec![20, 30]), (3, vec![1])]);
        assert_eq!(ring.len(), 3);
    }

    #[test]
    fn a_series_may_replace_its_own_only_exemplar() {
        let mut ring = ExemplarRing::new(1);
        ring.add(1, exemplar(10, 1.0));
        ring.add(1, exemplar(20, 1.0));
        assert_eq!(times(&ring), [(1, vec![20])]);
    }

    #[test]
    fn verdicts() {
        let mut ring = ExemplarRing::new(10);
        ring.add(1, exemplar(10, 1.0));
        assert_eq!(ring.check(1, &exemplar(10, 1.0)), Verdict::Duplicate);
        assert_eq!(ring.check(1, &exemplar(9, 1.0)), Verdict::OutOfOrder);
        assert_eq!(ring.check(1, &exemplar(10, 0.5)), Verdict::OutOfOrder);
        assert_eq!(ring.check(1, &exemplar(10, 2.0)), Verdict::Take);
        let long = Exemplar { labels: Labels::from_pairs([("a", "é".repeat(128))]), v: 0.0, t: 11 };
        assert_eq!(ring.check(1, &long), Verdict::LabelsTooLong);
        let fits = Exemplar { labels: Labels::from_pairs([("a", "é".repeat(127))]), v: 0.0, t: 11 };
        assert_eq!(ring.check(1, &fits), Verdict::Take);
    }

    #[test]
    fn resizing_keeps_the_newest() {
        for (old, new, kept) in [(4, 2, vec![4, 5]), (4, 8, vec![2, 3, 4, 5]), (8, 3, vec![3, 4, 5]), (4, 0, vec![])] {
            let mut ring = ExemplarRing::new(old);
            for t in 1..=5 {
                ring.add(1, exemplar(t, 1.0));
            }
            ring.resize(new);
            let found: Vec<i64> = times(&ring).into_iter().flat_map(|(_, t)| t).collect();
            assert_eq!(found, kept, "{old} to {new}");
        }
    }
}
