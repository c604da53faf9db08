//! Full chunks in files: what is read, what a start finds, and what damage does.

use std::path::PathBuf;
use std::sync::Arc;

use neocortex_model::histogram::{Histogram, Span};
use neocortex_model::labels::Labels;
use neocortex_model::sample::{HistogramValue, Samples, is_stale_nan, stale_nan};
use neocortex_model::series::{Queryable, SelectHints};

use super::mapping_faults::every_fault;
use super::model::{Write, rows};
use super::{Contents, Fixture, Rows, contents, dir, open};
use crate::chunk::xor::XorChunk;
use crate::chunk_files::FileChunk;
use crate::chunk_files::write::{Batch, Writer};
use crate::clock::ManualClock;
use crate::fs::{Fault, FaultyFs, Fs};
use crate::head::SeriesLimits;
use crate::tsdb::Options;
use crate::wal::record::{self, RefSample};
use crate::wal::write::{WalOptions, Writer as WalWriter};

fn options() -> Options {
    Options { samples_per_chunk: 8, native_histograms: true, ..Options::default() }
}

fn file(number: u32) -> PathBuf {
    dir().join(format!("chunks_head/{number:06}"))
}

/// Three series with a sample every 15 seconds, `from` to `to`.
fn fill(f: &Fixture, from: i64, to: i64) {
    for i in from..to {
        let writes: Vec<Write> = (0..3).map(|series| (series, i * 15_000, (i % 200) as u8)).collect();
        assert_eq!(f.append(&rows(&writes, 0)).failed_samples, 0);
    }
}

fn files(fs: &FaultyFs) -> Vec<String> {
    fs.list(&dir().join("chunks_head")).unwrap_or_default()
}

#[test]
fn what_is_in_files_is_read_as_before() {
    let mut f = Fixture::with(options());
    fill(&f, 0, 30);
    let (before, bytes) = (f.contents(), f.tsdb.stats().bytes.closed_chunks);
    let mapped = f.tsdb.map_chunks().unwrap();
    assert_eq!(mapped + 3, f.tsdb.stats().chunks, "all but the open ones");
    assert_eq!(f.tsdb.map_chunks().unwrap(), 0);
    assert_eq!(f.contents(), before);
    assert!(f.tsdb.stats().bytes.closed_chunks < bytes);
    fill(&f, 30, 60);
    let before = f.contents();
    f.tsdb.map_chunks().unwrap();
    assert_eq!(f.contents(), before);

    let chunks = f.tsdb.stats().chunks;
    f.crash_and_reopen();
    assert_eq!(f.contents(), before);
    let replayed = f.tsdb.replay_stats();
    assert_eq!(replayed.samples + replayed.samples_in_files, 180);
    assert!(replayed.samples <= 3 * 8, "{replayed:?}");
    assert_eq!((replayed.dropped_samples, replayed.unknown_chunks, replayed.chunk_files_repaired), (0, 0, false));
    assert_eq!((f.tsdb.stats().chunks, f.tsdb.stats().min_t), (chunks, 0));
    // It goes on in another file.
    fill(&f, 60, 80);
    f.tsdb.map_chunks().unwrap();
    let before = f.contents();
    f.crash_and_reopen();
    assert_eq!(f.contents(), before);
    assert_eq!(files(&f.fs), ["000001", "000002"]);
}

#[test]
fn closing_writes_what_is_full() {
    let mut f = Fixture::with(options());
    fill(&f, 0, 30);
    let before = f.contents();
    f.tsdb.close().unwrap();
    assert_eq!(f.contents(), before, "reads go on");
    f.fs = f.fs.after_power_failure();
    f.tsdb = open(&f.fs, &f.clock, &f.options);
    assert_eq!(f.contents(), before);
    assert!(f.tsdb.replay_stats().samples_in_files >= 60);
}

#[test]
fn a_fault_at_any_call_loses_nothing() {
    let base = Fixture::with(Options { chunk_write_buffer_bytes: 300, ..options() });
    fill(&base, 0, 40);
    every_fault(&base, |f| {
        if f.fault != Fault::Crash {
            f.tsdb.map_chunks().unwrap();
            assert_eq!(contents(&f.tsdb), base.contents(), "{}: tried again", f.what);
        }
        let closed = f.tsdb.close();
        assert!(closed.is_ok() || f.mapped.is_ok() || f.fault == Fault::Crash);
        assert_eq!(f.reopened().replay_stats().dropped_samples, 0, "{}", f.what);
    });
}

