//! Trends: linear regression and double exponential smoothing. Histograms are left out, with a note.

use neocortex_model::kahan::KahanSum;
use neocortex_model::result::Value;

use super::window::Floats;
use super::{Params, Window};
use crate::eval::annotate::Note;
use crate::eval::error::EvalError;

/// A straight line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// Per second.
    pub(super) slope: f64,
    /// The value at the time that it is seen from.
    pub(super) now: f64,
}

impl Line {
    /// The value in so many seconds.
    pub(super) fn at_s(self, seconds: f64) -> f64 {
        self.slope * seconds + self.now
    }
}

/// Sums over samples: `x` is a sample's time in seconds after the time that the line is seen from, `y` its value.
pub(super) struct LineSums {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) xy: f64,
    pub(super) xx: f64,
}

impl LineSums {
    /// The least-squares line of so many samples.
    pub(super) fn line(&self, samples: usize) -> Line {
        let n = samples as f64;
        let covariance = self.xy - self.x * self.y / n;
        let variance = self.xx - self.x * self.x / n;
        let slope = covariance / variance;
        Line { slope, now: self.y / n - slope * self.x / n }
    }
}

/// The least-squares line, seen from a time.
pub(super) fn linear_regression(t: &[i64], v: &[f64], at_ms: i64) -> Line {
    let first = v.first().copied().unwrap_or(f64::NAN);
    if v[1..].iter().all(|v| *v == first) {
        let unknown = Line { slope: f64::NAN, now: f64::NAN };
        return if first.is_infinite() { unknown } else { Line { slope: 0.0, now: first } };
    }
    let [mut x_sum, mut y_sum, mut xy_sum, mut xx_sum] = [KahanSum::default(); 4];
    for (t, y) in t.iter().zip(v) {
        let x = (t - at_ms) as f64 / 1e3;
        x_sum.add(x);
        y_sum.add(*y);
        xy_sum.add(x * y);
        xx_sum.add(x * x);
    }
    let [x, y, xy, xx] = [x_sum, y_sum, xy_sum, xx_sum].map(|sum| sum.sum + sum.compensation);
    LineSums { x, y, xy, xx }.line(v.len())
}

/// The floats when there are two or more. Notes that histograms are ignored if there is any float.
fn at_least_two_floats<'a>(window: &Window<'a>, params: &Params<'_>) -> Option<Floats<'a>> {
    let floats = window.floats();
    if !floats.is_empty() && window.has_histograms() {
        params.notes.add(Note::HistogramIgnoredInMixedRange { metric: window.metric }, params.at());
    }
    (floats.len() >= 2).then_some(floats)
}

/// `deriv`
pub(super) fn deriv(window: &Window<'_>, params: &Params<'_>) -> Option<Value> {
    let floats = at_least_two_floats(window, params)?;
    // A time near the samples keeps the numbers small.
    Some(Value::Float(linear_regression(&floats.t, &floats.v, floats.t[0]).slope))
}

/// `predict_linear`
pub(super) fn predict_linear(window: &Window<'_>, params: &Params<'_>) -> Option<Value> {
    let floats = at_least_two_floats(window, params)?;
    let line = linear_regression(&floats.t, &floats.v, window.step_ms);
    Some(Value::Float(line.at_s(params.scalar(0))))
}

/// The smoothing factor and the trend factor must lie inside of (0, 1).
pub(super) fn check_factors(scalars: &[f64]) -> Result<(), EvalError> {
    for (name, factor, symbol) in
        scalars.iter().zip([("smoothing", "sf"), ("trend", "tf")]).map(|(v, (n, s))| (n, *v, s))
    {
        if factor <= 0.0 || factor >= 1.0 {
            let text = format!("invalid {name} factor. Expected: 0 < {symbol} < 1, got: {}", go_f(factor));
            return Err(EvalError::execution(text));
        }
    }
    Ok(())
}

/// Go's `%f`.
fn go_f(v: f64) -> String {
    if v.is_finite() { format!("{v:.6}") } else { neocortex_model::float::format_sample(v) }
}

/// `double_exponential_smoothing` (`holt_winters`): the smoothed value at the end of the window.
pub(super) fn double_exponential_smoothing(window: &Window<'_>, params: &Params<'_>) -> Option<Value> {
    let floats = at_least_two_floats(window, params)?;
    let (smoothing, trend_factor) = (params.scalar(0), params.scalar(1));
    let (mut before, mut smoothed) = (0.0, floats.v[0]);
    let mut trend = floats.v[1] - floats.v[0];
    for (i, v) in floats.v.iter().enumerate().skip(1) {
        if i > 1 {
            trend = trend_factor * (smoothed - before) + (1.0 - trend_factor) * trend;
        }
        let next = smoothing * v + (1.0 - smoothing) * (smoothed + trend);
        (before, smoothed) = (smoothed, next);
    }
    Some(Value::Float(smoothed))
}
