//! Taking away from the head what is in blocks.
//!
//! Source: Prometheus `tsdb/head.go`, `truncateMemory`, `gc`, `truncateWAL`.

use std::path::Path;
use std::sync::Arc;

use hashbrown::HashSet;

use super::label_sets::SeriesId;
use super::series::Series;
use super::store::Store;
use super::{Appender, Head};
use crate::error::TsdbError;
use crate::fs::Fs;
use crate::wal::checkpoint;
use crate::wal::write::WalOptions;

/// Series that are looked at before others may have the lock.
const SLICE: usize = 4096;

/// The number of a series that is gone.
const GONE: SeriesId = SeriesId::MAX;

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
    /// without samples. Appends wait meanwhile, reads go on.
    pub(crate) fn truncate(&self, mint: i64) {
        let mut appender = self.appender.lock();
        {
            let mut store = self.store.write();
            store.min_valid_t = store.min_valid_t.max(mint);
            // First of all: from now on readers look for what they miss in the blocks.
            store.generation += 1;
        }
        let (mut from, mut min_t) = (0, i64::MAX);
        loop {
            let mut store = self.store.write();
            let to = store.len().min(from + SLICE);
            for id in from..to {
                min_t = min_t.min(store.truncate_series(id as SeriesId, mint));
            }
            from = to;
            if to == store.len() {
                store.min_t = min_t;
                store.deleted.retain(|_, stretches| {
                    stretches.retain(|(_, to)| *to >= mint);
                    !stretches.is_empty()
                });
                break;
            }
        }
        self.collect_series(&mut appender);
    }

    /// Builds the head anew without the series that have no samples.
    fn collect_series(&self, appender: &mut Appender) {
        let (mut next, new_ids) = {
            let store = self.store.read();
            if (0..store.len()).all(|id| store.series(id as SeriesId).max_t().is_some()) {
                return;
            }
            store.plan_collection()
        };
        let new_id = |id: SeriesId| new_ids.get(id as usize).copied().filter(|id| *id != GONE);
        let mut store = self.store.write();
        // Only moves from here on, so that readers do not wait long.
        for (id, new) in new_ids.iter().enumerate().filter(|(_, new)| **new != GONE) {
            std::mem::swap(next.series_mut(*new), store.series_mut(id as SeriesId));
        }
        next.take_over(&mut store, new_id);
        let before = std::mem::replace(&mut *store, next);
        self.ring.write().renumber(new_id);
        self.keys.renumber(new_id);
        appender.touches.renumber(new_id, store.len());
        drop(store);
        drop(before);
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
            self.counters.wal_segment.store(wal.segment_number(), std::sync::atomic::Ordering::Relaxed);
            last
        };
        let kept: HashSet<u64> = {
            let store = self.store.read();
            let numbers = (0..store.len()).map(|id| store.series(id as SeriesId).wal_ref);
            numbers.chain(store.aliases.values().flatten().copied()).collect()
        };
        checkpoint::advance(fs, dir, last, mint, |wal_ref| kept.contains(&wal_ref), options)
    }
}

impl Store {
    /// Drops the chunks of a series that end before `mint`; gives the time of its oldest sample left, or `i64::MAX`.
    fn truncate_series(&mut self, id: SeriesId, mint: i64) -> i64 {
        let series = self.series_mut(id);
        let dropped = series.truncate(mint);
        // A chunk that begins before and ends later is kept whole; what is before counts as gone all the same.
        let min_t = series.min_t().map_or(i64::MAX, |t| t.max(mint));
        self.chunks -= dropped.chunks;
        self.chunks_before += dropped.chunks;
        self.open_bytes -= dropped.open_bytes;
        self.closed_bytes -= dropped.closed_bytes;
        min_t
    }

    /// A store with the labels of the series that have samples, and the new number of each series.
    fn plan_collection(&self) -> (Self, Vec<SeriesId>) {
        let mut next = Self::new(self.rules);
        let new_id = |id: SeriesId| match self.series(id).max_t() {
            Some(_) => next.add(&self.labels(id), Series::new(0)),
            None => GONE,
        };
        let new_ids = (0..self.len() as SeriesId).map(new_id).collect();
        (next, new_ids)
    }

    /// Takes over everything but the series of the store that it replaces.
    fn take_over(&mut self, before: &mut Self, new_id: impl Fn(SeriesId) -> Option<SeriesId>) {
        self.generation = before.generation + 1;
        self.created_before = before.created_before + (before.len() - self.len()) as u64;
        self.chunks_before = before.chunks_before;
        self.min_valid_t = before.min_valid_t;
        (self.min_t, self.max_t) = (before.min_t, before.max_t);
        self.chunks = before.chunks;
        (self.open_bytes, self.closed_bytes) = (before.open_bytes, before.closed_bytes);
        let aliases = before.aliases.drain().filter_map(|(id, numbers)| Some((new_id(id)?, numbers)));
        self.aliases = aliases.collect();
        let deleted = before.deleted.drain().filter_map(|(id, stretches)| Some((new_id(id)?, stretches)));
        self.deleted = deleted.collect();
    }
}
