//! `smoothed` instant selectors: the value between the samples before and after each step.

use std::sync::Arc;

use neocortex_model::histogram::{CounterReset, FloatHistogram, IncompatibleSchemas};
use neocortex_model::result::Value;
use neocortex_model::sample::Samples;

use super::annotate::{HistogramOperation, Note};
use super::budget::column_samples;
use super::column::Column;
use super::engine::Frame;
use super::error::EvalError;
use super::source::without_stale;
use crate::parse::ast::{Expr, Span, VectorSelector};

impl Frame<'_> {
    /// The column of each series that has a value.
    pub(super) fn smoothed_columns(
        &self,
        selector: &VectorSelector,
        selection: usize,
        expr: &Expr,
    ) -> Result<Vec<Column>, EvalError> {
        let selected = self.query.selected(selection)?;
        let mut columns = Vec::new();
        for i in 0..selected.len() {
            self.query.budget.check_time()?;
            let samples = without_stale(&*selected.samples(i)?);
            let metric = selected.labels(i).metric_name();
            let mut column = Column::new(selected.labels(i).clone(), self.steps.count());
            for step in 0..self.steps.count() {
                let at = self.reference_ms(&selector.shift, step);
                column.set(step, self.smoothed_value(&samples, at, metric, expr.span));
            }
            if !column.is_empty() {
                self.query.budget.hold(column_samples(&column))?;
                columns.push(column);
                self.query.budget.check_slots(columns.len(), self.steps.count())?;
            }
        }
        Ok(columns)
    }

    /// The value at a time, from the samples less than the lookback before it and not more than the lookback after it.
    fn smoothed_value(&self, samples: &Samples, at: i64, metric: &str, span: Span) -> Option<Value> {
        let lookback = self.query.options.lookback_delta_ms;
        let notes = &self.query.notes;
        let from = samples.t.partition_point(|t| *t <= at.saturating_sub(lookback));
        let to = samples.t.partition_point(|t| *t <= at.saturating_add(lookback));
        let histograms = (from..to).filter(|i| samples.histogram(*i).is_some()).count();
        if histograms > 0 && histograms < to - from {
            notes.add(Note::MixedFloatsHistograms { metric }, span);
            return None;
        }
        let next = from + samples.t[from..to].partition_point(|t| *t < at);
        if next < to && samples.t[next] == at {
            return Some(value(samples, next));
        }
        let previous = next.checked_sub(1).filter(|previous| *previous >= from)?;
        let (t1, t2) = (samples.t[previous], samples.t.get(next).copied().unwrap_or(at));
        let fraction = (at - t1) as f64 / (t2 - t1) as f64;
        match (value(samples, previous), (next < to).then(|| value(samples, next))) {
            (Value::Float(v1), Some(Value::Float(v2))) => {
                Some(Value::Float(v1 + (v2 - v1) * (at - t1) as f64 / (t2 - t1) as f64))
            }
            (Value::Histogram(h1), Some(Value::Histogram(h2))) => match self.between(&h1, &h2, fraction, span) {
                Ok(h) => Some(Value::Histogram(Arc::new(h))),
                Err(IncompatibleSchemas) => {
                    notes.add(Note::MixedExponentialCustomHistograms { metric }, span);
                    None
                }
            },
            // The hint of resets tells of consecutive samples, not of a value that is carried on.
            (Value::Histogram(mut h), _) => {
                Arc::make_mut(&mut h).counter_reset = CounterReset::Unknown;
                Some(Value::Histogram(h))
            }
            (float, _) => Some(float),
        }
    }

    /// The histogram at a part of the way between two; a counter that was reset has begun at zero.
    fn between(
        &self,
        h1: &FloatHistogram,
        h2: &FloatHistogram,
        fraction: f64,
        span: Span,
    ) -> Result<FloatHistogram, IncompatibleSchemas> {
        if h1.uses_custom_buckets() != h2.uses_custom_buckets() {
            return Err(IncompatibleSchemas);
        }
        let mut h = h2.clone();
        let gauges = [h1, h2].map(|h| h.counter_reset == CounterReset::Gauge);
        if gauges != [true, true] && h2.detect_reset(h1) {
            h.mul(fraction);
            return Ok(h);
        }
        let reconciled = |operation| self.query.notes.add(Note::MismatchedCustomBuckets(operation), span);
        if h.sub(h1)?.bounds_reconciled {
            reconciled(HistogramOperation::Subtraction);
        }
        h.mul(fraction);
        if h.add(h1)?.bounds_reconciled {
            reconciled(HistogramOperation::Addition);
        }
        Ok(h)
    }
}

fn value(samples: &Samples, i: usize) -> Value {
    match samples.histogram(i) {
        Some(h) => Value::Histogram(Arc::clone(h)),
        None => Value::Float(samples.v[i]),
    }
}
