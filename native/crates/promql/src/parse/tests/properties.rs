//! Properties: what is printed reads back as the same tree, and no text is more than a mistake.

use proptest::prelude::*;

use super::super::ast::{DurationExpr, DurationExprKind, Expr, ExprKind, Span, TimeShift};
use super::super::{ParseOptions, ast_json, parse_expr, parse_metric_selector, pretty};

/// Forgets all places, so that trees of different texts compare.
fn without_places(mut expr: Expr) -> Expr {
    forget(&mut expr);
    expr
}

fn forget(expr: &mut Expr) {
    expr.span = Span::default();
    match &mut expr.kind {
        ExprKind::Number { .. } | ExprKind::String(_) => {}
        ExprKind::Paren(inner) | ExprKind::Unary { expr: inner, .. } => forget(inner),
        ExprKind::Binary(binary) => {
            forget(&mut binary.left);
            forget(&mut binary.right);
        }
        ExprKind::Aggregate(aggregate) => {
            forget(&mut aggregate.expr);
            aggregate.param.iter_mut().for_each(forget);
        }
        ExprKind::Call { args, .. } => args.iter_mut().for_each(forget),
        ExprKind::Vector(selector) => {
            forget_shift(&mut selector.shift);
            selector.matchers.sort_by_key(ToString::to_string);
        }
        ExprKind::Matrix(matrix) => {
            matrix.selector_span = Span::default();
            matrix.range_expr.iter_mut().for_each(|d| forget_duration(d));
            forget_shift(&mut matrix.selector.shift);
            matrix.selector.matchers.sort_by_key(ToString::to_string);
        }
        ExprKind::Subquery(subquery) => {
            forget(&mut subquery.expr);
            subquery.range_expr.iter_mut().for_each(|d| forget_duration(d));
            subquery.step_expr.iter_mut().for_each(|d| forget_duration(d));
            forget_shift(&mut subquery.shift);
        }
    }
}

fn forget_shift(shift: &mut TimeShift) {
    shift.offset_expr.iter_mut().for_each(|d| forget_duration(d));
}

/// Also takes off the signs that do not print.
fn forget_duration(duration: &mut DurationExpr) {
    while let DurationExprKind::Unary { negative: false, expr } = &mut duration.kind {
        let inner = DurationExpr { span: expr.span, kind: std::mem::replace(&mut expr.kind, DurationExprKind::Step) };
        *duration = inner;
    }
    duration.span = Span::default();
    match &mut duration.kind {
        DurationExprKind::Number { .. } | DurationExprKind::Step | DurationExprKind::Range => {}
        DurationExprKind::Unary { expr, .. } | DurationExprKind::Paren(expr) => forget_duration(expr),
        DurationExprKind::Pick { left, right, .. } | DurationExprKind::Binary { left, right, .. } => {
            forget_duration(left);
            forget_duration(right);
        }
    }
}

fn one_of(texts: &'static [&'static str]) -> impl Strategy<Value = String> + Clone {
    prop::sample::select(texts).prop_map(str::to_owned)
}

fn duration() -> impl Strategy<Value = String> + Clone {
    one_of(&[
        "5m",
        "90s",
        "1h30m",
        "0.5",
        "(2m + 1m)",
        "step() * 2",
        "max_of(1m, step())",
        "-(5m) + 10m",
        "2 ^ 3",
        "range()",
    ])
}

fn selector() -> impl Strategy<Value = String> + Clone {
    let names = one_of(&["cpu", "job:cpu:rate5m", "sum", "offset", "start", "fill", "by"]);
    let braces = one_of(&["", "{}", "{a=\"b\"}", "{b!~\"c.*\",\"le.gal\"=\"x\\ny\"}", "{__name__!=\"x\", a=`\"`}"]);
    let extension = one_of(&["", "", " anchored", " smoothed"]);
    (names, braces, extension).prop_map(|(name, braces, extension)| format!("{name}{braces}{extension}"))
}

fn shift() -> impl Strategy<Value = String> + Clone {
    one_of(&["", " offset 5m", " offset -90s", " offset (1m + step())", " @ 1.5 offset 1h", " @ start()", " @ end()"])
}

