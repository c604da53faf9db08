//! Full out-of-order chunks in files: what is read, what a start finds, and what damage does.

use std::path::PathBuf;
use std::sync::Arc;

use super::mapping_faults::every_fault;
use super::model::{Write, rows};
use super::out_of_order::START_MS;
use super::{Contents, Fixture, contents, dir, open, within};
use crate::chunk_files::{ChunkRef, load::load};
use crate::fs::{Fault, FaultyFs, Fs};
use crate::read_only::ReadOnlyTsdb;
use crate::tsdb::Options;
use crate::wal::read::Reader;
use crate::wal::record::{self, Record};

const HOUR_MS: i64 = 3_600_000;

fn options() -> Options {
    Options { out_of_order_cap: 4, samples_per_chunk: 8, retention_ms: 0, ..Options::default() }
}

fn file(number: u32) -> PathBuf {
    dir().join(format!("chunks_head/{number:06}"))
}

/// Three series with a sample at the end of the hour, and such behind it: `from` to `to`, the newest first.
fn fill(f: &Fixture, from: i64, to: i64) {
    let mut requests: Vec<Vec<Write>> = vec![(0..3).map(|series| (series, HOUR_MS, 200)).collect()];
    requests.extend((from..to).rev().map(|i| (0..3).map(|series| (series, i * 15_000, i as u8)).collect()));
    for writes in requests {
        assert_eq!(f.append_within(HOUR_MS, &rows(&writes, START_MS)).failed_samples, 0);
    }
}

/// The records of the log of out-of-order samples.
fn records(fs: &FaultyFs) -> Vec<Record> {
    let disk: Arc<dyn Fs> = Arc::new(fs.clone());
    let mut reader = Reader::open(disk, &dir().join("wbl"), 0).unwrap();
    let mut records = Vec::new();
    while let Some(bytes) = reader.next().unwrap() {
        records.push(record::decode(bytes).unwrap());
    }
    records
}

#[test]
fn what_is_in_files_is_read_as_before() {
    let mut f = Fixture::with(options());
    fill(&f, 0, 30);
    let (before, stats) = (f.contents(), f.tsdb.stats());
    assert_eq!(f.tsdb.map_chunks().unwrap(), 3 * 7, "all but the open ones");
    assert_eq!(f.tsdb.map_chunks().unwrap(), 0);
    assert_eq!(f.contents(), before);
    assert!(f.tsdb.stats().bytes.closed_chunks < stats.bytes.closed_chunks);
    assert_eq!((f.tsdb.stats().chunks, f.tsdb.stats().chunks_mapped), (stats.chunks, 21));
    fill(&f, 30, 50);
    f.tsdb.map_chunks().unwrap();
    let (before, stats) = (f.contents(), f.tsdb.stats());

    f.crash_and_reopen();
    assert_eq!(f.contents(), before);
    assert_eq!(f.tsdb.replay_stats().out_of_order_chunks_in_files, 3 * 12);
    assert_eq!(f.tsdb.map_chunks().unwrap(), 0, "they are there and named");
    let replayed = f.tsdb.stats();
    assert_eq!((replayed.chunks, replayed.bytes.open_chunks), (stats.chunks, stats.bytes.open_chunks));
    assert!(replayed.bytes.closed_chunks <= stats.bytes.closed_chunks);
    f.tsdb.flush().unwrap();
    assert_eq!(f.contents(), before);
    assert_eq!(f.tsdb.stats().chunks, 0);
    assert_eq!(f.fs.list(&dir().join("chunks_head")).unwrap(), Vec::<String>::new());
}

#[test]
fn chunks_are_marked_as_such_and_named_by_the_log_which_goes_on_with_what_is_open() {
    let f = Fixture::with(options());
    fill(&f, 0, 6);
    f.tsdb.map_chunks().unwrap();
    let mut in_files = Vec::new();
    load(
        &f.fs,
        &dir().join("chunks_head"),
        |at, chunk| {
            assert!(chunk.out_of_order);
            in_files.push((chunk.series, at));
        },
        || Ok(()),
    )
    .unwrap();
    let records = records(&f.fs);
    let [.., Record::MmapMarkers(markers), Record::Samples(open)] = records.as_slice() else {
        panic!("no markers at the end: {records:?}")
    };
    let mut named: Vec<_> = markers.iter().map(|(series, at)| (*series, ChunkRef::unpack(*at).unwrap())).collect();
    named.sort_unstable();
    in_files.sort_unstable();
    assert_eq!(named, in_files);
    assert_eq!(named.len(), 3);
    let mut times: Vec<(u64, i64)> = open.iter().map(|sample| (sample.series, sample.t - START_MS)).collect();
    times.sort_unstable();
    assert_eq!(times, [(1, 0), (1, 15_000), (2, 0), (2, 15_000), (3, 0), (3, 15_000)]);
}

