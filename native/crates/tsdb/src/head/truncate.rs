//! Taking away from the head what is in blocks.
//!
//! Source: Prometheus `tsdb/head.go`, `truncateMemory`, `gc`, `truncateWAL`.

use std::path::Path;
use std::sync::Arc;

use hashbrown::HashSet;

use super::Head;
use super::forget::Gone;
use super::label_sets::SeriesId;
use crate::error::TsdbError;
use crate::fs::Fs;
use crate::wal::checkpoint;
use crate::wal::write::WalOptions;

/// Series that are looked at before others may have the locks.
const SLICE: SeriesId = 1024;

impl Head {
    /// Takes no samples before `boundary_t` any more, and begins new chunks there: what is before it can go to a block
    /// while appends go on.
    pub(crate) fn close_before(&self, boundary_t: i64) {
        let _appender = self.appender.lock();
        let mut store = self.store.write();
        store.min_valid_t = store.min_valid_t.max(boundary_t);
        store.rules.boundary_t = store.rules.boundary_t.max(boundary_t);
    }

    /// Forgets the chunks that end before `mint`, which are in blocks that readers can see, and the series that are left
    /// without samples. Appends and reads take turns with it.
    pub(crate) fn truncate(&self, mint: i64) {
        let end = {
            let _appender = self.appender.lock();
            let mut store = self.store.write();
            store.min_valid_t = store.min_valid_t.max(mint);
            // First of all: from now on readers look for what they miss in the blocks.
            store.generation += 1;
            // Appends say by themselves how far back they go.
            store.min_t = i64::MAX;
            store.next_id()
        };
        let (mut min_t, mut gone) = (i64::MAX, Gone::default());
        for from in (0..end).step_by(SLICE as usize) {
            // A plan of an append must not lose a series before it is carried out.
            let mut appender = self.appender.lock();
            let mut store = self.store.write();
            let slice: Vec<SeriesId> = store.ids(from, end.min(from.saturating_add(SLICE))).collect();
            // The last first, so that what leaves a page leaves from its end.
            for id in slice.into_iter().rev() {
                match store.truncate_series(id, mint) {
                    Some(t) => min_t = min_t.min(t),
                    None if store.has_samples(id) => {}
                    None => {
                        appender.touches.forget(id);
                        gone.add(id, store.remove(id));
                    }
                }
            }
        }
        {
            let mut store = self.store.write();
            store.min_t = store.min_t.min(min_t);
            store.deleted.retain(|_, stretches| {
                stretches.retain(|(_, to)| *to >= mint);
                !stretches.is_empty()
            });
        }
        self.forget(gone);
    }

    /// Begins a new segment and replaces the older two thirds of the log by a checkpoint with what is still needed: series
    /// of the head, samples from `mint` on. Appends go on meanwhile. Interrupted anywhere, old and new stand for the same.
    ///
    /// # Errors
    /// [`TsdbError`]: the log is whole, and longer than need be.
    pub(crate) fn truncate_log(
        &self,
        fs: &Arc<dyn Fs>,
        dir: &Path,
        mint: i64,
        options: WalOptions,
    ) -> Result<(), TsdbError> {
        let last = {
            let mut appender = self.appender.lock();
            let wal = appender.wal.as_mut().ok_or(TsdbError::Closed)?;
            let last = wal.segment_number();
            wal.cut_segment()?;
            *self.counters.wal.lock() = wal.stats();
            last
        };
        let kept: HashSet<u64> = {
            let store = self.store.read();
            let numbers = store.ids(0, store.next_id()).map(|id| store.series(id).wal_ref);
            numbers.chain(store.aliases.values().flatten().copied()).collect()
        };
        checkpoint::advance(fs, dir, last, mint, |wal_ref| kept.contains(&wal_ref), options, &self.upkeep)
    }
}
