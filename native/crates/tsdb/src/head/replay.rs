//! Bringing a head back from the records of its log.
//!
//! Source: Prometheus `tsdb/head_wal.go` (`loadWAL`).

use std::path::Path;

use neocortex_model::labels::Labels;
use neocortex_model::sample::{Exemplar, HistogramValue, Metadata, is_stale_nan};

use super::exemplars::{ExemplarRing, Verdict};
use super::filed::Filed;
use super::kind::{SampleKind, stale_histogram};
use super::label_sets::SeriesId;
use super::metadata::MetadataStore;
use super::out_of_order::OutOfOrderFiled;
use super::refs::Refs;
use super::stats::ReplayStats;
use super::store::Store;
use crate::chunk::open::Last;
use crate::error::TsdbError;
use crate::wal::read::{Position, Reader};
use crate::wal::record::{self, Record, RefExemplar, RefTombstone};
use crate::wal::segment_name;

/// What the records are applied to.
pub(super) struct Target<'a> {
    pub(super) store: &'a mut Store,
    pub(super) ring: &'a mut ExemplarRing,
    pub(super) metadata: &'a mut MetadataStore,
    pub(super) now_ms: i64,
}

/// A replay under way.
#[derive(Default)]
pub(super) struct Replay {
    pub(super) stats: ReplayStats,
    pub(super) refs: Refs,
    pub(super) filed: Filed,
    pub(super) late_filed: OutOfOrderFiled,
    /// Series whose numbers became those of others, as happens when Prometheus starts from a snapshot and does not know which
    /// numbers series had that are gone.
    pub(super) displaced: Vec<SeriesId>,
    /// The end of the last record that was applied.
    pub(super) good: Position,
}

impl Replay {
    /// Applies the records of a log from `dir` up to the first damage, with which it fails.
    pub(super) fn read(&mut self, reader: &mut Reader, dir: &Path, target: &mut Target<'_>) -> Result<(), TsdbError> {
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
            Record::Exemplars(all) => self.exemplars(all, target.ring),
            Record::Metadata(all) => {
                for entry in all {
                    if let Some(id) = self.known(entry.series) {
                        let metric = target.store.labels(id).metric_name().to_owned();
                        let metadata = Metadata { metric, kind: entry.kind, help: entry.help, unit: entry.unit };
                        target.metadata.insert(&metadata, target.now_ms);
                    }
                }
            }
            Record::Tombstones(all) => self.tombstones(&all, target.store),
            // Markers belong to the log of out-of-order samples; unknown records are passed over as Prometheus does.
            Record::MmapMarkers(_) | Record::Unknown(_) => {}
        }
    }

    /// A series that was logged twice, as happens when it left the head and came back, keeps its first number.
    pub(super) fn series(&mut self, wal_ref: u64, labels: &Labels, store: &mut Store) -> SeriesId {
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
        if let Some(former) = self.refs.set(wal_ref, id, store.len()).filter(|former| *former != id) {
            self.filed.rename(former, id);
            self.displaced.push(former);
        }
        self.filed.name(wal_ref, id);
        id
    }

    pub(super) fn exemplars(&mut self, all: Vec<RefExemplar>, ring: &mut ExemplarRing) {
        for e in all {
            if let Some(id) = self.known(e.series) {
                let exemplar = Exemplar { labels: e.labels, v: e.v, t: e.t };
                let taken = ring.capacity() > 0 && ring.add(id, exemplar) == Verdict::Take;
                self.stats.exemplars += u64::from(taken);
            }
        }
    }

    pub(super) fn tombstones(&mut self, all: &[RefTombstone], store: &mut Store) {
        for stone in all {
            if let Some(id) = self.known(stone.series) {
                store.delete(id, stone.mint, stone.maxt);
            }
        }
    }

    fn known(&mut self, wal_ref: u64) -> Option<SeriesId> {
        let id = self.refs.spend(wal_ref);
        self.stats.unknown_refs += u64::from(id.is_none());
        id
    }

    fn float(&mut self, id: SeriesId, t: i64, v: f64, store: &mut Store) {
        if !self.is_new(id, t, store) {
            return;
        }
        let kind = if is_stale_nan(v) { newest_kind(store, id) } else { None };
        match kind.filter(|kind| kind.is_histogram()) {
            // Prometheus may log a staleness marker before it knows that it ends a series of histograms.
            Some(kind) => self.append_histogram(id, t, &stale_histogram(kind), store),
            None => {
                store.append_float(id, t, v);
                self.stats.samples += 1;
            }
        }
    }

    fn histogram(&mut self, id: SeriesId, t: i64, value: &HistogramValue, store: &mut Store) {
        if self.is_new(id, t, store) {
            self.append_histogram(id, t, value, store);
        }
    }

    fn append_histogram(&mut self, id: SeriesId, t: i64, value: &HistogramValue, store: &mut Store) {
        store.append_histogram(id, t, value);
        self.stats.histograms += 1;
    }

    /// True when a sample is neither in a block, nor in a chunk file, nor older than one of its series.
    fn is_new(&mut self, id: SeriesId, t: i64, store: &mut Store) -> bool {
        if t < store.min_valid_t {
            return false;
        }
        self.filed.reach(id, t, store);
        match store.series(id).last() {
            Last::Closed(newest) if t <= newest => self.stats.samples_in_files += 1,
            last if last.t().is_some_and(|newest| t <= newest) => self.stats.dropped_samples += 1,
            _ => return true,
        }
        false
    }
}

/// The kind of a series' newest sample.
fn newest_kind(store: &Store, id: SeriesId) -> Option<SampleKind> {
    match store.series(id).last() {
        Last::Closed(_) => store.newest_encoding(id).map(SampleKind::of_encoding),
        last => SampleKind::of_last(last),
    }
}
