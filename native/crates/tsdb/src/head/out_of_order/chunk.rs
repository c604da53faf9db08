//! The out-of-order chunks of one series.

use std::sync::Arc;

use neocortex_model::histogram::FloatHistogram;
use neocortex_model::sample::{HistogramValue, Samples, is_stale_nan};
use neocortex_model::series::Fetched;

use crate::chunk::encode::{Encoder, Sample, Value};
use crate::chunk::{self, EncodedChunk, Encoding};
use crate::chunk_files::ChunkRef;
use crate::chunk_files::read::ChunkFiles;
use crate::error::TsdbError;
use crate::merge::{forget_reset, merge_all};

/// Bytes of a sample of an open chunk, without what a histogram has on the heap.
pub(super) const SAMPLE_BYTES: usize = size_of::<Sample>();

/// A full chunk, which does not change any more.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FullChunk {
    pub(crate) min_t: i64,
    pub(crate) max_t: i64,
    pub(super) place: Place,
}

/// Where the bytes of a full chunk are.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Place {
    Memory(Encoding, Arc<[u8]>),
    File {
        at: ChunkRef,
        /// The log names the chunk, so that a start takes it for the samples that the log has.
        is_marked: bool,
    },
}

/// The out-of-order samples of one series. A clone is a view of a moment: full chunks are shared, an open one is small.
#[derive(Clone, Debug, Default)]
pub(crate) struct OutOfOrderSamples {
    /// The open chunk, ascending in time.
    open: Vec<Sample>,
    /// In the order in which they were closed.
    full: Vec<FullChunk>,
}

/// What closing a chunk changed, for the figures.
#[derive(Default)]
pub(super) struct Closed {
    pub(super) open_bytes: usize,
    pub(super) full_bytes: usize,
    /// Chunks that came of the one beyond the first.
    pub(super) more_chunks: u64,
}

impl FullChunk {
    fn new(chunk: EncodedChunk) -> Self {
        let place = Place::Memory(chunk.encoding, chunk.bytes.into());
        Self { min_t: chunk.min_t, max_t: chunk.max_t, place }
    }

    /// Encoding and bytes; `files` are the head's of when the chunk was taken from it, or later ones.
    pub(super) fn encoded<'a>(&'a self, files: &'a ChunkFiles) -> Result<(Encoding, &'a [u8]), TsdbError> {
        match &self.place {
            Place::Memory(encoding, bytes) => Ok((*encoding, bytes)),
            Place::File { at, .. } => files.chunk(*at),
        }
    }

    /// Its place in a file, `None` when it is in memory.
    pub(super) fn at(&self) -> Option<ChunkRef> {
        match self.place {
            Place::Memory(..) => None,
            Place::File { at, .. } => Some(at),
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let bytes = if let Place::Memory(_, bytes) = &self.place { bytes.len() } else { 0 };
        bytes + size_of::<Self>()
    }
}

