//! Is an answer what a script expects?

use neocortex_model::histogram::FloatHistogram;
use neocortex_model::result::{Annotations, MatrixSeries, QueryValue, Value, VectorSample};
use neocortex_model::sample::is_stale_nan;

use super::expect::{Expectation, Text};
use super::script::Times;
use super::series::SeriesValue;

/// Relative error that is allowed.
const EPSILON: f64 = 0.000_001;

/// True when two numbers differ by less than the allowed error, or are both NaN of the same kind.
pub fn almost_equal(a: f64, b: f64) -> bool {
    if is_stale_nan(a) || is_stale_nan(b) {
        return is_stale_nan(a) && is_stale_nan(b);
    }
    if a == b || (a.is_nan() && b.is_nan()) {
        return true;
    }
    let (sum, difference) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < EPSILON * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < EPSILON
}

/// True when two histograms are the same but for rounding and empty buckets; their hints count if `with_hint`.
fn same_histogram(expected: &FloatHistogram, found: &FloatHistogram, with_hint: bool) -> bool {
    let (mut expected, mut found) = (expected.clone(), found.clone());
    expected.compact();
    found.compact();
    let close = |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| almost_equal(*a, *b));
    expected.schema == found.schema
        && close(&[expected.count, expected.sum, expected.zero_count], &[found.count, found.sum, found.zero_count])
        && (!expected.uses_custom_buckets() || expected.custom_values == found.custom_values)
        && expected.zero_threshold == found.zero_threshold
        && expected.positive_spans == found.positive_spans
        && expected.negative_spans == found.negative_spans
        && close(&expected.positive_buckets, &found.positive_buckets)
        && close(&expected.negative_buckets, &found.negative_buckets)
        && (!with_hint || expected.counter_reset == found.counter_reset)
}

fn same_value(expected: &SeriesValue, found: &Value) -> bool {
    match (expected, found) {
        (SeriesValue::Float(expected), Value::Float(found)) => almost_equal(*expected, *found),
        (SeriesValue::Histogram(expected, hinted), Value::Histogram(found)) => same_histogram(expected, found, *hinted),
        _ => false,
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Float(v) => v.to_string(),
        Value::Histogram(h) => {
            format!("{h} schema {} hint {:?} bounds {:?}", h.schema, h.counter_reset, h.custom_values)
        }
    }
}

/// Judges the value of a query that was made at `times`.
pub fn value(expected: &Expectation, times: Times, found: &QueryValue) -> Result<(), String> {
    match found {
        QueryValue::Scalar { v, .. } => match expected.scalar {
            Some(scalar) if almost_equal(scalar, *v) => Ok(()),
            other => Err(format!("expected {other:?}, got the scalar {v}")),
        },
        QueryValue::String { v, .. } => match &expected.string {
            Some(string) if string == v => Ok(()),
            other => Err(format!("expected {other:?}, got the string {v:?}")),
        },
        _ if expected.scalar.is_some() => Err(format!("expected a scalar, got {found:?}")),
        QueryValue::Vector(vector) => instant(expected, vector),
        QueryValue::Matrix(matrix) => range(expected, times, matrix),
    }
}

/// Judges an instant vector.
pub fn instant(expected: &Expectation, vector: &[VectorSample]) -> Result<(), String> {
    for (i, sample) in vector.iter().enumerate() {
        let Some(series) = expected.series_of(&sample.labels) else {
            return Err(format!("unexpected {} with {}", sample.labels, shown(&sample.value)));
        };
        if expected.ordered && series.place != i + 1 {
            return Err(format!("expected {} at place {}, not {}", sample.labels, series.place, i + 1));
        }
        let Some(value) = series.values.first() else { return Err(format!("{}: no value expected", sample.labels)) };
        if !same_value(value, &sample.value) {
            return Err(format!("expected {value:?} for {}, got {}", sample.labels, shown(&sample.value)));
        }
    }
    match expected.series.iter().find(|series| vector.iter().all(|sample| sample.labels != series.labels)) {
        Some(missing) => Err(format!("expected {} with {:?}, not found", missing.labels, missing.values)),
        None => Ok(()),
    }
}

