//! What a decoded write request hands to a storage, without saying how it was encoded.

use crate::labels::Labels;
use crate::sample::{Exemplar, FloatSample, HistogramSample};

/// Keyed 128-bit hash of the encoded labels of a series as the sender wrote them.
///
/// Keyed per process, so that nobody can make two series collide on purpose. One label set may have several keys
/// (another order of labels, another protocol version); one key has one label set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SeriesKey(pub u128);

/// The accepted series of a write request, one row each.
///
/// A storage looks the key up and only asks for the labels when it does not know the key.
pub trait SeriesRows {
    /// Number of rows.
    fn len(&self) -> usize;

    /// True when there are no rows.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The key of a row.
    fn key(&self, row: usize) -> SeriesKey;

    /// The labels of a row: sorted, validated, relabelled.
    fn labels(&self, row: usize) -> Labels;

    /// Float samples in the order of the request.
    fn floats(&self, row: usize) -> &[FloatSample];

    /// Native histogram samples in the order of the request.
    fn histograms(&self, row: usize) -> &[HistogramSample];

    /// Exemplars in the order of the request.
    fn exemplars(&self, row: usize) -> &[Exemplar];
}

/// Answers whether the labels behind a key were accepted before, so that they need no parsing and checking again.
pub trait KnownSeries {
    /// True when the storage has a series under this key.
    fn is_known(&self, key: SeriesKey) -> bool;

    /// [`Self::is_known`] of every key, in order: what a storage can answer for many keys at once for less.
    fn are_known(&self, keys: impl Iterator<Item = SeriesKey>) -> Vec<bool> {
        keys.map(|key| self.is_known(key)).collect()
    }
}

/// Knows no series: every label set is parsed and checked.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoKnownSeries;

impl KnownSeries for NoKnownSeries {
    fn is_known(&self, _key: SeriesKey) -> bool {
        false
    }
}
