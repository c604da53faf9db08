//! `…_over_time`: aggregations of one series over a window.

use std::sync::Arc;

use neocortex_model::kahan::{self, KahanSum};
use neocortex_model::result::Value;

use super::quantile::quantile;
use super::window::{Floats, Sample};
use super::{Params, Window, over_time_histogram};
use crate::eval::annotate::Note;

/// The floats when there are any; notes that histograms beside them are ignored.
fn only_floats<'a>(window: &Window<'a>, params: &Params<'_>) -> Option<Floats<'a>> {
    let floats = window.floats();
    if floats.is_empty() {
        return None;
    }
    if floats.len() < window.len() {
        params.notes.add(Note::HistogramIgnoredInMixedRange { metric: window.metric }, params.at());
    }
    Some(floats)
}

/// What a window holds.
enum Contents<'a> {
    Floats(Floats<'a>),
    Histograms,
}

/// Floats or histograms; a mix has no value, with a note.
fn one_kind<'a>(window: &Window<'a>, params: &Params<'_>) -> Option<Contents<'a>> {
    if !window.has_histograms() {
        return (window.len() > 0).then(|| Contents::Floats(window.floats()));
    }
    if window.floats().is_empty() {
        return Some(Contents::Histograms);
    }
    params.notes.add(Note::MixedFloatsHistograms { metric: window.metric }, params.at());
    None
}

fn value_of(sample: Sample<'_>) -> Value {
    match sample {
        Sample::Float(v) => Value::Float(v),
        Sample::Histogram(h) => Value::Histogram(Arc::clone(h)),
    }
}

/// `first_over_time`
pub(super) fn first(window: &Window<'_>, _: &Params<'_>) -> Option<Value> {
    (window.len() > 0).then(|| value_of(window.sample(window.from)))
}

/// `last_over_time`
pub(super) fn last(window: &Window<'_>, _: &Params<'_>) -> Option<Value> {
    (window.len() > 0).then(|| value_of(window.sample(window.to - 1)))
}

/// `ts_of_first_over_time`
pub(super) fn time_of_first(window: &Window<'_>, _: &Params<'_>) -> Option<Value> {
    (window.len() > 0).then(|| Value::Float(window.time(window.from) as f64 / 1000.0))
}

/// `ts_of_last_over_time`
pub(super) fn time_of_last(window: &Window<'_>, _: &Params<'_>) -> Option<Value> {
    (window.len() > 0).then(|| Value::Float(window.time(window.to - 1) as f64 / 1000.0))
}

/// `count_over_time`
pub(super) fn count(window: &Window<'_>, _: &Params<'_>) -> Option<Value> {
    (window.len() > 0).then(|| Value::Float(window.len() as f64))
}

/// `present_over_time`
pub(super) fn present(window: &Window<'_>, _: &Params<'_>) -> Option<Value> {
    (window.len() > 0).then_some(Value::Float(1.0))
}

/// `sum_over_time`
pub(super) fn sum(window: &Window<'_>, params: &Params<'_>) -> Option<Value> {
    match one_kind(window, params)? {
        Contents::Histograms => over_time_histogram::sum(window, params),
        Contents::Floats(floats) => Some(Value::Float(sum_of(&floats.v))),
    }
}

/// The compensated sum.
pub(super) fn sum_of(values: &[f64]) -> f64 {
    let mut sum = KahanSum::default();
    values.iter().for_each(|v| sum.add(*v));
    sum.value()
}

/// `avg_over_time`
pub(super) fn average(window: &Window<'_>, params: &Params<'_>) -> Option<Value> {
    match one_kind(window, params)? {
        Contents::Histograms => over_time_histogram::average(window, params),
        Contents::Floats(floats) => Some(Value::Float(mean_of(&floats.v))),
    }
}

/// The mean: the sum divided by the count, or, once the sum overflows, incremental means.
pub(super) fn mean_of(values: &[f64]) -> f64 {
    let (mut sum, mut lost) = (values[0], 0.0);
    for (i, v) in values.iter().enumerate().skip(1) {
        let (next, next_lost) = kahan::add(*v, sum, lost);
        if next.is_infinite() {
            let n = i as f64;
            return incremental_mean(sum / n, lost / n, &values[i..], i);
        }
        (sum, lost) = (next, next_lost);
    }
    let n = values.len() as f64;
    sum / n + lost / n
}

/// Goes on with the mean of `seen` values.
fn incremental_mean(mut mean: f64, mut lost: f64, rest: &[f64], seen: usize) -> f64 {
    for (v, n) in rest.iter().zip(seen + 1..) {
        let n = n as f64;
        let keep = (n - 1.0) / n;
        (mean, lost) = kahan::add(v / n, keep * mean, keep * lost);
    }
    mean + lost
}

