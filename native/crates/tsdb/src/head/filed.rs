//! Full chunks of the files, from when they are found until the replay of the log reaches them.
//!
//! A series takes a chunk over when the log comes to the first sample in it; what the log has of that stretch of time is
//! passed over then. So it does not matter which chunks are there and which are lost: what no chunk has, the log gives.

use std::cmp::Reverse;

use hashbrown::HashMap;

use super::label_sets::SeriesId;
use super::series::{ClosedChunk, Place, range_end};
use super::store::Store;
use crate::chunk::Encoding;
use crate::chunk_files::{ChunkRef, FileChunk};

/// Chunks that no series has taken over yet.
#[derive(Default)]
pub(super) struct Filed {
    /// By the series' number in the log, before the log has named it; in the order in which they were written.
    unnamed: HashMap<u64, Vec<ClosedChunk>>,
    /// By series, the newest first.
    ahead: Vec<Vec<ClosedChunk>>,
    /// Times at which the series' next chunks begin, `i64::MAX` for none.
    next_t: Vec<i64>,
    /// The greatest number of a series, be its chunks of use or not.
    pub(super) greatest_ref: u64,
    /// True when chunks were left out that are not in blocks, or are going to be: only the log has what is in them.
    pub(super) is_partial: bool,
}

impl Filed {
    /// Adds a chunk, if it is of use: not in blocks, of a known encoding, and within one range. The log has what is left
    /// out.
    pub(super) fn add(&mut self, at: ChunkRef, chunk: &FileChunk<'_>, min_valid_t: i64, range_ms: i64) {
        self.greatest_ref = self.greatest_ref.max(chunk.series);
        let is_of_use = !chunk.out_of_order
            && Encoding::from_number(chunk.encoding).is_some()
            && min_valid_t <= chunk.min_t
            && chunk.min_t <= chunk.max_t
            // Of a chunk that was begun under other settings a block would get more than it may have.
            && chunk.max_t < range_end(chunk.min_t, range_ms);
        if is_of_use {
            let chunk_of_series = ClosedChunk { min_t: chunk.min_t, max_t: chunk.max_t, place: Place::File(at) };
            let chunks = self.unnamed.entry(chunk.series).or_default();
            self.is_partial |= chunks.last().is_some_and(|last| chunk.min_t <= last.max_t);
            chunks.push(chunk_of_series);
        } else {
            self.is_partial |= !chunk.out_of_order && chunk.max_t >= min_valid_t;
        }
    }

    /// Gives a series the chunks that were written under a number. A series may have several numbers.
    pub(super) fn name(&mut self, wal_ref: u64, id: SeriesId) {
        if let Some(chunks) = self.unnamed.remove(&wal_ref) {
            self.give(id, chunks);
        }
    }

    fn give(&mut self, id: SeriesId, chunks: Vec<ClosedChunk>) {
        let index = id as usize;
        if index >= self.ahead.len() {
            self.ahead.resize_with(index + 1, Vec::new);
            self.next_t.resize(index + 1, i64::MAX);
        }
        let ahead = &mut self.ahead[index];
        ahead.extend(chunks);
        ahead.sort_by_key(|chunk| Reverse(chunk.min_t));
        self.next_t[index] = ahead.last().map_or(i64::MAX, |chunk| chunk.min_t);
    }

    /// The series that a number names is another one from here in the log on; so are the chunks that are ahead.
    pub(super) fn rename(&mut self, from: SeriesId, to: SeriesId) {
        if let Some(ahead) = self.ahead.get_mut(from as usize) {
            let chunks = std::mem::take(ahead);
            self.next_t[from as usize] = i64::MAX;
            self.give(to, chunks);
        }
    }

    /// True when a chunk that no series has taken over yet has all that is in another chunk of its series.
    pub(super) fn holds(&self, id: SeriesId, min_t: i64, max_t: i64) -> bool {
        let next = self.ahead.get(id as usize).and_then(|ahead| ahead.last());
        next.is_some_and(|next| next.min_t == min_t && max_t <= next.max_t)
    }

    /// Has a series take over the chunks that begin at a time or before.
    #[inline]
    pub(super) fn reach(&mut self, id: SeriesId, t: i64, store: &mut Store) {
        if self.next_t.get(id as usize).is_some_and(|next_t| *next_t <= t) {
            self.take_over(id, t, store);
        }
    }

    fn take_over(&mut self, id: SeriesId, t: i64, store: &mut Store) {
        let ahead = &mut self.ahead[id as usize];
        while let Some(chunk) = ahead.pop_if(|chunk| chunk.min_t <= t) {
            store.attach(id, chunk);
        }
        self.next_t[id as usize] = ahead.last().map_or(i64::MAX, |chunk| chunk.min_t);
    }

    /// Has all series take over what they have not reached, as the log may have been cut off; gives the number of chunks
    /// whose series the log does not name.
    pub(super) fn finish(mut self, store: &mut Store) -> u64 {
        for id in 0..self.ahead.len() {
            self.take_over(id as SeriesId, i64::MAX, store);
        }
        self.unnamed.values().map(|chunks| chunks.len() as u64).sum()
    }
}
