//! Samples that come out of order, within the window and beyond it, against a map of what must be there.

use std::collections::BTreeMap;
use std::sync::Arc;

use neocortex_model::histogram::{CounterReset, Histogram, Span};
use neocortex_model::matchers::{MatchOp, Matcher};
use neocortex_model::sample::{HistogramValue, Samples, stale_nan};
use neocortex_model::series::{Queryable, SelectHints, Series};
use proptest::prelude::*;

use super::model::{Write, rows};
use super::{Fixture, Rows, text};
use crate::head::{AppendErrorKind, SeriesLimits};
use crate::tsdb::Options;

const A: &[(&str, &str)] = &[("__name__", "a")];
const B: &[(&str, &str)] = &[("__name__", "b")];

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// A whole number of ranges of two hours.
pub(crate) const START_MS: i64 = 236_111 * 2 * HOUR_MS;

fn read(series: &dyn Series) -> Vec<(i64, f64)> {
    let mut samples = Samples::default();
    series.read(i64::MIN, i64::MAX, &mut samples).unwrap();
    let value = |i: usize| samples.histogram(i).map_or(samples.v[i], |h| h.sum);
    (0..samples.len()).map(|i| (samples.t[i], value(i))).collect()
}

fn select(f: &Fixture, start_ms: i64, end_ms: i64) -> Vec<Arc<dyn Series>> {
    let hints = SelectHints { start_ms, end_ms, ..SelectHints::default() };
    f.tsdb.select(&[Matcher::new(MatchOp::Regex, "__name__", ".+").unwrap()], &hints).unwrap()
}

fn histogram(i: i64) -> HistogramValue {
    HistogramValue::Integer(Histogram {
        count: i as u64,
        sum: i as f64,
        schema: 1,
        positive_spans: vec![Span { offset: 0, length: 1 }],
        positive_buckets: vec![i],
        ..Histogram::default()
    })
}

