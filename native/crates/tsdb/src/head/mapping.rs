//! Full chunks go from memory to files, and files go once no series needs them.
//!
//! Source: Prometheus `tsdb/head.go` (`mmapHeadChunks`, `truncateSeriesAndChunkDiskMapper`).

use std::num::NonZeroU32;
use std::sync::Arc;

use super::Head;
use super::label_sets::SeriesId;
use super::series::Place;
use super::stats::add;
use super::store::Store;
use super::waiting::Entry;
use crate::chunk_files::ChunkRef;
use crate::chunk_files::write::{Batch, Writer};
use crate::error::TsdbError;

/// Chunks or series that are looked at before others may have the lock.
const SLICE: usize = 1024;

impl Head {
    /// Writes the full chunks that are in memory to files, and reads them from there from now on; gives their number.
    /// Appends and reads go on meanwhile.
    ///
    /// # Errors
    /// [`TsdbError`]: chunks that were not written stay in memory, and are written by the next call.
    pub(crate) fn map_chunks(&self) -> Result<u64, TsdbError> {
        let mut files = self.files.lock();
        let writer = files.as_mut().ok_or(TsdbError::Closed)?;
        let mut left = self.store.read().waiting.len();
        let mut mapped = 0;
        while left > 0 {
            let (batch, is_written) = self.next_batch(left);
            let places = if batch.is_empty() { Vec::new() } else { self.write(writer, &batch)? };
            self.settle(&is_written, &places);
            mapped += places.len() as u64;
            left -= is_written.len();
        }
        self.store.write().waiting.shrink();
        Ok(mapped + self.map_out_of_order(writer)?)
    }

    /// Whether [`Self::map_chunks`] would find something to do.
    pub(crate) fn has_full_chunks(&self) -> bool {
        let store = self.store.read();
        store.waiting.len() > 0 || store.out_of_order.has_unmarked()
    }

    /// Writes all that is full and makes it durable; nothing is written any more then. False when a sync failed earlier, so
    /// that something may not be durable, or when the files were closed before.
    ///
    /// # Errors
    /// [`TsdbError`]: what was not written can be found in the log.
    pub(super) fn close_files(&self) -> Result<bool, TsdbError> {
        let mapped = match self.map_chunks() {
            Err(TsdbError::Closed) => return Ok(false),
            other => other,
        };
        let durable = self.files.lock().take().map_or(Ok(false), Writer::close);
        mapped.and(durable)
    }

    /// Removes the files of which no series has a chunk. The one that was written until now is not added to any more, so
    /// that it can go as soon as nothing needs it.
    ///
    /// # Errors
    /// [`TsdbError`]: files are left that the next call removes.
    pub(crate) fn remove_chunk_files(&self) -> Result<(), TsdbError> {
        let mut files = self.files.lock();
        let writer = files.as_mut().ok_or(TsdbError::Closed)?;
        writer.end_file()?;
        let first = self.oldest_file().unwrap_or(NonZeroU32::MAX);
        {
            let mut store = self.store.write();
            store.files = Arc::new(store.files.from(first));
        }
        writer.remove_before(first)
    }

    /// The oldest file that a series has a chunk in.
    fn oldest_file(&self) -> Option<NonZeroU32> {
        let end = self.store.read().next_id();
        let slices = (0..end).step_by(SLICE);
        let oldest_of_slice = |from: SeriesId| {
            let store = self.store.read();
            store
                .ids(from, end.min(from.saturating_add(SLICE as SeriesId)))
                .filter_map(|id| store.oldest_file(id))
                .min()
        };
        let late = self.store.read().out_of_order.oldest_file();
        slices.filter_map(oldest_of_slice).chain(late).min()
    }

    /// The oldest chunks that wait, of at most `most` entries and about as many bytes as are written at once; and of each
    /// entry, whether it is among them.
    fn next_batch(&self, most: usize) -> (Batch, Vec<bool>) {
        let (mut batch, mut is_written) = (Batch::default(), Vec::new());
        while is_written.len() < most && batch.bytes() < self.chunk_write_bytes {
            let store = self.store.read();
            let slice = SLICE.min(most - is_written.len());
            for entry in store.waiting.entries(is_written.len()).take(slice) {
                let chunk = entry.to_write();
                is_written.push(chunk.is_some());
                chunk.iter().for_each(|chunk| batch.add(chunk));
                if batch.bytes() >= self.chunk_write_bytes {
                    break;
                }
            }
        }
        (batch, is_written)
    }

    /// Writes a batch and has the store know of its file; gives the places of the chunks.
    pub(super) fn write(&self, writer: &mut Writer, batch: &Batch) -> Result<Vec<ChunkRef>, TsdbError> {
        let written = writer.write(batch)?;
        add(&self.counters.chunks_mapped, written.places.len() as u64);
        let mut store = self.store.write();
        store.files = Arc::new(store.files.with(written.file));
        Ok(written.places)
    }

    /// Takes as many entries as there are flags from the queue; those that were written are in `places` from now on.
    fn settle(&self, is_written: &[bool], places: &[ChunkRef]) {
        let mut places = places.iter();
        let mut settled = Vec::with_capacity(SLICE.min(is_written.len()));
        for slice in is_written.chunks(SLICE) {
            let mut store = self.store.write();
            for is_written in slice {
                let place = if *is_written { places.next().copied() } else { None };
                settled.extend(store.settle_oldest(place));
            }
            drop(store);
            // Their memory is given back without the lock.
            settled.clear();
        }
    }
}

impl Store {
    /// Takes the oldest entry from the queue. If its chunk is still needed, the series finds it in its place from now on.
    fn settle_oldest(&mut self, place: Option<ChunkRef>) -> Option<Entry> {
        let (ticket, entry) = self.waiting.pop()?;
        if let (Some(chunk), Some(place)) = (&entry.chunk, place) {
            self.closed_bytes -= chunk.bytes.len();
            self.settle(entry.series, ticket, place);
        }
        Some(entry)
    }

    fn oldest_file(&self, id: SeriesId) -> Option<NonZeroU32> {
        let in_file = |place| match place {
            Place::File(at) => Some(at.file),
            Place::Waiting(_) => None,
        };
        self.series(id).closed().iter().filter_map(|chunk| in_file(chunk.place)).min()
    }
}
