//! One series: its full chunks, the chunk that is being filled, and the rules by which a chunk is cut.
//!
//! Source: Prometheus `tsdb/head_append.go`, `appendPreprocessor`, `histogramsAppendPreprocessor`, `computeChunkEndTime`.

use neocortex_model::sample::HistogramValue;

use crate::chunk::open::{Last, OpenChunk};
use crate::chunk::xor::XorChunk;
use crate::chunk::{EncodedChunk, Encoding};
use crate::chunk_files::ChunkRef;

/// A float chunk of more bytes than this is cut, so that it stays under 1024 with one more sample of 19.
const MAX_XOR_BYTES: usize = 1024 - 19;

/// Bytes that a histogram chunk should get.
const TARGET_HISTOGRAM_BYTES: usize = 1024;

/// Samples that a histogram chunk should have at least.
const MIN_HISTOGRAM_SAMPLES: u16 = 10;

/// What decides when a chunk is cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChunkRules {
    /// Chunks do not cross multiples of this, in milliseconds.
    pub(crate) range_ms: i64,
    /// Samples that a float chunk should get.
    pub(crate) samples: u32,
    /// Chunks do not cross this time either: what is before it goes to blocks.
    pub(crate) boundary_t: i64,
}

/// A full chunk, as its series knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClosedChunk {
    pub(crate) min_t: i64,
    pub(crate) max_t: i64,
    pub(crate) place: Place,
}

/// Where the bytes of a full chunk are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In memory, under this ticket of [`super::waiting::Waiting`].
    Waiting(u32),
    File(ChunkRef),
}

/// What an append did to the chunks.
#[derive(Default)]
pub(crate) struct ChunkChange {
    /// A chunk was begun.
    pub(crate) begun: bool,
    /// The chunk that became full thereby, for the caller to keep and to [`Series::close`].
    pub(crate) full: Option<EncodedChunk>,
}

/// What a truncation took away, for the figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dropped {
    pub(crate) chunks: u64,
    pub(crate) open_bytes: usize,
}

/// The samples of one series.
pub(crate) struct Series {
    /// Number of the series in the write-ahead log.
    pub(crate) wal_ref: u64,
    /// A sample at or after this time begins a new chunk.
    next_cut_t: i64,
    open_min_t: i64,
    open: OpenChunk,
    closed: Vec<ClosedChunk>,
}

impl Series {
    pub(crate) fn new(wal_ref: u64) -> Self {
        Self { wal_ref, next_cut_t: i64::MIN, open_min_t: i64::MAX, open: OpenChunk::None, closed: Vec::new() }
    }

