//! The head into a checkpoint, which takes the place of a log that is damaged where nobody reads it.

use std::path::Path;
use std::sync::Arc;

use neocortex_model::labels::Labels;
use neocortex_model::sample::HistogramValue;

use super::Head;
use super::label_sets::SeriesId;
use super::store::Store;
use super::stretch::Stretch;
use crate::chunk::encode::{Sample, Value, decode};
use crate::error::TsdbError;
use crate::fs::Fs;
use crate::wal::checkpoint;
use crate::wal::named::NamedLog;
use crate::wal::record::{
    RefHistogram, RefSample, encode_exemplars, encode_histograms, encode_samples, encode_series, encode_tombstones,
};
use crate::wal::write::WalOptions;

/// Series that are written before others may have the lock.
const SLICE: SeriesId = 256;

/// Exemplars of a record.
const EXEMPLARS_PER_RECORD: usize = 10_000;

/// A series with the numbers that it has in the log, its own first, and its samples that are in order.
struct Whole {
    numbers: Vec<u64>,
    labels: Labels,
    samples: Stretch,
}

impl Head {
    /// Replaces the log up to segment `last` by a checkpoint of everything that the head has in order; what is out of order
    /// has its own log, of which the checkpoint names the series. Metadata, which nothing relies on, is left out.
    ///
    /// # Errors
    /// [`TsdbError`]: the log is as it was, or replaced.
    pub(super) fn replace_log(
        &self,
        fs: &Arc<dyn Fs>,
        wal_dir: &Path,
        last: u64,
        options: WalOptions,
    ) -> Result<(), TsdbError> {
        checkpoint::replace(fs, wal_dir, last, options, &self.upkeep, |log| {
            let end = self.store.read().next_id();
            for from in (0..end).step_by(SLICE as usize) {
                let series = self.store.read().whole_series(from, end.min(from.saturating_add(SLICE)));
                series.into_iter().try_for_each(|series| series.write(log))?;
            }
            let tombstones = self.store.read().tombstones();
            if !tombstones.is_empty() {
                log.push(record(|out| encode_tombstones(out, &tombstones)))?;
            }
            let exemplars = self.all_exemplars();
            let mut some = exemplars.chunks(EXEMPLARS_PER_RECORD);
            some.try_for_each(|some| log.push(record(|out| encode_exemplars(out, some))))
        })
    }
}

impl Store {
    fn whole_series(&self, from: SeriesId, to: SeriesId) -> Vec<Whole> {
        let whole = |id| {
            let aliases = self.aliases.get(&id).into_iter().flatten().copied();
            let numbers = [self.series(id).wal_ref].into_iter().chain(aliases).collect();
            Whole { numbers, labels: self.labels(id), samples: self.stretch(id, i64::MIN, i64::MAX) }
        };
        self.ids(from, to).map(whole).collect()
    }
}

impl Whole {
    /// A record of the series, then one or more of every chunk.
    fn write(self, log: &mut NamedLog) -> Result<(), TsdbError> {
        let Self { numbers, labels, samples } = self;
        log.push(record(|out| encode_series(out, numbers.iter().map(|number| (*number, &labels)))))?;
        let series = numbers[0];
        for chunk in samples.into_chunks()? {
            let samples = decode(chunk.encoding, &chunk.bytes)?;
            records_of(series, samples).into_iter().try_for_each(|record| log.push(record))?;
        }
        Ok(())
    }
}

/// The records of a chunk's samples, in their order.
fn records_of(series: u64, samples: Vec<Sample>) -> Vec<Vec<u8>> {
    let (mut floats, mut histograms) = (Vec::new(), Vec::new());
    for Sample { t, value } in samples {
        match value {
            Value::Float(v) => floats.push(RefSample { series, t, v }),
            Value::Histogram(h) => histograms.push(RefHistogram { series, t, h: HistogramValue::clone(&h) }),
        }
    }
    // Those of one record come before those of the next, whatever their times.
    let runs = histograms.chunk_by(|a: &RefHistogram, b| a.h.schema() == b.h.schema());
    let mut records: Vec<Vec<u8>> = runs.flat_map(encode_histograms).collect();
    if !floats.is_empty() {
        records.push(record(|out| encode_samples(out, &floats)));
    }
    records
}

fn record(encode: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&mut out);
    out
}
