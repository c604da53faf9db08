//! From columns to the value of the query.

use neocortex_model::labels::Labels;
use neocortex_model::result::{MatrixSeries, QueryValue, SampleStats, Value, VectorSample};

use super::call::text;
use super::column::Column;
use super::engine::Frame;
use super::error::EvalError;
use super::names;
use super::steps::Steps;
use crate::parse::ast::ValueType;
use crate::plan::tree::{Node, Op};

/// Evaluates the root and shapes its value.
pub(super) fn of_root(frame: &Frame<'_>, root: &Node<'_>) -> Result<QueryValue, EvalError> {
    let t = frame.steps.start_ms;
    if root.value_type() == ValueType::String {
        return Ok(QueryValue::String { t, v: String::from_utf8_lossy(text(root)?).into_owned() });
    }
    if !frame.query.options.is_instant() {
        let columns = frame.vector_or_scalar(root)?;
        return Ok(QueryValue::Matrix(matrix(&frame.steps, finished(frame, columns)?)));
    }
    match root.value_type() {
        ValueType::Scalar => {
            let v = frame.scalar(root)?.first().copied().unwrap_or(f64::NAN);
            Ok(QueryValue::Scalar { t, v })
        }
        ValueType::Matrix => ranges(frame, root).map(QueryValue::Matrix),
        _ => {
            let columns = finished(frame, frame.vector(root)?)?;
            let samples = columns.into_iter().filter_map(|column| {
                let value = column.get(0)?;
                Some(VectorSample { labels: column.labels, t, value })
            });
            Ok(QueryValue::Vector(samples.collect()))
        }
    }
}

/// What was loaded and held.
pub(super) fn stats(frame: &Frame<'_>) -> SampleStats {
    let loaded = frame.loaded.lock();
    SampleStats {
        total_queryable_samples: loaded.total,
        peak_samples: frame.query.budget.peak(),
        per_step: frame.steps.times.iter().copied().zip(loaded.per_step.iter().copied()).collect(),
    }
}

fn finished(frame: &Frame<'_>, columns: Vec<Column>) -> Result<Vec<Column>, EvalError> {
    if frame.delayed() { names::drop_delayed(columns) } else { Ok(columns) }
}

fn matrix(steps: &Steps, columns: Vec<Column>) -> Vec<MatrixSeries> {
    let mut series: Vec<_> = columns
        .into_iter()
        .map(|column| {
            let mut series = MatrixSeries { labels: column.labels.clone(), ..MatrixSeries::default() };
            for (step, t) in steps.times.iter().enumerate() {
                match column.get(step) {
                    None => {}
                    Some(Value::Float(v)) => series.floats.push((*t, v)),
                    Some(Value::Histogram(h)) => series.histograms.push((*t, h)),
                }
            }
            series
        })
        .filter(|series| !series.floats.is_empty() || !series.histograms.is_empty())
        .collect();
    sort(&mut series);
    series
}

/// By labels; equal ones stay in their order.
fn sort(series: &mut [MatrixSeries]) {
    series.sort_by(|a, b| a.labels.cmp(&b.labels));
}

/// A range selector or subquery as the whole query: the raw samples of its only window.
fn ranges(frame: &Frame<'_>, root: &Node<'_>) -> Result<Vec<MatrixSeries>, EvalError> {
    let mut series = match &root.op {
        Op::Once(inner) | Op::Keep(inner) => return ranges(frame, inner),
        Op::Subquery { subquery, step_ms, inner } => {
            let inner_frame = frame.subquery_frame(subquery, *step_ms)?;
            let columns = inner_frame.vector_or_scalar(inner)?;
            frame.count_loaded(0, inner_frame.loaded.lock().total);
            matrix(&inner_frame.steps, finished(frame, columns)?)
        }
        _ => window_of_each(frame, root)?,
    };
    sort(&mut series);
    Ok(series)
}

fn window_of_each(frame: &Frame<'_>, root: &Node<'_>) -> Result<Vec<MatrixSeries>, EvalError> {
    let vector = frame.ranges(root)?;
    let (ranges, windows) = (&vector.ranges, vector.windows(frame));
    let mut all = Vec::new();
    for i in 0..ranges.len() {
        frame.query.budget.check_time()?;
        let (labels, _, samples) = ranges.series(i)?;
        let mut series = MatrixSeries { labels: Labels::clone(labels), ..MatrixSeries::default() };
        let counts = windows.slide(&samples, |extent| {
            for i in extent.from..extent.to {
                match samples.histogram(i) {
                    None => series.floats.push((samples.t[i], samples.v[i])),
                    Some(h) => series.histograms.push((samples.t[i], h.clone())),
                }
            }
        })?;
        frame.count_windows(&counts);
        if counts.total > 0 {
            frame.query.budget.hold(counts.total)?;
            all.push(series);
        }
    }
    Ok(all)
}
