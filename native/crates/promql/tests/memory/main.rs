//! Queries made to take much memory take no more than their limit of samples lets.
//!
//! One test: what it measures is what the whole process has allocated.

#[path = "../engine/storage.rs"]
mod storage;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use neocortex_model::labels::Labels;
use neocortex_promql::eval::error::EvalError;
use neocortex_promql::eval::{EvalOptions, evaluate};
use neocortex_promql::parse::{ParseOptions, parse_expr};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use storage::TestStorage;

const SECOND: i64 = 1_000;
const STEPS: i64 = 1_500;
const MAX_SAMPLES: u64 = 200_000;

/// The slots that are always allowed (64 MiB) three times over: an operand, the result of an operation on it, and the answer.
const MOST_BYTES: usize = 192 << 20;

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is handed to the system's allocator; beside it only numbers are counted.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(now, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: `place` is of `alloc` above with the same layout.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// 40 series of 30 samples; their values differ.
fn data() -> TestStorage {
    let mut storage = TestStorage::default();
    for i in 0..40_i64 {
        let number = i.to_string();
        let labels = Labels::from_pairs([("__name__", "m"), ("i", &number), ("x", "ab")]);
        (0..30).for_each(|k| storage.push_float(&labels, k * 60 * SECOND, (i * 1000 + k) as f64));
    }
    storage
}

/// How the query ends, and the bytes that it took at most.
fn cost(storage: &TestStorage, query: &str) -> (Result<(), EvalError>, usize) {
    let expr = parse_expr(query, &ParseOptions::default()).unwrap_or_else(|e| panic!("{query}: {e}"));
    let options = EvalOptions { max_samples: MAX_SAMPLES, ..EvalOptions::range(0, (STEPS - 1) * SECOND, SECOND) };
    let before = NOW.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let end = evaluate(&expr, &options, storage).map(drop);
    (end, PEAK.load(Ordering::Relaxed) - before)
}

/// `of` put into itself so many times, `{}` being its place.
fn nested(of: &str, innermost: &str, times: usize) -> String {
    (0..times).fold(innermost.to_owned(), |inner, _| of.replace("{}", &inner))
}

/// Queries of which each takes far more than the limit unless something counts it.
fn greedy() -> Vec<String> {
    let long = "$1".repeat(2_000);
    vec![
        nested(r#"label_join({}, "x", "", "x", "x")"#, "m", 40),
        nested(r#"label_replace({}, "x", "$1$1", "x", "(.*)")"#, "m", 40),
        nested(&format!(r#"label_replace({{}}, "x", "{long}", "x", "(.*)")"#), "m", 4),
        nested(r#"(count_values("v", vector(time())) or {})"#, r#"count_values("v", vector(time()))"#, 20),
        nested("max_over_time({}[1h:1ms])", "vector(1)", 3),
        nested("max_over_time({}[50s:1ms])", "vector(time())", 10),
        nested("(vector(time()) + on() {})", "max_over_time(vector(time())[100s:1ms])", 5),
    ]
}

/// Random queries of the same parts.
fn any_query() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("m".to_owned()),
        Just("vector(time())".to_owned()),
        Just(r#"count_values("v", vector(time()))"#.to_owned()),
        Just("(-m)".to_owned()),
    ];
    leaf.prop_recursive(6, 24, 2, |inner| {
        let one = (inner.clone(), 0..7_usize).prop_map(|(e, part)| {
            [
                r#"label_join({}, "x", "-", "x", "i", "x")"#,
                r#"label_replace({}, "y", "$1$1$1", "x", "(.*)")"#,
                r#"count_values("w", {})"#,
                "max_over_time({}[100s:7s])",
                "sum by (x) ({})",
                "topk(30, {})",
                "abs({})",
            ][part]
                .replace("{}", &e)
        });
        let two = (inner.clone(), inner, 0..4_usize).prop_map(|(left, right, part)| {
            let operator = ["or", "+ on(i)", "* on(i, v) group_left()", "unless"][part];
            format!("({left} {operator} {right})")
        });
        prop_oneof![one, two]
    })
}

#[test]
fn memory_is_bounded() {
    let storage = data();
    for query in greedy() {
        let (end, bytes) = cost(&storage, &query);
        let shown: String = query.chars().take(200).collect();
        assert_eq!(end, Err(EvalError::TooManySamples), "{shown}");
        assert!(bytes < MOST_BYTES, "{bytes} bytes: {shown}");
    }
    // The same queries each time; a failure prints its own.
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let config = Config { cases: 150, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new_with_rng(config, rng).run(&any_query(), |query| {
        let (_, bytes) = cost(&storage, &query);
        prop_assert!(bytes < MOST_BYTES, "{} bytes", bytes);
        Ok(())
    });
    outcome.unwrap_or_else(|e| panic!("{e}"));
}
