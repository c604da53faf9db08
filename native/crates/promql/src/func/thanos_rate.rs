//! `xrate`, `xincrease` and `xdelta` of the Thanos engine, which Cortex offers: the last sample before the window counts
//! as its beginning, and nothing is extrapolated.
//!
//! Source: `ringbuffer/functions.go` of thanos-io/promql-engine.

use std::sync::Arc;

use neocortex_model::histogram::{CounterReset, FloatHistogram};
use neocortex_model::result::Value;

use super::rate::{self, Kind, histogram_increase};
use super::{Params, Window};
use crate::eval::annotate::Note;

/// How far before the window the sample before it may lie, in milliseconds.
pub const LOOKBACK_MS: i64 = 60 * 60 * 1000;

/// True for the functions that want the sample before the window.
pub fn wants_sample_before(function: &str) -> bool {
    matches!(function, "xdelta" | "xincrease" | "xrate")
}

/// `xrate`
pub(super) fn xrate(window: &Window<'_>, params: &Params<'_>) -> Option<Value> {
    change(window, params, rate::RATE)
}

/// `xincrease`
pub(super) fn xincrease(window: &Window<'_>, params: &Params<'_>) -> Option<Value> {
    change(window, params, rate::INCREASE)
}

/// `xdelta`
pub(super) fn xdelta(window: &Window<'_>, params: &Params<'_>) -> Option<Value> {
    change(window, params, rate::DELTA)
}

/// The window with the last sample before it, if that is not too old.
fn with_sample_before<'a>(window: &Window<'a>) -> Window<'a> {
    match window.from.checked_sub(1) {
        Some(before) if window.time(before) > window.start_ms - LOOKBACK_MS => window.narrowed(before, window.to),
        _ => *window,
    }
}

fn change(window: &Window<'_>, params: &Params<'_>, kind: Kind) -> Option<Value> {
    let window = &with_sample_before(window);
    if window.len() == 0 {
        return None;
    }
    let increase = kind == rate::INCREASE;
    // A new counter is taken to have begun at zero: for the length of a window after its first sample, a window with a
    // single value is all increase.
    let appeared = window.samples.t[0];
    let is_new = increase && window.end_ms <= appeared + (window.end_ms - window.start_ms);
    if window.has_histograms() {
        return histogram_change(window, params, kind, is_new);
    }
    let (t, v) = (&window.samples.t[window.from..window.to], &window.samples.v[window.from..window.to]);
    if is_new && v.iter().all(|value| *value == v[0]) {
        return Some(Value::Float(v[0]));
    }
    let Some(shape) = Shape::of(window, t, increase) else { return Some(Value::Float(0.0)) };
    let v = &v[shape.first..];
    let mut result = v[v.len() - 1] - v[0];
    if kind.counter {
        result += rate::resets(v);
    }
    // Whole seconds, as the original computes.
    let range_s = ((window.end_ms - window.start_ms) / 1000) as f64;
    if shape.covers_window {
        result *= range_s / (shape.sampled_ms / 1000.0);
    }
    Some(Value::Float(if kind.per_second { result / range_s } else { result }))
}

/// Which samples count, and how they lie in the window.
struct Shape {
    /// The first sample that counts.
    first: usize,
    sampled_ms: f64,
    /// The samples reach from before the window to its end: the change is adjusted to the window's length.
    covers_window: bool,
}

impl Shape {
    /// `None` when the sample before the window is too far from it and too few are left.
    fn of(window: &Window<'_>, t: &[i64], increase: bool) -> Option<Self> {
        let last = t.len() - 1;
        let distance = |first: usize| (t[last] - t[first]) as f64 / (last - first) as f64;
        let mut first = 0;
        if !increase && (window.start_ms - t[0]) as f64 > distance(0) {
            if t.len() < 3 {
                return None;
            }
            first = 1;
        }
        let to_end = (window.end_ms - t[last]) as f64;
        let covers_window = !increase && t[first] <= window.start_ms && to_end < distance(first);
        Some(Self { first, sampled_ms: (t[last] - t[first]) as f64, covers_window })
    }
}

fn histogram_change(window: &Window<'_>, params: &Params<'_>, kind: Kind, is_new: bool) -> Option<Value> {
    let points = window.histograms();
    if points.len() < window.len() {
        params.notes.add(Note::MixedFloatsHistograms { metric: window.metric }, params.at());
        return None;
    }
    if is_new && points.iter().all(|(_, h)| h.same_data(points[0].1)) {
        if points.iter().any(|(_, h)| h.counter_reset == CounterReset::Gauge) {
            params.notes.add(Note::NativeHistogramNotCounter { metric: window.metric }, params.at());
        }
        let mut first = FloatHistogram::clone(points[0].1);
        first.counter_reset = CounterReset::Gauge;
        first.compact();
        return Some(Value::Histogram(Arc::new(first)));
    }
    if points.len() < 2 {
        return None;
    }
    let t: Vec<i64> = points.iter().map(|(t, _)| *t).collect();
    let shape = Shape::of(window, &t, kind == rate::INCREASE)?;
    let mut result = histogram_increase(window, params, kind.counter, &points[shape.first..], |_| false)?;
    let mut factor = 1.0;
    if shape.covers_window {
        factor = (window.end_ms - window.start_ms) as f64 / shape.sampled_ms;
    }
    if kind.per_second {
        factor /= window.range_s();
    }
    result.mul(factor);
    Some(Value::Histogram(Arc::new(result)))
}

#[cfg(test)]
mod tests {
    use neocortex_model::sample::Samples;

    use super::*;
    use crate::eval::annotate::Notes;

    /// Samples every 10 s from 0 on; the window is (20 s, 40 s].
    fn apply(f: fn(&Window<'_>, &Params<'_>) -> Option<Value>, values: &[f64]) -> Option<Value> {
        let mut samples = Samples::default();
        values.iter().zip(0..).for_each(|(v, i)| samples.push_float(i * 10_000, *v));
        let from = samples.t.partition_point(|t| *t <= 20_000);
        let to = samples.t.partition_point(|t| *t <= 40_000);
        let window =
            Window { samples: &samples, from, to, start_ms: 20_000, end_ms: 40_000, step_ms: 40_000, metric: "m" };
        f(&window, &Params { scalars: &[], args: &[], notes: &Notes::new() })
    }

    #[test]
    fn the_sample_before_the_window_counts() {
        assert_eq!(apply(xincrease, &[0.0, 1.0, 5.0, 6.0, 8.0]), Some(Value::Float(3.0)));
        assert_eq!(apply(xdelta, &[0.0, 1.0, 5.0, 6.0, 2.0]), Some(Value::Float(-3.0)));
        assert_eq!(apply(xrate, &[0.0, 1.0, 5.0, 6.0, 9.0]), Some(Value::Float(0.2)));
        assert_eq!(apply(xincrease, &[0.0, 1.0, 5.0, 1.0, 2.0]), Some(Value::Float(2.0)));
    }
}
