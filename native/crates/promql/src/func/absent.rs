//! `absent`, and the labels that it and `absent_over_time` yield.

use neocortex_model::labels::{Labels, LabelsBuilder, METRIC_NAME};
use neocortex_model::matchers::MatchOp;

use super::{Argument, Call};
use crate::eval::column::{Column, absent as absent_value, is_absent};
use crate::eval::error::EvalError;
use crate::parse::ast::{Expr, ExprKind};

/// The labels that a selector asks for exactly and uniquely: those with one `=` matcher and no other.
#[must_use]
pub fn absent_labels(expr: &Expr) -> Labels {
    let matchers = match &expr.kind {
        ExprKind::Vector(selector) => &selector.matchers,
        ExprKind::Matrix(matrix) => &matrix.selector.matchers,
        _ => return Labels::empty(),
    };
    let mut labels = LabelsBuilder::new();
    let mut seen: Vec<&str> = Vec::new();
    for matcher in matchers.iter().filter(|matcher| matcher.name() != METRIC_NAME) {
        if matcher.op() == MatchOp::Equal && !seen.contains(&matcher.name()) {
            labels.set(matcher.name(), matcher.value());
            seen.push(matcher.name());
        } else {
            labels.remove(matcher.name());
        }
    }
    labels.finish()
}

/// `absent`: 1 where the vector has no element.
pub(super) fn absent(call: &Call<'_>, args: Vec<Argument>) -> Result<Vec<Column>, EvalError> {
    let columns = args.into_iter().next().map(Argument::into_vector).unwrap_or_default();
    let labels = call.args.first().map(absent_labels).unwrap_or_default();
    let mut result = Column::new(labels, call.steps.len());
    result.floats.fill(1.0);
    for column in &columns {
        for (step, v) in result.floats.iter_mut().enumerate() {
            if !is_absent(column.floats[step]) || column.histograms.get(step).is_some_and(Option::is_some) {
                *v = absent_value();
            }
        }
    }
    Ok(if result.is_empty() { Vec::new() } else { vec![result] })
}
