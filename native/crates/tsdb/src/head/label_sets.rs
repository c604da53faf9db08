//! The label sets of all series, as pairs of symbols, and the way from a label set to its series.

use hashbrown::HashTable;
use neocortex_model::labels::Labels;

use super::arena::{Arena, Place};
use super::by_series::BySeries;
use super::keyed_hash::KeyedHash;
use super::symbols::{Symbol, Symbols};

/// A label as symbols of its name and its value.
pub(crate) type Pair = (Symbol, Symbol);

/// Number of a series within a tenant's head: the first that was created since the head was opened has 0.
pub(crate) type SeriesId = u32;

/// The label sets of the series, by series number.
pub(crate) struct LabelSets {
    pairs: Arena<Pair>,
    places: BySeries<Place>,
    by_pairs: HashTable<SeriesId>,
    hasher: KeyedHash,
}

impl LabelSets {
    pub(crate) fn new() -> Self {
        Self { pairs: Arena::new(), places: BySeries::new(), by_pairs: HashTable::new(), hasher: KeyedHash::new() }
    }

    /// The series, ascending.
    pub(crate) fn ids(&self) -> impl Iterator<Item = SeriesId> {
        self.places.ids(0, SeriesId::MAX)
    }

    /// The labels of a series, in the order of their names' text; none of a series that is gone.
    pub(crate) fn pairs(&self, id: SeriesId) -> &[Pair] {
        pairs_of(&self.pairs, &self.places, id)
    }

    /// The value of a label of a series.
    pub(crate) fn value(&self, id: SeriesId, name: Symbol) -> Option<Symbol> {
        self.pairs(id).iter().find(|(n, _)| *n == name).map(|(_, value)| *value)
    }

    /// The labels of a series as text.
    pub(crate) fn labels(&self, id: SeriesId, symbols: &Symbols) -> Labels {
        let pairs: Vec<(&str, &str)> =
            self.pairs(id).iter().map(|(name, value)| (symbols.text(*name), symbols.text(*value))).collect();
        Labels::from_sorted(&pairs)
    }

    /// The series with these labels.
    pub(crate) fn find(&self, labels: &Labels, symbols: &Symbols) -> Option<SeriesId> {
        let mut pairs = Vec::with_capacity(16);
        for (name, value) in labels {
            pairs.push((symbols.find(name)?, symbols.find(value)?));
        }
        let hash = self.hasher.pairs(&pairs);
        self.by_pairs.find(hash, |id| self.pairs(*id) == pairs).copied()
    }

    /// Adds a label set that is not there yet; gives its series number, the next in sequence.
    pub(crate) fn add(&mut self, labels: &Labels, symbols: &mut Symbols) -> SeriesId {
        let pairs: Vec<Pair> = labels.iter().map(|(n, v)| (symbols.intern(n), symbols.intern(v))).collect();
        let hash = self.hasher.pairs(&pairs);
        let id = self.places.push(self.pairs.store(&pairs));
        let Self { pairs, places, by_pairs, hasher } = self;
        by_pairs.insert_unique(hash, id, |other| hasher.pairs(pairs_of(pairs, places, *other)));
        id
    }

    /// Takes a label set out and gives its labels, whose symbols are still in use.
    pub(super) fn remove(&mut self, id: SeriesId) -> Vec<Pair> {
        let pairs = self.pairs(id).to_vec();
        if let Ok(found) = self.by_pairs.find_entry(self.hasher.pairs(&pairs), |other| *other == id) {
            found.remove();
        }
        if let Some(place) = self.places.remove(id) {
            self.pairs.release(place);
        }
        pairs
    }

    /// Moves a series' labels if they lie scattered.
    pub(super) fn gather(&mut self, id: SeriesId) {
        if let Some(place) = self.places.get_mut(id)
            && self.pairs.is_sparse(*place)
        {
            *place = self.pairs.move_out(*place);
        }
    }

    /// Bytes of pairs, places and table.
    pub(crate) fn bytes(&self) -> usize {
        self.pairs.bytes() + self.places.bytes() + self.by_pairs.allocation_size()
    }
}

fn pairs_of<'a>(pairs: &'a Arena<Pair>, places: &BySeries<Place>, id: SeriesId) -> &'a [Pair] {
    places.get(id).map_or(&[], |place| pairs.get(*place))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(i: usize) -> Labels {
        Labels::from_pairs([
            ("__name__", "up".to_owned()),
            ("instance", format!("host-{i}")),
            ("job", "node".to_owned()),
        ])
    }

    #[test]
    fn finds_what_was_added_and_nothing_else() {
        let (mut sets, mut symbols) = (LabelSets::new(), Symbols::new());
        for i in 0..3000 {
            assert_eq!(sets.find(&labels(i), &symbols), None);
            assert_eq!(sets.add(&labels(i), &mut symbols) as usize, i);
        }
        for i in 0..3000 {
            assert_eq!(sets.find(&labels(i), &symbols), Some(i as SeriesId));
            assert_eq!(sets.labels(i as SeriesId, &symbols), labels(i));
        }
        let part = labels(7).without(&["job"]);
        assert_eq!(sets.find(&part, &symbols), None);
        let (job, instance) = (symbols.find("job"), symbols.find("host-9"));
        assert_eq!(sets.value(9, job.unwrap()), symbols.find("node"));
        assert_eq!(sets.value(9, instance.unwrap()), None, "a value is no name");
    }
}
