use std::sync::atomic::{AtomicBool, Ordering};

use hashbrown::HashSet;
use neocortex_model::histogram::{Histogram, Span};
use neocortex_model::matchers::{MatchOp, Matcher};
use neocortex_model::sample::{HistogramValue, Samples};
use neocortex_model::series::{Queryable, SelectHints};
use proptest::prelude::*;

use crate::fs::{Fault, FaultyFs, Fs};
use crate::head::SeriesLimits;
use crate::head::tests::model::{Model, Write, rows};
use crate::head::tests::{Fixture, Rows, contents, dir, open};
use crate::tsdb::Options;
use crate::upkeep::Due;

const HOUR_MS: i64 = 3_600_000;

/// A whole number of ranges of two hours.
const START_MS: i64 = 236_111 * 2 * HOUR_MS;

fn options() -> Options {
    Options { segment_size: 32 << 10, samples_per_chunk: 8, retention_ms: 0, ..Options::default() }
}

/// `series` from `from` to `to`, a sample every ten minutes.
fn fill(f: &Fixture, series: u8, from: i64, to: i64) {
    for t in (from..to).step_by(600_000) {
        assert_eq!(f.append(&rows(&[(series, t, (t / 600_000 % 100) as u8)], START_MS)).failed_samples, 0);
    }
}

#[test]
fn two_hours_go_to_a_block_when_the_head_spans_three() {
    let f = Fixture::with(options());
    fill(&f, 1, 0, HOUR_MS);
    fill(&f, 2, 0, 3 * HOUR_MS + 1);
    let before = f.contents();
    assert_eq!(f.tsdb.compact().unwrap(), super::Compacted::default(), "three hours are not more than three");
    fill(&f, 2, 3 * HOUR_MS + 600_000, 3 * HOUR_MS + 700_000);
    let compacted = f.tsdb.compact().unwrap();
    assert_eq!(compacted.created.len(), 1);
    let blocks = f.tsdb.blocks();
    assert_eq!((blocks[0].meta().min_time, blocks[0].meta().max_time), (START_MS, START_MS + 2 * HOUR_MS));
    assert_eq!(blocks[0].meta().stats.num_samples, 6 + 12);
    assert_eq!(blocks[0].meta().compaction.sources, compacted.created);

    let after = f.contents();
    assert_eq!(after[0], before[0]);
    assert!(after[1].1.starts_with(&before[1].1));
    let stats = f.tsdb.stats();
    assert_eq!((stats.series, stats.series_created), (1, 2), "the first series is in the block alone");
    assert_eq!(stats.min_t, START_MS + 2 * HOUR_MS);
    let all = [Matcher::new(MatchOp::Regex, "__name__", ".*").unwrap()];
    for matchers in [&all[..], &[]] {
        assert_eq!(f.tsdb.series(matchers).unwrap().len(), 2);
        assert_eq!(f.tsdb.label_names(matchers).unwrap(), ["__name__", "job"]);
        assert_eq!(f.tsdb.label_values("__name__", matchers).unwrap(), ["series_1", "series_2"]);
    }
    // What is in a block can no longer be written to.
    let late = f.append(&rows(&[(3, 2 * HOUR_MS - 1, 1)], START_MS));
    assert_eq!(late.failed_samples, 1);
    // A series that left the head comes back.
    fill(&f, 1, 4 * HOUR_MS, 4 * HOUR_MS + 1);
    assert_eq!(f.contents()[0].1.len(), 7);
}

#[test]
fn a_flush_leaves_nothing_in_the_head() {
    let mut f = Fixture::with(options());
    fill(&f, 1, 0, 5 * HOUR_MS);
    let before = f.contents();
    assert_eq!(f.tsdb.flush().unwrap().created.len(), 3);
    assert_eq!(f.tsdb.stats().series, 0);
    let stats = f.tsdb.stats().bytes;
    assert_eq!((stats.open_chunks, stats.closed_chunks), (0, 0));
    assert_eq!(f.contents(), before);
    f.crash_and_reopen();
    assert_eq!(f.contents(), before);
    assert_eq!(f.tsdb.flush().unwrap().created, [], "there is nothing more to write");
    // The newest sample is in a block; only later ones are taken.
    let newest = 5 * HOUR_MS - 600_000;
    assert_eq!(f.append(&rows(&[(1, newest, 9)], START_MS)).failed_samples, 1);
    assert_eq!(f.append(&rows(&[(1, newest + 1, 9)], START_MS)).failed_samples, 0);
    assert_eq!(f.contents()[0].1.len(), before[0].1.len() + 1);
}