fn vector() -> impl Strategy<Value = String> {
    let plain = (selector(), shift()).prop_map(|(selector, shift)| format!("{selector}{shift}"));
    let ranged = (selector(), duration(), shift()).prop_filter_map("one extension", |(selector, range, shift)| {
        let ranged = selector.replace(" anchored", "").replace(" smoothed", "");
        Some(format!("rate({ranged}[{range}]{shift})"))
    });
    prop_oneof![plain, ranged].prop_recursive(6, 40, 3, |inner| {
        let operators = one_of(&[
            "+",
            "-",
            "*",
            "/",
            "%",
            "^",
            "atan2",
            "==",
            "!= bool",
            "> bool",
            "<=",
            "</",
            ">/",
            "+ on (a, \"b.c\")",
            "* ignoring (x) group_left (y)",
            "/ on () group_right ()",
            "and",
            "or ignoring (q)",
            "unless on (z)",
            "+ fill (0)",
            "- on (a) fill_left (1e6)",
            "* fill_left (-1) fill_right (2)",
        ]);
        let aggregates =
            one_of(&["sum", "avg by (a)", "count without ()", "topk by (sum, \"b.c\") ", "stddev without (a, b)"]);
        prop_oneof![
            (inner.clone(), operators, inner.clone()).prop_map(|(l, op, r)| format!("{l} {op} {r}")),
            inner.clone().prop_map(|e| format!("({e})")),
            inner.clone().prop_map(|e| format!("-{e}")),
            (aggregates, inner.clone()).prop_map(|(op, e)| {
                let param = if op.starts_with("topk") { "5, " } else { "" };
                format!("{op} ({param}{e})")
            }),
            inner.clone().prop_map(|e| format!("label_replace({e}, \"a\", '$1', \"b\", `(.*)`)")),
            (inner.clone(), one_of(&["2", "-0x1F", "5m", "-1h", "1e9", "pi()", "-(1)"]))
                .prop_map(|(e, number)| format!("clamp_max({e}, {number})")),
            (inner, duration(), one_of(&["", "1m", "step()"]), shift())
                .prop_map(|(e, range, step, shift)| format!("max_over_time(({e})[{range}:{step}]{shift})")),
        ]
    })
}

fn token_soup() -> impl Strategy<Value = String> {
    let token = one_of(&[
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "=",
        "=~",
        "!=",
        "==",
        "</",
        "+",
        "-",
        "^",
        "@",
        "and",
        "sum",
        "by",
        "on",
        "bool",
        "group_left",
        "offset",
        "anchored",
        "fill",
        "start",
        "step",
        "max_of",
        "rate",
        "cpu",
        "a:b",
        "1",
        "5m",
        "\"x\"",
        "'",
        "`",
        "#",
        " ",
        "\n",
        "é",
        "\\",
        "\"\\u",
        "[5m]",
        "[5m:",
        "{a=",
        "@ start()",
        "1e",
        "0x",
        "\u{fffd}",
    ]);
    prop::collection::vec(token, 0..20).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn printed_queries_read_back(query in vector()) {
        let options = ParseOptions::everything();
        let read = |text: &str| parse_expr(text, &options).map(without_places).map_err(|e| format!("{text}: {e}"));
        // Some combinations are mistakes of types or set operators; those are not printed.
        if let Ok(expr) = read(&query) {
            let printed = expr.to_string();
            prop_assert_eq!(&read(&printed), &Ok(expr.clone()));
            prop_assert_eq!(&read(&pretty::prettify(&expr)), &Ok(expr.clone()));
            prop_assert_eq!(read(&printed).map(|e| e.to_string()), Ok(printed));
            prop_assert!(ast_json::to_json(&expr).len() > 2);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in prop_oneof![".{0,60}", token_soup()]) {
        for options in [ParseOptions::default(), ParseOptions::everything()] {
            match parse_expr(&text, &options) {
                Ok(expr) => {
                    prop_assert!(expr.span.start <= expr.span.end && expr.span.end as usize <= text.len());
                    let _ = (expr.to_string(), pretty::prettify(&expr), ast_json::to_json(&expr));
                }
                Err(errors) => prop_assert!(!errors.0.is_empty() && !errors.to_string().is_empty()),
            }
        }
        let _ = parse_metric_selector(&text);
    }
}
