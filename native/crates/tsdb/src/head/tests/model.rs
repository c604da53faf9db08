//! Random requests, deaths of the process and failing disks, against a map of what must be there.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::{Fixture, Rows, contents, dir, open};
use crate::clock::ManualClock;
use crate::error::TsdbError;
use crate::fs::{Fault, FaultyFs, Fs};
use crate::head::SeriesLimits;
use crate::tsdb::{Options, Tsdb, WalCompression};

/// One sample of a request: series, time, value.
pub(crate) type Write = (u8, i64, u8);

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<Write>),
    Map,
    Reopen,
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    let write = (0..6u8, -2000..40_000i64, any::<u8>());
    prop_oneof![
        8 => proptest::collection::vec(write, 0..12).prop_map(Step::Append),
        2 => Just(Step::Map),
        1 => Just(Step::Reopen),
        1 => Just(Step::Close),
    ]
}

pub(crate) fn rows(writes: &[Write], base: i64) -> Rows {
    let mut rows = Rows::default();
    for (series, t, v) in writes {
        let name = format!("series_{series}");
        rows = rows.row(&[("__name__", &name), ("job", "test")]).float(base + t, f64::from(*v));
    }
    rows
}

/// What Prometheus would hold: samples are judged by what was there before the request, and then only those that are
/// newer than all before them are kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Model(BTreeMap<u8, BTreeMap<i64, u8>>);

impl Model {
    fn newest(&self) -> Option<i64> {
        self.0.values().filter_map(|samples| samples.keys().next_back()).max().copied()
    }

    /// Gives the number of samples that are refused.
    pub(crate) fn append(&mut self, writes: &[Write], base: i64) -> u64 {
        let before = self.clone();
        let mut bound = before.newest().map(|t| t - 3_600_000);
        let mut refused = 0;
        for (series, t, v) in writes {
            let t = base + t;
            let bound = *bound.get_or_insert(t - 3_600_000);
            let stored = before.0.get(series).and_then(|samples| samples.last_key_value());
            let fits = t >= bound && stored.is_none_or(|(last, value)| t > *last || (t == *last && v == value));
            if !fits {
                refused += 1;
                continue;
            }
            let samples = self.0.entry(*series).or_default();
            if samples.last_key_value().is_none_or(|(last, _)| t > *last) {
                samples.insert(t, *v);
            }
        }
        refused
    }

