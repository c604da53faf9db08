//! Series that come and go: what goes leaves nothing behind, and what stays is found all the while.

use std::sync::atomic::{AtomicBool, Ordering};

use neocortex_model::matchers::{MatchOp, Matcher};
use neocortex_model::series::{Queryable, SelectHints};

use super::{Fixture, Rows};

const HOUR: i64 = 3_600_000;
const START: i64 = 1_699_999_200_000;

/// One sample of each of some pods, of which every hundredth lives on from round to round.
fn round(round: i64) -> Rows {
    (0..2000).fold(Rows::default(), |rows, pod| {
        let born = if pod % 100 == 0 { 0 } else { round };
        let name = format!("pod-{born}-{pod}");
        let labels = [("__name__", "up"), ("job", "churn"), ("pod", name.as_str())];
        rows.row(&labels).float(START + round * 2 * HOUR, pod as f64).exemplar(START + round * 2 * HOUR, 1.0, &name)
    })
}

fn pods_of(f: &Fixture, pattern: &str) -> Vec<String> {
    f.tsdb.label_values("pod", &[Matcher::new(MatchOp::Regex, "pod", pattern).unwrap()]).unwrap()
}

#[test]
fn memory_follows_the_series_that_are_there() {
    let f = Fixture::new();
    let mut after_two = 0;
    for n in 0..40 {
        assert_eq!(f.append(&round(n)).failed_samples, 0);
        f.tsdb.compact().unwrap();
        let stats = f.tsdb.stats();
        assert!(stats.series < 4100, "{} series in round {n}", stats.series);
        if n == 2 {
            after_two = stats.bytes.total();
        }
        assert!(n < 2 || stats.bytes.total() < after_two * 3 / 2, "{} bytes after {n} rounds", stats.bytes.total());
    }
    let stats = f.tsdb.stats();
    assert_eq!(stats.series_created, 2000 + 39 * 1980);
    assert!(stats.known_keys <= stats.series);
}

#[test]
fn what_stays_is_found_and_what_comes_back_is_new() {
    let f = Fixture::new();
    for n in 0..4 {
        f.append(&round(n));
    }
    // The head keeps rounds 2 and 3; blocks have the others, and queries see both.
    f.tsdb.compact().unwrap();
    assert_eq!(f.tsdb.stats().series, 20 + 2 * 1980);
    assert_eq!(pods_of(&f, "pod-1-.*").len(), 1980);
    f.append(&round(3));
    assert_eq!(f.tsdb.stats().series, 20 + 2 * 1980, "known series stay known");
    let gone =
        Rows::default().row(&[("__name__", "up"), ("job", "churn"), ("pod", "pod-1-7")]).float(START + 6 * HOUR, 70.0);
    assert_eq!(f.append(&gone).new_series, 1);
    let back = f.contents().into_iter().find(|(labels, _)| labels.contains("pod-1-7\"")).unwrap();
    assert_eq!(back.1, [(START + 2 * HOUR, 7.0), (START + 6 * HOUR, 70.0)]);
    let lasting = f.contents().into_iter().find(|(labels, _)| labels.contains("pod-0-100\"")).unwrap();
    assert_eq!(lasting.1, (0..4).map(|n| (START + n * 2 * HOUR, 100.0)).collect::<Vec<_>>());
}

#[test]
fn selections_made_before_and_during_stay_whole() {
    let f = Fixture::new();
    for n in 0..4 {
        f.append(&round(n));
    }
    let all = [Matcher::new(MatchOp::Equal, "job", "churn").unwrap()];
    let hints = SelectHints { start_ms: i64::MIN, end_ms: i64::MAX, ..SelectHints::default() };
    let count = |selection: Vec<std::sync::Arc<dyn neocortex_model::series::Series>>| {
        let samples = |series: &std::sync::Arc<dyn neocortex_model::series::Series>| {
            let mut out = neocortex_model::sample::Samples::default();
            series.read(i64::MIN, i64::MAX, &mut out).unwrap();
            out.len()
        };
        selection.iter().map(samples).sum::<usize>()
    };
    let before = f.tsdb.select(&all, &hints).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            f.tsdb.compact().unwrap();
            done.store(true, Ordering::Release);
        });
        while !done.load(Ordering::Acquire) {
            assert_eq!(count(f.tsdb.select(&all, &hints).unwrap()), 8000);
            f.append(&round(3));
        }
    });
    assert_eq!(count(before), 8000);
    assert_eq!(count(f.tsdb.select(&all, &hints).unwrap()), 8000);
}
