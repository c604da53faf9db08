//! The database of one tenant: the face that the ingester sees.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use hashbrown::HashSet;
use neocortex_model::labels::Labels;
use neocortex_model::matchers::Matcher;
use neocortex_model::rows::{KnownSeries, SeriesRows};
use neocortex_model::sample::Metadata;
use neocortex_model::series::{Queryable, SelectHints, Series, SeriesExemplars, StorageError};
use parking_lot::Mutex;

use crate::block::{Block, Ulid, dir};
use crate::clock::Clock;
use crate::compact::{Compacted, Compactor, plan};
use crate::error::TsdbError;
use crate::fs::Fs;
use crate::head::{
    ActiveSeries, Appended, Head, LabelSetLimit, MetadataLimits, MetadataOutcome, ReplayStats, SeriesLimits, Stats,
};
use crate::local::Local;
use crate::selections::{SelectionCache, Selections};
use crate::series_count::{SeriesCount, Share};
use crate::upkeep::{Due, UpkeepStats};
use crate::wal::write::WalOptions;

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

/// Bytes of the selections that are kept for the next time.
const SELECTIONS_BYTES: usize = 64 << 20;

/// How a database is opened. The defaults are Cortex's.
#[derive(Clone, Debug)]
pub struct Options {
    /// `blocks_storage.tsdb.wal_compression_type`.
    pub wal_compression: WalCompression,
    /// `blocks_storage.tsdb.wal_segment_size_bytes`, a multiple of 32 KiB.
    pub segment_size: usize,
    /// First entry of `blocks_storage.tsdb.block_ranges_period`, in milliseconds.
    pub chunk_range_ms: i64,
    /// Last entry of `blocks_storage.tsdb.block_ranges_period`, in milliseconds: how long blocks become. Not longer than the
    /// first: they stay as they are.
    pub max_block_range_ms: i64,
    /// `blocks_storage.tsdb.retention_period`, in milliseconds: how long before now, or before the newest block's end, a
    /// block may end; 0 for ever.
    pub retention_ms: i64,
    /// `blocks_storage.tsdb.head_chunks_write_buffer_size_bytes`: bytes of full chunks that are written to a file at once.
    pub chunk_write_buffer_bytes: usize,
    /// Samples that a chunk should get.
    pub samples_per_chunk: u32,
    /// `max_exemplars`: exemplars kept, 0 for none. Can be changed later.
    pub max_exemplars: usize,
    /// `enable_native_histograms`: otherwise they are dropped silently. Can be changed later.
    pub native_histograms: bool,
    /// `blocks_storage.tsdb.out_of_order_cap_max`: samples that an out-of-order chunk gets, at least 1.
    pub out_of_order_cap: usize,
    /// Has the series of all databases that are opened with it.
    pub series_count: Arc<SeriesCount>,
    /// Has what matchers found in all databases that are opened with it.
    pub selections: Arc<SelectionCache>,
    /// `blocks_storage.tsdb.memory_snapshot_on_shutdown`: closing writes a snapshot of the head, and opening loads one.
    pub snapshot_on_close: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            wal_compression: WalCompression::None,
            segment_size: 128 << 20,
            chunk_range_ms: 2 * 3600 * 1000,
            max_block_range_ms: 2 * 3600 * 1000,
            retention_ms: 6 * 3600 * 1000,
            chunk_write_buffer_bytes: 4 << 20,
            samples_per_chunk: 120,
            max_exemplars: 0,
            native_histograms: false,
            out_of_order_cap: 32,
            series_count: Arc::default(),
            selections: Arc::new(SelectionCache::new(SELECTIONS_BYTES)),
            snapshot_on_close: false,
        }
    }
}

/// The database of one tenant. Shared by reference between threads; appends of one tenant take turns, reads run beside
/// them.
pub struct Tsdb {
    head: Arc<Head>,
    local: Arc<Local>,
    compactor: Compactor,
    replay: ReplayStats,
    opening: Duration,
    counted: Share,
    snapshot_on_close: bool,
}

