//! Tests of the parser as a whole.

mod properties;
mod tables;

use super::ast::{Expr, ExprKind, Span, ValueType};
use super::resolve::resolve_durations;
use super::{ParseOptions, ast_json, parse_expr, parse_metric_selector, pretty};

fn understood(query: &str) -> Expr {
    parse_expr(query, &ParseOptions::everything()).unwrap_or_else(|e| panic!("{query}: {e}"))
}

fn assert_mistakes(table: &[(&str, &str)], options: &ParseOptions) {
    for (query, text) in table {
        let result = parse_expr(query, options).map(|e| e.to_string());
        assert_eq!(result.map_err(|e| e.to_string()), Err((*text).to_owned()), "{query}");
    }
}

fn assert_printed(table: &[(&str, &str)], options: &ParseOptions) {
    for (query, text) in table {
        let result = parse_expr(query, options).map(|e| e.to_string());
        assert_eq!(result.map_err(|e| e.to_string()), Ok((*text).to_owned()), "{query}");
    }
}

#[test]
fn mistakes_have_the_texts_and_positions_of_prometheus() {
    assert_mistakes(tables::RECORDED, &ParseOptions::default());
    assert_mistakes(tables::MISTAKES, &ParseOptions::default());
    assert_mistakes(
        tables::NEWER_MISTAKES,
        &ParseOptions { extended_range_functions: false, ..ParseOptions::everything() },
    );
}

#[test]
fn queries_print_as_in_prometheus() {
    assert_printed(tables::PRINTED, &ParseOptions::default());
    assert_printed(tables::NEWER_PRINTED, &ParseOptions::everything());
}

#[test]
fn switches_let_functions_be_known() {
    let x = ParseOptions { extended_range_functions: true, ..ParseOptions::default() };
    assert!(parse_expr("xrate(cpu[5m])", &x).is_ok());
    let no_alias = ParseOptions { holt_winters: false, ..ParseOptions::default() };
    let error = parse_expr("holt_winters(cpu[5m], 1, 1)", &no_alias).map_err(|e| e.to_string());
    assert_eq!(error, Err("1:1: parse error: unknown function with name \"holt_winters\"".to_owned()));
    let newer = ParseOptions { newer_syntax: true, ..ParseOptions::default() };
    assert!(parse_expr("first_over_time(cpu[5m])", &newer).is_ok());
    let error = parse_expr("end()", &newer).map_err(|e| e.to_string());
    assert_eq!(error, Err("1:1: parse error: function \"end\" is not enabled".to_owned()));
}

#[test]
fn mistakes_of_types_are_all_found() {
    let Err(errors) = parse_expr("rate(cpu) + sum(1)", &ParseOptions::default()) else { panic!("has two mistakes") };
    let texts: Vec<String> = errors.0.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "1:6: parse error: expected type range vector in call to function \"rate\", got instant vector",
            "1:17: parse error: expected type instant vector in aggregation expression, got scalar",
        ]
    );
    assert_eq!(errors.to_string(), texts[0]);
}

