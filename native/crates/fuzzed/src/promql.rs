//! Queries.

use std::sync::LazyLock;

use neocortex_promql::parse::ast::Expr;
use neocortex_promql::parse::{ParseOptions, ast_json, parse_expr, parse_metric_selector, pretty};
use neocortex_promql::{EvalOptions, Features, evaluate, selections};
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde_json::Value;

use crate::promql_data::{END_MS, Fixed};

/// A query, read, printed, and read again as it was.
///
/// Text with two zero bytes is a short way to deep queries: what opens, what is inside, what closes, the outer two as often as
/// eight times the first byte says.
pub fn parse(input: &[u8]) {
    let Some((times, text)) = input.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let parts: Vec<&str> = text.splitn(3, '\0').collect();
    let query = match parts[..] {
        [open, inside, close] => {
            let times = usize::from(*times) * 8;
            format!("{}{inside}{}", open.repeat(times), close.repeat(times))
        }
        _ => text.to_owned(),
    };
    for options in [ParseOptions::default(), ParseOptions::everything()] {
        reads_as_printed(&query, &options);
    }
    let _ = parse_metric_selector(&query);
}

fn reads_as_printed(query: &str, options: &ParseOptions) {
    let expr = match parse_expr(query, options) {
        Ok(expr) => expr,
        Err(errors) => {
            assert!(!errors.to_string().is_empty());
            return;
        }
    };
    let printed = expr.to_string();
    for text in [&printed, &pretty::prettify(&expr)] {
        let again = parse_expr(text, options).unwrap_or_else(|errors| panic!("{query:?} printed {text:?}: {errors}"));
        assert_eq!(again.to_string(), printed, "{query:?} printed {text:?}");
        assert_eq!(tree(&again), tree(&expr), "{query:?} printed {text:?}");
    }
}

/// A tree without places, and without what is not printed: the order of matchers, a plus before a duration. `None` of one that
/// is too deep to be compared.
fn tree(expr: &Expr) -> Option<Value> {
    let mut tree = serde_json::from_str(&ast_json::to_json(expr)).ok()?;
    simplify(&mut tree);
    Some(tree)
}

fn simplify(tree: &mut Value) {
    match tree {
        Value::Object(fields) => {
            fields.values_mut().for_each(simplify);
            if let Some(Value::Array(matchers)) = fields.get_mut("matchers") {
                matchers.sort_by_key(Value::to_string);
            }
        }
        Value::Array(all) => all.iter_mut().for_each(simplify),
        _ => {}
    }
    if tree["type"] == "durationExpr" && tree["op"] == "+" && tree["lhs"].is_null() {
        *tree = tree["rhs"].take();
    }
}

const MAX_QUERY_BYTES: usize = 2048;

const MAX_SAMPLES: u64 = 20_000;

/// A query evaluated on a few fixed series: the answer does not depend on the number of threads.
///
/// The bits of the first byte: all features, an instant query, an uneven step, few annotations.
pub fn eval(input: &[u8]) {
    let Some((switches, query)) = input.split_first() else { return };
    let Ok(query) = std::str::from_utf8(query) else { return };
    if query.len() > MAX_QUERY_BYTES {
        return;
    }
    let is_on = |bit: u8| switches & 1 << bit != 0;
    let features = if is_on(0) { Features::all() } else { Features::default() };
    let mut grammar = ParseOptions { extended_range_functions: is_on(0), ..ParseOptions::default() };
    features.extend_parser(&mut grammar);
    let Ok(expr) = parse_expr(query, &grammar) else { return };
    let mut options = match (is_on(1), is_on(2)) {
        (true, _) => EvalOptions::instant(END_MS / 2),
        (false, true) => EvalOptions::range(-7, END_MS + 60_000, 77_777),
        (false, false) => EvalOptions::range(0, END_MS, 30_000),
    };
    features.extend_evaluation(&mut options);
    options.max_samples = MAX_SAMPLES;
    options.max_annotations = if is_on(3) { 1 } else { 0 };
    options.per_step_stats = true;
    query.clone_into(&mut options.query);
    let _ = selections(&expr, &options.times(), options.lookback_delta_ms, options.default_subquery_step_ms);
    // As text, in which NaNs are equal.
    let answer = |threads: &ThreadPool| format!("{:?}", threads.install(|| evaluate(&expr, &options, &*DATA)));
    assert_eq!(answer(&ONE), answer(&THREE));
}

static DATA: LazyLock<Fixed> = LazyLock::new(Fixed::new);

static ONE: LazyLock<ThreadPool> = LazyLock::new(|| threads(1));

static THREE: LazyLock<ThreadPool> = LazyLock::new(|| threads(3));

fn threads(count: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(count).build().expect("threads can be started")
}
