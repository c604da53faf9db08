//! Native histograms, with integer and with float buckets.
//!
//! Source: Prometheus's `model/histogram` and the native-histogram specification.
//!
//! * `bounds`: where buckets begin and end, which schemas there are.
//! * `buckets`: buckets one by one, and compaction.
//! * `validate`: what a histogram must be to be stored.
//! * `schema`: lower resolutions.
//! * `arithmetic`: sums, differences, products; `trim`: the operators `</` and `>/`.
//! * `compare`: equality and counter resets.

mod arithmetic;
mod bounds;
mod buckets;
mod compare;
mod schema;
mod trim;
mod validate;

use std::fmt;

pub use arithmetic::{Combined, IncompatibleSchemas};
pub use bounds::{
    MAX_EXPONENTIAL_SCHEMA, MAX_RESERVED_SCHEMA, MIN_EXPONENTIAL_SCHEMA, MIN_RESERVED_SCHEMA, exponential_bound,
    is_exponential_schema, is_known_schema, upper_bound,
};
pub use buckets::{Bucket, Indexed, indexed};
pub use trim::Keep;
pub use validate::{HistogramError, HistogramFault};

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

impl Histogram {
    /// True when the bounds of buckets are [`Histogram::custom_values`].
    #[must_use]
    pub fn uses_custom_buckets(&self) -> bool {
        self.schema == CUSTOM_BUCKETS_SCHEMA
    }

    /// The same histogram with absolute float buckets. Fields that the schema does not use are left empty.
    #[must_use]
    pub fn to_float(&self) -> FloatHistogram {
        let counts = |deltas: &[i64]| -> Vec<f64> {
            let mut count = 0.0;
            deltas
                .iter()
                .map(|delta| {
                    count += *delta as f64;
                    count
                })
                .collect()
        };
        let mut float = FloatHistogram {
            counter_reset: self.counter_reset,
            schema: self.schema,
            count: self.count as f64,
            sum: self.sum,
            positive_spans: self.positive_spans.clone(),
            positive_buckets: counts(&self.positive_buckets),
            ..Default::default()
        };
        if self.uses_custom_buckets() {
            float.custom_values.clone_from(&self.custom_values);
        } else {
            float.zero_threshold = self.zero_threshold;
            float.zero_count = self.zero_count as f64;
            float.negative_spans.clone_from(&self.negative_spans);
            float.negative_buckets = counts(&self.negative_buckets);
        }
        float
    }
}

impl FloatHistogram {
    /// True when the bounds of buckets are [`FloatHistogram::custom_values`].
    #[must_use]
    pub fn uses_custom_buckets(&self) -> bool {
        self.schema == CUSTOM_BUCKETS_SCHEMA
    }

    /// True when any count, the sum or a bound is infinite.
    #[must_use]
    pub fn has_overflow(&self) -> bool {
        [self.zero_count, self.count, self.sum]
            .iter()
            .chain(&self.positive_buckets)
            .chain(&self.negative_buckets)
            .chain(&self.custom_values)
            .any(|v| v.is_infinite())
    }
}

/// `{count:3, sum:4.5, [-0.001,0.001]:1, (1,2]:2}`, as Prometheus's `FloatHistogram.String`; empty buckets are left out.
impl fmt::Display for FloatHistogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use crate::float::go_g;

        write!(f, "{{count:{}, sum:{}", go_g(self.count), go_g(self.sum))?;
        let mut below: Vec<_> = self.negative().collect();
        below.reverse();
        let zero = (!self.uses_custom_buckets()).then(|| self.zero_bucket());
        for b in below.into_iter().chain(zero).chain(self.positive()).filter(|b| b.count != 0.0) {
            let open = if b.lower_inclusive { '[' } else { '(' };
            let close = if b.upper_inclusive { ']' } else { ')' };
            write!(f, ", {open}{},{}{close}:{}", go_g(b.lower), go_g(b.upper), go_g(b.count))?;
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn to_float_makes_counts_absolute() {
        let h = Histogram {
            count: 9,
            zero_count: 1,
            zero_threshold: 0.001,
            positive_spans: vec![Span { offset: 0, length: 3 }],
            positive_buckets: vec![3, -1, 1],
            ..Default::default()
        };
        let float = h.to_float();
        assert_eq!(float.positive_buckets, [3.0, 2.0, 3.0]);
        assert_eq!(float.to_string(), "{count:9, sum:0, [-0.001,0.001]:1, (0.5,1]:3, (1,2]:2, (2,4]:3}");
    }
}
