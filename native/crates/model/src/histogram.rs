//! Native histograms, with integer and with float buckets.
//!
//! Source: Prometheus's `model/histogram` and the native-histogram specification.

/// Schema of histograms with custom bucket bounds.
pub const CUSTOM_BUCKETS_SCHEMA: i32 = -53;

/// What is known of counter resets before a histogram; numbers are those of the protocol and of chunks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum CounterReset {
    /// Must be found by comparing.
    #[default]
    Unknown = 0,
    /// There was a reset.
    Reset = 1,
    /// There was none.
    NotReset = 2,
    /// The histogram is a gauge.
    Gauge = 3,
}

/// A run of buckets: the gap to the previous run (or the index of the first), and their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// Gap to the end of the previous span; for the first, the index of its first bucket.
    pub offset: i32,
    /// Number of consecutive buckets.
    pub length: u32,
}

/// A histogram with integer buckets; buckets are deltas to the previous bucket.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// What is known of resets.
    pub counter_reset: CounterReset,
    /// -4 to 8, or [`CUSTOM_BUCKETS_SCHEMA`].
    pub schema: i32,
    /// Width of the zero bucket.
    pub zero_threshold: f64,
    /// Observations in the zero bucket.
    pub zero_count: u64,
    /// All observations.
    pub count: u64,
    /// Sum of observations; the staleness marker marks the whole sample as stale.
    pub sum: f64,
    /// Runs of positive buckets.
    pub positive_spans: Vec<Span>,
    /// Runs of negative buckets.
    pub negative_spans: Vec<Span>,
    /// Positive buckets, delta encoded.
    pub positive_buckets: Vec<i64>,
    /// Negative buckets, delta encoded.
    pub negative_buckets: Vec<i64>,
    /// Upper bounds, only with custom buckets.
    pub custom_values: Vec<f64>,
}

/// A histogram with float buckets; buckets are absolute.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FloatHistogram {
    /// What is known of resets.
    pub counter_reset: CounterReset,
    /// -4 to 8, or [`CUSTOM_BUCKETS_SCHEMA`].
    pub schema: i32,
    /// Width of the zero bucket.
    pub zero_threshold: f64,
    /// Observations in the zero bucket.
    pub zero_count: f64,
    /// All observations.
    pub count: f64,
    /// Sum of observations; the staleness marker marks the whole sample as stale.
    pub sum: f64,
    /// Runs of positive buckets.
    pub positive_spans: Vec<Span>,
    /// Runs of negative buckets.
    pub negative_spans: Vec<Span>,
    /// Positive buckets, absolute.
    pub positive_buckets: Vec<f64>,
    /// Negative buckets, absolute.
    pub negative_buckets: Vec<f64>,
    /// Upper bounds, only with custom buckets.
    pub custom_values: Vec<f64>,
}
