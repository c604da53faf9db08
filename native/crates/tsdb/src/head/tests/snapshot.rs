//! Snapshots: what a start from one finds, and what becomes of those that cannot be used.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use neocortex_model::histogram::{Histogram, Span};
use neocortex_model::labels::Labels;
use neocortex_model::sample::HistogramValue;

use super::model::{Write, rows};
use super::{Contents, Fixture, Rows, contents, dir, open};
use crate::fs::{Fault, FaultyFs, Fs};
use crate::head::AppendErrorKind;
use crate::snapshot::{newest, record};
use crate::tsdb::{Options, WalCompression};
use crate::wal::read::Position;
use crate::wal::record::{self as wal_record, RefTombstone};
use crate::wal::write::{WalOptions, Writer};

const HOUR_MS: i64 = 3_600_000;

const START_MS: i64 = 236_111 * 2 * HOUR_MS;

fn options() -> Options {
    Options {
        samples_per_chunk: 8,
        native_histograms: true,
        max_exemplars: 5,
        retention_ms: 0,
        snapshot_on_close: true,
        ..Options::default()
    }
}

/// Three series with a sample every 15 seconds, `from` to `to`.
fn fill(f: &Fixture, from: i64, to: i64) {
    for i in from..to {
        let writes: Vec<Write> = (0..3).map(|series| (series, i * 15_000, (i % 200) as u8)).collect();
        assert_eq!(f.append(&rows(&writes, START_MS)).failed_samples, 0);
    }
}

fn snapshots(fs: &FaultyFs) -> Vec<String> {
    let mut names = fs.list(&dir()).unwrap();
    names.retain(|name| name.starts_with("chunk_snapshot."));
    names
}

/// Records of the log and samples that the start took from it.
fn replayed(f: &Fixture) -> (u64, u64) {
    let stats = f.tsdb.replay_stats();
    (stats.records, stats.samples)
}

#[test]
fn a_start_needs_no_log_and_series_go_on_as_if_nothing_had_been() {
    let mut f = Fixture::with(options());
    fill(&f, 0, 30);
    let (before, stats) = (f.contents(), f.tsdb.stats());
    f.close_and_reopen();
    assert_eq!((f.contents(), replayed(&f)), (before, (0, 0)));
    let after = f.tsdb.stats();
    assert_eq!((after.chunks, after.series, after.snapshot_failures), (stats.chunks, 3, 0));
    assert_eq!((after.min_t, after.max_t), (stats.min_t, stats.max_t));
    // The newest sample is known with its value.
    let same = f.append(&rows(&[(0, 29 * 15_000, 29)], START_MS));
    assert_eq!((same.samples, same.failed_samples), (1, 0));
    let other = f.append(&rows(&[(0, 29 * 15_000, 30)], START_MS));
    assert_eq!(other.discarded.of(AppendErrorKind::DuplicateSample), 1);
    // Chunks become as full as ever.
    let whole = Fixture::with(options());
    fill(&whole, 0, 60);
    fill(&f, 30, 60);
    assert_eq!((f.contents(), f.tsdb.stats().chunks), (whole.contents(), whole.tsdb.stats().chunks));
    f.crash_and_reopen();
    assert_eq!(f.contents(), whole.contents());
    assert_eq!(f.tsdb.replay_stats().records, 30);
}

#[test]
fn the_newest_is_kept_and_an_old_one_is_as_good() {
    let mut f = Fixture::with(options());
    fill(&f, 0, 10);
    f.close_and_reopen();
    fill(&f, 10, 20);
    f.close_and_reopen();
    assert_eq!(snapshots(&f.fs).len(), 1);
    // Its chunks become full and go to files before the process dies.
    fill(&f, 20, 600);
    f.tsdb.map_chunks().unwrap();
    fill(&f, 600, 610);
    let before = f.contents();
    f.crash_and_reopen();
    assert_eq!((f.contents(), f.tsdb.stats().snapshot_failures), (before, 0));
    assert_eq!(f.tsdb.replay_stats().records, 610 - 20);
    // It goes when the log loses what it stands for.
    fill(&f, 610, 1400);
    f.tsdb.compact().unwrap();
    assert!(snapshots(&f.fs).is_empty());
    let before = f.contents();
    f.close_and_reopen();
    assert_eq!((f.contents(), replayed(&f)), (before, (0, 0)));
}

