//! The database of one tenant: the face that the ingester sees.

use std::path::Path;
use std::sync::Arc;

use neocortex_model::labels::Labels;
use neocortex_model::matchers::Matcher;
use neocortex_model::rows::{KnownSeries, SeriesRows};
use neocortex_model::sample::Metadata;
use neocortex_model::series::{Queryable, SelectHints, Series, SeriesExemplars, StorageError};

use crate::clock::Clock;
use crate::error::TsdbError;
use crate::fs::Fs;
use crate::head::{ActiveSeries, Appended, MetadataLimits, ReplayStats, SeriesLimits, Stats};

/// Compression of the records of the write-ahead log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WalCompression {
    /// As they are.
    #[default]
    None,
    /// `snappy`
    Snappy,
    /// `zstd`
    Zstd,
}

/// How a database is opened. The defaults are Cortex's.
#[derive(Clone, Debug)]
pub struct Options {
    /// `blocks_storage.tsdb.wal_compression_type`.
    pub wal_compression: WalCompression,
    /// `blocks_storage.tsdb.wal_segment_size_bytes`, a multiple of 32 KiB.
    pub segment_size: usize,
    /// First entry of `blocks_storage.tsdb.block_ranges_period`, in milliseconds.
    pub chunk_range_ms: i64,
    /// Samples that a chunk should get.
    pub samples_per_chunk: u32,
    /// `max_exemplars`: exemplars kept, 0 for none. Can be changed later.
    pub max_exemplars: usize,
    /// `enable_native_histograms`: otherwise they are dropped silently. Can be changed later.
    pub native_histograms: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            wal_compression: WalCompression::None,
            segment_size: 128 << 20,
            chunk_range_ms: 2 * 3600 * 1000,
            samples_per_chunk: 120,
            max_exemplars: 0,
            native_histograms: false,
        }
    }
}

/// The database of one tenant. Shared by reference between threads; appends of one tenant take turns, reads run beside
/// them.
pub struct Tsdb {}

/// What became of the metadata of a request; metadata over a limit is dropped, the request stays good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MetadataOutcome {
    /// Entries taken, known ones included.
    pub accepted: u64,
    /// Entries that were not known before.
    pub created: u64,
    /// Dropped, reason `per_user_metadata_limit`.
    pub over_user_limit: u64,
    /// Dropped, reason `per_metric_metadata_limit`.
    pub over_metric_limit: u64,
}

impl Tsdb {
    /// Opens the database in `dir`, creating it if need be: replays the checkpoint and the write-ahead log of `dir/wal`,
    /// cuts off a torn tail, starts a new segment.
    ///
    /// # Errors
    /// [`TsdbError`] when the directory cannot be read or written.
    pub fn open(_fs: Arc<dyn Fs>, _clock: Arc<dyn Clock>, _dir: &Path, _options: Options) -> Result<Self, TsdbError> {
        Ok(Self {})
    }

    /// Appends the samples of a request. Returns when the write-ahead log has them; what is refused is told in the
    /// outcome and touches neither the log nor the memory.
    ///
    /// # Errors
    /// [`TsdbError`] when the log cannot be written or the database is closed: nothing of the request was taken.
    pub fn append<R: SeriesRows>(&self, _rows: &R, _limits: &SeriesLimits) -> Result<Appended, TsdbError> {
        unimplemented!()
    }

    /// Takes the metadata of a request; kept in memory only, as Cortex does.
    pub fn set_metadata(&self, _metadata: &[Metadata], _limits: &MetadataLimits) -> MetadataOutcome {
        unimplemented!()
    }

    /// Forgets metadata that was last set before a time (milliseconds); gives the number of entries forgotten.
    pub fn purge_metadata(&self, _before_ms: i64) -> u64 {
        unimplemented!()
    }

    /// The metadata, sorted by metric.
    #[must_use]
    pub fn metadata(&self) -> Vec<Metadata> {
        unimplemented!()
    }

    /// The keys of label sets that were accepted before.
    #[must_use]
    pub fn series_keys(&self) -> &impl KnownSeries {
        &neocortex_model::rows::NoKnownSeries
    }

    /// Forgets the keys, so that every label set is checked again: after limits or relabelling changed.
    pub fn forget_series_keys(&self) {
        unimplemented!()
    }

    /// Label names of the series that match all matchers (all series without matchers), sorted, whatever the time.
    ///
    /// # Errors
    /// None today; kept for storages that read from disk.
    pub fn label_names(&self, _matchers: &[Matcher]) -> Result<Vec<String>, StorageError> {
        unimplemented!()
    }

    /// Values of a label among the series that match all matchers, sorted, whatever the time.
    ///
    /// # Errors
    /// As [`Self::label_names`].
    pub fn label_values(&self, _name: &str, _matchers: &[Matcher]) -> Result<Vec<String>, StorageError> {
        unimplemented!()
    }

    /// The series that match all matchers, sorted, whatever the time.
    ///
    /// # Errors
    /// As [`Self::label_names`].
    pub fn series(&self, _matchers: &[Matcher]) -> Result<Vec<Labels>, StorageError> {
        unimplemented!()
    }

    /// Exemplars with `mint <= t <= maxt` (milliseconds) of series that match one of the matcher sets, sorted by labels.
    #[must_use]
    pub fn exemplars(&self, _matchers: &[Vec<Matcher>], _mint: i64, _maxt: i64) -> Vec<SeriesExemplars> {
        unimplemented!()
    }

    /// Changes `max_exemplars`; the newest ones that fit are kept.
    pub fn set_max_exemplars(&self, _max_exemplars: usize) {
        unimplemented!()
    }

    /// Changes `enable_native_histograms`.
    pub fn set_native_histograms(&self, _enabled: bool) {
        unimplemented!()
    }

    /// Figures. Takes no lock for long: fit to be called for every scrape.
    #[must_use]
    pub fn stats(&self) -> Stats {
        unimplemented!()
    }

    /// Series that got a sample at `since_ms` (wall clock) or later. Goes over all series.
    #[must_use]
    pub fn active_series(&self, _since_ms: i64) -> ActiveSeries {
        unimplemented!()
    }

    /// What the replay at opening found.
    #[must_use]
    pub fn replay_stats(&self) -> ReplayStats {
        unimplemented!()
    }

    /// Flushes the write-ahead log to disk and closes it; appends then fail with [`TsdbError::Closed`], reads go on.
    ///
    /// # Errors
    /// [`TsdbError`] when the log cannot be written. Closing twice is no error.
    pub fn close(&self) -> Result<(), TsdbError> {
        unimplemented!()
    }
}

impl Queryable for Tsdb {
    fn select(&self, _matchers: &[Matcher], _hints: &SelectHints) -> Result<Vec<Arc<dyn Series>>, StorageError> {
        unimplemented!()
    }
}
