//! Out-of-order chunks of the files, from when they are found until the replay of the log comes to their markers.
//!
//! The log has every sample that is not in a block. So a chunk is only taken for samples that the log has before its
//! marker, and only where it holds them: whatever is lost of the files, the log gives. A chunk without a marker is passed
//! over, as the log has its samples, or a block.

use hashbrown::HashMap;

use super::OutOfOrder;
use super::chunk::{FullChunk, Place, SAMPLE_BYTES, heap_bytes};
use crate::chunk::Encoding;
use crate::chunk::encode::decode;
use crate::chunk_files::read::ChunkFiles;
use crate::chunk_files::{ChunkRef, FileChunk};
use crate::head::label_sets::SeriesId;

/// Chunks that no marker was found of yet.
#[derive(Default)]
pub(in crate::head) struct Filed {
    /// With the numbers of their series in the log.
    chunks: HashMap<ChunkRef, (u64, FullChunk)>,
}

impl Filed {
    /// Adds a chunk, if it is of use: of a known encoding and within one range.
    pub(in crate::head) fn add(&mut self, at: ChunkRef, chunk: &FileChunk<'_>, range_ms: i64) {
        let is_of_use = chunk.out_of_order
            && Encoding::from_number(chunk.encoding).is_some()
            && chunk.min_t <= chunk.max_t
            && chunk.min_t.div_euclid(range_ms) == chunk.max_t.div_euclid(range_ms);
        if is_of_use {
            let place = Place::File { at, is_marked: true };
            self.chunks.insert(at, (chunk.series, FullChunk { min_t: chunk.min_t, max_t: chunk.max_t, place }));
        }
    }

    /// Takes the chunk that a marker names; gives the number of its series with it.
    pub(super) fn take(&mut self, at: ChunkRef) -> Option<(u64, FullChunk)> {
        self.chunks.remove(&at)
    }
}

impl OutOfOrder {
    /// Has a series take a chunk in a file for the samples that it has of it in memory. False when it has none.
    pub(super) fn take_over(&mut self, id: SeriesId, chunk: FullChunk, files: &ChunkFiles) -> bool {
        let Some(samples) = self.by_series.get_mut(&id) else { return false };
        let Ok((encoding, bytes)) = chunk.encoded(files) else { return false };
        let is_same =
            |full: &&mut FullChunk| matches!(&full.place, Place::Memory(e, b) if *e == encoding && **b == *bytes);
        if let Some(full) = samples.full_mut().iter_mut().find(is_same) {
            self.full_bytes -= bytes.len();
            full.place = chunk.place;
            return true;
        }
        // The chunk was closed here and there at different samples, or has not been closed here yet.
        let Ok(in_chunk) = decode(encoding, bytes) else { return false };
        let times: Vec<i64> = in_chunk.iter().map(|sample| sample.t).collect();
        let taken = samples.take_open(&times);
        if taken.is_empty() {
            return false;
        }
        self.open_bytes -= taken.iter().map(|sample| heap_bytes(&sample.value) + SAMPLE_BYTES).sum::<usize>();
        self.full_bytes += chunk.heap_bytes();
        // The open chunk became this one, unless samples are left.
        self.chunks_begun += u64::from(!samples.open().is_empty());
        samples.add_full(chunk);
        true
    }
}