#[test]
fn without_the_option_there_is_none_and_none_is_used() {
    let mut f = Fixture::with(options());
    fill(&f, 0, 10);
    f.tsdb.close().unwrap();
    f.options.snapshot_on_close = false;
    f.crash_and_reopen();
    assert_eq!(replayed(&f).0, 11);
    fill(&f, 10, 20);
    let before = f.contents();
    f.close_and_reopen();
    assert!(snapshots(&f.fs).is_empty());
    f.options.snapshot_on_close = true;
    f.crash_and_reopen();
    assert_eq!((f.contents(), replayed(&f).0), (before, 21));
}

#[test]
fn one_is_not_of_use_when_the_log_went_on_with_series_that_it_does_not_have() {
    let mut f = Fixture::with(options());
    f.append(&rows(&[(9, 0, 1)], START_MS));
    f.tsdb.flush().unwrap();
    f.tsdb.close().unwrap();
    assert_eq!(f.tsdb.stats().series, 0);
    let snapshot = newest(&f.fs, &dir()).unwrap().unwrap().0;
    let files: Vec<(PathBuf, Vec<u8>)> =
        f.fs.list(&snapshot)
            .unwrap()
            .iter()
            .map(|name| snapshot.join(name))
            .map(|path| {
                let bytes = f.fs.bytes(&path).unwrap();
                (path, bytes)
            })
            .collect();
    f.options.snapshot_on_close = false;
    f.crash_and_reopen();
    assert!(snapshots(&f.fs).is_empty());
    f.append(&rows(&[(9, 15_000, 2)], START_MS));
    let before = f.contents();
    // Prometheus would have left it there.
    files.into_iter().for_each(|(path, bytes)| f.fs.put(&path, bytes));
    f.options.snapshot_on_close = true;
    f.crash_and_reopen();
    assert_eq!((f.contents(), f.tsdb.stats().snapshot_failures), (before, 1));
}

#[test]
fn exemplars_histograms_deletions_and_what_is_out_of_order() {
    let mut f = Fixture::with(Options { out_of_order_cap: 4, ..options() });
    let histogram = |n: i64| {
        HistogramValue::Integer(Histogram {
            schema: 2,
            count: n as u64,
            sum: n as f64,
            positive_spans: vec![Span { offset: 0, length: 1 }],
            positive_buckets: vec![n],
            ..Histogram::default()
        })
    };
    for i in 0..7 {
        let t = START_MS + HOUR_MS + i * 15_000;
        let request = Rows::default().row(&[("__name__", "h")]).histogram(t, histogram(i + 1));
        f.append(&request.row(&[("__name__", "a")]).float(t, 1.0).exemplar(t, 1.0, &format!("trace {i}")));
        f.append_within(HOUR_MS, &Rows::default().row(&[("__name__", "a")]).float(t - HOUR_MS, 2.0));
    }
    f.tsdb.close().unwrap();
    // Only Prometheus logs deletions.
    let mut deleted = Vec::new();
    let all = RefTombstone { series: 2, mint: START_MS + HOUR_MS, maxt: START_MS + HOUR_MS + 20_000 };
    wal_record::encode_tombstones(&mut deleted, &[all]);
    f.fs = f.fs.after_process_crash();
    let disk: Arc<dyn Fs> = Arc::new(f.fs.clone());
    Writer::open(disk, &dir().join("wal"), WalOptions::default()).unwrap().log(&[&deleted]).unwrap();
    f.tsdb = open(&f.fs, &f.clock, &f.options);

    let (before, exemplars) = (f.contents(), f.tsdb.exemplars(&[vec![]], i64::MIN, i64::MAX));
    assert_eq!(before[0].1.len(), 7 - 2 + 7);
    assert_eq!(exemplars[0].exemplars.len(), 5);
    f.close_and_reopen();
    assert_eq!((f.contents(), replayed(&f)), (before, (0, 0)));
    assert_eq!(f.tsdb.exemplars(&[vec![]], i64::MIN, i64::MAX), exemplars);
    // The chunk of histograms counts as full, and goes on in another one.
    let t = START_MS + HOUR_MS + 7 * 15_000;
    assert_eq!(f.append(&Rows::default().row(&[("__name__", "h")]).histogram(t, histogram(8))).histograms, 1);
    assert_eq!(f.contents()[1].1.len(), 8);
    f.close_and_reopen();
    assert_eq!(f.contents()[1].1.last(), Some(&(t, 8.0)));
}