/// Judges a matrix.
fn range(expected: &Expectation, times: Times, matrix: &[MatrixSeries]) -> Result<(), String> {
    if expected.ordered {
        return Err("expected an ordered vector, got a matrix".to_owned());
    }
    is_sorted(matrix)?;
    let (start, end, step) = match (expected.range_vector, times) {
        (Some(range), _) => range,
        (None, Times::Range { start, end, step }) => (start, end, step),
        (None, Times::Instant(_)) => return Err("an instant query yields a matrix".to_owned()),
    };
    for series in matrix {
        let Some(wanted) = expected.series_of(&series.labels) else {
            return Err(format!("unexpected {} with {:?}", series.labels, points(series)));
        };
        let wanted: Vec<(i64, &SeriesValue)> = (0..)
            .map(|i: i64| start + i * step)
            .zip(&wanted.values)
            .filter(|(_, value)| **value != SeriesValue::Omitted)
            .collect();
        if wanted.iter().any(|(t, _)| *t > end) {
            return Err(format!("{}: more values expected than there are steps", series.labels));
        }
        let found = points(series);
        let same = wanted.len() == found.len()
            && wanted.iter().zip(&found).all(|((t, value), (at, v))| t == at && same_value(value, v));
        if !same {
            let found: Vec<_> = found.iter().map(|(t, v)| format!("{} @{t}", shown(v))).collect();
            return Err(format!("{}: expected {wanted:?}, got {found:?}", series.labels));
        }
    }
    match expected.series.iter().find(|series| matrix.iter().all(|found| found.labels != series.labels)) {
        Some(missing) => Err(format!("expected {}, not found", missing.labels)),
        None => Ok(()),
    }
}

/// Floats and histograms in the order of time.
fn points(series: &MatrixSeries) -> Vec<(i64, Value)> {
    let mut points: Vec<(i64, Value)> = series.floats.iter().map(|(t, v)| (*t, Value::Float(*v))).collect();
    points.extend(series.histograms.iter().map(|(t, h)| (*t, Value::Histogram(h.clone()))));
    points.sort_by_key(|(t, _)| *t);
    points
}

/// A matrix is sorted by labels, always.
pub fn is_sorted(matrix: &[MatrixSeries]) -> Result<(), String> {
    match matrix.windows(2).find(|pair| pair[0].labels > pair[1].labels) {
        Some(pair) => Err(format!("not sorted: {} before {}", pair[0].labels, pair[1].labels)),
        None => Ok(()),
    }
}

/// Judges warnings and infos.
pub fn annotations(expected: &Expectation, found: &Annotations) -> Result<(), String> {
    if expected.some_warning && found.warnings.is_empty() {
        return Err("expected a warning".to_owned());
    }
    if expected.some_info && found.infos.is_empty() {
        return Err("expected an info".to_owned());
    }
    texts("warning", &expected.warnings, expected.no_warning, &found.warnings)?;
    texts("info", &expected.infos, expected.no_info, &found.infos)
}

fn texts(kind: &str, expected: &[Text], none: bool, found: &[String]) -> Result<(), String> {
    if none && !found.is_empty() {
        return Err(format!("unexpected {kind}: {found:?}"));
    }
    if expected.is_empty() {
        return Ok(());
    }
    if let Some(missing) = expected.iter().find(|text| !found.iter().any(|found| text.fits(found))) {
        return Err(format!("no {kind} fits {missing:?}: {found:?}"));
    }
    match found.iter().find(|found| !expected.iter().any(|text| text.fits(found))) {
        Some(unexpected) => Err(format!("unexpected {kind}: {unexpected}")),
        None => Ok(()),
    }
}
