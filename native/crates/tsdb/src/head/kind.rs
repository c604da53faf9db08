//! Kinds of samples, and histograms of the same kind.

use neocortex_model::histogram::{FloatHistogram, Histogram};
use neocortex_model::sample::{HistogramValue, is_stale_nan, stale_nan};

use crate::chunk::Encoding;
use crate::chunk::open::Last;

/// Kinds of samples that are logged and encoded apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SampleKind {
    Float,
    Histogram,
    FloatHistogram,
    CustomHistogram,
    CustomFloatHistogram,
}

impl SampleKind {
    pub(super) fn of_histogram(value: &HistogramValue) -> Self {
        match value {
            HistogramValue::Integer(h) if h.uses_custom_buckets() => Self::CustomHistogram,
            HistogramValue::Integer(_) => Self::Histogram,
            HistogramValue::Float(h) if h.uses_custom_buckets() => Self::CustomFloatHistogram,
            HistogramValue::Float(_) => Self::FloatHistogram,
        }
    }

    /// The kind of the samples of a chunk.
    pub(super) fn of_encoding(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Xor => Self::Float,
            Encoding::Histogram => Self::Histogram,
            Encoding::FloatHistogram => Self::FloatHistogram,
        }
    }

    /// The kind of a series' newest sample, `None` without samples or when it is not at hand.
    pub(super) fn of_last(last: Last<'_>) -> Option<Self> {
        match last {
            Last::None | Last::Closed(_) => None,
            Last::Float(..) => Some(Self::Float),
            Last::Histogram(..) => Some(Self::Histogram),
            Last::FloatHistogram(..) => Some(Self::FloatHistogram),
        }
    }

    pub(super) fn is_histogram(self) -> bool {
        self != Self::Float
    }
}

/// A staleness marker for a series of histograms: an empty histogram whose sum is the marker.
pub(super) fn stale_histogram(kind: SampleKind) -> HistogramValue {
    match kind {
        SampleKind::FloatHistogram | SampleKind::CustomFloatHistogram => {
            HistogramValue::Float(FloatHistogram { sum: stale_nan(), ..FloatHistogram::default() })
        }
        _ => HistogramValue::Integer(Histogram { sum: stale_nan(), ..Histogram::default() }),
    }
}

/// True when the newest sample of a series is this very histogram. Of a stale one only the marker counts.
pub(super) fn same_histogram(last: Last<'_>, value: &HistogramValue) -> bool {
    match (last, value) {
        (Last::Histogram(_, stored), HistogramValue::Integer(value)) => {
            same_or_stale(stored.sum, value.sum, || stored.same_data(value))
        }
        (Last::FloatHistogram(_, stored), HistogramValue::Float(value)) => {
            same_or_stale(stored.sum, value.sum, || stored.same_data(value))
        }
        _ => false,
    }
}

fn same_or_stale(stored_sum: f64, sum: f64, same: impl FnOnce() -> bool) -> bool {
    is_stale_nan(stored_sum) && is_stale_nan(sum) || same()
}
