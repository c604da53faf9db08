//! The evaluator from text to result.

mod properties;
mod stats;
mod storage;

use neocortex_model::labels::Labels;
use neocortex_model::result::{QueryResult, QueryValue, Value};
use neocortex_promql::eval::error::EvalError;
use neocortex_promql::eval::{EvalOptions, evaluate};
use neocortex_promql::parse::{ParseOptions, parse_expr};
use storage::TestStorage;

const MINUTE: i64 = 60_000;

/// `http{job, instance}` from 0 to 10 minutes, a sample a minute: 0, k, 2k, … for the k-th series.
fn http_storage() -> TestStorage {
    let mut storage = TestStorage::default();
    for (k, (job, instance)) in [("api", "0"), ("api", "1"), ("web", "0")].into_iter().enumerate() {
        let labels = Labels::from_pairs([("__name__", "http"), ("job", job), ("instance", instance)]);
        for i in 0..=10 {
            storage.push_float(&labels, i * MINUTE, (i * (k as i64 + 1)) as f64);
        }
    }
    storage
}

fn run(query: &str, options: EvalOptions) -> Result<QueryResult, EvalError> {
    let expr = parse_expr(query, &ParseOptions::default()).expect("the query is valid");
    evaluate(&expr, &EvalOptions { query: query.to_owned(), ..options }, &http_storage())
}

/// An instant query's elements as `labels value`.
fn instant(query: &str) -> Vec<String> {
    match run(query, EvalOptions::instant(10 * MINUTE)).expect("the query succeeds").value {
        QueryValue::Vector(samples) => samples
            .into_iter()
            .map(|sample| match sample.value {
                Value::Float(v) => format!("{} {v}", sample.labels),
                Value::Histogram(h) => format!("{} {h}", sample.labels),
            })
            .collect(),
        QueryValue::Scalar { v, .. } => vec![v.to_string()],
        other => panic!("not an instant vector: {other:?}"),
    }
}

fn refusal(query: &str) -> String {
    run(query, EvalOptions::instant(10 * MINUTE)).expect_err("the query is refused").to_string()
}

/// A range query's series as `labels values`.
fn range(query: &str) -> Vec<String> {
    let options = EvalOptions::range(0, 10 * MINUTE, 5 * MINUTE);
    match run(query, options).expect("the query succeeds").value {
        QueryValue::Matrix(series) => series
            .into_iter()
            .map(|series| {
                let values: Vec<_> = series.floats.iter().map(|(t, v)| format!("{v}@{}", t / MINUTE)).collect();
                format!("{} {}", series.labels, values.join(" "))
            })
            .collect(),
        other => panic!("not a matrix: {other:?}"),
    }
}

