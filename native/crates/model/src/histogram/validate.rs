//! What makes a histogram valid. Texts are those of Prometheus's `model/histogram`.

use super::bounds::{MAX_EXPONENTIAL_SCHEMA, MIN_EXPONENTIAL_SCHEMA, is_exponential_schema};
use super::{CUSTOM_BUCKETS_SCHEMA, FloatHistogram, Histogram, Span};

/// What is wrong with a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HistogramFault {
    /// More observations in buckets than in total.
    #[error("histogram's observation count should be at least the number of observations found in the buckets")]
    CountNotBigEnough,
    /// Other observations in buckets than in total.
    #[error(
        "histogram's observation count should equal the number of observations found in the buckets (in absence of NaN)"
    )]
    CountMismatch,
    /// The count is negative.
    #[error("histogram's observation count is negative")]
    NegativeCount,
    /// A bucket is negative.
    #[error("histogram has a bucket whose observation count is negative")]
    NegativeBucketCount,
    /// A span goes backwards.
    #[error("histogram has a span whose offset is negative")]
    SpanNegativeOffset,
    /// Spans and buckets differ in number.
    #[error("histogram spans specify different number of buckets than provided")]
    SpansBucketsMismatch,
    /// Spans reach beyond the custom bounds.
    #[error("histogram custom bounds are too few")]
    CustomBucketsMismatch,
    /// Custom bounds do not ascend.
    #[error("histogram custom bounds must be in strictly increasing order")]
    CustomBucketsInvalid,
    /// A custom bound is infinite.
    #[error("histogram custom bounds must be finite")]
    CustomBucketsInfinite,
    /// A custom bound is not a number.
    #[error("histogram custom bounds must not be NaN")]
    CustomBucketsNaN,
    /// Custom buckets with a zero bucket.
    #[error("custom buckets: must have zero count of 0")]
    CustomBucketsZeroCount,
    /// Custom buckets with a zero threshold.
    #[error("custom buckets: must have zero threshold of 0")]
    CustomBucketsZeroThreshold,
    /// Custom buckets with negative spans.
    #[error("custom buckets: must not have negative spans")]
    CustomBucketsNegativeSpans,
    /// Custom buckets with negative buckets.
    #[error("custom buckets: must not have negative buckets")]
    CustomBucketsNegativeBuckets,
    /// Exponential buckets with custom bounds.
    #[error("histogram with exponential schema must not have custom bounds")]
    ExponentialCustomBounds,
    /// The schema cannot be stored.
    #[error(
        "histogram has an invalid schema, which must be between {MIN_EXPONENTIAL_SCHEMA} and {MAX_EXPONENTIAL_SCHEMA} \
         for exponential buckets, or {CUSTOM_BUCKETS_SCHEMA} for custom buckets"
    )]
    InvalidSchema,
}

/// A histogram is not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct HistogramError {
    /// The rule that was broken.
    pub fault: HistogramFault,
    text: String,
}

impl HistogramError {
    fn at(fault: HistogramFault, detail: &str) -> Self {
        Self { fault, text: format!("{detail}: {fault}") }
    }

    fn on(self, side: &str) -> Self {
        Self { text: format!("{side}: {}", self.text), ..self }
    }
}

impl From<HistogramFault> for HistogramError {
    fn from(fault: HistogramFault) -> Self {
        Self { fault, text: fault.to_string() }
    }
}

impl Histogram {
    /// Checks that spans, buckets, bounds and counts agree.
    ///
    /// # Errors
    /// [`HistogramError`] with the text of Prometheus.
    pub fn validate(&self) -> Result<(), HistogramError> {
        check_layout(&Sides {
            schema: self.schema,
            zero_count: self.zero_count != 0,
            zero_threshold: self.zero_threshold,
            positive: (&self.positive_spans, self.positive_buckets.len()),
            negative: (&self.negative_spans, self.negative_buckets.len()),
            custom_values: &self.custom_values,
        })?;
        let negative = sum_of_deltas(&self.negative_buckets).map_err(|e| e.on("negative side"))?;
        let positive = sum_of_deltas(&self.positive_buckets).map_err(|e| e.on("positive side"))?;
        let found = negative.wrapping_add(positive).wrapping_add(self.zero_count);
        let fault = match (self.sum.is_nan(), found) {
            (true, found) if found > self.count => HistogramFault::CountNotBigEnough,
            (false, found) if found != self.count => HistogramFault::CountMismatch,
            _ => return Ok(()),
        };
        let detail = format!("{found} observations found in buckets, but the Count field is {}", self.count);
        Err(HistogramError::at(fault, &detail))
    }
}

