//! `histogram_quantile`, `histogram_quantiles` and `histogram_fraction`.
//!
//! Within custom buckets and the zero bucket observations are taken to be spread evenly, within exponential buckets
//! evenly on a logarithmic scale.

use neocortex_model::float::go_g;
use neocortex_model::go_math::{exp2, log2};
use neocortex_model::histogram::{Bucket, FloatHistogram};
use neocortex_model::labels::LabelsBuilder;

use super::classic_histogram::{self, ClassicBucket};
use super::histogram_input::{Evaluate, Histograms};
use super::{Argument, Call};
use crate::eval::annotate::Note;
use crate::eval::column::Column;
use crate::eval::error::EvalError;
use crate::parse::ast::Span;

/// The most result slots of `histogram_quantiles`, whose labels may differ at every step.
const MAX_SLOTS: usize = 50_000_000;

/// What NaN observations, which are in no bucket, did to a quantile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NanObservations {
    None,
    /// The quantile lies among them.
    Result,
    /// They count as larger than everything.
    Skew,
}

/// True when the bucket is the zero bucket or touches zero.
fn holds_zero(bucket: &Bucket) -> bool {
    bucket.lower <= 0.0 && bucket.upper >= 0.0
}

/// Lets the zero bucket end at zero on a side where the histogram has no buckets.
fn cut_at_zero(bucket: &mut Bucket, h: &FloatHistogram) {
    match (h.negative_buckets.is_empty(), h.positive_buckets.is_empty()) {
        (true, false) => bucket.lower = 0.0,
        (false, true) => bucket.upper = 0.0,
        _ => {}
    }
}

/// The φ-quantile of a native histogram.
fn native_quantile(phi: f64, h: &FloatHistogram) -> (f64, NanObservations) {
    use NanObservations::{None, Result, Skew};

    if phi < 0.0 {
        return (f64::NEG_INFINITY, None);
    }
    if phi > 1.0 {
        return (f64::INFINITY, None);
    }
    if h.count == 0.0 || phi.is_nan() {
        return (f64::NAN, None);
    }
    // From the nearer end, so that less rounding adds up; NaN observations are only behind the upper end.
    let forward = h.sum.is_nan() || phi < 0.5;
    let mut buckets = h.ascending();
    let mut rank = if forward { phi * h.count } else { (1.0 - phi) * h.count };
    if !forward {
        buckets.reverse();
    }
    let mut count = 0.0;
    let mut bucket =
        Bucket { lower: 0.0, upper: 0.0, lower_inclusive: false, upper_inclusive: false, count: 0.0, index: 0 };
    let mut behind = buckets.iter();
    for b in behind.by_ref() {
        bucket = *b;
        count += b.count;
        if b.count != 0.0 && count >= rank {
            break;
        }
    }
    if !h.uses_custom_buckets() && bucket.lower < 0.0 && bucket.upper > 0.0 {
        cut_at_zero(&mut bucket, h);
    } else if h.uses_custom_buckets() {
        if bucket.lower == f64::NEG_INFINITY {
            if bucket.upper <= 0.0 {
                return (bucket.upper, None);
            }
            bucket.lower = 0.0;
        } else if bucket.upper == f64::INFINITY {
            return (bucket.lower, None);
        }
    }
    count = if count > h.count { h.count } else { count };
    if count < rank {
        return if h.sum.is_nan() { (f64::NAN, Result) } else { (bucket.upper, None) };
    }
    rank = if forward { rank - (count - bucket.count) } else { count - rank };
    let mut nan = None;
    let found = bucket;
    if h.sum.is_nan() && count + behind.map(|b| b.count).sum::<f64>() < h.count {
        nan = Skew;
    }
    let fraction = rank / found.count;
    if h.uses_custom_buckets() || holds_zero(&found) {
        return (found.lower + (found.upper - found.lower) * fraction, nan);
    }
    let (lower, upper) = (log2(found.lower.abs()), log2(found.upper.abs()));
    let value = if found.lower > 0.0 {
        exp2(lower + (upper - lower) * fraction)
    } else {
        -exp2(upper + (lower - upper) * (1.0 - fraction))
    };
    (value, nan)
}

