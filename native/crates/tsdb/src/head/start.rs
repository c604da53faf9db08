//! The start of a head: chunk files, then a snapshot if there is one, then the write-ahead log, then the log of out-of-order
//! samples.
//!
//! Source: Prometheus `tsdb/head.go` (`Init`).

use std::path::Path;
use std::sync::Arc;

use neocortex_model::labels::Labels;

use super::Head;
use super::exemplars::ExemplarRing;
use super::label_sets::SeriesId;
use super::out_of_order::OutOfOrderLog;
use super::replay::{Replay, Target};
use super::stats::{ReplayStats, add};
use crate::chunk_files::load::load;
use crate::chunk_files::{self, FileChunk};
use crate::error::TsdbError;
use crate::failpoint;
use crate::fs::Fs;
use crate::snapshot;
use crate::wal::read::{Position, Reader};
use crate::wal::record::encode_series;
use crate::wal::repair::repair;
use crate::wal::write::{WalOptions, Writer};
use crate::wal::{checkpoint, segments};

/// The write-ahead log, within the directory of a database.
const WAL_DIR: &str = "wal";

/// The log of out-of-order samples.
const WBL_DIR: &str = "wbl";

/// Where a log is damaged.
pub(super) struct Damage {
    error: TsdbError,
    /// The end of what is sound.
    good: Position,
    is_in_last_segment: bool,
}

/// The damage of both logs.
struct Damages {
    wal: Option<Damage>,
    wbl: Option<Damage>,
}

impl Head {
    /// Opens the chunk files of the database in `dir`, loads a snapshot if that is wanted, replays checkpoint and log from the time `min_valid_t` on, before
    /// which all is in blocks, then the log of out-of-order samples; cuts damaged ends off and continues the log with a new
    /// segment.
    ///
    /// # Errors
    /// [`TsdbError`] when the log cannot be read or written, or when a checkpoint is damaged: a checkpoint is complete
    /// before it gets its name, so that is no torn write, and what it held is nowhere else.
    pub(crate) fn open(
        &self,
        fs: &Arc<dyn Fs>,
        dir: &Path,
        options: WalOptions,
        min_valid_t: i64,
    ) -> Result<ReplayStats, TsdbError> {
        let (wal, wbl) = (dir.join(WAL_DIR), dir.join(WBL_DIR));
        let mut replay = Replay::default();
        self.open_chunk_files(fs, dir, min_valid_t, &mut replay)?;
        let from = if self.snapshots { self.load_snapshot(fs, dir, min_valid_t, &mut replay)? } else { None };
        let damage = self.replay(fs, dir, min_valid_t, from, &mut replay)?;
        if let Some(damage) = damage.wal {
            if from.is_none() {
                // The log is going to be another one from there on, which may be before a snapshot.
                snapshot::remove_all(&**fs, dir)?;
            }
            repair(&**fs, &wal, damage.good)?;
            replay.stats.repaired = true;
        }
        if let Some(damage) = damage.wbl {
            repair(&**fs, &wbl, damage.good)?;
            replay.stats.out_of_order_repaired = true;
        }
        failpoint::reach("start.replayed");
        let mut out_of_order_log = OutOfOrderLog::new(fs, &wbl, options);
        out_of_order_log.resume()?;
        self.start(Writer::open(Arc::clone(fs), &wal, options)?, out_of_order_log);
        self.appender.lock().next_ref = replay.refs.greatest() + 1;
        self.renumber(&mut replay)?;
        Ok(replay.stats)
    }

    /// Sees to it that all series have numbers of their own, in the log too.
    fn renumber(&self, replay: &mut Replay) -> Result<(), TsdbError> {
        let mut appender = self.appender.lock();
        let mut store = self.store.write();
        replay.displaced.sort_unstable();
        replay.displaced.dedup();
        let is_own = |id: SeriesId, wal_ref: u64| replay.refs.get(wal_ref) == Some(id);
        let mut new: Vec<(u64, Labels)> = Vec::new();
        for &id in &replay.displaced {
            if is_own(id, store.series(id).wal_ref) {
                continue;
            }
            let other = store.aliases.get(&id).and_then(|all| all.iter().copied().find(|number| is_own(id, *number)));
            let number = other.unwrap_or_else(|| {
                new.push((appender.next_ref, store.labels(id)));
                appender.next_ref += 1;
                appender.next_ref - 1
            });
            store.renumber(id, number);
        }
        if new.is_empty() {
            return Ok(());
        }
        let mut record = Vec::new();
        encode_series(&mut record, new.iter().map(|(number, labels)| (*number, labels)));
        appender.wal.as_mut().ok_or(TsdbError::Closed)?.log(&[&record]).map(drop)
    }

    /// Replays checkpoint and logs as [`Self::open`] does, without the chunk files, and changes nothing on disk: the head
    /// cannot be appended to. Damage in the last segment ends a log there, since that is what a crash leaves and what a write
    /// that is under way looks like.
    ///
    /// # Errors
    /// [`TsdbError`] when a log cannot be read, or is damaged before its last segment.
    pub(crate) fn read_log(&self, fs: &Arc<dyn Fs>, dir: &Path, min_valid_t: i64) -> Result<(), TsdbError> {
        let damage = self.replay(fs, dir, min_valid_t, None, &mut Replay::default())?;
        match [damage.wal, damage.wbl].into_iter().flatten().find(|damage| !damage.is_in_last_segment) {
            Some(damage) => Err(damage.error),
            None => Ok(()),
        }
    }

