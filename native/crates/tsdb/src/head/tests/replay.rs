//! Logs that are not simply what this head wrote.

use std::sync::Arc;

use neocortex_model::labels::Labels;
use neocortex_model::sample::{Metadata, MetricType};

use super::{Rows, contents, dir, open};
use crate::clock::ManualClock;
use crate::error::TsdbError;
use crate::fs::{FaultyFs, Fs};
use crate::head::SeriesLimits;
use crate::tsdb::{Options, Tsdb};
use crate::wal::record::{self, RefExemplar, RefMetadata, RefSample, RefTombstone};
use crate::wal::write::{WalOptions, Writer};

fn labels(name: &str) -> Labels {
    Labels::from_pairs([("__name__", name)])
}

fn series(all: &[(u64, &str)]) -> Vec<u8> {
    let all: Vec<(u64, Labels)> = all.iter().map(|(number, name)| (*number, labels(name))).collect();
    let mut out = Vec::new();
    record::encode_series(&mut out, all.iter().map(|(number, labels)| (*number, labels)));
    out
}

fn samples(all: &[(u64, i64, f64)]) -> Vec<u8> {
    let all: Vec<RefSample> = all.iter().map(|(series, t, v)| RefSample { series: *series, t: *t, v: *v }).collect();
    let mut out = Vec::new();
    record::encode_samples(&mut out, &all);
    out
}

/// Writes records as a log of their own.
fn log(fs: &FaultyFs, name: &str, records: &[Vec<u8>]) {
    let disk: Arc<dyn Fs> = Arc::new(fs.clone());
    let mut writer = Writer::open(disk, &dir().join(name), WalOptions::default()).unwrap();
    let slices: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
    writer.log(&slices).unwrap();
    writer.close().unwrap();
}

fn reopen(fs: &FaultyFs) -> Tsdb {
    open(fs, &Arc::new(ManualClock::at(0)), &Options { max_exemplars: 10, ..Options::default() })
}

