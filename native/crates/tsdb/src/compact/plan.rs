//! Which blocks are to become one.
//!
//! Source: Prometheus `tsdb/compact.go` (`ExponentialBlockRanges`, `LeveledCompactor.plan`, `selectDirs`, `splitByRange`)
//! and `tsdb/db.go` (`Open`); blocks that overlap are left to the compactor, as Cortex's ingester has it.

use crate::block::meta::BlockMeta;

/// Every range is so many times the one before.
const STEP: i64 = 3;

/// How many ranges there are at most.
const LEVELS: usize = 10;

/// Share of tombstones to series above which a large block is written anew.
const MAX_DELETED: f64 = 0.05;

/// The lengths of blocks in milliseconds, ascending: that of a head's block, three times that and so on, up to `most`.
pub(crate) fn ranges(least: i64, most: i64) -> Vec<i64> {
    let mut ranges = vec![least];
    while let Some(next) = ranges.last().and_then(|last| last.checked_mul(STEP)).filter(|next| *next <= most)
        && ranges.len() < LEVELS
    {
        ranges.push(next);
    }
    ranges
}

/// The blocks that are to be written as one now, by their places in `blocks`, which ascend by their begin; none when all is
/// well. One block alone is to be written anew without what is deleted.
pub(super) fn plan(blocks: &[&BlockMeta], ranges: &[i64]) -> Vec<usize> {
    // The newest block is left alone, so that whoever copies blocks has a whole range's time for it.
    let Some((_, blocks)) = blocks.split_last() else { return Vec::new() };
    group(blocks, ranges).or_else(|| mostly_deleted(blocks, ranges).map(|place| vec![place])).unwrap_or_default()
}

/// The first group, of the shortest range that has one, that is complete or that no block of its range can join any more.
fn group(blocks: &[&BlockMeta], ranges: &[i64]) -> Option<Vec<usize>> {
    let newest_begin = blocks.last()?.min_time;
    ranges.iter().skip(1).find_map(|range| {
        split_by_range(blocks, *range).into_iter().find(|places| {
            let [first, .., last] = &places[..] else { return false };
            let (begin, end) = (blocks[*first].min_time, blocks[*last].max_time);
            let failed = places.iter().any(|place| blocks[*place].compaction.failed);
            !failed && (end - begin == *range || end <= newest_begin)
        })
    })
}

/// Places of blocks by the stretches of one range that they lie in; those that lie in none are left out.
fn split_by_range(blocks: &[&BlockMeta], range: i64) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut end = i64::MIN;
    for (place, block) in blocks.iter().enumerate() {
        if let Some(group) = groups.last_mut().filter(|_| block.max_time <= end) {
            group.push(place);
            continue;
        }
        let stretch_end = block.min_time.div_euclid(range).saturating_add(1).saturating_mul(range);
        if block.max_time <= stretch_end {
            end = stretch_end;
            groups.push(vec![place]);
        } else {
            // What follows a block that reaches beyond its stretch is not its neighbour.
            end = i64::MIN;
        }
    }
    groups
}