    fn open_chunk_files(
        &self,
        fs: &Arc<dyn Fs>,
        dir: &Path,
        min_valid_t: i64,
        replay: &mut Replay,
    ) -> Result<(), TsdbError> {
        let chunks_dir = dir.join(chunk_files::DIR);
        let each = |at, chunk: FileChunk<'_>| {
            replay.filed.add(at, &chunk, min_valid_t, self.chunk_range_ms);
            replay.late_filed.add(at, &chunk, self.chunk_range_ms);
        };
        // A snapshot leaves to the files what is about to be cut off.
        let loaded = load(&**fs, &chunks_dir, each, || snapshot::remove_all(&**fs, dir))?;
        replay.stats.chunk_files_repaired = loaded.repaired;
        add(&self.counters.chunk_corruptions, u64::from(loaded.repaired));
        // The log may have been cut off before a series of which there are chunks: they must not become another's.
        replay.refs.name(replay.filed.greatest_ref);
        self.store.write().files = Arc::new(loaded.files);
        *self.files.lock() = Some(chunk_files::write::Writer::new(Arc::clone(fs), &chunks_dir, loaded.range));
        Ok(())
    }

    /// Loads the newest snapshot, if there is one that can be used; gives the place from which on the log is still needed.
    fn load_snapshot(
        &self,
        fs: &Arc<dyn Fs>,
        dir: &Path,
        min_valid_t: i64,
        replay: &mut Replay,
    ) -> Result<Option<Position>, TsdbError> {
        let Some((path, end)) = snapshot::newest(&**fs, dir)? else { return Ok(None) };
        if segments(&**fs, &dir.join(WAL_DIR))?.last().is_none_or(|last| *last < end.segment) {
            // It is of a log that is gone.
            snapshot::remove_all(&**fs, dir)?;
            return Ok(None);
        }
        if replay.filed.is_partial {
            return Ok(None);
        }
        let loaded = self.with_target(min_valid_t, |target| replay.read_snapshot(fs, &path, target));
        if loaded.is_ok() {
            return Ok(Some(end));
        }
        add(&self.counters.snapshot_failures, 1);
        self.empty();
        *replay = Replay::default();
        self.open_chunk_files(fs, dir, min_valid_t, replay)?;
        Ok(None)
    }

    /// Takes back everything that was loaded.
    fn empty(&self) {
        let mut store = self.store.write();
        *store = store.emptied();
        let mut ring = self.ring.write();
        *ring = ExemplarRing::new(ring.capacity());
    }

    fn with_target<T>(&self, min_valid_t: i64, work: impl FnOnce(&mut Target<'_>) -> T) -> T {
        let (mut store, mut ring, mut metadata) = (self.store.write(), self.ring.write(), self.metadata.write());
        store.min_valid_t = min_valid_t;
        let now_ms = self.clock.now_ms();
        work(&mut Target { store: &mut store, ring: &mut ring, metadata: &mut metadata, now_ms })
    }

    /// Replays checkpoint and logs, each up to its first damage, which is told; of the write-ahead log what is after `from`.
    fn replay(
        &self,
        fs: &Arc<dyn Fs>,
        dir: &Path,
        min_valid_t: i64,
        from: Option<Position>,
        replay: &mut Replay,
    ) -> Result<Damages, TsdbError> {
        self.with_target(min_valid_t, |target| {
            let wal = replay_wal(fs, &dir.join(WAL_DIR), from, replay, target)?;
            let store = &mut *target.store;
            replay.stats.unknown_chunks = std::mem::take(&mut replay.filed).finish(store);
            let Replay { stats, refs, late_filed, .. } = replay;
            let (filed, files) = (std::mem::take(late_filed), Arc::clone(&store.files));
            let series = |wal_ref| refs.spend(wal_ref);
            let wbl = store.out_of_order.replay(fs, &dir.join(WBL_DIR), (filed, &files), series, stats)?;
            Ok(Damages { wal, wbl })
        })
    }
}

fn replay_wal(
    fs: &Arc<dyn Fs>,
    dir: &Path,
    from: Option<Position>,
    replay: &mut Replay,
    target: &mut Target<'_>,
) -> Result<Option<Damage>, TsdbError> {
    let mut begin = from.unwrap_or_default();
    if let Some((checkpoint, last)) = checkpoint::newest(&**fs, dir)?
        && last >= begin.segment
    {
        let mut reader = Reader::open(Arc::clone(fs), &checkpoint, 0)?;
        replay.read(&mut reader, &checkpoint, target)?;
        begin = Position { segment: last + 1, offset: 0 };
    }
    let mut reader = Reader::open_at(Arc::clone(fs), dir, begin)?;
    let last_segment = reader.last_segment();
    let read = replay.read(&mut reader, dir, target);
    Damage::of(read, replay.good, last_segment)
}

impl Damage {
    /// The damage that ended the reading of a log, if one did. Other errors stay errors.
    pub(super) fn of(
        read: Result<(), TsdbError>,
        good: Position,
        last_segment: Option<u64>,
    ) -> Result<Option<Self>, TsdbError> {
        match read {
            Err(error @ TsdbError::Corrupt { .. }) => {
                Ok(Some(Self { error, good, is_in_last_segment: Some(good.segment) == last_segment }))
            }
            other => other.map(|()| None),
        }
    }
}