/// Index of the value that wins against all before it.
fn best(values: &[f64], wins: impl Fn(f64, f64) -> bool) -> usize {
    let mut best = 0;
    for (i, v) in values.iter().enumerate() {
        if wins(*v, values[best]) || values[best].is_nan() {
            best = i;
        }
    }
    best
}

/// `max_over_time`
pub(super) fn maximum(window: &Window<'_>, params: &Params<'_>) -> Option<Value> {
    let floats = only_floats(window, params)?;
    Some(Value::Float(floats.v[best(&floats.v, |v, max| v > max)]))
}

/// `min_over_time`
pub(super) fn minimum(window: &Window<'_>, params: &Params<'_>) -> Option<Value> {
    let floats = only_floats(window, params)?;
    Some(Value::Float(floats.v[best(&floats.v, |v, min| v < min)]))
}

/// `ts_of_max_over_time`: the last time, should the maximum repeat.
pub(super) fn time_of_maximum(window: &Window<'_>, params: &Params<'_>) -> Option<Value> {
    let floats = only_floats(window, params)?;
    Some(Value::Float(floats.t[best(&floats.v, |v, max| v >= max)] as f64 / 1000.0))
}

/// `ts_of_min_over_time`: the last time, should the minimum repeat.
pub(super) fn time_of_minimum(window: &Window<'_>, params: &Params<'_>) -> Option<Value> {
    let floats = only_floats(window, params)?;
    Some(Value::Float(floats.t[best(&floats.v, |v, min| v <= min)] as f64 / 1000.0))
}

/// `quantile_over_time`
pub(super) fn quantile_of(window: &Window<'_>, params: &Params<'_>) -> Option<Value> {
    let floats = window.floats();
    if floats.is_empty() {
        return None;
    }
    let phi = params.scalar(0);
    if !(0.0..=1.0).contains(&phi) {
        params.notes.add(Note::InvalidQuantile(phi), params.at());
    }
    let floats = only_floats(window, params)?;
    Some(Value::Float(quantile(phi, &mut floats.v.into_owned())))
}

/// `mad_over_time`: the median of the distances to the median; NaN as soon as a sample is.
pub(super) fn median_absolute_deviation(window: &Window<'_>, params: &Params<'_>) -> Option<Value> {
    let mut values = only_floats(window, params)?.v.into_owned();
    if values.iter().any(|v| v.is_nan()) {
        return Some(Value::Float(f64::NAN));
    }
    let median = quantile(0.5, &mut values);
    values.iter_mut().for_each(|v| *v = (*v - median).abs());
    Some(Value::Float(quantile(0.5, &mut values)))
}

/// Welford's algorithm with compensated sums.
pub(super) fn variance_of(values: &[f64]) -> f64 {
    let (mut mean, mut squares) = (KahanSum::default(), KahanSum::default());
    for (v, n) in values.iter().zip(1_u64..) {
        let distance = v - (mean.sum + mean.compensation);
        mean.add(distance / n as f64);
        squares.add(distance * (v - (mean.sum + mean.compensation)));
    }
    (squares.sum + squares.compensation) / values.len() as f64
}

/// `stdvar_over_time`
pub(super) fn variance(window: &Window<'_>, params: &Params<'_>) -> Option<Value> {
    Some(Value::Float(variance_of(&only_floats(window, params)?.v)))
}

/// `stddev_over_time`
pub(super) fn standard_deviation(window: &Window<'_>, params: &Params<'_>) -> Option<Value> {
    Some(Value::Float(variance_of(&only_floats(window, params)?.v).sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_do_not_overflow() {
        assert_eq!(mean_of(&[1.0, 2.0, 6.0]), 3.0);
        assert!((mean_of(&[f64::MAX, f64::MAX, f64::MAX]) / f64::MAX - 1.0).abs() < 1e-15);
        assert_eq!(mean_of(&[1.0, 1e100, 1.0, -1e100]), 0.5);
        assert_eq!(mean_of(&[1.0, f64::INFINITY]), f64::INFINITY);
    }

    #[test]
    fn the_last_of_equal_extremes_counts() {
        assert_eq!(best(&[f64::NAN, 3.0, 1.0, 3.0], |v, max| v >= max), 3);
        assert_eq!(best(&[f64::NAN, 3.0, 1.0, 3.0], |v, max| v > max), 1);
    }

    #[test]
    fn variance() {
        assert_eq!(variance_of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]), 4.0);
    }
}
