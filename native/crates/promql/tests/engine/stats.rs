//! Samples loaded and held, as Prometheus counts them (`TestQueryStatistics` of its engine).

use neocortex_model::histogram::{FloatHistogram, Span};
use neocortex_model::labels::Labels;
use neocortex_model::result::SampleStats;
use neocortex_promql::eval::{EvalOptions, evaluate};
use neocortex_promql::parse::{ParseOptions, parse_expr};

use crate::storage::TestStorage;

const SECOND: i64 = 1000;

/// `one`, `three{a, b}` and `histogram`: a sample every 10 seconds, 101 of them.
fn samples() -> TestStorage {
    let mut storage = TestStorage::default();
    let series = [
        Labels::from_pairs([("__name__", "one")]),
        Labels::from_pairs([("__name__", "three"), ("a", "1"), ("b", "1")]),
        Labels::from_pairs([("__name__", "three"), ("a", "2"), ("b", "2")]),
        Labels::from_pairs([("__name__", "three"), ("a", "3"), ("b", "2")]),
    ];
    let histogram = FloatHistogram {
        schema: 1,
        count: 5.0,
        sum: 20.0,
        positive_spans: vec![Span { offset: 0, length: 4 }],
        positive_buckets: vec![1.0, 2.0, 1.0, 1.0],
        ..FloatHistogram::default()
    };
    for i in 0..=100 {
        for labels in &series {
            storage.push_float(labels, i * 10 * SECOND, (i + 1) as f64);
        }
        let labels = Labels::from_pairs([("__name__", "histogram")]);
        storage.push_histogram(&labels, i * 10 * SECOND, histogram.clone());
    }
    storage
}

fn stats(query: &str, options: EvalOptions) -> SampleStats {
    let expr = parse_expr(query, &ParseOptions::default()).expect("the query is valid");
    let options = EvalOptions { per_step_stats: true, ..options };
    evaluate(&expr, &options, &samples()).expect("the query succeeds").stats
}

#[test]
fn instant_queries() {
    for (query, at, total, peak) in [
        ("\"literal\"", 21, 0, 0),
        ("1", 21, 0, 1),
        ("one", 21, 1, 1),
        ("histogram", 21, 13, 13),
        ("timestamp(one)", 21, 1, 2),
        ("timestamp(histogram)", 21, 1, 2),
        ("one offset 10s", 21, 1, 1),
        ("one @ 15", 21, 1, 1),
        ("three{a=\"1\"}[20s] @ 19", 21, 2, 2),
        ("three", 21, 3, 3),
        ("one[60s]", 201, 6, 6),
        ("histogram[60s]", 201, 78, 78),
        ("max_over_time(one[60s])[20s:5s]", 201, 24, 10),
        ("max_over_time(one[61s])[20s:5s]", 201, 26, 11),
        ("max_over_time(histogram[60s])[20s:5s]", 201, 312, 78),
        ("one[60s] @ 30", 201, 4, 4),
        ("sum(max_over_time(three[60s] @ 30))", 201, 12, 7),
        ("sum by (b) (max_over_time(three[60s] @ 30))", 201, 12, 7),
        ("one[60s] offset 10s", 201, 6, 6),
        ("three[60s]", 201, 18, 18),
        ("max_over_time(one[60s])", 201, 6, 7),
        ("absent_over_time(one[60s])", 201, 6, 7),
        ("max_over_time(three[60s])", 201, 18, 9),
        ("one[60s:5s]", 201, 12, 12),
        // As a Cortex 1.21 counts them.
        ("count_values(\"v\", three)", 201, 3, 7),
        ("label_replace(three, \"x\", \"\", \"\", \"\")", 201, 3, 3),
        ("label_join(three, \"x\", \"-\", \"a\")", 201, 3, 3),
        ("max_over_time(three[60s:5s])", 201, 36, 51),
        ("sum(max_over_time(three[60s:5s])) + sum(max_over_time(three[60s:5s]))", 201, 72, 52),
    ] {
        let found = stats(query, EvalOptions::instant(at * SECOND));
        assert_eq!((found.total_queryable_samples, found.peak_samples), (total, peak), "{query}");
        assert_eq!(found.per_step, [(at * SECOND, total)], "{query}");
    }
}

#[test]
fn range_queries() {
    for (query, start, end, step, per_step, peak) in [
        ("three{a=\"1\"}", 201, 220, 5, [1, 1, 1, 1], 4),
        ("three{a=\"1\"}", 204, 223, 5, [1, 1, 1, 1], 4),
        ("histogram", 204, 223, 5, [13, 13, 13, 13], 52),
        ("timestamp(one)", 201, 220, 5, [1, 1, 1, 1], 5),
        ("timestamp(histogram)", 201, 220, 5, [1, 1, 1, 1], 5),
        ("max_over_time(three{a=\"1\"}[10s])", 991, 1021, 10, [1, 1, 0, 0], 2),
        ("max_over_time(three[60s] @ 30)", 201, 220, 5, [12, 12, 12, 12], 12),
        ("three", 201, 220, 5, [3, 3, 3, 3], 12),
        ("1", 201, 220, 5, [0, 0, 0, 0], 4),
        ("time()", 201, 220, 5, [0, 0, 0, 0], 4),
        ("max_over_time(three[60s])", 201, 220, 5, [18, 18, 18, 18], 18),
        ("max_over_time(three[60s:5s])", 201, 216, 5, [36, 36, 36, 36], 69),
        ("max_over_time(three[60s:5s])", 201, 220, 5, [36, 36, 36, 36], 69),
        ("sum by (b) (max_over_time(one[60s:5s]))", 201, 216, 5, [12, 12, 12, 12], 31),
        ("sum(max_over_time(three[60s:5s])) + sum(max_over_time(one[60s:5s]))", 201, 216, 5, [48, 48, 48, 48], 69),
    ] {
        let found = stats(query, EvalOptions::range(start * SECOND, end * SECOND, step * SECOND));
        let counts: Vec<u64> = found.per_step.iter().map(|(_, count)| *count).collect();
        assert_eq!(counts, per_step, "{query}");
        assert_eq!(found.total_queryable_samples, per_step.iter().sum::<u64>(), "{query}");
        assert_eq!(found.peak_samples, peak, "{query}");
    }
}