#[test]
fn the_window_decides_what_is_taken() {
    let f = Fixture::new();
    let now = START_MS + 10 * HOUR_MS;
    f.append(&Rows::default().row(A).float(now, 10.0));
    let window = 30 * MINUTE_MS;
    // Within the window, at its end, and beyond; the last one is out of bounds as well.
    let late = Rows::default().row(A);
    let late =
        late.float(now - 1, 9.0).float(now - window, 5.0).float(now - window - 1, 4.0).float(now - 9 * HOUR_MS, 1.0);
    let appended = f.append_within(window, &late);
    assert_eq!((appended.samples, appended.failed_samples), (2, 2));
    assert_eq!(appended.discarded.of(AppendErrorKind::TooOld), 2);
    assert_eq!(AppendErrorKind::TooOld.reason(), Some("sample-too-old"));
    assert_eq!(text(&appended), r#"err: too old sample. timestamp=2023-11-15T07:29:59.999Z, series={__name__="a"}"#);
    assert_eq!(f.contents()[0].1, [(now - window, 5.0), (now - 1, 9.0), (now, 10.0)]);
    // Without a window it is as ever.
    let appended = f.append(&late);
    assert_eq!(appended.discarded.of(AppendErrorKind::OutOfOrder), 3);
    assert_eq!(appended.discarded.of(AppendErrorKind::OutOfBounds), 1);

    let stats = f.tsdb.stats();
    assert_eq!((stats.out_of_order_samples, stats.too_old_samples, stats.out_of_bound_samples), (3, 2, 1));
    assert_eq!((stats.out_of_order_floats_appended, stats.float_samples_appended), (2, 3));
    // Twice each of the first three, once nine hours: out of bounds they are not looked at any closer.
    assert_eq!(stats.out_of_order_delta.counts(), [2, 2, 2, 0, 0, 0, 1, 0]);
    assert_eq!(stats.chunks, 2);
    assert_eq!((stats.min_t, stats.max_t), (now, now), "the head's own range is that of what is in order");
}

#[test]
fn a_new_series_may_begin_out_of_order() {
    let mut f = Fixture::new();
    let now = START_MS + 10 * HOUR_MS;
    f.append(&Rows::default().row(A).float(now, 1.0));
    let appended = f.append_within(3 * HOUR_MS, &Rows::default().row(B).float(now - 2 * HOUR_MS, 2.0));
    assert_eq!((appended.samples, appended.new_series), (1, 1));
    let expected = vec![(now - 2 * HOUR_MS, 2.0)];
    assert_eq!(f.contents()[1].1, expected);
    // It is found by its time, and its labels are there.
    assert_eq!(select(&f, now - 2 * HOUR_MS, now - 2 * HOUR_MS).len(), 1);
    assert_eq!(f.tsdb.label_values("__name__", &[]).unwrap(), ["a", "b"]);
    // Blocks of the other series do not take it along.
    f.append(&Rows::default().row(A).float(now + 4 * HOUR_MS, 1.0));
    f.crash_and_reopen();
    assert_eq!(f.contents()[1].1, expected);
    // In order it goes on beside that.
    f.append(&Rows::default().row(B).float(now + 4 * HOUR_MS, 3.0));
    assert_eq!(f.contents()[1].1.len(), 2);
}

#[test]
fn what_is_behind_within_one_request_is_taken_too() {
    let mut f = Fixture::new();
    let now = START_MS + HOUR_MS;
    let request =
        Rows::default().row(A).float(now, 1.0).float(now - 1000, 2.0).float(now, 9.0).row(A).float(now - 500, 3.0);
    let appended = f.append_within(HOUR_MS, &request);
    assert_eq!((appended.samples, appended.first_error), (4, None));
    let expected = [(now - 1000, 2.0), (now - 500, 3.0), (now, 1.0)];
    assert_eq!(f.contents()[0].1, expected);
    f.crash_and_reopen();
    assert_eq!(f.contents()[0].1, expected);
}

#[test]
fn the_first_of_a_time_stays() {
    let mut f = Fixture::with(Options { out_of_order_cap: 4, ..Options::default() });
    let now = START_MS + HOUR_MS;
    f.append(&Rows::default().row(A).float(now - 50, 0.0));
    f.append(&Rows::default().row(A).float(now, 0.0));
    for round in 0..3 {
        for i in 1..10 {
            let value = f64::from(round * 100) + f64::from(i);
            let appended = f.append_within(HOUR_MS, &Rows::default().row(A).float(now - i64::from(i) * 10, value));
            assert_eq!((appended.samples, appended.first_error), (1, None));
        }
    }
    let first = |i: i64| if i == 5 || i == 0 { 0.0 } else { i as f64 };
    let expected: Vec<(i64, f64)> = (0..10).rev().map(|i| (now - i * 10, first(i))).collect();
    assert_eq!(f.contents()[0].1, expected);
    f.crash_and_reopen();
    assert_eq!(f.contents()[0].1, expected);
    f.tsdb.flush().unwrap();
    assert_eq!(f.contents()[0].1, expected);
    f.crash_and_reopen();
    assert_eq!(f.contents()[0].1, expected);
}

#[test]
fn histograms_keep_their_kind_and_forget_resets() {
    let mut f = Fixture::with(Options { out_of_order_cap: 5, native_histograms: true, ..Options::default() });
    let now = START_MS + HOUR_MS;
    for i in 0..30 {
        f.append(&Rows::default().row(A).histogram(now + i * 1000, histogram(i)));
    }
    for i in (0..30).rev().step_by(2) {
        f.append_within(HOUR_MS, &Rows::default().row(A).histogram(now + i * 1000 - 500, histogram(i)));
    }
    // A float among them, and a staleness marker, which takes the kind of the series.
    f.append_within(HOUR_MS, &Rows::default().row(A).float(now + 200, 7.0).float(now + 300, stale_nan()));
    let check = |f: &Fixture| {
        let mut samples = Samples::default();
        select(f, i64::MIN, i64::MAX)[0].read(i64::MIN, i64::MAX, &mut samples).unwrap();
        assert_eq!(samples.len(), 30 + 15 + 2);
        for i in 0..samples.len() {
            let (t, h) = (samples.t[i] - now, samples.histogram(i));
            assert_eq!(h.is_none(), t == 200);
            if let Some(h) = h.filter(|_| t != 300) {
                assert_eq!(h.positive_buckets, [h.sum]);
                let between = t % 1000 != 0 || (t > 0 && (t / 1000) % 2 == 1);
                assert!(!between || h.counter_reset == CounterReset::Unknown, "{t}: {:?}", h.counter_reset);
            }
        }
    };
    check(&f);
    f.crash_and_reopen();
    check(&f);
    f.tsdb.flush().unwrap();
    check(&f);
    let samples =
        |f: &Fixture| f.tsdb.blocks().iter().map(|block| block.meta().stats.num_histogram_samples).sum::<u64>();
    assert_eq!(samples(&f), 30 + 15 + 1);
    f.crash_and_reopen();
    check(&f);
}

#[test]
fn a_selection_stays_what_it_was() {
    let f = Fixture::with(Options { out_of_order_cap: 4, retention_ms: 0, ..Options::default() });
    let now = START_MS + 5 * HOUR_MS;
    f.append(&Rows::default().row(A).float(now - 4 * HOUR_MS, 1.0));
    f.append(&Rows::default().row(A).float(now, 2.0));
    for i in 1..10 {
        f.append_within(4 * HOUR_MS, &Rows::default().row(A).float(now - i * 20 * MINUTE_MS, i as f64));
    }
    let before = f.contents();
    let selection = select(&f, i64::MIN, i64::MAX);
    for i in 1..10 {
        f.append_within(4 * HOUR_MS, &Rows::default().row(A).float(now - i * 20 * MINUTE_MS - 1, 100.0));
    }
    assert_eq!(read(&*selection[0]), before[0].1);
    f.tsdb.compact().unwrap();
    assert_eq!(read(&*selection[0]), before[0].1);
    f.tsdb.flush().unwrap();
    assert_eq!(read(&*selection[0]), before[0].1);
    assert_eq!(f.contents()[0].1.len(), before[0].1.len() + 9);
}

#[test]
fn blocks_of_their_own() {
    let mut f = Fixture::with(Options { retention_ms: 0, ..Options::default() });
    for minute in 0..4 * 60 {
        f.append(&Rows::default().row(A).float(START_MS + minute * MINUTE_MS, 1.0));
    }
    // Over three ranges, the oldest before everything else; one series has nothing else.
    let window = 10 * HOUR_MS;
    for (t, v) in [(-HOUR_MS, 1.0), (HOUR_MS + 1, 2.0), (HOUR_MS + 3, 3.0), (3 * HOUR_MS + 1, 4.0)] {
        let mut request = Rows::default().row(A).float(START_MS + t, v);
        if t < 2 * HOUR_MS {
            request = request.row(B).float(START_MS + t, v);
        }
        assert_eq!(f.append_within(window, &request).failed_samples, 0);
    }
    let before = f.contents();
    assert_eq!(f.tsdb.compact().unwrap().created.len(), 1 + 3);
    assert_eq!(f.contents(), before);
    let blocks = f.tsdb.blocks();
    let late: Vec<_> = blocks.iter().filter(|b| b.meta().compaction.is_from_out_of_order()).collect();
    let ranges: Vec<(i64, i64)> =
        late.iter().map(|b| (b.meta().min_time - START_MS, b.meta().max_time - START_MS)).collect();
    assert_eq!(ranges, [(-2 * HOUR_MS, 0), (0, 2 * HOUR_MS), (2 * HOUR_MS, 4 * HOUR_MS)]);
    assert_eq!(late.iter().map(|b| b.meta().stats.num_samples).collect::<Vec<_>>(), [2, 4, 1]);
    assert_eq!(late[0].meta().compaction.hints, ["from-out-of-order"]);
    assert_eq!(late[0].meta().compaction.level, 1);
    let stats = f.tsdb.stats();
    assert_eq!(stats.series, 1, "the series that was only late is in blocks alone");
    // The log of what is in blocks is gone, and its numbers are not used again.
    f.crash_and_reopen();
    assert_eq!(f.contents(), before);
    assert_eq!(f.tsdb.replay_stats().out_of_order_samples, 0);
    // What is in order goes on from the newest block of what is in order.
    assert_eq!(f.append(&Rows::default().row(A).float(START_MS + 4 * HOUR_MS, 1.0)).failed_samples, 0);
    assert_eq!(f.append(&Rows::default().row(B).float(START_MS + 3 * HOUR_MS + 2, 1.0)).failed_samples, 0);
    // There is more to come for the same ranges.
    f.append_within(window, &Rows::default().row(B).float(START_MS + HOUR_MS + 2, 9.0));
    let before = f.contents();
    assert_eq!(f.tsdb.flush().unwrap().created.len(), 2 + 1);
    assert_eq!(f.contents(), before);
    assert_eq!(f.tsdb.stats().series, 0);
    let (open, full) = (f.tsdb.stats().bytes.open_chunks, f.tsdb.stats().chunks);
    assert_eq!((open, full), (0, 0));
}

/// What must be there: of a time the sample that is in order, and else the first one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    samples: BTreeMap<u8, BTreeMap<i64, u8>>,
    /// The newest in-order sample of each series.
    newest: BTreeMap<u8, i64>,
    /// The newest sample of the head.
    head_max_t: Option<i64>,
    /// The end of what is in blocks.
    pub(crate) floor_t: i64,
}

