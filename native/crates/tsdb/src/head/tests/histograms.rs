//! Native histograms beside floats.

use neocortex_model::histogram::{FloatHistogram, Histogram, Span};
use neocortex_model::sample::{HistogramValue, Samples, is_stale_nan, stale_nan};
use neocortex_model::series::{Queryable, SelectHints};

use super::{Fixture, Rows, text};
use crate::head::{AppendErrorKind, Limit, SeriesLimits};
use crate::tsdb::Options;

const A: &[(&str, &str)] = &[("__name__", "a")];

fn integer(n: u64) -> HistogramValue {
    HistogramValue::Integer(Histogram {
        schema: 2,
        count: n,
        sum: n as f64,
        positive_spans: vec![Span { offset: 0, length: 1 }],
        positive_buckets: vec![n as i64],
        ..Histogram::default()
    })
}

fn float(n: f64) -> HistogramValue {
    HistogramValue::Float(FloatHistogram {
        schema: 2,
        count: n,
        sum: n,
        positive_spans: vec![Span { offset: 0, length: 1 }],
        positive_buckets: vec![n],
        ..FloatHistogram::default()
    })
}

fn custom(n: u64) -> HistogramValue {
    let HistogramValue::Integer(h) = integer(n) else { unreachable!("integer() makes integers") };
    HistogramValue::Integer(Histogram { schema: -53, custom_values: vec![1.0, 2.0], ..h })
}

#[test]
fn all_kinds_of_one_series_keep_their_order_in_the_log() {
    let mut f = Fixture::new();
    let rows = Rows::default()
        .row(A)
        .float(1, 1.0)
        .histogram(2, integer(2))
        .row(A)
        .float(3, 3.0)
        .histogram(4, float(4.0))
        .histogram(5, integer(5))
        .histogram(6, custom(6))
        .row(A)
        .histogram(7, integer(7))
        .row(A)
        .float(8, 8.0);
    let appended = f.append(&rows);
    assert_eq!((appended.samples, appended.histograms, appended.first_error), (3, 5, None));
    assert_eq!((appended.buckets.counts()[0], appended.buckets.sum()), (5, 5));
    let expected: Vec<(i64, f64)> = (1..=8).map(|i| (i, i as f64)).collect();
    assert_eq!(f.contents()[0].1, expected);
    f.crash_and_reopen();
    assert_eq!(f.contents()[0].1, expected);
    let stats = f.tsdb.replay_stats();
    assert_eq!((stats.samples, stats.histograms, stats.dropped_samples), (3, 5, 0));
}

#[test]
fn many_are_cut_into_chunks_and_come_back() {
    let mut f = Fixture::new();
    for i in 1..400 {
        let other = &[("__name__", "b")];
        f.append(
            &Rows::default()
                .row(A)
                .histogram(i * 15_000, integer(i as u64))
                .row(other)
                .histogram(i * 15_000, float(i as f64)),
        );
    }
    let before = f.contents();
    assert!(f.tsdb.stats().chunks > 2);
    assert_eq!(before[0].1.len(), 399);
    f.crash_and_reopen();
    assert_eq!(f.contents(), before);
}

#[test]
fn duplicates_and_order() {
    let f = Fixture::new();
    f.append(&Rows::default().row(A).histogram(1000, integer(5)));
    let same = f.append(&Rows::default().row(A).histogram(1000, integer(5)));
    assert_eq!((same.histograms, same.first_error), (1, None));
    let other = f.append(&Rows::default().row(A).histogram(1000, integer(6)));
    assert_eq!(text(&other), r#"err: duplicate sample for timestamp. series={__name__="a"}"#);
    let as_float = f.append(&Rows::default().row(A).float(1000, 6.0));
    assert_eq!(
        text(&as_float),
        "err: duplicate sample for timestamp 1000; overrides not allowed: existing is a histogram, new value 6. \
         series={__name__=\"a\"}"
    );
    let older = f.append(&Rows::default().row(A).histogram(999, integer(6)));
    assert_eq!(older.discarded.of(AppendErrorKind::OutOfOrder), 1);
}

#[test]
fn staleness_takes_the_kind_of_what_it_ends() {
    let mut f = Fixture::new();
    let b = &[("__name__", "b")];
    f.append(&Rows::default().row(A).histogram(1000, integer(5)).row(b).histogram(1000, float(5.0)));
    f.append(&Rows::default().row(A).float(2000, stale_nan()).row(b).float(2000, stale_nan()));
    // And within one request.
    f.append(&Rows::default().row(A).histogram(3000, integer(1)).row(A).float(4000, stale_nan()));
    for _ in 0..2 {
        let hints = SelectHints { start_ms: 0, end_ms: 10_000, ..SelectHints::default() };
        for series in f.tsdb.select(&[], &hints).unwrap() {
            let mut samples = Samples::default();
            series.read(0, 10_000, &mut samples).unwrap();
            assert!(samples.histogram(1).is_some_and(|h| is_stale_nan(h.sum)), "{}", series.labels());
            if series.labels().metric_name() == "a" {
                assert!(samples.histogram(3).is_some_and(|h| is_stale_nan(h.sum)));
            }
        }
        f.crash_and_reopen();
    }
}

#[test]
fn not_enabled_means_dropped_in_silence() {
    let f = Fixture::with(Options::default());
    let appended = f.append(&Rows::default().row(A).histogram(1000, integer(5)));
    assert_eq!((appended.histograms, appended.ignored_histograms, appended.first_error), (0, 1, None));
    assert_eq!(f.tsdb.stats().series, 0);
    f.tsdb.set_native_histograms(true);
    assert_eq!(f.append(&Rows::default().row(A).histogram(1000, integer(5))).histograms, 1);
}

#[test]
fn limit_on_histogram_series_counts_the_active_ones() {
    let f = Fixture::new();
    let limits = SeriesLimits { histograms_per_user: Limit::local(1), ..SeriesLimits::default() };
    f.tsdb.append(&Rows::default().row(A).histogram(1000, integer(5)), &limits).unwrap();
    let other = Rows::default().row(&[("__name__", "b")]).histogram(1000, integer(5));
    let appended = f.tsdb.append(&other, &limits).unwrap();
    assert!(
        text(&appended).starts_with("per-user native histogram series limit of 1 exceeded, "),
        "{}",
        text(&appended)
    );
    f.clock.advance(600_000);
    let active = f.tsdb.active_series(crate::Clock::now_ms(&*f.clock) - 300_000);
    assert_eq!((active.total, active.histograms), (0, 0));
    assert_eq!(f.tsdb.append(&other, &limits).unwrap().histograms, 1);
}
