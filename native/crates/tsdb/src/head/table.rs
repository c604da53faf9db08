//! Known series: from the hash of a label set's bytes, as a sender wrote them, to the series.

use hashbrown::HashTable;
use neocortex_model::rows::{KnownSeries, SeriesKey};
use parking_lot::RwLock;

use super::label_sets::SeriesId;

const SHARDS: usize = 32;

/// Keys a series may have on average before all are forgotten: a sender that permutes labels must not fill the memory.
const KEYS_PER_SERIES: usize = 4;

/// Keys that are kept however few series there are.
const MIN_KEYS: usize = 4096;

/// The key is kept as words of 32 bits, so that a slot takes 20 bytes and not 32.
struct Slot {
    key: [u32; 4],
    id: SeriesId,
}

/// The keys of the series, sharded so that decoding threads and the appender rarely meet.
///
/// Keys come out of a keyed hash, so a part of the key serves as its hash.
pub(crate) struct KeyTable {
    shards: [RwLock<HashTable<Slot>>; SHARDS],
}

impl KeyTable {
    pub(crate) fn new() -> Self {
        Self { shards: std::array::from_fn(|_| RwLock::new(HashTable::new())) }
    }

    /// The series behind a key.
    pub(crate) fn get(&self, key: SeriesKey) -> Option<SeriesId> {
        let words = words(key);
        self.shard(&words).read().find(hash(&words), |slot| slot.key == words).map(|slot| slot.id)
    }

    /// The series behind many keys, in their order. Every shard is locked once for all of them, and no lock stands
    /// between one look-up and the next: the processor waits for the memory of several at a time.
    pub(crate) fn get_all(&self, keys: impl Iterator<Item = SeriesKey>) -> Vec<Option<SeriesId>> {
        let shards = self.shards.each_ref().map(RwLock::read);
        keys.map(|key| {
            let words = words(key);
            shards[shard_of(&words)].find(hash(&words), |slot| slot.key == words).map(|slot| slot.id)
        })
        .collect()
    }

    /// Makes a key known. Forgets all keys first when they are too many for `series` series.
    pub(crate) fn insert(&self, key: SeriesKey, id: SeriesId, series: usize) {
        let words = words(key);
        let most = (series.saturating_mul(KEYS_PER_SERIES) / SHARDS).max(MIN_KEYS / SHARDS);
        let mut shard = self.shard(&words).write();
        if shard.find(hash(&words), |slot| slot.key == words).is_some() {
            return;
        }
        if shard.len() >= most {
            shard.clear();
        }
        shard.insert_unique(hash(&words), Slot { key: words, id }, |slot| hash(&slot.key));
    }

    /// Forgets all keys.
    pub(crate) fn clear(&self) {
        for shard in &self.shards {
            *shard.write() = HashTable::new();
        }
    }

    /// Forgets the keys of series that are gone.
    pub(crate) fn forget(&self, is_gone: impl Fn(SeriesId) -> bool) {
        for shard in &self.shards {
            shard.write().retain(|slot| !is_gone(slot.id));
        }
    }

    /// Number of keys.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().len()).sum()
    }

    /// Bytes of the tables.
    pub(crate) fn bytes(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().allocation_size()).sum()
    }

    fn shard(&self, words: &[u32; 4]) -> &RwLock<HashTable<Slot>> {
        &self.shards[shard_of(words)]
    }
}

impl KnownSeries for KeyTable {
    fn is_known(&self, key: SeriesKey) -> bool {
        self.get(key).is_some()
    }

    fn are_known(&self, keys: impl Iterator<Item = SeriesKey>) -> Vec<bool> {
        self.get_all(keys).into_iter().map(|id| id.is_some()).collect()
    }
}

fn words(key: SeriesKey) -> [u32; 4] {
    let k = key.0;
    [k as u32, (k >> 32) as u32, (k >> 64) as u32, (k >> 96) as u32]
}

fn shard_of(words: &[u32; 4]) -> usize {
    words[3] as usize % SHARDS
}

fn hash(words: &[u32; 4]) -> u64 {
    u64::from(words[0]) | u64::from(words[1]) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(i: u128) -> SeriesKey {
        SeriesKey(i.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
    }

    #[test]
    fn knows_what_was_inserted() {
        let table = KeyTable::new();
        for i in 0..10_000 {
            table.insert(key(i), i as SeriesId, 10_000);
        }
        for i in 0..10_000 {
            assert_eq!(table.get(key(i)), Some(i as SeriesId));
            assert!(!table.is_known(key(i + 10_000)));
        }
        assert_eq!(table.len(), 10_000);
        let found = table.get_all((5000..15_000).map(key));
        assert!(found.iter().zip(5000..).all(|(id, i)| *id == (i < 10_000).then_some(i)));
        table.clear();
        assert_eq!(table.len(), 0);
    }

    #[test]
    fn is_bounded_by_the_number_of_series() {
        let table = KeyTable::new();
        for i in 0..100_000 {
            table.insert(key(i), 0, 1);
        }
        assert!(table.len() <= MIN_KEYS);
    }
}
