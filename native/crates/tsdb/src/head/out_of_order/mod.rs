//! Samples that came after newer ones of their series, within the tenant's `out_of_order_time_window`.
//!
//! They are few, so they are kept beside the series and not in their records: a table by series number, in which a series
//! has an open chunk, plain samples in the order of time, and full chunks, which may overlap. What is in here is in a log
//! of its own, the directory `wbl`, and is written to blocks of its own.
//!
//! Of samples of the same time a read takes the one of the in-order chunks, and else the one that came first. Prometheus
//! leaves open which one it takes.
//!
//! * [`chunk`]: the chunks of one series.
//! * [`log`]: the log.
//! * [`map`]: full chunks go to files.
//! * [`replay`] and [`filed`]: from the log and the files back.
//! * [`compact`]: what goes to blocks, and what is forgotten then.
//!
//! Source: Prometheus `tsdb/ooo_head.go`, `tsdb/ooo_head_read.go`, `tsdb/head_append.go` (`insert`).

mod chunk;
mod compact;
mod filed;
mod log;
mod map;
mod replay;

use std::sync::Arc;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use neocortex_model::sample::Samples;
use neocortex_model::series::Fetched;

use super::label_sets::SeriesId;
use super::series::Series;
use super::store::Store;
use crate::chunk::encode::Value;
use crate::chunk_files::read::ChunkFiles;
use crate::error::TsdbError;

pub(super) use chunk::OutOfOrderSamples;
pub(crate) use compact::{FrozenOutOfOrder, FrozenSeries};
pub(super) use filed::Filed as OutOfOrderFiled;
pub(super) use log::OutOfOrderLog;

use chunk::FullChunk;

/// The out-of-order samples of the series that have some.
pub(crate) struct OutOfOrder {
    by_series: HashMap<SeriesId, OutOfOrderSamples>,
    /// Samples of an open chunk.
    cap: usize,
    /// Full chunks do not cross multiples of this, in milliseconds.
    range_ms: i64,
    /// Chunks begun, and those that are no more.
    chunks_begun: u64,
    chunks_gone: u64,
    /// Heap bytes of open and of full chunks.
    open_bytes: usize,
    full_bytes: usize,
}

impl OutOfOrder {
    /// An empty table; `cap` is `blocks_storage.tsdb.out_of_order_cap_max`.
    pub(super) fn new(cap: usize, range_ms: i64) -> Self {
        Self {
            by_series: HashMap::new(),
            cap: cap.max(1),
            range_ms,
            chunks_begun: 0,
            chunks_gone: 0,
            open_bytes: 0,
            full_bytes: 0,
        }
    }

    /// A table without samples.
    pub(super) fn emptied(&self) -> Self {
        Self::new(self.cap, self.range_ms)
    }

    /// The samples of a series, `None` when it has none.
    pub(super) fn get(&self, id: SeriesId) -> Option<&OutOfOrderSamples> {
        // Most heads have none at all, and then this must cost nothing.
        if self.by_series.is_empty() { None } else { self.by_series.get(&id) }
    }

    /// True when the open chunk of a series has a sample of this time.
    pub(super) fn has_in_open_chunk(&self, id: SeriesId, t: i64) -> bool {
        self.get(id).is_some_and(|samples| samples.is_open_at(t))
    }

    /// Inserts a sample. False when the open chunk has one of this time already: the first one stays.
    pub(super) fn insert(&mut self, id: SeriesId, t: i64, value: Value) -> bool {
        let samples = self.by_series.entry(id).or_default();
        if samples.open().len() >= self.cap {
            let closed = samples.close(self.range_ms);
            self.open_bytes -= closed.open_bytes;
            self.full_bytes += closed.full_bytes;
            self.chunks_begun += closed.more_chunks;
        }
        self.chunks_begun += u64::from(samples.open().is_empty());
        let bytes = chunk::heap_bytes(&value) + chunk::SAMPLE_BYTES;
        let inserted = samples.insert(t, value);
        self.open_bytes += if inserted { bytes } else { 0 };
        inserted
    }

    /// Chunks there are, and chunks that there ever were.
    pub(super) fn chunks(&self) -> (u64, u64) {
        (self.chunks_begun - self.chunks_gone, self.chunks_begun)
    }

    /// Heap bytes of open and of full chunks.
    pub(super) fn bytes(&self) -> (usize, usize) {
        (self.open_bytes, self.full_bytes + self.by_series.capacity() * size_of::<(SeriesId, OutOfOrderSamples)>())
    }

    /// Times of the oldest and the newest sample, `None` without samples. Goes over all series.
    pub(super) fn time_range(&self) -> Option<(i64, i64)> {
        let ranges = self.by_series.values().filter_map(OutOfOrderSamples::time_range);
        ranges.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    /// Closes the open chunk of a series; gives its full chunks.
    fn close(&mut self, id: SeriesId) -> &[FullChunk] {
        let Entry::Occupied(samples) = self.by_series.entry(id) else { return &[] };
        let samples = samples.into_mut();
        let closed = samples.close(self.range_ms);
        self.open_bytes -= closed.open_bytes;
        self.full_bytes += closed.full_bytes;
        self.chunks_begun += closed.more_chunks;
        samples.full()
    }

    /// Drops the oldest full chunks of a series.
    fn drop_full(&mut self, id: SeriesId, chunks: usize) {
        let Entry::Occupied(mut samples) = self.by_series.entry(id) else { return };
        let (dropped, bytes) = samples.get_mut().drop_full(chunks);
        self.chunks_gone += dropped;
        self.full_bytes -= bytes;
        if samples.get().is_empty() {
            samples.remove();
        }
    }
}

/// The out-of-order samples of a series at a moment.
pub(super) struct OutOfOrderView {
    samples: OutOfOrderSamples,
    files: Arc<ChunkFiles>,
}

impl OutOfOrderView {
    /// The samples with `mint <= t <= maxt`, ascending; of those of the same time the one that came first.
    pub(super) fn read(&self, mint: i64, maxt: i64) -> Result<Samples, TsdbError> {
        self.samples.read(&self.files, mint, maxt)
    }

    /// What there is between `mint` and `maxt`.
    pub(super) fn fetched(&self, mint: i64, maxt: i64) -> Result<Fetched, TsdbError> {
        self.samples.fetched(&self.files, mint, maxt)
    }
}

impl Store {
    /// The out-of-order samples that a series has now, `None` when it has none.
    pub(super) fn out_of_order_view(&self, id: SeriesId) -> Option<OutOfOrderView> {
        let samples = self.out_of_order.get(id)?.clone();
        Some(OutOfOrderView { samples, files: Arc::clone(&self.files) })
    }

    /// False for a series that may leave the head.
    pub(super) fn has_samples(&self, id: SeriesId) -> bool {
        self.get(id).is_some_and(|series| self.time_range_of(id, series).is_some())
    }

    /// Times of the oldest and the newest sample of a series, in order or not; `None` without samples.
    pub(super) fn time_range_of(&self, id: SeriesId, series: &Series) -> Option<(i64, i64)> {
        let in_order = series.min_t().zip(series.max_t());
        match (in_order, self.out_of_order.get(id).and_then(OutOfOrderSamples::time_range)) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (range, None) | (None, range) => range,
        }
    }
}
