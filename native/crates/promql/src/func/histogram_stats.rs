//! Functions of single native histograms. Floats are left out.

use neocortex_model::histogram::FloatHistogram;
use neocortex_model::kahan::KahanSum;

use super::{Argument, Call};
use crate::eval::column::{Column, absent};
use crate::eval::error::EvalError;

fn map(call: &Call<'_>, args: Vec<Argument>, f: impl Fn(&FloatHistogram) -> f64) -> Result<Vec<Column>, EvalError> {
    let mut results = Vec::new();
    for mut column in args.into_iter().next().map(Argument::into_vector).unwrap_or_default() {
        let histograms = std::mem::take(&mut column.histograms);
        if histograms.iter().all(Option::is_none) {
            continue;
        }
        for (v, h) in column.floats.iter_mut().zip(&histograms) {
            *v = h.as_deref().map_or_else(absent, &f);
        }
        call.drop_name(&mut column);
        results.push(column);
    }
    Ok(results)
}

/// `histogram_count`
pub(super) fn count(call: &Call<'_>, args: Vec<Argument>) -> Result<Vec<Column>, EvalError> {
    map(call, args, |h| h.count)
}

/// `histogram_sum`
pub(super) fn sum(call: &Call<'_>, args: Vec<Argument>) -> Result<Vec<Column>, EvalError> {
    map(call, args, |h| h.sum)
}

/// `histogram_avg`
pub(super) fn average(call: &Call<'_>, args: Vec<Argument>) -> Result<Vec<Column>, EvalError> {
    map(call, args, |h| h.sum / h.count)
}

/// `histogram_stdvar`
pub(super) fn variance(call: &Call<'_>, args: Vec<Argument>) -> Result<Vec<Column>, EvalError> {
    map(call, args, variance_of)
}

/// `histogram_stddev`
pub(super) fn standard_deviation(call: &Call<'_>, args: Vec<Argument>) -> Result<Vec<Column>, EvalError> {
    map(call, args, |h| variance_of(h).sqrt())
}

/// The variance, had all observations of a bucket its middle as their value: the arithmetic one in custom buckets, the
/// geometric one in exponential buckets, zero in the zero bucket.
fn variance_of(h: &FloatHistogram) -> f64 {
    let mean = h.sum / h.count;
    let mut sum = KahanSum::default();
    for bucket in h.ascending().iter().filter(|bucket| bucket.count != 0.0) {
        let middle = if h.uses_custom_buckets() {
            (bucket.upper + bucket.lower) / 2.0
        } else if bucket.lower <= 0.0 && bucket.upper >= 0.0 {
            0.0
        } else {
            (bucket.upper * bucket.lower).sqrt() * if bucket.upper < 0.0 { -1.0 } else { 1.0 }
        };
        let distance = middle - mean;
        sum.add(bucket.count * distance * distance);
    }
    (sum.sum + sum.compensation) / h.count
}