#[test]
fn selectors_and_offsets() {
    assert_eq!(
        instant(r#"http{job="api"}"#),
        [r#"{__name__="http", instance="0", job="api"} 10"#, r#"{__name__="http", instance="1", job="api"} 20"#]
    );
    assert_eq!(instant(r#"sum(http offset 5m)"#), ["{} 30"]);
    assert_eq!(instant(r#"sum(http @ 120)"#), ["{} 12"]);
    assert_eq!(range(r#"http{job="web"} @ end()"#), [r#"{__name__="http", instance="0", job="web"} 30@0 30@5 30@10"#]);
}

#[test]
fn lookback_is_exclusive_on_the_left() {
    let at = |t| run("http{job=\"web\"}", EvalOptions::instant(t)).expect("succeeds").value;
    assert_eq!(at(15 * MINUTE), QueryValue::Vector(Vec::new()));
    assert!(matches!(at(15 * MINUTE - 1), QueryValue::Vector(samples) if samples.len() == 1));
}

#[test]
fn arithmetic_and_matching() {
    assert_eq!(instant("1 + 2 * 3"), ["7"]);
    assert_eq!(range("1 + time() / 60"), ["{} 1@0 6@5 11@10"]);
    assert_eq!(
        instant(r#"http{instance="0"} * 2"#),
        [r#"{instance="0", job="api"} 20"#, r#"{instance="0", job="web"} 60"#]
    );
    assert_eq!(
        instant("http > 15"),
        [r#"{__name__="http", instance="0", job="web"} 30"#, r#"{__name__="http", instance="1", job="api"} 20"#]
    );
    assert_eq!(instant("sum(http > bool 15)"), ["{} 2"]);
    assert_eq!(
        instant("http / on (job) group_left sum by (job) (http)"),
        [
            r#"{instance="0", job="api"} 0.3333333333333333"#,
            r#"{instance="0", job="web"} 1"#,
            r#"{instance="1", job="api"} 0.6666666666666666"#
        ]
    );
    assert_eq!(
        refusal("http / on (job) http"),
        "found duplicate series for the match group {job=\"api\"} on the right hand-side of the operation: \
         [{__name__=\"http\", instance=\"1\", job=\"api\"}, {__name__=\"http\", instance=\"0\", job=\"api\"}];\
         many-to-many matching not allowed: matching labels must be unique on one side"
    );
    assert_eq!(
        refusal(r#"http / on (job) http{instance="0"}"#),
        "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
    );
}

#[test]
fn set_operators() {
    assert_eq!(instant(r#"sum(http and http{job="api"})"#), ["{} 30"]);
    assert_eq!(instant(r#"sum(http unless http{job="api"})"#), ["{} 30"]);
    assert_eq!(
        instant(r#"http{job="web"} or vector(1)"#),
        [r#"{__name__="http", instance="0", job="web"} 30"#, "{} 1"]
    );
}

#[test]
fn aggregations() {
    assert_eq!(range("sum by (job) (http)"), [r#"{job="api"} 0@0 15@5 30@10"#, r#"{job="web"} 0@0 15@5 30@10"#]);
    for (query, result) in [
        ("avg(http)", "{} 20"),
        ("count without (instance, job) (http)", "{} 3"),
        ("min(http)", "{} 10"),
        ("max(http)", "{} 30"),
        ("group(http)", "{} 1"),
        ("stdvar(http)", "{} 66.66666666666667"),
        ("quantile(0.5, http)", "{} 20"),
        (r#"count_values("v", http > 25)"#, r#"{v="30"} 1"#),
        ("topk(1, http)", r#"{__name__="http", instance="0", job="web"} 30"#),
        ("bottomk(1, http)", r#"{__name__="http", instance="0", job="api"} 10"#),
        ("limitk(1, http)", r#"{__name__="http", instance="0", job="api"} 10"#),
    ] {
        let options = ParseOptions { experimental_functions: true, ..ParseOptions::default() };
        let expr = parse_expr(query, &options).expect("the query is valid");
        let found = evaluate(&expr, &EvalOptions::instant(10 * MINUTE), &http_storage()).expect("succeeds").value;
        let QueryValue::Vector(samples) = found else { panic!("not a vector") };
        let [sample] = &samples[..] else { panic!("{query}: {samples:?}") };
        let Value::Float(v) = sample.value else { panic!("not a float") };
        assert_eq!(format!("{} {v}", sample.labels), result, "{query}");
    }
}

#[test]
fn limits_and_cancellation() {
    let few = EvalOptions { max_samples: 2, ..EvalOptions::instant(10 * MINUTE) };
    assert_eq!(run("http", few), Err(EvalError::TooManySamples));
    let cancel = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let cancelled = EvalOptions { cancel: Some(cancel), ..EvalOptions::instant(10 * MINUTE) };
    assert_eq!(run("http", cancelled), Err(EvalError::Cancelled));
}

#[test]
fn statistics_count_samples_per_step() {
    let options = EvalOptions { per_step_stats: true, ..EvalOptions::range(0, 10 * MINUTE, 5 * MINUTE) };
    let stats = run("sum(http)", options).expect("succeeds").stats;
    assert_eq!(stats.total_queryable_samples, 9);
    assert_eq!(stats.per_step, [(0, 3), (5 * MINUTE, 3), (10 * MINUTE, 3)]);
}

#[test]
fn a_range_selector_alone_gives_raw_samples() {
    match run(r#"http{job="web"}[2m]"#, EvalOptions::instant(10 * MINUTE)).expect("succeeds").value {
        QueryValue::Matrix(series) => {
            assert_eq!(series[0].floats, [(9 * MINUTE, 27.0), (10 * MINUTE, 30.0)]);
        }
        other => panic!("not a matrix: {other:?}"),
    }
}

#[test]
fn names_drop_at_once_or_at_the_end() {
    let query = r#"label_replace(http{job="web"} * 2, "name", "$1", "__name__", "(.*)")"#;
    let at_once = instant(query);
    assert_eq!(at_once, [r#"{instance="0", job="web"} 60"#]);
    let delayed = EvalOptions { delayed_name_removal: true, ..EvalOptions::instant(10 * MINUTE) };
    let QueryValue::Vector(samples) = run(query, delayed).expect("succeeds").value else { panic!("not a vector") };
    assert_eq!(samples[0].labels.to_string(), r#"{instance="0", job="web", name="http"}"#);
}

#[test]
fn series_that_become_equal_are_refused() {
    let mut storage = TestStorage::default();
    for (name, from) in [("a", 0), ("b", 3)] {
        let labels = Labels::from_pairs([("__name__", name)]);
        (from..from + 3).for_each(|i| storage.push_float(&labels, i * MINUTE, 1.0));
    }
    let eval = |query: &str, options: &EvalOptions| {
        let expr = parse_expr(query, &ParseOptions::default()).expect("the query is valid");
        evaluate(&expr, options, &storage).map(|result| result.value)
    };
    let range = EvalOptions { lookback_delta_ms: MINUTE, ..EvalOptions::range(0, 5 * MINUTE, MINUTE) };
    let QueryValue::Matrix(series) = eval(r#"-{__name__=~"a|b"}"#, &range).expect("they do not overlap") else {
        panic!("not a matrix")
    };
    assert_eq!((series.len(), series[0].floats.len()), (1, 6));
    assert_eq!(eval(r#"rate({__name__=~"a|b"}[2m])"#, &range), Err(EvalError::duplicate_labels()));
    assert_eq!(
        eval(r#"{__name__=~"a|b"} + 1"#, &EvalOptions::range(0, 5 * MINUTE, MINUTE)),
        Err(EvalError::duplicate_labels())
    );
}

#[test]
fn range_queries_need_a_value_a_step() {
    assert_eq!(
        run("http[5m]", EvalOptions::range(0, MINUTE, MINUTE)).expect_err("refused").to_string(),
        "invalid expression type \"range vector\" for range query, must be Scalar or instant Vector"
    );
}

#[test]
fn deep_expressions_fit_on_the_stack() {
    let query = format!("{}http{}", "sum(".repeat(250), ")".repeat(250));
    assert_eq!(instant(&query), ["{} 60"]);
    let query = format!("{}1", "1 + ".repeat(500));
    assert_eq!(instant(&query), ["501"]);
}

#[test]
fn subqueries_are_bounded_before_they_are_made() {
    assert_eq!(
        run("sum_over_time(vector(1)[100y:1ms])", EvalOptions::instant(10 * MINUTE)),
        Err(EvalError::TooManySamples)
    );
}

#[test]
fn fill_and_group_right() {
    let options = ParseOptions::everything();
    for (query, expected) in [
        (
            "sum by (job) (http) + on (job) fill(1) sum by (job) (http{job=\"api\"})",
            vec!["{job=\"api\"} 60", "{job=\"web\"} 31"],
        ),
        (
            "sum by (job) (http) * on (job) group_right http{instance=\"0\"}",
            vec![r#"{instance="0", job="api"} 300"#, r#"{instance="0", job="web"} 900"#],
        ),
    ] {
        let expr = parse_expr(query, &options).expect("the query is valid");
        let found = evaluate(&expr, &EvalOptions::instant(10 * MINUTE), &http_storage()).expect("succeeds").value;
        let QueryValue::Vector(samples) = found else { panic!("not a vector") };
        let found: Vec<_> = samples
            .iter()
            .map(|sample| match sample.value {
                Value::Float(v) => format!("{} {v}", sample.labels),
                Value::Histogram(_) => panic!("not a float"),
            })
            .collect();
        assert_eq!(found, expected, "{query}");
    }
}

/// A storage that refuses to select.
struct Refusing(neocortex_model::series::StorageError);

impl neocortex_model::series::Queryable for Refusing {
    fn select(
        &self,
        _: &[neocortex_model::matchers::Matcher],
        _: &neocortex_model::series::SelectHints,
    ) -> Result<Vec<std::sync::Arc<dyn neocortex_model::series::Series>>, neocortex_model::series::StorageError> {
        Err(self.0.clone())
    }
}

#[test]
fn storage_errors_are_told() {
    use neocortex_model::series::StorageError;
    let expr = parse_expr("sum(http)", &ParseOptions::default()).expect("the query is valid");
    let refused = |error| evaluate(&expr, &EvalOptions::instant(0), &Refusing(error)).expect_err("refused").to_string();
    assert_eq!(refused(StorageError::Limit("too many series".to_owned())), "expanding series: too many series");
    assert_eq!(refused(StorageError::Cancelled), "query was canceled in expression evaluation");
}
