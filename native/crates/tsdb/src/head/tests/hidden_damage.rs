//! Damage to the log before a snapshot, which a start from the snapshot does not come upon.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use neocortex_model::histogram::{FloatHistogram, Histogram, Span};
use neocortex_model::labels::Labels;
use neocortex_model::sample::HistogramValue;
use neocortex_model::series::SeriesExemplars;

use super::{Fixture, Rows, contents, dir, open};
use crate::fs::{Fault, FaultyFs, Fs};
use crate::snapshot::newest;
use crate::tsdb::{Options, Tsdb};
use crate::wal::record::{RefTombstone, encode_series, encode_tombstones};
use crate::wal::write::{WalOptions, Writer};

const START_MS: i64 = 1_700_000_000_000;

fn options() -> Options {
    Options {
        samples_per_chunk: 8,
        native_histograms: true,
        max_exemplars: 5,
        retention_ms: 0,
        out_of_order_cap: 4,
        snapshot_on_close: true,
        ..Options::default()
    }
}

fn without_snapshots() -> Options {
    Options { snapshot_on_close: false, ..options() }
}

fn integer(n: u64, schema: i32) -> Histogram {
    let custom_values = if schema == -53 { vec![1.0, 2.0] } else { Vec::new() };
    Histogram {
        schema,
        count: n,
        sum: n as f64,
        positive_spans: vec![Span { offset: 0, length: 1 }],
        positive_buckets: vec![n as i64],
        custom_values,
        ..Histogram::default()
    }
}

fn float(n: f64) -> FloatHistogram {
    FloatHistogram {
        count: n,
        sum: n,
        positive_spans: vec![Span { offset: 0, length: 1 }],
        positive_buckets: vec![n],
        ..FloatHistogram::default()
    }
}

/// Samples of all kinds, some with exemplars, one a series.
fn request(i: i64) -> Rows {
    let t = START_MS + i * 15_000;
    Rows::default()
        .row(&[("__name__", "float")])
        .float(t, i as f64)
        .exemplar(t, i as f64, "trace")
        .row(&[("__name__", "integer")])
        .histogram(t, HistogramValue::Integer(integer(i as u64 + 1, 3)))
        .row(&[("__name__", "custom")])
        .histogram(t, HistogramValue::Integer(integer(i as u64 + 1, -53)))
        .row(&[("__name__", "float histogram")])
        .histogram(t, HistogramValue::Float(float(i as f64 + 1.0)))
}

/// The log `00000000` has samples of all kinds, full chunks are in files and some samples out of order; `00000001` gives a
/// series another number and deletes some of its samples, as Prometheus does. The snapshot has it all.
fn with_a_snapshot() -> Fixture {
    let mut f = Fixture::with(options());
    for i in 0..30 {
        f.append(&request(i));
        f.append_within(3_600_000, &Rows::default().row(&[("__name__", "float")]).float(START_MS + i * 1000, -1.0));
    }
    // A staleness marker ends the histograms.
    let stale = f64::from_bits(0x7ff0_0000_0000_0002);
    let t = START_MS + 30 * 15_000;
    f.append(&Rows::default().row(&[("__name__", "custom")]).float(t, stale));
    f.tsdb.close().unwrap();
    f.fs = f.fs.after_process_crash();
    let (mut again, mut deleted) = (Vec::new(), Vec::new());
    encode_series(&mut again, [(77, &Labels::from_pairs([("__name__", "float")]))]);
    encode_tombstones(&mut deleted, &[RefTombstone { series: 77, mint: START_MS, maxt: START_MS + 20_000 }]);
    let disk: Arc<dyn Fs> = Arc::new(f.fs.clone());
    Writer::open(disk, &dir().join("wal"), WalOptions::default()).unwrap().log(&[&again, &deleted]).unwrap();
    f.tsdb = open(&f.fs, &f.clock, &f.options);
    f.tsdb.close().unwrap();
    f
}

/// Labels and samples, values by their bits, and exemplars.
type Shown = (Vec<(String, Vec<(i64, u64)>)>, Vec<SeriesExemplars>);

/// All that a database shows.
fn shown(tsdb: &Tsdb) -> Shown {
    let bits = |samples: Vec<(i64, f64)>| samples.into_iter().map(|(t, v)| (t, v.to_bits())).collect();
    let series = contents(tsdb).into_iter().map(|(labels, samples)| (labels, bits(samples))).collect();
    (series, tsdb.exemplars(&[vec![]], i64::MIN, i64::MAX))
}

fn segment(number: u32) -> PathBuf {
    dir().join(format!("wal/{number:08}"))
}

/// The disk with a file changed.
fn changed(fs: &FaultyFs, path: &Path, change: impl FnOnce(&mut Vec<u8>)) -> FaultyFs {
    let fs = fs.after_process_crash();
    let mut bytes = fs.bytes(path).unwrap();
    change(&mut bytes);
    fs.put(path, bytes);
    fs
}

