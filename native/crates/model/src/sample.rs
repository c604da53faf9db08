//! Samples as they are written and read.

use std::sync::Arc;

use crate::histogram::{FloatHistogram, Histogram, Span};

/// The bit pattern of the NaN that marks a series as stale.
pub const STALE_NAN_BITS: u64 = 0x7ff0_0000_0000_0002;

/// The bit pattern of the NaN that Prometheus writes for a plain "not a number".
pub const NORMAL_NAN_BITS: u64 = 0x7ff8_0000_0000_0001;

/// The staleness marker.
#[must_use]
pub fn stale_nan() -> f64 {
    f64::from_bits(STALE_NAN_BITS)
}

/// True for the staleness marker, false for any other value, other NaNs included.
#[must_use]
pub fn is_stale_nan(value: f64) -> bool {
    value.to_bits() == STALE_NAN_BITS
}

/// A float sample: timestamp in milliseconds, value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FloatSample {
    /// Milliseconds since the epoch.
    pub t: i64,
    /// The value.
    pub v: f64,
}

/// A native histogram as it was sent.
#[derive(Clone, Debug, PartialEq)]
pub enum HistogramValue {
    /// Integer buckets, delta encoded.
    Integer(Histogram),
    /// Float buckets, absolute.
    Float(FloatHistogram),
}

impl HistogramValue {
    /// The schema, which says where the bounds of buckets are.
    #[must_use]
    pub fn schema(&self) -> i32 {
        match self {
            Self::Integer(h) => h.schema,
            Self::Float(h) => h.schema,
        }
    }

    /// Number of buckets, positive and negative together.
    #[must_use]
    pub fn bucket_count(&self) -> usize {
        match self {
            Self::Integer(h) => h.positive_buckets.len() + h.negative_buckets.len(),
            Self::Float(h) => h.positive_buckets.len() + h.negative_buckets.len(),
        }
    }

    /// True when both sides have as many buckets as their spans say.
    #[must_use]
    pub fn spans_fit(&self) -> bool {
        let fit = |spans: &[Span], buckets: usize| {
            spans.iter().map(|span| u64::from(span.length)).sum::<u64>() == buckets as u64
        };
        match self {
            Self::Integer(h) => {
                fit(&h.positive_spans, h.positive_buckets.len()) && fit(&h.negative_spans, h.negative_buckets.len())
            }
            Self::Float(h) => {
                fit(&h.positive_spans, h.positive_buckets.len()) && fit(&h.negative_spans, h.negative_buckets.len())
            }
        }
    }
}

/// A native histogram sample.
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramSample {
    /// Milliseconds since the epoch.
    pub t: i64,
    /// The histogram.
    pub h: HistogramValue,
}

/// An exemplar: labels of its own, value and time.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    /// Labels such as the trace id.
    pub labels: crate::labels::Labels,
    /// The value.
    pub v: f64,
    /// Milliseconds since the epoch.
    pub t: i64,
}

/// What is known of a metric family.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Metadata {
    /// Name of the metric family.
    pub metric: String,
    /// Type of the metric.
    pub kind: MetricType,
    /// Help text.
    pub help: String,
    /// Unit.
    pub unit: String,
}

/// Type of a metric family; numbers are those of the remote-write protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum MetricType {
    /// Not known.
    #[default]
    Unknown = 0,
    /// `counter`
    Counter = 1,
    /// `gauge`
    Gauge = 2,
    /// `histogram`
    Histogram = 3,
    /// `gaugehistogram`
    GaugeHistogram = 4,
    /// `summary`
    Summary = 5,
    /// `info`
    Info = 6,
    /// `stateset`
    StateSet = 7,
}

impl MetricType {
    /// The type with this number of the protocol; `Unknown` for any other number.
    #[must_use]
    pub fn from_number(number: u64) -> Self {
        match number {
            1 => Self::Counter,
            2 => Self::Gauge,
            3 => Self::Histogram,
            4 => Self::GaugeHistogram,
            5 => Self::Summary,
            6 => Self::Info,
            7 => Self::StateSet,
            _ => Self::Unknown,
        }
    }