impl OutOfOrderSamples {
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty() && self.full.is_empty()
    }

    /// The open chunk, ascending in time.
    pub(super) fn open(&self) -> &[Sample] {
        &self.open
    }

    /// The full chunks, in the order in which they were closed.
    pub(super) fn full(&self) -> &[FullChunk] {
        &self.full
    }

    pub(super) fn full_mut(&mut self) -> &mut [FullChunk] {
        &mut self.full
    }

    /// True when the open chunk has a sample of this time.
    pub(super) fn is_open_at(&self, t: i64) -> bool {
        self.open.binary_search_by_key(&t, |sample| sample.t).is_ok()
    }

    /// Inserts a sample into the open chunk, unless it has one of this time.
    pub(super) fn insert(&mut self, t: i64, value: Value) -> bool {
        // Mostly they come in order among themselves.
        if self.open.last().is_none_or(|last| last.t < t) {
            self.open.push(Sample { t, value });
            return true;
        }
        match self.open.binary_search_by_key(&t, |sample| sample.t) {
            Ok(_) => false,
            Err(at) => {
                self.open.insert(at, Sample { t, value });
                true
            }
        }
    }

    /// Encodes the open chunk: one full chunk for each kind of samples in a row, each range, and each counter reset.
    pub(super) fn close(&mut self, range_ms: i64) -> Closed {
        let mut encoder = Encoder::new(range_ms, u16::MAX);
        let mut closed = Closed::default();
        for sample in std::mem::take(&mut self.open) {
            closed.open_bytes += heap_bytes(&sample.value) + SAMPLE_BYTES;
            encoder.push(&sample);
        }
        let chunks = encoder.finish().into_iter().map(FullChunk::new);
        let begun = self.full.len();
        self.full.extend(chunks);
        let chunks = &self.full[begun..];
        closed.full_bytes = chunks.iter().map(FullChunk::heap_bytes).sum();
        closed.more_chunks = (chunks.len() as u64).saturating_sub(1);
        closed
    }

    /// Takes the samples out of the open chunk that are at one of the ascending `times`.
    pub(super) fn take_open(&mut self, times: &[i64]) -> Vec<Sample> {
        self.open.extract_if(.., |sample| times.binary_search(&sample.t).is_ok()).collect()
    }

    /// Adds a full chunk.
    pub(super) fn add_full(&mut self, chunk: FullChunk) {
        self.full.push(chunk);
    }

    /// Drops the oldest full chunks; gives their number and heap bytes.
    pub(super) fn drop_full(&mut self, chunks: usize) -> (u64, usize) {
        let dropped = self.full.drain(..chunks.min(self.full.len()));
        let figures = dropped.fold((0, 0), |(n, bytes), chunk| (n + 1, bytes + chunk.heap_bytes()));
        self.full.shrink_to_fit();
        figures
    }

    /// Times of the oldest and the newest sample, `None` without samples.
    pub(crate) fn time_range(&self) -> Option<(i64, i64)> {
        let open = self.open.first().zip(self.open.last()).map(|(first, last)| (first.t, last.t));
        let full = self.full.iter().map(|chunk| (chunk.min_t, chunk.max_t));
        full.chain(open).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    /// What there is between `mint` and `maxt`; the open chunk counts with the bytes that it takes now.
    pub(crate) fn fetched(&self, files: &ChunkFiles, mint: i64, maxt: i64) -> Result<Fetched, TsdbError> {
        let mut all = Fetched::default();
        for full in self.full.iter().filter(|chunk| chunk.min_t <= maxt && mint <= chunk.max_t) {
            all += chunk::fetched(full.encoded(files)?.1, (full.min_t, full.max_t), mint, maxt);
        }
        let open = self.open.iter().filter(|sample| mint <= sample.t && sample.t <= maxt);
        let (samples, chunk_bytes) =
            open.fold((0, 0), |(n, bytes), s| (n + 1, bytes + SAMPLE_BYTES + heap_bytes(&s.value)));
        all += Fetched { chunks: u64::from(samples > 0), samples, chunk_bytes: chunk_bytes as u64 };
        Ok(all)
    }

    /// The samples with `mint <= t <= maxt`, ascending; of those of the same time the one that came first.
    pub(crate) fn read(&self, files: &ChunkFiles, mint: i64, maxt: i64) -> Result<Samples, TsdbError> {
        let mut parts = Vec::with_capacity(self.full.len() + 1);
        for chunk in self.full.iter().filter(|chunk| chunk.min_t <= maxt && mint <= chunk.max_t) {
            let mut samples = Samples::default();
            let (encoding, bytes) = chunk.encoded(files)?;
            chunk::decode_any(encoding, bytes, mint, maxt, &mut samples)?;
            parts.push(samples);
        }
        let mut open = Samples::default();
        for sample in self.open.iter().filter(|sample| (mint..=maxt).contains(&sample.t)) {
            match &sample.value {
                Value::Float(v) => open.push_float(sample.t, *v),
                Value::Histogram(h) => open.push_histogram(sample.t, Arc::new(as_read(h))),
            }
        }
        parts.push(open);
        Ok(merge_all(parts))
    }
}

/// Heap bytes that a value holds.
pub(super) fn heap_bytes(value: &Value) -> usize {
    let Value::Histogram(h) = value else { return 0 };
    let words = match &**h {
        HistogramValue::Integer(h) => {
            h.positive_spans.len()
                + h.negative_spans.len()
                + h.positive_buckets.len()
                + h.negative_buckets.len()
                + h.custom_values.len()
        }
        HistogramValue::Float(h) => {
            h.positive_spans.len()
                + h.negative_spans.len()
                + h.positive_buckets.len()
                + h.negative_buckets.len()
                + h.custom_values.len()
        }
    };
    size_of::<HistogramValue>() + 8 * words
}

/// A histogram as it is read out of a chunk. Nothing is known of resets among samples that are still being sorted.
fn as_read(h: &HistogramValue) -> FloatHistogram {
    let mut h = match h {
        HistogramValue::Integer(h) => h.to_float(),
        HistogramValue::Float(h) => h.clone(),
    };
    if is_stale_nan(h.sum) {
        return FloatHistogram { sum: h.sum, ..FloatHistogram::default() };
    }
    forget_reset(&mut h.counter_reset);
    h
}
