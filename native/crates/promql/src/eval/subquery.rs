//! Subqueries: an evaluation at steps of their own, seen as series.

use std::sync::Arc;

use neocortex_model::histogram::CounterReset;
use neocortex_model::result::Value;
use neocortex_model::sample::Samples;

use super::column::Column;
use super::engine::Frame;
use super::error::EvalError;
use super::ranges::ComputedSeries;
use super::steps::Steps;
use crate::parse::ast::Subquery;
use crate::plan::tree::Node;

impl<'q> Frame<'q> {
    /// The evaluation inside of a subquery: the multiples of its step after the first window's left end, up to the last
    /// window's right end.
    pub(super) fn subquery_frame(&self, subquery: &Subquery, step_ms: i64) -> Result<Frame<'q>, EvalError> {
        let steps = &self.steps;
        let (first, last) = match steps.count() {
            0 => (steps.start_ms, steps.start_ms.saturating_sub(1)),
            count => (self.reference_ms(&subquery.shift, 0), self.reference_ms(&subquery.shift, count - 1)),
        };
        let left = first.saturating_sub(subquery.range_ms);
        let mut start = (left / step_ms) * step_ms;
        if start <= left {
            start = start.saturating_add(step_ms);
        }
        let steps = Steps::new(start, last, step_ms, self.query.budget.max_steps())?;
        self.query.budget.hold_steps(steps.count())?;
        Ok(Frame::new(self.query, steps))
    }

    /// The series of a subquery as an argument. Its samples are counted by the windows over them, not here.
    pub(super) fn subquery_series(
        &self,
        subquery: &Subquery,
        step_ms: i64,
        inner: &Node<'_>,
    ) -> Result<Vec<ComputedSeries>, EvalError> {
        let frame = self.subquery_frame(subquery, step_ms)?;
        let columns = frame.vector_or_scalar(inner)?;
        Ok(columns.into_iter().map(|column| computed_series(&frame, column)).collect())
    }

    /// The columns of an instant vector; a scalar is a column without labels.
    pub(super) fn vector_or_scalar(&self, node: &Node<'_>) -> Result<Vec<Column>, EvalError> {
        if node.value_type() != crate::parse::ast::ValueType::Scalar {
            return self.vector(node);
        }
        let mut column = Column::new(neocortex_model::labels::Labels::empty(), 0);
        column.floats = self.scalar(node)?;
        Ok(if column.floats.is_empty() { Vec::new() } else { vec![column] })
    }
}

/// The samples of a column. What is known of counter resets between neighbours does not hold for a subquery's samples.
fn computed_series(frame: &Frame<'_>, column: Column) -> ComputedSeries {
    let mut samples = Samples::default();
    for (step, t) in frame.steps.times.iter().enumerate() {
        match column.get(step) {
            None => {}
            Some(Value::Float(v)) => samples.push_float(*t, v),
            Some(Value::Histogram(mut h)) => {
                if matches!(h.counter_reset, CounterReset::Reset | CounterReset::NotReset) {
                    Arc::make_mut(&mut h).counter_reset = CounterReset::Unknown;
                }
                samples.push_histogram(*t, h);
            }
        }
    }
    ComputedSeries { labels: column.labels, drop_name: column.drop_name, samples: Arc::new(samples) }
}
