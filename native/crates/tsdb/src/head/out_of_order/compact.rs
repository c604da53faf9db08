//! Out-of-order samples on their way to blocks.
//!
//! Source: Prometheus `tsdb/ooo_head_read.go` (`NewOOOCompactionHead`), `tsdb/head.go` (`truncateOOO`).

use std::sync::Arc;

use neocortex_model::labels::Labels;

use super::super::Head;
use super::super::forget::Gone;
use super::super::label_sets::SeriesId;
use super::chunk::FullChunk;
use crate::chunk::EncodedChunk;
use crate::chunk_files::read::ChunkFiles;
use crate::error::TsdbError;
use crate::failpoint;

/// Series whose chunks are closed before readers may have the lock.
const SLICE: usize = 256;

/// What the head has out of order at a moment.
pub(crate) struct FrozenOutOfOrder {
    /// Sorted by labels.
    pub(crate) series: Vec<FrozenSeries>,
    /// Have the chunks that are in files.
    files: Arc<ChunkFiles>,
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
        // After the chunks, of which some may have gone to a new file meanwhile.
        let files = Arc::clone(&self.store.read().files);
        series.sort_unstable_by(|a, b| a.labels.cmp(&b.labels));
        Ok(Some(FrozenOutOfOrder { series, files, segment }))
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
        failpoint::reach("late.before-truncation");
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

    /// The chunks of one of the series that begin in a range, which chunks do not cross, in the order in which they were
    /// closed.
    ///
    /// # Errors
    /// [`TsdbError::Corrupt`] when a chunk file is damaged.
    pub(crate) fn chunks(&self, series: &FrozenSeries, mint: i64, maxt: i64) -> Result<Vec<EncodedChunk>, TsdbError> {
        let chunks = series.chunks.iter().filter(|chunk| (mint..=maxt).contains(&chunk.min_t));
        let read = |chunk: &FullChunk| {
            let (encoding, bytes) = chunk.encoded(&self.files)?;
            Ok(EncodedChunk { min_t: chunk.min_t, max_t: chunk.max_t, encoding, bytes: bytes.into() })
        };
        chunks.map(read).collect()
    }
}

impl FrozenSeries {
    /// True when it has chunks that begin in the range.
    pub(crate) fn has_chunks(&self, mint: i64, maxt: i64) -> bool {
        self.chunks.iter().any(|chunk| (mint..=maxt).contains(&chunk.min_t))
    }
}
