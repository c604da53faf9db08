//! `changes` and `resets`: how often a series changed, how often its counter was reset.

use neocortex_model::result::Value;

use super::window::Sample;
use super::{Params, Window};
use crate::parse::ast::{Expr, ExprKind};

/// True when the range selector is `anchored`.
fn is_anchored(args: &[Expr]) -> bool {
    matches!(args.first().map(|arg| &arg.kind), Some(ExprKind::Matrix(m)) if m.selector.anchored)
}

/// Counts the neighbours for which a condition holds: on the index of the later one, and both. An anchored selector begins with the last sample at or before the
/// window's start, and has no value without any sample inside.
fn count_pairs(
    window: &Window<'_>,
    params: &Params<'_>,
    counts: impl Fn(usize, Sample<'_>, Sample<'_>) -> bool,
) -> Option<Value> {
    let mut from = window.from;
    if is_anchored(params.args) {
        let inside = window.from + window.samples.t[window.from..window.to].partition_point(|t| *t <= window.start_ms);
        if inside == window.to {
            return None;
        }
        from = inside.saturating_sub(1).max(window.from);
    }
    if from >= window.to {
        return None;
    }
    let n = (from + 1..window.to).filter(|i| counts(*i, window.sample(i - 1), window.sample(*i))).count();
    Some(Value::Float(n as f64))
}

/// True when a counter was reset between two values.
pub(super) fn is_reset(before: f64, now: f64) -> bool {
    now < before
}

/// True when two values differ; NaN does not differ from NaN.
pub(super) fn is_change(before: f64, now: f64) -> bool {
    now != before && !(now.is_nan() && before.is_nan())
}

/// `resets`: between a float and a histogram there always is one.
pub(super) fn resets(window: &Window<'_>, params: &Params<'_>) -> Option<Value> {
    count_pairs(window, params, |i, before, now| match (before, now) {
        (Sample::Float(before), Sample::Float(now)) => is_reset(before, now) || window.started_anew(i),
        (Sample::Histogram(before), Sample::Histogram(now)) => window.started_anew(i) || now.detect_reset(before),
        _ => true,
    })
}

/// `changes`
pub(super) fn changes(window: &Window<'_>, params: &Params<'_>) -> Option<Value> {
    count_pairs(window, params, |_, before, now| match (before, now) {
        (Sample::Float(before), Sample::Float(now)) => is_change(before, now),
        (Sample::Histogram(before), Sample::Histogram(now)) => !now.same_data(before),
        _ => true,
    })
}