/// A start from the snapshot shows all there was; what is acknowledged after it, and all else, is there without a snapshot
/// and without chunk files as well.
fn loses_nothing(f: &Fixture, fs: &FaultyFs, what: &str) {
    let expected = shown(&f.tsdb);
    let tsdb = open(fs, &f.clock, &f.options);
    assert_eq!(shown(&tsdb), expected, "{what}");
    assert!(tsdb.replay_stats().repaired, "{what}: it is told");
    assert_eq!(newest(fs, &dir()).unwrap(), None, "{what}: the snapshot is of the log that was replaced");
    let late = Rows::default().row(&[("__name__", "float")]).float(START_MS + 500, -2.0);
    for rows in [request(31), late] {
        let appended = tsdb.append(&rows, &super::within(3_600_000)).unwrap();
        assert_eq!((appended.failed_samples, appended.failed_histograms), (0, 0), "{what}");
    }
    let after = shown(&tsdb);
    let survivor = fs.after_process_crash();
    let tsdb = open(&survivor, &f.clock, &without_snapshots());
    assert_eq!((shown(&tsdb), tsdb.replay_stats().repaired), (after.clone(), false), "{what}");
    let survivor = fs.after_process_crash();
    survivor.remove_dir_all(&dir().join("chunks_head")).unwrap();
    let tsdb = open(&survivor, &f.clock, &without_snapshots());
    assert_eq!(shown(&tsdb), after, "{what}, by the logs alone");
    assert_eq!((tsdb.stats().series, tsdb.replay_stats().unknown_refs), (4, 0), "{what}");
}

#[test]
fn a_log_damaged_anywhere_before_the_snapshot_is_replaced() {
    let f = with_a_snapshot();
    let len = f.fs.bytes(&segment(0)).unwrap().len();
    for at in (0..len).step_by(len / 40).chain([0, len - 1]) {
        let flip = |bytes: &mut Vec<u8>| bytes[at] ^= 1;
        loses_nothing(&f, &changed(&f.fs, &segment(0), flip), &format!("byte {at} flipped"));
    }
    loses_nothing(&f, &changed(&f.fs, &segment(0), |bytes| bytes.fill(0)), "zeros");
    loses_nothing(&f, &changed(&f.fs, &segment(0), |bytes| bytes[len / 2..].fill(0)), "zeros at the end");
    loses_nothing(&f, &changed(&f.fs, &segment(0), |bytes| bytes[..len / 2].fill(0)), "zeros at the beginning");
    loses_nothing(&f, &changed(&f.fs, &segment(1), |bytes| bytes.truncate(3)), "the segment where the snapshot begins");
}

#[test]
fn a_damaged_checkpoint_is_replaced_as_well() {
    let mut f = with_a_snapshot();
    let checkpoint = dir().join("wal/checkpoint.00000000");
    // The first segment as a checkpoint of itself.
    f.fs = f.fs.after_process_crash();
    f.fs.put(&checkpoint.join("00000000"), f.fs.bytes(&segment(0)).unwrap());
    f.fs.remove_file(&segment(0)).unwrap();
    let path = checkpoint.join("00000000");
    let len = f.fs.bytes(&path).unwrap().len();
    assert!(!open(&f.fs.after_process_crash(), &f.clock, &f.options).replay_stats().repaired);
    for at in (0..len).step_by(len / 20) {
        loses_nothing(&f, &changed(&f.fs, &path, |bytes| bytes[at] ^= 4), &format!("byte {at} flipped"));
    }
}

#[test]
fn a_fault_while_the_log_is_replaced_loses_nothing() {
    let f = with_a_snapshot();
    let expected = shown(&f.tsdb);
    let damaged = changed(&f.fs, &segment(0), |bytes| bytes[100..].fill(0));
    let (first, last) = {
        let fs = damaged.after_process_crash();
        let first = fs.calls();
        open(&fs, &f.clock, &f.options);
        (first, fs.calls())
    };
    assert!(last - first > 15, "{first} {last}");
    for call in first..last {
        for fault in Fault::ALL {
            let fs = damaged.after_process_crash();
            fs.fail_at(call, fault);
            let disk: Arc<dyn Fs> = Arc::new(fs.clone());
            let opened = Tsdb::open(disk, f.clock.clone(), &dir(), options());
            for survivor in [fs.after_process_crash(), fs.after_power_failure()] {
                // Once it was opened, no snapshot is needed.
                let options = if opened.is_ok() { without_snapshots() } else { options() };
                assert_eq!(shown(&open(&survivor, &f.clock, &options)), expected, "{fault:?} at {call}");
                let again = open(&survivor.after_power_failure(), &f.clock, &without_snapshots());
                assert_eq!(shown(&again), expected, "{fault:?} at {call}");
            }
        }
    }
}

#[test]
fn a_sound_log_stays_as_it_is() {
    let f = with_a_snapshot();
    let names = |fs: &FaultyFs| fs.list(&dir().join("wal")).unwrap();
    let fs = f.fs.after_process_crash();
    let before = names(&fs);
    let tsdb = open(&fs, &f.clock, &f.options);
    assert_eq!((tsdb.replay_stats().repaired, tsdb.replay_stats().records), (false, 0));
    assert_eq!(names(&fs), before);
    assert!(newest(&fs, &dir()).unwrap().is_some());
}

#[test]
fn a_chunk_file_that_lost_its_end_makes_the_start_one_without_a_snapshot() {
    let f = with_a_snapshot();
    let expected = shown(&f.tsdb);
    let path = dir().join("chunks_head/000001");
    let len = f.fs.bytes(&path).unwrap().len();
    let mut passed_over = 0;
    for kept in 8..len {
        for zeros in [false, true] {
            let fs = changed(&f.fs, &path, |bytes| {
                bytes.truncate(kept);
                if zeros {
                    bytes.resize(len, 0);
                }
            });
            let tsdb = open(&fs, &f.clock, &f.options);
            assert_eq!(shown(&tsdb), expected, "{kept} bytes, zeros: {zeros}");
            passed_over += tsdb.stats().snapshot_failures;
        }
    }
    assert!(passed_over > 4, "{passed_over} ends are ends of chunks");
}
