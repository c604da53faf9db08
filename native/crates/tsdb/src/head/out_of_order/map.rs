//! Full out-of-order chunks go from memory to files, and their log says so.
//!
//! A marker in the log names a chunk in a file whose samples the log has before it. A start takes the chunk for them.
//! Prometheus forgets at a marker all samples of the series that are not in chunks yet, so those that the open chunk has
//! are logged again after it.
//!
//! Source: Prometheus `tsdb/head_append.go` (`mmapCurrentOOOHeadChunk`, `collectOOORecords`), where a chunk is written by the
//! append that makes it full.

use std::sync::Arc;

use super::super::Head;
use super::super::label_sets::SeriesId;
use super::super::stats::add;
use super::super::store::Store;
use super::OutOfOrder;
use super::chunk::{FullChunk, OutOfOrderSamples, Place};
use crate::chunk::encode::{Sample, Value};
use crate::chunk_files::write::{Batch, Writer};
use crate::chunk_files::{ChunkRef, FileChunk};
use crate::error::TsdbError;
use crate::failpoint;
use crate::wal::record::{self, RefHistogram, RefSample};

/// Series that are looked at before others may have the lock.
const SLICE: usize = 256;

/// A chunk on its way to a file.
struct Outgoing {
    series: SeriesId,
    /// What tells it from the series' other chunks.
    bytes: Arc<[u8]>,
}

/// What a marker of a series is logged with.
#[derive(Default)]
struct Marking {
    markers: Vec<(u64, u64)>,
    floats: Vec<RefSample>,
    histograms: Vec<RefHistogram>,
}

impl Head {
    /// Writes the full out-of-order chunks that are in memory to files and names them in the log; gives their number.
    ///
    /// # Errors
    /// [`TsdbError`]: what was not written stays in memory, what was not named the log has; the next call does both.
    pub(in crate::head) fn map_out_of_order(&self, writer: &mut Writer) -> Result<u64, TsdbError> {
        let ids = self.store.read().out_of_order.unmarked();
        let (mut mapped, mut rest) = (0, ids.as_slice());
        while !rest.is_empty() {
            let (batch, outgoing, looked_at) = self.next_out_of_order_batch(rest);
            if !batch.is_empty() {
                let places = self.write(writer, &batch)?;
                failpoint::reach("late.chunks-written");
                mapped += places.len() as u64;
                let mut store = self.store.write();
                outgoing.iter().zip(places).for_each(|(chunk, at)| store.out_of_order.settle(chunk, at));
            }
            rest = &rest[looked_at..];
        }
        ids.chunks(SLICE).try_for_each(|slice| self.mark(slice))?;
        Ok(mapped)
    }

    /// Chunks of the first series, of about as many bytes as are written at once, and the number of these series.
    fn next_out_of_order_batch(&self, ids: &[SeriesId]) -> (Batch, Vec<Outgoing>, usize) {
        let (mut batch, mut outgoing, mut looked_at) = (Batch::default(), Vec::new(), 0);
        for slice in ids.chunks(SLICE) {
            let store = self.store.read();
            for &id in slice {
                store.add_out_of_order(id, &mut batch, &mut outgoing);
                looked_at += 1;
                if batch.bytes() >= self.chunk_write_bytes {
                    return (batch, outgoing, looked_at);
                }
            }
        }
        (batch, outgoing, looked_at)
    }

    /// Names the chunks of some series that are in files in the log. A series that has got another full chunk meanwhile is
    /// left to the next call: its marker would stand for that one too.
    fn mark(&self, ids: &[SeriesId]) -> Result<(), TsdbError> {
        let mut appender = self.appender.lock();
        let mut marking = Marking::default();
        {
            let store = self.store.read();
            ids.iter().for_each(|id| marking.add(&store, *id));
        }
        if marking.markers.is_empty() {
            return Ok(());
        }
        let records = marking.encode();
        let records: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
        let log = appender.out_of_order_log.as_mut().ok_or(TsdbError::Closed)?;
        log.log(&records).inspect_err(|_| add(&self.counters.wal_failures, 1))?;
        failpoint::reach("late.marked");
        let mut store = self.store.write();
        ids.iter().for_each(|id| store.out_of_order.set_marked(*id));
        Ok(())
    }
}

