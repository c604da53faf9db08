//! One tenant's recent data: series, their chunks, and the indexes over them, in memory, with the log that makes them
//! last.
//!
//! Locks, in the order in which they are taken: the chunk files (for writing, which happens in the background), the
//! appender (one append of a tenant at a time), the store (readers beside each other, a writer alone), the exemplars. The
//! keys of known series have locks of their own that are held for one look-up. Nothing is held across tenants.

mod append;
mod arena;
mod by_series;
mod checkpoint;
mod exemplars;
mod filed;
mod forget;
mod keyed_hash;
mod kind;
mod label_set_limits;
pub(crate) mod label_sets;
pub mod limits;
mod load;
mod mapping;
mod metadata;
mod order;
mod out_of_order;
pub mod outcome;
mod read;
mod refs;
mod replay;
mod rfc3339;
mod series;
mod snapshot;
mod start;
pub mod stats;
mod store;
mod stretch;
pub(crate) mod symbols;
mod table;
#[cfg(test)]
pub(crate) mod tests;
mod to_block;
mod touch;
mod truncate;
mod waiting;
mod write;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use parking_lot::{Mutex, RwLock};

use crate::chunk_files;
use crate::clock::Clock;
use crate::tsdb::Options;
use crate::upkeep::Upkeep;
use crate::wal::write::Writer;

pub use label_set_limits::LabelSetLimit;
pub use limits::{Limit, LimitExceeded, LimitScope, MetadataLimits, SeriesLimits};
pub use outcome::{AppendCause, AppendError, AppendErrorKind, Appended, BucketCounts, Discarded, MetadataOutcome};
pub use stats::{ActiveSeries, MemoryBytes, ReplayStats, Stats};

pub(crate) use label_sets::SeriesId;
pub(crate) use out_of_order::{FrozenOutOfOrder, FrozenSeries};
pub(crate) use read::HeadSeries;
pub(crate) use table::KeyTable;

use exemplars::ExemplarRing;
use metadata::MetadataStore;
use out_of_order::{OutOfOrder, OutOfOrderLog};
use series::ChunkRules;
use stats::Counters;
use store::Store;
use touch::Touches;

/// One tenant's recent data.
pub(crate) struct Head {
    clock: Arc<dyn Clock>,
    chunk_range_ms: i64,
    /// Bytes of chunks that are written to their file at once.
    chunk_write_bytes: usize,
    /// Whether a start loads a snapshot.
    snapshots: bool,
    native_histograms: AtomicBool,
    /// `None` when the database is closed.
    files: Mutex<Option<chunk_files::write::Writer>>,
    appender: Mutex<Appender>,
    store: RwLock<Store>,
    keys: KeyTable,
    ring: RwLock<ExemplarRing>,
    metadata: RwLock<MetadataStore>,
    counters: Counters,
    upkeep: Upkeep,
}

/// What one appender at a time owns.
struct Appender {
    /// `None` when the database is closed.
    wal: Option<Writer>,
    /// As `wal`, for samples that come out of order.
    out_of_order_log: Option<OutOfOrderLog>,
    /// Number of the next new series in the log; the numbers of a failed append are not used again, since the log may
    /// still hold them.
    next_ref: u64,
    /// The log had the same number for two series, so that only by its order one knows whose a chunk in a file is.
    had_numbers_twice: bool,
    touches: Touches,
}

impl Head {
    /// An empty head, which cannot be appended to before it has a log.
    pub(crate) fn new(clock: Arc<dyn Clock>, options: &Options) -> Self {
        let rules = ChunkRules {
            range_ms: options.chunk_range_ms.max(1),
            samples: options.samples_per_chunk.max(4),
            boundary_t: i64::MIN,
        };
        Self {
            clock,
            chunk_range_ms: rules.range_ms,
            chunk_write_bytes: options.chunk_write_buffer_bytes.max(1),
            snapshots: options.snapshot_on_close,
            native_histograms: AtomicBool::new(options.native_histograms),
            files: Mutex::new(None),
            appender: Mutex::new(Appender {
                wal: None,
                out_of_order_log: None,
                next_ref: 1,
                had_numbers_twice: false,
                touches: Touches::default(),
            }),
            store: RwLock::new(Store::new(rules, OutOfOrder::new(options.out_of_order_cap, rules.range_ms))),
            keys: KeyTable::new(),
            ring: RwLock::new(ExemplarRing::new(options.max_exemplars)),
            metadata: RwLock::new(MetadataStore::default()),
            counters: Counters::new(),
            upkeep: Upkeep::default(),
        }
    }

    /// Counts what is done to keep it small.
    pub(crate) fn upkeep(&self) -> &Upkeep {
        &self.upkeep
    }

    /// The keys of known series.
    pub(crate) fn keys(&self) -> &KeyTable {
        &self.keys
    }
}
