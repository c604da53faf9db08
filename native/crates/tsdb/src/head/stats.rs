//! Figures of a tenant's database, cheap to read at any time.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::wal::write::WriterStats;

/// Figures at one moment. Totals count since the database was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stats {
    /// Series in memory.
    pub series: u64,
    /// Series created, replayed ones included.
    pub series_created: u64,
    /// Chunks in memory, open ones included.
    pub chunks: u64,
    /// Chunks begun, replayed ones included.
    pub chunks_created: u64,
    /// Chunks written to chunk files.
    pub chunks_mapped: u64,
    /// Times that something damaged was cut off the chunk files.
    pub chunk_corruptions: u64,
    /// Snapshots that could not be loaded at the start: 0 or 1.
    pub snapshot_failures: u64,
    /// Float samples appended; the silently dropped ones are not in here.
    pub float_samples_appended: u64,
    /// Native histogram samples appended.
    pub histogram_samples_appended: u64,
    /// Floats refused or dropped as out of order.
    pub out_of_order_samples: u64,
    /// Native histograms refused or dropped as out of order.
    pub out_of_order_histograms: u64,
    /// Floats of these appended that came out of order.
    pub out_of_order_floats_appended: u64,
    /// Native histograms of these appended that came out of order.
    pub out_of_order_histograms_appended: u64,
    /// How far behind the newest sample of the head those were that were not in order, taken or not.
    pub out_of_order_delta: DeltaHistogram,
    /// Samples refused as older than the out-of-order window.
    pub too_old_samples: u64,
    /// Samples refused as out of bounds.
    pub out_of_bound_samples: u64,
    /// Exemplars stored.
    pub exemplars: u64,
    /// Series of the stored exemplars.
    pub exemplar_series: u64,
    /// Time of the exemplar that came first of those stored, in milliseconds; 0 for none.
    pub oldest_exemplar_t: i64,
    /// Exemplars appended.
    pub exemplars_appended: u64,
    /// Exemplars refused as out of order.
    pub out_of_order_exemplars: u64,
    /// Metadata entries stored.
    pub metadata: u64,
    /// Time of the oldest sample in milliseconds, `i64::MAX` for an empty head.
    pub min_t: i64,
    /// Time of the newest sample in milliseconds, `i64::MIN` for an empty head.
    pub max_t: i64,
    /// Wall clock of the last append that took a sample, in milliseconds; 0 for none since opening.
    pub last_append_ms: i64,
    /// Bytes written to the write-ahead log.
    pub wal_bytes: u64,
    /// Writes to the write-ahead log that failed.
    pub wal_failures: u64,
    /// The write-ahead log.
    pub wal: WriterStats,
    /// Series keys known, see [`neocortex_model::rows::KnownSeries`].
    pub known_keys: u64,
    /// Bytes in memory by kind.
    pub bytes: MemoryBytes,
}

/// Bytes in memory by kind; capacity that is reserved but not used counts too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryBytes {
    /// Interned strings and their table.
    pub symbols: u64,
    /// Label pairs of the series and the tables that find series by labels and by key.
    pub series: u64,
    /// Postings.
    pub postings: u64,
    /// Chunks that are being filled.
    pub open_chunks: u64,
    /// Full chunks.
    pub closed_chunks: u64,
}

impl MemoryBytes {
    /// All kinds together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.symbols + self.series + self.postings + self.open_chunks + self.closed_chunks
    }
}

/// How far behind the newest sample of the head samples were that were not in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeltaHistogram {
    counts: [u64; Self::BOUNDS_S.len() + 1],
    sum_ms: i128,
}

impl DeltaHistogram {
    /// Upper bounds in seconds, inclusive. Those of `prometheus_tsdb_sample_ooo_delta`.
    pub const BOUNDS_S: [i64; 7] = [600, 1800, 3600, 7200, 10_800, 21_600, 43_200];

    /// Samples in each of the buckets that [`Self::BOUNDS_S`] ends, and in the one above.
    #[must_use]
    pub fn counts(&self) -> [u64; Self::BOUNDS_S.len() + 1] {
        self.counts
    }

    /// Sum of all in seconds.
    #[must_use]
    pub fn sum_s(&self) -> f64 {
        self.sum_ms as f64 / 1000.0
    }