/// The fraction of a native histogram's observations between two values, and whether NaN observations are missing.
fn native_fraction(lower: f64, upper: f64, h: &FloatHistogram) -> (f64, bool) {
    if h.count == 0.0 || lower.is_nan() || upper.is_nan() {
        return (f64::NAN, false);
    }
    if lower >= upper {
        return (0.0, false);
    }
    let buckets = h.ascending();
    let (mut rank, mut lower_rank, mut upper_rank) = (0.0, None, None);
    for bucket in &buckets {
        let mut b = *bucket;
        let zero = holds_zero(&b);
        if zero {
            cut_at_zero(&mut b, h);
        }
        let linear = h.uses_custom_buckets() || zero;
        let at = |v: f64| {
            if b.lower >= v {
                Some(rank)
            } else if b.upper <= v {
                None
            } else if linear && b.lower == f64::NEG_INFINITY {
                // Nothing is known of where observations lie in an endless bucket.
                Some(b.count)
            } else {
                Some(rank + b.count * b.fraction_below(v, linear))
            }
        };
        lower_rank = lower_rank.or_else(|| at(lower));
        upper_rank = upper_rank.or_else(|| at(upper));
        if lower_rank.is_some() && upper_rank.is_some() {
            break;
        }
        rank += b.count;
    }
    let (mut count, mut nan) = (h.count, false);
    if h.sum.is_nan() {
        count = buckets.iter().map(|b| b.count).sum();
        nan = count < h.count;
    }
    let within = |rank: Option<f64>| rank.map_or(count, |rank| if rank > count { count } else { rank });
    ((within(upper_rank) - within(lower_rank)) / h.count, nan)
}

/// A quantile of each histogram.
struct Quantile<'a, F> {
    call: &'a Call<'a>,
    /// φ at a step.
    phi: F,
    /// Where notes about native and about classic histograms point.
    native_at: Span,
    classic_at: Span,
}

impl<F: Fn(usize) -> f64> Evaluate for Quantile<'_, F> {
    fn native(&self, step: usize, h: &FloatHistogram, metric: &str) -> f64 {
        let (value, nan) = native_quantile((self.phi)(step), h);
        match nan {
            NanObservations::None => {}
            NanObservations::Result => self.call.notes.add(Note::QuantileNanResult { metric }, self.native_at),
            NanObservations::Skew => self.call.notes.add(Note::QuantileNanSkew { metric }, self.native_at),
        }
        value
    }

    fn classic(&self, step: usize, buckets: &mut Vec<ClassicBucket>, metric: &str) -> f64 {
        let quantile = classic_histogram::quantile((self.phi)(step), buckets);
        if quantile.forced_monotonic {
            self.call.notes.add(Note::ForcedMonotonicity { metric }, self.classic_at);
        }
        quantile.value
    }
}

/// Notes quantiles outside of [0, 1].
fn check_quantiles(call: &Call<'_>, arg: usize, phi: &Argument) {
    for step in 0..call.steps.len() {
        let phi = phi.scalar(step);
        if !(0.0..=1.0).contains(&phi) {
            call.notes.add(Note::InvalidQuantile(phi), call.at(arg));
        }
    }
}

/// `histogram_quantile(φ, v)`
pub(super) fn histogram_quantile(call: &Call<'_>, args: Vec<Argument>) -> Result<Vec<Column>, EvalError> {
    let mut args = args.into_iter();
    let (Some(phi), Some(vector)) = (args.next(), args.next()) else { return Ok(Vec::new()) };
    check_quantiles(call, 0, &phi);
    let histograms = Histograms::gather(call, 1, vector.into_vector());
    let quantile = Quantile { call, phi: |step| phi.scalar(step), native_at: call.nan_at(1), classic_at: call.at(1) };
    Ok(histograms.evaluate(call, 1, |_| true, &quantile))
}

/// `histogram_quantiles(v, "label", φ…)`: all quantiles at once, told apart by a label.
pub(super) fn histogram_quantiles(call: &Call<'_>, args: Vec<Argument>) -> Result<Vec<Column>, EvalError> {
    let mut args = args.into_iter();
    let (Some(vector), Some(label)) = (args.next(), args.next()) else { return Ok(Vec::new()) };
    let label = label.into_string();
    let phis: Vec<Argument> = args.collect();
    phis.iter().zip(2..).for_each(|(phi, arg)| check_quantiles(call, arg, phi));
    let histograms = Histograms::gather(call, 0, vector.into_vector());
    let mut results = Vec::new();
    for phi in &phis {
        let mut distinct: Vec<u64> = (0..call.steps.len()).map(|step| phi.scalar(step).to_bits()).collect();
        distinct.sort_unstable();
        distinct.dedup();
        for bits in distinct {
            if (results.len() + histograms.len()).saturating_mul(call.steps.len()) > MAX_SLOTS {
                return Err(EvalError::TooManySamples);
            }
            let value = f64::from_bits(bits);
            let quantile = Quantile { call, phi: |_| value, native_at: call.at(0), classic_at: call.at(0) };
            let wanted = |step| phi.scalar(step).to_bits() == bits;
            for mut column in histograms.evaluate(call, 0, wanted, &quantile) {
                let mut labels = LabelsBuilder::from_labels(&column.labels);
                labels.set(&label, &open_metrics_float(value));
                column.labels = labels.finish();
                results.push(column);
            }
        }
    }
    Ok(results)
}