#[test]
fn a_series_with_several_numbers_keeps_its_chunks() {
    let mut f = Fixture::with(options());
    fill(&f, 0, 20);
    f.tsdb.close().unwrap();
    // As if it had left the head and come back.
    f.fs = f.fs.after_process_crash();
    let labels = Labels::from_pairs([("__name__", "series_0"), ("job", "test")]);
    let mut again = Vec::new();
    wal_record::encode_series(&mut again, [(77, &labels)]);
    let disk: Arc<dyn Fs> = Arc::new(f.fs.clone());
    Writer::open(disk, &dir().join("wal"), WalOptions::default()).unwrap().log(&[&again]).unwrap();
    for _ in 0..3 {
        f.tsdb = open(&f.fs, &f.clock, &f.options);
        assert_eq!((f.contents()[0].1.len(), f.tsdb.stats().series), (20, 3));
        f.tsdb.close().unwrap();
        f.fs = f.fs.after_process_crash();
    }
    assert_eq!(replayed(&f), (0, 0));
}

#[test]
fn numbers_of_series_that_are_gone_are_not_given_again() {
    for is_ours in [true, false] {
        let mut f = Fixture::with(options());
        fill(&f, 0, 20);
        // A series with the greatest number goes to a block and leaves the head; the log still names it.
        f.append(&rows(&[(9, 0, 1)], START_MS));
        fill(&f, 20, 1000);
        f.tsdb.compact().unwrap();
        assert_eq!(f.tsdb.stats().series, 3);
        f.tsdb.close().unwrap();
        if !is_ours {
            let counts = newest(&f.fs, &dir()).unwrap().unwrap().0.join("counts");
            f.fs.remove_file(&counts).unwrap();
        }
        f.crash_and_reopen();
        for i in 1000..1040 {
            f.append(&rows(&[(8, i * 15_000, 8), (9, i * 15_000, 9)], START_MS));
        }
        f.tsdb.map_chunks().unwrap();
        let before = f.contents();
        f.options.snapshot_on_close = false;
        f.crash_and_reopen();
        assert_eq!(f.contents(), before, "{is_ours}");
    }
}

fn with_a_snapshot(options: Options) -> (Fixture, Contents) {
    let f = Fixture::with(options);
    fill(&f, 0, 20);
    f.append(&rows(&[(0, 300_000, 7)], START_MS));
    f.tsdb.close().unwrap();
    let expected = f.contents();
    (f, expected)
}

/// A start from a snapshot with a file that is damaged shows all there was; gives how many snapshots it passed over.
fn passed_over(f: &Fixture, path: &Path, bytes: Vec<u8>, expected: &Contents, what: &str) -> u64 {
    let fs = f.fs.after_process_crash();
    fs.put(path, bytes);
    let tsdb = open(&fs, &f.clock, &f.options);
    assert_eq!((&contents(&tsdb), tsdb.stats().series), (expected, 3), "{what}");
    let failures = tsdb.stats().snapshot_failures;
    tsdb.close().unwrap();
    let tsdb = open(&fs.after_process_crash(), &f.clock, &f.options);
    assert_eq!(&contents(&tsdb), expected, "{what}, made anew");
    assert_eq!((tsdb.stats().snapshot_failures, tsdb.replay_stats().records), (0, 0), "{what}");
    failures
}

