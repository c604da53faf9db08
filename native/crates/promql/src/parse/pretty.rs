//! A tree as several lines of PromQL, as `format_query` returns it (Prometheus `promql/parser/prettier.go`).
//!
//! What fits in a line of 100 bytes stays in one line; what does not is broken at its outermost expression.

use std::fmt::{self, Write};

use super::ast::{Expr, ExprKind};
use super::print::{aggregation, operator, subquery_suffix};

const LONGEST_LINE_BYTES: usize = 100;

/// The query, broken into lines where it is long.
#[must_use]
pub fn prettify(expr: &Expr) -> String {
    let mut out = String::new();
    let written = write_pretty(&mut out, expr, 0, true);
    debug_assert!(written.is_ok(), "writing to a string does not fail");
    out
}

/// Writes an expression at a level of indentation. `indented`: the first line is, too.
fn write_pretty(out: &mut String, expr: &Expr, level: usize, indented: bool) -> fmt::Result {
    let first = if indented { level } else { 0 };
    match &expr.kind {
        ExprKind::Unary { op, expr: operand } => {
            indent(out, first);
            out.push_str(op.as_str());
            write_pretty(out, operand, level, false)
        }
        // Prometheus does not indent subqueries that fit.
        ExprKind::Subquery(_) if fits(expr) => write!(out, "{expr}"),
        ExprKind::Subquery(subquery) => {
            write_pretty(out, &subquery.expr, level, indented)?;
            subquery_suffix(out, subquery)
        }
        ExprKind::Binary(binary) if !fits(expr) => {
            write_pretty(out, &binary.left, level + 1, indented)?;
            out.push('\n');
            indent(out, level);
            operator(out, binary)?;
            out.push('\n');
            write_pretty(out, &binary.right, level + 1, true)
        }
        ExprKind::Aggregate(aggregate) if !fits(expr) => {
            indent(out, first);
            aggregation(out, aggregate)?;
            let args = aggregate.param.iter().chain([&aggregate.expr]);
            write_arguments(out, args, level)
        }
        ExprKind::Call { func, args } if !fits(expr) => {
            indent(out, first);
            out.push_str(func.name);
            write_arguments(out, args.iter(), level)
        }
        ExprKind::Paren(inner) if !fits(expr) => {
            indent(out, first);
            write_arguments(out, [inner.as_ref()].into_iter(), level)
        }
        _ => {
            indent(out, first);
            write!(out, "{expr}")
        }
    }
}

/// Parentheses with one argument a line.
fn write_arguments<'a>(out: &mut String, args: impl Iterator<Item = &'a Expr>, level: usize) -> fmt::Result {
    out.push_str("(\n");
    for (at, arg) in args.enumerate() {
        out.push_str(if at == 0 { "" } else { ",\n" });
        write_pretty(out, arg, level + 1, true)?;
    }
    out.push('\n');
    indent(out, level);
    out.push(')');
    Ok(())
}

fn indent(out: &mut String, level: usize) {
    for _ in 0..level {
        out.push_str("  ");
    }
}

/// True when the expression is no longer than a line. Printing stops where the line ends, so that this costs the same for
/// expressions of any size.
fn fits(expr: &Expr) -> bool {
    struct Line(usize);

    impl Write for Line {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 = self.0.checked_sub(text.len()).ok_or(fmt::Error)?;
            Ok(())
        }
    }

    write!(Line(LONGEST_LINE_BYTES), "{expr}").is_ok()
}
