use std::collections::BTreeSet;
use std::sync::Arc;

use hashbrown::HashSet;
use proptest::prelude::*;

use crate::block::meta::BlockMeta;
use crate::block::tombstones::{self, Tombstones};
use crate::block::{Ulid, dir as blocks_dir};
use crate::fs::Fault;
use crate::head::tests::model::{Write, rows};
use crate::head::tests::{Fixture, contents, dir, open};
use crate::tsdb::Options;

const HOUR_MS: i64 = 3_600_000;

/// A multiple of all ranges.
const START_MS: i64 = 26_235 * 18 * HOUR_MS;

fn options() -> Options {
    Options {
        samples_per_chunk: 8,
        retention_ms: 0,
        max_block_range_ms: 18 * HOUR_MS,
        native_histograms: true,
        ..Options::default()
    }
}

/// Series 1 and, every other hour, 2: a sample every ten minutes.
fn fill(f: &Fixture, from_h: i64, to_h: i64) {
    for t in (from_h * HOUR_MS..to_h * HOUR_MS).step_by(600_000) {
        let value = (t / 600_000 % 100) as u8;
        let writes = [(1, t, value), (2, t, value)];
        let writes = if t / HOUR_MS % 2 == 0 { &writes[..] } else { &writes[..1] };
        assert_eq!(f.append(&rows(writes, START_MS)).failed_samples, 0);
    }
}

/// Hours from the beginning, and levels, of the blocks that are shown.
fn shown(f: &Fixture) -> Vec<(i64, i64, u64)> {
    let hours = |t: i64| (t - START_MS) / HOUR_MS;
    let of = |meta: &BlockMeta| (hours(meta.min_time), hours(meta.max_time), meta.compaction.level);
    f.tsdb.blocks().iter().map(|block| of(block.meta())).collect()
}

fn on_disk(f: &Fixture) -> HashSet<Ulid> {
    blocks_dir::list(&f.fs, &dir()).unwrap().into_iter().collect()
}

#[test]
fn blocks_to_merge_are_due_and_then_those_that_were_merged() {
    let short = Fixture::with(Options { max_block_range_ms: 0, ..options() });
    fill(&short, 0, 10);
    short.tsdb.compact().unwrap();
    assert!(!short.tsdb.due().compaction);
    let tsdb = open(&short.fs, &short.clock, &options());
    assert!(tsdb.due().compaction);
    tsdb.remove_expired(None).unwrap();
    assert!(!tsdb.due().removal);
    assert_eq!(tsdb.compact().unwrap().created.len(), 1);
    assert!(!tsdb.due().compaction);
    assert!(tsdb.due().removal);
    assert_eq!(tsdb.remove_expired(Some(&HashSet::new())).unwrap(), []);
    assert!(tsdb.due().removal, "they were not shipped");
    assert_eq!(tsdb.remove_expired(None).unwrap().len(), 3);
    assert!(!tsdb.due().removal);
}

#[test]
fn three_blocks_become_one_when_a_newer_one_is_there() {
    let mut f = Fixture::with(options());
    fill(&f, 0, 8);
    f.tsdb.compact().unwrap();
    assert_eq!(shown(&f), [(0, 2, 1), (2, 4, 1), (4, 6, 1)]);
    let parts = f.tsdb.blocks();
    fill(&f, 8, 10);
    let before = f.contents();
    let created = f.tsdb.compact().unwrap().created;
    assert_eq!(created.len(), 2);
    assert_eq!(shown(&f), [(0, 6, 2), (6, 8, 1)]);
    assert_eq!(f.contents(), before);

    let merged = Arc::clone(&f.tsdb.blocks()[0]);
    let meta = merged.meta();
    let ulids: Vec<Ulid> = parts.iter().map(|block| block.meta().ulid).collect();
    assert_eq!(meta.ulid, created[1]);
    assert_eq!(BTreeSet::from_iter(&meta.compaction.sources), BTreeSet::from_iter(&ulids));
    assert_eq!(meta.compaction.parents.iter().map(|parent| parent.ulid).collect::<Vec<_>>(), ulids);
    let sum = |of: fn(&BlockMeta) -> u64| parts.iter().map(|block| of(block.meta())).sum::<u64>();
    assert_eq!(meta.stats.num_samples, sum(|meta| meta.stats.num_samples));
    assert_eq!(meta.stats.num_chunks, sum(|meta| meta.stats.num_chunks), "chunks stay as they are");
    assert_eq!(meta.stats.num_series, 2);

    // What it was made of stays until it is shipped, unseen, also after a start.
    let newest = f.tsdb.blocks()[1].meta().ulid;
    assert_eq!(on_disk(&f), ulids.iter().copied().chain([meta.ulid, newest]).collect());
    f.crash_and_reopen();
    assert_eq!((shown(&f), f.contents()), (vec![(0, 6, 2), (6, 8, 1)], before.clone()));
    let shipped = HashSet::from_iter([ulids[1], meta.ulid]);
    assert_eq!(f.tsdb.remove_expired(Some(&shipped)).unwrap(), [ulids[1]], "the merged one has not expired");
    let removed: HashSet<Ulid> = f.tsdb.remove_expired(None).unwrap().into_iter().collect();
    assert_eq!(removed, HashSet::from_iter([ulids[0], ulids[2]]));
    assert_eq!(on_disk(&f), HashSet::from_iter([meta.ulid, newest]));
    assert_eq!(f.contents(), before);
    f.crash_and_reopen();
    assert_eq!(f.contents(), before);
}