impl Model {
    pub(crate) fn new() -> Self {
        Self { floor_t: i64::MIN, ..Self::default() }
    }

    /// Takes a request; gives the number of samples that are refused.
    pub(crate) fn append(&mut self, writes: &[Write], base: i64, window_ms: i64) -> u64 {
        let before = self.clone();
        let mut base_t = before.head_max_t;
        let mut refused = 0;
        for (series, t, v) in writes {
            let t = base + t;
            let base_t = *base_t.get_or_insert(t);
            let in_bounds = t >= self.floor_t.max(base_t - HOUR_MS);
            let in_window = window_ms > 0 && t >= base_t - window_ms;
            let stored = before.newest.get(series).filter(|newest| **newest >= self.floor_t).copied();
            if in_bounds && stored == Some(t) {
                refused += u64::from(before.samples[series][&t] != *v);
            } else if in_bounds && stored.is_none_or(|stored| t > stored) {
                let newest = self.newest.get(series).copied().filter(|newest| *newest >= self.floor_t);
                if newest.is_none_or(|newest| t > newest) {
                    self.newest.insert(*series, t);
                    self.head_max_t = self.head_max_t.max(Some(t));
                    self.samples.entry(*series).or_default().insert(t, *v);
                } else if newest != Some(t) && in_window {
                    self.samples.entry(*series).or_default().entry(t).or_insert(*v);
                }
            } else if in_window {
                self.samples.entry(*series).or_default().entry(t).or_insert(*v);
            } else {
                refused += 1;
            }
        }
        refused
    }