impl FloatHistogram {
    /// Checks that spans, buckets and bounds agree and no count is negative. The count may differ from the sum of the
    /// buckets, since fractions round.
    ///
    /// # Errors
    /// [`HistogramError`] with the text of Prometheus.
    pub fn validate(&self) -> Result<(), HistogramError> {
        check_layout(&Sides {
            schema: self.schema,
            zero_count: self.zero_count != 0.0,
            zero_threshold: self.zero_threshold,
            positive: (&self.positive_spans, self.positive_buckets.len()),
            negative: (&self.negative_spans, self.negative_buckets.len()),
            custom_values: &self.custom_values,
        })?;
        check_counts(&self.negative_buckets).map_err(|e| e.on("negative side"))?;
        if self.zero_count < 0.0 {
            let detail = format!("zero bucket has observation count of {}", crate::float::go_g(self.zero_count));
            return Err(HistogramError::at(HistogramFault::NegativeBucketCount, &detail));
        }
        if self.count < 0.0 {
            let detail = format!("observation count is  {}", crate::float::go_g(self.count));
            return Err(HistogramError::at(HistogramFault::NegativeCount, &detail));
        }
        check_counts(&self.positive_buckets).map_err(|e| e.on("positive side"))
    }
}

struct Sides<'a> {
    schema: i32,
    zero_count: bool,
    zero_threshold: f64,
    positive: (&'a [Span], usize),
    negative: (&'a [Span], usize),
    custom_values: &'a [f64],
}

fn check_layout(h: &Sides<'_>) -> Result<(), HistogramError> {
    if h.schema == CUSTOM_BUCKETS_SCHEMA {
        check_custom_bounds(h.custom_values, h.positive.0, h.positive.1).map_err(|e| e.on("custom buckets"))?;
        let faults = [
            (h.zero_count, HistogramFault::CustomBucketsZeroCount),
            (h.zero_threshold != 0.0, HistogramFault::CustomBucketsZeroThreshold),
            (!h.negative.0.is_empty(), HistogramFault::CustomBucketsNegativeSpans),
            (h.negative.1 > 0, HistogramFault::CustomBucketsNegativeBuckets),
        ];
        return faults.into_iter().find(|(broken, _)| *broken).map_or(Ok(()), |(_, fault)| Err(fault.into()));
    }
    if !is_exponential_schema(h.schema) {
        let text = format!("{}, got schema {}", HistogramFault::InvalidSchema, h.schema);
        return Err(HistogramError { fault: HistogramFault::InvalidSchema, text });
    }
    check_spans(h.positive.0, h.positive.1, 1).map_err(|e| e.on("positive side"))?;
    check_spans(h.negative.0, h.negative.1, 1).map_err(|e| e.on("negative side"))?;
    if h.custom_values.is_empty() { Ok(()) } else { Err(HistogramFault::ExponentialCustomBounds.into()) }
}

/// Checks offsets from the span `first` on, and the number of buckets.
fn check_spans(spans: &[Span], buckets: usize, first: usize) -> Result<(), HistogramError> {
    if let Some((n, span)) = spans.iter().enumerate().skip(first).find(|(_, span)| span.offset < 0) {
        let detail = format!("span number {} with offset {}", n + 1, span.offset);
        return Err(HistogramError::at(HistogramFault::SpanNegativeOffset, &detail));
    }
    let needed: u64 = spans.iter().map(|span| u64::from(span.length)).sum();
    if needed != buckets as u64 {
        let detail = format!("spans need {needed} buckets, have {buckets} buckets");
        return Err(HistogramError::at(HistogramFault::SpansBucketsMismatch, &detail));
    }
    Ok(())
}

fn check_custom_bounds(bounds: &[f64], spans: &[Span], buckets: usize) -> Result<(), HistogramError> {
    let mut last = f64::NEG_INFINITY;
    for (i, bound) in bounds.iter().copied().enumerate() {
        if bound.is_nan() {
            return Err(HistogramFault::CustomBucketsNaN.into());
        }
        if i > 0 && bound <= last {
            let detail = format!("previous bound is {} and current is {}", go_f(last), go_f(bound));
            return Err(HistogramError::at(HistogramFault::CustomBucketsInvalid, &detail));
        }
        last = bound;
    }
    if last == f64::INFINITY {
        let detail = "last +Inf bound must not be explicitly defined";
        return Err(HistogramError::at(HistogramFault::CustomBucketsInfinite, detail));
    }
    check_spans(spans, buckets, 0)?;
    let reach: u64 = spans.iter().map(|span| u64::from(span.length) + u64::from(span.offset.unsigned_abs())).sum();
    if (bounds.len() as u64 + 1) < reach {
        let detail = format!(
            "only {} custom bounds defined which is insufficient to cover total span length of {reach}",
            bounds.len()
        );
        return Err(HistogramError::at(HistogramFault::CustomBucketsMismatch, &detail));
    }
    Ok(())
}

/// Go's `%f`.
fn go_f(v: f64) -> String {
    if v.is_finite() { format!("{v:.6}") } else { crate::float::format_sample(v) }
}

fn sum_of_deltas(buckets: &[i64]) -> Result<u64, HistogramError> {
    let (mut count, mut sum) = (0_i64, 0_u64);
    for (i, delta) in buckets.iter().enumerate() {
        count = count.wrapping_add(*delta);
        if count < 0 {
            let detail = format!("bucket number {} has observation count of {count}", i + 1);
            return Err(HistogramError::at(HistogramFault::NegativeBucketCount, &detail));
        }
        sum = sum.wrapping_add(count as u64);
    }
    Ok(sum)
}

fn check_counts(buckets: &[f64]) -> Result<(), HistogramError> {
    let Some(i) = buckets.iter().position(|count| *count < 0.0) else { return Ok(()) };
    let detail = format!("bucket number {} has observation count of {}", i + 1, crate::float::go_g(buckets[i]));
    Err(HistogramError::at(HistogramFault::NegativeBucketCount, &detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn valid() -> Histogram {
        Histogram {
            count: 5,
            zero_count: 1,
            positive_spans: vec![Span { offset: 0, length: 2 }],
            positive_buckets: vec![1, 2],
            ..Default::default()
        }
    }

    #[test]
    fn counts_must_agree() {
        assert_eq!(valid().validate(), Ok(()));
        let error = Histogram { count: 6, ..valid() }.validate().unwrap_err();
        assert_eq!(
            error.to_string(),
            "5 observations found in buckets, but the Count field is 6: histogram's observation count should equal the \
             number of observations found in the buckets (in absence of NaN)"
        );
        assert_eq!(Histogram { count: 6, sum: f64::NAN, ..valid() }.validate(), Ok(()));
    }

    #[test]
    fn spans_must_fit() {
        let error = Histogram { positive_buckets: vec![1], ..valid() }.validate().unwrap_err();
        assert_eq!(
            error.to_string(),
            "positive side: spans need 2 buckets, have 1 buckets: histogram spans specify different number of buckets \
             than provided"
        );
        let error = Histogram { schema: 9, ..valid() }.validate().unwrap_err();
        assert_eq!(
            error.to_string(),
            "histogram has an invalid schema, which must be between -4 and 8 for exponential buckets, or -53 for custom \
             buckets, got schema 9"
        );
    }

    #[test]
    fn custom_bounds_must_ascend() {
        let h = FloatHistogram { schema: CUSTOM_BUCKETS_SCHEMA, custom_values: vec![2.0, 1.0], ..Default::default() };
        assert_eq!(
            h.validate().unwrap_err().to_string(),
            "custom buckets: previous bound is 2.000000 and current is 1.000000: histogram custom bounds must be in \
             strictly increasing order"
        );
    }
}
