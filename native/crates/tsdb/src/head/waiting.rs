//! Full chunks in memory on their way to a file, oldest first.

use std::collections::VecDeque;

use super::label_sets::SeriesId;
use crate::chunk::EncodedChunk;
use crate::chunk_files::FileChunk;

/// A queue whose entries are named by tickets: counted from the first chunk that ever waited, modulo 2^32.
#[derive(Default)]
pub(super) struct Waiting {
    queue: VecDeque<Entry>,
    /// Ticket of the front.
    front: u32,
}

pub(super) struct Entry {
    pub(super) series: SeriesId,
    /// Number of the series in the log.
    wal_ref: u64,
    /// `None` when it is not needed any more.
    pub(super) chunk: Option<EncodedChunk>,
}

impl Entry {
    /// The chunk as it is to be written.
    pub(super) fn to_write(&self) -> Option<FileChunk<'_>> {
        let chunk = self.chunk.as_ref()?;
        Some(FileChunk {
            series: self.wal_ref,
            min_t: chunk.min_t,
            max_t: chunk.max_t,
            encoding: chunk.encoding as u8,
            out_of_order: false,
            data: &chunk.bytes,
        })
    }
}

impl Waiting {
    /// Number of chunks, with those that were forgotten.
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Adds a chunk; gives its ticket.
    pub(super) fn push(&mut self, series: SeriesId, wal_ref: u64, chunk: EncodedChunk) -> u32 {
        let ticket = self.front.wrapping_add(self.queue.len() as u32);
        self.queue.push_back(Entry { series, wal_ref, chunk: Some(chunk) });
        ticket
    }

    pub(super) fn get(&self, ticket: u32) -> Option<&EncodedChunk> {
        self.queue.get(self.index(ticket))?.chunk.as_ref()
    }

    /// Entries from one on, oldest first.
    pub(super) fn entries(&self, from: usize) -> impl Iterator<Item = &Entry> {
        self.queue.range(from.min(self.queue.len())..)
    }

    /// Frees a chunk that is not needed any more; gives the bytes that it had.
    pub(super) fn forget(&mut self, ticket: u32) -> usize {
        let index = self.index(ticket);
        let forgotten = self.queue.get_mut(index).and_then(|entry| entry.chunk.take());
        forgotten.map_or(0, |chunk| chunk.bytes.len())
    }

    /// Takes the oldest entry with its ticket.
    pub(super) fn pop(&mut self) -> Option<(u32, Entry)> {
        let entry = self.queue.pop_front()?;
        let ticket = self.front;
        self.front = self.front.wrapping_add(1);
        Some((ticket, entry))
    }

    /// Gives back the memory of a queue that was long.
    pub(super) fn shrink(&mut self) {
        if self.queue.is_empty() {
            self.queue = VecDeque::new();
        }
    }

    fn index(&self, ticket: u32) -> usize {
        ticket.wrapping_sub(self.front) as usize
    }
}