/// The newest large block that has too much deleted, or any newer one of which everything is.
fn mostly_deleted(blocks: &[&BlockMeta], ranges: &[i64]) -> Option<usize> {
    let large = ranges.get(ranges.len() / 2).copied()?;
    for (place, block) in blocks.iter().enumerate().rev().filter(|(_, block)| !block.compaction.failed) {
        let (deleted, series) = (block.stats.num_tombstones, block.stats.num_series);
        if block.max_time - block.min_time < large {
            return (deleted > 0 && deleted >= series).then_some(place);
        }
        if deleted as f64 / (series + 1) as f64 > MAX_DELETED {
            return Some(place);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::Ulid;

    const NONE: [usize; 0] = [];
    const RANGES: [i64; 3] = [20, 60, 180];

    fn planned(times: &[(i64, i64)], change: impl Fn(usize, &mut BlockMeta)) -> Vec<usize> {
        let meta = |(place, (begin, end)): (usize, &(i64, i64))| {
            let mut meta = BlockMeta::of_head(Ulid::new(place as i64), *begin, *end);
            change(place, &mut meta);
            meta
        };
        let metas: Vec<BlockMeta> = times.iter().enumerate().map(meta).collect();
        plan(&metas.iter().collect::<Vec<_>>(), &RANGES)
    }

    fn of_times(times: &[(i64, i64)]) -> Vec<usize> {
        planned(times, |_, _| ())
    }

    #[test]
    fn ranges_are_powers_of_three() {
        assert_eq!(ranges(20, 20), [20]);
        assert_eq!(ranges(20, 179), [20, 60]);
        assert_eq!(ranges(20, 180), RANGES);
        assert_eq!(ranges(1, i64::MAX).len(), LEVELS);
        assert_eq!(ranges(i64::MAX / 2, i64::MAX).len(), 1);
    }

    #[test]
    fn a_complete_stretch_is_written_as_one() {
        assert_eq!(of_times(&[]), NONE);
        assert_eq!(of_times(&[(0, 20), (20, 40), (40, 60)]), NONE, "the newest block does not count");
        assert_eq!(of_times(&[(0, 20), (20, 40), (40, 60), (60, 80)]), [0, 1, 2]);
        assert_eq!(of_times(&[(0, 60), (60, 120), (120, 180), (180, 200)]), [0, 1, 2]);
        assert_eq!(of_times(&[(-60, -40), (-40, -20), (-20, 0), (0, 20)]), [0, 1, 2]);
    }

    #[test]
    fn a_stretch_with_gaps_is_when_newer_blocks_are_beyond_it() {
        assert_eq!(of_times(&[(0, 20), (20, 40), (60, 80)]), NONE, "another block may come in between");
        assert_eq!(of_times(&[(0, 20), (20, 40), (60, 80), (80, 100)]), [0, 1]);
        assert_eq!(of_times(&[(0, 20), (60, 80), (80, 100), (120, 140), (140, 160)]), [1, 2]);
        assert_eq!(
            of_times(&[(0, 20), (60, 80), (120, 140), (180, 200), (200, 220)]),
            [0, 1, 2],
            "of the longest range"
        );
    }

    #[test]
    fn short_ranges_come_first_and_a_block_beyond_its_stretch_parts_its_neighbours() {
        assert_eq!(
            of_times(&[(0, 60), (60, 80), (80, 100), (100, 120), (120, 180), (180, 200), (200, 220)]),
            [1, 2, 3]
        );
        assert_eq!(
            of_times(&[(0, 20), (10, 70), (20, 40), (180, 200), (200, 220)]),
            [0, 1, 2],
            "within the long range"
        );
        assert_eq!(of_times(&[(0, 20), (10, 190), (20, 40), (180, 200), (200, 220)]), NONE);
    }

    #[test]
    fn what_failed_is_not_tried_again() {
        let times = [(0, 20), (20, 40), (40, 60), (60, 80)];
        assert_eq!(planned(&times, |place, meta| meta.compaction.failed = place == 1), NONE);
        let all_deleted = |_, meta: &mut BlockMeta| {
            (meta.stats.num_series, meta.stats.num_tombstones, meta.compaction.failed) = (1, 1, true);
        };
        assert_eq!(planned(&times, all_deleted), NONE);
    }

    #[test]
    fn blocks_with_much_deleted_are_written_anew() {
        let deleted = |which: usize, of: u64, n: u64| {
            move |place: usize, meta: &mut BlockMeta| {
                meta.stats.num_series = of;
                meta.stats.num_tombstones = if place == which { n } else { 0 };
            }
        };
        let times = [(0, 180), (180, 360), (360, 380)];
        assert_eq!(planned(&times, deleted(1, 100, 6)), [1]);
        assert_eq!(planned(&times, deleted(0, 100, 6)), [0]);
        assert_eq!(planned(&times, deleted(1, 100, 5)), NONE);
        assert_eq!(planned(&times, deleted(2, 100, 100)), NONE, "the newest is left alone");
        let times = [(0, 180), (180, 200), (200, 220)];
        assert_eq!(planned(&times, deleted(1, 10, 10)), [1], "all of a small one");
        assert_eq!(planned(&times, deleted(1, 10, 9)), NONE);
        assert_eq!(planned(&times, deleted(0, 10, 9)), NONE, "a small one ends the search");
    }
}
