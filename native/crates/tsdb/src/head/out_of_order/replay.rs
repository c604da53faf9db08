//! From the log of out-of-order samples back to the table.
//!
//! The log has every sample since the last compaction of out-of-order samples, also those that are in chunk files.
//!
//! Source: Prometheus `tsdb/head_wal.go` (`loadWBL`).

use std::path::Path;
use std::sync::Arc;

use super::super::label_sets::SeriesId;
use super::OutOfOrder;
use super::filed::Filed;
use crate::chunk::encode::Value;
use crate::chunk_files::ChunkRef;
use crate::chunk_files::read::ChunkFiles;
use crate::error::TsdbError;
use crate::fs::Fs;
use crate::head::load::Damage;
use crate::head::stats::ReplayStats;
use crate::wal::read::{Position, Reader};
use crate::wal::record::{self, Record};
use crate::wal::segment_name;

impl OutOfOrder {
    /// Inserts the samples of the log in `dir`, however old they are, up to the first damage, which is told, or takes chunks
    /// that are `filed` in `files` for them. `series` finds the series of a number of the write-ahead log. There need be no
    /// such directory.
    pub(in crate::head) fn replay(
        &mut self,
        fs: &Arc<dyn Fs>,
        dir: &Path,
        (filed, files): (Filed, &ChunkFiles),
        series: impl FnMut(u64) -> Option<SeriesId>,
        stats: &mut ReplayStats,
    ) -> Result<Option<Damage>, TsdbError> {
        let mut reader = Reader::open(Arc::clone(fs), dir, 0)?;
        let last_segment = reader.last_segment();
        let mut replay = Replay { table: self, filed, files, series, stats, good: Position::default() };
        let read = replay.read(&mut reader, dir);
        Damage::of(read, replay.good, last_segment)
    }
}

struct Replay<'a, F> {
    table: &'a mut OutOfOrder,
    filed: Filed,
    files: &'a ChunkFiles,
    series: F,
    stats: &'a mut ReplayStats,
    /// The end of the last record that was applied.
    good: Position,
}

impl<F: FnMut(u64) -> Option<SeriesId>> Replay<'_, F> {
    fn read(&mut self, reader: &mut Reader, dir: &Path) -> Result<(), TsdbError> {
        loop {
            self.good = reader.position();
            let Some(bytes) = reader.next()? else { return Ok(()) };
            let record = record::decode(bytes).map_err(|error| TsdbError::Corrupt {
                path: dir.join(segment_name(self.good.segment)),
                offset: self.good.offset,
                what: error.to_string(),
            })?;
            self.apply(record);
        }
    }

    fn apply(&mut self, record: Record) {
        match record {
            Record::Samples(all) => {
                for sample in all {
                    self.insert(sample.series, sample.t, Value::Float(sample.v));
                }
            }
            Record::Histograms(all) => {
                for sample in all {
                    self.insert(sample.series, sample.t, Value::Histogram(Arc::new(sample.h)));
                }
            }
            Record::MmapMarkers(all) => {
                for (wal_ref, at) in all {
                    self.marker(wal_ref, at);
                }
            }
            _ => {}
        }
    }

    /// What the files had at the place that a marker names may be gone, and another chunk there.
    fn marker(&mut self, wal_ref: u64, at: u64) {
        let Some((of, chunk)) = ChunkRef::unpack(at).and_then(|at| self.filed.take(at)) else { return };
        if let Some(id) = (self.series)(wal_ref)
            && (self.series)(of) == Some(id)
        {
            self.stats.out_of_order_chunks_in_files += u64::from(self.table.take_over(id, chunk, self.files));
        }
    }

    fn insert(&mut self, wal_ref: u64, t: i64, value: Value) {
        match (self.series)(wal_ref) {
            Some(id) => self.stats.out_of_order_samples += u64::from(self.table.insert(id, t, value)),
            // Its series left the head after its samples went to a block.
            None => self.stats.unknown_out_of_order_refs += 1,
        }
    }
}