impl Tsdb {
    /// Opens the database in `dir`, creating it if need be: opens the blocks and the chunk files in `dir/chunks_head`,
    /// replays the checkpoint and the write-ahead log of `dir/wal` from the end of the newest block on, passing over what
    /// the chunk files have, then the log of `dir/wbl`, cuts off what is torn or damaged.
    ///
    /// # Errors
    /// [`TsdbError`] when the directory cannot be read or written, or a block or a checkpoint is damaged.
    pub fn open(fs: Arc<dyn Fs>, clock: Arc<dyn Clock>, dir: &Path, options: Options) -> Result<Self, TsdbError> {
        let begin = Instant::now();
        let head = Arc::new(Head::new(Arc::clone(&clock), &options));
        let wal = WalOptions { segment_size: options.segment_size, compression: options.wal_compression };
        let blocks = dir::open_all(&fs, dir)?;
        let min_valid_t = dir::end_of_log(&blocks);
        let replay = head.open(&fs, dir, wal, min_valid_t)?;
        let local = Arc::new(Local::new(Arc::clone(&head), blocks, Selections::new(&options.selections)));
        let compactor = Compactor {
            fs,
            clock,
            dir: dir.to_owned(),
            wal,
            range_ms: options.chunk_range_ms.max(1),
            ranges: plan::ranges(options.chunk_range_ms.max(1), options.max_block_range_ms),
            retention_ms: options.retention_ms,
            // An earlier process may have left some.
            hides_blocks: AtomicBool::new(true),
            running: Mutex::new(()),
        };
        let counted = Share::of(&options.series_count);
        let snapshot_on_close = options.snapshot_on_close;
        let tsdb = Self { head, local, compactor, replay, opening: begin.elapsed(), counted, snapshot_on_close };
        tsdb.count_series();
        Ok(tsdb)
    }

    /// To be called after series came or went.
    fn count_series(&self) {
        self.counted.update(|| self.head.stats().series);
    }

    /// Appends the samples of a request. Returns when the write-ahead log has them; what is refused is told in the
    /// outcome and touches neither the log nor the memory.
    ///
    /// # Errors
    /// [`TsdbError`] when the log cannot be written or the database is closed: nothing of the request was taken.
    pub fn append<R: SeriesRows>(&self, rows: &R, limits: &SeriesLimits) -> Result<Appended, TsdbError> {
        let appended = self.head.append(rows, limits)?;
        if appended.new_series > 0 {
            self.count_series();
        }
        Ok(appended)
    }

    /// Takes the metadata of a request; kept in memory only, as Cortex does.
    pub fn set_metadata(&self, metadata: &[Metadata], limits: &MetadataLimits) -> MetadataOutcome {
        self.head.set_metadata(metadata, limits)
    }

    /// Forgets metadata that was last set before a time (milliseconds); gives the number of entries forgotten.
    pub fn purge_metadata(&self, before_ms: i64) -> u64 {
        self.head.purge_metadata(before_ms)
    }

    /// The metadata, sorted by metric.
    #[must_use]
    pub fn metadata(&self) -> Vec<Metadata> {
        self.head.metadata()
    }

    /// The keys of label sets that were accepted before.
    #[must_use]
    pub fn series_keys(&self) -> &impl KnownSeries {
        self.head.keys()
    }

    /// Forgets the keys, so that every label set is checked again: after limits or relabelling changed.
    pub fn forget_series_keys(&self) {
        self.head.keys().clear();
    }

    /// Label names of the series that match all matchers (all series without matchers), sorted, whatever the time.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] when the index of a block is damaged.
    pub fn label_names(&self, matchers: &[Matcher]) -> Result<Vec<String>, StorageError> {
        Ok(self.local.label_names(matchers)?)
    }

    /// Values of a label among the series that match all matchers, sorted, whatever the time.
    ///
    /// # Errors
    /// As [`Self::label_names`].
    pub fn label_values(&self, name: &str, matchers: &[Matcher]) -> Result<Vec<String>, StorageError> {
        Ok(self.local.label_values(name, matchers)?)
    }

    /// The series that match all matchers, sorted, whatever the time.
    ///
    /// # Errors
    /// As [`Self::label_names`].
    pub fn series(&self, matchers: &[Matcher]) -> Result<Vec<Labels>, StorageError> {
        Ok(self.local.series(matchers)?)
    }

    /// Exemplars with `mint <= t <= maxt` (milliseconds) of series that match one of the matcher sets, sorted by labels.
    #[must_use]
    pub fn exemplars(&self, matchers: &[Vec<Matcher>], mint: i64, maxt: i64) -> Vec<SeriesExemplars> {
        self.head.exemplars(matchers, mint, maxt)
    }

    /// Changes `max_exemplars`; the newest ones that fit are kept.
    pub fn set_max_exemplars(&self, max_exemplars: usize) {
        self.head.set_max_exemplars(max_exemplars);
    }

    /// Changes `enable_native_histograms`.
    pub fn set_native_histograms(&self, enabled: bool) {
        self.head.set_native_histograms(enabled);
    }

    /// Series in memory over all databases that were opened with the same [`Options::series_count`].
    #[must_use]
    pub fn series_of_all(&self) -> u64 {
        self.counted.sum()
    }

