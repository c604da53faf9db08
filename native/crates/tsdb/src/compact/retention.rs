//! What goes: the log that blocks stand for, and blocks past retention.

use std::sync::atomic::Ordering::Relaxed;

use hashbrown::HashSet;

use super::{Compacted, Compactor};
use crate::block::{Ulid, dir};
use crate::error::TsdbError;
use crate::local::Local;
use crate::snapshot;

impl Compactor {
    /// Shortens the log and removes chunk files if the head was truncated.
    pub(super) fn finish(&self, local: &Local, compacted: &Compacted) -> Result<(), TsdbError> {
        if !compacted.created.is_empty() {
            // A start from it would bring back series that the log forgets now.
            snapshot::remove_all(&*self.fs, &self.dir)?;
            let mint = dir::end_of_log(&local.blocks());
            let truncate = || local.head().truncate_log(&self.fs, &self.dir.join("wal"), mint, self.wal);
            local.head().upkeep().count(|stats| &mut stats.log_truncations, truncate)?;
            local.head().remove_chunk_files()?;
        }
        Ok(())
    }

    /// Removes blocks past retention and those that another was made of, of these only those in `shipped` unless it is
    /// `None`; gives them, oldest first.
    pub(crate) fn remove_expired(
        &self,
        local: &Local,
        shipped: Option<&HashSet<Ulid>>,
    ) -> Result<Vec<Ulid>, TsdbError> {
        let _running = self.running.lock();
        let upkeep = local.head().upkeep();
        let mut gone = self.expired(local);
        if !gone.is_empty() {
            upkeep.count_retention();
        }
        let hidden = upkeep.count(|stats| &mut stats.reloads, || self.replaced(local))?;
        let may_go = |ulid: &Ulid| shipped.is_none_or(|shipped| shipped.contains(ulid));
        let all_go = hidden.iter().all(may_go);
        gone.extend(hidden);
        gone.retain(may_go);
        let gone = self.remove_blocks(local, gone)?;
        self.hides_blocks.store(!all_go, Relaxed);
        Ok(gone)
    }

    /// Takes away everything that a start would open: blocks, those that another was made of included, and snapshots, then
    /// the log, then the chunk files, of which nothing is seen without a log, so that what an interruption leaves is a
    /// database all the same.
    pub(crate) fn remove_all(&self, local: &Local) -> Result<(), TsdbError> {
        let _running = self.running.lock();
        // Before the one that was made of them, without which they would be opened.
        let mut blocks = self.replaced(local)?;
        blocks.extend(local.blocks().iter().map(|block| block.meta().ulid));
        self.remove_blocks(local, blocks)?;
        snapshot::remove_all(&*self.fs, &self.dir)?;
        let (wal, doomed) = (self.dir.join("wal"), self.dir.join(format!("wal{}", dir::DELETION_SUFFIX)));
        self.fs.rename(&wal, &doomed).map_err(|e| TsdbError::io(&wal, "rename", e))?;
        self.fs.remove_dir_all(&self.dir).map_err(|e| TsdbError::io(&self.dir, "remove", e))
    }

    fn remove_blocks(&self, local: &Local, gone: Vec<Ulid>) -> Result<Vec<Ulid>, TsdbError> {
        local.replace_blocks(|block| gone.contains(&block.meta().ulid), None);
        for ulid in &gone {
            dir::remove(&*self.fs, &self.dir, *ulid)?;
        }
        Ok(gone)
    }

    /// Blocks that end as long before the newest block's end, or before now, as retention is, and blocks marked for
    /// removal.
    pub(super) fn expired(&self, local: &Local) -> Vec<Ulid> {
        let blocks = local.blocks();
        let now = self.clock.now_ms();
        let newest = blocks.iter().map(|block| block.meta().max_time).max().unwrap_or(i64::MIN);
        let is_expired = |max_time: i64| {
            let age = now.saturating_sub(max_time).max(newest.saturating_sub(max_time));
            self.retention_ms > 0 && age >= self.retention_ms
        };
        let metas = blocks.iter().map(|block| block.meta());
        metas.filter(|m| m.compaction.deletable || is_expired(m.max_time)).map(|m| m.ulid).collect()
    }