    pub(super) fn observe(&mut self, delta_ms: i64) {
        self.counts[Self::BOUNDS_S.partition_point(|bound| bound * 1000 < delta_ms)] += 1;
        self.sum_ms += i128::from(delta_ms);
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.counts.iter_mut().zip(other.counts).for_each(|(count, more)| *count += more);
        self.sum_ms += other.sum_ms;
    }
}

/// Series that got samples of late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ActiveSeries {
    /// All.
    pub total: u64,
    /// Those whose last sample was a native histogram.
    pub histograms: u64,
}

/// What replaying the write-ahead log found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplayStats {
    /// Records read, checkpoint included.
    pub records: u64,
    /// Series created.
    pub series: u64,
    /// Float samples appended.
    pub samples: u64,
    /// Native histogram samples appended.
    pub histograms: u64,
    /// Exemplars stored.
    pub exemplars: u64,
    /// Samples, exemplars and metadata of series that no record names.
    pub unknown_refs: u64,
    /// Samples that were passed over because a chunk file has them.
    pub samples_in_files: u64,
    /// Chunks in the files of series that no record names.
    pub unknown_chunks: u64,
    /// Samples that were older than their series' newest one.
    pub dropped_samples: u64,
    /// Whether a torn or corrupt tail of the log was cut off, or a log replaced that was damaged before a snapshot.
    pub repaired: bool,
    /// Samples of the log of out-of-order samples that were inserted.
    pub out_of_order_samples: u64,
    /// Chunks in the files that were taken for samples of that log.
    pub out_of_order_chunks_in_files: u64,
    /// Samples of that log whose series is not known.
    pub unknown_out_of_order_refs: u64,
    /// Whether a torn or corrupt tail was cut off that log.
    pub out_of_order_repaired: bool,
    /// Whether something damaged was cut off the chunk files.
    pub chunk_files_repaired: bool,
}

/// Counters behind [`Stats`] that several threads write.
#[derive(Debug)]
pub(crate) struct Counters {
    pub(crate) float_samples: AtomicU64,
    pub(crate) histogram_samples: AtomicU64,
    pub(crate) out_of_order: AtomicU64,
    pub(crate) out_of_order_histograms: AtomicU64,
    pub(crate) out_of_order_floats_appended: AtomicU64,
    pub(crate) out_of_order_histograms_appended: AtomicU64,
    pub(crate) out_of_order_delta: Mutex<DeltaHistogram>,
    pub(crate) too_old: AtomicU64,
    pub(crate) out_of_bounds: AtomicU64,
    pub(crate) exemplars: AtomicU64,
    pub(crate) out_of_order_exemplars: AtomicU64,
    pub(crate) last_append_ms: AtomicI64,
    pub(crate) wal_bytes: AtomicU64,
    pub(crate) wal_failures: AtomicU64,
    pub(crate) wal: Mutex<WriterStats>,
    pub(crate) chunks_mapped: AtomicU64,
    pub(crate) chunk_corruptions: AtomicU64,
    pub(crate) snapshot_failures: AtomicU64,
}

impl Counters {
    pub(crate) fn new() -> Self {
        Self {
            float_samples: AtomicU64::new(0),
            histogram_samples: AtomicU64::new(0),
            out_of_order: AtomicU64::new(0),
            out_of_order_histograms: AtomicU64::new(0),
            out_of_order_floats_appended: AtomicU64::new(0),
            out_of_order_histograms_appended: AtomicU64::new(0),
            out_of_order_delta: Mutex::new(DeltaHistogram::default()),
            too_old: AtomicU64::new(0),
            out_of_bounds: AtomicU64::new(0),
            exemplars: AtomicU64::new(0),
            out_of_order_exemplars: AtomicU64::new(0),
            last_append_ms: AtomicI64::new(0),
            wal_bytes: AtomicU64::new(0),
            wal_failures: AtomicU64::new(0),
            wal: Mutex::new(WriterStats::default()),
            chunks_mapped: AtomicU64::new(0),
            chunk_corruptions: AtomicU64::new(0),
            snapshot_failures: AtomicU64::new(0),
        }
    }
}

pub(crate) fn add(counter: &AtomicU64, n: u64) {
    if n > 0 {
        counter.fetch_add(n, Ordering::Relaxed);
    }
}
