//! The label sets of all series, as pairs of symbols, and the way from a label set to its series.

use hashbrown::HashTable;
use neocortex_model::labels::Labels;

use super::keyed_hash::KeyedHash;
use super::symbols::{Symbol, Symbols};

/// Pairs are kept in blocks, so that growing never copies what is already there. A block is as large as all before it,
/// between these bounds: a small tenant stays small.
const MIN_BLOCK_PAIRS: usize = 1 << 7;
const MAX_BLOCK_PAIRS: usize = 1 << 16;

/// A label as symbols of its name and its value.
pub(crate) type Pair = (Symbol, Symbol);

/// Number of a series within a tenant's head.
pub(crate) type SeriesId = u32;

#[derive(Clone, Copy)]
struct Place {
    block: u32,
    start: u32,
    len: u32,
}

/// The label sets of the series, by series number.
pub(crate) struct LabelSets {
    blocks: Vec<Vec<Pair>>,
    places: Vec<Place>,
    by_pairs: HashTable<SeriesId>,
    hasher: KeyedHash,
    block_bytes: usize,
}

impl LabelSets {
    pub(crate) fn new() -> Self {
        Self {
            blocks: Vec::new(),
            places: Vec::new(),
            by_pairs: HashTable::new(),
            hasher: KeyedHash::new(),
            block_bytes: 0,
        }
    }

    /// Number of label sets.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// The labels of a series, in the order of their names' text.
    pub(crate) fn pairs(&self, id: SeriesId) -> &[Pair] {
        pairs_at(&self.blocks, self.places[id as usize])
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
        let id = self.places.len() as SeriesId;
        let hash = self.hasher.pairs(&pairs);
        let place = self.store(&pairs);
        self.places.push(place);
        let Self { blocks, places, by_pairs, hasher, .. } = self;
        by_pairs.insert_unique(hash, id, |other| hasher.pairs(pairs_at(blocks, places[*other as usize])));
        id
    }

    /// Bytes of pairs, places and table.
    pub(crate) fn bytes(&self) -> usize {
        self.block_bytes + self.places.capacity() * size_of::<Place>() + self.by_pairs.allocation_size()
    }

    fn store(&mut self, pairs: &[Pair]) -> Place {
        let fits = self.blocks.last().is_some_and(|block| block.capacity() - block.len() >= pairs.len());
        if !fits {
            let size = (self.block_bytes / size_of::<Pair>()).clamp(MIN_BLOCK_PAIRS, MAX_BLOCK_PAIRS);
            let block = Vec::with_capacity(pairs.len().max(size));
            self.block_bytes += block.capacity() * size_of::<Pair>();
            self.blocks.push(block);
        }
        let index = self.blocks.len() - 1;
        let block = &mut self.blocks[index];
        let start = block.len();
        block.extend_from_slice(pairs);
        Place { block: index as u32, start: start as u32, len: pairs.len() as u32 }
    }
}

fn pairs_at(blocks: &[Vec<Pair>], place: Place) -> &[Pair] {
    &blocks[place.block as usize][place.start as usize..(place.start + place.len) as usize]
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