    /// Blocks that another was made of: all that nobody is shown. They are there until they are shipped.
    fn replaced(&self, local: &Local) -> Result<Vec<Ulid>, TsdbError> {
        let shown: HashSet<Ulid> = local.blocks().iter().map(|block| block.meta().ulid).collect();
        let mut hidden = dir::list(&*self.fs, &self.dir)?;
        hidden.retain(|ulid| !shown.contains(ulid));
        Ok(hidden)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::{Fault, FaultyFs, Fs};
    use crate::head::tests::model::rows;
    use crate::head::tests::{Fixture, contents, dir, open};
    use crate::tsdb::Options;

    const HOUR_MS: i64 = 3_600_000;
    const START_MS: i64 = 236_111 * 2 * HOUR_MS;

    fn options() -> Options {
        Options { retention_ms: 4 * HOUR_MS, samples_per_chunk: 8, ..Options::default() }
    }

    /// Four blocks of two hours each, and their names.
    fn four_blocks(f: &Fixture) -> Vec<Ulid> {
        for t in (0..8 * HOUR_MS).step_by(600_000) {
            assert_eq!(f.append(&rows(&[(1, t, 1)], START_MS)).failed_samples, 0);
        }
        let created = f.tsdb.flush().unwrap().created;
        assert_eq!(created.len(), 4);
        created
    }

    fn first_hour(f: &Fixture) -> Option<i64> {
        f.contents().first().map(|(_, samples)| (samples[0].0 - START_MS) / HOUR_MS)
    }

    #[test]
    fn blocks_go_when_they_are_older_than_the_newest_by_retention_or_than_now() {
        let f = Fixture::with(options());
        let blocks = four_blocks(&f);
        // By the clock it is the beginning of the first block; the end of the last one is eight hours later.
        assert_eq!(f.tsdb.remove_expired(None).unwrap(), blocks[..1]);
        assert_eq!(first_hour(&f), Some(2));
        assert_eq!(f.tsdb.remove_expired(None).unwrap(), []);
        let end_of_second = START_MS + 4 * HOUR_MS;
        f.clock.set(end_of_second + 4 * HOUR_MS - 1);
        assert_eq!(f.tsdb.remove_expired(None).unwrap(), []);
        f.clock.set(end_of_second + 4 * HOUR_MS);
        assert_eq!(f.tsdb.remove_expired(None).unwrap(), [blocks[1]]);
        f.clock.set(START_MS + 100 * HOUR_MS);
        assert_eq!(f.tsdb.remove_expired(None).unwrap(), blocks[2..]);
        assert_eq!(first_hour(&f), None);
        assert_eq!(f.fs.list(&dir()).unwrap(), ["wal"]);
    }

    #[test]
    fn only_what_was_shipped_goes_and_retention_of_zero_is_for_ever() {
        let f = Fixture::with(options());
        let blocks = four_blocks(&f);
        f.clock.set(START_MS + 100 * HOUR_MS);
        assert_eq!(f.tsdb.remove_expired(Some(&HashSet::new())).unwrap(), []);
        let shipped = HashSet::from_iter([blocks[2], blocks[0]]);
        assert_eq!(f.tsdb.remove_expired(Some(&shipped)).unwrap(), [blocks[0], blocks[2]]);
        assert_eq!(f.tsdb.blocks().len(), 2);
        let f = Fixture::with(Options { retention_ms: 0, ..options() });
        four_blocks(&f);
        f.clock.set(START_MS + 100 * HOUR_MS);
        assert_eq!(f.tsdb.remove_expired(None).unwrap(), []);
    }

    #[test]
    fn a_removed_database_is_a_new_one_when_it_is_opened_again() {
        let mut f = Fixture::with(options());
        four_blocks(&f);
        f.append(&rows(&[(1, 9 * HOUR_MS, 1)], START_MS));
        f.tsdb.remove().unwrap();
        assert!(f.fs.list(&dir()).is_err());
        f.tsdb = open(&f.fs, &f.clock, &f.options);
        assert_eq!(f.contents(), []);
        assert_eq!(f.append(&rows(&[(1, 0, 1)], START_MS)).failed_samples, 0);
    }

    /// Every call of `work` fails once in each way; what is left opens and has the end of what was there, or nothing.
    fn survives_faults(work: impl Fn(&Fixture) -> Result<(), TsdbError>) {
        let prepared = || {
            let f = Fixture::with(options());
            four_blocks(&f);
            for t in (0..20).map(|i| 9 * HOUR_MS + i * 60_000) {
                f.append(&rows(&[(1, t, 1)], START_MS));
            }
            assert_ne!(f.tsdb.map_chunks().unwrap(), 0);
            f
        };
        let f = prepared();
        let (first, before) = (f.fs.calls(), f.contents()[0].1.clone());
        work(&f).unwrap();
        for call in first..f.fs.calls() {
            for fault in [Fault::Error, Fault::Full, Fault::Crash] {
                let f = prepared();
                f.fs.fail_at(call, fault);
                // A fault may hit a call whose failure does not matter.
                let _ = work(&f);
                let survivor: FaultyFs = f.fs.after_process_crash();
                let left = contents(&open(&survivor, &f.clock, &f.options));
                let left = left.first().map_or(&[][..], |(_, samples)| samples);
                assert!(before.ends_with(left), "{fault:?} at {call}: {} of {}", left.len(), before.len());
            }
        }
    }

    #[test]
    fn a_fault_while_blocks_are_removed() {
        survives_faults(|f| f.tsdb.remove_expired(None).map(drop));
    }

    #[test]
    fn a_fault_while_a_database_is_removed() {
        survives_faults(|f| f.tsdb.remove());
    }
}
