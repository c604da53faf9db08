//! One series: its full chunks, the chunk that is being filled, and the rules by which a chunk is cut.
//!
//! Source: Prometheus `tsdb/head_append.go`, `appendPreprocessor`, `histogramsAppendPreprocessor`, `computeChunkEndTime`.

use neocortex_model::sample::{HistogramValue, Samples};

use crate::chunk::open::{Last, OpenChunk};
use crate::chunk::{self, Encoding};
use crate::error::TsdbError;

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

/// A full chunk.
pub(crate) struct ClosedChunk {
    pub(crate) min_t: i64,
    pub(crate) max_t: i64,
    pub(crate) encoding: Encoding,
    pub(crate) bytes: Box<[u8]>,
}

/// What an append did to the chunks, for the figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ChunkChange {
    /// A chunk was begun.
    pub(crate) begun: bool,
    /// Heap bytes of the chunk that was closed.
    pub(crate) closed_bytes: usize,
}

/// What a truncation took away, for the figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dropped {
    pub(crate) chunks: u64,
    pub(crate) open_bytes: usize,
    pub(crate) closed_bytes: usize,
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
        self.open.last()
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

    /// Appends samples with `mint <= t <= maxt` to `out`, ascending.
    pub(crate) fn read(&self, mint: i64, maxt: i64, out: &mut Samples) -> Result<(), TsdbError> {
        let first = self.closed.partition_point(|chunk| chunk.max_t < mint);
        for closed in self.closed[first..].iter().take_while(|chunk| chunk.min_t <= maxt) {
            chunk::decode_any(closed.encoding, &closed.bytes, mint, maxt, out)?;
        }
        match self.open.encoded() {
            Some((encoding, bytes)) if self.open_min_t <= maxt && self.max_t().is_some_and(|t| t >= mint) => {
                chunk::decode_any(encoding, bytes, mint, maxt, out)
            }
            _ => Ok(()),
        }
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

    /// Calls `each` with times, encoding and bytes of the chunks that have samples with `mint <= t <= maxt`, ascending.
    pub(crate) fn for_each_chunk(&self, mint: i64, maxt: i64, mut each: impl FnMut(i64, i64, Encoding, &[u8])) {
        for closed in self.closed.iter().filter(|chunk| chunk.min_t <= maxt && mint <= chunk.max_t) {
            each(closed.min_t, closed.max_t, closed.encoding, &closed.bytes);
        }
        if let (Some((encoding, bytes)), Some(max_t)) = (self.open.encoded(), self.max_t())
            && self.open_min_t <= maxt
            && mint <= max_t
        {
            each(self.open_min_t, max_t, encoding, bytes);
        }
    }

    /// Drops the chunks that end before `mint`; gives what is gone.
    pub(crate) fn truncate(&mut self, mint: i64) -> Dropped {
        let mut dropped = Dropped::default();
        let kept = self.closed.partition_point(|chunk| chunk.max_t < mint);
        for chunk in self.closed.drain(..kept) {
            dropped.chunks += 1;
            dropped.closed_bytes += chunk.bytes.len() + size_of::<ClosedChunk>();
        }
        if kept > 0 {
            self.closed.shrink_to_fit();
        }
        if self.max_t().is_some_and(|newest| newest < mint) {
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
        let max_t = self.max_t();
        let before = std::mem::replace(&mut self.open, next);
        let mut change = ChunkChange { begun: true, closed_bytes: 0 };
        if let (Some((encoding, bytes)), Some(max_t)) = (before.encoded(), max_t) {
            change.closed_bytes = bytes.len() + size_of::<ClosedChunk>();
            if self.closed.len() == self.closed.capacity() {
                self.closed.reserve_exact(1 + self.closed.len() / 4);
            }
            self.closed.push(ClosedChunk { min_t: self.open_min_t, max_t, encoding, bytes: bytes.into() });
        }
        self.open_min_t = t;
        self.next_cut_t = range_end(t, rules.range_ms);
        change
    }
}

/// The end of the chunk range that `t` is in.
fn range_end(t: i64, range_ms: i64) -> i64 {
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
