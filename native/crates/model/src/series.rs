//! What a storage hands to the evaluator.

use std::ops::AddAssign;
use std::sync::Arc;

use crate::labels::Labels;
use crate::matchers::Matcher;
use crate::sample::{Exemplar, Samples};

/// A storage could not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// A limit of the tenant was hit; the text is the answer's.
    #[error("{0}")]
    Limit(String),
    /// The query was cancelled or its time was up.
    #[error("query was canceled")]
    Cancelled,
    /// Data could not be read.
    #[error("{0}")]
    Corrupt(String),
}

/// What the evaluator will do with a selection; a storage may use it to read less.
#[derive(Clone, Debug, Default)]
pub struct SelectHints {
    /// First millisecond wanted, inclusive.
    pub start_ms: i64,
    /// Last millisecond wanted, inclusive.
    pub end_ms: i64,
    /// Step of the query in milliseconds, 0 for an instant query.
    pub step_ms: i64,
    /// Length of the range selector in milliseconds, 0 for an instant selector.
    pub range_ms: i64,
    /// Name of the function or aggregation around the selector, if any.
    pub function: String,
    /// How many selectors of the query share the selection; 0 where there is no query.
    pub selectors: usize,
}

/// What there is to be read of a series, as the limits of a query count it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// Chunks with samples in the range.
    pub chunks: u64,
    /// Their samples in the range.
    pub samples: u64,
    /// Their bytes.
    pub chunk_bytes: u64,
}

impl AddAssign for Fetched {
    fn add_assign(&mut self, other: Self) {
        self.chunks += other.chunks;
        self.samples += other.samples;
        self.chunk_bytes += other.chunk_bytes;
    }
}

/// One series of a selection. Decoding happens in [`Series::read`], so that it can run on any thread and only once.
pub trait Series: Send + Sync {
    /// The series' labels.
    fn labels(&self) -> &Labels;

    /// Appends the samples with `mint <= t <= maxt` (milliseconds), ascending, each time once.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] when a chunk cannot be decoded.
    fn read(&self, mint: i64, maxt: i64, out: &mut Samples) -> Result<(), StorageError>;

    /// What [`Series::read`] would find, without decoding it: of a chunk that reaches out of the range, samples and bytes are
    /// estimated. Nothing for a series that is not made of chunks.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] when a chunk is damaged.
    fn fetched(&self, _mint: i64, _maxt: i64) -> Result<Fetched, StorageError> {
        Ok(Fetched::default())
    }
}

/// A set of series that can be selected from: a head, a block, a merge of several, or test data.
pub trait Queryable: Send + Sync {
    /// The series that match all matchers and may have samples in the hinted range. Sorted by labels; each label set once.
    ///
    /// # Errors
    /// Any [`StorageError`].
    fn select(&self, matchers: &[Matcher], hints: &SelectHints) -> Result<Vec<Arc<dyn Series>>, StorageError>;
}

/// The exemplars of one series.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesExemplars {
    /// The series' labels.
    pub labels: Labels,
    /// Its exemplars, ascending in time.
    pub exemplars: Vec<Exemplar>,
}