#[test]
fn metric_selectors_are_read_alone() {
    let read = |text: &str| {
        parse_metric_selector(text)
            .map(|matchers| matchers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
            .map_err(|e| e.to_string())
    };
    let texts = [
        ("cpu", Ok("__name__=\"cpu\"")),
        ("sum", Ok("__name__=\"sum\"")),
        ("{}", Ok("")),
        ("{mode=~\".*\"}", Ok("mode=~\".*\"")),
        ("cpu{mode!=\"idle\",\"le.gal\"=\"x\"}", Ok("mode!=\"idle\" \"le.gal\"=\"x\" __name__=\"cpu\"")),
        ("", Err("unknown position: parse error: unexpected end of input")),
        ("cpu[5m]", Err("1:4: parse error: unexpected \"[\"")),
        ("sum(cpu)", Err("1:4: parse error: unexpected \"(\"")),
        ("cpu mem", Err("1:5: parse error: unexpected identifier \"mem\"")),
        ("1", Err("1:1: parse error: unexpected number \"1\"")),
        ("{mode}", Err("1:6: parse error: unexpected \"}\" in label matching, expected label matching operator")),
    ];
    for (text, expected) in texts {
        assert_eq!(read(text), expected.map(str::to_owned).map_err(str::to_owned), "{text}");
    }
}

#[test]
fn places_are_those_of_prometheus() {
    let span = |query: &str| understood(query).span;
    let places = [
        ("  cpu  ", (2, 5)),
        ("cpu{a=\"b\"} offset 5m ", (0, 20)),
        ("cpu[5m] @ start() ", (0, 17)),
        ("sum(cpu)  ", (0, 8)),
        ("sum(cpu) by (a) ", (0, 15)),
        ("-cpu", (0, 4)),
        ("-5m", (0, 3)),
        ("rate(cpu[5m]) / mem", (0, 19)),
        ("(cpu)[5m:1m] offset 1m", (0, 22)),
    ];
    for (query, (start, end)) in places {
        assert_eq!(span(query), Span { start, end }, "{query}");
    }
    // The parser has read on to the outer parenthesis when the aggregation ends.
    let outer = understood("(sum(cpu) )");
    let ExprKind::Paren(inner) = outer.kind else { panic!("is a parenthesis") };
    assert_eq!(inner.span, Span { start: 1, end: 9 });
}

#[test]
fn joins_are_settled() {
    let matching = |query: &str| match understood(query).kind {
        ExprKind::Binary(binary) => binary.matching,
        other => panic!("{other:?}"),
    };
    assert_eq!(matching("a + 1"), None);
    assert!(matching("a and b").is_some_and(|m| m.card == super::ast::Cardinality::ManyToMany));
    assert_eq!(understood("1 + 2").value_type(), ValueType::Scalar);
    assert_eq!(understood("-(1 + a)").value_type(), ValueType::Vector);
}

#[test]
fn long_queries_are_broken_into_lines() {
    let query = "sum by (instance, job) (rate(http_request_duration_seconds_bucket{job=\"api\",code=~\"5..\"}[5m])) / on (job) \
                 group_left (team) topk(5, -histogram_quantile(0.99, some_very_long_metric_name_of_a_histogram_that_goes_on_and_on_bucket)) \
                 > bool (max_over_time(a_long_enough_name_for_a_subquery[1h:5m]))";
    let lines = [
        "    sum by (instance, job) (rate(http_request_duration_seconds_bucket{code=~\"5..\",job=\"api\"}[5m]))",
        "  / on (job) group_left (team)",
        "    topk(",
        "      5,",
        "      -histogram_quantile(0.99, some_very_long_metric_name_of_a_histogram_that_goes_on_and_on_bucket)",
        "    )",
        "> bool",
        "  (max_over_time(a_long_enough_name_for_a_subquery[1h:5m]))",
    ];
    assert_eq!(pretty::prettify(&understood(query)), lines.join("\n"));
    assert_eq!(pretty::prettify(&understood("a+b")), "a + b");
}

#[test]
fn trees_are_json_as_recorded() {
    let json = |query: &str| ast_json::to_json(&understood(query));
    let recorded = concat!(
        r#"{"bool":false,"lhs":{"expr":{"args":[{"anchored":false,"matchers":[{"name":"bar","type":"=","value":"baz"},"#,
        r#"{"name":"__name__","type":"=","value":"foo"}],"name":"foo","offset":0,"range":300000,"smoothed":false,"#,
        r#""startOrEnd":null,"timestamp":null,"type":"matrixSelector"}],"func":{"argTypes":["matrix"],"name":"rate","#,
        r#""returnType":"vector","variadic":0},"type":"call"},"grouping":["job"],"op":"sum","param":null,"#,
        r#""type":"aggregation","without":false},"matching":null,"op":"/","rhs":{"type":"numberLiteral","val":"2"},"#,
        r#""type":"binaryExpr"}"#,
    );
    assert_eq!(json("sum(rate(foo{bar=\"baz\"}[5m]))by(job)/2"), recorded);
    assert_eq!(json("\"<a> & \\n\""), r#"{"type":"stringLiteral","val":"\u003ca\u003e \u0026 \n"}"#);
    let subquery = json("(cpu)[1h:5m] @ end() offset -1m");
    assert!(subquery.contains(r#""offset":-60000,"range":3600000,"startOrEnd":"end","step":300000,"timestamp":null"#));
    let duration = r#""rangeExpr":{"lhs":null,"op":"step","rhs":null,"type":"durationExpr","wrapped":false}"#;
    assert!(json("cpu[step()]").contains(duration));
}

#[test]
fn duration_expressions_have_values() {
    let printed = |query: &str| {
        let mut expr = understood(query);
        resolve_durations(&mut expr, 15_000, 3_600_000).map(|()| match expr.kind {
            ExprKind::Matrix(matrix) => (matrix.range_ms, matrix.selector.shift.offset_ms),
            ExprKind::Subquery(subquery) => (subquery.range_ms, subquery.step_ms),
            other => panic!("{other:?}"),
        })
    };
    assert_eq!(printed("cpu[2m + 3m]"), Ok((300_000, 0)));
    assert_eq!(printed("cpu[step() * 4] offset -(1m)"), Ok((60_000, -60_000)));
    assert_eq!(printed("cpu[range() * 1:max_of(step(), 10s)]"), Ok((3_600_000, 15_000)));
    assert_eq!(printed("cpu[2 ^ 3 ^ 2]"), Ok((512_000, 0)));
    let error = |query: &str| printed(query).map_err(|e| e.to_string());
    assert_eq!(error("cpu[1m - 2m]"), Err("4:11: duration must be greater than 0".to_owned()));
    assert_eq!(error("cpu[1m / (step() - 15)]"), Err("4:21: division by zero".to_owned()));
    assert_eq!(error("cpu[(0 - 1) ^ 0.5]"), Err("5:17: duration is NaN or infinite".to_owned()));
    assert_eq!(error("cpu[1y * 1000]"), Err("4:13: duration is out of range".to_owned()));
}

/// Runs with a stack smaller than that of any thread of the server.
fn with_small_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(test);
    assert!(thread.is_ok_and(|handle| handle.join().is_ok()));
}

#[test]
fn deep_nesting_is_a_mistake_and_no_crash() {
    with_small_stack(|| {
        let repeated =
            |open: &str, close: &str, times: usize| format!("{}1{}", open.repeat(times), close.repeat(times));
        let forms = [("(", ")"), ("-(", ")"), ("abs(", ")"), ("1^", ""), ("1+", ""), ("sum by (a) (", ")"), ("a[", "")];
        for (open, close) in forms {
            let query = repeated(open, close, 1_000_000);
            assert!(parse_expr(&query, &ParseOptions::everything()).is_err(), "{open}");
        }
        for times in [100, 250] {
            assert!(parse_expr(&repeated("(", ")", times), &ParseOptions::default()).is_ok());
            assert!(parse_expr(&repeated("1 + ", "", 2 * times), &ParseOptions::default()).is_ok());
        }
        for (open, close) in [("(", ")"), ("-(", ")"), ("1^", ""), ("1+", ""), ("max_of(1,", ")")] {
            let query = format!("a[{}]", repeated(open, close, 1_000_000));
            assert!(parse_expr(&query, &ParseOptions::everything()).is_err(), "[{open}");
        }
        let text = parse_expr(&repeated("(", ")", 1000), &ParseOptions::default()).map_err(|e| e.to_string());
        assert_eq!(text, Err("1:257: parse error: query is nested deeper than 256 levels".to_owned()));
    });
}

#[test]
fn deep_trees_print_and_drop() {
    with_small_stack(|| {
        let expr = understood(&format!("{}{}a{}", "a + ".repeat(250), "(".repeat(250), ")".repeat(250)));
        assert!(!pretty::prettify(&expr).is_empty());
        assert!(!ast_json::to_json(&expr).is_empty());
    });
}

#[test]
fn long_queries_are_refused() {
    let options = ParseOptions { max_query_bytes: 10, ..ParseOptions::default() };
    assert!(parse_expr("cpu + mem1", &options).is_ok());
    let text = parse_expr("cpu + mem12", &options).map_err(|e| e.to_string());
    assert_eq!(text, Err("1:1: parse error: query is longer than 10 bytes".to_owned()));
}

#[test]
fn large_queries_take_time_in_proportion() {
    let labels: Vec<String> = (0..50_000).map(|i| format!("label_{i}")).collect();
    let labels = labels.join(",");
    let query = format!("a + on ({labels}) group_left ({labels}) b");
    assert!(parse_expr(&query, &ParseOptions::default()).is_err(), "every label is there twice");
    let many = vec!["{}"; 300_000].join(",");
    assert!(parse_expr(&format!("label_join({many})"), &ParseOptions::default()).is_err());
    let matchers = vec!["a=\"b\""; 200_000].join(",");
    assert!(parse_expr(&format!("cpu{{{matchers}}}"), &ParseOptions::default()).is_ok());
}