#[test]
fn one_with_a_flipped_bit_anywhere_is_passed_over() {
    for wal_compression in [WalCompression::None, WalCompression::Snappy, WalCompression::Zstd] {
        let (f, expected) = with_a_snapshot(Options { wal_compression, ..options() });
        let snapshot = newest(&f.fs, &dir()).unwrap().unwrap().0;
        let mut harmless = 0;
        for name in ["00000000", "counts"] {
            let path = snapshot.join(name);
            let whole = f.fs.bytes(&path).unwrap();
            for bit in 0..whole.len() * 8 {
                let mut bytes = whole.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                let what = format!("{wal_compression:?}, {name}, bit {bit}");
                harmless += 1 - passed_over(&f, &path, bytes, &expected, &what);
            }
        }
        // Three series and what is deleted: three bits of a fragment's type mean nothing. With both flags of compression it
        // is snappy.
        let both_flags = if wal_compression == WalCompression::Snappy { 3 } else { 0 };
        assert_eq!(harmless, 4 * 3 + both_flags, "{wal_compression:?}");
    }
}

#[test]
fn one_without_its_end_is_passed_over() {
    let (f, expected) = with_a_snapshot(options());
    let snapshot = newest(&f.fs, &dir()).unwrap().unwrap().0;
    for name in ["00000000", "counts"] {
        let path = snapshot.join(name);
        let whole = f.fs.bytes(&path).unwrap();
        // After the series there is a record of what is deleted, so that a file without its end is told.
        for len in 0..whole.len() {
            let what = format!("{len} bytes of {name}");
            assert_eq!(passed_over(&f, &path, whole[..len].to_vec(), &expected, &what), 1, "{what}");
        }
    }
}

#[test]
fn records_that_are_not_known_are_not_guessed_at() {
    let (f, expected) = with_a_snapshot(options());
    let (path, end) = newest(&f.fs, &dir()).unwrap().unwrap();
    let tombstones_of_version_2 = vec![2, 1, 2];
    for record in [vec![4, 0], vec![], tombstones_of_version_2, vec![1, 0]] {
        let fs = f.fs.after_process_crash();
        let disk: Arc<dyn Fs> = Arc::new(fs.clone());
        assert!(record::decode(&record).is_err());
        if record.is_empty() {
            continue;
        }
        let mut writer = Writer::open(disk, &path, WalOptions::default()).unwrap();
        writer.log(&[&record]).unwrap();
        let tsdb = open(&fs, &f.clock, &f.options);
        assert_eq!((contents(&tsdb), tsdb.stats().snapshot_failures), (expected.clone(), 1), "{record:?} {end:?}");
    }
}

#[test]
fn an_open_chunk_that_crosses_a_border_of_shorter_blocks_is_not_taken() {
    let mut f = Fixture::with(Options { samples_per_chunk: 120, ..options() });
    fill(&f, 0, 6);
    let before = f.contents();
    f.tsdb.close().unwrap();
    f.options.chunk_range_ms = 60_000;
    f.crash_and_reopen();
    assert_eq!((f.contents(), f.tsdb.stats().snapshot_failures), (before.clone(), 1));
    // What a block cannot have wholly would stay in the head, which would be compacted again and again.
    f.tsdb.flush().unwrap();
    assert_eq!((f.contents(), f.tsdb.blocks().len()), (before, 2));
}

#[test]
fn one_of_another_log_goes() {
    let (f, _) = with_a_snapshot(options());
    let fs = f.fs.after_process_crash();
    fs.remove_dir_all(&dir().join("wal")).unwrap();
    let (path, _) = newest(&fs, &dir()).unwrap().unwrap();
    fs.rename(&path, &dir().join("chunk_snapshot.000007.0000000001")).unwrap();
    let tsdb = open(&fs, &f.clock, &f.options);
    assert_eq!((contents(&tsdb), snapshots(&fs)), (vec![], vec![]));
}