    /// The name in the metadata API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::GaugeHistogram => "gaugehistogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::StateSet => "stateset",
        }
    }
}

/// Columns of decoded samples of one series, ascending in time.
///
/// `h` is empty while all samples are floats; otherwise it has one entry a sample, `Some` where the sample is a
/// histogram (its slot in `v` is then 0). Staleness markers are kept: a float that [`is_stale_nan`], or a histogram
/// whose `sum` is.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    /// Timestamps in milliseconds, strictly ascending.
    pub t: Vec<i64>,
    /// Float values.
    pub v: Vec<f64>,
    /// Histograms, or empty.
    pub h: Vec<Option<Arc<FloatHistogram>>>,
    /// When counting began, in milliseconds, 0 where that is not known; empty when it is known of no sample.
    pub st: Vec<i64>,
}

impl Samples {
    /// Number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.t.len()
    }

    /// True when there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.t.is_empty()
    }

    /// No samples, with room for so many floats.
    #[must_use]
    pub fn with_capacity(floats: usize) -> Self {
        Self { t: Vec::with_capacity(floats), v: Vec::with_capacity(floats), ..Self::default() }
    }

    /// Forgets all samples, keeps the memory.
    pub fn clear(&mut self) {
        self.t.clear();
        self.v.clear();
        self.h.clear();
        self.st.clear();
    }

    /// Appends a float.
    #[inline]
    pub fn push_float(&mut self, t: i64, v: f64) {
        self.t.push(t);
        self.v.push(v);
        if !self.h.is_empty() {
            self.h.push(None);
        }
        self.push_unknown_start();
    }

    /// Appends floats, at most `bound` of them: `fill` appends to both columns, times and values, equally many.
    ///
    /// # Errors
    /// Those of `fill`; what it appended stays.
    #[inline]
    pub fn append_floats<E>(
        &mut self,
        bound: usize,
        fill: impl FnOnce(&mut Vec<i64>, &mut Vec<f64>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.t.reserve(bound);
        self.v.reserve(bound);
        let filled = fill(&mut self.t, &mut self.v);
        if !self.h.is_empty() {
            self.h.resize(self.t.len(), None);
        }
        if !self.st.is_empty() {
            self.st.resize(self.t.len(), 0);
        }
        filled
    }

    /// Appends the samples of another one, all of them later.
    pub fn append(&mut self, later: &Self) {
        let (before, after) = (self.len(), self.len() + later.len());
        self.t.extend_from_slice(&later.t);
        self.v.extend_from_slice(&later.v);
        if !self.h.is_empty() || !later.h.is_empty() {
            self.h.resize(before, None);
            self.h.extend_from_slice(&later.h);
            self.h.resize(after, None);
        }
        if !self.st.is_empty() || !later.st.is_empty() {
            self.st.resize(before, 0);
            self.st.extend_from_slice(&later.st);
            self.st.resize(after, 0);
        }
    }

    /// Appends a histogram.
    pub fn push_histogram(&mut self, t: i64, h: Arc<FloatHistogram>) {
        self.h.resize(self.t.len(), None);
        self.t.push(t);
        self.v.push(0.0);
        self.h.push(Some(h));
        self.push_unknown_start();
    }

    fn push_unknown_start(&mut self) {
        if !self.st.is_empty() {
            self.st.push(0);
        }
    }

    /// Says when the counting of the last sample began, in milliseconds.
    pub fn set_last_start(&mut self, st: i64) {
        if st != 0 || !self.st.is_empty() {
            self.st.resize(self.t.len(), 0);
            if let Some(last) = self.st.last_mut() {
                *last = st;
            }
        }
    }

    /// When the counting of a sample began, in milliseconds; 0 when that is not known.
    #[must_use]
    pub fn start(&self, i: usize) -> i64 {
        self.st.get(i).copied().unwrap_or(0)
    }

    /// The histogram at an index, if that sample is one.
    #[must_use]
    pub fn histogram(&self, i: usize) -> Option<&Arc<FloatHistogram>> {
        self.h.get(i).and_then(Option::as_ref)
    }
}
