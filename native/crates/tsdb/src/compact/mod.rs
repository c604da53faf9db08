//! From the head to blocks, and from blocks to nothing.
//!
//! Source: Prometheus `tsdb/db.go` (`Compact`, `compactHead`, `deletableBlocks`), Cortex `pkg/ingester/ingester.go`
//! (`userTSDB.compactHead`, `userTSDB.blocksToDelete`).
//!
//! Blocks of neighbouring ranges become one of a longer range where `block_ranges_period` has longer ones, by [`plan`].
//!
//! Samples that came out of order go to blocks of their own after that, likewise: blocks, readers, head, log.
//!
//! The order makes it safe at any moment: a block is durable and has its name; readers see it; the head forgets what is
//! in it; a checkpoint without it is durable; the log before the checkpoint goes. A start takes from the log what is not
//! before the end of the newest block, so that a death in between leaves nothing twice and nothing out.

mod blocks;
mod head;
mod out_of_order;
mod overlaps;
pub(crate) mod plan;
mod retention;

#[cfg(test)]
mod blocks_tests;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use parking_lot::Mutex;

use crate::block::Ulid;
use crate::clock::Clock;
use crate::error::TsdbError;
use crate::fs::Fs;
use crate::local::Local;
use crate::snapshot;
use crate::upkeep::Due;
use crate::wal::read::Position;
use crate::wal::write::WalOptions;

/// What a compaction did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Blocks that were made, oldest first: those of the head, those of samples out of order, those made of blocks.
    pub created: Vec<Ulid>,
}

/// Compacts one tenant's head; one compaction at a time.
pub(crate) struct Compactor {
    pub(crate) fs: Arc<dyn Fs>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) dir: PathBuf,
    pub(crate) wal: WalOptions,
    pub(crate) range_ms: i64,
    /// Lengths of blocks, see [`plan::ranges`].
    pub(crate) ranges: Vec<i64>,
    pub(crate) retention_ms: i64,
    /// Whether blocks may be there that nobody is shown, see [`Self::remove_expired`].
    pub(crate) hides_blocks: AtomicBool,
    pub(crate) running: Mutex<()>,
}

impl Compactor {
    /// Writes blocks while the head spans more than one and a half ranges, then blocks as longer ones.
    pub(crate) fn compact(&self, local: &Local) -> Result<Compacted, TsdbError> {
        let _running = self.running.lock();
        // Full chunks need not be written to have them in a block: should that fail, it is told in the end.
        let mapped = local.head().map_chunks();
        let compacted = self.compact_head(local)?;
        mapped.map(|_| compacted)
    }

    fn compact_head(&self, local: &Local) -> Result<Compacted, TsdbError> {
        let mut compacted = Compacted::default();
        // Up to what there is now: while samples come fast, there would always be more to do.
        let newest_t = newest_t(local);
        let ends = std::iter::from_fn(|| self.next_end(local, newest_t));
        let mut any = false;
        for end in ends {
            self.head_to_block(local, end, &mut compacted)?;
            any = true;
        }
        if any {
            self.out_of_order_to_blocks(local, &mut compacted)?;
        }
        self.finish(local, &compacted)?;
        self.merge_blocks(local, &mut compacted)?;
        Ok(compacted)
    }

    /// Where the next block of the head ends, if the head spans enough for one.
    fn next_end(&self, local: &Local, newest_t: Option<i64>) -> Option<i64> {
        let (min_t, _) = local.head().time_range()?;
        let spans = newest_t?.saturating_sub(min_t);
        (spans > self.range_ms / 2 * 3).then(|| head::range_end(min_t, self.range_ms))
    }

    /// What there is to be done now. Does not wait for a compaction that is under way.
    pub(crate) fn due(&self, local: &Local) -> Due {
        Due {
            mapping: local.head().has_full_chunks(),
            compaction: self.next_end(local, newest_t(local)).is_some() || self.has_blocks_to_merge(local),
            removal: self.hides_blocks.load(Relaxed) || !self.expired(local).is_empty(),
        }
    }

    /// Writes everything that the head has to blocks. Samples up to the newest one are no longer in order from the beginning.
    pub(crate) fn flush(&self, local: &Local) -> Result<Compacted, TsdbError> {
        let _running = self.running.lock();
        let mut compacted = Compacted::default();
        if let Some((_, max_t)) = local.head().time_range() {
            self.flush_before(local, max_t.saturating_add(1), &mut compacted)?;
        }
        self.out_of_order_to_blocks(local, &mut compacted)?;
        self.finish(local, &compacted)?;
        Ok(compacted)
    }

    /// Writes a snapshot of a head that is closed, when no compaction changes it any more. One of the same end of the log is
    /// as good: a compaction removes those before it.
    pub(crate) fn write_snapshot(&self, local: &Local, end: Position) -> Result<(), TsdbError> {
        let _running = self.running.lock();
        if snapshot::newest(&*self.fs, &self.dir)?.is_some_and(|(_, of)| of == end) {
            return Ok(());
        }
        local.head().write_snapshot(&self.fs, &self.dir, end, self.wal)
    }

    fn flush_before(&self, local: &Local, boundary: i64, compacted: &mut Compacted) -> Result<(), TsdbError> {
        local.head().close_before(boundary);
        while let Some((min_t, _)) = local.head().time_range().filter(|(min_t, _)| *min_t < boundary) {
            let end = head::range_end(min_t, self.range_ms).min(boundary);
            self.head_to_block(local, end, compacted)?;
        }
        Ok(())
    }
}

/// Time of the head's newest sample.
fn newest_t(local: &Local) -> Option<i64> {
    local.head().time_range().map(|(_, max_t)| max_t)
}
