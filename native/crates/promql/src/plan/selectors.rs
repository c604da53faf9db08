//! The selectors and subqueries of a query, whatever its times.

use neocortex_model::matchers::Matcher;

use crate::parse::ast::{Expr, ExprKind};

/// The matchers of each selector, in the order of the text.
#[must_use]
pub fn matcher_sets(expr: &Expr) -> Vec<&[Matcher]> {
    let mut found: Vec<&[Matcher]> = Vec::new();
    visit(expr, &mut |expr| match &expr.kind {
        ExprKind::Vector(selector) => found.push(&selector.matchers),
        ExprKind::Matrix(matrix) => found.push(&matrix.selector.matchers),
        _ => {}
    });
    found
}

/// Most steps that one of the subqueries has, its range divided by its step; 0 without subqueries. `default_step_ms` is that
/// of subqueries that name none. Those whose range is a duration expression are not looked at.
#[must_use]
pub fn most_subquery_steps(expr: &Expr, default_step_ms: i64) -> i64 {
    let mut most = 0;
    visit(expr, &mut |expr| {
        if let ExprKind::Subquery(subquery) = &expr.kind {
            let step_ms = if subquery.step_ms == 0 { default_step_ms } else { subquery.step_ms };
            most = most.max(subquery.range_ms / step_ms.max(1));
        }
    });
    most
}

/// Shows every node, in the order of the text.
fn visit<'e>(expr: &'e Expr, see: &mut dyn FnMut(&'e Expr)) {
    see(expr);
    match &expr.kind {
        ExprKind::Number { .. } | ExprKind::String(_) | ExprKind::Vector(_) | ExprKind::Matrix(_) => {}
        ExprKind::Paren(inner) | ExprKind::Unary { expr: inner, .. } => visit(inner, see),
        ExprKind::Binary(binary) => {
            visit(&binary.left, see);
            visit(&binary.right, see);
        }
        ExprKind::Aggregate(aggregate) => {
            if let Some(param) = &aggregate.param {
                visit(param, see);
            }
            visit(&aggregate.expr, see);
        }
        ExprKind::Call { args, .. } => args.iter().for_each(|arg| visit(arg, see)),
        ExprKind::Subquery(subquery) => visit(&subquery.expr, see),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::{ParseOptions, parse_expr};

    #[test]
    fn selectors_are_found_where_durations_have_no_value_yet() {
        let text = "quantile(scalar(a), -(b + sum_over_time(c[step()]))) or max_over_time((1 * d)[5m:step()])";
        let expr = parse_expr(text, &ParseOptions::everything()).unwrap();
        let names: Vec<_> = matcher_sets(&expr).iter().map(|matchers| matchers[0].value()).collect();
        assert_eq!(names, ["a", "b", "c", "d"]);
        assert!(matcher_sets(&parse_expr("1 + time()", &ParseOptions::default()).unwrap()).is_empty());
    }
    #[test]
    fn subqueries_are_counted_by_their_steps() {
        for (text, steps) in [
            ("foo", 0),
            ("max_over_time(foo[10m:1m])", 10),
            ("max_over_time(foo[10m59s:1m])", 10),
            ("max_over_time(foo[10m:])", 20),
            ("max_over_time(max_over_time(foo[1h:1m])[10m:1m]) + foo", 60),
        ] {
            let expr = parse_expr(text, &ParseOptions::default()).unwrap();
            assert_eq!(most_subquery_steps(&expr, 30_000), steps, "{text}");
        }
    }
}
