//! A tree as one line of PromQL, exactly as Prometheus prints it (`promql/parser/printer.go`). Reading it gives the same tree.

use std::fmt::{self, Display, Formatter};

use neocortex_model::float::{format_sample, go_g, go_quote, go_quote_bytes};
use neocortex_model::labels::is_legacy_label_name;
use neocortex_model::matchers::{MatchOp, Matcher};
use neocortex_model::time::format_duration;

use super::ast::{
    Aggregate, At, Binary, Cardinality, DurationExpr, DurationExprKind, Expr, ExprKind, MatrixSelector, Subquery,
    TimeShift, VectorMatching, VectorSelector,
};

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Number { value, duration } => f.write_str(&number(*value, *duration)),
            ExprKind::String(text) => f.write_str(&go_quote_bytes(text)),
            ExprKind::Paren(inner) => write!(f, "({inner})"),
            ExprKind::Unary { op, expr } => write!(f, "{}{expr}", op.as_str()),
            ExprKind::Binary(binary) => {
                write!(f, "{} ", binary.left)?;
                operator(f, binary)?;
                write!(f, " {}", binary.right)
            }
            ExprKind::Aggregate(aggregate) => {
                aggregation(f, aggregate)?;
                f.write_str("(")?;
                if let Some(param) = &aggregate.param {
                    write!(f, "{param}, ")?;
                }
                write!(f, "{})", aggregate.expr)
            }
            ExprKind::Call { func, args } => {
                write!(f, "{}(", func.name)?;
                for (at, arg) in args.iter().enumerate() {
                    f.write_str(if at == 0 { "" } else { ", " })?;
                    arg.fmt(f)?;
                }
                f.write_str(")")
            }
            ExprKind::Vector(selector) => selector.fmt(f),
            ExprKind::Matrix(matrix) => matrix.fmt(f),
            ExprKind::Subquery(subquery) => {
                subquery.expr.fmt(f)?;
                subquery_suffix(f, subquery)
            }
        }
    }
}

/// `sum by (a) `, without the arguments.
pub(super) fn aggregation(f: &mut impl fmt::Write, aggregate: &Aggregate) -> fmt::Result {
    f.write_str(aggregate.op.as_str())?;
    if aggregate.without || !aggregate.grouping.is_empty() {
        f.write_str(if aggregate.without { " without (" } else { " by (" })?;
        labels(f, &aggregate.grouping)?;
        f.write_str(") ")?;
    }
    Ok(())
}

/// `== bool on (a) group_left (b)`, without the operands.
pub(super) fn operator(f: &mut impl fmt::Write, binary: &Binary) -> fmt::Result {
    f.write_str(binary.op.as_str())?;
    f.write_str(if binary.return_bool { " bool" } else { "" })?;
    binary.matching.as_ref().map_or(Ok(()), |m| matching(f, m))
}

fn matching(f: &mut impl fmt::Write, matching: &VectorMatching) -> fmt::Result {
    let grouped = match matching.card {
        Cardinality::ManyToOne => Some("left"),
        Cardinality::OneToMany => Some("right"),
        Cardinality::OneToOne | Cardinality::ManyToMany => None,
    };
    if matching.on || !matching.labels.is_empty() || grouped.is_some() {
        f.write_str(if matching.on { " on (" } else { " ignoring (" })?;
        labels(f, &matching.labels)?;
        f.write_str(")")?;
    }
    if let Some(side) = grouped {
        write!(f, " group_{side} (")?;
        labels(f, &matching.include)?;
        f.write_str(")")?;
    }
    match (matching.fill_left, matching.fill_right) {
        #[allow(clippy::float_cmp, reason = "printing fill(v) needs the very same number")]
        (Some(left), Some(right)) if left == right => return write!(f, " fill ({})", go_g(left)),
        (left, right) => {
            for (side, value) in [("left", left), ("right", right)] {
                if let Some(value) = value {
                    write!(f, " fill_{side} ({})", go_g(value))?;
                }
            }
        }
    }
    Ok(())
}

fn labels(f: &mut impl fmt::Write, labels: &[String]) -> fmt::Result {
    for (at, label) in labels.iter().enumerate() {
        f.write_str(if at == 0 { "" } else { ", " })?;
        if is_legacy_label_name(label) { f.write_str(label)? } else { f.write_str(&go_quote(label))? }
    }
    Ok(())
}