    /// A start knows of the newest sample only when the head has it.
    fn restart(&mut self) {
        self.head_max_t = self.newest.values().copied().max().filter(|t| *t >= self.floor_t);
    }

    pub(crate) fn contents(&self) -> Vec<(String, Vec<(i64, f64)>)> {
        let one = |(series, samples): (&u8, &BTreeMap<i64, u8>)| {
            let labels = format!(r#"{{__name__="series_{series}", job="test"}}"#);
            (labels, samples.iter().map(|(t, v)| (*t, f64::from(*v))).collect())
        };
        self.samples.iter().map(one).collect()
    }
}

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<Write>, i64),
    Compact,
    Flush,
    Map,
    /// With another capacity of chunks.
    Reopen(usize),
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    // Coarse times, so that many are the same.
    let write = (0..4u8, (-150..20i64).prop_map(|minutes| minutes * MINUTE_MS), any::<u8>());
    prop_oneof![
        16 => (proptest::collection::vec(write, 1..12), 0..40 * MINUTE_MS).prop_map(|(w, pause)| Step::Append(w, pause)),
        3 => Just(Step::Compact),
        1 => Just(Step::Flush),
        3 => Just(Step::Map),
        2 => (1..40usize).prop_map(Step::Reopen),
        2 => Just(Step::Close),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn holds_what_the_model_holds(
        steps in proptest::collection::vec(step(), 1..80),
        window_ms in prop_oneof![Just(0), Just(10 * MINUTE_MS), Just(2 * HOUR_MS), Just(24 * HOUR_MS)],
        out_of_order_cap in 1..40usize,
    ) {
        let options = Options { segment_size: 32 << 10, samples_per_chunk: 8, retention_ms: 0, out_of_order_cap, snapshot_on_close: true, ..Options::default() };
        let mut f = Fixture::with(options);
        let mut model = Model::new();
        let mut base = START_MS;
        for step in &steps {
            match step {
                Step::Append(writes, pause) => {
                    let appended = f.append_within(window_ms, &rows(writes, base));
                    prop_assert_eq!(appended.failed_samples, model.append(writes, base, window_ms));
                    base += pause;
                }
                Step::Compact => {
                    f.tsdb.compact().unwrap();
                }
                Step::Flush => {
                    f.tsdb.flush().unwrap();
                }
                Step::Map => {
                    f.tsdb.map_chunks().unwrap();
                }
                Step::Close => {
                    f.close_and_reopen();
                    model.restart();
                }
                Step::Reopen(cap) => {
                    f.options.out_of_order_cap = *cap;
                    f.crash_and_reopen();
                    prop_assert_eq!(f.tsdb.replay_stats().unknown_out_of_order_refs, 0);
                    model.restart();
                }
            }
            let in_order = f.tsdb.blocks().iter().map(|b| b.meta().clone()).filter(|m| !m.compaction.is_from_out_of_order())
                .map(|m| m.max_time).max().unwrap_or(i64::MIN);
            model.floor_t = model.floor_t.max(in_order);
            prop_assert_eq!(f.contents(), model.contents());
        }
        f.crash_and_reopen();
        prop_assert_eq!(f.contents(), model.contents());
        f.tsdb.flush().unwrap();
        prop_assert_eq!(f.contents(), model.contents());
        let stats = f.tsdb.stats();
        prop_assert_eq!((stats.chunks, stats.bytes.open_chunks), (0, 0));
    }
}

