//! The head into a snapshot, and back.
//!
//! Source: Prometheus `tsdb/head_wal.go` (`ChunkSnapshot`, `loadChunkSnapshot`).

use std::path::Path;
use std::sync::Arc;

use super::Head;
use super::label_sets::SeriesId;
use super::replay::{Replay, Target};
use super::series::Place;
use super::store::Store;
use crate::chunk::EncodedChunk;
use crate::error::TsdbError;
use crate::fs::Fs;
use crate::snapshot::Writer;
use crate::snapshot::counts::Counts;
use crate::snapshot::record::{self, Open, Record};
use crate::wal::read::{Position, Reader};
use crate::wal::record::{RefExemplar, RefTombstone};
use crate::wal::segment_name;
use crate::wal::write::WalOptions;

/// Series that are written before others may have the lock.
const SLICE: SeriesId = 1024;

/// Numbers that are passed over when it is not known which ones series had that are gone: more than there ever were.
const UNKNOWN_NUMBERS: u64 = 1 << 32;

/// Exemplars of a record.
const EXEMPLARS_PER_RECORD: usize = 10_000;

impl Head {
    /// Writes a snapshot of a head that is closed and whose log ends at a place; the full chunks must be in files.
    ///
    /// # Errors
    /// [`TsdbError`]: there is no snapshot then, or an older one, and a start has the log.
    pub(crate) fn write_snapshot(
        &self,
        fs: &Arc<dyn Fs>,
        dir: &Path,
        end: Position,
        options: WalOptions,
    ) -> Result<(), TsdbError> {
        let next_id = self.store.read().next_id();
        let mut writer = Writer::create(fs, dir, end, options)?;
        for from in (0..next_id).step_by(SLICE as usize) {
            let records = self.store.read().snapshot_of(from, next_id.min(from.saturating_add(SLICE)));
            records.into_iter().try_for_each(|record| writer.push(record))?;
        }
        writer.push(record::encode_tombstones(&self.store.read().tombstones()))?;
        let exemplars = self.all_exemplars();
        exemplars.chunks(EXEMPLARS_PER_RECORD).try_for_each(|some| writer.push(record::encode_exemplars(some)))?;
        let next_series = self.appender.lock().next_ref;
        let (newest_file, chunks_in_files) = self.store.read().filed_chunks(u64::MAX);
        writer.finish(&Counts { next_series, newest_file, chunks_in_files })
    }

    /// The exemplars, in the order in which they came.
    pub(super) fn all_exemplars(&self) -> Vec<RefExemplar> {
        let (store, ring) = (self.store.read(), self.ring.read());
        let of_series = |(id, e): (SeriesId, &neocortex_model::sample::Exemplar)| {
            let series = store.get(id)?.wal_ref;
            Some(RefExemplar { series, t: e.t, v: e.v, labels: e.labels.clone() })
        };
        ring.in_order().filter_map(of_series).collect()
    }
}

impl Store {
    /// The records of some series. Other numbers that a series has come before its own, for the chunks that files have under
    /// them.
    fn snapshot_of(&self, from: SeriesId, to: SeriesId) -> Vec<Vec<u8>> {
        let mut records = Vec::new();
        for id in self.ids(from, to) {
            let (series, labels) = (self.series(id), self.labels(id));
            let aliases = self.aliases.get(&id).into_iter().flatten();
            records.extend(aliases.map(|alias| record::encode_series(*alias, &labels, None)));
            let open = series.open_between(i64::MIN, i64::MAX).map(|(min_t, max_t, encoding, bytes)| {
                let last = series.last();
                Open { min_t, max_t, encoding, bytes, last }
            });
            records.push(record::encode_series(series.wal_ref, &labels, open.as_ref()));
        }
        records
    }

    /// The newest of the files up to a number that series have chunks in, 0 for none, and how many they have in these files.
    pub(super) fn filed_chunks(&self, up_to: u64) -> (u64, u64) {
        let closed = self.ids(0, self.next_id()).flat_map(|id| self.series(id).closed());
        let files = closed.filter_map(|chunk| match chunk.place {
            Place::File(at) => Some(u64::from(at.file.get())),
            Place::Waiting(_) => None,
        });
        files.filter(|file| *file <= up_to).fold((0, 0), |(newest, chunks), file| (file.max(newest), chunks + 1))
    }

    /// What is deleted of the series, in the order of their numbers.
    pub(super) fn tombstones(&self) -> Vec<RefTombstone> {
        let mut stones = Vec::new();
        for (id, stretches) in &self.deleted {
            let Some(series) = self.get(*id).map(|series| series.wal_ref) else { continue };
            stones.extend(stretches.iter().map(|(mint, maxt)| RefTombstone { series, mint: *mint, maxt: *maxt }));
        }
        stones.sort_unstable_by_key(|stone| (stone.series, stone.mint));
        stones
    }
}

impl Replay {
    /// Applies a snapshot; gives what it counts, `None` of one of Prometheus. After an error the head and this replay have a
    /// part of it.
    pub(super) fn read_snapshot(
        &mut self,
        fs: &Arc<dyn Fs>,
        snapshot: &Path,
        target: &mut Target<'_>,
    ) -> Result<Option<Counts>, TsdbError> {
        // How many series there were before those that are left is not known of others' snapshots.
        let counts = Counts::read(&**fs, snapshot)?;
        let mut reader = Reader::open(Arc::clone(fs), snapshot, 0)?;
        let mut has_all_series = false;
        loop {
            let position = reader.position();
            let corrupt = |what: &str| TsdbError::Corrupt {
                path: snapshot.join(segment_name(position.segment)),
                offset: position.offset,
                what: what.to_owned(),
            };
            let Some(bytes) = reader.next()? else {
                if !has_all_series {
                    return Err(corrupt("snapshot ends early"));
                }
                let given = counts.map(|counts| counts.next_series.saturating_sub(1));
                self.refs.name(given.unwrap_or(self.refs.greatest() + UNKNOWN_NUMBERS));
                return Ok(counts);
            };
            let record = record::decode(bytes).map_err(corrupt)?;
            match record {
                Record::Series(wal_ref, labels, open) => {
                    let id = self.series(wal_ref, &labels, target.store);
                    open.map_or(Ok(()), |chunk| self.open_chunk(id, chunk, target.store))?;
                }
                Record::Tombstones(all) => {
                    has_all_series = true;
                    self.tombstones(&all, target.store);
                }
                Record::Exemplars(all) => self.exemplars(all, target.ring),
            }
        }
    }

    /// The chunk may have become full since, and be in a file, or in a block.
    fn open_chunk(&mut self, id: SeriesId, chunk: EncodedChunk, store: &mut Store) -> Result<(), TsdbError> {
        if chunk.max_t < store.min_valid_t {
            return Ok(());
        }
        self.filed.reach(id, chunk.min_t.saturating_sub(1), store);
        if self.filed.holds(id, chunk.min_t, chunk.max_t) { Ok(()) } else { store.resume(id, chunk) }
    }
}
