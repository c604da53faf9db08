//! `rate`, `increase` and `delta` over extended range selectors.
//!
//! `anchored`: the change since the last sample at or before the window's start. `smoothed`: the change between the values
//! interpolated at both ends of the window. Nothing is extrapolated.

use std::sync::Arc;

use neocortex_model::histogram::{CounterReset, FloatHistogram, IncompatibleSchemas};
use neocortex_model::result::Value;

use super::rate::Kind;
use super::window::{Floats, HistogramPoint};
use super::{Params, Window};
use crate::eval::annotate::{HistogramOperation, Note};
use crate::parse::ast::{Expr, ExprKind};

/// How a range selector is extended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extension {
    Anchored,
    Smoothed,
}

/// The extension of the range selector that is the first argument.
pub(super) fn extension(args: &[Expr]) -> Option<Extension> {
    match args.first().map(|arg| &arg.kind) {
        Some(ExprKind::Matrix(m)) if m.selector.anchored => Some(Extension::Anchored),
        Some(ExprKind::Matrix(m)) if m.selector.smoothed => Some(Extension::Smoothed),
        _ => None,
    }
}

/// First and last of the samples that bound the window; `None` when none lies inside.
fn bounds(t: &[i64], window: &Window<'_>, extension: Extension) -> Option<(usize, usize)> {
    let mut last = t.len().checked_sub(1)?;
    let first = t[..last].partition_point(|t| *t <= window.start_ms).saturating_sub(1);
    if extension == Extension::Smoothed {
        last = t[..last].partition_point(|t| *t < window.end_ms);
    }
    let outside = t[last] <= window.start_ms || (extension == Extension::Smoothed && t[first] > window.end_ms);
    (!outside).then_some((first, last))
}

pub(super) fn change(window: &Window<'_>, params: &Params<'_>, kind: Kind, extension: Extension) -> Option<Value> {
    let histograms = window.histograms();
    if histograms.is_empty() {
        return float_change(window, kind, extension, &window.floats()).map(Value::Float);
    }
    if histograms.len() < window.len() {
        params.notes.add(Note::MixedFloatsHistograms { metric: window.metric }, params.at());
        return None;
    }
    let boundaries = Boundaries { window, params, points: &histograms, kind, extension };
    boundaries.change().map(|h| Value::Histogram(Arc::new(h)))
}

/// The value at a time between two samples; a counter that was reset between them has begun at zero.
fn interpolate((t1, v1): (i64, f64), (t2, v2): (i64, f64), t: i64, counter: bool) -> f64 {
    let v1 = if counter && v2 < v1 { 0.0 } else { v1 };
    v1 + (v2 - v1) * (t - t1) as f64 / (t2 - t1) as f64
}

fn float_change(window: &Window<'_>, kind: Kind, extension: Extension, floats: &Floats<'_>) -> Option<f64> {
    let (t, v) = (&floats.t, &floats.v);
    let (mut first, last) = bounds(t, window, extension)?;
    let smoothed = extension == Extension::Smoothed;
    let at = |i: usize| (t[i], v[i]);
    let left = if smoothed && t[first] < window.start_ms && first + 1 < t.len() {
        interpolate(at(first), at(first + 1), window.start_ms, kind.counter)
    } else {
        v[first]
    };
    let right = if smoothed && last > 0 && t[last] > window.end_ms {
        interpolate(at(last - 1), at(last), window.end_ms, kind.counter)
    } else {
        v[last]
    };
    let mut result = right - left;
    if kind.counter {
        // The samples strictly inside; resets next to the ends are in the interpolated values.
        if t[first] <= window.start_ms {
            first += 1;
        }
        let end = if t[last] >= window.end_ms { last } else { last + 1 };
        let mut previous = left;
        for now in v.get(first..end).unwrap_or_default().iter().copied().chain([right]) {
            if now < previous {
                result += previous;
            }
            previous = now;
        }
    }
    Some(if kind.per_second { result / window.range_s() } else { result })
}

/// A window of histograms and what is wanted of it.
struct Boundaries<'a> {
    window: &'a Window<'a>,
    params: &'a Params<'a>,
    points: &'a [HistogramPoint<'a>],
    kind: Kind,
    extension: Extension,
}

