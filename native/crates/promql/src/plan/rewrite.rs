//! Everything that is known once start, end and step are known: duration expressions, `@ start()`, `start()` and the like.
//!
//! Source: `PreprocessExpr` of Prometheus's engine.

use crate::eval::error::EvalError;
use crate::parse::ast::{At, Expr, ExprKind, TimeShift};
use crate::parse::resolve::resolve_durations;

/// The times of a query in milliseconds. An instant query has `start_ms == end_ms` and `step_ms == 0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryTimes {
    /// First step.
    pub start_ms: i64,
    /// No step is later.
    pub end_ms: i64,
    /// Distance of steps.
    pub step_ms: i64,
}

/// A copy of the tree without parentheses, duration expressions, `@ start()` and `@ end()`, and with `start()`, `end()`,
/// `range()` and `step()` as numbers.
///
/// # Errors
/// [`EvalError::Duration`] when a duration expression has no valid value.
pub fn rewrite(expr: &Expr, times: &QueryTimes) -> Result<Expr, EvalError> {
    let mut expr = expr.clone();
    let range_ms = times.end_ms.saturating_sub(times.start_ms);
    resolve_durations(&mut expr, times.step_ms, range_ms).map_err(EvalError::Duration)?;
    simplify(&mut expr, times);
    Ok(expr)
}

fn simplify(expr: &mut Expr, times: &QueryTimes) {
    while let ExprKind::Paren(inner) = &mut expr.kind {
        let inner = std::mem::replace(&mut **inner, Expr { span: expr.span, kind: ExprKind::String(Vec::new()) });
        *expr = inner;
    }
    match &mut expr.kind {
        ExprKind::Number { .. } | ExprKind::String(_) | ExprKind::Paren(_) => {}
        ExprKind::Unary { expr, .. } => simplify(expr, times),
        ExprKind::Binary(binary) => {
            simplify(&mut binary.left, times);
            simplify(&mut binary.right, times);
        }
        ExprKind::Aggregate(aggregate) => {
            simplify(&mut aggregate.expr, times);
            if let Some(param) = &mut aggregate.param {
                simplify(param, times);
            }
        }
        ExprKind::Call { func, args } => {
            if let Some(value) = context_value(func.name, times) {
                expr.kind = ExprKind::Number { value, duration: false };
                return;
            }
            for arg in args {
                simplify(arg, times);
            }
        }
        ExprKind::Vector(selector) => resolve_at(&mut selector.shift, times),
        ExprKind::Matrix(matrix) => resolve_at(&mut matrix.selector.shift, times),
        ExprKind::Subquery(subquery) => {
            resolve_at(&mut subquery.shift, times);
            simplify(&mut subquery.expr, times);
        }
    }
}

/// The value of a function that only asks for the query's times, in seconds.
fn context_value(name: &str, times: &QueryTimes) -> Option<f64> {
    match name {
        "start" => Some(times.start_ms as f64 / 1000.0),
        "end" => Some(times.end_ms as f64 / 1000.0),
        "range" => Some(seconds(times.end_ms.saturating_sub(times.start_ms))),
        "step" => Some(if times.start_ms == times.end_ms { 0.0 } else { seconds(times.step_ms) }),
        _ => None,
    }
}

fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

fn resolve_at(shift: &mut TimeShift, times: &QueryTimes) {
    match shift.at {
        Some(At::Start) => shift.at = Some(At::Timestamp(times.start_ms)),
        Some(At::End) => shift.at = Some(At::Timestamp(times.end_ms)),
        Some(At::Timestamp(_)) | None => {}
    }
}