#[test]
fn the_log_is_replaced_by_a_checkpoint() {
    let mut f = Fixture::with(options());
    let segments = |f: &Fixture| f.fs.list(&dir().join("wal")).unwrap();
    let mut ended = 0;
    for hour in 0..24 {
        // Enough for some segments an hour; series come and go.
        for minute in 0..60 {
            let writes: Vec<Write> =
                (0..30).map(|i| ((hour % 7 * 30 + i) as u8, i64::from(minute) * 60_000, 1)).collect();
            f.append(&rows(&writes, START_MS + i64::from(hour) * HOUR_MS));
        }
        ended += f.tsdb.compact().unwrap().created.len();
        if hour % 5 == 0 {
            let before = f.contents();
            f.crash_and_reopen();
            assert_eq!(f.contents(), before);
        }
    }
    assert_eq!(ended, 11);
    let left = segments(&f);
    let checkpoints: Vec<&String> = left.iter().filter(|name| name.starts_with("checkpoint.")).collect();
    assert_eq!(checkpoints.len(), 1, "{left:?}");
    let last = checkpoints[0].trim_start_matches("checkpoint.");
    assert!(left.iter().filter(|name| !name.starts_with('c')).all(|name| name.as_str() > last), "{left:?}");
    assert!(last > "00000010", "{left:?}");
    assert_eq!(f.contents().iter().map(|(_, samples)| samples.len()).sum::<usize>(), 24 * 60 * 30);
}

#[test]
fn upkeep_is_counted() {
    let f = Fixture::with(Options { retention_ms: HOUR_MS, ..options() });
    for t in (0..9 * HOUR_MS).step_by(60_000) {
        let writes: Vec<Write> = (0..40).map(|series| (series, t, 1)).collect();
        assert_eq!(f.append(&rows(&writes, START_MS)).failed_samples, 0);
    }
    f.tsdb.compact().unwrap();
    f.tsdb.remove_expired(None).unwrap();
    let stats = f.tsdb.upkeep_stats();
    let attempts = [stats.compactions, stats.head_truncations, stats.log_truncations, stats.checkpoints, stats.reloads];
    assert_eq!(attempts.map(|tally| (tally.attempts, tally.failures)), [(3, 0), (3, 0), (1, 0), (1, 0), (1, 0)]);
    assert_eq!(stats.compactions_by_duration.iter().sum::<u64>(), 3);
    assert_eq!((stats.checkpoint_removals.attempts, stats.retentions), (1, 1));

    fill(&f, 1, 9 * HOUR_MS, 12 * HOUR_MS);
    f.tsdb.map_chunks().unwrap();
    f.fs.fail_at(f.fs.calls(), Fault::Full);
    f.tsdb.compact().unwrap_err();
    let stats = f.tsdb.upkeep_stats();
    assert_eq!((stats.compactions.attempts, stats.compactions.failures, stats.head_truncations.attempts), (4, 1, 3));
}

#[test]
fn what_is_due_is_told_until_it_is_done() {
    let f = Fixture::with(Options { retention_ms: 3 * HOUR_MS, ..options() });
    let due = || f.tsdb.due();
    let nothing = Due { mapping: false, compaction: false, removal: false };
    assert_eq!(due(), Due { removal: true, ..nothing }, "an earlier process may have left something");
    f.tsdb.remove_expired(None).unwrap();
    assert_eq!(due(), nothing);
    fill(&f, 1, 0, 2 * HOUR_MS);
    assert_eq!(due(), Due { mapping: true, ..nothing });
    f.tsdb.map_chunks().unwrap();
    assert_eq!(due(), nothing);
    fill(&f, 1, 2 * HOUR_MS, 3 * HOUR_MS + 600_000);
    f.tsdb.map_chunks().unwrap();
    assert_eq!(due(), nothing, "three hours are not more than three");
    fill(&f, 1, 3 * HOUR_MS + 600_000, 3 * HOUR_MS + 700_000);
    assert_eq!(due(), Due { compaction: true, ..nothing });
    let version = f.tsdb.blocks_version();
    f.tsdb.compact().unwrap();
    assert_ne!(f.tsdb.blocks_version(), version);
    assert_eq!(due(), nothing);
    f.clock.set(START_MS + 5 * HOUR_MS);
    assert_eq!(due(), Due { removal: true, ..nothing });
    f.tsdb.remove_expired(Some(&HashSet::new())).unwrap();
    assert_eq!(due(), Due { removal: true, ..nothing }, "it was not shipped");
    f.tsdb.remove_expired(None).unwrap();
    assert_eq!(due(), nothing);
}

