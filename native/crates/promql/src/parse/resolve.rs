//! The value of duration expressions once step and range of the query are known (Prometheus `promql/durations.go`).

use super::ast::{BinaryOp, DurationExpr, DurationExprKind, Expr, ExprKind, Span, TimeShift, VectorSelector};

/// Beyond this many seconds a duration does not fit Go's nanoseconds.
const MAX_SECONDS: f64 = 9_223_372_036.854_776;

/// A duration expression without a usable value. Positions are byte offsets, as in Prometheus.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}:{}: {reason}", span.start, span.end)]
pub struct ResolveError {
    /// Where the expression stands.
    pub span: Span,
    /// What is wrong.
    pub reason: &'static str,
}

/// Puts the values of all duration expressions into the fields beside them. `step_ms` and `range_ms` are those of the query; both
/// are 0 in an instant query.
///
/// # Errors
/// [`ResolveError`] for a value that is no duration: not finite, too large, or not positive where it must be.
pub fn resolve_durations(expr: &mut Expr, step_ms: i64, range_ms: i64) -> Result<(), ResolveError> {
    let times = Times { step_ms, range_ms };
    times.resolve(expr)
}

struct Times {
    step_ms: i64,
    range_ms: i64,
}

impl Times {
    fn resolve(&self, expr: &mut Expr) -> Result<(), ResolveError> {
        match &mut expr.kind {
            ExprKind::Number { .. } | ExprKind::String(_) => Ok(()),
            ExprKind::Paren(inner) | ExprKind::Unary { expr: inner, .. } => self.resolve(inner),
            ExprKind::Binary(binary) => {
                self.resolve(&mut binary.left)?;
                self.resolve(&mut binary.right)
            }
            ExprKind::Aggregate(aggregate) => {
                self.resolve(&mut aggregate.expr)?;
                aggregate.param.as_mut().map_or(Ok(()), |param| self.resolve(param))
            }
            ExprKind::Call { args, .. } => args.iter_mut().try_for_each(|arg| self.resolve(arg)),
            ExprKind::Vector(VectorSelector { shift, .. }) => self.shift(shift),
            ExprKind::Matrix(matrix) => {
                self.positive(&mut matrix.range_ms, matrix.range_expr.as_deref())?;
                self.shift(&mut matrix.selector.shift)
            }
            ExprKind::Subquery(subquery) => {
                self.shift(&mut subquery.shift)?;
                self.positive(&mut subquery.step_ms, subquery.step_expr.as_deref())?;
                self.positive(&mut subquery.range_ms, subquery.range_expr.as_deref())?;
                self.resolve(&mut subquery.expr)
            }
        }
    }

    fn shift(&self, shift: &mut TimeShift) -> Result<(), ResolveError> {
        if let Some(expr) = &shift.offset_expr {
            shift.offset_ms = self.milliseconds(expr, true)?;
        }
        Ok(())
    }

    fn positive(&self, field: &mut i64, expr: Option<&DurationExpr>) -> Result<(), ResolveError> {
        if let Some(expr) = expr {
            *field = self.milliseconds(expr, false)?;
        }
        Ok(())
    }

    fn milliseconds(&self, expr: &DurationExpr, negative_allowed: bool) -> Result<i64, ResolveError> {
        let seconds = self.seconds(expr)?;
        let reason = if !seconds.is_finite() {
            "duration is NaN or infinite"
        } else if seconds <= 0.0 && !negative_allowed {
            "duration must be greater than 0"
        } else if seconds.abs() > MAX_SECONDS {
            "duration is out of range"
        } else {
            #[allow(clippy::cast_possible_truncation, reason = "in range, and cut to milliseconds as in Prometheus")]
            return Ok((seconds * 1000.0) as i64);
        };
        Err(ResolveError { span: expr.span, reason })
    }

    #[allow(clippy::cast_precision_loss, reason = "durations of queries are far below 2^53 milliseconds")]
    fn seconds(&self, expr: &DurationExpr) -> Result<f64, ResolveError> {
        Ok(match &expr.kind {
            DurationExprKind::Number { value, .. } => *value,
            DurationExprKind::Step => self.step_ms as f64 / 1000.0,
            DurationExprKind::Range => self.range_ms as f64 / 1000.0,
            DurationExprKind::Pick { max, left, right, .. } => {
                let (left, right) = (self.seconds(left)?, self.seconds(right)?);
                match (left.is_nan() || right.is_nan(), *max) {
                    (true, _) => f64::NAN,
                    (false, true) => left.max(right),
                    (false, false) => left.min(right),
                }
            }
            DurationExprKind::Unary { negative, expr } => {
                let value = self.seconds(expr)?;
                if *negative { -value } else { value }
            }
            DurationExprKind::Paren(inner) => self.seconds(inner)?,
            DurationExprKind::Binary { op, left, right } => {
                let (left, right) = (self.seconds(left)?, self.seconds(right)?);
                let zero = |reason| Err(ResolveError { span: expr.span, reason });
                match op {
                    BinaryOp::Add => left + right,
                    BinaryOp::Sub => left - right,
                    BinaryOp::Mul => left * right,
                    BinaryOp::Div if right == 0.0 => return zero("division by zero"),
                    BinaryOp::Div => left / right,
                    BinaryOp::Mod if right == 0.0 => return zero("modulo by zero"),
                    BinaryOp::Mod => left % right,
                    BinaryOp::Pow => left.powf(right),
                    _ => unreachable!("the grammar of durations has no other operators"),
                }
            }
        })
    }
}
