//! What holds for all data.

use neocortex_model::labels::Labels;
use neocortex_model::result::QueryValue;
use neocortex_model::sample::stale_nan;
use neocortex_promql::parse::{ParseOptions, parse_expr};
use neocortex_promql::{EvalOptions, evaluate};
use proptest::prelude::*;

use crate::storage::TestStorage;

const LOOKBACK: i64 = 50;

fn storage(samples: &[(i64, f64)]) -> TestStorage {
    let mut storage = TestStorage::default();
    let labels = Labels::from_pairs([("__name__", "x")]);
    samples.iter().for_each(|(t, v)| storage.push_float(&labels, *t, *v));
    storage
}

/// The points of the only series of a range query; none when there is no series.
fn points(query: &str, options: &EvalOptions, storage: &TestStorage) -> Vec<(i64, f64)> {
    let expr = parse_expr(query, &ParseOptions::default()).expect("the query is valid");
    match evaluate(&expr, options, storage).expect("the query succeeds").value {
        QueryValue::Matrix(mut series) => series.pop().map(|series| series.floats).unwrap_or_default(),
        other => panic!("not a matrix: {other:?}"),
    }
}

/// Ascending samples, some of them stale.
fn samples() -> impl Strategy<Value = Vec<(i64, f64)>> {
    prop::collection::vec((1i64..30, 0u8..8, -1e6..1e6f64), 0..60).prop_map(|rows| {
        let mut t = 0;
        rows.into_iter()
            .map(|(gap, kind, v)| {
                t += gap;
                (t, if kind == 0 { stale_nan() } else { v })
            })
            .collect()
    })
}

fn is_stale(v: f64) -> bool {
    v.to_bits() == stale_nan().to_bits()
}

proptest! {
    /// The value is that of the last sample within the lookback, left end exclusive, unless that is a staleness marker.
    #[test]
    fn instant_selectors_look_back(samples in samples(), start in 0i64..100, step in 1i64..40, offset in -40i64..40) {
        let options = EvalOptions { lookback_delta_ms: LOOKBACK, ..EvalOptions::range(start, start + 500, step) };
        let expected: Vec<(i64, f64)> = (start..=start + 500)
            .step_by(step as usize)
            .filter_map(|t| {
                let at = t - offset;
                let last = samples.iter().rev().find(|(sampled, _)| *sampled <= at)?;
                (last.0 > at - LOOKBACK && !is_stale(last.1)).then_some((t, last.1))
            })
            .collect();
        let query = format!("x offset {offset}ms");
        prop_assert_eq!(points(&query, &options, &storage(&samples)), expected);
    }

    /// A window holds the samples after its left end up to its right end, without staleness markers.
    #[test]
    fn windows_slide(samples in samples(), start in 0i64..100, step in 1i64..40, range in 1i64..120) {
        let options = EvalOptions::range(start, start + 500, step);
        let expected: Vec<(i64, f64)> = (start..=start + 500)
            .step_by(step as usize)
            .filter_map(|t| {
                let inside = |sampled: i64| sampled > t - range && sampled <= t;
                let count = samples.iter().filter(|(sampled, v)| inside(*sampled) && !is_stale(*v)).count();
                (count > 0).then_some((t, count as f64))
            })
            .collect();
        let query = format!("count_over_time(x[{range}ms])");
        prop_assert_eq!(points(&query, &options, &storage(&samples)), expected);
    }

    /// A subquery of an instant selector sees the same values as the selector at the multiples of the step.
    #[test]
    fn subqueries_see_the_selector(samples in samples(), at in 100i64..600, range in 1i64..200, step in 1i64..50) {
        let storage = storage(&samples);
        let lookback = |options| EvalOptions { lookback_delta_ms: LOOKBACK, ..options };
        let first = (at - range).div_euclid(step) * step + step;
        let direct = if first > at {
            Vec::new()
        } else {
            points("x", &lookback(EvalOptions::range(first, at, step)), &storage)
        };
        let query = format!("x[{range}ms:{step}ms]");
        let expr = parse_expr(&query, &ParseOptions::default()).expect("the query is valid");
        let found = evaluate(&expr, &lookback(EvalOptions::instant(at)), &storage).expect("the query succeeds").value;
        let QueryValue::Matrix(mut series) = found else { panic!("not a matrix") };
        prop_assert_eq!(series.pop().map(|series| series.floats).unwrap_or_default(), direct);
    }

    /// Sums are the same, bit by bit, on any number of threads.
    #[test]
    fn threads_do_not_change_sums(values in prop::collection::vec(-1e300..1e300f64, 1..600)) {
        let mut storage = TestStorage::default();
        for (i, v) in values.iter().enumerate() {
            let labels = Labels::from_pairs([("__name__", "x"), ("i", &i.to_string())]);
            storage.push_float(&labels, 1, *v);
        }
        let sums = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start");
            let options = EvalOptions::range(1, 3, 1);
            pool.install(|| ["sum(x)", "avg(x)", "stddev(x)"].map(|query| points(query, &options, &storage)))
        };
        prop_assert_eq!(format!("{:?}", sums(1)), format!("{:?}", sums(3)));
    }
}
