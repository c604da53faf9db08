//! Out-of-order samples on their way to blocks.
//!
//! Source: Prometheus `tsdb/ooo_head_read.go` (`NewOOOCompactionHead`), `tsdb/head.go` (`truncateOOO`).

use neocortex_model::labels::Labels;

use super::super::Head;
use super::super::forget::Gone;
use super::super::label_sets::SeriesId;
use super::chunk::{FullChunk, Sample};
use super::encode::{self, Encoder};
use crate::block::write::NewChunk;
use crate::error::TsdbError;

/// Series whose chunks are closed before readers may have the lock.
const SLICE: usize = 256;

/// Samples of a chunk that is made of overlapping ones, as of any chunk.
const SAMPLES_PER_CHUNK: u16 = 120;

/// What the head has out of order at a moment.
pub(crate) struct FrozenOutOfOrder {
    /// Sorted by labels.
    pub(crate) series: Vec<FrozenSeries>,
    /// The log has nothing of it in this segment and later ones.
    segment: u64,
}

/// The full chunks of one series.
pub(crate) struct FrozenSeries {
    pub(crate) labels: Labels,
    id: SeriesId,
    chunks: Vec<FullChunk>,
}

impl Head {
    /// Closes all open out-of-order chunks and begins a new segment of their log; `None` when there are no samples.
    /// Appends wait meanwhile, reads go on.
    pub(crate) fn freeze_out_of_order(&self) -> Result<Option<FrozenOutOfOrder>, TsdbError> {
        let mut appender = self.appender.lock();
        let ids: Vec<SeriesId> = self.store.read().out_of_order.by_series.keys().copied().collect();
        if ids.is_empty() {
            return Ok(None);
        }
        let segment = appender.out_of_order_log.as_mut().ok_or(TsdbError::Closed)?.cut()?;
        let mut series = Vec::with_capacity(ids.len());
        for slice in ids.chunks(SLICE) {
            let mut store = self.store.write();
            for &id in slice {
                let chunks = store.out_of_order.close(id).to_vec();
                series.push(FrozenSeries { labels: store.labels(id), id, chunks });
            }
        }
        series.sort_unstable_by(|a, b| a.labels.cmp(&b.labels));
        Ok(Some(FrozenOutOfOrder { series, segment }))
    }

    /// Forgets what is in blocks that readers can see, the series that are left without samples, and the part of the log that
    /// blocks stand for. Appends and reads take turns with it.
    pub(crate) fn forget_out_of_order(&self, frozen: &FrozenOutOfOrder) -> Result<(), TsdbError> {
        let mut gone = Gone::default();
        for slice in frozen.series.chunks(SLICE) {
            // A plan of an append must not lose a series before it is carried out.
            let mut appender = self.appender.lock();
            let mut store = self.store.write();
            for series in slice {
                store.out_of_order.drop_full(series.id, series.chunks.len());
                if !store.has_samples(series.id) {
                    appender.touches.forget(series.id);
                    gone.add(series.id, store.remove(series.id));
                }
            }
        }
        self.forget(gone);
        let appender = self.appender.lock();
        appender.out_of_order_log.as_ref().ok_or(TsdbError::Closed)?.truncate(frozen.segment)
    }
}

impl FrozenOutOfOrder {
    /// The beginning of the oldest chunk that begins at `mint` or later.
    pub(crate) fn oldest_from(&self, mint: i64) -> Option<i64> {
        let chunks = self.series.iter().flat_map(|series| &series.chunks);
        chunks.map(|chunk| chunk.min_t).filter(|t| *t >= mint).min()
    }
}

impl FrozenSeries {
    /// True when it has chunks that begin in the range.
    pub(crate) fn has_chunks(&self, mint: i64, maxt: i64) -> bool {
        self.chunks.iter().any(|chunk| (mint..=maxt).contains(&chunk.min_t))
    }

    /// The chunks of a range that chunks do not cross, ascending and not overlapping. Of samples of the same time the one
    /// that came first is kept.
    pub(crate) fn block_chunks(&self, mint: i64, maxt: i64) -> Result<Vec<NewChunk>, TsdbError> {
        let mut chunks: Vec<&FullChunk> =
            self.chunks.iter().filter(|chunk| (mint..=maxt).contains(&chunk.min_t)).collect();
        // Stable: of chunks with the same beginning the older one stays first.
        chunks.sort_by_key(|chunk| chunk.min_t);
        let mut out = Vec::with_capacity(chunks.len());
        let mut rest = chunks.as_slice();
        while !rest.is_empty() {
            let (group, others) = rest.split_at(overlapping(rest));
            match group {
                [chunk] => out.push(new_chunk(chunk)),
                _ => out.extend(self.merge(group)?.iter().map(new_chunk)),
            }
            rest = others;
        }
        Ok(out)
    }

    fn merge(&self, group: &[&FullChunk]) -> Result<Vec<FullChunk>, TsdbError> {
        let mut samples: Vec<Sample> = Vec::new();
        // In the order in which they were closed, so that the stable sort keeps the first of those of a time in front.
        for chunk in self.chunks.iter().filter(|chunk| group.iter().any(|other| std::ptr::eq(*other, *chunk))) {
            samples.extend(encode::decode(chunk)?);
        }
        samples.sort_by_key(|sample| sample.t);
        samples.dedup_by_key(|sample| sample.t);
        let mut encoder = Encoder::new(i64::MAX, SAMPLES_PER_CHUNK);
        samples.iter().for_each(|sample| encoder.push(sample));
        Ok(encoder.finish())
    }
}

/// How many chunks from the first on overlap in a row; they are sorted by their beginning.
fn overlapping(chunks: &[&FullChunk]) -> usize {
    let mut end_t = i64::MIN;
    let in_row = chunks.iter().enumerate().take_while(|(i, chunk)| {
        let overlaps = *i == 0 || chunk.min_t <= end_t;
        end_t = end_t.max(chunk.max_t);
        overlaps
    });
    in_row.count()
}

fn new_chunk(chunk: &FullChunk) -> NewChunk {
    NewChunk { min_t: chunk.min_t, max_t: chunk.max_t, encoding: chunk.encoding, bytes: Box::from(&*chunk.bytes) }
}
