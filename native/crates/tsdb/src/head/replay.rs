//! Bringing a head back from its log.
//!
//! Source: Prometheus `tsdb/head.go` (`Init`) and `tsdb/head_wal.go` (`loadWAL`).

use std::path::Path;
use std::sync::Arc;

use hashbrown::HashMap;
use neocortex_model::labels::Labels;
use neocortex_model::sample::{Exemplar, HistogramValue, Metadata, is_stale_nan};

use super::exemplars::Verdict;
use super::kind::{SampleKind, stale_histogram};
use super::label_sets::SeriesId;
use super::metadata::MetadataStore;
use super::out_of_order::OutOfOrderLog;
use super::stats::ReplayStats;
use super::store::Store;
use super::{ExemplarRing, Head};
use crate::error::TsdbError;
use crate::failpoint;
use crate::fs::Fs;
use crate::wal::read::{Position, Reader};
use crate::wal::record::{self, Record};
use crate::wal::repair::repair;
use crate::wal::write::{WalOptions, Writer};
use crate::wal::{checkpoint, segment_name};

/// Numbers of the log that are looked up in an array; greater ones, which only a damaged or a very old log has, in a map.
const MAX_DENSE: u64 = 1 << 27;

/// The write-ahead log, within the directory of a database.
const WAL_DIR: &str = "wal";

/// The log of out-of-order samples.
const WBL_DIR: &str = "wbl";

/// No series.
const NONE: SeriesId = SeriesId::MAX;

impl Head {
    /// Replays checkpoint and log of the database in `dir` from the time `min_valid_t` on, before which all is in blocks, then
    /// the log of out-of-order samples; cuts damaged ends off and continues the log with a new segment.
    ///
    /// # Errors
    /// [`TsdbError`] when the log cannot be read or written, or when a checkpoint is damaged: a checkpoint is complete
    /// before it gets its name, so that is no torn write, and what it held is nowhere else.
    pub(crate) fn open_log(
        &self,
        fs: &Arc<dyn Fs>,
        dir: &Path,
        options: WalOptions,
        min_valid_t: i64,
    ) -> Result<ReplayStats, TsdbError> {
        let (wal, wbl) = (dir.join(WAL_DIR), dir.join(WBL_DIR));
        let (mut replay, damage) = self.replay(fs, dir, min_valid_t)?;
        if let Some(damage) = damage.wal {
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
        let mut appender = self.appender.lock();
        appender.next_ref = replay.refs.greatest + 1;
        Ok(replay.stats)
    }

    /// Replays checkpoint and logs as [`Self::open_log`] does, and changes nothing on disk: the head cannot be appended to.
    /// Damage in the last segment ends a log there, since that is what a crash leaves and what a write that is under way
    /// looks like.
    ///
    /// # Errors
    /// [`TsdbError`] when a log cannot be read, or is damaged before its last segment.
    pub(crate) fn read_log(&self, fs: &Arc<dyn Fs>, dir: &Path, min_valid_t: i64) -> Result<(), TsdbError> {
        let (_, damage) = self.replay(fs, dir, min_valid_t)?;
        match [damage.wal, damage.wbl].into_iter().flatten().find(|damage| !damage.is_in_last_segment) {
            Some(damage) => Err(damage.error),
            None => Ok(()),
        }
    }

    /// Replays checkpoint and logs, each up to its first damage, which is told.
    fn replay(&self, fs: &Arc<dyn Fs>, dir: &Path, min_valid_t: i64) -> Result<(Replay, Damages), TsdbError> {
        let mut replay = Replay::default();
        let (mut store, mut ring, mut metadata) = (self.store.write(), self.ring.write(), self.metadata.write());
        store.min_valid_t = min_valid_t;
        let mut target =
            Target { store: &mut store, ring: &mut ring, metadata: &mut metadata, now_ms: self.clock.now_ms() };
        let wal_dir = dir.join(WAL_DIR);
        let mut from = 0;
        if let Some((checkpoint, last)) = checkpoint::newest(&**fs, &wal_dir)? {
            let mut reader = Reader::open(Arc::clone(fs), &checkpoint, 0)?;
            replay.read(&mut reader, &checkpoint, &mut target)?;
            from = last + 1;
        }
        let mut reader = Reader::open(Arc::clone(fs), &wal_dir, from)?;
        let last_segment = reader.last_segment();
        let read = replay.read(&mut reader, &wal_dir, &mut target);
        let wal = Damage::of(read, replay.good, last_segment)?;
        let Replay { stats, refs, .. } = &mut replay;
        let wbl = store.out_of_order.replay(fs, &dir.join(WBL_DIR), |wal_ref| refs.spend(wal_ref), stats)?;
        Ok((replay, Damages { wal, wbl }))
    }
}

/// Where a log is damaged.
pub(super) struct Damage {
    error: TsdbError,
    /// The end of what is sound.
    good: Position,
    is_in_last_segment: bool,
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

/// The damage of both logs.
struct Damages {
    wal: Option<Damage>,
    wbl: Option<Damage>,
}

/// What the records are applied to.
struct Target<'a> {
    store: &'a mut Store,
    ring: &'a mut ExemplarRing,
    metadata: &'a mut MetadataStore,
    now_ms: i64,
}

/// From numbers of series in the log to series.
#[derive(Default)]
struct Refs {
    dense: Vec<SeriesId>,
    sparse: HashMap<u64, SeriesId>,
    greatest: u64,
}

impl Refs {
    fn get(&self, wal_ref: u64) -> Option<SeriesId> {
        match self.dense.get(usize::try_from(wal_ref).ok()?) {
            Some(&NONE) | None => self.sparse.get(&wal_ref).copied(),
            Some(&id) => Some(id),
        }
    }

