//! Everything that is known once start, end and step are known: duration expressions, `@ start()`, `start()` and the like.
//!
//! Source: `PreprocessExpr` and `durations.go` of Prometheus's engine.

use crate::eval::error::EvalError;
use crate::parse::ast::{At, BinaryOp, DurationExpr, DurationExprKind, Expr, ExprKind, TimeShift};

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
/// [`EvalError::Execution`] when a duration expression has no valid value.
pub fn rewrite(expr: &Expr, times: &QueryTimes) -> Result<Expr, EvalError> {
    let mut expr = expr.clone();
    rewrite_in_place(&mut expr, times)?;
    Ok(expr)
}

fn rewrite_in_place(expr: &mut Expr, times: &QueryTimes) -> Result<(), EvalError> {
    while let ExprKind::Paren(inner) = &mut expr.kind {
        let inner = std::mem::replace(&mut **inner, Expr { span: expr.span, kind: ExprKind::String(String::new()) });
        *expr = inner;
    }
    match &mut expr.kind {
        ExprKind::Number { .. } | ExprKind::String(_) | ExprKind::Paren(_) => {}
        ExprKind::Unary { expr, .. } => rewrite_in_place(expr, times)?,
        ExprKind::Binary(binary) => {
            rewrite_in_place(&mut binary.left, times)?;
            rewrite_in_place(&mut binary.right, times)?;
        }
        ExprKind::Aggregate(aggregate) => {
            rewrite_in_place(&mut aggregate.expr, times)?;
            if let Some(param) = &mut aggregate.param {
                rewrite_in_place(param, times)?;
            }
        }
        ExprKind::Call { func, args } => {
            if let Some(value) = context_value(func.name, times) {
                expr.kind = ExprKind::Number { value, duration: false };
                return Ok(());
            }
            for arg in args {
                rewrite_in_place(arg, times)?;
            }
        }
        ExprKind::Vector(selector) => resolve_shift(&mut selector.shift, times)?,
        ExprKind::Matrix(matrix) => {
            resolve_shift(&mut matrix.selector.shift, times)?;
            resolve(&mut matrix.range_expr, &mut matrix.range_ms, false, times)?;
        }
        ExprKind::Subquery(subquery) => {
            resolve_shift(&mut subquery.shift, times)?;
            resolve(&mut subquery.step_expr, &mut subquery.step_ms, false, times)?;
            resolve(&mut subquery.range_expr, &mut subquery.range_ms, false, times)?;
            rewrite_in_place(&mut subquery.expr, times)?;
        }
    }
    Ok(())
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

fn resolve_shift(shift: &mut TimeShift, times: &QueryTimes) -> Result<(), EvalError> {
    match shift.at {
        Some(At::Start) => shift.at = Some(At::Timestamp(times.start_ms)),
        Some(At::End) => shift.at = Some(At::Timestamp(times.end_ms)),
        Some(At::Timestamp(_)) | None => {}
    }
    resolve(&mut shift.offset_expr, &mut shift.offset_ms, true, times)
}

fn resolve(
    expr: &mut Option<Box<DurationExpr>>,
    ms: &mut i64,
    negative: bool,
    times: &QueryTimes,
) -> Result<(), EvalError> {
    let Some(expr) = expr.take() else { return Ok(()) };
    let refuse = |why: &str| Err(EvalError::execution(format!("{}:{}: {why}", expr.span.start, expr.span.end)));
    let value = duration(&expr, times)?;
    // Nanoseconds fit an i64 in Prometheus.
    let limit = i64::MAX as f64 / 1e9;
    if value.is_nan() || value.is_infinite() {
        return refuse("duration is NaN or infinite");
    }
    if value <= 0.0 && !negative {
        return refuse("duration must be greater than 0");
    }
    if value.abs() > limit {
        return refuse("duration is out of range");
    }
    *ms = (value * 1000.0) as i64;
    Ok(())
}

/// The value of a duration expression in seconds.
fn duration(expr: &DurationExpr, times: &QueryTimes) -> Result<f64, EvalError> {
    let refuse = |why: &str| Err(EvalError::execution(format!("{}:{}: {why}", expr.span.start, expr.span.end)));
    match &expr.kind {
        DurationExprKind::Number { value, .. } => Ok(*value),
        DurationExprKind::Step => Ok(seconds(times.step_ms)),
        DurationExprKind::Range => Ok(seconds(times.end_ms.saturating_sub(times.start_ms))),
        DurationExprKind::Pick { max, left, right, .. } => {
            let (left, right) = (duration(left, times)?, duration(right, times)?);
            Ok(if *max { left.max(right) } else { left.min(right) })
        }
        DurationExprKind::Unary { negative, expr } => {
            let value = duration(expr, times)?;
            Ok(if *negative { -value } else { value })
        }
        DurationExprKind::Paren(inner) => duration(inner, times),
        DurationExprKind::Binary { op, left, right } => {
            let (left, right) = (duration(left, times)?, duration(right, times)?);
            match op {
                BinaryOp::Add => Ok(left + right),
                BinaryOp::Sub => Ok(left - right),
                BinaryOp::Mul => Ok(left * right),
                BinaryOp::Div if right == 0.0 => refuse("division by zero"),
                BinaryOp::Div => Ok(left / right),
                BinaryOp::Mod if right == 0.0 => refuse("modulo by zero"),
                BinaryOp::Mod => Ok(left % right),
                BinaryOp::Pow => Ok(left.powf(right)),
                other => {
                    Err(EvalError::execution(format!("unexpected duration expression operator \"{}\"", other.as_str())))
                }
            }
        }
    }
}