#[test]
fn a_series_that_came_back_under_another_number_is_one_series() {
    let fs = FaultyFs::new();
    let records = [
        series(&[(7, "a"), (9_000_000_000, "b")]),
        samples(&[(7, 1000, 1.0), (9_000_000_000, 1000, 5.0)]),
        series(&[(12, "a")]),
        samples(&[(12, 2000, 2.0), (7, 3000, 3.0), (12, 2500, 9.0)]),
        samples(&[(99, 1000, 1.0)]),
    ];
    log(&fs, "wal", &records);
    let tsdb = reopen(&fs);
    let stats = tsdb.replay_stats();
    assert_eq!((stats.series, stats.samples, stats.unknown_refs, stats.dropped_samples), (2, 4, 1, 1));
    let expected = [
        (r#"{__name__="a"}"#.to_owned(), vec![(1000, 1.0), (2000, 2.0), (3000, 3.0)]),
        (r#"{__name__="b"}"#.to_owned(), vec![(1000, 5.0)]),
    ];
    assert_eq!(contents(&tsdb), expected);
    // New series get numbers that the log has not used.
    let rows = Rows::default().row(&[("__name__", "c")]).float(4000, 4.0).row(&[("__name__", "a")]).float(4000, 4.0);
    tsdb.append(&rows, &SeriesLimits::default()).unwrap();
    let before = contents(&tsdb);
    drop(tsdb);
    let tsdb = reopen(&fs);
    assert_eq!(contents(&tsdb), before);
    assert_eq!(tsdb.replay_stats().unknown_refs, 1);
}

#[test]
fn a_number_that_another_series_got_is_the_first_ones_no_more() {
    let fs = FaultyFs::new();
    let records = [
        series(&[(1, "a")]),
        samples(&[(1, 1000, 1.0)]),
        series(&[(1, "b")]),
        samples(&[(1, 2000, 2.0)]),
        series(&[(1, "c"), (2, "a")]),
        samples(&[(1, 2000, 3.0), (2, 2000, 2.0)]),
    ];
    log(&fs, "wal", &records);
    for i in 3..6 {
        let tsdb = reopen(&fs);
        let of = |name: &str| Rows::default().row(&[("__name__", name)]).float(i * 1000, i as f64);
        for name in ["a", "b", "c"] {
            assert_eq!(tsdb.append(&of(name), &SeriesLimits::default()).unwrap().samples, 1);
        }
        let found: Vec<Vec<f64>> =
            contents(&tsdb).iter().map(|(_, samples)| samples.iter().map(|(_, v)| *v).collect()).collect();
        let later: Vec<f64> = (3..=i).map(|i| i as f64).collect();
        assert_eq!(found, [[&[1.0, 2.0], &*later].concat(), [&[2.0], &*later].concat(), [&[3.0], &*later].concat()]);
    }
}

#[test]
fn numbers_that_no_log_gets_to_do_not_run_out() {
    let fs = FaultyFs::new();
    log(&fs, "wal", &[series(&[(u64::MAX, "a"), (3, "b")]), samples(&[(u64::MAX, 1, 1.0), (3, 1, 2.0)])]);
    let tsdb = reopen(&fs);
    let appended = tsdb.append(&Rows::default().row(&[("__name__", "c")]).float(2, 3.0), &SeriesLimits::default());
    assert_eq!(appended.unwrap().samples, 1);
    let values = |tsdb| contents(tsdb).into_iter().map(|(_, samples)| samples[0].1).collect::<Vec<_>>();
    assert_eq!(values(&tsdb), [1.0, 2.0, 3.0]);
    assert_eq!(values(&reopen(&fs.after_process_crash())), [1.0, 2.0, 3.0]);
}

#[test]
fn a_checkpoint_comes_first_and_replaces_segments() {
    let fs = FaultyFs::new();
    log(&fs, "wal", &[series(&[(1, "gone")]), samples(&[(1, 500, 1.0)])]);
    log(&fs, "wal", &[samples(&[(2, 2000, 2.0)])]);
    log(&fs, "wal/checkpoint.00000000", &[series(&[(2, "a")]), samples(&[(2, 1000, 1.0)])]);
    let tsdb = reopen(&fs);
    assert_eq!(contents(&tsdb), [(r#"{__name__="a"}"#.to_owned(), vec![(1000, 1.0), (2000, 2.0)])]);
    assert_eq!(tsdb.stats().wal.segment, 1);
}

#[test]
fn a_damaged_checkpoint_is_an_error() {
    let fs = FaultyFs::new();
    log(&fs, "wal/checkpoint.00000000", &[series(&[(2, "a")]), samples(&[(2, 1000, 1.0)])]);
    let path = dir().join("wal/checkpoint.00000000/00000000");
    let mut bytes = fs.bytes(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs.put(&path, bytes);
    let disk: Arc<dyn Fs> = Arc::new(fs);
    let opened = Tsdb::open(disk, Arc::new(ManualClock::at(0)), &dir(), Options::default());
    assert!(matches!(opened, Err(TsdbError::Corrupt { .. })));
}

#[test]
fn a_flipped_bit_anywhere_in_a_checkpoint_is_told_or_changes_nothing() {
    let fs = FaultyFs::new();
    let (mut exemplars, mut tombstones) = (Vec::new(), Vec::new());
    record::encode_exemplars(&mut exemplars, &[RefExemplar { series: 1, t: 2000, v: 1.5, labels: labels("trace") }]);
    record::encode_tombstones(&mut tombstones, &[RefTombstone { series: 2, mint: 1500, maxt: 2500 }]);
    let floats = samples(&[(1, 1000, 1.0), (2, 2000, 2.0), (2, 3000, 3.0)]);
    log(&fs, "wal/checkpoint.00000004", &[series(&[(1, "a"), (2, "b")]), floats, tombstones, exemplars]);
    log(&fs, "wal", &[samples(&[(1, 5000, 4.0)])]);
    fs.rename(&dir().join("wal/00000000"), &dir().join("wal/00000005")).unwrap();
    let shown = |tsdb: &Tsdb| (contents(tsdb), tsdb.exemplars(&[vec![]], 0, 5000));
    let expected = shown(&reopen(&fs.after_process_crash()));
    assert_eq!((expected.0.len(), expected.1.len()), (2, 1));
    let path = dir().join("wal/checkpoint.00000004/00000000");
    let whole = fs.bytes(&path).unwrap();
    let mut harmless = 0;
    for bit in 0..whole.len() * 8 {
        let fs = fs.after_process_crash();
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs.put(&path, bytes);
        let disk: Arc<dyn Fs> = Arc::new(fs);
        let options = Options { max_exemplars: 10, ..Options::default() };
        match Tsdb::open(disk, Arc::new(ManualClock::at(0)), &dir(), options) {
            Ok(tsdb) => {
                assert_eq!(shown(&tsdb), expected, "bit {bit}");
                harmless += 1;
            }
            Err(TsdbError::Corrupt { path: damaged, .. }) => assert_eq!(damaged, path, "bit {bit}"),
            Err(error) => panic!("bit {bit}: {error}"),
        }
    }
    assert_eq!(harmless, 4 * 3, "the three bits of a fragment's type that mean nothing");
}

#[test]
fn metadata_exemplars_and_tombstones() {
    let fs = FaultyFs::new();
    let (mut metadata, mut exemplars, mut tombstones) = (Vec::new(), Vec::new(), Vec::new());
    let described = RefMetadata { series: 1, kind: MetricType::Counter, unit: "s".into(), help: "helps".into() };
    record::encode_metadata(&mut metadata, &[described]);
    let exemplar = RefExemplar { series: 1, t: 2000, v: 1.5, labels: labels("trace") };
    record::encode_exemplars(&mut exemplars, &[exemplar]);
    record::encode_tombstones(&mut tombstones, &[RefTombstone { series: 1, mint: 1500, maxt: 2500 }]);
    let floats = samples(&[(1, 1000, 1.0), (1, 2000, 2.0), (1, 3000, 3.0)]);
    log(&fs, "wal", &[series(&[(1, "a")]), metadata, floats, exemplars, tombstones]);
    let tsdb = reopen(&fs);
    assert_eq!(contents(&tsdb)[0].1, [(1000, 1.0), (3000, 3.0)]);
    let expected = Metadata { metric: "a".into(), kind: MetricType::Counter, help: "helps".into(), unit: "s".into() };
    assert_eq!(tsdb.metadata(), [expected]);
    assert_eq!(tsdb.exemplars(&[vec![]], 0, 5000)[0].exemplars[0].t, 2000);
}

#[test]
fn damage_ends_the_log_there() {
    let fs = FaultyFs::new();
    for i in 0..3u64 {
        log(&fs, "wal", &[series(&[(i + 1, &format!("s{i}"))]), samples(&[(i + 1, 1000, 1.0)])]);
    }
    let path = dir().join("wal/00000001");
    let mut bytes = fs.bytes(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs.put(&path, bytes);
    let tsdb = reopen(&fs);
    assert!(tsdb.replay_stats().repaired);
    assert_eq!(contents(&tsdb).len(), 1, "the second series has no samples, the third is beyond the damage");
    assert_eq!(tsdb.series(&[]).unwrap().len(), 2);
    drop(tsdb);
    assert!(!reopen(&fs).replay_stats().repaired);
}
