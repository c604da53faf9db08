//! The selectors of a query, whatever its times.

use neocortex_model::matchers::Matcher;

use crate::parse::ast::{Expr, ExprKind};

/// The matchers of each selector, in the order of the text.
#[must_use]
pub fn matcher_sets(expr: &Expr) -> Vec<&[Matcher]> {
    let mut found = Vec::new();
    gather(expr, &mut found);
    found
}

fn gather<'e>(expr: &'e Expr, found: &mut Vec<&'e [Matcher]>) {
    match &expr.kind {
        ExprKind::Number { .. } | ExprKind::String(_) => {}
        ExprKind::Paren(inner) | ExprKind::Unary { expr: inner, .. } => gather(inner, found),
        ExprKind::Binary(binary) => {
            gather(&binary.left, found);
            gather(&binary.right, found);
        }
        ExprKind::Aggregate(aggregate) => {
            if let Some(param) = &aggregate.param {
                gather(param, found);
            }
            gather(&aggregate.expr, found);
        }
        ExprKind::Call { args, .. } => args.iter().for_each(|arg| gather(arg, found)),
        ExprKind::Vector(selector) => found.push(&selector.matchers),
        ExprKind::Matrix(matrix) => found.push(&matrix.selector.matchers),
        ExprKind::Subquery(subquery) => gather(&subquery.expr, found),
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
}
