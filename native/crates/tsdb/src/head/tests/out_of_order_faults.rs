//! A disk that fails while samples come out of order.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::model::{Write, rows};
use super::out_of_order::{Model, START_MS};
use super::{contents, dir, open, within};
use crate::clock::ManualClock;
use crate::fs::{Fault, FaultyFs, Fs};
use crate::tsdb::{Options, Tsdb};

const HOUR_MS: i64 = 3_600_000;
const WINDOW_MS: i64 = 24 * HOUR_MS;
const FAULTS: [Fault; 3] = [Fault::Error, Fault::Full, Fault::Crash];

fn options() -> Options {
    Options { segment_size: 32 << 10, samples_per_chunk: 8, out_of_order_cap: 4, retention_ms: 0, ..Options::default() }
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(START_MS))
}

/// Requests with a sample in order, one behind, and now and then a new series that begins behind.
fn requests() -> Vec<Vec<Write>> {
    let request = |i: i64| {
        let series = (i % 3) as u8;
        vec![
            (series, i * 60_000, i as u8),
            (series, i * 60_000 - 1_800_000, 100),
            ((i / 5 + 10) as u8, i * 60_000 - 900_000, 101),
        ]
    };
    (0..20).map(request).collect()
}

type Found = Vec<(String, Vec<(i64, f64)>)>;

fn flat(contents: &Found) -> BTreeMap<(String, i64), f64> {
    let one = |(labels, samples): &(String, Vec<(i64, f64)>)| -> Vec<((String, i64), f64)> {
        samples.iter().map(|(t, v)| ((labels.clone(), *t), *v)).collect()
    };
    contents.iter().flat_map(one).collect()
}

#[test]
fn a_fault_at_any_call_of_appends_loses_nothing_acknowledged_and_invents_nothing() {
    let calls = {
        let fs = FaultyFs::new();
        let tsdb = open(&fs, &clock(), &options());
        let first = fs.calls();
        requests().iter().for_each(|writes| {
            assert_eq!(tsdb.append(&rows(writes, START_MS), &within(WINDOW_MS)).unwrap().failed_samples, 0)
        });
        first..fs.calls()
    };
    assert!(calls.clone().count() > 40);
    for fault in FAULTS {
        for call in calls.clone() {
            let fs = FaultyFs::new();
            let tsdb = open(&fs, &clock(), &options());
            fs.fail_at(call, fault);
            let mut model = Model::new();
            let mut failed = Model::new();
            for writes in requests() {
                let mut next = model.clone();
                next.append(&writes, START_MS, WINDOW_MS);
                match tsdb.append(&rows(&writes, START_MS), &within(WINDOW_MS)) {
                    Ok(_) => model = next,
                    Err(_) => failed = next,
                }
                assert_eq!(
                    flat(&contents(&tsdb)),
                    flat(&model.contents()),
                    "{fault:?} at {call}: a failed request is not seen"
                );
                if fs.has_crashed() {
                    break;
                }
            }
            let reopened = open(&fs.after_process_crash(), &clock(), &options());
            let (found, acknowledged) = (flat(&contents(&reopened)), flat(&model.contents()));
            if fault == Fault::Crash {
                assert!(acknowledged.iter().all(|(key, v)| found.get(key) == Some(v)), "{fault:?} at {call}: lost");
                let known = flat(&failed.contents());
                assert!(
                    found.iter().all(|(key, v)| known.get(key).or(acknowledged.get(key)) == Some(v)),
                    "{call}: invented"
                );
            } else {
                assert_eq!(found, acknowledged, "{fault:?} at {call}");
            }
        }
    }
}

/// Three ranges in order and samples behind in all of them.
fn filled(fs: &FaultyFs) -> Tsdb {
    let tsdb = open(fs, &clock(), &options());
    for i in 0..40i64 {
        let mut writes: Vec<Write> = (0..30).map(|series| (series, i * 600_000, i as u8)).collect();
        writes.extend((0..12).map(|series| (series, i * 600_000 - 2_000_000, 100)));
        writes.push((40, i * 400_000 - 2_000_000, 101));
        assert_eq!(tsdb.append(&rows(&writes, START_MS), &within(WINDOW_MS)).unwrap().failed_samples, 0);
    }
    tsdb
}

#[test]
fn a_fault_at_any_call_of_a_compaction_loses_nothing() {
    let base = FaultyFs::new();
    let expected = contents(&filled(&base));
    for flush in [false, true] {
        let compact = |tsdb: &Tsdb| if flush { tsdb.flush() } else { tsdb.compact() };
        let calls = {
            let fs = base.after_process_crash();
            let tsdb = open(&fs, &clock(), &options());
            let first = fs.calls();
            assert!(compact(&tsdb).unwrap().created.len() >= 4);
            assert_eq!(fs.list(&dir().join("wbl")).unwrap().len(), 1);
            first..fs.calls()
        };
        for fault in FAULTS {
            for call in calls.clone().step_by(if fault == Fault::Crash { 1 } else { 3 }) {
                let fs = base.after_process_crash();
                let tsdb = open(&fs, &clock(), &options());
                fs.fail_at(call, fault);
                let failed = compact(&tsdb).is_err();
                assert_eq!(contents(&tsdb), expected, "{fault:?} at {call}: as it goes on");
                let survivor = fs.after_process_crash();
                let reopened = open(&survivor, &clock(), &options());
                assert_eq!(contents(&reopened), expected, "{fault:?} at {call}: after a start");
                if failed && fault != Fault::Crash {
                    tsdb.flush().unwrap();
                    assert_eq!(contents(&tsdb), expected, "{fault:?} at {call}: tried again");
                }
                reopened.flush().unwrap();
                assert_eq!(contents(&reopened), expected, "{fault:?} at {call}: compacted after a start");
                assert_eq!(reopened.stats().chunks, 0);
                let late = reopened.append(&rows(&[(1, 1, 1)], START_MS), &within(WINDOW_MS)).unwrap();
                assert_eq!(late.failed_samples, 0);
            }
        }
    }
}