#[test]
fn a_series_that_came_back_before_a_start_keeps_both_its_numbers() {
    let mut f = Fixture::with(options());
    fill(&f, 1, 0, 1);
    fill(&f, 99, 0, 4 * HOUR_MS);
    assert_eq!(f.tsdb.compact().unwrap().created.len(), 1);
    assert_eq!(f.tsdb.stats().series, 1, "the series left the head, but not yet the log");
    // It comes back under a second number; the start takes the first one, which the log has too.
    fill(&f, 1, 4 * HOUR_MS, 4 * HOUR_MS + 1);
    f.crash_and_reopen();
    // So much more that the records of both numbers go to a checkpoint.
    for t in (4 * HOUR_MS..5 * HOUR_MS + 60_000).step_by(15_000) {
        let writes: Vec<Write> = (100..250).map(|series| (series, t, 1)).collect();
        assert_eq!(f.append(&rows(&writes, START_MS)).failed_samples, 0);
    }
    assert_eq!(f.tsdb.compact().unwrap().created.len(), 1);
    assert!(f.fs.list(&dir().join("wal")).unwrap().iter().any(|name| name.starts_with("checkpoint.")));
    let before = f.contents();
    f.crash_and_reopen();
    assert!(f.contents() == before);
    assert_eq!(before.iter().find(|(labels, _)| labels.contains("series_1\"")).unwrap().1.len(), 2);
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
fn histograms_and_their_exemplars() {
    let mut f = Fixture::new();
    for i in 0..30 {
        let t = START_MS + i * 600_000;
        let request = Rows::default().row(&[("__name__", "h")]).histogram(t, histogram(i)).exemplar(t, 1.0, "t");
        assert_eq!(f.append(&request).histograms, 1);
    }
    let before = f.contents();
    f.tsdb.compact().unwrap();
    assert_eq!(f.tsdb.blocks().iter().map(|b| b.meta().stats.num_histogram_samples).sum::<u64>(), 12);
    assert_eq!(f.contents(), before);
    assert_eq!(f.tsdb.stats().exemplars, 30, "its series is still there");
    f.tsdb.flush().unwrap();
    assert_eq!(f.contents(), before);
    f.crash_and_reopen();
    assert_eq!(f.contents(), before);
}

#[test]
fn a_selection_stays_whole_while_its_samples_go_to_blocks() {
    let f = Fixture::with(options());
    fill(&f, 2, 0, HOUR_MS / 2);
    for hour in 0..5 {
        fill(&f, 1, hour * HOUR_MS, (hour + 1) * HOUR_MS);
        if hour > 1 {
            fill(&f, 3, hour * HOUR_MS, (hour + 1) * HOUR_MS);
        }
    }
    let before = f.contents();
    let hints = SelectHints { start_ms: i64::MIN, end_ms: i64::MAX, ..SelectHints::default() };
    let name = [Matcher::new(MatchOp::Regex, "__name__", ".+").unwrap()];
    let selection = f.tsdb.select(&name, &hints).unwrap();
    let read = || -> Vec<(String, Vec<(i64, f64)>)> {
        let one = |series: &std::sync::Arc<dyn neocortex_model::series::Series>| {
            let mut out = Samples::default();
            series.read(i64::MIN, i64::MAX, &mut out).unwrap();
            (series.labels().to_string(), out.t.into_iter().zip(out.v).collect())
        };
        selection.iter().map(one).collect()
    };
    f.tsdb.compact().unwrap();
    assert_eq!(read(), before);
    fill(&f, 3, 5 * HOUR_MS, 6 * HOUR_MS);
    f.tsdb.flush().unwrap();
    assert_eq!(read(), before, "what came later is not part of it");
}

#[test]
fn appends_and_reads_go_on_during_compactions() {
    let f = Fixture::with(Options { segment_size: 1 << 20, ..options() });
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for i in 0..2000i64 {
                let writes: Vec<Write> = (0..4).map(|series| (series, 0, 1)).collect();
                assert_eq!(f.append(&rows(&writes, START_MS + i * 60_000)).failed_samples, 0);
            }
            done.store(true, Ordering::Release);
        });
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                f.tsdb.compact().unwrap();
            }
        });
        let mut least = 0;
        while !done.load(Ordering::Acquire) {
            for (labels, samples) in f.contents() {
                assert!(samples.windows(2).all(|pair| pair[1].0 - pair[0].0 == 60_000), "{labels} has a hole");
                assert_eq!(samples[0].0, START_MS, "{labels} lost its beginning");
                assert!(samples.len() >= least, "{labels} shrank");
            }
            least = f.contents().first().map_or(least, |(_, samples)| samples.len());
        }
    });
    f.tsdb.compact().unwrap();
    assert!(f.contents().iter().all(|(_, samples)| samples.len() == 2000));
    assert!(f.tsdb.blocks().len() > 10);
}

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<Write>, i64),
    Map,
    Compact,
    Flush,
    Reopen,
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    let write = (0..6u8, 0..1_200_000i64, any::<u8>());
    prop_oneof![
        12 => (proptest::collection::vec(write, 1..12), 0..HOUR_MS).prop_map(|(w, pause)| Step::Append(w, pause)),
        3 => Just(Step::Map),
        4 => Just(Step::Compact),
        1 => Just(Step::Flush),
        1 => Just(Step::Reopen),
        2 => Just(Step::Close),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn holds_what_the_model_holds(steps in proptest::collection::vec(step(), 1..80), begin in 0..2 * HOUR_MS) {
        let mut f = Fixture::with(Options { snapshot_on_close: true, ..options() });
        let mut model = Model::default();
        // Each request begins after the one before ends, so that none is refused for what it finds in a block.
        let mut base = START_MS + begin;
        for step in &steps {
            match step {
                Step::Append(writes, pause) => {
                    let appended = f.append(&rows(writes, base));
                    prop_assert_eq!(appended.failed_samples, model.append(writes, base));
                    base += 1_200_000 + pause;
                }
                Step::Map => drop(f.tsdb.map_chunks().unwrap()),
                Step::Compact => drop(f.tsdb.compact().unwrap()),
                Step::Flush => drop(f.tsdb.flush().unwrap()),
                Step::Reopen => f.crash_and_reopen(),
                Step::Close => f.close_and_reopen(),
            }
            prop_assert_eq!(f.contents(), model.contents());
        }
        let blocks = f.tsdb.blocks();
        prop_assert!(blocks.windows(2).all(|pair| pair[0].meta().max_time <= pair[1].meta().min_time));
        f.crash_and_reopen();
        prop_assert_eq!(f.contents(), model.contents());
    }
}