/// A float as in the text format OpenMetrics: always with a point or an exponent.
fn open_metrics_float(v: f64) -> String {
    let text = go_g(v);
    if !v.is_finite() || text.contains(['.', 'e']) { text } else { text + ".0" }
}

/// A fraction of each histogram.
struct Fraction<'a> {
    call: &'a Call<'a>,
    lower: Argument,
    upper: Argument,
}

impl Evaluate for Fraction<'_> {
    fn native(&self, step: usize, h: &FloatHistogram, metric: &str) -> f64 {
        let (value, nan) = native_fraction(self.lower.scalar(step), self.upper.scalar(step), h);
        if nan {
            self.call.notes.add(Note::FractionNans { metric }, self.call.nan_at(2));
        }
        value
    }

    fn classic(&self, step: usize, buckets: &mut Vec<ClassicBucket>, _: &str) -> f64 {
        classic_histogram::fraction(self.lower.scalar(step), self.upper.scalar(step), buckets)
    }
}

/// `histogram_fraction(lower, upper, v)`
pub(super) fn histogram_fraction(call: &Call<'_>, args: Vec<Argument>) -> Result<Vec<Column>, EvalError> {
    let mut args = args.into_iter();
    let (Some(lower), Some(upper), Some(vector)) = (args.next(), args.next(), args.next()) else {
        return Ok(Vec::new());
    };
    let histograms = Histograms::gather(call, 2, vector.into_vector());
    Ok(histograms.evaluate(call, 2, |_| true, &Fraction { call, lower, upper }))
}

#[cfg(test)]
mod tests {
    use neocortex_model::histogram::{CUSTOM_BUCKETS_SCHEMA, Span as Spans};

    use super::*;

    fn exponential() -> FloatHistogram {
        FloatHistogram {
            count: 12.0,
            sum: 100.0,
            zero_count: 2.0,
            zero_threshold: 0.001,
            positive_spans: vec![Spans { offset: 0, length: 2 }, Spans { offset: 1, length: 2 }],
            positive_buckets: vec![2.0, 3.0, 1.0, 4.0],
            ..Default::default()
        }
    }

    #[test]
    fn quantile_of_exponential_buckets() {
        let of = |phi| native_quantile(phi, &exponential()).0;
        assert_eq!(of(1.0), 16.0);
        assert!((of(0.5) - 2f64.powf(2.0 / 3.0)).abs() < 1e-12);
        assert!((of(0.1) - 0.0006).abs() < 1e-12);
        assert!(of(f64::NAN).is_nan());
    }

    #[test]
    fn fraction_is_the_inverse_of_the_quantile() {
        for phi in [0.05, 0.2, 0.5, 0.7, 0.95] {
            let value = native_quantile(phi, &exponential()).0;
            let back = native_fraction(f64::NEG_INFINITY, value, &exponential()).0;
            assert!((back - phi).abs() < 1e-12, "{phi}: {back}");
        }
    }

    #[test]
    fn nan_observations_are_beyond_all_buckets() {
        let h = FloatHistogram { count: 24.0, sum: f64::NAN, ..exponential() };
        let (value, nan) = native_quantile(0.9, &h);
        assert!(value.is_nan());
        assert_eq!(nan, NanObservations::Result);
        assert_eq!(native_quantile(0.5, &h), (16.0, NanObservations::Skew));
        assert_eq!(native_fraction(f64::NEG_INFINITY, f64::INFINITY, &h), (0.5, true));
    }

    #[test]
    fn custom_buckets_are_linear() {
        let h = FloatHistogram {
            schema: CUSTOM_BUCKETS_SCHEMA,
            count: 10.0,
            custom_values: vec![5.0, 10.0],
            positive_spans: vec![Spans { offset: 0, length: 3 }],
            positive_buckets: vec![4.0, 4.0, 2.0],
            ..Default::default()
        };
        assert_eq!(native_quantile(0.2, &h).0, 2.5);
        assert_eq!(native_quantile(0.6, &h).0, 7.5);
        assert_eq!(native_quantile(0.95, &h).0, 10.0);
    }

    #[test]
    fn quantile_labels() {
        assert_eq!([0.5, 1.0, 1e-7, f64::INFINITY].map(open_metrics_float), ["0.5", "1.0", "1e-07", "+Inf"]);
    }
}