#[test]
fn blocks_grow_by_threes_up_to_the_longest_range() {
    let f = Fixture::with(options());
    fill(&f, 0, 66);
    let before = f.contents();
    f.tsdb.compact().unwrap();
    assert_eq!(
        shown(&f),
        [(0, 18, 3), (18, 36, 3), (36, 54, 3), (54, 60, 2), (60, 62, 1), (62, 64, 1)],
        "the newest is left alone"
    );
    assert_eq!(f.contents(), before);
    let short = Fixture::with(Options { max_block_range_ms: 0, ..options() });
    fill(&short, 0, 66);
    short.tsdb.compact().unwrap();
    assert!(shown(&short).iter().all(|(begin, end, level)| (end - begin, *level) == (2, 1)));
}

#[test]
fn out_of_order_blocks_are_taken_in() {
    let minute = 60_000;
    // Between samples, and beside one of the same time, which counts.
    let late: [Write; 3] = [(2, HOUR_MS + 5 * minute, 7), (1, 50 * minute, 99), (1, 55 * minute, 3)];
    let mut f = Fixture::with(options());
    fill(&f, 0, 7);
    assert_eq!(f.append_within(100 * HOUR_MS, &rows(&late, START_MS)).failed_samples, 0);
    fill(&f, 7, 10);
    let before = f.contents();
    f.tsdb.compact().unwrap();
    let merged = f.tsdb.blocks().iter().find(|block| block.meta().compaction.level == 2).cloned().unwrap();
    assert_eq!(merged.meta().compaction.parents.len(), 4);
    assert!(merged.meta().compaction.stands_for_the_log());
    assert_eq!(merged.meta().stats.num_samples, 36 + 18 + 2);
    assert_eq!(f.contents(), before);
    f.crash_and_reopen();
    assert_eq!(f.contents(), before);
}

#[test]
fn blocks_that_only_have_samples_out_of_order_do_not_stand_for_the_log() {
    let mut f = Fixture::with(options());
    fill(&f, 30, 32);
    // Every block range but the last one of a long range.
    for hour in [12, 14, 16, 18, 20] {
        f.append_within(100 * HOUR_MS, &rows(&[(1, hour * HOUR_MS, 1)], START_MS));
    }
    let before = f.contents();
    fill(&f, 32, 34);
    f.tsdb.compact().unwrap();
    assert_eq!(shown(&f), [(12, 18, 2), (18, 20, 1), (20, 22, 1), (30, 32, 1)]);
    assert!(f.tsdb.blocks()[0].meta().compaction.is_from_out_of_order());
    f.crash_and_reopen();
    let after = f.contents();
    assert!(after.iter().zip(&before).all(|(after, before)| after.1.starts_with(&before.1)));
}

#[test]
fn deleted_samples_do_not_come_along() {
    let mut f = Fixture::with(options());
    fill(&f, 0, 8);
    f.tsdb.compact().unwrap();
    let block = Arc::clone(&f.tsdb.blocks()[1]);
    let series = block.index().all_postings().unwrap();
    let mut deleted = Tombstones::new();
    deleted.insert(series[0], vec![(START_MS + 2 * HOUR_MS + 1, START_MS + 3 * HOUR_MS)]);
    tombstones::write(&f.fs, &blocks_dir::path(&dir(), block.meta().ulid), &deleted).unwrap();
    f.crash_and_reopen();
    fill(&f, 8, 10);
    let before = f.contents();
    f.tsdb.compact().unwrap();
    assert_eq!(shown(&f), [(0, 6, 2), (6, 8, 1)]);
    assert_eq!(f.contents(), before);
    assert_eq!(f.tsdb.blocks()[0].meta().stats.num_samples, 36 + 18 - 6);
    assert_eq!(f.tsdb.blocks()[0].meta().stats.num_tombstones, 0);
}

