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
    let v = &window.samples.v[window.from..window.to];
    let begun = window.start_inside().filter(|_| kind.counter);
    if v.is_empty() || (v.len() == 1 && begun.is_none()) {
        return None;
    }
    let mut result = v[v.len() - 1] - v[0];
    if kind.counter {
        // One after the other: what is too large for the sum of the resets may fit into the result.
        for (i, pair) in v.windows(2).enumerate() {
            if pair[1] < pair[0] || window.started_anew(window.from + i + 1) {
                result += pair[0];
            }
        }
        window.note_overlaps(params);
    }
    if begun.is_some() {
        result += v[0];
    }
    Some(Value::Float(result * extrapolation(window, kind, begun, v[0], result)))
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

/// Where the samples of a window lie in it, in milliseconds, and how many they are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) to_start: i64,
    pub(super) to_end: i64,
    pub(super) sampled: i64,
    pub(super) samples: usize,
}

/// What extrapolation has to know of a window, in seconds.
#[derive(Clone, Copy)]
pub(super) struct Spans {
    to_start: f64,
    to_end: f64,
    sampled: f64,
    /// Average distance of the samples.
    average: f64,
    range: f64,
}

impl Stretch {
    fn of(window: &Window<'_>) -> Self {
        let (first, last) = (window.time(window.from), window.time(window.to - 1));
        Self {
            to_start: first - window.start_ms,
            to_end: window.end_ms - last,
            sampled: last - first,
            samples: window.len(),
        }
    }

    /// In a window of so many milliseconds.
    pub(super) fn spans(self, range_ms: i64) -> Spans {
        let seconds = |ms: i64| ms as f64 / 1000.0;
        let sampled = seconds(self.sampled);
        Spans {
            to_start: seconds(self.to_start),
            to_end: seconds(self.to_end),
            sampled,
            average: if self.samples > 1 { sampled / (self.samples - 1) as f64 } else { 0.0 },
            range: seconds(range_ms),
        }
    }
}

impl Spans {
    /// The factor by which a change between the first and the last sample grows when it is extrapolated to the ends of the
    /// window: all the way when a sample could be expected there, else by half the average distance of samples; but never
    /// to where a counter (`first`, which grew by `result`) would have been negative. When the counting is known to have
    /// begun inside of the window, the samples reach back by `begun` seconds to there and no further. Per second where asked
    /// for.
    pub(super) fn extrapolation(&self, kind: Kind, begun: Option<f64>, first: f64, result: f64) -> f64 {
        let Self { mut to_start, mut to_end, mut sampled, average, range } = *self;
        let threshold = average * 1.1;
        if let Some(begun) = begun {
            to_start = 0.0;
            sampled = begun;
        } else {
            if to_start >= threshold {
                to_start = average / 2.0;
            }
            if kind.counter && result > 0.0 && first >= 0.0 {
                let to_zero = sampled * (first / result);
                if to_zero < to_start {
                    to_start = to_zero;
                }
            }
        }
        if to_end >= threshold {
            to_end = average / 2.0;
        }
        let factor = if sampled == 0.0 { 1.0 } else { (sampled + to_start + to_end) / sampled };
        if kind.per_second { factor / range } else { factor }
    }
}

/// As [`Spans::extrapolation`], for one window; `begun` is a time in milliseconds.
fn extrapolation(window: &Window<'_>, kind: Kind, begun: Option<i64>, first: f64, result: f64) -> f64 {
    let begun = begun.map(|begun| (window.time(window.to - 1) - begun) as f64 / 1000.0);
    let range_ms = window.end_ms - window.start_ms;
    Stretch::of(window).spans(range_ms).extrapolation(kind, begun, first, result)
}

fn histogram_change(
    window: &Window<'_>,
    params: &Params<'_>,
    kind: Kind,
    points: &[HistogramPoint<'_>],
) -> Option<Value> {
    let first: &FloatHistogram = points.first()?.1;
    let begun = window.start_inside().filter(|_| kind.counter);
    let increase = match points.len() {
        1 => None,
        _ => Some(histogram_increase(window, params, kind.counter, points, |i| window.started_anew(window.from + i))?),
    };
    let mut result = match (increase, begun) {
        (None, None) => return None,
        (None, Some(_)) => first.clone(),
        (Some(increase), None) => increase,
        (Some(mut increase), Some(_)) => {
            match increase.add(first) {
                Err(_) => {
                    let note = Note::MixedExponentialCustomHistograms { metric: window.metric };
                    params.notes.add(note, params.at());
                    return None;
                }
                Ok(combined) if combined.bounds_reconciled => {
                    params.notes.add(Note::MismatchedCustomBuckets(HistogramOperation::Addition), params.at());
                }
                Ok(_) => {}
            }
            increase
        }
    };
    if kind.counter {
        window.note_overlaps(params);
    }
    result.mul(extrapolation(window, kind, begun, first.count, result.count));
    Some(Value::Histogram(Arc::new(result)))
}

/// The difference between the last and the first histogram, resets added; `None` when they cannot be combined. At least
/// two points. `started_anew` tells of resets at a point that only start timestamps show.
pub(super) fn histogram_increase(
    window: &Window<'_>,
    params: &Params<'_>,
    counter: bool,
    points: &[HistogramPoint<'_>],
    started_anew: impl Fn(usize) -> bool,
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
    if counter && (started_anew(1) || second.detect_reset(first)) {
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
        for (i, (_, h)) in points.iter().enumerate().skip(1) {
            if started_anew(i) || h.detect_reset(previous) {
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