#[test]
fn appends_reads_and_compactions_beside_each_other() {
    let f = Fixture::with(Options { retention_ms: 0, out_of_order_cap: 4, ..Options::default() });
    let limits = SeriesLimits { out_of_order_window_ms: 4 * HOUR_MS, ..SeriesLimits::default() };
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for i in 0..1500i64 {
                // Every other minute in order, the others an hour later.
                let in_order = Rows::default().row(A).float(START_MS + i * 2 * MINUTE_MS, 1.0);
                assert_eq!(f.tsdb.append(&in_order, &limits).unwrap().failed_samples, 0);
                if i >= 30 {
                    let late = Rows::default().row(A).float(START_MS + ((i - 30) * 2 + 1) * MINUTE_MS, 2.0);
                    assert_eq!(f.tsdb.append(&late, &limits).unwrap().failed_samples, 0);
                }
            }
            done.store(true, std::sync::atomic::Ordering::Release);
        });
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Acquire) {
                f.tsdb.compact().unwrap();
            }
        });
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Acquire) {
                f.tsdb.map_chunks().unwrap();
            }
        });
        let mut least = 0;
        while !done.load(std::sync::atomic::Ordering::Acquire) {
            for series in select(&f, i64::MIN, i64::MAX) {
                let samples = read(&*series);
                assert!(samples.len() >= least, "it shrank");
                least = samples.len();
                // No hole before the last hour.
                let late_end = samples.iter().rev().find(|(_, v)| *v == 2.0).map_or(START_MS, |(t, _)| *t);
                let whole = samples.iter().take_while(|(t, _)| *t <= late_end).count();
                assert_eq!(whole as i64, (late_end - START_MS) / MINUTE_MS + 1);
            }
        }
    });
    f.tsdb.flush().unwrap();
    assert_eq!(f.contents()[0].1.len(), 1500 + 1470);
}
