//! What a start finds: chunk files, then a snapshot if there is one, then the write-ahead log, then the log of out-of-order
//! samples.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Head;
use super::exemplars::ExemplarRing;
use super::replay::{Replay, Target};
use super::start::{WAL_DIR, WBL_DIR};
use super::stats::add;
use crate::chunk_files::load::load;
use crate::chunk_files::{self, FileChunk};
use crate::error::TsdbError;
use crate::fs::Fs;
use crate::snapshot;
use crate::wal::read::{Position, Reader};
use crate::wal::sound::is_sound_until;
use crate::wal::{checkpoint, segments};

/// Where a log is damaged.
pub(super) struct Damage {
    pub(super) error: TsdbError,
    /// The end of what is sound.
    pub(super) good: Position,
    pub(super) is_in_last_segment: bool,
}

/// The damage of both logs, as far as they were replayed.
pub(super) struct Damages {
    pub(super) wal: Option<Damage>,
    pub(super) wbl: Option<Damage>,
}

/// What was loaded into a head, and from what.
pub(super) struct Loaded {
    pub(super) replay: Replay,
    pub(super) damages: Damages,
    /// The place in the log up to which a snapshot was loaded for it; `None` when all of it was replayed.
    pub(super) from: Option<Position>,
    /// Up to that place the log is sound.
    pub(super) is_sound: bool,
}

impl Head {
    /// Opens the chunk files of the database in `dir`, loads a snapshot if that is wanted and there is one that can be used,
    /// replays what is left of the logs. Nothing changes on disk, except that damaged chunk files are cut off, and that
    /// snapshots go which cannot be used.
    ///
    /// # Errors
    /// [`TsdbError`] when something cannot be read, or when a checkpoint is damaged that is needed.
    pub(super) fn load(&self, fs: &Arc<dyn Fs>, dir: &Path, min_valid_t: i64) -> Result<Loaded, TsdbError> {
        let mut replay = self.open_chunk_files(fs, dir, min_valid_t)?;
        if self.snapshots
            && let Some((snapshot, end)) = snapshot_of_log(&**fs, dir)?
            && !replay.filed.is_partial
        {
            if let Some(loaded) = self.load_snapshot(fs, dir, min_valid_t, replay, (&snapshot, end))? {
                return Ok(loaded);
            }
            add(&self.counters.snapshot_failures, 1);
            self.empty();
            replay = self.open_chunk_files(fs, dir, min_valid_t)?;
        }
        let damages = self.replay(fs, dir, min_valid_t, None, &mut replay)?;
        Ok(Loaded { replay, damages, from: None, is_sound: true })
    }

    /// As [`Self::load`], from a snapshot and the log after `end`. `None` when it cannot be used: then the head has a part.
    fn load_snapshot(
        &self,
        fs: &Arc<dyn Fs>,
        dir: &Path,
        min_valid_t: i64,
        mut replay: Replay,
        (snapshot, end): (&Path, Position),
    ) -> Result<Option<Loaded>, TsdbError> {
        let read = self.with_target(min_valid_t, |target| replay.read_snapshot(fs, snapshot, target));
        let Ok(counts) = read else { return Ok(None) };
        let unknown_refs = replay.stats.unknown_refs;
        let damages = self.replay(fs, dir, min_valid_t, Some(end), &mut replay)?;
        let has_all_chunks = counts.is_none_or(|counts| {
            let (_, chunks) = self.store.read().filed_chunks(counts.newest_file);
            chunks == counts.chunks_in_files
        });
        // What cannot be read is as good as damaged.
        let is_sound = is_sound_until(fs, &dir.join(WAL_DIR), end).unwrap_or(false);
        let is_usable = has_all_chunks
            && if is_sound {
                // Who did not start from the snapshot went on with series that only the log before it names.
                replay.stats.unknown_refs == unknown_refs
            } else {
                // Where two series had the same number only the log tells, by its order, whose a chunk in a file is.
                replay.displaced.is_empty()
            };
        Ok(is_usable.then_some(Loaded { replay, damages, from: Some(end), is_sound }))
    }

    fn open_chunk_files(&self, fs: &Arc<dyn Fs>, dir: &Path, min_valid_t: i64) -> Result<Replay, TsdbError> {
        let mut replay = Replay::default();
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
        Ok(replay)
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
    pub(super) fn replay(
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

/// The newest snapshot, if it is of the log that is there; one of another log goes.
fn snapshot_of_log(fs: &dyn Fs, dir: &Path) -> Result<Option<(PathBuf, Position)>, TsdbError> {
    let Some((path, end)) = snapshot::newest(fs, dir)? else { return Ok(None) };
    if segments(fs, &dir.join(WAL_DIR))?.last().is_none_or(|last| *last < end.segment) {
        snapshot::remove_all(fs, dir)?;
        return Ok(None);
    }
    Ok(Some((path, end)))
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
