//! The database of one tenant, in the formats of the Prometheus TSDB.

pub mod chunk;
pub mod clock;
pub mod error;
pub mod fs;
pub mod head;
mod postings;
pub mod tsdb;
pub mod wal;

pub use clock::{Clock, ManualClock, SystemClock};
pub use error::TsdbError;
pub use head::MetadataOutcome;
pub use tsdb::{Options, Tsdb, WalCompression};