fn number(value: f64, duration: bool) -> String {
    if !duration {
        return format_sample(value);
    }
    // Prometheus goes through nanoseconds and cuts what is below a millisecond.
    #[allow(clippy::cast_possible_truncation, reason = "saturates")]
    let ms = (value.abs() * 1e9) as i64 / 1_000_000;
    format!("{}{}", if value < 0.0 { "-" } else { "" }, format_duration(ms))
}

impl Display for VectorSelector {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        name_and_matchers(f, self)?;
        at(f, &self.shift)?;
        extension(f, self)?;
        offset(f, &self.shift)
    }
}

impl Display for MatrixSelector {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        name_and_matchers(f, &self.selector)?;
        f.write_str("[")?;
        duration(f, self.range_ms, self.range_expr.as_deref())?;
        f.write_str("]")?;
        extension(f, &self.selector)?;
        at(f, &self.selector.shift)?;
        offset(f, &self.selector.shift)
    }
}

fn name_and_matchers(f: &mut Formatter<'_>, selector: &VectorSelector) -> fmt::Result {
    f.write_str(&selector.name)?;
    let is_name = |matcher: &&Matcher| {
        matcher.op() == MatchOp::Equal
            && matcher.name() == "__name__"
            && matcher.value() == selector.name
            && !matcher.value().is_empty()
    };
    let mut texts: Vec<String> =
        selector.matchers.iter().filter(|matcher| !is_name(matcher)).map(ToString::to_string).collect();
    if texts.is_empty() {
        return Ok(());
    }
    texts.sort_unstable();
    write!(f, "{{{}}}", texts.join(","))
}

fn extension(f: &mut Formatter<'_>, selector: &VectorSelector) -> fmt::Result {
    match (selector.anchored, selector.smoothed) {
        (true, _) => f.write_str(" anchored"),
        (false, true) => f.write_str(" smoothed"),
        (false, false) => Ok(()),
    }
}

/// `[5m:1m] @ 1.000 offset 1m`
pub(super) fn subquery_suffix(f: &mut impl fmt::Write, subquery: &Subquery) -> fmt::Result {
    f.write_str("[")?;
    duration(f, subquery.range_ms, subquery.range_expr.as_deref())?;
    f.write_str(":")?;
    if subquery.step_ms != 0 {
        f.write_str(&format_duration(subquery.step_ms))?;
    } else if let Some(step) = &subquery.step_expr {
        write!(f, "{step}")?;
    }
    f.write_str("]")?;
    at(f, &subquery.shift)?;
    offset(f, &subquery.shift)
}

fn duration(f: &mut impl fmt::Write, ms: i64, expr: Option<&DurationExpr>) -> fmt::Result {
    match expr {
        Some(expr) => write!(f, "{expr}"),
        None => f.write_str(&format_duration(ms)),
    }
}

fn at(f: &mut impl fmt::Write, shift: &TimeShift) -> fmt::Result {
    match shift.at {
        #[allow(clippy::cast_precision_loss, reason = "Prometheus prints it as a float, too")]
        Some(At::Timestamp(ms)) => write!(f, " @ {:.3}", ms as f64 / 1000.0),
        Some(At::Start) => f.write_str(" @ start()"),
        Some(At::End) => f.write_str(" @ end()"),
        None => Ok(()),
    }
}

fn offset(f: &mut impl fmt::Write, shift: &TimeShift) -> fmt::Result {
    match &shift.offset_expr {
        Some(expr) => write!(f, " offset {expr}"),
        None if shift.offset_ms == 0 => Ok(()),
        None => write!(f, " offset {}", format_duration(shift.offset_ms)),
    }
}

impl Display for DurationExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            DurationExprKind::Number { value, duration } => f.write_str(&number(*value, *duration)),
            DurationExprKind::Step => f.write_str("step()"),
            DurationExprKind::Range => f.write_str("range()"),
            DurationExprKind::Pick { max, short, left, right } => {
                let name = if *max { "max" } else { "min" };
                write!(f, "{name}{}({left}, {right})", if *short { "" } else { "_of" })
            }
            DurationExprKind::Unary { negative, expr } => write!(f, "{}{expr}", if *negative { "-" } else { "" }),
            DurationExprKind::Binary { op, left, right } => write!(f, "{left} {} {right}", op.as_str()),
            DurationExprKind::Paren(inner) => write!(f, "({inner})"),
        }
    }
}