/// A head of nine hours over several segments.
fn filled(fs: &FaultyFs) -> Fixture {
    let clock = std::sync::Arc::new(crate::clock::ManualClock::at(START_MS));
    let tsdb = open(fs, &clock, &options());
    let f = Fixture { fs: fs.clone(), clock, options: options(), tsdb };
    for i in 0..54 {
        let writes: Vec<Write> = (0..200).map(|series| (series, i * 600_000, (i + 1) as u8)).collect();
        f.append(&rows(&writes, START_MS));
    }
    f
}

#[test]
fn a_fault_at_any_call_of_a_compaction_loses_nothing() {
    let base = filled(&FaultyFs::new()).fs.after_process_crash();
    let clock = std::sync::Arc::new(crate::clock::ManualClock::at(START_MS));
    let options = options();
    let expected = contents(&open(&base.after_process_crash(), &clock, &options));
    let calls = |flush: bool| {
        let fs = base.after_process_crash();
        let tsdb = open(&fs, &clock, &options);
        let first = fs.calls();
        let compacted = if flush { tsdb.flush() } else { tsdb.compact() }.unwrap();
        assert!(compacted.created.len() >= 3);
        assert!(fs.list(&dir().join("wal")).unwrap().iter().any(|name| name.starts_with("checkpoint.")));
        (first, fs.calls())
    };
    for flush in [false, true] {
        let (first, last) = calls(flush);
        for fault in [Fault::Error, Fault::Full, Fault::Crash] {
            for call in (first..last).step_by(if fault == Fault::Crash { 1 } else { 3 }) {
                let fs = base.after_process_crash();
                let tsdb = open(&fs, &clock, &options);
                fs.fail_at(call, fault);
                let failed = if flush { tsdb.flush() } else { tsdb.compact() }.is_err();
                assert_eq!(contents(&tsdb), expected.clone(), "{fault:?} at {call}: as it goes on");
                let survivor = fs.after_process_crash();
                let reopened = open(&survivor, &clock, &options);
                assert_eq!(contents(&reopened), expected.clone(), "{fault:?} at {call}: after a start");
                if failed && fault != Fault::Crash {
                    tsdb.flush().unwrap();
                    assert_eq!(contents(&tsdb), expected.clone(), "{fault:?} at {call}: tried again");
                }
                reopened.flush().unwrap();
                let refused = reopened.append(&rows(&[(1, 9 * HOUR_MS, 1)], START_MS), &SeriesLimits::default());
                assert_eq!(refused.unwrap().failed_samples, 0);
            }
        }
    }
}
