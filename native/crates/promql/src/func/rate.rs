//! `rate`, `increase` and `delta`: the change over a window, extrapolated to its ends.

use std::sync::Arc;

use neocortex_model::histogram::{CounterReset, FloatHistogram};
use neocortex_model::result::Value;

use super::window::HistogramPoint;
use super::{Params, Window, extended_rate};
use crate::eval::annotate::{HistogramOperation, Note};

/// Which function of the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    /// Resets are corrected.
    pub(super) counter: bool,
    /// The result is per second.
    pub(super) per_second: bool,
}

pub(super) const RATE: Kind = Kind { counter: true, per_second: true };
pub(super) const INCREASE: Kind = Kind { counter: true, per_second: false };
pub(super) const DELTA: Kind = Kind { counter: false, per_second: false };

/// `rate`
pub(super) fn rate(window: &Window<'_>, params: &Params<'_>) -> Option<Value> {
    change(window, params, RATE)
}

/// `increase`
pub(super) fn increase(window: &Window<'_>, params: &Params<'_>) -> Option<Value> {
    change(window, params, INCREASE)
}

/// `delta`
pub(super) fn delta(window: &Window<'_>, params: &Params<'_>) -> Option<Value> {
    change(window, params, DELTA)
}

fn change(window: &Window<'_>, params: &Params<'_>, kind: Kind) -> Option<Value> {
    if let Some(extension) = extended_rate::extension(params.args) {
        return extended_rate::change(window, params, kind, extension);
    }
    if window.has_histograms() {
        let histograms = window.histograms();
        if histograms.len() < window.len() {
            params.notes.add(Note::MixedFloatsHistograms { metric: window.metric }, params.at());
            return None;
        }
        return histogram_change(window, params, kind, &histograms);
    }
    let (t, v) = (&window.samples.t[window.from..window.to], &window.samples.v[window.from..window.to]);
    if t.len() < 2 {
        return None;
    }
    let mut result = v[v.len() - 1] - v[0];
    if kind.counter {
        result += resets(v);
    }
    Some(Value::Float(result * extrapolation(window, kind, t[0], t[t.len() - 1], t.len(), v[0], result)))
}

/// What the resets of a counter took away.
pub(super) fn resets(v: &[f64]) -> f64 {
    let mut correction = 0.0;
    for pair in v.windows(2) {
        if pair[1] < pair[0] {
            correction += pair[0];
        }
    }
    correction
}

/// The factor by which a change between the first and the last sample grows when it is extrapolated to the ends of the
/// window: all the way when a sample could be expected there, else by half the average distance of samples; but never
/// to where a counter (`first`, which grew by `result`) would have been negative. Per second where asked for.
fn extrapolation(
    window: &Window<'_>,
    kind: Kind,
    first_ms: i64,
    last_ms: i64,
    samples: usize,
    first: f64,
    result: f64,
) -> f64 {
    let mut to_start = (first_ms - window.start_ms) as f64 / 1000.0;
    let mut to_end = (window.end_ms - last_ms) as f64 / 1000.0;
    let sampled = (last_ms - first_ms) as f64 / 1000.0;
    let average = sampled / (samples - 1) as f64;
    let threshold = average * 1.1;
    if to_start >= threshold {
        to_start = average / 2.0;
    }
    if kind.counter && result > 0.0 && first >= 0.0 {
        let to_zero = sampled * (first / result);
        if to_zero < to_start {
            to_start = to_zero;
        }
    }
    if to_end >= threshold {
        to_end = average / 2.0;
    }
    let factor = (sampled + to_start + to_end) / sampled;
    if kind.per_second { factor / window.range_s() } else { factor }
}