#[test]
fn a_damaged_block_is_left_alone_from_then_on() {
    let mut f = Fixture::with(options());
    fill(&f, 0, 8);
    f.tsdb.compact().unwrap();
    let damaged = f.tsdb.blocks()[1].meta().ulid;
    let path = blocks_dir::path(&dir(), damaged).join("chunks/000001");
    let mut bytes = f.fs.bytes(&path).unwrap();
    bytes[40] ^= 1;
    f.fs.put(&path, bytes);
    f.crash_and_reopen();
    fill(&f, 8, 10);
    assert_eq!(f.tsdb.compact().unwrap().created.len(), 1, "the head is compacted all the same");
    assert_eq!(shown(&f), [(0, 2, 1), (2, 4, 1), (4, 6, 1), (6, 8, 1)]);
    assert!(f.tsdb.blocks()[..3].iter().all(|block| block.meta().compaction.failed));
    assert_eq!(f.tsdb.compact().unwrap().created, []);
}

/// A process that dies, or a call that fails, anywhere in the merging of blocks: nothing is lost or changed, and the next
/// compaction finishes it.
#[test]
fn a_fault_at_any_call() {
    let prepared = || {
        let f = Fixture::with(Options { max_block_range_ms: 0, ..options() });
        fill(&f, 0, 10);
        f.append_within(100 * HOUR_MS, &rows(&[(1, HOUR_MS + 1, 7)], START_MS));
        f.tsdb.compact().unwrap();
        Fixture { tsdb: open(&f.fs, &f.clock, &options()), fs: f.fs.clone(), clock: f.clock, options: options() }
    };
    let f = prepared();
    let (first, before) = (f.fs.calls(), f.contents());
    f.tsdb.compact().unwrap();
    assert_eq!(shown(&f), [(0, 6, 2), (6, 8, 1)]);
    let calls = f.fs.calls();
    for call in first..calls {
        for fault in [Fault::Error, Fault::Full, Fault::Crash] {
            let mut f = prepared();
            f.fs.fail_at(call, fault);
            // A fault may hit a call whose failure does not matter.
            let _ = f.tsdb.compact();
            assert_eq!(contents(&f.tsdb), before, "{fault:?} at {call}");
            f.crash_and_reopen();
            assert_eq!(f.contents(), before, "{fault:?} at {call}, after a start");
            f.tsdb.compact().unwrap();
            f.tsdb.remove_expired(None).unwrap();
            assert_eq!((shown(&f), f.contents()), (vec![(0, 6, 2), (6, 8, 1)], before.clone()), "{fault:?} at {call}");
            assert_eq!(on_disk(&f).len(), 2, "{fault:?} at {call}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever comes in whatever order: merged it reads as before.
    #[test]
    fn merged_blocks_read_as_the_others(
        late in proptest::collection::vec((1..4u8, 0..100 * HOUR_MS / 600_000, any::<u8>()), 0..60),
        hours in proptest::collection::vec(1..6i64, 1..8),
    ) {
        let mut f = Fixture::with(options());
        let mut at = 0;
        let mut late = late.into_iter();
        for step in hours {
            fill(&f, at, at + step);
            at += step;
            // Of blocks with the same sample the older one counts, which their names tell.
            f.clock.set(START_MS + at * HOUR_MS);
            for (series, t, v) in late.by_ref().take(10) {
                let t = t * 600_000 % (at * HOUR_MS);
                f.append_within(100 * HOUR_MS, &rows(&[(series, t, v)], START_MS));
            }
            let before = f.contents();
            f.tsdb.compact().unwrap();
            prop_assert_eq!(f.contents(), before.clone());
            f.tsdb.remove_expired(None).unwrap();
            f.crash_and_reopen();
            prop_assert_eq!(f.contents(), before);
        }
    }
}

#[test]
fn a_fault_while_a_database_is_removed_shows_no_block_in_part() {
    let prepared = || {
        let f = Fixture::with(options());
        fill(&f, 0, 10);
        f.tsdb.compact().unwrap();
        assert!(on_disk(&f).len() > f.tsdb.blocks().len(), "those that one was made of are there");
        f
    };
    let f = prepared();
    let (first, before) = (f.fs.calls(), f.contents());
    f.tsdb.remove().unwrap();
    for call in first..f.fs.calls() {
        for fault in [Fault::Error, Fault::Crash] {
            let f = prepared();
            f.fs.fail_at(call, fault);
            assert!(f.tsdb.remove().is_err());
            for (labels, samples) in contents(&open(&f.fs.after_process_crash(), &f.clock, &f.options)) {
                let whole = &before.iter().find(|(known, _)| *known == labels).unwrap().1;
                assert!(samples.iter().all(|sample| whole.contains(sample)), "{fault:?} at {call}: {labels}");
            }
        }
    }
}
