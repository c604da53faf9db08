//! Trends: linear regression and double exponential smoothing. Histograms are left out, with a note.

use neocortex_model::kahan::KahanSum;
use neocortex_model::result::Value;

use super::window::Floats;
use super::{Params, Window};
use crate::eval::annotate::Note;
use crate::eval::error::EvalError;

/// Slope per second and value at a time of the least-squares line.
fn linear_regression(floats: &Floats<'_>, at_ms: i64) -> (f64, f64) {
    let first = floats.v.first().copied().unwrap_or(f64::NAN);
    if floats.v[1..].iter().all(|v| *v == first) {
        return if first.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, first) };
    }
    let [mut x_sum, mut y_sum, mut xy_sum, mut xx_sum] = [KahanSum::default(); 4];
    for (t, y) in floats.t.iter().zip(floats.v.iter()) {
        let x = (t - at_ms) as f64 / 1e3;
        x_sum.add(x);
        y_sum.add(*y);
        xy_sum.add(x * y);
        xx_sum.add(x * x);
    }
    let total = |sum: KahanSum| sum.sum + sum.compensation;
    let (n, x_sum, y_sum) = (floats.len() as f64, total(x_sum), total(y_sum));
    let covariance = total(xy_sum) - x_sum * y_sum / n;
    let variance = total(xx_sum) - x_sum * x_sum / n;
    let slope = covariance / variance;
    (slope, y_sum / n - slope * x_sum / n)
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
    Some(Value::Float(linear_regression(&floats, floats.t[0]).0))
}

/// `predict_linear`
pub(super) fn predict_linear(window: &Window<'_>, params: &Params<'_>) -> Option<Value> {
    let floats = at_least_two_floats(window, params)?;
    let (slope, now) = linear_regression(&floats, window.step_ms);
    Some(Value::Float(slope * params.scalar(0) + now))
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
