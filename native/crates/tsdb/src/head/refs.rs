//! From the numbers that series have in the log to series.

use hashbrown::HashMap;

use super::label_sets::SeriesId;

/// Numbers of the log that are looked up in an array; greater ones, which only a damaged or a very old log has, in a map.
const MAX_DENSE: u64 = 1 << 27;

/// Numbers from here on no log gets to. One that a damaged log names does not keep others from being given.
const END: u64 = 1 << 62;

/// No series.
const NONE: SeriesId = SeriesId::MAX;

/// The series that a replay has met, by number.
#[derive(Default)]
pub(super) struct Refs {
    dense: Vec<SeriesId>,
    sparse: HashMap<u64, SeriesId>,
    greatest: u64,
}

impl Refs {
    /// The series of a number.
    pub(super) fn get(&self, wal_ref: u64) -> Option<SeriesId> {
        match self.dense.get(usize::try_from(wal_ref).ok()?) {
            Some(&NONE) | None => self.sparse.get(&wal_ref).copied(),
            Some(&id) => Some(id),
        }
    }

    /// As [`Self::get`]. A series may have left the log before its last samples did: its number is spent all the same.
    pub(super) fn spend(&mut self, wal_ref: u64) -> Option<SeriesId> {
        self.name(wal_ref);
        self.get(wal_ref)
    }

    /// Something names a number: it is not given to another series.
    pub(super) fn name(&mut self, wal_ref: u64) {
        if wal_ref < END {
            self.greatest = self.greatest.max(wal_ref);
        }
    }

    /// The greatest number that anything names.
    pub(super) fn greatest(&self) -> u64 {
        self.greatest
    }

    /// Maps a number; one number may be mapped anew, and several to the same series. `series` is how many there are. Gives the
    /// series that the number was mapped to.
    pub(super) fn set(&mut self, wal_ref: u64, id: SeriesId, series: usize) -> Option<SeriesId> {
        let former = self.spend(wal_ref);
        // The array may be a few times as long as there are series, whatever numbers the log names.
        if wal_ref < MAX_DENSE && wal_ref < 8 * series as u64 + 65_536 {
            let index = wal_ref as usize;
            if index >= self.dense.len() {
                self.dense.resize(index + 1, NONE);
            }
            self.dense[index] = id;
        } else {
            self.sparse.insert(wal_ref, id);
        }
        former
    }
}