fn histogram_change(
    window: &Window<'_>,
    params: &Params<'_>,
    kind: Kind,
    points: &[HistogramPoint<'_>],
) -> Option<Value> {
    if points.len() < 2 {
        return None;
    }
    let mut result = histogram_increase(window, params, kind.counter, points)?;
    let (first, last) = (points[0], points[points.len() - 1]);
    let factor = extrapolation(window, kind, first.0, last.0, points.len(), first.1.count, result.count);
    result.mul(factor);
    Some(Value::Histogram(Arc::new(result)))
}

/// The difference between the last and the first histogram, resets added; `None` when they cannot be combined. At least
/// two points.
pub(super) fn histogram_increase(
    window: &Window<'_>,
    params: &Params<'_>,
    counter: bool,
    points: &[HistogramPoint<'_>],
) -> Option<FloatHistogram> {
    let is_gauge = |h: &FloatHistogram| h.counter_reset == CounterReset::Gauge;
    let note = |note| params.notes.add(note, params.at());
    let metric = window.metric;
    let mixed = || {
        params.notes.add(Note::MixedExponentialCustomHistograms { metric }, params.at());
        None
    };

    let (first, last) = (points[0].1, points[points.len() - 1].1);
    let between = &points[1..points.len() - 1];
    if counter && points.iter().any(|(_, h)| is_gauge(h)) {
        note(Note::NativeHistogramNotCounter { metric });
    }
    let mut previous: &FloatHistogram = first;
    // After a reset the first histogram does not matter, nor does the layout of its buckets.
    let second = points[1].1;
    let empty;
    if counter && second.detect_reset(first) {
        empty =
            FloatHistogram { schema: second.schema, custom_values: second.custom_values.clone(), ..Default::default() };
        previous = &empty;
    }
    let custom = previous.uses_custom_buckets();
    if last.uses_custom_buckets() != custom {
        return mixed();
    }
    let mut schema = last.schema.min(previous.schema);
    if counter {
        for (_, h) in between {
            if h.uses_custom_buckets() != custom {
                return mixed();
            }
            schema = schema.min(h.schema);
        }
    }
    let mut result = FloatHistogram::clone(last);
    result.reduce_resolution(schema);
    match result.sub(previous) {
        Err(_) => return mixed(),
        Ok(combined) if combined.bounds_reconciled => {
            note(Note::MismatchedCustomBuckets(HistogramOperation::Subtraction));
        }
        Ok(_) => {}
    }
    if counter {
        for (_, h) in &points[1..] {
            if h.detect_reset(previous) {
                match result.add(previous) {
                    Err(_) => return mixed(),
                    Ok(combined) if combined.bounds_reconciled => {
                        note(Note::MismatchedCustomBuckets(HistogramOperation::Addition));
                    }
                    Ok(_) => {}
                }
            }
            previous = h;
        }
    } else if !is_gauge(first) || !is_gauge(last) {
        note(Note::NativeHistogramNotGauge { metric });
    }
    result.counter_reset = CounterReset::Gauge;
    result.compact();
    Some(result)
}

#[cfg(test)]
mod tests {
    use neocortex_model::sample::Samples;

    use super::*;
    use crate::eval::annotate::Notes;

    fn samples(points: &[(i64, f64)]) -> Samples {
        let mut samples = Samples::default();
        points.iter().for_each(|(t, v)| samples.push_float(*t, *v));
        samples
    }

    fn apply(f: fn(&Window<'_>, &Params<'_>) -> Option<Value>, points: &[(i64, f64)], range_ms: i64) -> Option<f64> {
        let samples = samples(points);
        let window = Window {
            samples: &samples,
            from: 0,
            to: samples.len(),
            start_ms: 0,
            end_ms: range_ms,
            step_ms: range_ms,
            metric: "m",
        };
        match f(&window, &Params { scalars: &[], args: &[], notes: &Notes::new() }) {
            Some(Value::Float(v)) => Some(v),
            _ => None,
        }
    }

    #[test]
    fn extrapolates_to_both_ends() {
        let points = [(10_000, 10.0), (20_000, 20.0), (30_000, 30.0)];
        assert_eq!(apply(increase, &points, 40_000), Some(40.0));
        assert_eq!(apply(rate, &points, 40_000), Some(1.0));
    }

    #[test]
    fn does_not_extrapolate_below_zero() {
        // The line reaches zero 5 s before the first sample.
        let points = [(10_000, 5.0), (20_000, 15.0), (30_000, 25.0)];
        assert_eq!(apply(increase, &points, 30_000), Some(25.0));
        assert_eq!(apply(delta, &points, 30_000), Some(30.0));
    }

    #[test]
    fn adds_what_resets_took() {
        let points = [(10_000, 100.0), (20_000, 110.0), (30_000, 5.0)];
        assert_eq!(apply(increase, &points, 30_000), Some(15.0 * 1.5));
        assert_eq!(apply(increase, &points[..1], 30_000), None);
    }
}
