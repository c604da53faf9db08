//! Damage to the log of out-of-order samples, and logs that are not simply what this head wrote.

use std::sync::Arc;

use super::model::rows;
use super::out_of_order::START_MS;
use super::{Fixture, contents, dir, open};
use crate::fs::Fs;
use crate::read_only::ReadOnlyTsdb;
use crate::tsdb::Options;
use crate::wal::record::{self, RefSample};
use crate::wal::write::{WalOptions, Writer};

const HOUR_MS: i64 = 3_600_000;

/// One series with a sample in order, and twenty that came after it.
fn filled() -> Fixture {
    let f = Fixture::with(Options { out_of_order_cap: 4, ..Options::default() });
    f.append(&rows(&[(0, HOUR_MS, 200)], START_MS));
    for i in 0..20 {
        f.append_within(HOUR_MS, &rows(&[(0, i * 1000, i as u8)], START_MS));
    }
    f
}

fn log_path() -> std::path::PathBuf {
    dir().join("wbl").join("00000000")
}

#[test]
fn there_is_no_log_before_the_first_late_sample() {
    let mut f = Fixture::new();
    f.append_within(HOUR_MS, &rows(&[(0, 0, 1)], START_MS));
    f.crash_and_reopen();
    assert!(f.fs.list(&dir()).unwrap().iter().all(|name| name != "wbl"));
}

#[test]
fn a_torn_tail_is_cut_off() {
    let f = filled();
    let whole = f.fs.bytes(&log_path()).expect("the segment");
    let before = f.contents();
    for cut in 1..whole.len() {
        let fs = f.fs.after_process_crash();
        fs.put(&log_path(), whole[..whole.len() - cut].to_vec());
        let tsdb = open(&fs, &f.clock, &f.options);
        let found = contents(&tsdb);
        assert_eq!(found[0].1.len() as u64, 1 + tsdb.replay_stats().out_of_order_samples, "cut {cut}");
        assert!(found[0].1.len() <= 20);
        // It is a beginning of what there was, besides the newest one.
        let (newest, late) = found[0].1.split_last().expect("the sample that is in order");
        assert_eq!(Some(newest), before[0].1.last());
        assert!(before[0].1.starts_with(late));
        drop(tsdb);
        assert!(
            !open(&fs, &f.clock, &f.options).replay_stats().out_of_order_repaired,
            "a second start repairs nothing"
        );
    }
}

#[test]
fn a_flipped_bit_invents_nothing() {
    let f = filled();
    let whole = f.fs.bytes(&log_path()).expect("the segment");
    let before = f.contents();
    for at in 0..whole.len() {
        for bit in 0..8 {
            let fs = f.fs.after_process_crash();
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            fs.put(&log_path(), bytes);
            let tsdb = open(&fs, &f.clock, &f.options);
            let found = contents(&tsdb);
            assert!(found[0].1.iter().all(|sample| before[0].1.contains(sample)), "byte {at}, bit {bit}");
            assert_eq!(found[0].1.last(), before[0].1.last(), "what is in order is in the other log");
            let late = tsdb.append(&rows(&[(0, 500, 77)], START_MS), &super::within(HOUR_MS)).unwrap();
            assert_eq!(late.failed_samples, 0);
            let after = contents(&tsdb);
            drop(tsdb);
            assert_eq!(contents(&open(&fs, &f.clock, &f.options)), after, "byte {at}, bit {bit}: it goes on");
        }
    }
}

#[test]
fn what_names_no_series_is_passed_over_and_its_number_is_spent() {
    let mut f = filled();
    let late = f.fs.after_process_crash();
    let disk: Arc<dyn Fs> = Arc::new(late.clone());
    let mut writer = Writer::open(disk, &dir().join("wbl"), WalOptions::default()).unwrap();
    let (mut samples, mut markers) = (Vec::new(), Vec::new());
    record::encode_samples(&mut samples, &[RefSample { series: 2, t: START_MS, v: 5.0 }]);
    record::encode_mmap_markers(&mut markers, &[(1, 77)]);
    writer.log(&[&markers, &samples]).unwrap();
    let before = f.contents();
    f.fs = late;
    f.crash_and_reopen();
    let stats = f.tsdb.replay_stats();
    assert_eq!(
        (stats.out_of_order_samples, stats.unknown_out_of_order_refs, stats.out_of_order_repaired),
        (20, 1, false)
    );
    assert_eq!(f.contents(), before);
    // A new series must not get the sample.
    f.append(&rows(&[(9, HOUR_MS, 1)], START_MS));
    f.crash_and_reopen();
    assert_eq!(f.contents()[1].1, [(START_MS + HOUR_MS, 1.0)]);
}

#[test]
fn a_reader_has_it_and_leaves_a_torn_tail_alone() {
    let f = filled();
    let whole = f.fs.bytes(&log_path()).expect("the segment");
    for (cut, late) in [(0, 20), (3, 19)] {
        let fs = f.fs.after_process_crash();
        fs.put(&log_path(), whole[..whole.len() - cut].to_vec());
        let calls = fs.calls();
        let disk: Arc<dyn Fs> = Arc::new(fs.clone());
        let tsdb = ReadOnlyTsdb::open(&disk, &dir()).unwrap();
        assert_eq!(contents(&tsdb)[0].1.len(), late + 1);
        assert_eq!(tsdb.time_range(), Some((START_MS, START_MS + HOUR_MS)));
        assert_eq!(fs.calls(), calls, "nothing is changed");
    }
}