#[test]
fn a_start_with_another_capacity_loses_nothing() {
    for cap in [1, 2, 3, 5, 8, 100] {
        let mut f = Fixture::with(options());
        fill(&f, 0, 30);
        f.tsdb.map_chunks().unwrap();
        fill(&f, 30, 41);
        f.tsdb.map_chunks().unwrap();
        let before = f.contents();
        f.options.out_of_order_cap = cap;
        f.crash_and_reopen();
        assert_eq!(f.contents(), before, "{cap}");
        f.tsdb.map_chunks().unwrap();
        f.crash_and_reopen();
        assert_eq!(f.contents(), before, "{cap}");
        f.tsdb.flush().unwrap();
        assert_eq!(f.contents(), before, "{cap}");
        assert_eq!((f.tsdb.stats().chunks, f.tsdb.stats().bytes.open_chunks), (0, 0), "{cap}");
    }
}

#[test]
fn a_file_goes_when_blocks_have_what_is_in_it() {
    let f = Fixture::with(options());
    fill(&f, 0, 30);
    f.tsdb.map_chunks().unwrap();
    let before = f.contents();
    f.tsdb.compact().unwrap();
    assert_eq!(f.contents(), before, "nothing was old enough");
    assert!(f.fs.bytes(&file(1)).is_some());
    // The head is truncated, and what is out of order goes to blocks of its own with it.
    f.append_within(HOUR_MS, &rows(&[(0, 5 * HOUR_MS, 1)], START_MS));
    let view = f.contents();
    f.tsdb.compact().unwrap();
    assert_eq!(f.contents(), view);
    assert!(f.fs.bytes(&file(1)).is_none());
}

#[test]
fn what_blocks_have_does_not_come_back() {
    let mut f = Fixture::with(options());
    fill(&f, 0, 30);
    f.tsdb.map_chunks().unwrap();
    let before = f.contents();
    // As if the file could not be removed.
    let bytes = f.fs.bytes(&file(1)).unwrap();
    f.tsdb.flush().unwrap();
    f.fs.put(&file(1), bytes);
    f.crash_and_reopen();
    assert_eq!(f.contents(), before);
    assert_eq!(f.tsdb.stats().chunks, 0);
    assert!(f.tsdb.flush().unwrap().created.is_empty());
}

#[test]
fn a_fault_at_any_call_loses_nothing() {
    let base = Fixture::with(Options { chunk_write_buffer_bytes: 100, ..options() });
    fill(&base, 0, 30);
    every_fault(&base, |f| {
        f.survivor.flush().unwrap();
        assert_eq!(contents(&f.survivor), base.contents(), "{}: after a start, in blocks", f.what);
        assert_eq!(f.survivor.stats().chunks, 0, "{}", f.what);
        if f.fault != Fault::Crash {
            f.tsdb.map_chunks().unwrap();
            assert_eq!(f.reopened().replay_stats().out_of_order_chunks_in_files, 21, "{}", f.what);
        }
    });
}

/// A start on a disk with a changed chunk file finds everything, and so does one after that.
fn check(f: &Fixture, expected: &Contents, name: &str, change: impl FnOnce(&FaultyFs)) {
    let fs = f.fs.after_process_crash();
    change(&fs);
    let tsdb = open(&fs, &f.clock, &f.options);
    assert_eq!(contents(&tsdb), *expected, "{name}");
    // More comes, and what is full is written to files with the numbers of those that are lost.
    let late: Vec<Write> = (100..106).map(|i| (2, i * 15_000, i as u8)).collect();
    assert_eq!(tsdb.append(&rows(&late, START_MS), &within(HOUR_MS)).unwrap().failed_samples, 0);
    tsdb.map_chunks().unwrap();
    let whole = contents(&tsdb);
    assert_eq!(whole[2].1.len(), expected[2].1.len() + 6);
    drop(tsdb);
    assert_eq!(contents(&open(&fs, &f.clock, &f.options)), whole, "{name}, started again");
}

#[test]
fn damage_anywhere_loses_nothing() {
    let mut f = Fixture::with(options());
    for (from, to) in [(0, 10), (10, 20)] {
        fill(&f, from, to);
        f.tsdb.map_chunks().unwrap();
        f.crash_and_reopen();
    }
    let expected = f.contents();
    for number in 1..=2 {
        check(&f, &expected, &format!("without file {number}"), |fs| fs.remove_file(&file(number)).unwrap());
        let whole = f.fs.bytes(&file(number)).unwrap();
        for at in 0..whole.len() {
            check(&f, &expected, &format!("file {number}, byte {at}"), |fs| {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << (at % 8);
                fs.put(&file(number), bytes);
            });
            check(&f, &expected, &format!("file {number}, {at} bytes"), |fs| {
                fs.put(&file(number), whole[..at].to_vec());
            });
        }
    }
}

#[test]
fn a_reader_has_it_all() {
    let f = Fixture::with(options());
    fill(&f, 0, 30);
    f.tsdb.map_chunks().unwrap();
    let calls = f.fs.calls();
    let disk: Arc<dyn Fs> = Arc::new(f.fs.clone());
    assert_eq!(contents(&ReadOnlyTsdb::open(&disk, &dir()).unwrap()), f.contents());
    assert_eq!(f.fs.calls(), calls, "nothing is changed");
}