    pub(crate) fn contents(&self) -> Vec<(String, Vec<(i64, f64)>)> {
        let one = |(series, samples): (&u8, &BTreeMap<i64, u8>)| {
            let labels = format!(r#"{{__name__="series_{series}", job="test"}}"#);
            (labels, samples.iter().map(|(t, v)| (*t, f64::from(*v))).collect())
        };
        self.0.iter().map(one).collect()
    }
}

fn options(compression: WalCompression) -> Options {
    // Small segments and chunks, so that a short run sees many of both.
    Options { segment_size: 32 << 10, samples_per_chunk: 8, wal_compression: compression, ..Options::default() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn holds_what_the_model_holds(
        steps in proptest::collection::vec(step(), 1..60),
        snapshot_on_close in any::<bool>(),
        compression in prop_oneof![Just(WalCompression::None), Just(WalCompression::Snappy), Just(WalCompression::Zstd)],
    ) {
        let mut f = Fixture::with(Options { snapshot_on_close, ..options(compression) });
        let mut model = Model::default();
        let mut base = 1_700_000_000_000;
        for step in &steps {
            match step {
                Step::Append(writes) => {
                    let appended = f.append(&rows(writes, base));
                    let refused = model.append(writes, base);
                    prop_assert_eq!(appended.failed_samples, refused);
                    prop_assert_eq!(appended.samples, writes.len() as u64 - refused);
                    base += 15_000;
                }
                Step::Map => drop(f.tsdb.map_chunks().unwrap()),
                Step::Reopen | Step::Close => {
                    if matches!(step, Step::Close) { f.close_and_reopen() } else { f.crash_and_reopen() }
                    prop_assert_eq!(f.tsdb.replay_stats().dropped_samples, 0);
                    prop_assert!(!f.tsdb.replay_stats().repaired);
                }
            }
            prop_assert_eq!(f.contents(), model.contents());
        }
        f.crash_and_reopen();
        prop_assert_eq!(f.contents(), model.contents());
    }

    #[test]
    fn faults_lose_nothing_acknowledged_and_invent_nothing(
        requests in proptest::collection::vec(proptest::collection::vec((0..6u8, 0..2000i64, any::<u8>()), 1..40), 1..30),
        faults in proptest::collection::vec((3..60u64, prop_oneof![Just(Fault::Error), Just(Fault::Full), Just(Fault::Crash)]), 1..6),
    ) {
        let fs = FaultyFs::new();
        let clock = Arc::new(ManualClock::at(0));
        let options = options(WalCompression::None);
        let tsdb = open(&fs, &clock, &options);
        let first_call = fs.calls();
        for (call, fault) in &faults {
            fs.fail_at(first_call + call, *fault);
        }
        let mut model = Model::default();
        let mut maybe: Option<Vec<Write>> = None;
        let mut base = 1_700_000_000_000;
        for writes in &requests {
            // Times only go up, so that a refused request's samples are told apart from later ones.
            base += 2000;
            let mut pending = model.clone();
            let refused = pending.append(writes, base);
            match tsdb.append(&rows(writes, base), &SeriesLimits::default()) {
                Ok(appended) => {
                    prop_assert_eq!(appended.failed_samples, refused);
                    model = pending;
                    maybe = None;
                }
                // Nothing of a failed request may be seen; after a crash it may have reached the log all the same.
                Err(_) => maybe = Some(writes.clone()),
            }
            prop_assert_eq!(contents(&tsdb), model.contents());
            if fs.has_crashed() {
                break;
            }
        }
        let survivor = fs.after_process_crash();
        let reopened = open(&survivor, &clock, &options);
        let found = contents(&reopened);
        if found != model.contents() {
            // The last request failed or died half-way: some of its samples, in the order of the log, may be there.
            let writes = maybe.expect("nothing was in flight");
            let mut full = model.clone();
            full.append(&writes, base);
            for (labels, samples) in &model.contents() {
                let (_, found) = found.iter().find(|(l, _)| l == labels).expect("an acknowledged series is lost");
                prop_assert!(found.starts_with(samples), "an acknowledged sample is lost");
            }
            let full = full.contents();
            for (labels, samples) in &found {
                let known = full.iter().find(|(l, _)| l == labels).map(|(_, samples)| samples.as_slice()).unwrap_or(&[]);
                prop_assert!(known.starts_with(samples), "a sample was invented");
            }
        }
        // And it goes on from there.
        base += 2000;
        let appended = reopened.append(&rows(&[(0, 0, 1)], base), &SeriesLimits::default()).unwrap();
        prop_assert_eq!(appended.samples, 1);
    }
}

#[test]
fn a_torn_tail_is_cut_off() {
    let f = Fixture::new();
    for i in 0..10 {
        f.append(&rows(&[(0, i * 1000, i as u8)], 0));
    }
    let path = dir().join("wal").join("00000000");
    let whole = f.fs.bytes(&path).expect("the segment");
    let before = f.contents();
    for cut in 1..whole.len() {
        let fs = f.fs.after_process_crash();
        fs.put(&path, whole[..whole.len() - cut].to_vec());
        let tsdb = open(&fs, &f.clock, &f.options);
        let found = contents(&tsdb);
        let samples = found.first().map_or(0, |(_, samples)| samples.len());
        assert!(samples < 10 && samples == tsdb.replay_stats().samples as usize);
        if let Some((labels, samples)) = found.first() {
            assert_eq!(labels, &before[0].0);
            assert!(before[0].1.starts_with(samples));
        }
        drop(tsdb);
        // A second start finds nothing to repair.
        assert!(!open(&fs, &f.clock, &f.options).replay_stats().repaired);
    }
}

#[test]
fn closed_means_no_more_appends() {
    let f = Fixture::new();
    f.append(&rows(&[(0, 0, 1)], 0));
    f.tsdb.close().unwrap();
    f.tsdb.close().unwrap();
    let refused = f.tsdb.append(&rows(&[(0, 1, 1)], 0), &SeriesLimits::default());
    assert!(matches!(refused, Err(TsdbError::Closed)));
    assert_eq!(f.contents().len(), 1, "reads go on");
}

#[test]
fn appends_and_reads_beside_each_other() {
    let fs: Arc<dyn Fs> = Arc::new(FaultyFs::new());
    let clock = Arc::new(ManualClock::at(0));
    let tsdb = Tsdb::open(fs, clock, &dir(), options(WalCompression::None)).unwrap();
    std::thread::scope(|scope| {
        for series in 0..3u8 {
            let tsdb = &tsdb;
            scope.spawn(move || {
                for i in 0..300 {
                    // Two samples a request: a reader sees both or none.
                    let rows = rows(&[(series, i * 1000, 1), (series, i * 1000 + 500, 2)], 0);
                    assert_eq!(tsdb.append(&rows, &SeriesLimits::default()).unwrap().samples, 2);
                }
            });
        }
        for _ in 0..200 {
            for (labels, samples) in contents(&tsdb) {
                assert_eq!(samples.len() % 2, 0, "{labels} was read half-way");
                assert!(samples.windows(2).all(|pair| pair[0].0 < pair[1].0));
            }
        }
    });
    assert!(contents(&tsdb).iter().all(|(_, samples)| samples.len() == 600));
}