impl Boundaries<'_> {
    fn note(&self, note: Note<'_>) {
        self.params.notes.add(note, self.params.at());
    }

    /// The outcome of combining histograms, or `None` and a note.
    fn noted<T>(&self, result: Result<T, IncompatibleSchemas>) -> Option<T> {
        if result.is_err() {
            self.note(Note::MixedExponentialCustomHistograms { metric: self.window.metric });
        }
        result.ok()
    }

    fn add(&self, sum: &mut FloatHistogram, h: &FloatHistogram) -> Result<(), IncompatibleSchemas> {
        if sum.add(h)?.bounds_reconciled {
            self.note(Note::MismatchedCustomBuckets(HistogramOperation::Addition));
        }
        Ok(())
    }

    fn sub(&self, difference: &mut FloatHistogram, h: &FloatHistogram) -> Result<(), IncompatibleSchemas> {
        if difference.sub(h)?.bounds_reconciled {
            self.note(Note::MismatchedCustomBuckets(HistogramOperation::Subtraction));
        }
        Ok(())
    }

    fn change(&self) -> Option<FloatHistogram> {
        let (window, points) = (self.window, self.points);
        let t: Vec<i64> = points.iter().map(|(t, _)| *t).collect();
        let (first, last) = bounds(&t, window, self.extension)?;
        let custom = points[first].1.uses_custom_buckets();
        for (_, h) in &points[first..=last] {
            if h.uses_custom_buckets() != custom {
                return self.noted(Err(IncompatibleSchemas));
            }
            if self.kind.counter && h.counter_reset == CounterReset::Gauge {
                self.note(Note::NativeHistogramNotCounter { metric: window.metric });
            }
        }
        let smoothed = self.extension == Extension::Smoothed;
        let left = if smoothed && t[first] < window.start_ms && first + 1 < points.len() {
            self.noted(self.interpolate(points[first], points[first + 1], window.start_ms))?
        } else {
            FloatHistogram::clone(points[first].1)
        };
        let right = if smoothed && last > 0 && t[last] > window.end_ms {
            self.noted(self.interpolate(points[last - 1], points[last], window.end_ms))?
        } else {
            FloatHistogram::clone(points[last].1)
        };
        let gauges = [&left, &right].map(|h| h.counter_reset == CounterReset::Gauge);
        if !self.kind.counter && gauges != [true, true] {
            self.note(Note::NativeHistogramNotGauge { metric: window.metric });
        }
        let mut result = right.clone();
        self.noted(self.sub(&mut result, &left))?;
        if self.kind.counter
            && let Some(correction) = self.noted(self.resets(first, last, &left, &right))?
        {
            self.noted(self.add(&mut result, &correction))?;
        }
        if self.kind.per_second {
            result.div(window.range_s());
        }
        result.counter_reset = CounterReset::Gauge;
        result.compact();
        Some(result)
    }

    /// The histogram at a time between two points; a counter that was reset between them has begun at zero.
    fn interpolate(
        &self,
        (t1, h1): HistogramPoint<'_>,
        (t2, h2): HistogramPoint<'_>,
        t: i64,
    ) -> Result<FloatHistogram, IncompatibleSchemas> {
        if t == t1 {
            return Ok(FloatHistogram::clone(h1));
        }
        let mut result = FloatHistogram::clone(h2);
        if t == t2 {
            return Ok(result);
        }
        let fraction = (t - t1) as f64 / (t2 - t1) as f64;
        if self.kind.counter && h2.detect_reset(h1) {
            result.mul(fraction);
            return Ok(result);
        }
        self.sub(&mut result, h1)?;
        result.mul(fraction);
        self.add(&mut result, h1)?;
        Ok(result)
    }

    /// What the resets between the two ends took away, if there were any.
    fn resets(
        &self,
        first: usize,
        last: usize,
        left: &FloatHistogram,
        right: &FloatHistogram,
    ) -> Result<Option<FloatHistogram>, IncompatibleSchemas> {
        let points = self.points;
        let mut next = first + 1;
        let mut previous = left;
        if self.extension == Extension::Smoothed
            && points[first].0 < self.window.start_ms
            && next < points.len()
            && points[next].1.detect_reset(points[first].1)
        {
            // The left value was interpolated across this reset already.
            previous = points[next].1;
            next += 1;
        }
        // The last point is represented by the right value, which has its hint of resets.
        if next > last {
            return Ok(None);
        }
        let mut correction: Option<FloatHistogram> = None;
        for now in points[next..last].iter().map(|(_, h)| h.as_ref()).chain([right]) {
            if now.detect_reset(previous) {
                match &mut correction {
                    Some(sum) => self.add(sum, previous)?,
                    None => correction = Some(previous.clone()),
                }
            }
            previous = now;
        }
        Ok(correction)
    }
}
