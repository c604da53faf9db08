//! Checks of a native histogram.
//!
//! Source: Cortex's `ValidateNativeHistogram`.

use neocortex_model::histogram::{
    CUSTOM_BUCKETS_SCHEMA, MAX_EXPONENTIAL_SCHEMA, MIN_EXPONENTIAL_SCHEMA, is_exponential_schema,
};
use neocortex_model::sample::HistogramValue;

use super::limits::ValidationLimits;
use super::outcome::{DiscardReason, ValidationError};
use super::text::{quote200, series};
use crate::batch::Pair;

/// Why a histogram is refused.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Refusal {
    /// More buckets than the limit, and no way to have fewer.
    TooManyBuckets { limit: usize },
    /// No such schema.
    Schema(i32),
    /// More bytes than the limit.
    Size { actual: usize, limit: usize },
    /// It contradicts itself; Prometheus's text.
    Invalid(String),
}

impl Refusal {
    pub(super) fn into_error(self, pairs: &[Pair<'_>]) -> ValidationError {
        let metric = quote200(&series(pairs));
        let (reason, text) = match self {
            Self::TooManyBuckets { limit } => (
                DiscardReason::NativeHistogramBucketsExceeded,
                format!("native histogram bucket count exceeded for metric (limit: {limit}) metric: {metric}"),
            ),
            Self::Schema(schema) => (
                DiscardReason::NativeHistogramInvalidSchema,
                format!(
                    "invalid native histogram schema {schema} for metric: {metric}. \
                     supported schema from {MIN_EXPONENTIAL_SCHEMA} to {MAX_EXPONENTIAL_SCHEMA}"
                ),
            ),
            Self::Size { actual, limit } => (
                DiscardReason::NativeHistogramSampleSizeBytesExceeded,
                format!(
                    "native histogram sample size bytes exceeded for metric (actual: {actual}, limit: {limit}) \
                     metric: {metric}"
                ),
            ),
            Self::Invalid(why) => (
                DiscardReason::NativeHistogramInvalid,
                format!("invalid native histogram, validation err: {why}, metric: {metric}"),
            ),
        };
        ValidationError { reason: Some(reason), text }
    }
}

/// Checks a histogram of `encoded_bytes` bytes. When it has more buckets than allowed its resolution is reduced until
/// it fits; true when that happened.
pub(super) fn check(
    limits: &ValidationLimits,
    histogram: &mut HistogramValue,
    encoded_bytes: usize,
) -> Result<bool, Refusal> {
    let size_limit = limits.max_native_histogram_sample_size_bytes;
    if size_limit > 0 && encoded_bytes > size_limit {
        return Err(Refusal::Size { actual: encoded_bytes, limit: size_limit });
    }
    let schema = histogram.schema();
    if schema != CUSTOM_BUCKETS_SCHEMA && !is_exponential_schema(schema) {
        return Err(Refusal::Schema(schema));
    }
    match histogram {
        HistogramValue::Integer(h) => h.validate(),
        HistogramValue::Float(h) => h.validate(),
    }
    .map_err(|fault| Refusal::Invalid(fault.to_string()))?;
    let limit = limits.max_native_histogram_buckets;
    if limit == 0 || bucket_count(histogram) <= limit {
        return Ok(false);
    }
    if schema == CUSTOM_BUCKETS_SCHEMA {
        return Err(Refusal::TooManyBuckets { limit });
    }
    for target in (MIN_EXPONENTIAL_SCHEMA..schema).rev() {
        match histogram {
            HistogramValue::Integer(h) => h.reduce_resolution(target),
            HistogramValue::Float(h) => h.reduce_resolution(target),
        }
        if bucket_count(histogram) <= limit {
            return Ok(true);
        }
    }
    Err(Refusal::TooManyBuckets { limit })
}

fn bucket_count(histogram: &HistogramValue) -> usize {
    match histogram {
        HistogramValue::Integer(h) => h.positive_buckets.len() + h.negative_buckets.len(),
        HistogramValue::Float(h) => h.positive_buckets.len() + h.negative_buckets.len(),
    }
}