/// A database with two chunk files, the process dead.
fn with_two_files() -> (Fixture, Contents) {
    let mut f = Fixture::with(options());
    for (from, to) in [(0, 20), (20, 40)] {
        fill(&f, from, to);
        f.tsdb.map_chunks().unwrap();
        f.crash_and_reopen();
    }
    fill(&f, 40, 45);
    let before = f.contents();
    (f, before)
}

/// A start on a disk with a changed chunk file finds everything, and so does one after that.
fn check(f: &Fixture, expected: &Contents, name: &str, change: impl FnOnce(&FaultyFs)) {
    let fs = f.fs.after_process_crash();
    change(&fs);
    let tsdb = open(&fs, &f.clock, &f.options);
    assert_eq!(contents(&tsdb), *expected, "{name}");
    assert_eq!(tsdb.replay_stats().dropped_samples, 0, "{name}");
    tsdb.map_chunks().unwrap();
    assert_eq!(contents(&tsdb), *expected, "{name}, written anew");
    drop(tsdb);
    let tsdb = open(&fs, &f.clock, &f.options);
    assert_eq!(contents(&tsdb), *expected, "{name}, started again");
    assert!(!tsdb.replay_stats().chunk_files_repaired, "{name}");
    assert!(tsdb.replay_stats().samples <= 3 * 8, "{name}: the files are whole again");
}

#[test]
fn a_flipped_bit_anywhere_loses_nothing() {
    let (f, expected) = with_two_files();
    for number in 1..=2 {
        let whole = f.fs.bytes(&file(number)).unwrap();
        // One bit a byte, another one in each.
        for at in 0..whole.len() {
            check(&f, &expected, &format!("file {number}, byte {at}"), |fs| {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << (at % 8);
                fs.put(&file(number), bytes);
            });
        }
    }
}

#[test]
fn a_file_cut_anywhere_loses_nothing() {
    let (f, expected) = with_two_files();
    for number in 1..=2 {
        let whole = f.fs.bytes(&file(number)).unwrap();
        for len in 0..whole.len() {
            check(&f, &expected, &format!("file {number}, {len} bytes"), |fs| {
                fs.put(&file(number), whole[..len].to_vec());
            });
            check(&f, &expected, &format!("file {number}, zeros from {len} on"), |fs| {
                let mut bytes = whole.clone();
                bytes[len..].fill(0);
                fs.put(&file(number), bytes);
            });
        }
    }
}

#[test]
fn a_missing_file_loses_nothing() {
    let (f, expected) = with_two_files();
    for number in 1..=2 {
        check(&f, &expected, &format!("without file {number}"), |fs| fs.remove_file(&file(number)).unwrap());
    }
}

#[test]
fn chunks_that_outlive_the_end_of_the_log() {
    let (f, whole) = with_two_files();
    // As after a failure of the power: of the log less reached the disk than of the files.
    let segments: Vec<PathBuf> = (0..3).map(|n| dir().join(format!("wal/{n:08}"))).collect();
    let len = f.fs.bytes(&segments[0]).unwrap().len();
    for len in (0..=len).step_by(17) {
        let fs = f.fs.after_process_crash();
        fs.truncate(&segments[0], len as u64).unwrap();
        fs.remove_file(&segments[1]).unwrap();
        fs.remove_file(&segments[2]).unwrap();
        let tsdb = open(&fs, &f.clock, &f.options);
        let found = contents(&tsdb);
        for (labels, samples) in &found {
            let (_, expected) = whole.iter().find(|(known, _)| known == labels).unwrap();
            assert!(expected.starts_with(samples), "{len}: {labels} has a hole");
            assert!(samples.len() >= 32, "{len}: {labels} lost a chunk");
        }
        // New series are not taken for those that the log lost.
        let t = 100 * 15_000;
        let late = rows(&[(0, 0, 1)], t - 90 * 15_000);
        let refused = tsdb.append(&late, &SeriesLimits::default()).unwrap().failed_samples;
        assert_eq!(refused, u64::from(found.iter().any(|(labels, _)| labels.contains("series_0"))), "{len}");
        let all: Vec<Write> = (0..5).map(|series| (series, 0, 7)).collect();
        assert_eq!(tsdb.append(&rows(&all, t), &SeriesLimits::default()).unwrap().failed_samples, 0);
        let expected = contents(&tsdb);
        drop(tsdb);
        let tsdb = open(&fs.after_process_crash(), &f.clock, &f.options);
        assert_eq!(contents(&tsdb), expected, "{len}");
    }
}