#[test]
fn one_goes_before_anything_is_cut_off_that_it_relies_on() {
    let (f, expected) = with_a_snapshot(options());
    let files = [dir().join("chunks_head/000001"), dir().join("wal/00000000")];
    for (path, survives) in files.iter().zip([true, false]) {
        let fs = f.fs.after_process_crash();
        let mut bytes = fs.bytes(path).unwrap();
        let at = bytes.len() - 3;
        bytes[at] ^= 1;
        fs.put(path, bytes);
        // The log up to the snapshot is not read while it is of use.
        let options =
            if survives { f.options.clone() } else { Options { snapshot_on_close: false, ..f.options.clone() } };
        let (first, last) = {
            let fs = fs.after_process_crash();
            let first = fs.calls();
            open(&fs, &f.clock, &options);
            (first, fs.calls())
        };
        for call in first..last {
            let fs = fs.after_process_crash();
            fs.fail_at(call, Fault::Crash);
            let disk: Arc<dyn Fs> = Arc::new(fs.clone());
            let _ = crate::Tsdb::open(disk, f.clock.clone(), &dir(), options.clone());
            let fs = fs.after_process_crash();
            let found = contents(&open(&fs, &f.clock, &options));
            assert!(!survives || found == expected, "{path:?}, crash at {call}");
            assert_eq!(snapshots(&fs), Vec::<String>::new(), "{path:?}, crash at {call}");
        }
    }
}

#[test]
fn a_fault_at_any_call_of_a_close_loses_nothing() {
    let base = Fixture::with(options());
    fill(&base, 0, 20);
    base.tsdb.close().unwrap();
    let base = Fixture { fs: base.fs.after_process_crash(), ..base };
    let prepared = |fs: &FaultyFs| {
        let tsdb = open(fs, &base.clock, &base.options);
        let f = Fixture { fs: fs.clone(), clock: base.clock.clone(), options: base.options.clone(), tsdb };
        fill(&f, 20, 40);
        f
    };
    let (first, last, expected) = {
        let fs = base.fs.after_process_crash();
        let f = prepared(&fs);
        let first = fs.calls();
        f.tsdb.close().unwrap();
        (first, fs.calls(), f.contents())
    };
    assert!(last - first > 10);
    for fault in [Fault::Error, Fault::Full, Fault::Crash] {
        for call in first..last {
            let fs = base.fs.after_process_crash();
            let f = prepared(&fs);
            fs.fail_at(call, fault);
            let closed = f.tsdb.close();
            let mut survivors = vec![fs.after_process_crash()];
            if closed.is_ok() {
                survivors.push(fs.after_power_failure());
            }
            for survivor in survivors {
                let tsdb = open(&survivor, &f.clock, &f.options);
                assert_eq!(contents(&tsdb), expected, "{fault:?} at {call}");
                assert_eq!(tsdb.stats().snapshot_failures, 0, "{fault:?} at {call}: none has a name that is not whole");
                let f = Fixture { fs: survivor, clock: f.clock.clone(), options: f.options.clone(), tsdb };
                fill(&f, 40, 41);
                f.tsdb.close().unwrap();
                assert_eq!(snapshots(&f.fs).len(), 1, "{fault:?} at {call}: what was begun is cleared away");
            }
        }
    }
}

#[test]
fn a_stop_without_appends_leaves_it_as_it_is() {
    let (f, _) = with_a_snapshot(options());
    let before = (snapshots(&f.fs), f.contents());
    let reopened = open(&f.fs, &f.clock, &f.options);
    reopened.close().unwrap();
    assert_eq!(f.fs.list(&dir().join("wal")).unwrap(), ["00000000"]);
    let reopened = open(&f.fs, &f.clock, &f.options);
    assert_eq!((snapshots(&f.fs), contents(&reopened)), before);
}

#[test]
fn positions_are_in_the_names() {
    let (f, _) = with_a_snapshot(options());
    let (path, end) = newest(&f.fs, &dir()).unwrap().unwrap();
    assert_eq!(end, Position { segment: 0, offset: f.fs.bytes(&dir().join("wal/00000000")).unwrap().len() as u64 });
    assert_eq!(path, dir().join(format!("chunk_snapshot.000000.{:010}", end.offset)));
}