    /// Figures. Waits for an append that is being applied and for a head that forgets; takes no lock for long itself.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.head.stats()
    }

    /// Figures of compactions, truncations and checkpoints.
    #[must_use]
    pub fn upkeep_stats(&self) -> UpkeepStats {
        self.head.upkeep().stats()
    }

    /// Series that got a sample at `since_ms` (wall clock, to two seconds) or later; the others are no longer active
    /// until they get one. Goes over all series. Cortex does this every `-ingester.active-series-metrics-update-period`.
    pub fn active_series(&self, since_ms: i64) -> ActiveSeries {
        self.head.active_series(since_ms)
    }

    /// Numbers of series in memory that count for the limits, one a limit.
    #[must_use]
    pub fn label_set_series(&self, limits: &[LabelSetLimit]) -> Vec<u64> {
        self.head.label_set_series(limits)
    }

    /// What the replay at opening found.
    #[must_use]
    pub fn replay_stats(&self) -> ReplayStats {
        self.replay
    }

    /// How long opening took.
    #[must_use]
    pub fn opening(&self) -> Duration {
        self.opening
    }

    /// What there is to be done now, so that the rest need not be called for every database all the time.
    #[must_use]
    pub fn due(&self) -> Due {
        self.compactor.due(&self.local)
    }

    /// Writes the full chunks that are in memory to files in `chunks_head` and frees their memory; gives their number.
    /// Appends and reads go on. To be called from time to time, as [`Self::compact`] does too.
    ///
    /// # Errors
    /// [`TsdbError`]: what was not written stays in memory, and is written by the next call.
    pub fn map_chunks(&self) -> Result<u64, TsdbError> {
        self.head.map_chunks()
    }

    /// Writes what is old enough to blocks of one range each, as long as the head spans more than one and a half ranges;
    /// then the head forgets it and the log is shortened. At last blocks of neighbouring ranges become longer ones. Appends
    /// and reads go on.
    ///
    /// # Errors
    /// [`TsdbError`]: nothing is lost; what was not done is done by the next call.
    pub fn compact(&self) -> Result<Compacted, TsdbError> {
        let compacted = self.compactor.compact(&self.local);
        self.count_series();
        compacted
    }

    /// As [`Self::compact`], but writes all samples there are. Samples up to the newest one are out of bounds from now on.
    ///
    /// # Errors
    /// As [`Self::compact`].
    pub fn flush(&self) -> Result<Compacted, TsdbError> {
        let compacted = self.compactor.flush(&self.local);
        self.count_series();
        compacted
    }

    /// Removes blocks past retention; with `shipped`, which are the blocks that the bucket has, only those of them. Gives the
    /// removed ones, oldest first. Reads that have begun go on.
    ///
    /// # Errors
    /// [`TsdbError`]: those that are left are removed by the next call.
    pub fn remove_expired(&self, shipped: Option<&HashSet<Ulid>>) -> Result<Vec<Ulid>, TsdbError> {
        self.compactor.remove_expired(&self.local, shipped)
    }

    /// Ends appends as [`Self::close`] does, without a snapshot: of a database that is to be removed.
    ///
    /// # Errors
    /// As [`Self::close`].
    pub fn end(&self) -> Result<(), TsdbError> {
        self.head.close().map(drop)
    }

    /// A number that is another one when [`Self::blocks`] are others.
    #[must_use]
    pub fn blocks_version(&self) -> u64 {
        self.local.blocks_version()
    }

    /// Closes the database and removes its directory. Reads that have begun go on.
    ///
    /// # Errors
    /// [`TsdbError`]: what is left is a database, with some or none of the data.
    pub fn remove(&self) -> Result<(), TsdbError> {
        self.head.close()?;
        self.compactor.remove_all(&self.local)
    }

    /// The blocks here, in the order of their time ranges.
    #[must_use]
    pub fn blocks(&self) -> Vec<Arc<Block>> {
        self.local.blocks().to_vec()
    }

    /// Writes the full chunks to files, flushes them and the logs to disk and closes them; appends then fail with
    /// [`TsdbError::Closed`], reads go on. Then writes a snapshot if the options say so.
    ///
    /// # Errors
    /// [`TsdbError`] when something cannot be written: the next opening has everything all the same. Closing twice is no
    /// error.
    pub fn close(&self) -> Result<(), TsdbError> {
        match self.head.close()? {
            Some(end) if self.snapshot_on_close => self.compactor.write_snapshot(&self.local, end),
            _ => Ok(()),
        }
    }
}

impl Queryable for Tsdb {
    fn select(&self, matchers: &[Matcher], hints: &SelectHints) -> Result<Vec<Arc<dyn Series>>, StorageError> {
        self.local.select(matchers, hints)
    }
}