/// A float chunk of a series with samples a second apart.
fn xor(from: i64, to: i64) -> Vec<u8> {
    let mut chunk = XorChunk::new();
    (from..to).for_each(|i| chunk.append(i * 1000, i as f64));
    chunk.bytes().to_vec()
}

fn filed(series: u64, from: i64, to: i64, data: &[u8]) -> FileChunk<'_> {
    let (min_t, max_t) = (from * 1000, (to - 1) * 1000);
    FileChunk { series, min_t, max_t, encoding: 1, out_of_order: false, data }
}

/// A log with series 7 and 9, the same, with samples 0 to 30, and a chunk file.
fn foreign(chunks: &[FileChunk<'_>]) -> (FaultyFs, crate::Tsdb) {
    let fs = FaultyFs::new();
    let disk: Arc<dyn Fs> = Arc::new(fs.clone());
    let labels = Labels::from_pairs([("__name__", "a")]);
    let mut records = Vec::new();
    for (wal_ref, from, to) in [(7u64, 0, 20), (9, 20, 30)] {
        let (mut series, mut samples) = (Vec::new(), Vec::new());
        record::encode_series(&mut series, [(wal_ref, &labels)]);
        let all: Vec<RefSample> = (from..to).map(|i| RefSample { series: wal_ref, t: i * 1000, v: i as f64 }).collect();
        record::encode_samples(&mut samples, &all);
        records.extend([series, samples]);
    }
    let mut wal = WalWriter::open(Arc::clone(&disk), &dir().join("wal"), WalOptions::default()).unwrap();
    wal.log(&records.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap();
    let mut batch = Batch::default();
    chunks.iter().for_each(|chunk| batch.add(chunk));
    Writer::new(disk, &dir().join("chunks_head"), None).write(&batch).unwrap();
    let tsdb = open(&fs, &Arc::new(ManualClock::at(0)), &Options { chunk_range_ms: 100_000, ..options() });
    let expected: Vec<(i64, f64)> = (0..30).map(|i| (i * 1000, i as f64)).collect();
    assert_eq!(contents(&tsdb), [(r#"{__name__="a"}"#.to_owned(), expected)]);
    (fs, tsdb)
}

#[test]
fn chunks_of_both_numbers_of_a_series_are_its() {
    let (a, b) = (xor(2, 10), xor(20, 28));
    let (_, tsdb) = foreign(&[filed(7, 2, 10, &a), filed(9, 20, 28, &b)]);
    assert_eq!(tsdb.replay_stats().samples_in_files, 16);
}

#[test]
fn what_is_of_no_use_is_passed_over() {
    let (a, b, c) = (xor(2, 10), xor(5, 15), xor(95, 105));
    let other = [0xff; 20];
    let (fs, tsdb) = foreign(&[
        filed(7, 2, 10, &a),
        // Overlaps the one before; came out of order; of an encoding of later versions; of an unknown series; on both
        // sides of a border.
        filed(7, 5, 15, &b),
        FileChunk { out_of_order: true, ..filed(7, 15, 18, &other) },
        FileChunk { encoding: 4, ..filed(7, 15, 18, &other) },
        filed(1000, 0, 3, &other),
        filed(7, 95, 105, &c),
    ]);
    let stats = tsdb.replay_stats();
    assert_eq!((stats.samples_in_files, stats.unknown_chunks, stats.chunk_files_repaired), (8, 1, false));
    // The number of the unknown series is not given to another one.
    let new = Rows::default().row(&[("__name__", "b")]).float(1000, 1.0);
    tsdb.append(&new, &SeriesLimits::default()).unwrap();
    drop(tsdb);
    let tsdb = open(&fs, &Arc::new(ManualClock::at(0)), &options());
    assert_eq!(contents(&tsdb)[1].1, [(1000, 1.0)]);
}

#[test]
fn a_hole_between_chunks_is_filled_from_the_log() {
    let (a, b) = (xor(2, 10), xor(15, 18));
    let (fs, tsdb) = foreign(&[filed(7, 15, 18, &b), filed(7, 2, 10, &a)]);
    assert_eq!(tsdb.replay_stats().samples_in_files, 11);
    tsdb.map_chunks().unwrap();
    drop(tsdb);
    let tsdb = open(&fs, &Arc::new(ManualClock::at(0)), &Options { chunk_range_ms: 100_000, ..options() });
    assert_eq!(contents(&tsdb)[0].1.len(), 30);
    assert!(tsdb.replay_stats().samples_in_files > 11, "what filled the hole is in a file now");
}

#[test]
fn files_go_with_what_is_in_them() {
    let mut f = Fixture::with(Options { retention_ms: 0, ..options() });
    let hour = 240;
    fill(&f, 0, hour);
    f.tsdb.map_chunks().unwrap();
    f.crash_and_reopen();
    fill(&f, hour, 3 * hour);
    f.tsdb.map_chunks().unwrap();
    f.crash_and_reopen();
    fill(&f, 3 * hour, 3 * hour + 5);
    let before = f.contents();
    assert_eq!(files(&f.fs), ["000001", "000002"]);
    assert_eq!(f.tsdb.compact().unwrap().created.len(), 1);
    assert_eq!(files(&f.fs)[0], "000002", "the first one has only what is in the block");
    assert_eq!(f.contents(), before);
    f.crash_and_reopen();
    assert_eq!(f.contents(), before);
    f.tsdb.flush().unwrap();
    assert_eq!(f.tsdb.stats().bytes.closed_chunks, 0);
    assert_eq!(files(&f.fs), Vec::<String>::new());
    f.crash_and_reopen();
    assert_eq!(f.contents(), before);
}

#[test]
fn a_selection_reads_files_that_are_gone() {
    let f = Fixture::with(Options { retention_ms: 0, ..options() });
    fill(&f, 0, 100);
    f.tsdb.map_chunks().unwrap();
    let hints = SelectHints { start_ms: i64::MIN, end_ms: i64::MAX, ..SelectHints::default() };
    let selection = f.tsdb.select(&[], &hints).unwrap();
    f.tsdb.flush().unwrap();
    assert_eq!(files(&f.fs), Vec::<String>::new());
    for series in &selection {
        let mut samples = Samples::default();
        series.read(i64::MIN, i64::MAX, &mut samples).unwrap();
        assert_eq!(samples.len(), 100);
    }
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
fn histograms_and_the_staleness_that_follows_a_file() {
    let mut f = Fixture::with(options());
    let h = &[("__name__", "h")];
    for i in 0..50 {
        f.append(&Rows::default().row(h).histogram(i * 15_000, histogram(i)));
    }
    // A float begins a new chunk, so that the newest histogram is in a full one.
    f.append(&Rows::default().row(h).float(50 * 15_000, 1.0));
    f.tsdb.map_chunks().unwrap();
    let mut expected = f.contents();
    f.crash_and_reopen();
    assert_eq!(f.contents(), expected);
    // Of the log only the series and a staleness marker is left, as a float, which Prometheus may write.
    let fs = f.fs.after_process_crash();
    fs.remove_dir_all(&dir().join("wal")).unwrap();
    let disk: Arc<dyn Fs> = Arc::new(fs.clone());
    let (mut series, mut samples) = (Vec::new(), Vec::new());
    record::encode_series(&mut series, [(1, &Labels::from_pairs(h.iter().copied()))]);
    record::encode_samples(&mut samples, &[RefSample { series: 1, t: 50 * 15_000, v: stale_nan() }]);
    let mut wal = WalWriter::open(disk, &dir().join("wal"), WalOptions::default()).unwrap();
    wal.log(&[&series, &samples]).unwrap();
    let tsdb = open(&fs, &f.clock, &f.options);
    let found = contents(&tsdb);
    let stale = found[0].1.last().unwrap();
    assert!(stale.0 == 50 * 15_000 && is_stale_nan(stale.1));
    assert_eq!(tsdb.replay_stats().histograms, 1);
    expected[0].1.pop();
    assert_eq!(found[0].1[..50], expected[0].1);
}

#[test]
fn appends_and_reads_go_on_while_chunks_are_written() {
    let f = Fixture::with(Options { chunk_write_buffer_bytes: 500, ..options() });
    std::thread::scope(|scope| {
        let appender = scope.spawn(|| fill(&f, 0, 1500));
        while !appender.is_finished() {
            f.tsdb.map_chunks().unwrap();
            for (labels, samples) in f.contents() {
                assert!(samples.windows(2).all(|pair| pair[1].0 - pair[0].0 == 15_000), "{labels} has a hole");
                assert_eq!(samples[0].0, 0, "{labels} lost its beginning");
            }
        }
    });
    assert!(f.contents().iter().all(|(_, samples)| samples.len() == 1500));
}