impl Marking {
    fn add(&mut self, store: &Store, id: SeriesId) {
        let Some(samples) = store.out_of_order.get(id).filter(|samples| samples.may_be_marked()) else { return };
        let series = store.series(id).wal_ref;
        self.markers.extend(samples.unmarked().map(|at| (series, at.pack())));
        for Sample { t, value } in samples.open() {
            match value {
                Value::Float(v) => self.floats.push(RefSample { series, t: *t, v: *v }),
                Value::Histogram(h) => self.histograms.push(RefHistogram { series, t: *t, h: (**h).clone() }),
            }
        }
    }

    fn encode(&self) -> Vec<Vec<u8>> {
        let mut records = vec![Vec::new()];
        record::encode_mmap_markers(&mut records[0], &self.markers);
        if !self.floats.is_empty() {
            let mut floats = Vec::new();
            record::encode_samples(&mut floats, &self.floats);
            records.push(floats);
        }
        if !self.histograms.is_empty() {
            records.extend(record::encode_histograms(&self.histograms));
        }
        records
    }
}

impl Store {
    /// Adds the full chunks of a series that are in memory to a batch.
    fn add_out_of_order(&self, id: SeriesId, batch: &mut Batch, outgoing: &mut Vec<Outgoing>) {
        let Some(samples) = self.out_of_order.get(id) else { return };
        let series = self.series(id).wal_ref;
        for chunk in samples.full() {
            let Place::Memory(encoding, data) = &chunk.place else { continue };
            let (min_t, max_t, encoding) = (chunk.min_t, chunk.max_t, *encoding as u8);
            batch.add(&FileChunk { series, min_t, max_t, encoding, out_of_order: true, data });
            outgoing.push(Outgoing { series: id, bytes: Arc::clone(data) });
        }
    }
}

impl OutOfOrder {
    /// The oldest file that a series has a chunk in.
    pub(in crate::head) fn oldest_file(&self) -> Option<std::num::NonZeroU32> {
        let chunks = self.by_series.values().flat_map(OutOfOrderSamples::full);
        chunks.filter_map(FullChunk::at).map(|at| at.file).min()
    }

    /// The series with full chunks that are in memory, or that the log does not name.
    fn unmarked(&self) -> Vec<SeriesId> {
        self.by_series.iter().filter(|(_, samples)| samples.has_unmarked()).map(|(id, _)| *id).collect()
    }

    /// Whether there are such series.
    pub(in crate::head) fn has_unmarked(&self) -> bool {
        self.by_series.values().any(OutOfOrderSamples::has_unmarked)
    }

    /// Has a series find a chunk in a file from now on, unless a compaction took it.
    fn settle(&mut self, outgoing: &Outgoing, at: ChunkRef) {
        let Some(samples) = self.by_series.get_mut(&outgoing.series) else { return };
        let is_it = |chunk: &&mut FullChunk| matches!(&chunk.place, Place::Memory(_, bytes) if Arc::ptr_eq(bytes, &outgoing.bytes));
        if let Some(chunk) = samples.full_mut().iter_mut().find(is_it) {
            self.full_bytes -= outgoing.bytes.len();
            chunk.place = Place::File { at, is_marked: false };
        }
    }

    fn set_marked(&mut self, id: SeriesId) {
        let Some(samples) = self.by_series.get_mut(&id).filter(|samples| samples.may_be_marked()) else { return };
        for chunk in samples.full_mut() {
            if let Place::File { is_marked, .. } = &mut chunk.place {
                *is_marked = true;
            }
        }
    }
}

impl OutOfOrderSamples {
    /// True when all full chunks are in files.
    fn may_be_marked(&self) -> bool {
        self.full().iter().all(|chunk| chunk.at().is_some())
    }

    /// Whether a full chunk is in memory, or not named by the log.
    fn has_unmarked(&self) -> bool {
        let is_marked = |chunk: &FullChunk| matches!(chunk.place, Place::File { is_marked: true, .. });
        !self.full().iter().all(is_marked)
    }

    /// Places of the full chunks that the log does not name.
    fn unmarked(&self) -> impl Iterator<Item = ChunkRef> {
        self.full().iter().filter_map(|chunk| match chunk.place {
            Place::File { at, is_marked: false } => Some(at),
            _ => None,
        })
    }
}
