//! One tenant's recent data: series, their chunks, and the indexes over them, in memory.

pub mod limits;
pub mod outcome;
pub mod stats;
mod text;

pub use limits::{Limit, LimitExceeded, LimitScope, MetadataLimits, SeriesLimits};
pub use outcome::{AppendCause, AppendError, AppendErrorKind, Appended, Discarded};
pub use stats::{ActiveSeries, MemoryBytes, ReplayStats, Stats};