    /// The newest sample.
    pub(crate) fn last(&self) -> Last<'_> {
        match (self.open.last(), self.closed.last()) {
            (Last::None, Some(chunk)) => Last::Closed(chunk.max_t),
            (last, _) => last,
        }
    }

    /// Time of the oldest sample, `None` without samples.
    pub(crate) fn min_t(&self) -> Option<i64> {
        let open = (!self.open.is_none()).then_some(self.open_min_t);
        self.closed.first().map(|chunk| chunk.min_t).or(open)
    }

    /// Time of the newest sample, `None` without samples.
    pub(crate) fn max_t(&self) -> Option<i64> {
        self.last().t()
    }

    /// Heap bytes of the open chunk.
    pub(crate) fn open_bytes(&self) -> usize {
        self.open.heap_bytes()
    }

    /// Appends a float newer than all samples.
    pub(crate) fn append_float(&mut self, t: i64, v: f64, rules: ChunkRules) -> ChunkChange {
        debug_assert!(self.max_t().is_none_or(|last| last < t));
        let mut change = ChunkChange::default();
        if self.must_cut_float(t, rules) {
            change = self.cut(t, OpenChunk::xor(), rules);
        }
        self.open.append_float(t, v);
        change
    }

    /// Appends a histogram newer than all samples.
    pub(crate) fn append_histogram(&mut self, t: i64, value: &HistogramValue, rules: ChunkRules) -> ChunkChange {
        debug_assert!(self.max_t().is_none_or(|last| last < t));
        let next = if self.must_cut_histogram(t, value, rules) {
            Some(self.open.begin_histogram(t, value))
        } else {
            self.open.append_histogram(t, value)
        };
        next.map_or_else(ChunkChange::default, |next| self.cut(t, next, rules))
    }

    /// Full chunks that have samples with `mint <= t <= maxt`, ascending.
    pub(crate) fn closed_between(&self, mint: i64, maxt: i64) -> &[ClosedChunk] {
        let from = self.closed.partition_point(|chunk| chunk.max_t < mint);
        let to = from + self.closed[from..].partition_point(|chunk| chunk.min_t <= maxt);
        &self.closed[from..to]
    }

    /// Times, encoding and bytes of the chunk that is being filled if it has samples with `mint <= t <= maxt`.
    pub(crate) fn open_between(&self, mint: i64, maxt: i64) -> Option<(i64, i64, Encoding, &[u8])> {
        let max_t = self.open.last().t().filter(|max_t| self.open_min_t <= maxt && mint <= *max_t)?;
        self.open.encoded().map(|(encoding, bytes)| (self.open_min_t, max_t, encoding, bytes))
    }

    /// Full chunks, ascending.
    pub(super) fn closed(&self) -> &[ClosedChunk] {
        &self.closed
    }

    pub(super) fn closed_mut(&mut self) -> &mut [ClosedChunk] {
        &mut self.closed
    }

    /// Adds a full chunk that is newer than all full chunks.
    pub(super) fn close(&mut self, chunk: ClosedChunk) {
        debug_assert!(self.closed.last().is_none_or(|last| last.max_t < chunk.min_t));
        if self.closed.len() == self.closed.capacity() {
            self.closed.reserve_exact(1 + self.closed.len() / 4);
        }
        self.closed.push(chunk);
    }

    /// Goes on filling a chunk of floats that begins at `min_t`, newer than all full chunks; there must be none yet.
    pub(super) fn resume(&mut self, min_t: i64, chunk: XorChunk, rules: ChunkRules) {
        debug_assert!(self.open.is_none());
        let (newest, samples) = (chunk.max_time(), u32::from(chunk.num_samples()));
        self.open = OpenChunk::Xor(chunk);
        self.open_min_t = min_t;
        self.next_cut_t = range_end(min_t, rules.range_ms);
        if samples > rules.samples / 4 {
            // As predicted when it was a quarter full, by what is known of its pace now.
            let ratio = f64::from(rules.samples) / f64::from(samples);
            self.next_cut_t = chunk_end(min_t, newest, self.next_cut_t, ratio);
        }
    }

    /// Ends the chunk that is being filled, if there is one; the next sample begins another.
    pub(super) fn seal(&mut self) -> Option<EncodedChunk> {
        let full = self.full();
        self.open = OpenChunk::None;
        self.open_min_t = i64::MAX;
        self.next_cut_t = i64::MIN;
        full
    }

    fn must_cut_float(&mut self, t: i64, rules: ChunkRules) -> bool {
        let OpenChunk::Xor(chunk) = &self.open else { return true };
        if self.crosses(t, rules) || chunk.bytes().len() > MAX_XOR_BYTES {
            return true;
        }
        let samples = u32::from(chunk.num_samples());
        if samples == rules.samples / 4 {
            let newest = self.max_t().unwrap_or(self.open_min_t);
            self.next_cut_t = chunk_end(self.open_min_t, newest, self.next_cut_t, 4.0);
        }
        t >= self.next_cut_t || samples >= rules.samples * 2
    }

    fn must_cut_histogram(&mut self, t: i64, value: &HistogramValue, rules: ChunkRules) -> bool {
        if self.crosses(t, rules) {
            return true;
        }
        let newest = self.max_t().unwrap_or(self.open_min_t);
        let Some(fill) = self.open.histogram_fill(value) else { return true };
        let range_end = if *fill.predicted { range_end(self.open_min_t, rules.range_ms) } else { self.next_cut_t };
        if !*fill.predicted && fill.bytes >= TARGET_HISTOGRAM_BYTES / 4 {
            *fill.predicted = true;
            let ratio = TARGET_HISTOGRAM_BYTES as f64 / fill.bytes as f64;
            self.next_cut_t = chunk_end(self.open_min_t, newest, self.next_cut_t, ratio);
        }
        (t >= self.next_cut_t || fill.bytes >= TARGET_HISTOGRAM_BYTES * 2)
            && (fill.samples >= MIN_HISTOGRAM_SAMPLES || t >= range_end)
            || fill.samples == u16::MAX
    }

    /// True when the open chunk must end because a sample lies beyond the boundary.
    fn crosses(&self, t: i64, rules: ChunkRules) -> bool {
        self.open_min_t < rules.boundary_t && t >= rules.boundary_t
    }

    /// Drops the chunks that end before `mint`; calls `gone` with each full one.
    pub(crate) fn truncate(&mut self, mint: i64, gone: impl FnMut(ClosedChunk)) -> Dropped {
        let kept = self.closed.partition_point(|chunk| chunk.max_t < mint);
        let mut dropped = Dropped { chunks: kept as u64, open_bytes: 0 };
        self.closed.drain(..kept).for_each(gone);
        if kept > 0 {
            self.closed.shrink_to_fit();
        }
        if self.open.last().t().is_some_and(|newest| newest < mint) {
            dropped.chunks += 1;
            dropped.open_bytes += self.open.heap_bytes();
            self.open = OpenChunk::None;
            self.open_min_t = i64::MAX;
            self.next_cut_t = i64::MIN;
        }
        dropped
    }

    /// Closes the open chunk, if there is one, and begins another at `t`.
    fn cut(&mut self, t: i64, next: OpenChunk, rules: ChunkRules) -> ChunkChange {
        let full = self.full();
        self.open = next;
        self.open_min_t = t;
        self.next_cut_t = range_end(t, rules.range_ms);
        ChunkChange { begun: true, full }
    }

    /// A copy of the open chunk, exactly as long as it is.
    fn full(&self) -> Option<EncodedChunk> {
        let ((encoding, bytes), max_t) = self.open.encoded().zip(self.open.last().t())?;
        Some(EncodedChunk { min_t: self.open_min_t, max_t, encoding, bytes: bytes.into() })
    }
}

