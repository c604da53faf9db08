//! Checks of a native histogram.
//!
//! Source: Cortex's `ValidateNativeHistogram` and `Validate` of Prometheus's `model/histogram`.

use neocortex_model::histogram::{CUSTOM_BUCKETS_SCHEMA, FloatHistogram, Histogram, Span};
use neocortex_model::sample::HistogramValue;

use super::limits::ValidationLimits;
use super::outcome::{DiscardReason, ValidationError};
use super::text::{quote200, series};
use crate::batch::Pair;

const MIN_SCHEMA: i32 = -4;
const MAX_SCHEMA: i32 = 8;

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
                     supported schema from {MIN_SCHEMA} to {MAX_SCHEMA}"
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
    let schema = match histogram {
        HistogramValue::Integer(h) => h.schema,
        HistogramValue::Float(h) => h.schema,
    };
    if schema != CUSTOM_BUCKETS_SCHEMA && !(MIN_SCHEMA..=MAX_SCHEMA).contains(&schema) {
        return Err(Refusal::Schema(schema));
    }
    match histogram {
        HistogramValue::Integer(h) => check_integer(h),
        HistogramValue::Float(h) => check_float(h),
    }
    .map_err(Refusal::Invalid)?;
    let limit = limits.max_native_histogram_buckets;
    if limit == 0 || bucket_count(histogram) <= limit {
        return Ok(false);
    }
    if schema == CUSTOM_BUCKETS_SCHEMA {
        return Err(Refusal::TooManyBuckets { limit });
    }
    for _ in MIN_SCHEMA..schema {
        match histogram {
            HistogramValue::Integer(h) => halve_integer(h),
            HistogramValue::Float(h) => halve_float(h),
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

fn check_integer(h: &Histogram) -> Result<(), String> {
    let mut sum = h.zero_count;
    let mut add = |side: &str, deltas: &[i64]| {
        let mut count = 0i64;
        for (i, delta) in deltas.iter().enumerate() {
            count = count.wrapping_add(*delta);
            if count < 0 {
                return Err(negative_bucket(side, i, &count.to_string()));
            }
            sum = sum.wrapping_add(count as u64);
        }
        Ok(())
    };
    if h.schema == CUSTOM_BUCKETS_SCHEMA {
        check_custom(&h.custom_values, &h.positive_spans, h.positive_buckets.len())?;
        let negative = (h.negative_spans.len(), h.negative_buckets.len());
        check_custom_rest(h.zero_count == 0, h.zero_threshold, negative)?;
    } else {
        check_spans("positive", &h.positive_spans, h.positive_buckets.len())?;
        check_spans("negative", &h.negative_spans, h.negative_buckets.len())?;
        add("negative", &h.negative_buckets)?;
        check_no_bounds(&h.custom_values)?;
    }
    add("positive", &h.positive_buckets)?;
    let found = format!("{sum} observations found in buckets, but the Count field is {}", h.count);
    if h.sum.is_nan() && sum > h.count {
        Err(format!(
            "{found}: histogram's observation count should be at least the number of observations found in the buckets"
        ))
    } else if !h.sum.is_nan() && sum != h.count {
        Err(format!(
            "{found}: histogram's observation count should equal the number of observations found in the buckets \
             (in absence of NaN)"
        ))
    } else {
        Ok(())
    }
}

fn check_float(h: &FloatHistogram) -> Result<(), String> {
    let check_buckets = |side: &str, buckets: &[f64]| match buckets.iter().position(|count| *count < 0.0) {
        Some(i) => Err(negative_bucket(side, i, &go_v(buckets[i]))),
        None => Ok(()),
    };
    if h.schema == CUSTOM_BUCKETS_SCHEMA {
        check_custom(&h.custom_values, &h.positive_spans, h.positive_buckets.len())?;
        let negative = (h.negative_spans.len(), h.negative_buckets.len());
        check_custom_rest(h.zero_count == 0.0, h.zero_threshold, negative)?;
    } else {
        check_spans("positive", &h.positive_spans, h.positive_buckets.len())?;
        check_spans("negative", &h.negative_spans, h.negative_buckets.len())?;
        check_buckets("negative", &h.negative_buckets)?;
        if h.zero_count < 0.0 {
            let count = go_v(h.zero_count);
            return Err(format!("zero bucket has observation count of {count}: {NEGATIVE_BUCKET}"));
        }
        check_no_bounds(&h.custom_values)?;
    }
    if h.count < 0.0 {
        return Err(format!("observation count is  {}: histogram's observation count is negative", go_v(h.count)));
    }
    check_buckets("positive", &h.positive_buckets)
}

const NEGATIVE_BUCKET: &str = "histogram has a bucket whose observation count is negative";

fn negative_bucket(side: &str, i: usize, count: &str) -> String {
    format!("{side} side: bucket number {} has observation count of {count}: {NEGATIVE_BUCKET}", i + 1)
}

fn check_no_bounds(bounds: &[f64]) -> Result<(), String> {
    if bounds.is_empty() {
        Ok(())
    } else {
        Err("histogram with exponential schema must not have custom bounds".to_owned())
    }
}

fn check_spans(side: &str, spans: &[Span], buckets: usize) -> Result<(), String> {
    for (i, span) in spans.iter().enumerate().skip(1) {
        if span.offset < 0 {
            return Err(format!("{side} side: {}", negative_offset(i, span.offset)));
        }
    }
    check_bucket_number(spans, buckets).map_err(|why| format!("{side} side: {why}"))
}

fn check_bucket_number(spans: &[Span], buckets: usize) -> Result<(), String> {
    let needed: u64 = spans.iter().map(|span| u64::from(span.length)).sum();
    if needed == buckets as u64 {
        return Ok(());
    }
    Err(format!(
        "spans need {needed} buckets, have {buckets} buckets: \
         histogram spans specify different number of buckets than provided"
    ))
}

fn negative_offset(i: usize, offset: i32) -> String {
    format!("span number {} with offset {offset}: histogram has a span whose offset is negative", i + 1)
}

fn check_custom(bounds: &[f64], spans: &[Span], buckets: usize) -> Result<(), String> {
    check_custom_bounds(bounds, spans, buckets).map_err(|why| format!("custom buckets: {why}"))
}

fn check_custom_bounds(bounds: &[f64], spans: &[Span], buckets: usize) -> Result<(), String> {
    let mut previous = f64::NEG_INFINITY;
    for (i, &bound) in bounds.iter().enumerate() {
        if bound.is_nan() {
            return Err("histogram custom bounds must not be NaN".to_owned());
        }
        if i > 0 && bound <= previous {
            return Err(format!(
                "previous bound is {} and current is {}: histogram custom bounds must be in strictly increasing order",
                go_f(previous),
                go_f(bound)
            ));
        }
        previous = bound;
    }
    if previous == f64::INFINITY {
        return Err("last +Inf bound must not be explicitly defined: histogram custom bounds must be finite".to_owned());
    }
    if let Some((i, span)) = spans.iter().enumerate().find(|(_, span)| span.offset < 0) {
        return Err(negative_offset(i, span.offset));
    }
    check_bucket_number(spans, buckets)?;
    let covered: u64 = spans.iter().map(|span| u64::from(span.length) + u64::from(span.offset.unsigned_abs())).sum();
    if (bounds.len() as u64 + 1) < covered {
        return Err(format!(
            "only {} custom bounds defined which is insufficient to cover total span length of {covered}: \
             histogram custom bounds are too few",
            bounds.len()
        ));
    }
    Ok(())
}

/// `negative` are the numbers of negative spans and buckets.
fn check_custom_rest(zero_count_is_0: bool, zero_threshold: f64, negative: (usize, usize)) -> Result<(), String> {
    let why = if !zero_count_is_0 {
        "must have zero count of 0"
    } else if zero_threshold != 0.0 {
        "must have zero threshold of 0"
    } else if negative.0 > 0 {
        "must not have negative spans"
    } else if negative.1 > 0 {
        "must not have negative buckets"
    } else {
        return Ok(());
    };
    Err(format!("custom buckets: {why}"))
}

/// Go's `%f`.
fn go_f(v: f64) -> String {
    if v.is_infinite() { neocortex_model::float::format_sample(v) } else { format!("{v:.6}") }
}

/// Go's `%v` of a float.
fn go_v(v: f64) -> String {
    if v.is_infinite() || (v != 0.0 && !(1e-4..1e21).contains(&v.abs())) {
        crate::number::go_exponent(v)
    } else {
        v.to_string()
    }
}

fn halve_integer(h: &mut Histogram) {
    for (spans, deltas) in
        [(&mut h.positive_spans, &mut h.positive_buckets), (&mut h.negative_spans, &mut h.negative_buckets)]
    {
        let mut count = 0i64;
        let counts = deltas.iter().map(|delta| {
            count = count.wrapping_add(*delta);
            count
        });
        let (new_spans, merged) = halve(spans, counts, i64::wrapping_add);
        let mut last = 0i64;
        *deltas = merged
            .into_iter()
            .map(|count| {
                let delta = count.wrapping_sub(last);
                last = count;
                delta
            })
            .collect();
        *spans = new_spans;
    }
    h.schema -= 1;
}

fn halve_float(h: &mut FloatHistogram) {
    for (spans, buckets) in
        [(&mut h.positive_spans, &mut h.positive_buckets), (&mut h.negative_spans, &mut h.negative_buckets)]
    {
        let (new_spans, merged) = halve(spans, buckets.iter().copied(), |a, b| a + b);
        *buckets = merged;
        *spans = new_spans;
    }
    h.schema -= 1;
}

/// Merges buckets `2n - 1` and `2n` into bucket `n` of the next coarser schema.
fn halve<T: Copy>(spans: &[Span], counts: impl Iterator<Item = T>, add: fn(T, T) -> T) -> (Vec<Span>, Vec<T>) {
    let mut indexes = spans.iter().scan(0i64, |next, span| {
        let start = *next + i64::from(span.offset);
        *next = start + i64::from(span.length);
        Some(start..*next)
    });
    let (mut new_spans, mut merged): (Vec<Span>, Vec<T>) = (Vec::new(), Vec::new());
    let mut last = None;
    let mut current = 0..0;
    for count in counts {
        while current.is_empty() {
            let Some(next) = indexes.next() else { return (new_spans, merged) };
            current = next;
        }
        let index = ((current.start - 1) >> 1) + 1;
        current.start += 1;
        match (last, new_spans.last_mut(), merged.last_mut()) {
            (Some(last), _, Some(bucket)) if last == index => *bucket = add(*bucket, count),
            (Some(last), Some(span), _) if last + 1 == index => {
                span.length += 1;
                merged.push(count);
            }
            _ => {
                let offset = index - last.map_or(0, |last: i64| last + 1);
                new_spans.push(Span { offset: offset as i32, length: 1 });
                merged.push(count);
            }
        }
        last = Some(index);
    }
    (new_spans, merged)
}
