//! Variants of an instant query: with `@` on every selector it gives the same answer at any other time.

use neocortex_promql::parse::ast::{At, Expr, ExprKind, TimeShift};

/// Functions that use the time of the evaluation, or that of samples, whatever `@` says.
const USE_TIME: [&str; 15] = [
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "days_in_month",
    "end",
    "hour",
    "minute",
    "month",
    "predict_linear",
    "range",
    "start",
    "step",
    "time",
    "timestamp",
    "year",
];

/// The expression with `@` everywhere, and the other times; none when the answer depends on the time nevertheless.
pub fn variants(expr: &Expr, at_ms: i64) -> Option<(Expr, Vec<i64>)> {
    let mut pinned = expr.clone();
    if !pin(&mut pinned, at_ms) {
        return None;
    }
    let times = if at_ms == 0 { vec![-1000, 0, 1000] } else { vec![-10 * at_ms, 0, at_ms / 5, at_ms, 10 * at_ms] };
    Some((pinned, times))
}

fn pin_shift(shift: &mut TimeShift, at_ms: i64) {
    shift.at.get_or_insert(At::Timestamp(at_ms));
}

/// Sets `@` where there is none; false when a function uses the time. What is inside of a subquery follows its `@`.
fn pin(expr: &mut Expr, at_ms: i64) -> bool {
    match &mut expr.kind {
        ExprKind::Number { .. } | ExprKind::String(_) => true,
        ExprKind::Paren(inner) => pin(inner, at_ms),
        ExprKind::Unary { expr, .. } => pin(expr, at_ms),
        ExprKind::Binary(binary) => pin(&mut binary.left, at_ms) & pin(&mut binary.right, at_ms),
        ExprKind::Aggregate(aggregate) => {
            aggregate.param.as_mut().is_none_or(|param| pin(param, at_ms)) & pin(&mut aggregate.expr, at_ms)
        }
        ExprKind::Call { func, args } => {
            let pinned = args.iter_mut().fold(true, |pinned, arg| pin(arg, at_ms) & pinned);
            pinned && !USE_TIME.contains(&func.name)
        }
        ExprKind::Vector(selector) => {
            pin_shift(&mut selector.shift, at_ms);
            true
        }
        ExprKind::Matrix(matrix) => {
            pin_shift(&mut matrix.selector.shift, at_ms);
            true
        }
        ExprKind::Subquery(subquery) => {
            pin_shift(&mut subquery.shift, at_ms);
            true
        }
    }
}