    /// As [`Self::get`]. A series may have left the log before its last samples did: its number is spent all the same.
    fn spend(&mut self, wal_ref: u64) -> Option<SeriesId> {
        self.greatest = self.greatest.max(wal_ref);
        self.get(wal_ref)
    }

    /// Maps a number; one number may be mapped anew, and several to the same series.
    fn set(&mut self, wal_ref: u64, id: SeriesId, series: usize) {
        self.greatest = self.greatest.max(wal_ref);
        // The array may be a few times as long as there are series, whatever numbers the log names.
        if wal_ref < MAX_DENSE && wal_ref < 8 * series as u64 + 65_536 {
            let index = wal_ref as usize;
            if index >= self.dense.len() {
                self.dense.resize(index + 1, NONE);
            }
            self.dense[index] = id;
        } else {
            self.sparse.insert(wal_ref, id);
        }
    }
}

#[derive(Default)]
struct Replay {
    stats: ReplayStats,
    refs: Refs,
    /// The end of the last record that was applied.
    good: Position,
}

impl Replay {
    fn read(&mut self, reader: &mut Reader, dir: &Path, target: &mut Target<'_>) -> Result<(), TsdbError> {
        loop {
            self.good = reader.position();
            let Some(bytes) = reader.next()? else { return Ok(()) };
            let record = record::decode(bytes).map_err(|error| TsdbError::Corrupt {
                path: dir.join(segment_name(self.good.segment)),
                offset: self.good.offset,
                what: error.to_string(),
            })?;
            self.stats.records += 1;
            self.apply(record, target);
        }
    }

    fn apply(&mut self, record: Record, target: &mut Target<'_>) {
        match record {
            Record::Series(all) => {
                for series in all {
                    self.series(series.series, &series.labels, target.store);
                }
            }
            Record::Samples(all) => {
                for sample in all {
                    if let Some(id) = self.known(sample.series) {
                        self.float(id, sample.t, sample.v, target.store);
                    }
                }
            }
            Record::Histograms(all) => {
                for sample in all {
                    if let Some(id) = self.known(sample.series) {
                        self.histogram(id, sample.t, &sample.h, target.store);
                    }
                }
            }
            Record::Exemplars(all) => {
                for e in all {
                    if let Some(id) = self.known(e.series) {
                        let exemplar = Exemplar { labels: e.labels, v: e.v, t: e.t };
                        let taken = target.ring.capacity() > 0 && target.ring.add(id, exemplar) == Verdict::Take;
                        self.stats.exemplars += u64::from(taken);
                    }
                }
            }
            Record::Metadata(all) => {
                for entry in all {
                    if let Some(id) = self.known(entry.series) {
                        let metric = target.store.labels(id).metric_name().to_owned();
                        let metadata = Metadata { metric, kind: entry.kind, help: entry.help, unit: entry.unit };
                        target.metadata.insert(&metadata, target.now_ms);
                    }
                }
            }
            Record::Tombstones(all) => {
                for stone in all {
                    if let Some(id) = self.known(stone.series) {
                        target.store.delete(id, stone.mint, stone.maxt);
                    }
                }
            }
            // Markers belong to the log of out-of-order samples; unknown records are passed over as Prometheus does.
            Record::MmapMarkers(_) | Record::Unknown(_) => {}
        }
    }

    /// A series that was logged twice, as happens when it left the head and came back, keeps its first number.
    fn series(&mut self, wal_ref: u64, labels: &Labels, store: &mut Store) {
        let id = match store.find(labels) {
            Some(id) => {
                if store.series(id).wal_ref != wal_ref {
                    store.aliases.entry(id).or_default().push(wal_ref);
                }
                id
            }
            None => {
                self.stats.series += 1;
                store.create(labels, wal_ref)
            }
        };
        self.refs.set(wal_ref, id, store.len());
    }

    fn known(&mut self, wal_ref: u64) -> Option<SeriesId> {
        let id = self.refs.spend(wal_ref);
        self.stats.unknown_refs += u64::from(id.is_none());
        id
    }

    fn float(&mut self, id: SeriesId, t: i64, v: f64, store: &mut Store) {
        if t < store.min_valid_t {
            return;
        }
        let last = store.series(id).last();
        if last.t().is_some_and(|newest| t <= newest) {
            self.stats.dropped_samples += 1;
        } else if let Some(kind) = SampleKind::of_last(last).filter(|kind| kind.is_histogram() && is_stale_nan(v)) {
            // Prometheus may log a staleness marker before it knows that it ends a series of histograms.
            self.histogram(id, t, &stale_histogram(kind), store);
        } else {
            store.append_float(id, t, v);
            self.stats.samples += 1;
        }
    }

    fn histogram(&mut self, id: SeriesId, t: i64, value: &HistogramValue, store: &mut Store) {
        if t < store.min_valid_t {
            return;
        }
        if store.series(id).max_t().is_some_and(|newest| t <= newest) {
            self.stats.dropped_samples += 1;
        } else {
            store.append_histogram(id, t, value);
            self.stats.histograms += 1;
        }
    }
}
