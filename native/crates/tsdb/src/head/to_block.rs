//! What of a head goes into a block.

use neocortex_model::labels::Labels;

use super::Head;
use super::label_sets::SeriesId;
use super::stretch::Stretch;
use crate::chunk::EncodedChunk;
use crate::error::TsdbError;

/// A series with the chunks that it has in a stretch of time, and the stretches of it that are deleted.
pub(crate) struct BlockPart {
    pub(crate) labels: Labels,
    pub(crate) chunks: Vec<EncodedChunk>,
    pub(crate) deleted: Vec<(i64, i64)>,
}

impl Head {
    /// Times of the oldest and the newest sample that are in order; `None` without any.
    pub(crate) fn time_range(&self) -> Option<(i64, i64)> {
        let store = self.store.read();
        (store.min_t <= store.max_t).then_some((store.min_t, store.max_t))
    }

    /// Times of the oldest and the newest sample, in order or not; `None` without samples.
    pub(crate) fn whole_time_range(&self) -> Option<(i64, i64)> {
        let late = self.store.read().out_of_order.time_range();
        self.time_range().into_iter().chain(late).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    /// The series with samples with `mint <= t <= maxt`, sorted by labels.
    pub(crate) fn series_between(&self, mint: i64, maxt: i64) -> Vec<(Labels, SeriesId)> {
        let store = self.store.read();
        let has_samples = |id: &SeriesId| {
            let series = store.series(*id);
            series.min_t().is_some_and(|t| t <= maxt) && series.max_t().is_some_and(|t| mint <= t)
        };
        let ids = store.ids(0, store.next_id()).filter(has_samples);
        let mut found: Vec<(Labels, SeriesId)> = ids.map(|id| (store.labels(id), id)).collect();
        drop(store);
        found.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        found
    }

    /// Copies the chunks of some series that have samples with `mint <= t <= maxt`; appends wait meanwhile, so that it is
    /// to be called with few series. Numbers must be of [`Self::series_between`] without a truncation since.
    ///
    /// # Errors
    /// [`TsdbError::Corrupt`] when a chunk file is damaged.
    pub(crate) fn block_parts(
        &self,
        series: &[(Labels, SeriesId)],
        mint: i64,
        maxt: i64,
    ) -> Result<Vec<BlockPart>, TsdbError> {
        let store = self.store.read();
        let stretches: Vec<Stretch> = series.iter().map(|(_, id)| store.stretch(*id, mint, maxt)).collect();
        drop(store);
        let part = |((labels, _), mut stretch): (&(Labels, SeriesId), Stretch)| {
            let mut deleted = std::mem::take(&mut stretch.deleted);
            deleted.retain(|(from, to)| *from <= maxt && mint <= *to);
            Ok(BlockPart { labels: labels.clone(), chunks: stretch.into_chunks()?, deleted })
        };
        let parts = series.iter().zip(stretches).filter(|(_, stretch)| !stretch.is_empty());
        parts.map(part).collect()
    }
}