/// The end of the chunk range that `t` is in.
pub(super) fn range_end(t: i64, range_ms: i64) -> i64 {
    // Go's division rounds towards zero, so for times before 1970 this is one range later; harmless, but the same.
    (t / range_ms).saturating_mul(range_ms).saturating_add(range_ms)
}

/// Predicts when a chunk that is `1/ratio` full should end, so that the chunks until `max` get equally many samples.
fn chunk_end(start: i64, cur: i64, max: i64, ratio: f64) -> i64 {
    let left = max.saturating_sub(start) as f64;
    let chunks = left / ((cur.saturating_sub(start).saturating_add(1)) as f64 * ratio);
    if chunks <= 1.0 { max } else { (start as f64 + left / chunks.floor()) as i64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_chunk_costs_its_series_three_words() {
        assert_eq!(size_of::<ClosedChunk>(), 24);
    }

    #[test]
    fn chunk_end_as_prometheus_tests_it() {
        // The cases of TestComputeChunkEndTime in Prometheus's tsdb/head_test.go.
        for (start, cur, max, ratio, end) in [
            (0, 250, 1000, 4.0, 1000),
            (100, 200, 1000, 4.0, 550),
            (5000, 5110, 10_000, 4.2, 5500),
            (0, 500, 1000, 4.0, 1000),
            (100, 100, 1000, 4.0, 104),
        ] {
            assert_eq!(chunk_end(start, cur, max, ratio), end, "{start} {cur} {max}");
        }
    }
}
