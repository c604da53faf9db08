//! The start of a head: everything is loaded, what is damaged is cut off or replaced, and the logs go on in new segments.
//!
//! Source: Prometheus `tsdb/head.go` (`Init`).

use std::path::Path;
use std::sync::Arc;

use neocortex_model::labels::Labels;

use super::Head;
use super::label_sets::SeriesId;
use super::load::Loaded;
use super::out_of_order::OutOfOrderLog;
use super::replay::Replay;
use super::stats::ReplayStats;
use crate::error::TsdbError;
use crate::failpoint;
use crate::fs::Fs;
use crate::snapshot;
use crate::wal::record::encode_series;
use crate::wal::repair::repair;
use crate::wal::write::{WalOptions, Writer};

/// The write-ahead log, within the directory of a database.
pub(super) const WAL_DIR: &str = "wal";

/// The log of out-of-order samples.
pub(super) const WBL_DIR: &str = "wbl";

impl Head {
    /// Loads the database in `dir`: chunk files, a snapshot if that is wanted, checkpoint and log from the time `min_valid_t`
    /// on, before which all is in blocks, then the log of out-of-order samples; cuts damaged ends off, continues the logs
    /// with new segments, and replaces a log that is damaged before the snapshot.
    ///
    /// # Errors
    /// [`TsdbError`] when the log cannot be read or written, or when a checkpoint is damaged that no snapshot stands for: a
    /// checkpoint is complete before it gets its name, so that is no torn write, and what it held is nowhere else.
    pub(crate) fn open(
        &self,
        fs: &Arc<dyn Fs>,
        dir: &Path,
        options: WalOptions,
        min_valid_t: i64,
    ) -> Result<ReplayStats, TsdbError> {
        let (wal, wbl) = (dir.join(WAL_DIR), dir.join(WBL_DIR));
        let Loaded { mut replay, damages, from, is_sound } = self.load(fs, dir, min_valid_t)?;
        if from.is_none() {
            // The log may be cut off before a snapshot, and goes on with series that only its beginning names.
            snapshot::remove_all(&**fs, dir)?;
        }
        if let Some(damage) = damages.wal {
            repair(&**fs, &wal, damage.good)?;
            replay.stats.repaired = true;
        }
        if let Some(damage) = damages.wbl {
            repair(&**fs, &wbl, damage.good)?;
            replay.stats.out_of_order_repaired = true;
        }
        failpoint::reach("start.replayed");
        let mut out_of_order_log = OutOfOrderLog::new(fs, &wbl, options);
        out_of_order_log.resume()?;
        if from.is_some() {
            // A log may be sound for a checkpoint whose name is not durable yet.
            fs.sync_dir(&wal).map_err(|e| TsdbError::io(&wal, "sync directory", e))?;
        }
        let mut writer = Writer::open(Arc::clone(fs), &wal, options)?;
        let last = writer.segment_number();
        if !is_sound {
            // What replaces the log stands for all of it, and what comes is behind it.
            writer.cut_segment()?;
        }
        self.start(writer, out_of_order_log);
        self.appender.lock().next_ref = replay.refs.greatest() + 1;
        self.renumber(&mut replay)?;
        if !is_sound {
            self.replace_log(fs, &wal, last, options)?;
            snapshot::remove_all(&**fs, dir)?;
            replay.stats.repaired = true;
        }
        Ok(replay.stats)
    }

    /// Sees to it that all series have numbers of their own, in the log too.
    fn renumber(&self, replay: &mut Replay) -> Result<(), TsdbError> {
        let mut appender = self.appender.lock();
        let mut store = self.store.write();
        replay.displaced.sort_unstable();
        replay.displaced.dedup();
        appender.had_numbers_twice = !replay.displaced.is_empty();
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
}
